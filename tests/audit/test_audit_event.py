"""An event has one encoding, tells of acts alone, and refuses what a log must not hold."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.event import (
    MAX_BODY,
    MEMBERS,
    Action,
    AuditEvent,
    EventInvalid,
    Outcome,
    format_time,
    parse_action,
    parse_event,
)

AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
FEW = settings(max_examples=50, derandomize=True, deadline=None)

texts = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), max_size=60)
names = st.from_regex(re.compile(r"[a-z][a-z0-9_.]{0,63}", re.ASCII), fullmatch=True)
values = st.one_of(texts, st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1))
events = st.builds(
    AuditEvent,
    at=st.datetimes(timezones=st.just(UTC)),
    actor=texts.filter(bool),
    action=st.sampled_from(Action),
    outcome=st.sampled_from(Outcome),
    acting_for=texts,
    purpose=texts,
    subject=st.one_of(st.just(""), st.binary(min_size=16, max_size=32).map(bytes.hex)),
    relationship=texts,
    fields=st.lists(names, max_size=5).map(tuple),
    policy_version=texts,
    reference=texts,
    details=st.dictionaries(names, values, max_size=5),
)


def test_the_encoding_of_an_event() -> None:
    """JSON in UTF-8 with sorted keys and no spaces, a version, and the time in UTC to the microsecond."""
    event = AuditEvent(
        at=AT,
        actor="zoë@301.example",
        action=Action.LOOKUP_ANSWERED,
        acting_for="301",
        purpose="PEP review",
        subject="5eed" * 8,
        relationship="home",
        fields=("attendance_rate", "sdq_band"),
        policy_version="a1b2",
        reference="lookup-7",
        details={"rows": 1, "complete": True},
    )
    assert event.to_bytes().decode() == (
        '{"acting_for":"301","action":"lookup.answered","actor":"zoë@301.example","at":"2026-01-05T09:00:00.000000Z",'
        '"details":{"complete":true,"rows":1},"fields":["attendance_rate","sdq_band"],"outcome":"done",'
        '"policy_version":"a1b2","purpose":"PEP review","reference":"lookup-7","relationship":"home",'
        f'"subject":"{"5eed" * 8}","version":1}}'
    )


@FEW
@given(events)
def test_an_event_survives_its_bytes(event: AuditEvent) -> None:
    body = event.to_bytes()
    assert parse_event(body) == event
    assert parse_event(body).to_bytes() == body


@FEW
@given(
    st.one_of(st.binary(), st.text().map(str.encode), st.recursive(st.text(), st.lists).map(json.dumps).map(str.encode))
)
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(EventInvalid):
        parse_event(data)


@FEW
@given(
    events, st.sampled_from(MEMBERS), st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.lists(st.text()))
)
def test_an_event_with_any_member_replaced_is_read_or_refused(event: AuditEvent, name: str, value: object) -> None:
    members = {**json.loads(event.to_bytes()), name: value}
    body = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "replace")
    with suppress(EventInvalid):
        assert parse_event(body).to_bytes() == body


def test_an_event_that_crosses_any_byte_is_read_or_refused(make_event: Callable[..., AuditEvent]) -> None:
    body = make_event(1).to_bytes()
    for place in range(len(body)):
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with suppress(EventInvalid):
            assert parse_event(changed).to_bytes() == changed


BODY = AuditEvent(at=AT, actor="a", action=Action.SIGNIN, details={"n": 1}).to_bytes().decode()

NOT_THE_ENCODING = {
    "a space": BODY.replace(":1", ": 1", 1),
    "a newline": BODY + "\n",
    "an escape that is not needed": BODY.replace('"a"', '"\\u0061"'),
    "a member twice": BODY.replace('"actor"', '"actor":"b","actor"'),
    "a member more": BODY.replace("{", '{"aaa":1,', 1),
    "a member less": BODY.replace('"actor":"a",', ""),
    "other order": BODY.replace('"purpose":"","reference":""', '"reference":"","purpose":""'),
    "another version": BODY.replace('"version":1', '"version":2'),
    "a version that is no number": BODY.replace('"version":1', '"version":true'),
    "a version that is a fraction": BODY.replace('"version":1', '"version":1.0'),
    "a time without a zone": BODY.replace("000Z", "000"),
    "a time to the second": BODY.replace(".000000Z", "Z"),
    "a time with an offset": BODY.replace("000Z", "000+00:00"),
    "a time that is none": BODY.replace("2026-01", "2026-13"),
    "an action that is not declared": BODY.replace("signin", "signout"),
    "an outcome that is not declared": BODY.replace("done", "undone"),
    "a detail that is a fraction": BODY.replace('"n":1', '"n":1.5'),
    "a detail that is not a number": BODY.replace('"n":1', '"n":NaN'),
    "a detail that is a list": BODY.replace('"n":1', '"n":[1]'),
    "a detail that is missing": BODY.replace('"n":1', '"n":null'),
    "a detail that never ends": BODY.replace('"n":1', f'"n":{"9" * 6000}'),
    "fields that are a text": BODY.replace("[]", '"ab"'),
    "half a surrogate": BODY.replace('"a"', '"\\ud800"'),
    "deep nesting": "[" * 10_000,
    "too long": BODY + " " * MAX_BODY,
    "an array": "[]",
}


@pytest.mark.parametrize("body", NOT_THE_ENCODING.values(), ids=NOT_THE_ENCODING.keys())
def test_what_is_not_the_one_encoding_is_refused(body: str) -> None:
    assert parse_event(BODY.encode()).to_bytes() == BODY.encode()
    assert body != BODY
    with pytest.raises(EventInvalid):
        parse_event(body.encode())


NOT_FOR_THE_LOG: dict[str, dict[str, Any]] = {
    "a local time": {"at": AT.astimezone(timezone(timedelta(hours=1)))},
    "a time without a zone": {"at": AT.replace(tzinfo=None)},
    "a time that is text": {"at": "2026-01-05"},
    "nobody": {"actor": ""},
    "an actor that is no text": {"actor": 7},
    "a long actor": {"actor": "a" * 201},
    "a long purpose": {"purpose": "a" * 1001},
    "an action in other words": {"action": "signin"},
    "an outcome in other words": {"outcome": "done"},
    "a subject that is no token": {"subject": "Kim Example"},
    "a subject that is a pupil number": {"subject": "A123456789012"},
    "a short token": {"subject": "5eed"},
    "a pupil number in the purpose": {"purpose": "PEP of A123456789012"},
    "a pupil number with a letter at the end": {"reference": "(T12345678901B)"},
    "a pupil number in a detail": {"details": {"note": "A123456789012"}},
    "a line break": {"purpose": "one\ntwo"},
    "an escape sequence": {"actor": "\x1b[31m"},
    "a mark that turns the text around": {"actor": "a\u202eb"},
    "half a surrogate": {"actor": "\ud800"},
    "fields in a list": {"fields": ["sex"]},
    "a field that is no column": {"fields": ("Kim Example",)},
    "too many fields": {"fields": ("sex",) * 201},
    "details that are no mapping": {"details": [("n", 1)]},
    "too many details": {"details": {f"n{n}": n for n in range(33)}},
    "a detail without a plain name": {"details": {"Kim Example": 1}},
    "a detail without a name": {"details": {1: 1}},
    "a detail that is a fraction": {"details": {"rate": 0.5}},
    "a detail that is a list": {"details": {"rows": [1]}},
    "a detail that is missing": {"details": {"rows": None}},
    "a long detail": {"details": {"note": "a" * 201}},
    "a number that readers would round": {"details": {"rows": 2**53}},
}


@pytest.mark.parametrize("members", NOT_FOR_THE_LOG.values(), ids=NOT_FOR_THE_LOG.keys())
def test_what_is_not_for_the_log_makes_no_event(make_event: Callable[..., AuditEvent], members: dict[str, Any]) -> None:
    with pytest.raises(EventInvalid) as refused:
        make_event(**members)
    for value in ("Kim Example", "A123456789012", "T12345678901B"):
        assert value not in str(refused.value), "the refusal repeats what the log must not hold"


def test_an_event_longer_than_the_bound_has_no_bytes(make_event: Callable[..., AuditEvent]) -> None:
    with pytest.raises(EventInvalid, match="longer than"):
        make_event(fields=("a" * 64,) * 200, details={f"n{n}": "é" * 200 for n in range(32)}).to_bytes()


def test_an_event_cannot_be_changed(make_event: Callable[..., AuditEvent]) -> None:
    details = {"rows": 1}
    event = make_event(details=details)
    details["rows"] = 2
    assert event.details == {"rows": 1}
    with pytest.raises(TypeError):
        event.details["rows"] = 3  # type: ignore[index]


def test_times_sort_as_text() -> None:
    times = [datetime(1, 1, 1, tzinfo=UTC), AT, AT + timedelta(microseconds=1), datetime(9999, 1, 1, tzinfo=UTC)]
    assert [format_time(at) for at in times] == sorted(map(format_time, times))


@FEW
@given(
    at=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(0), "none"), ZoneInfo("Africa/Abidjan")])),
    fraction=st.sampled_from([0, 1, 100_000, 999_999]),
)
def test_a_time_is_written_as_python_writes_it(at: datetime, fraction: int) -> None:
    """With four digits of a year and six of a second, whatever they are, and Z for +00:00."""
    at = at.replace(microsecond=fraction)
    if at.utcoffset() == timedelta(0):  # Mean time in Abidjan, before 1912, is another.
        assert format_time(at) == at.isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("action", Action)
def test_every_action_is_named_and_explained(action: Action) -> None:
    """An action is `noun.verb` (or the one word signin), read back by its name, and means one plain sentence."""
    assert re.fullmatch(r"[a-z]+\.[a-z]+|signin", action.value)
    assert action.name == action.value.replace(".", "_").upper()
    assert re.fullmatch(r"[A-Z][^.\n]{15,80}\.", action.meaning)
    assert parse_action(action.value) is action


def test_no_two_actions_mean_the_same() -> None:
    assert len({action.meaning for action in Action}) == len(Action)


def test_an_unknown_action_is_refused_with_the_list_of_actions() -> None:
    with pytest.raises(EventInvalid, match=r"query\.released"):
        parse_action("query.leaked")


def test_the_members_of_the_json_are_the_members_of_the_class(make_event: Callable[..., AuditEvent]) -> None:
    assert tuple(make_event().to_members()) == MEMBERS


@pytest.mark.parametrize(
    "purpose",
    [
        "about h801200001001",
        "upn_H801200001001",
        "H801200001001_x",
        "H 801200 001 001",
        "\uff28801200001001",
        "ULN 1234567890",
        "NHS 943 476 5919",
    ],
)
def test_a_number_in_disguise_is_no_purpose(purpose: str) -> None:
    """What people type is searched for identifiers however they are written."""
    with pytest.raises(EventInvalid):
        AuditEvent(at=datetime(2026, 1, 1, tzinfo=UTC), actor="vsh", action=Action.LOOKUP_ASKED, purpose=purpose)


def test_dates_and_years_are_no_identifiers() -> None:
    AuditEvent(
        at=datetime(2026, 1, 1, tzinfo=UTC),
        actor="vsh",
        action=Action.LOOKUP_ASKED,
        purpose="Review of 2024/25, 31.03.2025",
    )


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    purpose=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z", "N"]), max_size=60),
    number=st.integers(-(2**53) + 1, 2**53 - 1),
)
def test_the_encoding_is_that_of_json_with_sorted_keys(purpose: str, number: int) -> None:
    """So a log that was written by another program, or before, reads the same."""
    event = AuditEvent(
        at=datetime(2026, 1, 5, tzinfo=UTC),
        actor="a",
        action=Action.SIGNIN,
        purpose=purpose,
        details={"b": number, "a": True, "c": '"quoted" \\ / é'},
    )
    members = {"version": 1, **event.to_members()}
    expected = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert event.to_bytes() == expected
