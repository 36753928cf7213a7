"""The tracking record: whatever two people do to it at once, every accepted change is kept, and none is made unseen."""

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.tracking import store
from node.tracking.facts import Fact, FactInvalid, StartingPoint, Step, Target, TimeAway, Withdrawal
from node.tracking.kinds import KINDS, key_of, kind_of
from node.tracking.record import RecordMoved, TrackingRecord
from policies.access_policy import AccessPolicy
from policies.names import RECORD_RELATIONS, Action, FieldGroup, Relation, Role
from tests.node.tracking.tracked_facts import FACTS

SCHEMA = (Path(store.__file__).with_name("schema.sql")).read_text()
NOW = datetime(2025, 1, 2, tzinfo=UTC)
CHILD = "0" * 32
AWAY = TimeAway(cause="suspension", start_date=date(2024, 11, 4))


def open_store() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.executescript(SCHEMA)
    return connection


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    opened = open_store()
    yield opened
    opened.close()


def add(connection: sqlite3.Connection, version: int, *facts: Fact, by: str = "vsh") -> TrackingRecord:
    return store.add_entries(
        connection, CHILD, version, facts, by=by, role="virtual_school_head", reason="Review", at=NOW
    )


PLAIN = FACTS.filter(lambda fact: not isinstance(fact, Step))
"""Facts that may follow any other; steps of a conversation have an order of their own."""

MOVES = st.lists(st.tuples(st.sampled_from(["ann", "bob", "cem"]), st.one_of(st.none(), PLAIN)), max_size=12)
"""Somebody looks at the record (None), or sends a change upon what they saw last."""


@settings(max_examples=50)
@given(MOVES)
def test_any_interleaving_of_edits_keeps_every_accepted_edit(moves: list[tuple[str, Fact | None]]) -> None:
    connection, seen = open_store(), {"ann": 0, "bob": 0, "cem": 0}
    accepted: list[tuple[str, Fact]] = []
    for who, fact in moves:
        if fact is None:
            seen[who] = store.read_record(connection, CHILD).version
            continue
        if seen[who] == len(accepted):
            seen[who] = add(connection, seen[who], fact, by=who).version
            accepted.append((who, fact))
            continue
        with pytest.raises(RecordMoved) as moved:
            add(connection, seen[who], fact, by=who)
        assert [(entry.by, entry.fact) for entry in moved.value.since] == accepted[seen[who] :]
    record = store.read_record(connection, CHILD)
    assert [(entry.by, entry.fact) for entry in record.entries] == accepted
    assert [entry.version for entry in record.entries] == list(range(1, len(accepted) + 1))
    assert {key: entry.fact for key, entry in record.standing.items()} == {key_of(fact): fact for _, fact in accepted}
    connection.close()


@settings(max_examples=30)
@given(st.lists(PLAIN, min_size=1, max_size=12))
def test_what_is_kept_is_read_as_it_was(facts: list[Fact]) -> None:
    connection = open_store()
    added = add(connection, 0, *facts)
    assert store.read_record(connection, CHILD).entries == added.entries
    assert store.read_records(connection)[CHILD].entries == added.entries
    connection.close()


def test_several_facts_are_kept_together_or_not_at_all(connection: sqlite3.Connection) -> None:
    target = Target(term="202425-summer", subject="english", target="5")
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(FactInvalid):
        add(connection, 0, target, Withdrawal(kind="target", key="202425-summer/science"))
    connection.execute("ROLLBACK")
    assert store.read_record(connection, CHILD).version == 0


def test_what_is_withdrawn_no_longer_holds_and_stays_in_the_history(connection: sqlite3.Connection) -> None:
    target = Target(term="202425-summer", subject="english", target="5")
    add(connection, 0, target)
    record = add(connection, 1, Withdrawal(kind=key_of(target)[0], key=key_of(target)[1]))
    assert record.all(Target) == ()
    assert record.entries[0].fact == target
    assert store.read_record(connection, CHILD).all(Target) == ()
    assert add(connection, 2, target).all(Target) == (target,)


def test_reasons_are_shown_to_whoever_the_matrix_lets_read_the_whole_record(connection: sqlite3.Connection) -> None:
    """To a designated teacher, who reads of the plan the personal education plan alone, no reason is shown."""
    record = add(connection, 0, Target(term="202425-summer", subject="english", target="5"))
    policy, shown = AccessPolicy.load(), {}
    for role in Role:
        for relation in RECORD_RELATIONS:
            seen = record.seen_by(policy.permitted_groups(role, relation, Action.READ))
            if seen.entries:
                shown[role, relation] = bool(seen.entries[0].reason)
                plan = FieldGroup.PLAN in policy.permitted_groups(role, relation, Action.READ)
                assert shown[role, relation] is plan
    assert shown[Role.DESIGNATED_TEACHER, Relation.SCHOOL] is False
    assert shown[Role.VIRTUAL_SCHOOL_STAFF, Relation.HOME] is True


def test_whoever_may_read_one_group_sees_nothing_of_another(connection: sqlite3.Connection) -> None:
    """Not even how often it was changed: what is seen is numbered for itself."""
    start = StartingPoint(subject="english", grade="WTS", assessed_on=date(2024, 9, 1))
    target = Target(term="202425-summer", subject="english", target="5")
    record = add(connection, 0, start, AWAY, target, AWAY, start)
    for group in FieldGroup:
        seen = record.seen_by(frozenset({group}))
        assert {kind_of(entry.fact).group for entry in seen.entries} <= {group}
        assert [entry.version for entry in seen.entries] == list(range(1, seen.version + 1))
    assert record.seen_by(frozenset(FieldGroup)) == record
    assert record.seen_by(frozenset({FieldGroup.EDUCATION})).version == 2


def test_what_somebody_does_not_see_neither_holds_them_up_nor_is_lost(connection: sqlite3.Connection) -> None:
    """Two edit one record: what both see is shown to the second; the rest is nobody's business."""
    start = StartingPoint(subject="english", grade="WTS", assessed_on=date(2024, 9, 1))
    told = {"by": "school", "role": "x", "reason": "Seen", "at": NOW}
    seen = frozenset({FieldGroup.EDUCATION})
    add(connection, 0, start, start)
    store.add_entries(connection, CHILD, 0, [AWAY], seen, **told)  # type: ignore[arg-type]
    with pytest.raises(RecordMoved) as moved:
        store.add_entries(connection, CHILD, 0, [AWAY], seen, **told)  # type: ignore[arg-type]
    assert [entry.fact for entry in moved.value.since] == [AWAY]
    add(connection, 3, start)
    with pytest.raises(RecordMoved):
        add(connection, 3, start)
    assert [entry.version for entry in store.read_record(connection, CHILD).entries] == [1, 2, 3, 4]
    assert {kind.group for kind in KINDS.values()} == {FieldGroup.PLAN, FieldGroup.PLAN_PEP, FieldGroup.EDUCATION}
