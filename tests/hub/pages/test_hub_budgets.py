"""Privacy budgets on the hub's pages: what a question costs, what is left, and the picture of what a budget buys."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from disclosure_control.budget.account import Caps
from disclosure_control.noise.shares import MODULUS
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.totals import release_noisy_total
from federation.exchange import QueryState
from federation.sum_terms import noise_terms
from hub import queries
from hub.pages.draft_form import MECHANISMS, read_form
from hub.query_states import move_query
from hub.release import describe_release, find_authorities, keep_release
from tests.hub.pages.conftest import Browse, Send
from tests.hub.pages.page_reader import read_page
from tests.hub.pages.test_hub_asking import GOOD, main_text
from tests.hub.pages.test_hub_query_pages import read_rows
from tests.hub.played_federation import PROJECT, PlayedFederation, found_federation
from tests.hub.sums.conftest import AUTHORITIES
from tests.hub.sums.played_sums import SQL
from tests.hub.sums.test_budgets_at_the_hub import SHIPPED, Asking

NOISY = {
    **GOOD,
    "sql": SQL.replace("COUNT(*) AS children", "COUNT(*) AS children, AVG(sdq_score) AS sdq"),
    "path": "noisy_sum",
    "epsilon": "0.5",
    "dropouts": "1",
    "colluders": "1",
    "step": "check",
}


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[PlayedFederation]:
    """Seven nodes that have stated the shipped caps, one of them less than the others."""
    founded = found_federation(tmp_path, authorities=AUTHORITIES)
    founded.state_budgets(caps=SHIPPED)
    founded.state_budgets("node-301", caps=SHIPPED, taken={(202425, PROJECT): "2"})
    yield founded
    founded.hub.close()


def test_price_and_remainder_are_shown_before_anything_is_drafted(browse: Browse, send: Send) -> None:
    text = main_text(send(browse("ana"), "/queries/new", NOISY).text)
    assert "Price Epsilon 0.5 (rho 0.04167) of 2024/25, once, whatever comes of it" in text
    assert "Left before Epsilon 3, for this project, at the authority with the least" in text
    assert "Left after Epsilon 2.5" in text
    assert "There is not enough left" not in text


def test_a_model_is_priced_before_anything_is_drafted(browse: Browse, send: Send) -> None:
    """What accuracy it buys depends on the data, so that nothing is drawn of it."""
    model = "SELECT FIT_LINEAR(sdq_score, age, sex) AS m FROM child_year WHERE academic_year = 202425 AND counted_here"
    answer = send(browse("ana"), "/queries/new", {**NOISY, "sql": model})
    text = main_text(answer.text)
    assert answer.status_code == 200
    assert "m: linear model of sdq_score by age, the levels of sex" in text
    assert "Price Epsilon 0.5 (rho " in text
    assert "<svg" not in answer.text[answer.text.index("What it costs") :]


def test_skellam_shares_can_be_asked_for(browse: Browse, send: Send) -> None:
    """With their own price and accuracy; what is drafted names them, and another kind than the two is refused."""
    texts = [main_text(send(browse("ana"), "/queries/new", {**NOISY, "mechanism": kind}).text) for kind in MECHANISMS]
    assert all(f"made of {kind.capitalize()} shares" in text for kind, text in zip(MECHANISMS, texts, strict=True))
    rho = [text.partition("(rho ")[2].partition(")")[0] for text in texts]
    assert float(rho[1]) < float(rho[0])
    review = read_page(send(browse("ana"), "/queries/new", {**NOISY, "mechanism": "skellam"}).text)
    fields = {field.attributes["name"]: field.attributes["value"] for field in review.all("input")}
    assert read_form(fields).to_draft().mechanism == "skellam"
    assert "Choose a kind of noise" in send(browse("ana"), "/queries/new", {**NOISY, "mechanism": "gauss"}).text


def test_the_picture_says_in_words_and_in_a_table_what_it_shows(browse: Browse, send: Send) -> None:
    """One picture for each figure, every point of it in the table, and nothing that a policy of the page would bar."""
    html = send(browse("ana"), "/queries/new", NOISY).text
    told = re.findall(r'<svg class="plot"[^>]* role="img" aria-label="([^"]+)"', html)
    assert [each.partition(". ")[0] for each in told] == ["children", "sdq, of 1,000 children"]
    assert all("The noise falls from ±" in each for each in told)
    table = html[html.index('id="accuracy">') :]
    for mark in re.findall(r'<text x="\d+" y="\d+">(±[\d.,]+)</text>', html):
        assert f">{mark}</td>" in table
    assert "style=" not in html
    assert "<script" not in html


def test_a_falling_line_is_drawn_inside_its_frame(browse: Browse, send: Send) -> None:
    html = send(browse("ana"), "/queries/new", NOISY).text
    for line in re.findall(r'<polyline points="([^"]+)"', html):
        points = [tuple(map(int, point.split(","))) for point in line.split()]
        assert points == sorted(points), "to the right, and never back up"
        assert [y for _, y in points] == sorted(y for _, y in points)
        assert all(0 <= x <= 360 and 0 <= y <= 190 for x, y in points)


@pytest.mark.parametrize("most", ["year", "question", "unstated"])
def test_too_little_is_said_before_it_is_drafted(
    browse: Browse, send: Send, federation: PlayedFederation, most: str
) -> None:
    if most == "unstated":
        with federation.hub.database.transaction() as connection:
            connection.execute("DELETE FROM budget_statements WHERE node = 'node-301'")
    else:
        caps = Caps(Fraction(1, 4) if most == "question" else Fraction(1), Fraction(1, 4), Fraction(1, 4))
        federation.state_budgets("node-301", caps=caps)
    text = main_text(send(browse("ana"), "/queries/new", NOISY).text)
    assert "There is not enough left for it" in text
    assert ("node-301" if most == "unstated" else "0.25") in text


def test_what_has_no_noise_has_no_price(browse: Browse, send: Send) -> None:
    assert "What it costs" not in send(browse("ana"), "/queries/new", {**GOOD, "step": "check"}).text


def test_an_epsilon_under_which_nothing_can_be_noised_is_the_fields_own_error(browse: Browse, send: Send) -> None:
    sql = NOISY["sql"].replace("AVG(sdq_score)", "VAR_SAMP(days_out_of_learning)")
    answer = send(browse("ana"), "/queries/new", {**NOISY, "sql": sql, "epsilon": "0.000001"})
    assert answer.status_code == 422
    assert "This cannot be noised so" in main_text(answer.text)


def test_a_querys_page_says_what_it_costs_and_why_it_waits(browse: Browse, federation: PlayedFederation) -> None:
    query_id = Asking(federation).draft()
    page = main_text(browse("ana").get(f"/queries/{query_id}").text)
    assert "Price Epsilon 1 (rho 0.5), once for all attempts" in page
    assert "Budget left Epsilon 3 now, 2 once it is sent out" in page
    federation.state_budgets("node-301", caps=SHIPPED, taken={(202425, PROJECT): "5"})
    page = main_text(browse("ana").get(f"/queries/{query_id}").text)
    assert "It cannot be sent out now" in page
    assert "have cost epsilon 5 of 5" in page
    assert ".." not in page
    assert queries.find_query(federation.hub, query_id, federation.member("ana")).state == "drafted"


# --- The release -----------------------------------------------------------------------------------------------------

ROLLED = (
    "SELECT sex, COUNT(*) AS children FROM child_year WHERE academic_year = 202425 AND counted_here "
    "GROUP BY ROLLUP (sex)"
)


@pytest.fixture
def released(federation: PlayedFederation) -> str:
    """The id of a query whose noised figures are -3, 20, 7 and 1, and 30 of all: one is negative, and the sum is 25."""
    asking = Asking(federation, ROLLED)
    query = asking.find(asking.ask())
    terms = query.manifest.sum
    assert terms is not None
    served = tuple(sorted(find_authorities(federation.hub, query).values()))
    values = [each % MODULUS for each in (-3, 20, 7, 1, 30)]
    noise, preset = noise_terms(terms, len(query.manifest.roster)), load_preset("ons_10_5")
    table = release_noisy_total(query.plan, values, noise, served, {}, preset)
    with federation.hub.database.transaction() as connection:
        assert move_query(connection, query.query_id, QueryState.APPROVED, QueryState.RUNNING)
        running = asking.find(query.query_id)
        keep_release(federation.hub, connection, running, describe_release(federation.hub, running, table, ()))
    return query.query_id


def test_a_releases_page_says_what_it_cost_and_what_is_left(browse: Browse, released: str) -> None:
    page = main_text(browse("ana").get(f"/queries/{released}/release").text)
    assert "epsilon achieved, 1; rho achieved, 0.25." in page
    assert "Price Epsilon 1 (rho 0.25), once for all attempts" in page
    assert "Budget left Epsilon 2 now: for this project" in page


def test_counts_that_add_up_are_offered_and_labelled(browse: Browse, released: str) -> None:
    """Beside the released ones, which stand as they are; whoever does not ask sees none of it."""
    plain = browse("ana").get(f"/queries/{released}/release").text
    assert f'href="/queries/{released}/release?consistent=yes"' in plain
    assert "children_consistent" not in plain
    page = browse("ana").get(f"/queries/{released}/release?consistent=yes")
    assert "are post-processed" in main_text(page.text)
    _, *rows = read_rows(page.text)
    assert [int(row[1].split()[0]) for row in rows] == [-3, 20, 7, 1, 30]
    *parts, total = (int(row[2]) for row in rows)
    assert sum(parts) == total
    assert min(parts) == 0


def test_they_are_in_a_file_of_their_own(browse: Browse, released: str) -> None:
    answer = browse("ana").get(f"/queries/{released}/release.csv?consistent=yes")
    assert answer.text.splitlines()[0] == "sex,children,children_consistent"
    assert "-consistent.csv" in answer.headers["Content-Disposition"]
    assert browse("ana").get(f"/queries/{released}/release.csv").text.splitlines()[0] == "sex,children"
