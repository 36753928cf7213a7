"""Standing questions that recur: a run is drafted by itself when every node has announced the next snapshot, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from audit.event import Action
from audit.log import read_entries
from federation.envelope import Envelope
from federation.exchange import QueryState, RunDraft
from federation.manifest import Choice, Manifest
from federation.software import write_products
from federation.template import check_run, template_digest
from hub.endings import withdraw_query
from hub.queries import find_query
from hub.recurring import announced_terms, draft_next_runs
from hub.runs import PreparedRun, draft_run, store_run
from hub.service import Hub
from hub.sightings import note_sighting
from tests.hub.replies import status_of
from tests.hub.sums.played_sums import PlayedSums, approve_template

YEARLY = """SELECT key_stage, COUNT(*) AS children FROM child_year
WHERE academic_year = {year} AND counted_here AND population = 'looked_after' GROUP BY key_stage"""

OLD, NEXT, NEXT_YEAR = "202324-spring", "202324-summer", "202425-autumn"


def approve(
    sums: PlayedSums, *, runs: int = 12, days: int = 60, terms: tuple[str, ...] = (OLD, NEXT, NEXT_YEAR)
) -> Envelope:
    """A template about two years, signed by its asker and by approvers of two organisations."""
    return approve_template(sums, YEARLY, runs, terms, days=days, years=("202324", "202425"))


def run_once(sums: PlayedSums, template: Envelope, *, sign: bool = True, starts: bool = True) -> str:
    """Have the template run about the old term, signed and begun or not; returns the query's id."""
    choices = (Choice(parameter="year", value="202324"),)
    draft = RunDraft(template=template, choices=choices, snapshot_term=OLD, valid_hours=48)
    query_id = draft_run(sums.federation.hub, draft, sums.federation.member("ana"))
    if sign:
        sums.federation.sign(query_id, "ana", starts=starts)
    return query_id


def announce(sums: PlayedSums, term: str, *nodes: str) -> None:
    """Have nodes, or all of them, announce a snapshot as they poll."""
    for node in nodes or tuple(sums.nodes):
        products = write_products(register=1, snapshot=f"{term}-1f0c9a8b7c6d5e4f")
        note_sighting(sums.federation.hub, sums.federation.member(node), products, sums.federation.clock())


def draft_now(sums: PlayedSums) -> tuple[str, ...]:
    return draft_next_runs(sums.federation.hub, sums.federation.clock())


def manifest_of(sums: PlayedSums, query_id: str) -> Manifest:
    return find_query(sums.federation.hub, query_id, sums.federation.member("ana")).manifest


@pytest.fixture
def template(sums: PlayedSums) -> Envelope:
    """A template that its asker has run about the old term, of which every node has a snapshot."""
    sums.settle()
    envelope = approve(sums)
    run_once(sums, envelope)
    announce(sums, OLD)
    return envelope


def test_the_next_run_is_drafted_once_every_node_has_announced_the_next_snapshot(
    sums: PlayedSums, template: Envelope
) -> None:
    first, *others = sums.nodes
    announce(sums, NEXT, *others)
    assert draft_now(sums) == ()
    announce(sums, NEXT, first)
    (query_id,) = draft_now(sums)
    manifest = manifest_of(sums, query_id)
    assert (manifest.snapshot_term, manifest.academic_year, manifest.choices[0].value) == (NEXT, "202324", "202324")
    assert manifest.roster == tuple(sorted(sums.nodes))
    assert manifest.expires_at - manifest.issued_at == timedelta(hours=48)
    assert status_of(sums.federation, query_id).state is QueryState.DRAFTED
    assert draft_now(sums) == ()


def test_a_new_year_is_asked_about_with_its_first_snapshot(sums: PlayedSums, template: Envelope) -> None:
    announce(sums, NEXT_YEAR)
    (query_id,) = draft_now(sums)
    manifest = manifest_of(sums, query_id)
    assert (manifest.snapshot_term, manifest.academic_year, manifest.choices[0].value) == (
        NEXT_YEAR,
        "202425",
        "202425",
    )
    assert "academic_year = 202425" in manifest.sql
    assert draft_now(sums) == (), "the term between is not gone back to"


def test_nodes_put_it_together_as_any_run_once_its_asker_has_signed(sums: PlayedSums, template: Envelope) -> None:
    announce(sums, NEXT)
    (query_id,) = draft_now(sums)
    sums.federation.sign(query_id, "ana")
    query = find_query(sums.federation.hub, query_id, sums.federation.member("ana"))
    assert query.state is QueryState.RUNNING
    register, now = sums.federation.hub.register(), sums.federation.clock()
    _, asker = check_run(query.manifest, query.envelope, template, register, now)
    assert asker.id == "ana"


def test_two_workers_at_once_draft_one(sums: PlayedSums, template: Envelope, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have looked, and found nothing, before either writes."""
    announce(sums, NEXT)
    both = Barrier(2, timeout=30)

    def store_together(hub: Hub, run: PreparedRun, *, recurring: bool) -> str:
        both.wait()
        return store_run(hub, run, recurring=recurring)

    monkeypatch.setattr("hub.recurring.store_run", store_together)
    with ThreadPoolExecutor(2) as workers:
        found = list(workers.map(lambda _: draft_now(sums), range(2)))
    assert sorted(map(len, found)) == [0, 1]
    rows = sums.federation.hub.database.connection.execute("SELECT * FROM queries WHERE state = 'drafted'")
    assert len(rows.fetchall()) == 1


def test_the_log_says_that_the_hub_drafted_it(sums: PlayedSums, template: Envelope) -> None:
    announce(sums, NEXT)
    (query_id,) = draft_now(sums)
    hub = sums.federation.hub
    (drafted,) = read_entries(hub.database.connection, action=Action.QUERY_DRAFTED, reference=query_id)
    assert drafted.to_event().actor == hub.party.member_id


def followed(sums: PlayedSums) -> list[str]:
    """Have drafted what follows now; return the templates that it is of."""
    return [manifest_of(sums, query_id).template for query_id in draft_now(sums)]


def test_nothing_recurs_beyond_the_runs_the_days_and_the_terms_of_a_template(sums: PlayedSums) -> None:
    sums.settle()
    good = approve(sums)
    for envelope in (good, approve(sums, runs=1), approve(sums, terms=(OLD,)), approve(sums, days=1)):
        run_once(sums, envelope)
    announce(sums, NEXT)
    sums.federation.clock.advance(timedelta(days=1))
    assert followed(sums) == [template_digest(good)]


def test_a_run_that_was_never_signed_or_was_taken_back_is_not_followed(sums: PlayedSums) -> None:
    sums.settle()
    good = approve(sums)
    run_once(sums, good)
    run_once(sums, approve(sums), sign=False)
    taken_back = run_once(sums, approve(sums), starts=False)
    withdraw_query(sums.federation.hub, taken_back, "asked by mistake", sums.federation.member("ana"))
    announce(sums, NEXT)
    assert followed(sums) == [template_digest(good)]


def test_a_term_that_its_asker_ran_by_hand_is_not_drafted_again(sums: PlayedSums, template: Envelope) -> None:
    choices = (Choice(parameter="year", value="202324"),)
    draft = RunDraft(template=template, choices=choices, snapshot_term=NEXT, valid_hours=24)
    draft_run(sums.federation.hub, draft, sums.federation.member("ana"))
    announce(sums, NEXT)
    assert draft_now(sums) == ()


def test_only_a_name_that_begins_with_a_term_announces_one(sums: PlayedSums) -> None:
    first, second, *_ = sums.nodes
    announce(sums, NEXT, first)
    hub, member = sums.federation.hub, sums.federation.member(second)
    for said in ("202324-winter-1f0c", "tomorrow", ""):
        note_sighting(hub, member, write_products(snapshot=said), sums.federation.clock())
        assert announced_terms(hub) == {first: NEXT}
