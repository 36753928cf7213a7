"""Each unusual pattern finds what was planted, and passes over what comes close to it and is usual."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from audit.commands import audit
from audit.event import Action, AuditEvent, Outcome, parse_event
from audit.pattern_reading import _read_event, read_findings
from audit.patterns import PATTERNS, Limits, Numbered, find_patterns

if TYPE_CHECKING:
    from tests.audit.conftest import Party

MONDAY = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ASKED, SEEN, LISTED = Action.LOOKUP_ASKED, Action.LOOKUP_RECEIVED, Action.CHILDREN_LISTED


def event(action: Action = SEEN, after: timedelta = 0 * HOUR, **members: object) -> AuditEvent:
    """Something that the virtual school head did on a Monday morning, or some time after it."""
    return AuditEvent(**{"at": MONDAY + after, "actor": "vsh", "action": action, **members})  # type: ignore[arg-type]


def child(number: int) -> str:
    return f"{number:032x}"


def looks(count: int, apart: timedelta, **members: object) -> list[AuditEvent]:
    """So many children looked at, one after the other."""
    return [event(SEEN, number * apart, subject=child(number), **members) for number in range(count)]


def searches(count: int, apart: timedelta, **members: object) -> list[AuditEvent]:
    return [event(ASKED, number * apart, **members) for number in range(count)]


def drafts(*purposes: str, apart: timedelta = HOUR) -> list[AuditEvent]:
    return [
        event(Action.QUERY_DRAFTED, number * apart, actor="ana", purpose=purpose)
        for number, purpose in enumerate(purposes)
    ]


def empties(count: int, apart: timedelta, children: int = 0) -> list[AuditEvent]:
    return [event(SEEN, number * apart, details={"children": children, "missing": 0}) for number in range(count)]


def signins(count: int, apart: timedelta, outcome: Outcome = Outcome.REFUSED) -> list[AuditEvent]:
    return [event(Action.SIGNIN, number * apart, outcome=outcome) for number in range(count)]


def refusals_of(pages: int, apart: timedelta) -> list[AuditEvent]:
    return [
        event(Action.PAGE_REFUSED, number * apart, outcome=Outcome.REFUSED, details={"page": f"GET /{number}"})
        for number in range(pages)
    ]


def watched(people: int, apart: timedelta) -> list[AuditEvent]:
    return [event(SEEN, number * apart, actor=f"person-{number}", subject=child(1)) for number in range(people)]


def relationships(days: int, then: str) -> list[AuditEvent]:
    return [*looks(days, DAY, relationship="home"), event(SEEN, days * DAY, subject=child(1), relationship=then)]


COPY = event(LISTED, 20 * MINUTE, details={"copied": True})

PLANTED: dict[str, list[AuditEvent]] = {
    "own_surname": [event(ASKED, details={"own_surname": True})],
    "out_of_hours": [event(SEEN, 13 * HOUR, subject=child(1))],
    "bulk": looks(100, timedelta(seconds=30)),
    "new_relationship": relationships(5, "host"),
    "repeated_searches": searches(4, 10 * MINUTE, purpose="Review", details={"kind": "one_child", "sought": child(1)}),
    "alike_queries": drafts(*(f"Attendance in year {year}" for year in (7, 8, 9, 10, 11))),
    "empty_searches": empties(3, 10 * MINUTE),
    "emergency": [event(ASKED, details={"kind": "emergency"})],
    "export_after_lookup": [event(SEEN, subject=child(1)), COPY],
    "refused_again": searches(3, 10 * MINUTE, outcome=Outcome.REFUSED),
    "refused_pages": refusals_of(4, 10 * MINUTE),
    "watched_child": watched(5, HOUR),
    "again_and_again": [event(SEEN, number * 6 * HOUR, subject=child(1)) for number in range(10)],
    "failed_signins": signins(5, 10 * MINUTE),
    "sleeper": [
        event(Action.SIGNIN),
        event(Action.LOOKUP_ANSWERED, 45 * DAY, acting_for="301", subject=child(2)),
        event(SEEN, 91 * DAY, subject=child(1)),
    ],
    "policy_before_lookup": [event(Action.POLICY_CHANGED), event(SEEN, 2 * HOUR, subject=child(1))],
    "own_log_read": [event(Action.AUDIT_READ, actor="ig (ig_officer)", details={"searched.actor": "ig"})],
}
"""What each pattern is to find, at its last entry."""

USUAL: dict[str, list[AuditEvent]] = {
    "own_surname": searches(3, HOUR, details={"kind": "one_child"}),
    "out_of_hours": [event(SEEN, 9 * HOUR, subject=child(1)), event(Action.SIGNIN, 13 * HOUR)],
    "bulk": looks(99, timedelta(seconds=30)),
    "new_relationship": [
        *relationships(4, "host"),
        *(replace(each, actor="other") for each in relationships(9, "home")),
    ],
    "repeated_searches": [
        *searches(3, 10 * MINUTE, purpose="Review", details={"kind": "one_child"}),
        *searches(3, 10 * MINUTE, purpose="Review", details={"kind": "placed_here"}),
        event(ASKED, 2 * HOUR, purpose="Review", details={"kind": "one_child"}),
        *(
            event(ASKED, number * MINUTE, purpose="Termly", details={"kind": "one_child", "sought": child(number)})
            for number in range(9)
        ),
    ],
    "alike_queries": [
        *drafts(*(f"Attendance in year {year}" for year in (7, 8, 9, 10))),
        *drafts("Exclusions", "Attainment", "Stability", "Progress", "Destinations"),
    ],
    "empty_searches": [*empties(2, 10 * MINUTE), *empties(5, MINUTE, children=1)],
    "emergency": [event(ASKED, details={"kind": "one_child"})],
    "export_after_lookup": [event(SEEN, subject=child(1)), event(LISTED, 31 * MINUTE, details={"copied": True})],
    "refused_again": searches(3, 31 * MINUTE, outcome=Outcome.REFUSED),
    "refused_pages": [*refusals_of(3, 10 * MINUTE), *searches(2, 31 * MINUTE, outcome=Outcome.REFUSED)],
    "watched_child": [*watched(4, HOUR), event(SEEN, 5 * HOUR, actor="person-9", subject=child(2))],
    "again_and_again": [event(SEEN, number * 20 * HOUR, subject=child(1)) for number in range(10)],
    "failed_signins": [*signins(4, 10 * MINUTE), *signins(9, MINUTE, Outcome.DONE)],
    "sleeper": [event(Action.SIGNIN), event(Action.SIGNIN, 80 * DAY), event(SEEN, 160 * DAY, subject=child(1))],
    "policy_before_lookup": [
        event(Action.POLICY_CHANGED),
        event(SEEN, 25 * HOUR, subject=child(1)),
        event(Action.POLICY_CHANGED, 26 * HOUR, actor="admin"),
        event(SEEN, 27 * HOUR, subject=child(1)),
    ],
    "own_log_read": [event(Action.AUDIT_READ, actor="ig (ig_officer)", details={"searched.actor": "vsh"})],
}
"""What comes close to each pattern and is no finding of it."""


def number(events: list[AuditEvent]) -> list[Numbered]:
    ordered = sorted(events, key=lambda each: each.at)
    return [Numbered(index, each) for index, each in enumerate(ordered)]


def names_of(events: list[AuditEvent]) -> set[str]:
    return {finding.pattern for finding in find_patterns(number(events))}


def test_every_pattern_is_tried_both_ways() -> None:
    names = [pattern.name for pattern in PATTERNS]
    assert len(set(names)) == len(names) >= 12
    assert set(PLANTED) == set(USUAL) == set(names)


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found_at_its_last_entry(name: str) -> None:
    log = number(PLANTED[name])
    found = [finding for finding in find_patterns(log) if finding.pattern == name]
    assert [(finding.index, finding.at, finding.actor) for finding in found] == [
        (log[-1].index, log[-1].event.at, log[-1].event.actor)
    ]


@pytest.mark.parametrize("name", USUAL)
def test_what_is_usual_is_passed_over(name: str) -> None:
    assert name not in names_of(USUAL[name])


@pytest.mark.parametrize("name", PLANTED)
def test_a_pattern_is_found_among_all_that_is_usual(name: str) -> None:
    """Whatever else was done, by others, months before: it hides nothing."""
    usual = [
        replace(each, at=each.at - 400 * DAY, actor=f"other {each.actor}")
        for events in USUAL.values()
        for each in events
    ]
    assert name in names_of([*usual, *PLANTED[name]])


def told(number: int, apart: timedelta, authority: str, **members: object) -> AuditEvent:
    """A child told of to somebody at another authority."""
    return event(
        Action.LOOKUP_ANSWERED, number * apart, **{"acting_for": authority, "subject": child(number), **members}
    )


TOLD_ELSEWHERE: dict[str, list[AuditEvent]] = {
    "bulk": [told(number, timedelta(seconds=30), "301") for number in range(100)],
    "watched_child": [told(n, HOUR, "301", actor=f"person-{n}", subject=child(1)) for n in range(5)],
    "again_and_again": [told(number, 6 * HOUR, "301", subject=child(1)) for number in range(10)],
    "refused_again": [told(n, 10 * MINUTE, "301", outcome=Outcome.REFUSED) for n in range(3)],
}
"""What is found of people at another authority, in the log of the node that told them."""


@pytest.mark.parametrize("name", TOLD_ELSEWHERE)
def test_what_people_of_another_authority_were_told_here_is_found(name: str) -> None:
    (found,) = find_patterns(number(TOLD_ELSEWHERE[name]))
    assert (found.pattern, found.index) == (name, len(TOLD_ELSEWHERE[name]) - 1)
    assert found.text.endswith(", told to authority 301")


@pytest.mark.parametrize("name", ["bulk", "again_and_again", "refused_again"])
def test_namesakes_at_two_authorities_are_two_people(name: str) -> None:
    """Every other entry is of somebody at a third authority, or of ours, who is called the same."""
    for other in ({"acting_for": "302"}, {"action": SEEN, "acting_for": ""}):
        events = [replace(each, **other) if n % 2 else each for n, each in enumerate(TOLD_ELSEWHERE[name])]  # type: ignore[arg-type]
        assert name not in names_of(events)


def test_one_child_is_watched_by_people_of_several_authorities_and_namesakes_count_each() -> None:
    codes = ("301", "302", "303", "304")
    events = [told(n, HOUR, code, subject=child(1)) for n, code in enumerate(codes)]
    assert "watched_child" not in names_of([*events, *(replace(each, at=each.at + MINUTE) for each in events)])
    assert "watched_child" in names_of([*events, event(SEEN, 5 * HOUR, subject=child(1))])


def test_an_ordinary_day_has_nothing_unusual() -> None:
    day = [
        event(Action.SIGNIN),
        event(ASKED, 5 * MINUTE, purpose="Termly review", details={"kind": "placed_here"}),
        *(event(SEEN, 6 * MINUTE, subject=child(n), relationship="host") for n in range(30)),
        event(SEEN, 6 * MINUTE, details={"children": 30, "missing": 0}),
        event(LISTED, 2 * HOUR, subject=child(1), relationship="home"),
    ]
    assert find_patterns(number(day)) == []


def test_clocks_are_those_of_england() -> None:
    """In July a quarter past seven in the evening, by UTC, is a quarter past eight."""
    july = datetime(2026, 7, 6, 19, 15, tzinfo=UTC)
    assert "out_of_hours" in names_of([event(subject=child(1), at=july)])
    assert "out_of_hours" not in names_of([event(subject=child(1), at=datetime(2026, 1, 5, 19, 15, tzinfo=UTC))])


def test_limits_are_an_authoritys_to_set() -> None:
    log = number(looks(10, MINUTE))
    assert [each.pattern for each in find_patterns(log, Limits(children_an_hour=10))] == ["bulk"]
    assert find_patterns(log) == []


def test_no_finding_tells_which_child_it_is_about() -> None:
    """The officer opens the entry for that."""
    for events in PLANTED.values():
        for finding in find_patterns(number(events)):
            assert not any(each.subject and each.subject in finding.text for each in events)


def test_every_pattern_says_what_it_is() -> None:
    assert all(pattern.meaning.endswith(".") and "\n" not in pattern.meaning for pattern in PATTERNS)


# --- The command -----------------------------------------------------------------------------------------------------


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(audit, ["patterns", *map(str, arguments)])
    return result.exit_code, result.stdout or result.stderr


def test_findings_are_printed_newest_first(party: Party) -> None:
    party.record(*PLANTED["emergency"], *PLANTED["empty_searches"])
    code, text = run("--state", party.directory)
    assert code == 0
    assert [line.split()[0] for line in text.splitlines()] == ["pattern", "empty_searches", "emergency"]
    found = json.loads(run("--state", party.directory, "--format", "json", "--pattern", "emergency")[1])
    assert [(each["pattern"], each["entry"]) for each in found] == [("emergency", 0)]
    assert json.loads(run("--state", party.directory, "--format", "json", "--since", "2026-01-06")[1]) == []


def test_an_entry_is_read_once_however_often_the_newest_are_looked_through(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of a log looks through thousands of entries each time, of which a few are new."""
    party.record(*PLANTED["emergency"], *PLANTED["empty_searches"])
    read: list[bytes] = []

    def count(body: bytes) -> AuditEvent:
        read.append(body)
        return parse_event(body)

    _read_event.cache_clear()
    monkeypatch.setattr("audit.pattern_reading.parse_event", count)
    first = read_findings(party.connection)
    entries = len(read)
    assert first == read_findings(party.connection)
    party.record(event(Action.SIGNIN, 2 * DAY))
    read_findings(party.connection)
    assert (entries > 1, len(read)) == (True, entries + 1)


def test_the_command_explains_its_patterns_and_knows_no_others(party: Party) -> None:
    code, text = run("--explain")
    assert (code, len(text.splitlines())) == (0, len(PATTERNS))
    assert run("--state", party.directory, "--explain") == (code, text)
    code, text = run()
    assert (code, "name a log: --state DIR" in text) == (2, True)
    code, text = run("--state", party.directory, "--pattern", "gossip")
    assert (code, "there is no pattern gossip; there are own_surname" in text) == (2, True)
