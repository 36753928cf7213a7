"""`circe node retire`: old snapshots go, with an entry each; the current and the reserved stay; a crash is noted."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from node.quality.retention import retire_snapshots
from node.service import Node
from node.snapshots import seal_snapshot
from tests.node.quality.conftest import SmallNode

FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def publish(node: Node, number: int) -> None:
    """Switch a node to a snapshot of one file, a day younger than the one before."""
    with node.store.staging() as stage:
        (stage / "governed").mkdir()
        (stage / "governed" / "child_year.parquet").write_text(f"rows of {number}")
        created = FIRST + timedelta(days=number)
        seal_snapshot(stage, term="202425-spring", academic_years=[202425], created=created)
        node.store.publish(stage)


@pytest.fixture
def aged(small_node: SmallNode) -> SmallNode:
    """A node with four snapshots, of which the newest is current."""
    for number in range(4):
        publish(small_node.node, number)
    return small_node


def identifiers(node: Node) -> list[str]:
    return [snapshot.id for snapshot in node.store.all()]


def logged(node: Node) -> list[tuple[str, Outcome]]:
    entries = list(read_entries(node.database.connection, action=Action.SNAPSHOT_DESTROYED))
    return [(event.reference, event.outcome) for event in (entry.to_event() for entry in reversed(entries))]


def reserve(node: Node, snapshot: str, reply: bytes | None) -> None:
    """Put a manifest for a snapshot in the ledger, answered or not; what else the ledger asks for does not matter."""
    with node.database.transaction() as connection:
        asked = [row["name"] for row in connection.execute("PRAGMA table_info(manifests)") if row["notnull"]]
        row = {**dict.fromkeys(["digest", *asked], snapshot), "acknowledged": 0, "reply": reply}
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO manifests ({names}) VALUES ({marks})", tuple(row.values()))


def test_all_but_the_newest_are_destroyed_and_logged(aged: SmallNode) -> None:
    first, second, third, fourth = identifiers(aged.node)
    assert aged.say("retire", "--keep", 2) == f"destroyed {first}\ndestroyed {second}\n"
    assert identifiers(aged.node) == [third, fourth]
    assert logged(aged.node) == [
        (first, Outcome.INTENDED),
        (first, Outcome.DONE),
        (second, Outcome.INTENDED),
        (second, Outcome.DONE),
    ]
    assert aged.say("retire", "--keep", 2) == ""


def test_the_current_snapshot_stays_whatever_its_age(aged: SmallNode) -> None:
    """Loading old files again switches back to their snapshot."""
    first, second, third, fourth = identifiers(aged.node)
    publish(aged.node, 0)
    retired = retire_snapshots(aged.state, 1)
    assert retired.kept == (first,)
    assert retired.destroyed == (second, third)
    assert identifiers(aged.node) == [first, fourth]


def test_a_snapshot_that_an_unanswered_manifest_reserved_stays(aged: SmallNode) -> None:
    """Once the manifest is answered, the snapshot may go."""
    first, second, _, fourth = identifiers(aged.node)
    reserve(aged.node, first, None)
    reserve(aged.node, second, b"a reply")
    assert retire_snapshots(aged.state, 1).kept == (first,)
    assert identifiers(aged.node) == [first, fourth]
    with aged.node.database.transaction() as connection:
        connection.execute("UPDATE manifests SET reply = 'a reply'")
    assert retire_snapshots(aged.state, 1).destroyed == (first,)


def test_nothing_less_than_one_can_be_kept(aged: SmallNode) -> None:
    aged.say("retire", "--keep", 0, code=2)
    assert len(identifiers(aged.node)) == 4


class PowerCut(BaseException):
    """The node stops here."""


@pytest.mark.parametrize("moment", range(6))
def test_a_node_stopped_at_any_moment_has_each_snapshot_whole_or_not_at_all(
    moment: int, aged: SmallNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And once it has run again, every intent in the log has its outcome."""
    left = [moment]

    def cut(function: object) -> object:
        def call(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise PowerCut
            assert callable(function)
            return function(*arguments, **named)

        return call

    first, *_, last = identifiers(aged.node)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", cut(Path.rename))
        patched.setattr(os, "unlink", cut(os.unlink))
        patched.setattr(os, "rmdir", cut(os.rmdir))
        with pytest.raises(PowerCut):
            retire_snapshots(aged.state, 1)
    assert all(snapshot.tables["child_year"].exists() for snapshot in aged.node.store.all())
    assert (first in identifiers(aged.node)) == (moment == 0)
    retire_snapshots(aged.state, 1)
    assert identifiers(aged.node) == [last]
    assert not list(aged.node.store.root.glob("doomed-*"))
    entries = logged(aged.node)
    assert {reference for reference, _ in entries} == {
        reference for reference, outcome in entries if outcome is Outcome.DONE
    }
    assert [outcome for _, outcome in entries].count(Outcome.INTENDED) == len(entries) / 2
