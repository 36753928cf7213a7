"""What a report lacks, where a template has standing approval for it: its run is a button away, for its asker, once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from federation.envelope import Envelope
from federation.exchange import QueryState, RunDraft
from federation.manifest import Choice
from federation.reports.measures import load_measures, write_question
from federation.software import write_products
from federation.template import check_run
from hub.queries import StoredQuery, find_query
from hub.runs import draft_run
from hub.sightings import note_sighting
from tests.hub.pages.conftest import Browse, Send
from tests.hub.pages.test_hub_asking import main_text
from tests.hub.played_federation import PlayedFederation, found_federation
from tests.hub.sums.conftest import AUTHORITIES
from tests.hub.sums.played_sums import PlayedSums, approve_template, play_sums

KNOWN = load_measures()
SQL = write_question(KNOWN.find_measure("absence"), KNOWN.find_factors(["sex"]), 202425)
SPRING, SUMMER = "202425-spring", "202425-summer"
ASK = "/reports/ask?measure=absence&by={by}&and=&level={level}&year={year}"
LACKING = ASK.format(by="sex", level="nation", year="202425")


@pytest.fixture
def sums(tmp_path: Path) -> Iterator[PlayedSums]:
    """Seven nodes of seven operators, which have made ready for sums and have a snapshot of the spring."""
    founded = found_federation(tmp_path, authorities=AUTHORITIES)
    played = play_sums(founded, [f"node-{code}" for code in AUTHORITIES])
    played.settle()
    announce(played, SPRING)
    yield played
    founded.hub.close()


@pytest.fixture
def federation(sums: PlayedSums) -> PlayedFederation:
    """The federation of these nodes, for the browser."""
    return sums.federation


def announce(sums: PlayedSums, term: str, *nodes: str) -> None:
    for node in nodes or tuple(sums.nodes):
        products = write_products(register=1, snapshot=f"{term}-1f0c9a8b7c6d5e4f")
        note_sighting(sums.federation.hub, sums.federation.member(node), products, sums.federation.clock())


def approve(sums: PlayedSums, runs: int = 12, days: int = 60) -> Envelope:
    """A template of Ana's for absence by sex, in two academic years, in words and spaces of its own."""
    sql = SQL.replace("202425", "{year}").replace("\n", "\n  ")
    purpose, years = "Absence of children in care", ("202324", "202425")
    return approve_template(sums, sql, runs, (SPRING, SUMMER), days=days, years=years, purpose=purpose)


def run_first(sums: PlayedSums, template: Envelope) -> str:
    """Have it run about the year before, by which the hub knows it."""
    choices = (Choice(parameter="year", value="202324"),)
    draft = RunDraft(template=template, choices=choices, snapshot_term=SPRING, valid_hours=48)
    query_id = draft_run(sums.federation.hub, draft, sums.federation.member("ana"))
    sums.federation.sign(query_id, "ana")
    return query_id


def read_draft(sums: PlayedSums, address: str) -> StoredQuery:
    assert address.startswith("/queries/Q-")
    return find_query(sums.federation.hub, address.removeprefix("/queries/"), sums.federation.member("ana"))


def test_a_run_is_drafted_by_one_button_and_once(sums: PlayedSums, browse: Browse, send: Send) -> None:
    """What is drafted is a run that every node accepts, about the newest snapshot that all have; then it is shown."""
    template = approve(sums)
    run_first(sums, template)
    announce(sums, SUMMER, next(iter(sums.nodes)))
    ana = browse("ana")
    page = main_text(ana.get(LACKING).text)
    assert "“Absence of children in care” has standing approval" in page
    assert f"A run is about {SPRING}, the newest snapshot that all 7 authorities asked have" in page
    sent = send(ana, LACKING)
    assert sent.status_code == 303
    query = read_draft(sums, sent.location)
    assert query.state is QueryState.DRAFTED
    assert (query.manifest.choices[0].value, query.manifest.snapshot_term) == ("202425", SPRING)
    sums.federation.sign(query.query_id, "ana")
    query = read_draft(sums, sent.location)
    check_run(query.manifest, query.envelope, template, sums.federation.hub.register(), sums.federation.clock())
    again = ana.get(LACKING).text
    assert "has been run about" in main_text(again)
    assert f'href="{sent.location}"' in again
    assert send(ana, LACKING).location == sent.location


@pytest.mark.parametrize(
    "address",
    [
        ASK.format(by="key_stage", level="nation", year="202425"),
        ASK.format(by="sex", level="authority", year="202425"),
        ASK.format(by="sex", level="region", year="202425"),
        ASK.format(by="sex", level="nation", year="202223"),
    ],
    ids=["another factor", "rows of authorities", "regions", "a year that is not in its list"],
)
def test_any_other_question_is_drafted_by_hand(sums: PlayedSums, browse: Browse, send: Send, address: str) -> None:
    run_first(sums, approve(sums))
    ana = browse("ana")
    assert "standing approval" not in main_text(ana.get(address).text)
    assert "Take it to the draft" in ana.get(address).text
    assert send(ana, address).status_code == 409


def test_a_template_is_run_by_its_asker_alone(sums: PlayedSums, browse: Browse, send: Send) -> None:
    run_first(sums, approve(sums))
    bea = browse("bea")
    assert "standing approval" not in main_text(bea.get(LACKING).text)
    assert send(bea, LACKING).status_code == 409


def test_one_that_has_no_run_left_or_is_over_is_not_offered(sums: PlayedSums, browse: Browse) -> None:
    run_first(sums, approve(sums, runs=1))
    ana = browse("ana")
    assert "standing approval" not in main_text(ana.get(LACKING).text)
    run_first(sums, approve(sums, days=3))
    assert "standing approval" in main_text(ana.get(LACKING).text)
    sums.federation.clock.advance(timedelta(days=3))
    assert "standing approval" not in main_text(browse("ana").get(LACKING).text)


def test_nothing_is_offered_before_all_have_a_snapshot_that_it_is_for(sums: PlayedSums, browse: Browse) -> None:
    run_first(sums, approve(sums))
    announce(sums, "202324-summer", next(iter(sums.nodes)))
    assert "standing approval" not in main_text(browse("ana").get(LACKING).text)
