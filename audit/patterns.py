"""Unusual patterns in a log: what an information governance officer would want to be shown, each with its reason.

A finding is no accusation. Somebody who works on a Sunday, or looks three times for a child who is not there, may have
every reason; the officer asks. Each pattern is a function from the entries in their order to what it finds, and a line
of the table at the end; limits are in one place. Everything here reads what the log says, never data.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from audit.event import Action, AuditEvent, Outcome

LONDON = ZoneInfo("Europe/London")

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True)
class Limits:
    """From where on something is unusual; an authority may know its own people better."""

    first_hour: int = 7
    last_hour: int = 20
    children_an_hour: int = 100
    days_before_a_new_relationship: int = 5
    same_searches: int = 4
    alike_queries: int = 5
    empty_searches: int = 3
    refusals: int = 3
    refused_pages: int = 4
    people_a_child: int = 5
    times_a_child: int = 10
    failed_signins: int = 5
    export_within: timedelta = timedelta(minutes=30)
    asleep: timedelta = timedelta(days=90)
    policy_before_lookup: timedelta = DAY


@dataclass(frozen=True)
class Numbered:
    """An event with the number of its entry."""

    index: int
    event: AuditEvent


@dataclass(frozen=True)
class Finding:
    """What a pattern found: at which entry, by whom, and in words why it is shown."""

    pattern: str
    index: int
    at: datetime
    actor: str
    text: str


Log = Sequence[Numbered]
Found = Iterator[tuple[Numbered, str]]

LOOKS = frozenset({Action.LOOKUP_ASKED, Action.LOOKUP_RECEIVED, Action.CHILDREN_LISTED})
"""What shows children to somebody here, or asks to."""

ELSEWHERE = frozenset({Action.LOOKUP_ANSWERED, Action.CLAIM_ANSWERED})
"""What somebody at another authority was told here; its entries have them under the name that they have there."""

SHOWN = LOOKS | {Action.LOOKUP_ANSWERED}
"""What shows children to anybody: to people of ours, or by an answer of ours to people of another authority."""

EXPORTS = frozenset({Action.AUDIT_EXPORTED, Action.FILE_EXPORTED})
"""What is a copy by itself; of other acts the details say whether one was taken."""

POLICY_CHANGES = frozenset({Action.POLICY_CHANGED, Action.POLICY_ADOPTED})

CHANGES = frozenset({Action.TRACKING_UPDATED, Action.DELEGATION_GIVEN, Action.HANDOVER_OFFERED})


def is_copy(event: AuditEvent) -> bool:
    """Whether a copy was taken away."""
    return event.action in EXPORTS or event.details.get("copied") is True


def find_own_surname(log: Log, _: Limits) -> Found:
    """A child of the searcher's own surname was looked for."""
    for each in log:
        if each.event.action is Action.LOOKUP_ASKED and each.event.details.get("own_surname") is True:
            yield each, "looked for a child of their own surname"


def find_out_of_hours(log: Log, limits: Limits) -> Found:
    """Children were looked at early, late or at the weekend, as clocks in England show it; once for each night."""
    for each in _first_of_each(_of(log, LOOKS | CHANGES), lambda one: (one.event.actor, _night(one.event.at, limits))):
        local = each.event.at.astimezone(LONDON)
        if local.weekday() >= 5 or not limits.first_hour <= local.hour < limits.last_hour:
            yield each, f"at {local:%H:%M} on a {local:%A}"


def _night(at: datetime, limits: Limits) -> tuple[object, bool]:
    local = at.astimezone(LONDON)
    return local.date(), limits.first_hour <= local.hour < limits.last_hour


def find_bulk(log: Log, limits: Limits) -> Found:
    """One person, of ours or of another authority, was shown very many children within an hour."""
    for entries in _grouped(_with_child(log), _person):
        for last, within in _windows(entries, HOUR):
            children = len({each.event.subject for each in within})
            if children >= limits.children_an_hour:
                yield last, f"{children} children within an hour"
                break


def find_new_relationship(log: Log, limits: Limits) -> Found:
    """Somebody who has long used some relationships to children uses another one for the first time."""
    for entries in _by_actor(each for each in _of(log, LOOKS) if each.event.relationship):
        known: set[str] = set()
        days: set[object] = set()
        for each in entries:
            relationship = each.event.relationship
            if relationship not in known and len(days) >= limits.days_before_a_new_relationship:
                yield each, f"by the relationship {relationship}, never before on {len(days)} days"
            known.add(relationship)
            days.add(each.event.at.date())


def find_repeated_searches(log: Log, limits: Limits) -> Found:
    """The same was asked again and again within an hour."""
    asked = [each for each in log if each.event.action is Action.LOOKUP_ASKED]
    for entries in _grouped(asked, _what_was_asked):
        yield from _bursts(entries, HOUR, limits.same_searches, "the same lookup {} times within an hour")


def _what_was_asked(each: Numbered) -> tuple[object, ...]:
    """Who asked for what: of one child, the log has a token of whatever the child was sought by."""
    event = each.event
    return event.actor, event.purpose, event.details.get("kind"), event.details.get("sought")


def find_alike_queries(log: Log, limits: Limits) -> Found:
    """Questions that differ in their numbers alone, one after the other: as if to subtract them from each other."""
    drafted = [each for each in log if each.event.action is Action.QUERY_DRAFTED]
    for entries in _grouped(drafted, lambda each: (each.event.actor, _without_digits(each.event.purpose))):
        yield from _bursts(entries, DAY, limits.alike_queries, "{} nearly identical questions within a day")


def _without_digits(text: str) -> str:
    return " ".join("".join(letter for letter in text.casefold() if not letter.isdigit()).split())


def find_empty_searches(log: Log, limits: Limits) -> Found:
    """Search after search found nobody: as if names were tried."""
    empty = [
        each
        for each in log
        if each.event.action is Action.LOOKUP_RECEIVED
        and each.event.details.get("children") == 0
        and "missing" in each.event.details
    ]
    for entries in _by_actor(empty):
        yield from _bursts(entries, HOUR, limits.empty_searches, "{} searches without a result within an hour")


def find_emergencies(log: Log, _: Limits) -> Found:
    """Access was claimed as an emergency: every one is looked at afterwards, at both ends."""
    for each in log:
        claimed = each.event.action in (Action.LOOKUP_ASKED, Action.LOOKUP_ANSWERED)
        if claimed and each.event.details.get("kind") == "emergency":
            yield each, "claimed as an emergency"


def find_export_after_lookup(log: Log, limits: Limits) -> Found:
    """A copy was taken away soon after children were looked at."""
    for entries in _by_actor(log):
        seen: datetime | None = None
        for each in entries:
            if is_copy(each.event):
                if seen is not None and each.event.at - seen <= limits.export_within:
                    yield each, "a copy was written soon after a lookup"
                seen = None
            elif each.event.action in LOOKS:
                seen = each.event.at


def find_refused_again(log: Log, limits: Limits) -> Found:
    """Somebody was refused several times within an hour: as if trying what would be let through."""
    refused = [each for each in log if each.event.outcome is Outcome.REFUSED and each.event.action in SHOWN]
    for entries in _grouped(refused, _person):
        yield from _bursts(entries, HOUR, limits.refusals, "refused {} times within an hour")


def find_refused_pages(log: Log, limits: Limits) -> Found:
    """Somebody was refused one page after another within an hour: as if trying which of them open."""
    refused = [each for each in log if each.event.action is Action.PAGE_REFUSED]
    for entries in _by_actor(refused):  # The log has each page once a day.
        yield from _bursts(entries, HOUR, limits.refused_pages, "{} pages refused within an hour")


def find_watched_child(log: Log, limits: Limits) -> Found:
    """Many different people looked at one child within a day: as when a child is in the news."""
    for entries in _by_child(log):
        for last, within in _windows(entries, DAY):
            people = len({_person(each) for each in within})
            if people >= limits.people_a_child:
                yield last, f"{people} people looked at one child within a day"
                break


def find_again_and_again(log: Log, limits: Limits) -> Found:
    """One person came back to one child again and again within a week."""
    for entries in _grouped(_with_child(log), lambda each: (_person(each), each.event.subject)):
        yield from _bursts(entries, 7 * DAY, limits.times_a_child, "one child {} times within a week")


def find_failed_signins(log: Log, limits: Limits) -> Found:
    """Somebody failed to sign in again and again: perhaps it is not they who try."""
    failed = [
        each
        for each in log
        if each.event.action is Action.SIGNIN and each.event.outcome in (Outcome.REFUSED, Outcome.FAILED)
    ]
    for entries in _by_actor(failed):
        yield from _bursts(entries, HOUR, limits.failed_signins, "{} failed sign-ins within an hour")


def find_sleepers(log: Log, limits: Limits) -> Found:
    """Somebody who had long done nothing looks at children: a leaver's account, perhaps."""
    # Whom another authority calls by the same name is no sign of ours.
    for entries in _by_actor(each for each in log if each.event.action not in ELSEWHERE):
        for before, each in pairwise(entries):
            if each.event.action in LOOKS and each.event.at - before.event.at >= limits.asleep:
                yield each, f"after {(each.event.at - before.event.at).days} days without a sign of them"


def find_policy_before_lookup(log: Log, limits: Limits) -> Found:
    """Whoever changed the policy looks at children soon after."""
    for entries in _by_actor(log):
        changed: datetime | None = None
        for each in entries:
            if each.event.action in POLICY_CHANGES:
                changed = each.event.at
            elif changed and each.event.action in LOOKS and each.event.at - changed <= limits.policy_before_lookup:
                yield each, "looked up soon after changing the access policy"
                changed = None


def find_own_log_read(log: Log, _: Limits) -> Found:
    """Somebody searched the log for themselves: as if to see whether they are seen."""
    for each in log:
        searched = each.event.details.get("searched.actor")
        # An actor of a node's log is named with their role: "ig (ig_officer)".
        own = {each.event.actor, each.event.actor.partition(" (")[0]}
        if each.event.action is Action.AUDIT_READ and searched in own:
            yield each, "searched the log for their own entries"


@dataclass(frozen=True)
class Pattern:
    """One unusual pattern: its name, what it is in words, and how it is found."""

    name: str
    find: Callable[[Log, Limits], Found]

    @property
    def meaning(self) -> str:
        """What is unusual, in a sentence."""
        return (self.find.__doc__ or "").strip()


PATTERNS: tuple[Pattern, ...] = (
    Pattern("own_surname", find_own_surname),
    Pattern("out_of_hours", find_out_of_hours),
    Pattern("bulk", find_bulk),
    Pattern("new_relationship", find_new_relationship),
    Pattern("repeated_searches", find_repeated_searches),
    Pattern("alike_queries", find_alike_queries),
    Pattern("empty_searches", find_empty_searches),
    Pattern("emergency", find_emergencies),
    Pattern("export_after_lookup", find_export_after_lookup),
    Pattern("refused_again", find_refused_again),
    Pattern("refused_pages", find_refused_pages),
    Pattern("watched_child", find_watched_child),
    Pattern("again_and_again", find_again_and_again),
    Pattern("failed_signins", find_failed_signins),
    Pattern("sleeper", find_sleepers),
    Pattern("policy_before_lookup", find_policy_before_lookup),
    Pattern("own_log_read", find_own_log_read),
)
"""Every pattern, in the order in which they are shown."""


def find_patterns(log: Log, limits: Limits | None = None) -> list[Finding]:
    """Return what every pattern finds in the entries, oldest first, newest finding first."""
    found = [
        Finding(pattern.name, each.index, each.event.at, each.event.actor, text + _say_where(each.event))
        for pattern in PATTERNS
        for each, text in pattern.find(log, limits or Limits())
    ]
    return sorted(found, key=lambda finding: (-finding.index, finding.pattern))


# --- How entries are put together ------------------------------------------------------------------------------------


def _of(log: Iterable[Numbered], actions: frozenset[Action]) -> list[Numbered]:
    return [each for each in log if each.event.action in actions]


def _with_child(log: Iterable[Numbered]) -> list[Numbered]:
    return [each for each in _of(log, SHOWN) if each.event.subject]


def _person(each: Numbered) -> tuple[str, str]:
    """Who did it: whom another authority calls by the name of one of ours, or of a third's, is somebody else."""
    return each.event.acting_for if each.event.action in ELSEWHERE else "", each.event.actor


def _say_where(event: AuditEvent) -> str:
    return f", told to authority {event.acting_for}" if event.action in ELSEWHERE and event.acting_for else ""


def _grouped(log: Iterable[Numbered], key: Callable[[Numbered], object]) -> Iterable[list[Numbered]]:
    groups: dict[object, list[Numbered]] = defaultdict(list)
    for each in log:
        groups[key(each)].append(each)
    return groups.values()


def _by_actor(log: Iterable[Numbered]) -> Iterable[list[Numbered]]:
    return _grouped(log, lambda each: each.event.actor)


def _by_child(log: Iterable[Numbered]) -> Iterable[list[Numbered]]:
    return _grouped(_with_child(log), lambda each: each.event.subject)


def _first_of_each(log: Iterable[Numbered], key: Callable[[Numbered], object]) -> Iterator[Numbered]:
    for entries in _grouped(log, key):
        yield entries[0]


def _windows(entries: Sequence[Numbered], span: timedelta) -> Iterator[tuple[Numbered, Sequence[Numbered]]]:
    """Yield each entry with those up to it that lie within a span of time before."""
    first = 0
    for last, each in enumerate(entries):
        while each.event.at - entries[first].event.at > span:
            first += 1
        yield each, entries[first : last + 1]


def _bursts(entries: Sequence[Numbered], span: timedelta, least: int, words: str) -> Found:
    """Find the first time that so many entries lie within a span; then begin to count anew."""
    recent: list[Numbered] = []
    for each in entries:
        recent = [one for one in recent if each.event.at - one.event.at <= span] + [each]
        if len(recent) >= least:
            yield each, words.format(len(recent))
            recent = []
