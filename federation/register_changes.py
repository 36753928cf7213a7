"""What a newer register changed: whose keys entered, whose were replaced, whose were withdrawn.

Whoever keeps an audit log writes it there as it takes the register into use: so its log tells whose signatures counted
at any moment, and by which key.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from audit.event import Action, AuditEvent
from federation.database import Database, open_shared_database
from federation.enrolment import fingerprint
from federation.members import Member
from federation.register import Register
from federation.state import LOG_KEY_FILE, Party


@dataclass(frozen=True)
class Change:
    """One member's keys: enrolled, rotated or revoked, and which keys are meant."""

    action: Action
    member: Member

    @property
    def key(self) -> str:
        """The fingerprint of the signing key that came, or of the one that went."""
        return fingerprint(self.member.public_signing_key)


def list_changes(before: Register | None, after: Register) -> Iterator[Change]:
    """Yield what changed from one register to the next, in the register's order; from none, everybody has entered."""
    known = {member.id: member for member in before.members} if before else {}
    for member in after.members:
        was = known.pop(member.id, None)
        is_new = was is None or was.revoked
        if member.revoked:
            if not is_new:
                yield Change(Action.MEMBER_REVOKED, member)
        elif is_new:
            yield Change(Action.MEMBER_ENROLLED, member)
        elif was is not None and _keys(was) != _keys(member):
            yield Change(Action.MEMBER_ROTATED, member)
    for gone in known.values():
        if not gone.revoked:  # Left out altogether: it comes to the same.
            yield Change(Action.MEMBER_REVOKED, gone)


def _keys(member: Member) -> tuple[object, ...]:
    return member.signing_key, member.sealing_key, member.log_key, member.passkeys


def describe_adoption(before: Register | None, after: Register, adopter: str, at: datetime) -> list[AuditEvent]:
    """Return what the log of a party has of a register that it takes into use: each change, and that it does."""
    changes = [
        AuditEvent(
            at=at,
            actor=adopter,
            action=change.action,
            reference=name_version(after),
            details={"member": change.member.id, "kind": str(change.member.kind), "key": change.key},
        )
        for change in list_changes(before, after)
    ]
    details = {"members": len(after.members), "changes": len(changes)}
    adopted = AuditEvent(
        at=at, actor=adopter, action=Action.REGISTER_ADOPTED, reference=name_version(after), details=details
    )
    return [*changes, adopted]


def name_version(register: Register) -> str:
    """Return how logs refer to a version of the register."""
    return f"register-{register.version}"


def adopt_and_record(party: Party, database: Database, data: bytes, now: datetime) -> Register:
    """Take a register into use as `Party.adopt_register` does, once the party's log says what it changes."""

    def record(before: Register | None, after: Register) -> None:
        with database.transaction() as connection:
            database.log.append(connection, *describe_adoption(before, after, party.member_id, now))

    return party.adopt_register(data, now, record)


def adopt_handed_over(party: Party, data: bytes, now: datetime) -> Register:
    """Take into use a register that came by another way than the hub's; a party that keeps a log has it there, too."""
    if not (party.directory / LOG_KEY_FILE).exists():
        return party.adopt_register(data, now)
    with closing(open_shared_database(party)) as database:
        return adopt_and_record(party, database, data, now)
