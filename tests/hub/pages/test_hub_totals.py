"""Totals on the hub's pages: over whom they add up, who is not in them and why, and how far one that runs has got."""

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from disclosure_control.model_reading import read_model
from federation.sum_terms import GATHER_SECONDS
from hub.queries import find_query
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.test_totals import MODEL, model_sums
from tests.hub.pages.conftest import Browse
from tests.hub.pages.test_hub_asking import main_text
from tests.hub.pages.test_hub_query_pages import read_rows
from tests.hub.played_federation import PlayedFederation, found_federation
from tests.hub.replies import released, table_of
from tests.hub.sums.conftest import AUTHORITIES
from tests.hub.sums.played_sums import PlayedSums, approve_template, play_sums, run_template


@pytest.fixture
def sums(tmp_path: Path) -> Iterator[PlayedSums]:
    """Seven nodes of seven operators, which have made ready for sums."""
    founded = found_federation(tmp_path, authorities=AUTHORITIES)
    played = play_sums(founded, [f"node-{code}" for code in AUTHORITIES])
    played.settle()
    yield played
    founded.hub.close()


@pytest.fixture
def federation(sums: PlayedSums) -> PlayedFederation:
    """The federation of these nodes, for the browser."""
    return sums.federation


def release_without(sums: PlayedSums, *absent: str) -> str:
    """Have a noisy sum released that these nodes are no part of; returns the query's id."""
    query_id = sums.ask()
    here = [name for name in sums.nodes if name not in absent]
    sums.settle(*here)
    sums.federation.clock.advance(timedelta(seconds=GATHER_SECONDS + 1))
    sums.settle(*here)
    return query_id


def test_a_total_has_no_column_of_authorities(sums: PlayedSums, browse: Browse) -> None:
    """Each row begins with its category, and no category is taken for an authority."""
    query_id = release_without(sums)
    table = table_of(sums.federation, query_id)
    rows = read_rows(browse("ana").get(f"/queries/{query_id}/release").text)
    assert rows[0] == ["key_stage", "children"]
    assert [row[0] for row in rows[1:]] == [str(row[0] or "missing") for row in table.rows]
    assert all(
        row[1].startswith(f"{row_of_table[1]:,}") for row, row_of_table in zip(rows[1:], table.rows, strict=True)
    )
    assert "margin" in rows[1][1]


def test_the_page_of_a_total_says_over_whom_it_adds_up(sums: PlayedSums, browse: Browse) -> None:
    query_id = sums.ask()
    sums.federation.refuse(query_id, "node-302")
    sums.settle(*(name for name in sums.nodes if name not in ("node-302", "node-303")))
    sums.federation.clock.advance(timedelta(seconds=GATHER_SECONDS + 1))
    sums.settle(*(name for name in sums.nodes if name not in ("node-302", "node-303")))
    text = main_text(browse("ana").get(f"/queries/{query_id}/release").text)
    assert "This is a total over 5 of 7 authorities." in text
    assert "Not in it: Barnet (302), Bexley (303)." in text
    assert "Barnet (302) Refused Wait for the next." in text
    assert "Bexley (303) Late No answer came in time." in text
    assert "Barking and Dagenham (301) In the total" in text
    assert "Answered" not in text


def test_the_page_of_a_total_says_what_was_promised_and_by_whom_it_was_opened(sums: PlayedSums, browse: Browse) -> None:
    text = main_text(browse("ana").get(f"/queries/{release_without(sums, 'node-886')}/release").text)
    assert "Left by noisy_sum" in text
    assert "Noise Epsilon 1. Of 7 nodes, 2 could have been missing and 1 more could pool what they know" in text
    assert "Standard deviation of the noise: children" in text
    assert "5 of the nodes signed that the 6 in the total be opened together and no others" in text
    assert "That the figures are what was opened is the hub's word" in text


def test_a_table_by_authority_says_nothing_of_totals(sums: PlayedSums, browse: Browse) -> None:
    query_id = sums.federation.start()
    for node in sums.nodes:
        sums.federation.refuse(query_id, node) if node != "node-301" else None
    sums.federation.answer(query_id, "node-301")
    text = main_text(browse("ana").get(f"/queries/{query_id}/release").text)
    assert "Barking and Dagenham (301) Answered" in text
    assert "In the total" not in text
    assert "This is a total" not in text


def test_a_released_model_has_a_page_and_files(sums: PlayedSums, browse: Browse) -> None:
    """What one node adds up to a model, by a template over all seven."""

    def figures(plan: QueryPlan) -> Sequence[int]:
        raw = model_sums(plan, 400)
        return [value for each in plan.statistics for value in raw.statistic(each.name)]

    sums.nodes["node-301"].figures = figures
    for name in sums.nodes.keys() - {"node-301"}:
        sums.nodes[name].figures = lambda plan: [0] * (plan.cells * len(plan.statistics))
    query_id = run_template(sums, approve_template(sums, MODEL + " AND academic_year = 202425"))
    sums.settle()
    ana, path = browse("ana"), f"/queries/{query_id}/release"
    model = read_model(released(sums.federation, query_id).table)
    page = ana.get(path).text
    assert read_rows(page) == [
        ["Term", "Estimate", "Standard error", "95 % low", "95 % high"],
        *map(list, model.lines),
    ]
    text = main_text(page)
    assert "This is a total over 7 of 7 authorities." in text
    assert "A linear model of sdq_score" in text
    assert all(" ".join(note.split()) in text for note in model.notes)
    assert ana.get(f"{path}.csv").text == ana.get(f"{path}.csv?margins=yes").text == model.to_csv()
    assert json.loads(ana.get(f"{path}.json").text)["table"] == model.to_json()
    assert find_query(sums.federation.hub, query_id, sums.federation.member("ana")).state == "released"
