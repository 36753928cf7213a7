"""Exact totals that are protected beside earlier ones in groups: each waits for an output checker, as it will be."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from audit.connection import Connection
from audit.event import Action
from disclosure_control.linked import gathering
from disclosure_control.release.gate import ReleaseRefused
from federation.exchange import CheckDecision, ForeseenCheck, QueryState, RunDraft
from federation.problems import ProblemRaised
from federation.total_releases import verify_total
from federation.wire import decode_document
from hub import checks, deciding, endings, gate
from hub.queries import find_query
from hub.runs import draft_run
from query_engine.planning.plan import QueryPlan
from tests.hub.callers import gather
from tests.hub.played_federation import found_federation
from tests.hub.replies import count_of, released, status_of
from tests.hub.sums.conftest import AUTHORITIES
from tests.hub.sums.played_sums import TERM, PlayedSums, approve_template, play_sums, run_template

ALL = "SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND counted_here"
EARLIER = (f"{ALL} AND age > 9", f"{ALL} AND pep_on_time")
ASKED = f"{ALL} AND uasc"
APPROVED = CheckDecision(release=True)


@pytest.fixture
def sums(tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlayedSums]:
    """A federation that looks at no two earlier totals together, with its state in a file and on a server."""
    monkeypatch.setattr(gathering, "MOST_TOGETHER", 1)
    monkeypatch.setattr(gathering, "MOST_IN_GROUP", 1)
    federation = found_federation(tmp_path, database=storage, authorities=AUTHORITIES)
    played = play_sums(federation, [f"node-{code}" for code in AUTHORITIES])
    played.settle()
    for sql in EARLIER:
        add_up(played, sql, 20)
    yield played
    federation.hub.close()


def add_up(sums: PlayedSums, sql: str, children: int) -> str:
    """Have so many children counted at each of seven nodes; returns the query's id."""

    def figures(plan: QueryPlan) -> list[int]:
        return [children] * len(plan.statistics)

    for node in sums.nodes.values():
        node.figures = figures
    query_id = run_template(sums, approve_template(sums, sql))
    sums.settle()
    return query_id


def decide(sums: PlayedSums, query_id: str, decision: CheckDecision = APPROVED) -> None:
    """Have the output checker decide."""
    deciding.decide_release(sums.federation.hub, query_id, decision, sums.federation.member("gus"))


def count_held(sums: PlayedSums) -> int:
    """How many totals are kept for a checker."""
    (found,) = sums.federation.hub.database.connection.execute("SELECT count(*) FROM held_totals").fetchone()
    return int(found)


def test_a_total_beside_others_in_groups_waits_and_is_released_as_it_was_held(sums: PlayedSums) -> None:
    federation = sums.federation
    query_id = add_up(sums, ASKED, 60)
    assert status_of(federation, query_id).state is QueryState.CHECKING
    (waiting,) = checks.list_checks(federation.hub, federation.member("gus")).checks
    assert waiting.found == (
        "The total: the earlier releases overlap in more ways than can be looked at all at once; they were looked at "
        "in 2 groups, each beside this one, and not what follows from several that are in no group together.",
        "It is a total, which has no rows of authorities to leave out: approve it as it is, or refuse it.",
    )
    sums.reopen_hub()
    federation.clock.advance(timedelta(hours=1))
    decide(sums, query_id)
    assert sums.table(query_id) == [[420]]
    document, query = released(federation, query_id), find_query(federation.hub, query_id, federation.member("ana"))
    verify_total(document, query.envelope, query.plan, federation.hub.register())
    assert document.released_at == federation.clock()
    assert document.checkpoint
    assert (count_held(sums), count_of(federation, Action.RELEASE_HELD)) == (0, 1)


def draft(sums: PlayedSums, sql: str) -> str:
    """Have a run drafted that nobody has signed; returns the query's id."""
    wanted = RunDraft(template=approve_template(sums, sql), choices=(), snapshot_term=TERM, valid_hours=24)
    return draft_run(sums.federation.hub, wanted, sums.federation.member("ana"))


def foresee(sums: PlayedSums, query_id: str) -> str:
    """What its asker is told."""
    answer = gather(sums.federation).call("ana", "GET", f"/api/queries/{query_id}/foreseen-check")
    assert answer.status_code == 200
    return decode_document(answer.data, ForeseenCheck).reason


def test_its_asker_is_told_that_it_will_wait_when_it_is_drafted(
    sums: PlayedSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until it does; of what is looked at all at once, and of a noisy total, nothing is told."""
    query_id = draft(sums, ASKED)
    assert foresee(sums, query_id) == checks.WILL_WAIT
    with monkeypatch.context() as roomy:
        roomy.setattr(gathering, "MOST_TOGETHER", 128)
        roomy.setattr(gathering, "MOST_IN_GROUP", 64)
        assert foresee(sums, query_id) == ""
    waits = add_up(sums, ASKED, 60)
    assert status_of(sums.federation, waits).state is QueryState.CHECKING
    assert (foresee(sums, waits), foresee(sums, sums.ask())) == ("", "")


def test_of_a_total_that_will_be_withheld_it_is_not_said_that_it_waits(
    sums: PlayedSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules that an earlier one was protected by are not here any more."""

    def refuse(*_: object) -> None:
        raise ReleaseRefused("the preset is not here")

    query_id = draft(sums, ASKED)
    monkeypatch.setattr(checks, "find_totals", refuse)
    assert foresee(sums, query_id) == ""


def test_of_a_total_that_is_refused_nothing_is_kept(sums: PlayedSums) -> None:
    query_id = add_up(sums, ASKED, 60)
    assert count_held(sums) == 1
    decide(sums, query_id, CheckDecision(release=False, reason="Two of these together would tell too much."))
    assert status_of(sums.federation, query_id).state is QueryState.REFUSED
    assert count_held(sums) == 0


@pytest.mark.parametrize("decision", [None, APPROVED])
def test_once_it_is_decided_no_copy_is_left_of_what_was_found(sums: PlayedSums, decision: CheckDecision | None) -> None:
    """Neither in a file nor in its write-ahead log; a server vacuums by itself."""
    federation, query_id = sums.federation, add_up(sums, ASKED, 60)
    (waiting,) = checks.list_checks(federation.hub, federation.member("gus")).checks
    if decision is None:
        endings.withdraw_query(federation.hub, query_id, "It took too long.", federation.member("ana"))
    else:
        decide(sums, query_id, decision)
    state = federation.hub.party.database
    left = b"".join(file.read_bytes() for file in state.parent.glob(f"{state.name}*"))
    assert waiting.found[0].encode() not in left


def test_a_total_has_no_authorities_to_leave_out(sums: PlayedSums) -> None:
    query_id = add_up(sums, ASKED, 60)
    with pytest.raises(ProblemRaised, match="no rows of authorities to leave out"):
        decide(sums, query_id, CheckDecision(release=True, withhold=("301",)))
    assert (status_of(sums.federation, query_id).state, count_held(sums)) == (QueryState.CHECKING, 1)


def test_what_has_been_decided_meanwhile_is_not_decided_again(sums: PlayedSums) -> None:
    query_id = add_up(sums, ASKED, 60)
    federation = sums.federation
    waiting = checks.take_up(federation.hub, query_id)
    decide(sums, query_id, CheckDecision(release=False, reason="Too much."))
    assert waiting.total is not None
    with pytest.raises(ProblemRaised, match="moved on meanwhile"):
        deciding._let_total_go(federation.hub, waiting.query, waiting.total, federation.member("gus"))
    assert status_of(federation, query_id).state is QueryState.REFUSED


@pytest.mark.parametrize(("release", "shown"), [(True, "c"), (None, "c"), (False, 415)])
def test_what_comes_next_is_protected_beside_a_total_that_waits(
    sums: PlayedSums, release: bool | None, shown: str | int
) -> None:
    """Of 420 all but 7 have a score. The 420 are released, wait still, or are refused and tell nothing."""
    first = add_up(sums, ASKED, 60)
    if release is not None:
        decide(sums, first, CheckDecision(release=release, reason="" if release else "Too much."))
    second = add_up(sums, f"{ASKED} AND sdq_score >= 0", 59)
    decide(sums, second)
    assert sums.table(second) == [[shown]]


def test_another_total_that_waits_instead_is_not_taken_for_the_one_before(sums: PlayedSums) -> None:
    """As many are there as before."""
    hub = sums.federation.hub
    first = add_up(sums, ASKED, 60)
    manifest = find_query(hub, first, sums.federation.member("ana")).manifest
    looker = msgspec.structs.replace(manifest, query_id="Q-looker")
    before = gate.name_beside(hub, hub.database.connection, looker)
    decide(sums, first, CheckDecision(release=False, reason="Too much."))
    second = add_up(sums, f"{ASKED} AND age > 11", 60)
    after = gate.name_beside(hub, hub.database.connection, looker)
    assert (set(before) - set(after), set(after) - set(before)) == ({first}, {second})


def test_totals_that_wait_are_read_at_one_moment(sums: PlayedSums) -> None:
    """One is refused, and another is held instead, right after a worker has begun to look at what there is."""
    hub = sums.federation.hub
    first = add_up(sums, ASKED, 60)
    manifest = find_query(hub, first, sums.federation.member("ana")).manifest
    looker = msgspec.structs.replace(manifest, query_id="Q-looker")
    instead: list[str] = []

    def ask_and_be_overtaken(*asked: Any) -> SimpleNamespace:
        rows = hub.database.connection.execute(*asked).fetchall()
        if not instead:
            instead.append("")
            decide(sums, first, CheckDecision(release=False, reason="Too much."))
            instead[0] = add_up(sums, f"{ASKED} AND age > 11", 60)
        return SimpleNamespace(fetchall=lambda: rows, fetchone=lambda: rows[0])

    gate.name_beside(hub, cast("Connection", SimpleNamespace(execute=ask_and_be_overtaken)), looker)
    assert instead[0] in gate.name_beside(hub, hub.database.connection, looker)
