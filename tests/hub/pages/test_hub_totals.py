"""Totals on the hub's pages: over whom they add up, who is not in them and why, and how far one that runs has got."""

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from disclosure_control.linked import gathering
from disclosure_control.models.reading import read_model
from federation.exchange import QueryDraft
from federation.manifest import Path as LeavingPath
from federation.sum_terms import GATHER_SECONDS
from hub.drafting import draft_query
from hub.queries import find_query
from hub.sums.attempts import AttemptState
from hub.sums.progress import SumProgress
from query_engine.planning.centring import find_centring
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.release.test_totals import MODEL, model_sums
from tests.hub.pages.conftest import Browse, Send
from tests.hub.pages.page_reader import read_page
from tests.hub.pages.test_hub_asking import main_text
from tests.hub.pages.test_hub_query_pages import read_rows
from tests.hub.played_federation import PlayedFederation, found_federation
from tests.hub.replies import released, table_of
from tests.hub.sums import test_held_totals as held
from tests.hub.sums.conftest import AUTHORITIES
from tests.hub.sums.played_sums import SQL, PlayedSums, approve_template, play_sums, run_template


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


def test_the_draft_of_a_total_that_will_wait_says_so(
    sums: PlayedSums, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To its asker, who reads it before signing."""
    monkeypatch.setattr(gathering, "MOST_TOGETHER", 1)
    monkeypatch.setattr(gathering, "MOST_IN_GROUP", 1)
    said = "Its total will wait for an output checker before it is released: "
    assert said not in main_text(browse("ana").get(f"/queries/{held.draft(sums, held.ASKED)}").text)
    for sql in held.EARLIER:
        held.add_up(sums, sql, 20)
    text = main_text(browse("ana").get(f"/queries/{held.draft(sums, held.ASKED)}").text)
    assert f"{said}earlier totals overlap with it in more ways than can be looked at all at once. " in text


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
    assert "Noise Epsilon 1, of Polya shares. Of 7 nodes, 2 could have been missing and 1 more could pool" in text
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


def add_up_to_a_model(sums: PlayedSums, children: int, holders: Collection[str] = ("node-301",)) -> None:
    """Have these nodes hold the rows of a model, of so many children each, and the others none."""

    def figures(plan: QueryPlan) -> Sequence[int]:
        raw = model_sums(plan, children)
        assert plan.model is not None
        by_product = {product: raw.statistic(name)[0] for product, name in plan.model.sums.items()}
        centred = find_centring(plan, plan.model).centre(by_product) if plan.path == "noisy_sum" else by_product
        named = {plan.model.sums[product]: value for product, value in centred.items()}
        return [named.get(each.name, raw.statistic(each.name)[0]) for each in plan.statistics]

    for name, node in sums.nodes.items():
        node.figures = figures if name in holders else lambda plan: [0] * (plan.cells * len(plan.statistics))


@pytest.mark.parametrize(("children", "terms"), [(4_000_000, 2), (400, 0)])
def test_a_model_of_noised_sums_has_a_page(sums: PlayedSums, browse: Browse, children: int, terms: int) -> None:
    """With what was promised and what it cost; and in words, where the noise leaves no estimate."""
    add_up_to_a_model(sums, children)
    query_id = sums.ask(sql=MODEL + " AND academic_year = 202425")
    sums.settle()
    model = read_model(released(sums.federation, query_id).table)
    page = browse("ana").get(f"/queries/{query_id}/release").text
    text = main_text(page)
    assert len(model.terms) == terms
    assert [row for row in read_rows(page) if row[1:2] != ["Estimate"]][:terms] == list(map(list, model.lines))
    assert ("The noise leaves no estimate to go by" in text) is (terms == 0)
    assert "Noise Epsilon 1, of Polya shares. Of 7 nodes, 2 could have been missing and 1 more could pool" in text
    assert "Price Epsilon 1" in text
    assert all(" ".join(note.split()) in text for note in model.notes)


def test_a_released_model_has_a_page_and_files(sums: PlayedSums, browse: Browse) -> None:
    """What seven nodes add up to a model, by a template."""
    add_up_to_a_model(sums, 400, sums.nodes)
    query_id = run_template(sums, approve_template(sums, MODEL + " AND academic_year = 202425"))
    sums.settle()
    ana, path = browse("ana"), f"/queries/{query_id}/release"
    model = read_model(released(sums.federation, query_id).table)
    page = ana.get(path).text
    assert read_rows(page) == [
        ["Term", "Estimate", "Standard error", "95% low", "95% high"],
        *map(list, model.lines),
    ]
    text = main_text(page)
    assert "This is a total over 7 of 7 authorities." in text
    assert "A linear model of sdq_score" in text
    assert all(" ".join(note.split()) in text for note in model.notes)
    assert ana.get(f"{path}.csv").text == ana.get(f"{path}.csv?margins=yes").text == model.to_csv()
    assert json.loads(ana.get(f"{path}.json").text)["table"] == model.to_json()
    assert find_query(sums.federation.hub, query_id, sums.federation.member("ana")).state == "released"


def progress_of(browse: Browse, query_id: str) -> str:
    return main_text(browse("ana").get(f"/queries/{query_id}").text)


def test_a_running_sum_says_how_far_it_has_got(sums: PlayedSums, browse: Browse) -> None:
    """Contributions by number, refusals among them, then the opening; and that nothing comes of it without enough."""
    query_id = sums.ask()
    text = progress_of(browse, query_id)
    assert "Attempt 1: 0 contributed, 0 refused, 7 awaited. Contributions are awaited until 09:05 UTC." in text
    assert "When enough nodes have opened the sum, before 24 November 2026 at 09:00 UTC, or not at all." in text
    assert "Leaves by noisy_sum: each authority adds its share of noise" in text
    assert "Opened by at least 5 of the 7 nodes" in text
    assert "each authority protects its own rows" not in text
    for name in ("node-201", "node-301", "node-302", "node-303", "node-330"):
        sums.nodes[name].poll()
    sums.federation.refuse(query_id, "node-815")
    assert "Attempt 1: 5 contributed, 1 refused, 1 awaited." in progress_of(browse, query_id)
    sums.nodes["node-886"].poll()
    assert "6 contributed, 1 refused, 0 awaited. Being opened: 0 nodes have agreed, and 5 must." in progress_of(
        browse, query_id
    )
    sums.settle(*(name for name in sums.nodes if name != "node-815"))
    text = progress_of(browse, query_id)
    assert "The total can be read." in text
    assert "7 of 7 have answered." in text


def test_a_sum_that_nobody_is_ready_for_says_so(sums: PlayedSums, browse: Browse) -> None:
    """No slot of its roster has been dealt yet, since it asks others than a standing roster."""
    draft = QueryDraft(
        project="attendance",
        purpose="How many children there are",
        sql=SQL,
        academic_year="202425",
        preset="ons_10_5",
        roster=tuple(sorted(sums.nodes)[1:]),
        valid_hours=24,
        path=LeavingPath.NOISY_SUM,
    )
    query_id = draft_query(sums.federation.hub, draft, sums.federation.member("ana"))
    sums.federation.sign(query_id, "ana", "cho", "dev")
    assert "The nodes are preparing for it." in progress_of(browse, query_id)


def test_a_run_of_a_template_is_approved_with_that(sums: PlayedSums, browse: Browse) -> None:
    text = progress_of(browse, run_template(sums, approve_template(sums)))
    assert "With the template that it is a run of." in text
    assert "Run of template" in text
    assert "of at least 2 approvals" not in text


STATES = {state: SumProgress(2, state, 5, 1, 1, False, 0, 5, None).in_words[1] for state in AttemptState}


def test_every_state_of_an_attempt_is_put_in_words() -> None:
    assert len(set(STATES.values())) == len(AttemptState)
    assert STATES[AttemptState.ABORTING].startswith("Too few answered")


ASKED = {
    "project": "attendance",
    "purpose": "How many children there are",
    "academic_year": "202425",
    "preset": "ons_10_5",
    "path": "noisy_sum",
    "epsilon": "0.5",
    "dropouts": "2",
    "colluders": "1",
    "sql": SQL,
}


def test_a_total_is_asked_for_on_the_form(sums: PlayedSums, browse: Browse, send: Send) -> None:
    """Reviewed as a total, and drafted as it was reviewed."""
    ana = browse("ana")
    page = send(ana, "/queries/new", ASKED).text
    text = main_text(page)
    assert "7 authorities, which is every active node: 7 rows in all" in text
    assert "Leaves by noisy_sum: each authority adds its share of noise" in text
    assert "nothing withheld: noise of epsilon 0.5 is in every figure" in text
    assert "with 2 of the nodes missing at most and 1 of the others colluding" in text
    hidden = {each.attributes["name"]: each.attributes["value"] for each in read_page(page).all("input")}
    drafted = send(ana, "/queries/new", {**hidden, "step": "draft"})
    query_id = drafted.headers["Location"].rpartition("/")[2]
    manifest = find_query(sums.federation.hub, query_id, sums.federation.member("ana")).manifest
    assert manifest.path == "noisy_sum"
    assert manifest.sum is not None
    assert (manifest.sum.epsilon, manifest.sum.dropouts, manifest.sum.colluders) == ("0.5", 2, 1)


def test_tolerances_that_are_left_out_are_a_tenth(sums: PlayedSums, browse: Browse, send: Send) -> None:
    ana, left_out = browse("ana"), {"dropouts": "", "colluders": ""}
    assert "with a tenth of the nodes missing at most" in main_text(send(ana, "/queries/new", ASKED | left_out).text)
    drafted = send(ana, "/queries/new", ASKED | left_out | {"step": "draft"})
    query_id = drafted.headers["Location"].rpartition("/")[2]
    manifest = find_query(sums.federation.hub, query_id, sums.federation.member("ana")).manifest
    assert manifest.sum is not None
    assert (manifest.sum.dropouts, manifest.sum.colluders) == (1, 1)


def test_terms_that_the_roster_of_now_has_no_room_for_are_refused_with_those_it_has(
    sums: PlayedSums, browse: Browse, send: Send
) -> None:
    """Nodes that were silent are not asked: what was valid for more is refused, and the form says what is valid now."""
    answer = send(browse("ana"), "/queries/new", ASKED | {"dropouts": "3", "step": "draft"})
    assert answer.status_code == 422
    said = "of the 7 nodes that can be asked now, 0 to 2 may be missing and 1 to 2 of the others collude"
    assert said in main_text(answer.text)
    assert 'href="#dropouts"' in answer.text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"epsilon": "0"}, "Epsilon must be a decimal number above 0"),
        ({"epsilon": "1e3"}, "Epsilon must be a decimal number above 0"),
        ({"dropouts": "two"}, "Give a whole number up to 400"),
        ({"dropouts": "401"}, "Give a whole number up to 400"),
        ({"colluders": "-1"}, "Give a whole number up to 400"),
        ({"path": "exact_sum"}, "Choose how the figures leave the authorities"),
        ({"path": "nowhere"}, "Choose how the figures leave the authorities"),
        ({"sql": SQL.replace("key_stage", "home_authority")}, "cannot be answered by noisy_sum"),
    ],
    ids=[
        "no noise",
        "no number",
        "in words",
        "too many",
        "below none",
        "exact sums are runs of templates",
        "no such path",
        "told apart",
    ],
)
def test_what_cannot_be_a_total_is_refused_on_the_form(
    browse: Browse, send: Send, changed: dict[str, str], said: str
) -> None:
    answer = send(browse("ana"), "/queries/new", ASKED | changed)
    assert answer.status_code == 422
    assert said in main_text(answer.text)


def test_epsilon_means_nothing_for_rows_of_each_authority(browse: Browse, send: Send) -> None:
    answer = send(browse("ana"), "/queries/new", ASKED | {"path": "per_authority", "epsilon": "much"})
    assert answer.status_code == 200
