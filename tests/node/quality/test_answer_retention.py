"""What hosts have told goes with the last snapshot that was built from it, and every such end is in the log."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.claims import ClaimAnswer, EducationFacts
from federation.lookups import LookupOutcome
from node.host_facts import DIRECTORY, find_facts, store_facts
from node.quality.retention import retire_snapshots
from node.service import Node
from node.snapshots import seal_snapshot
from tests.node.quality.conftest import SmallNode

FIRST = datetime(2025, 1, 1, tzinfo=UTC)
ANN, BEN, CAT = "A801200005001", "B801200005002", "C801200005003"
NOTHING: dict[str, Any] = dict.fromkeys(EducationFacts.__struct_fields__)


@dataclass
class ToldNode:
    """A node to which hosts tell of children, and which builds snapshots, a day after another."""

    small: SmallNode
    day: int = 0

    @property
    def node(self) -> Node:
        return self.small.node

    def tell(self, *children: str, term: str = "202425-autumn", host: str = "302") -> str:
        """A host's answer about some children comes in; return its name."""
        self.day += 1
        now = FIRST + timedelta(days=self.day)
        facts = [EducationFacts(**NOTHING | {"upn": upn, "date_of_birth": date(2012, 1, 1)}) for upn in children]
        answer = ClaimAnswer(
            lookup_id=f"L-{self.day:032x}",
            sender=f"node-{host}",
            receiver="node-301",
            authority=host,
            term=term,
            outcome=LookupOutcome.ANSWERED,
            code="",
            snapshot="202425-summer-0",
            as_of=now,
            children=tuple(facts),
        )
        store_facts(self.small.state, answer, now)
        return f"{term}-{answer.lookup_id}-{answer.sender}"

    def build(self, years: Sequence[int] = (202425,)) -> None:
        """A snapshot is made of what there is."""
        self.day += 1
        with self.node.store.staging() as stage:
            (stage / "governed").mkdir()
            (stage / "governed" / "child_year.parquet").write_text(f"built on day {self.day}")
            created = FIRST + timedelta(days=self.day)
            seal_snapshot(stage, term="202425-spring", academic_years=years, created=created)
            self.node.store.publish(stage)

    @property
    def answers(self) -> set[str]:
        return {path.stem for path in find_facts(self.small.state)}

    @property
    def logged(self) -> list[tuple[str, Outcome]]:
        entries = list(read_entries(self.node.database.connection, action=Action.CLAIM_DESTROYED))
        return [(event.reference, event.outcome) for event in (entry.to_event() for entry in reversed(entries))]


@pytest.fixture
def told(small_node: SmallNode) -> ToldNode:
    return ToldNode(small_node)


def test_an_answer_goes_with_the_last_snapshot_built_from_it(told: ToldNode) -> None:
    """Told again by the next term, it serves the older snapshot alone; both steps of its end are in the log."""
    autumn = told.tell(ANN, BEN)
    told.build()
    spring = told.tell(ANN, BEN, term="202425-spring")
    told.build()
    assert retire_snapshots(told.small.state, 2).answers == ()
    assert told.answers == {autumn, spring}
    assert f"destroyed answer {autumn}\n" in told.small.say("retire", "--keep", 1)
    assert told.answers == {spring}
    assert told.logged == [(autumn, Outcome.INTENDED), (autumn, Outcome.DONE)]
    assert retire_snapshots(told.small.state, 1).answers == ()


def test_an_answer_stays_for_one_child_that_nobody_told_of_since(told: ToldNode) -> None:
    """The record of that child would be lost at the next load."""
    autumn = told.tell(ANN, BEN)
    spring = told.tell(ANN, term="202425-spring")
    told.build()
    assert retire_snapshots(told.small.state, 1).answers == ()
    assert told.answers == {autumn, spring}


def test_another_host_tells_the_latest_word_too(told: ToldNode) -> None:
    """A child who has moved is told of by the new host; the record takes its word, and so does the schedule."""
    old = told.tell(ANN)
    told.build()
    new = told.tell(ANN, host="303")
    told.build()
    assert retire_snapshots(told.small.state, 1).answers == (old,)
    assert told.answers == {new}


def test_what_came_in_since_the_last_snapshot_stays(told: ToldNode) -> None:
    """Claimed and not built in yet; and the answer that the current snapshot was built from stays beside it."""
    built = told.tell(ANN)
    told.build()
    waiting = told.tell(ANN, term="202425-spring")
    assert retire_snapshots(told.small.state, 1).answers == ()
    assert told.answers == {built, waiting}


def test_the_answers_of_a_year_go_with_the_year(told: ToldNode) -> None:
    """Years are told apart: what a child's host told of one says nothing of another."""
    past = told.tell(CAT, term="202324-summer")
    told.build(years=(202324,))
    present = told.tell(CAT)
    told.build(years=(202425,))
    assert retire_snapshots(told.small.state, 2).answers == ()
    assert retire_snapshots(told.small.state, 1).answers == (past,)
    assert told.answers == {present}


@pytest.mark.parametrize(("years", "left"), [(1, 1), (2, 2), (3, 3), (9, 3)])
def test_an_authority_may_end_what_was_told_of_old_years(years: int, left: int, told: ToldNode) -> None:
    """So many of the newest academic years are kept, whatever was built from the others."""
    terms = ("202223-summer", "202324-summer", "202425-summer")
    answers = [told.tell(ANN, term=term) for term in terms]
    told.build(years=(202223, 202324, 202425))
    assert retire_snapshots(told.small.state, 1).answers == ()
    told.small.say("retire", "--keep", 1, "--years", years)
    assert told.answers == set(answers[-left:])


def test_a_node_without_a_snapshot_keeps_what_it_was_told(told: ToldNode) -> None:
    answer = told.tell(ANN)
    assert retire_snapshots(told.small.state, 1).answers == ()
    assert told.answers == {answer}


class PowerCut(BaseException):
    """The node stops here."""


@pytest.mark.parametrize("gone", [False, True], ids=["before the file is gone", "after"])
def test_a_node_stopped_on_the_way_says_what_came_of_it(
    gone: bool, told: ToldNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The intent in the log has its outcome once the node has run again."""
    autumn = told.tell(ANN)
    told.build()
    told.tell(ANN, term="202425-spring")
    told.build()
    unlink = Path.unlink

    def cut(path: Path, missing_ok: bool = False) -> None:
        if path.parent.name == DIRECTORY:
            if gone:
                unlink(path, missing_ok)
            raise PowerCut
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", cut)
        with pytest.raises(PowerCut):
            retire_snapshots(told.small.state, 1)
    assert told.logged == [(autumn, Outcome.INTENDED)]
    assert (autumn in told.answers) != gone
    retire_snapshots(told.small.state, 1)
    assert autumn not in told.answers
    outcomes = [outcome for reference, outcome in told.logged if reference == autumn]
    again = [Outcome.FAILED, Outcome.INTENDED, Outcome.DONE]
    assert outcomes == [Outcome.INTENDED, *([Outcome.DONE] if gone else again)]


def test_what_a_dead_node_left_half_written_goes_after_a_day(told: ToldNode) -> None:
    """It holds pupil numbers, and no build would ever read it; one that is being written now stays."""
    told.tell(ANN)
    told.build()
    dead, alive = (told.small.state / DIRECTORY / f".L-{name}-node-302.new" for name in ("dead", "alive"))
    for path in (dead, alive):
        path.write_bytes(b"PAR1")
    moment = (told.node.clock() - timedelta(days=2)).timestamp()
    os.utime(dead, (moment, moment))
    retire_snapshots(told.small.state, 1)
    assert not dead.exists()
    assert alive.exists()


def test_the_log_holds_no_number_of_a_child(told: ToldNode) -> None:
    told.tell(ANN)
    told.build()
    told.tell(ANN, term="202425-spring")
    told.build()
    retire_snapshots(told.small.state, 1)
    entries = list(read_entries(told.node.database.connection, action=Action.CLAIM_DESTROYED))
    assert entries
    assert not [entry for entry in entries if ANN in entry.to_event().to_bytes().decode()]
