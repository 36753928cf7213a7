"""Files that somebody has sent in, kept for half an hour: until what they would change is done, or not."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from federation.database import stamp
from node.people import Person
from node.service import Node

KEPT_FOR = timedelta(minutes=30)

Files = Sequence[tuple[str, bytes]]


class UploadGone(Exception):
    """Nothing of that number is kept for this person: it is over, or was taken already."""


def keep_upload(node: Node, person: Person, files: Files) -> str:
    """Keep some files, each with its name, and return the number by which the person takes them up again."""
    upload_id, now = secrets.token_hex(16), node.clock()
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM tracking_uploads WHERE kept_at <= ? OR person = ?", _over(node, person))
        row = (upload_id, person.id, stamp(now), msgspec.msgpack.encode(files))
        connection.execute("INSERT INTO tracking_uploads VALUES (?, ?, ?, ?)", row)
    return upload_id


def find_upload(node: Node, person: Person, upload_id: str) -> Files:
    """Return what a person sent in. Raises `UploadGone`."""
    row = node.database.connection.execute(
        "SELECT files FROM tracking_uploads WHERE upload_id = ? AND person = ? AND kept_at > ?",
        (upload_id, person.id, _over(node, person)[0]),
    ).fetchone()
    if row is None:
        raise UploadGone("the files waited too long, or were taken in already: send them again")
    return msgspec.msgpack.decode(bytes(row["files"]), type=list[tuple[str, bytes]])


def forget_upload(node: Node, person: Person) -> None:
    """Delete what a person sent in."""
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM tracking_uploads WHERE kept_at <= ? OR person = ?", _over(node, person))


def _over(node: Node, person: Person) -> tuple[str, str]:
    return stamp(node.clock() - KEPT_FOR), person.id
