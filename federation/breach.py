"""A breach, or the drill of one: all that a stolen key or account touched in a span of time.

What was stolen is a member of the register, one of its keys (by its public text or the fingerprint that `circe member
list` shows; a former key or a passkey included), or a person at a node. What it touched is read from the logs that are
given, as `federation.drill` reads them. `federation.breach_notice` says what to do, and drafts the notice.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.event import Action, AuditEvent, Outcome
from audit.holds import is_by
from audit.patterns import LOOKS, is_copy
from federation.drill import Logged, Touch, describe_touch, follow, relate
from federation.enrolment import fingerprint
from federation.envelope import decode_base64
from federation.register import Member, Register
from federation.state import StateError

POWERS = frozenset({Action.POLICY_CHANGED, Action.POLICY_ADOPTED, Action.QUERY_APPROVED})
POWERS |= {Action.DELEGATION_GIVEN, Action.PASSKEY_ENROLLED}
"""Acts that go on having effect after the key is gone: each is looked at by itself."""


@dataclass(frozen=True)
class Stolen:
    """What was stolen: a member and which of its keys, or a person at a node; in words, for the notice.

    `acts_for` is what a person's own acts are said to be for: a host's log has the people of other authorities as well,
    under ids that those chose. Where it is empty, every act under the id is theirs.
    """

    words: str
    member: Member | None = None
    person: str = ""
    acts_for: frozenset[str] = frozenset()

    def relate(self, event: AuditEvent) -> str:
        """Return how an event has to do with it by itself, or nothing."""
        if self.member is not None and (how := relate(self.member, event)):
            return how
        if self.person and is_by(event.actor, self.person) and self._is_ours(event):
            return "acted"
        return "named" if self.person and self.person in event.details.values() else ""

    def _is_ours(self, event: AuditEvent) -> bool:
        return not self.acts_for or event.acting_for in self.acts_for | {""}


@dataclass(frozen=True)
class Span:
    """From when to when it may have been used by somebody else; `until` is not included.

    Raises `StateError` for one that ends before it begins: that nothing was touched in it would say nothing.
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.until <= self.since:
            raise StateError("it ends before it begins: give a later day or moment until which it may have been used")

    def has(self, at: datetime) -> bool:
        """Whether a moment is within it."""
        return self.since <= at < self.until


@dataclass(frozen=True)
class Reach:
    """What was touched: the entries, and what they come to. Children are counted by the tokens of each log."""

    touched: tuple[Touch, ...]
    acts: tuple[tuple[str, int], ...]
    children: int
    fields: tuple[str, ...]
    organisations: tuple[str, ...]
    copies: int
    powers: tuple[Touch, ...]


def find_stolen(register: Register, *, member: str = "", key: str = "", person: str = "", at: str = "") -> Stolen:
    """Return what is named by just one of these; a person is one of the node `at`.

    Raises `StateError` for none, several, or one that is nowhere.
    """
    if [bool(member), bool(key), bool(person)].count(True) != 1:
        raise StateError("name one: a member, one of its keys, or a person at the node")
    if person:
        return Stolen(f"the account of {person}", person=person, acts_for=_list_acting_for(register, at))
    for each in register.members:
        if each.id == member:
            return Stolen(f"the keys of {each.id}, {each.kind} of {each.organisation}", each)
        for name, text in _list_keys(each):
            if key and key in (text, fingerprint(decode_base64(text))):
                return Stolen(f"the {name} of {each.id}, {each.kind} of {each.organisation}", each)
    raise StateError("the register has no such member or key: circe member list shows who is, and their keys")


def _list_acting_for(register: Register, node: str) -> frozenset[str]:
    """What the people of a node act for."""
    return frozenset(name for each in register.members if each.id == node for name in _names_of(each))


def _names_of(member: Member) -> tuple[str, ...]:
    """The authorities that a member, a node, serves or served, and its organisation."""
    return (*(one.code for one in member.authorities), member.organisation)


def _list_keys(member: Member) -> Iterator[tuple[str, str]]:
    yield "signing key", member.signing_key
    yield "sealing key", member.sealing_key
    yield "log key", member.log_key
    yield from (("former signing key", each.signing_key) for each in member.former_keys)
    yield from (("passkey", each.credential) for each in member.passkeys)


@dataclass(frozen=True)
class _Within:
    """The entries of a span, gone through as often as it takes."""

    logged: Iterable[Logged]
    span: Span

    def __iter__(self) -> Iterator[Logged]:
        return (entry for entry in self.logged if self.span.has(entry.event.at))


def find_reach(logged: Iterable[Logged], stolen: Stolen, span: Span, members: Iterable[Member] = ()) -> Reach:
    """Return what was touched within a span, and what else happened to those queries and lookups then.

    What is given is gone through twice; nothing of it is kept but what was touched. By `members`, those of the
    register, it is known of which organisation whoever acted is: a hub's log names them by their ids.
    """
    followed = follow(_Within(logged, span), stolen.relate)
    events = [entry.event for entry, _ in followed]
    shown = [(entry.log, entry.event) for entry, _ in followed if _tells_of_child(entry.event)]
    powers = [(entry, how) for entry, how in followed if how == "acted" and entry.event.action in POWERS]
    return Reach(
        touched=tuple(describe_touch(entry, how) for entry, how in followed),
        acts=tuple(sorted(Counter(str(event.action) for event in events).items())),
        children=len({(log, event.subject) for log, event in shown}),
        fields=tuple(sorted({name for _, event in shown for name in event.fields})),
        organisations=tuple(sorted(_list_organisations(followed, members))),
        copies=sum(map(is_copy, events)),
        powers=tuple(describe_touch(entry, how) for entry, how in powers),
    )


def _tells_of_child(event: AuditEvent) -> bool:
    done = event.outcome is Outcome.DONE
    return bool(event.subject) and done and event.action in LOOKS | {Action.LOOKUP_ANSWERED, Action.TRACKING_UPDATED}


def _list_organisations(followed: Sequence[tuple[Logged, str]], members: Iterable[Member]) -> set[str]:
    """Whoever asked, signed, answered or was told: other organisations than those whose logs these are."""
    known = {member.id: member for member in members}
    events, logs = [entry.event for entry, _ in followed], {entry.log for entry, _ in followed}
    ends = ("home", "host", "receiver")
    named = {str(event.details[name]) for event in events for name in ends if name in event.details}
    acted = {known[event.actor].organisation for event in events if event.actor in known}
    ours = {name for log in logs if log in known for name in _names_of(known[log])}
    return (named | acted | {event.acting_for for event in events}) - ours - {""}
