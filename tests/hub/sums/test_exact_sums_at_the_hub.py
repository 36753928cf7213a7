"""Exact sums at the hub: runs of an approved template, protected before they are kept, all over the same survivors."""

from datetime import timedelta

import pytest

from disclosure_control.release.gate import ReleaseRefused
from federation.exchange import QueryState, RunDraft
from federation.manifest import Path
from federation.problems import ProblemRaised
from federation.sum_terms import GATHER_SECONDS
from hub.queries import find_query
from hub.runs import draft_run
from hub.settling import keep_up
from hub.sums import advancing, totals
from hub.sums.certificates import certified_survivors, find_certificate
from query_engine.planning.plan import QueryPlan
from tests.hub.replies import released, status_of
from tests.hub.sums.played_sums import SQL, TERM, PlayedSums, approve_template, run_template

OTHER_SQL = SQL.replace("key_stage", "sex")


def test_a_run_of_a_template_is_released_under_its_preset(sums: PlayedSums) -> None:
    """Seven authorities with three children in each cell: 21 in all, which the preset rounds to 20."""
    sums.settle()
    count_children(sums, 3)
    query_id = run_template(sums, approve_template(sums))
    sums.settle()
    assert {row[-1] for row in sums.table(query_id)} == {20}
    assert "A total over 7 of 7 authorities" in released(sums.federation, query_id).table["method"]


def test_every_survivor_is_asked_for_its_shares(sums: PlayedSums, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though five would do: whoever reveals holds the term to these survivors for good."""
    monkeypatch.setattr(advancing, "FEWEST_SPARE", 0)
    sums.settle()
    run_template(sums, approve_template(sums))
    for node in sums.nodes.values():
        node.poll()
    asked = sums.federation.hub.database.connection.execute("SELECT receiver FROM deliveries WHERE kind = 'opening'")
    assert {row["receiver"] for row in asked} == set(sums.nodes)


def test_the_certificate_has_all_who_reveal_soon(sums: PlayedSums) -> None:
    """Five would open the sum, and the hub waits two seconds for the others: of seven who hold to it two may leave."""
    sums.settle()
    query_id = run_template(sums, approve_template(sums))
    for node in sums.nodes.values():
        node.poll()
    quick, slow = sorted(sums.nodes)[:5], sorted(sums.nodes)[5:]
    for name in (*quick, slow[0]):
        sums.nodes[name].poll()
    assert status_of(sums.federation, query_id).state is QueryState.RUNNING
    sums.federation.clock.advance(advancing.SLOW)
    keep_up(sums.federation.hub, sums.federation.clock())
    assert status_of(sums.federation, query_id).state is QueryState.RELEASED
    certificate = find_certificate(sums.federation.hub.database.connection, TERM)
    assert certificate is not None
    assert certificate.survivors.signers == (*quick, slow[0])


def test_a_sum_that_is_withheld_fixes_the_survivors_too(sums: PlayedSums, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was opened and the nodes hold to it, so whoever asks next has to know."""

    def refuse(*_: object) -> None:
        raise ReleaseRefused("nothing of it may be shown")

    monkeypatch.setattr(totals, "_protect", refuse)
    sums.settle()
    query_id = run_template(sums, approve_template(sums))
    sums.settle()
    assert status_of(sums.federation, query_id).state is QueryState.UNFINISHED
    assert certified_survivors(sums.federation.hub.database.connection, TERM) == tuple(sorted(sums.nodes))


def test_small_totals_are_withheld(sums: PlayedSums) -> None:
    """One child in each of seven authorities is a total of 7, below ten."""
    sums.settle()
    query_id = run_template(sums, approve_template(sums))
    sums.settle()
    assert {row[-1] for row in sums.table(query_id)} == {"c"}


def test_the_exact_sum_stands_nowhere_in_the_hubs_files(sums: PlayedSums) -> None:
    """Of 7 * 142,858 = 1,000,006 the files have the rounded 1,000,005 and nothing else, as text or as a number.

    The certificate has the least and the greatest count that are printed so, whatever the true one is: 1,000,003 and
    1,000,007. The true one lies between, so that it cannot be taken for either.
    """
    sums.settle()
    count_children(sums, 142_858)
    query_id = run_template(sums, approve_template(sums))
    sums.settle()
    assert {row[-1] for row in sums.table(query_id)} == {1_000_005}
    files = [path for path in sums.federation.hub.party.directory.rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert b"1000005" in content
    assert not any(form in content for form in (b"1000006", (1_000_006).to_bytes(8, "little")))


def test_a_run_needs_no_approvals_but_its_templates(sums: PlayedSums) -> None:
    sums.settle()
    query_id = run_template(sums, approve_template(sums))
    assert status_of(sums.federation, query_id).state is QueryState.RUNNING
    with pytest.raises(ProblemRaised) as refused:
        sums.federation.sign(query_id, "cho")
    assert refused.value.problem.code == "run_of_template"


def test_the_first_opening_fixes_the_survivors_of_all_that_follow(sums: PlayedSums) -> None:
    """The first sum goes on without a node that is away; the next is over the same six, and that node is not asked."""
    sums.settle()
    count_children(sums, 3)
    here = sorted(sums.nodes)[:-1]
    first = run_template(sums, approve_template(sums))
    sums.settle(*here)
    sums.federation.clock.advance(timedelta(seconds=GATHER_SECONDS + 1))
    sums.settle(*here)
    assert status_of(sums.federation, first).state is QueryState.RELEASED
    assert certified_survivors(sums.federation.hub.database.connection, TERM) == tuple(here)
    second = run_template(sums, approve_template(sums, OTHER_SQL))
    manifest = find_query(sums.federation.hub, second, sums.federation.member("ana")).manifest
    assert manifest.roster == tuple(here)
    sums.settle()
    assert status_of(sums.federation, second).state is QueryState.RELEASED
    assert released(sums.federation, second).table["answered"] == [name.removeprefix("node-") for name in here]


def test_later_exact_sums_fail_when_anybody_is_missing(sums: PlayedSums) -> None:
    """Once the survivors are fixed a smaller set would give the missing authority's figures away by subtraction."""
    sums.settle()
    count_children(sums, 3)
    run_template(sums, approve_template(sums))
    sums.settle()
    second = run_template(sums, approve_template(sums, OTHER_SQL))
    here = sorted(sums.nodes)[:-1]
    sums.settle(*here)
    sums.federation.clock.advance(timedelta(hours=25))
    sums.settle(*here)
    assert status_of(sums.federation, second).state is QueryState.UNFINISHED


def test_a_template_of_another_is_not_run(sums: PlayedSums) -> None:
    sums.settle()
    draft = RunDraft(template=approve_template(sums), choices=(), snapshot_term=TERM, valid_hours=24)
    with pytest.raises(ProblemRaised) as refused:
        draft_run(sums.federation.hub, draft, sums.federation.member("bea"))
    assert refused.value.problem.code == "template_of_another"


def test_an_exact_sum_is_asked_for_by_template_alone(sums: PlayedSums) -> None:
    sums.settle()
    with pytest.raises(ProblemRaised) as refused:
        sums.ask(path=Path.EXACT_SUM)
    assert refused.value.problem.code == "template_missing"


def count_children(sums: PlayedSums, children: int) -> None:
    """Have every node count so many children in each cell."""

    def figures(plan: QueryPlan) -> list[int]:
        return [children] * (plan.cells * len(plan.statistics))

    for node in sums.nodes.values():
        node.figures = figures
