"""Passkeys of an authority's own people: enrolled by a one-time code, used to sign in, and taken away.

A passkey opens this node's pages and nothing else. Its private half never leaves the device. Every sign-in, enrolment
and removal is logged, and every answer of a known passkey that did not verify; what nobody's passkey signed names
nobody, and is not logged, so that a stranger cannot fill the log.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime

from audit.connection import Connection, Row
from audit.event import Action, Outcome
from federation.database import stamp
from federation.problems import ProblemRaised
from federation.state import StateError
from federation.web.ended_sessions import end_sessions_of
from federation.web.tickets import TicketInvalid, spend_ticket
from federation.webauthn import (
    Assertion,
    Ceremony,
    Credential,
    WebAuthnRefused,
    decode_base64url,
    encode_base64url,
    restate,
    verify_assertion,
)
from node.people import Person
from node.service import Node

MOST_PASSKEYS = 8
"""How many passkeys one person may have."""


@dataclass(frozen=True)
class KeptPasskey:
    """One person's passkey: what they call it, and the credential as it stood when it was used last."""

    person: str
    name: str
    credential: Credential
    handle: str
    enrolled_at: str
    used_at: str

    @property
    def id(self) -> str:
        """The credential's id as forms and commands write it."""
        return encode_base64url(self.credential.id)


def list_passkeys(node: Node, person_id: str) -> tuple[KeptPasskey, ...]:
    """Return a person's passkeys, oldest first."""
    query = "SELECT * FROM passkeys WHERE person = ? ORDER BY enrolled_at, credential"
    return tuple(_read_row(row) for row in node.database.connection.execute(query, (person_id,)))


def _read_row(row: Row) -> KeptPasskey:
    credential = Credential(
        decode_base64url(row["credential"]),
        decode_base64url(row["public_key"]),
        row["sign_count"],
        bool(row["backup_eligible"]),
        bool(row["backed_up"]),
    )
    return KeptPasskey(row["person"], row["name"], credential, row["handle"], row["enrolled_at"], row["used_at"])


def enrol_passkey(node: Node, person: Person, name: str, credential: Credential, handle: str, ticket: bytes) -> None:
    """Keep a passkey that its registration has been verified of. Raises a 400 problem where it cannot be one more, and
    `TicketInvalid`.
    """
    now = stamp(node.clock())
    with node.database.transaction() as connection:
        spend_ticket(connection, ticket, node.clock())
        _check_room(connection, person.id, credential)
        row = (encode_base64url(credential.id), person.id, name, encode_base64url(credential.public_key), handle)
        states = (credential.sign_count, bool(credential.backup_eligible), credential.backed_up)
        connection.execute("INSERT INTO passkeys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '')", (*row, *states, now))
        actor, backed_up = f"{person.id} ({person.role})", credential.backed_up
        entry = node.event(Action.PASSKEY_ENROLLED, actor, "", passkey=short_id(row[0]), backed_up=backed_up)
        node.database.log.append(connection, entry)


def _check_room(connection: Connection, person_id: str, credential: Credential) -> None:
    place = encode_base64url(credential.id)
    if connection.execute("SELECT 1 FROM passkeys WHERE credential = ?", (place,)).fetchone():
        raise ProblemRaised(400, "passkey_known", "this passkey is enrolled already: sign in with it")
    (known,) = connection.execute("SELECT COUNT(*) FROM passkeys WHERE person = ?", (person_id,)).fetchone()
    if known >= MOST_PASSKEYS:
        raise ProblemRaised(400, "passkeys_full", f"{MOST_PASSKEYS} passkeys are enrolled: remove one that is not used")


def sign_in_by_passkey(node: Node, named: str, handle: str, assertion: Assertion, ceremony: Ceremony) -> Person:
    """Return the person whose passkey answered a ticket that the caller has checked. Raises a 403 problem.

    The ticket is used up, and the passkey's counter moved, in the transaction of the log's entry.
    """
    with node.database.transaction() as connection:
        row = connection.execute("SELECT * FROM passkeys WHERE credential = ?", (named,)).fetchone()
        if row is None:
            raise _refusal()
        kept, reason, person = _read_row(row), "", None
        try:
            spend_ticket(connection, ceremony.challenge, node.clock())
            person = _find_owner(node, kept, handle, assertion, ceremony)
            _keep_state(connection, kept, assertion, node.clock())
        except (WebAuthnRefused, TicketInvalid, StateError) as refused:
            reason = str(refused)
        outcome = Outcome.REFUSED if person is None else Outcome.DONE
        _log_sign_in(node, connection, kept, outcome, reason)
    if person is None:
        raise _refusal()
    return person


def _find_owner(node: Node, kept: KeptPasskey, handle: str, assertion: Assertion, ceremony: Ceremony) -> Person:
    verify_assertion(assertion, kept.credential, ceremony)
    if not hmac.compare_digest(handle.encode(), kept.handle.encode()):
        raise WebAuthnRefused("the passkey was made for somebody else")
    return node.find_person(kept.person)


def _keep_state(connection: Connection, kept: KeptPasskey, assertion: Assertion, now: datetime) -> None:
    state = restate(kept.credential, assertion)
    connection.execute(
        "UPDATE passkeys SET sign_count = ?, backed_up = ?, used_at = ? WHERE credential = ?",
        (state.sign_count, state.backed_up, stamp(now), kept.id),
    )


def _log_sign_in(node: Node, connection: Connection, kept: KeptPasskey, outcome: Outcome, reason: str) -> None:
    entry = node.event(
        Action.SIGNIN, kept.person, "", outcome=outcome, means="passkey", passkey=short_id(kept.id), reason=reason
    )
    node.database.log.append(connection, entry)


def remove_passkey(node: Node, person_id: str, passkey_id: str, actor: str) -> None:
    """Take one of a person's passkeys away, and end all their sessions: one may be that of whoever has the device now.

    Raises a 404 problem for one that they have not got.
    """
    with node.database.transaction() as connection:
        removed = connection.execute(
            "DELETE FROM passkeys WHERE person = ? AND credential = ?", (person_id, passkey_id)
        )
        if removed.rowcount != 1:
            raise ProblemRaised(404, "passkey_unknown", "there is no such passkey: it may have been removed already")
        end_sessions_of(connection, person_id)
        entry = node.event(Action.PASSKEY_REMOVED, actor, "", person=person_id, passkey=short_id(passkey_id))
        node.database.log.append(connection, entry)


def short_id(passkey_id: str) -> str:
    """Return what the log calls a passkey: enough to tell a person's few apart."""
    return passkey_id[:12]


def _refusal() -> ProblemRaised:
    """What everybody is told whose passkey is of no use, whatever the reason; the log has it."""
    return ProblemRaised(
        403, "passkey_refused", "this passkey does not sign you in here: try again, or ask for a sign-in link"
    )


def forget_predecessor(node: Node, person_id: str) -> None:
    """Take every passkey away, and end every session, that somebody who had this id before has left behind."""
    with node.database.transaction() as connection:
        end_sessions_of(connection, person_id)
    for kept in list_passkeys(node, person_id):
        remove_passkey(node, person_id, kept.id, node.party.member_id)


def take_passkey_away(node: Node, person_id: str, shown: str) -> None:
    """Take a person's passkey away by the id that the list shows. Raises `StateError` for one that is not theirs."""
    found = [kept for kept in list_passkeys(node, person_id) if short_id(kept.id) == shown]
    if len(found) != 1:
        raise StateError(f"{person_id} has no passkey {shown}: circe node passkeys lists them")
    remove_passkey(node, person_id, found[0].id, node.party.member_id)


def describe_passkeys(node: Node, person_id: str) -> str:
    """Return a person's passkeys as a table, by the ids by which they are taken away. Raises `StateError`."""
    node.find_person(person_id)
    lines = [f"{'id':<12}  {'enrolled':<10}  {'last used':<10}  name"]
    for kept in list_passkeys(node, person_id):
        used = kept.used_at[:10] or "not yet"
        lines.append(f"{short_id(kept.id):<12}  {kept.enrolled_at[:10]:<10}  {used:<10}  {kept.name}")
    return "\n".join(lines)
