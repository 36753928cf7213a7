"""The access policy that was adopted last: the log says which, by its digest, and the database has its text.

A file in the node's directory puts nothing into force, whoever wrote it and wherever it came from: a policy counts by
the entry that adopted it. Its text is kept in the transaction of that entry, and is held against the digest whenever it
is read.
"""

import hashlib

from audit.connection import Connection
from audit.event import Action
from audit.log import read_entries
from policies.linter import Finding, PolicyInvalid


def digest_policy(text: bytes) -> str:
    """Return the digest by which the log names a policy's text."""
    return hashlib.sha256(text).hexdigest()


def keep_policy(connection: Connection, text: bytes) -> None:
    """Keep a policy's text, in the transaction of the entry that adopts it."""
    connection.execute("INSERT INTO adopted_policies VALUES (?, ?) ON CONFLICT DO NOTHING", (digest_policy(text), text))


def find_adopted(connection: Connection) -> str | None:
    """Return the digest of the policy that was adopted last, or None where none of the authority's own ever was."""
    newest = next(iter(read_entries(connection, action=Action.POLICY_ADOPTED, limit=1)), None)
    return None if newest is None else str(newest.to_event().details["digest"])


def read_adopted(connection: Connection, digest: str) -> bytes:
    """Return the text of an adopted policy. Raises `PolicyInvalid` where it is not what the log says was adopted."""
    row = connection.execute("SELECT text FROM adopted_policies WHERE digest = ?", (digest,)).fetchone()
    text = bytes(row["text"]) if row is not None else b""
    if digest_policy(text) != digest:
        raise PolicyInvalid((NOT_KEPT,))
    return text


NOT_KEPT = Finding(
    "the adopted policy",
    0,
    "is not kept here as the log says that it was adopted, and is not in force",
    "adopt it again with circe node policy compare FILE --adopt, and find out who changed the database",
)
