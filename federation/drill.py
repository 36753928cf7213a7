"""The drill of a revocation: all that a member's key touched, as the audit logs tell it, before anything is signed.

What is listed, from each log that is given, verified first:

     acted        the member is who acted
     named        a detail of the entry names the member, alone or among others
     its people   somebody acted for the authority that the member, a node, serves
     followed     the entry has the id of a query or lookup of which the member acted in any of these logs

Beside it stands what revoking would leave behind: authorities without a node, organisations without an approver, and
rosters with fewer operators. Nothing here reads a database but for its log, and a log names no child.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audit.connection import Connection
from audit.entry import Entry
from audit.event import Action, AuditEvent, Detail
from audit.log import one_view, read_entry_rows
from audit.state import open_state_log, read_key
from audit.verifier import verify_log
from federation.register import Member, MemberKind, Register

OPEN_ENDED = frozenset({Action.QUERY_DRAFTED, Action.QUERY_SUBMITTED, Action.QUERY_APPROVED, Action.QUERY_OFFERED})
"""What a hub's log says last of a query that is still on its way: its signatures are looked at again."""

ENDS = frozenset(
    {
        Action.QUERY_RELEASED,
        Action.QUERY_EXPIRED,
        Action.QUERY_UNFINISHED,
        Action.QUERY_WITHHELD,
        Action.QUERY_WITHDRAWN,
        Action.QUERY_DECLINED,
    }
)
"""What it says of one that has come to an end."""


CHANGES = frozenset({Action.MEMBER_ENROLLED, Action.MEMBER_ROTATED, Action.MEMBER_REVOKED})
"""Entries about a member in a version of the register: they have to do with nobody but the member they name."""

REGISTER = CHANGES | {Action.REGISTER_ADOPTED}
"""Entries whose reference is a version of the register: what else came with it has nothing to do with a key."""


@dataclass(frozen=True)
class Touch:
    """One entry of one log, and how the member's key has to do with it."""

    log: str
    entry: int
    at: datetime
    action: str
    outcome: str
    reference: str
    how: str


@dataclass(frozen=True)
class Drill:
    """What a key touched, which queries are on their way, and what its end would leave behind."""

    touched: tuple[Touch, ...]
    open_queries: tuple[str, ...]
    consequences: tuple[str, ...]


@dataclass(frozen=True)
class Logged:
    """One entry of one log, as an event."""

    log: str
    entry: int
    event: AuditEvent


class VerifiedLogs:
    """The entries of logs that were verified, each log's oldest first.

    They are read from the logs each time that they are gone through, since no memory need have room for a whole log.
    """

    def __init__(self, logs: Sequence[tuple[str, Connection]]) -> None:
        self._logs = logs

    def __iter__(self) -> Iterator[Logged]:
        for name, connection in self._logs:
            for entry in (Entry(*row) for row in read_entry_rows(connection)):
                if entry.deleted_by is None:
                    yield Logged(name, entry.index, entry.to_event())


@contextmanager
def open_verified(states: Iterable[Path]) -> Iterator[VerifiedLogs]:
    """Verify the logs of state directories, and hold them open to be gone through.

    Raises `LogUnreadable` and `LogBroken` for one that cannot be believed.
    """
    logs: list[tuple[str, Connection]] = []
    with ExitStack() as opened:
        for state in states:
            key, connection = read_key(state), opened.enter_context(closing(open_state_log(state)))
            # What is read is what was verified: whoever writes meanwhile adds entries for the next time.
            opened.enter_context(one_view(connection))
            verify_log(connection, key.name, key.public_key)
            logs.append((key.name, connection))
        yield VerifiedLogs(logs)


def rehearse_revocation(member: Member, register: Register, states: Sequence[Path], now: datetime) -> Drill:
    """Return what would be looked into if a member were revoked now; signs and changes nothing.

    Raises `LogUnreadable` and `LogBroken` for a state directory whose log cannot be believed.
    """
    with open_verified(states) as logged:
        followed = follow(logged, lambda event: relate(member, event))
        touched = tuple(describe_touch(entry, how) for entry, how in followed)
        references = {entry.event.reference for entry, how in followed if entry.event.action not in REGISTER} - {""}
        return Drill(touched, find_open(logged, references), tuple(list_consequences(member, register, now)))


def follow(logged: Iterable[Logged], how_related: Callable[[AuditEvent], str]) -> list[tuple[Logged, str]]:
    """Return what is related by itself, and what else happened to the same queries and lookups, in order of time.

    What is given is gone through twice, and has to be the same both times.
    """
    references = {
        entry.event.reference
        for entry in logged
        if entry.event.reference and entry.event.action not in REGISTER and how_related(entry.event)
    }
    found = []
    for entry in logged:
        how = how_related(entry.event) or ("followed" if entry.event.reference in references else "")
        if how:
            found.append((entry, how))
    return sorted(found, key=lambda each: (each[0].event.at, each[0].log, each[0].entry))


def relate(member: Member, event: AuditEvent) -> str:
    """Return how a member has to do with an event by itself, or nothing."""
    if event.actor == member.id and event.action not in CHANGES:
        return "acted"
    if event.reference == member.id or any(_names(member, detail) for detail in event.details.values()):
        return "named"
    codes = {served.code for served in member.authorities}
    return "its people" if event.acting_for in codes else ""


def _names(member: Member, detail: Detail) -> bool:
    """Whether a detail is the member's id, or a list of several, which are written with spaces between them."""
    return isinstance(detail, str) and member.id in detail.split()


def describe_touch(entry: Logged, how: str) -> Touch:
    """Return an entry as a drill lists it."""
    event = entry.event
    return Touch(entry.log, entry.entry, event.at, event.action, event.outcome, event.reference, how)


def find_open(logged: Iterable[Logged], references: set[str]) -> tuple[str, ...]:
    """Return the queries among these of which a log has a beginning and no log has an end."""
    begun, ended = set(), set()
    for entry in logged:
        event = entry.event
        if event.reference in references and event.action in OPEN_ENDED:
            begun.add(event.reference)
        elif event.action in ENDS:
            ended.add(event.reference)
    return tuple(sorted(begun - ended))


def list_consequences(member: Member, register: Register, now: datetime) -> Iterator[str]:
    """Yield, in plain words, what a member's end would leave the federation without."""
    others = [other for kind in MemberKind for other in register.active(kind, now) if other.id != member.id]
    if authority := member.authority(now):
        yield f"authority {authority} has no node until another is enrolled: {member.id} is in no further roster"
        before, after = (len({node.operator for node in _nodes(each)}) for each in ([*others, member], others))
        yield (
            f"rosters have {after} operators where they had {before}"
            if after < before
            else (f"rosters have {after} operators as before: {member.operator} runs other nodes")
        )
    if member.kind is MemberKind.APPROVER:
        yield f"queries that {member.id} approved, and that are not answered yet, need another approval"
        if not any(_approves_for(other, member.organisation) for other in others):
            yield f"{member.organisation} has no approver left"
    elif member.kind is not MemberKind.NODE:
        yield f"queries that {member.id} signed, and that are not answered yet, are refused from then on"
    if member.kind is MemberKind.HUB:
        yield "nothing else stops: members trust the hub with nothing but delivery"


def _nodes(members: Iterable[Member]) -> list[Member]:
    return [member for member in members if member.kind is MemberKind.NODE]


def _approves_for(member: Member, organisation: str) -> bool:
    return member.kind is MemberKind.APPROVER and member.organisation == organisation
