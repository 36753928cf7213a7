"""The researcher's bench on the hub's pages: what is said at a pause, taken away, compared, asked again and cited."""

import io
import re
import zipfile
from dataclasses import replace

import msgspec
import pyarrow as pa
import pytest

from disclosure_control.release.showing import show_table
from federation.client.verification import verify_with_evidence
from federation.comparison import Side, compare
from federation.evidence import read_evidence
from federation.exchange import ReleaseDocument
from federation.log_proofs import digest_release, verify_release_proof
from federation.manifest import Path
from federation.plans import derive_plan
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.pages.again import ask_about_next, ask_again
from hub.pages.words import list_words
from hub.queries import StoredQuery, find_query
from node.tracking.spreadsheet import read_spreadsheet
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.drawn_releases import draw_release
from tests.federation.test_query_fetch import make_document
from tests.hub.pages.conftest import Browse, Send
from tests.hub.pages.kept_releases import keep_model, withdraw
from tests.hub.pages.page_reader import read_page
from tests.hub.played_federation import NODES, SQL, PlayedFederation

COUNTS = "SELECT sex, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND sex IN ('M', 'F') GROUP BY sex"


@pytest.fixture
def storage() -> str:
    """These pages ask the database nothing that differs by its kind."""
    return ""


def text_of(html: str) -> str:
    return " ".join(read_page(html).all("main")[0].text.split())


def stored(federation: PlayedFederation, query_id: str) -> StoredQuery:
    return find_query(federation.hub, query_id, federation.member("ana"))


def check(send: Send, browse: Browse, **fields: str) -> str:
    page = send(browse("ana"), "/queries/new/check", fields, shown="/queries/new").text
    return " ".join(read_page(f"<main>{page}</main>").all("main")[0].text.split())


def test_a_pause_says_what_a_question_plans_as_far_as_the_form_goes(
    browse: Browse, send: Send, federation: PlayedFederation
) -> None:
    """Without a project there is no budget to speak of, and without a word of SQL nothing at all."""
    federation.state_budgets()
    assert check(send, browse, sql="") == ""
    told = check(send, browse, sql=SQL)
    assert "Can be asked: 7 cells, nothing withheld, and noise in every figure, no warnings." in told
    assert "epsilon 1 of 202425" in told
    assert "left for project" not in told
    whole = check(send, browse, sql=SQL, project="attendance", academic_year="202425", epsilon="0.5")
    assert "epsilon 0.5 of 202425" in whole
    assert "left for project attendance: epsilon 999, and 20 at most" in whole
    cheaper = re.findall(r"epsilon 0\.2: noise of ±(\d+) instead of ±(\d+) in children", whole)
    assert [int(more) > 2 * int(less) > 0 for more, less in cheaper] == [True]
    assert "in attendance of 1,000 children" in whole
    assert "Cheaper" not in check(send, browse, sql=SQL, epsilon="0.1")
    rows = check(send, browse, sql=SQL, path="per_authority", preset="ons_10_5")
    assert "21 in all, of 3 authorities" in rows
    assert "of the figures withheld in the middling authority" in rows


def test_a_pause_marks_the_place_of_a_refusal(browse: Browse, send: Send) -> None:
    page = send(browse("ana"), "/queries/new/check", {"sql": "SELECT sexx FROM child_year"}, shown="/queries/new").text
    assert 'data-line="1" data-column="8"' in page
    assert "Code <code>unknown_column</code>" in page
    long = check(send, browse, sql="SELECT 1 " * 2000)
    assert "Shorten the question to 10,000 characters" in long


def test_a_pause_proposes_what_would_be_sounder(browse: Browse, send: Send) -> None:
    """Of a large table that takes seconds, which a pause has not: the button's check proposes it."""
    sparse = SQL.replace("key_stage", "age, need").replace("attendance_rate", "uasc")
    told = check(send, browse, sql=sparse, path="per_authority", preset="ons_10_5")
    assert "Rather" in told
    assert "% withheld" in told
    large = sparse.replace("age, need", "age, need, sex")
    assert "Rather" not in check(send, browse, sql=large, path="per_authority", preset="ons_10_5")
    assert "Instead" in check(send, browse, sql="SELECT COUNT(*) AS n FROM child_year", path="per_authority")


def test_only_who_may_ask_has_questions_checked(browse: Browse, send: Send) -> None:
    answer = send(browse("cho"), "/queries/new/check", {"sql": SQL}, shown="/queries")
    assert (answer.status_code, "questions are asked by researchers" in answer.text.lower()) == (403, True)


def test_the_editor_knows_every_column_of_the_catalogue() -> None:
    """And the values of those that have few, as they are written in SQL."""
    tables = {table.name: {word.text: word for word in table.columns} for table in list_words()}
    assert {name: set(words) for name, words in tables.items()} == {
        name: set(table.columns) for name, table in load_catalogue().tables.items()
    }
    child = tables["child_year"]
    assert "'looked_after'" in child["population"].values.split("|")
    assert "202425" in child["academic_year"].values.split("|")
    assert child["uasc"].values == child["home_authority"].values == child["child"].values == ""


def test_a_release_that_is_planned_otherwise_today_says_what_is_taken(
    browse: Browse, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/queries/{asked['released']}/release"
    assert "rechecks all but" not in browse("ana").get(address).text
    newer = replace(load_catalogue(), version="0" * 16)
    monkeypatch.setattr("query_engine.catalogue.load_catalogue", lambda: newer)
    assert "rechecks all but" not in browse("ana").get(address).text
    monkeypatch.setattr("federation.plans.derive_plan", lambda *_: load_plan())
    told = "rechecks all but the plan, which is taken as its approvers signed it, since the question was planned by"
    assert told in text_of(browse("ana").get(address).text)


def load_plan() -> QueryPlan:
    """The plan of another question."""
    return derive_plan("SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425", Path.PER_AUTHORITY)


def test_a_withdrawn_release_is_marked_wherever_its_query_stands(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation
) -> None:
    """In lists, where it is released as before, and at the last step of its journey."""
    ana = browse("ana")
    step = "It can be read, and has been withdrawn since: its figures are not to be used."
    assert not any("withdrawn since" in ana.get(path).text for path in ("/", "/queries"))
    assert step not in ana.get(f"/queries/{asked['released']}").text
    withdraw(federation, asked["released"])
    assert [ana.get(path).text.count("withdrawn since") for path in ("/", "/queries")] == [1, 1]
    assert step in ana.get(f"/queries/{asked['released']}").text


def test_open_data_files_come_with_what_proves_them(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation
) -> None:
    answer = browse("ana").get(f"/queries/{asked['released']}/open-data.zip")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        files = {name.partition(".")[2]: archive.read(name) for name in archive.namelist()}
    assert set(files) == {"csv", "meta.csv", "provenance.txt", "release.json", "tlog-proof", "evidence.json"}
    document = decode_document(files["release.json"].rstrip(), ReleaseDocument, limit=MAX_BATCH_BYTES)
    verify_release_proof(files["tlog-proof"], document, federation.hub.register(), federation.clock(), quorum=0)


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet", "arrow"])
def test_an_archive_has_the_release_in_a_form_and_what_proves_it(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation, form: str
) -> None:
    answer = browse("ana").get(f"/queries/{asked['released']}/release-{form}.zip")
    assert f'filename="{asked["release"]}-{form}.zip"' in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        files = {name.partition(".")[2]: archive.read(name) for name in archive.namelist()}
    assert set(files) == {form, "provenance.txt", "release.json", "tlog-proof", "evidence.json"}
    document = decode_document(files["release.json"].rstrip(), ReleaseDocument, limit=MAX_BATCH_BYTES)
    assert document.release_id == asked["release"]
    register = federation.hub.register()
    evidence, root_key = read_evidence(files["evidence.json"].rstrip()), federation.hub.party.root_key
    assert verify_with_evidence(document, evidence, root_key) == ()
    verify_release_proof(files["tlog-proof"], document, register, federation.clock(), quorum=0)
    rows = document.table["rows"]
    if form == "arrow":
        found = pa.ipc.open_file(io.BytesIO(files["arrow"])).read_all().to_pylist()
        assert [each["children_symbol"] or each["children"] for each in found] == [row[2] for row in rows]
        assert "children_low" in found[0]
    if form == "xlsx":
        sheet = read_spreadsheet(files["xlsx"])["Data"]
        assert [row[2].strip("[]") for row in sheet[1:]] == [str(row[2]) for row in rows]


def test_a_model_can_be_taken_away_too(browse: Browse, federation: PlayedFederation) -> None:
    query_id = keep_model(federation)
    answer = browse("ana").get(f"/queries/{query_id}/release-xlsx.zip")
    assert answer.status_code == 200
    assert 'release-parquet.zip"' in browse("ana").get(f"/queries/{query_id}/release").text


def test_somebody_elses_release_is_compared_from_its_page(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation
) -> None:
    """It is offered first, as it was chosen, to whoever may read it; one that may not be read is none."""
    link = f"/compare?first={asked['released']}"
    other = federation.answer(federation.start(), *NODES)
    bea = browse("bea")
    assert link in bea.get(f"/queries/{asked['released']}/release").text
    chosen = bea.get(link).text
    assert re.search(rf'<option value="{asked["released"]}" selected', chosen)
    assert re.search(r'<input [^>]*name="second"', chosen)
    assert "Differences are the second less the first" in bea.get(f"{link}&second={other}").text
    assert bea.get(f"/compare?first={asked['running']}").status_code == 404


def side(federation: PlayedFederation, drawn: dict[str, str], sql: str = COUNTS, preset: str = "ukllc") -> Side:
    """A release that was never made, of a manifest that was."""
    manifest = stored(federation, federation.draft(sql)).manifest
    table = draw_release(sql, preset, drawn)
    return Side(make_document(sql, table), manifest, show_table(table, sql, whole=True))


def test_differences_are_of_figures_that_both_show(federation: PlayedFederation) -> None:
    """Nothing is said of a withheld one, and what margins can explain is called so."""
    first, second = side(federation, {"202": "40\nc"}), side(federation, {"202": "45\n60"})
    found = compare(first, second)
    assert (found.categories, found.labels, found.warnings) == (("home_authority", "sex"), ("n",), ())
    told = {row.name: [(each.text, each.margin) for each in row.figures[0]] for row in found.rows}
    assert told[("202", "M")] == [("40", "28 to 55"), ("45", "32 to 61"), ("+5", "within the margins of error")]
    assert told[("202", "F")] == [("c", ""), ("60", "45 to 78"), ("", "")]
    far = compare(first, side(federation, {"202": "400\n60"}))
    assert far.rows[0].figures[0][2].margin == ""
    assert far.rows[0].figures[0][2].text == "+360"


def test_rows_without_a_counterpart_are_counted_and_left_out(federation: PlayedFederation) -> None:
    found = compare(side(federation, {"202": "40\n50"}), side(federation, {"202": "40\n50", "301": "40\n60"}))
    assert (len(found.rows), found.alone) == (2, 2)
    assert any("different authorities: 0 are in the first alone, 1 in the second" in each for each in found.warnings)


def test_what_makes_two_figures_no_measures_of_the_same_is_said(federation: PlayedFederation) -> None:
    """Another catalogue, question, snapshot, path and preset; and a column that one has alone compares nothing."""
    first = side(federation, {"202": "40\n50"})
    by_year = COUNTS.replace("sex, COUNT", "sex, academic_year, COUNT").replace(
        "GROUP BY sex", "GROUP BY sex, academic_year"
    )
    years = side(federation, {"202": "40\n50"}, by_year)
    assert any("has rows by academic_year, which the other has not" in each for each in compare(first, years).warnings)
    changed = msgspec.structs.replace(
        first.manifest, catalogue_version="0" * 16, snapshot_term="202425-autumn", preset="dfe_cla"
    )
    words = " ".join(compare(first, Side(first.document, changed, first.shown)).warnings)
    for told in ("two versions of the catalogue", "202425-summer and 202425-autumn", "ons_10_5 and dfe_cla"):
        assert told in words


def test_two_releases_are_compared_on_a_page(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation
) -> None:
    """Of those that the visitor may see; the form offers them."""
    other = federation.answer(federation.start(), "node-301", "node-302", "node-303")
    page = browse("ana").get(f"/compare?first={asked['released']}&second={other}").text
    assert "They are of different authorities: 0 are in the first alone, 1 in the second." in text_of(page)
    assert page.count("<option") == 2 * 3
    assert browse("bea").get(f"/compare?first={asked['released']}&second={other}").status_code == 200
    assert browse("bea").get(f"/compare?first={asked['released']}&second={asked['running']}").status_code == 404
    same = browse("ana").get(f"/compare?first={other}&second={other}")
    assert (same.status_code, "two different releases" in same.text) == (404, True)
    model = browse("ana").get(f"/compare?first={other}&second={keep_model(federation)}")
    assert "models are not compared" in model.text.lower()


@pytest.mark.parametrize(
    ("asked_of", "next_one"),
    [
        ("202425-autumn", ("202425", "spring", 1)),
        ("202425-summer", ("202526", "autumn", 1)),
        ("202627-summer", ("202627", "summer", 1)),
        ("202324-summer", ("202425", "autumn", 1)),
    ],
)
def test_the_next_snapshot_is_of_the_term_that_follows(
    federation: PlayedFederation, asked_of: str, next_one: tuple[str, str, int]
) -> None:
    """The year of the SQL goes with it; where the catalogue knows no next year, the form stays where it is."""
    manifest = stored(federation, federation.draft()).manifest
    year = asked_of[:6]
    before = msgspec.structs.replace(
        manifest, snapshot_term=asked_of, academic_year=year, sql=manifest.sql.replace("202425", year)
    )
    form = ask_about_next(before)
    assert (form.academic_year, form.term, form.sql.count(form.academic_year)) == next_one
    again = ask_again(before)
    assert (again.academic_year, again.term, again.sql, again.purpose) == (
        year,
        asked_of[7:],
        before.sql,
        before.purpose,
    )


def test_a_question_is_asked_again_from_its_page(browse: Browse, asked: dict[str, str]) -> None:
    ana = browse("ana")
    assert f"/queries/new?next={asked['released']}" in ana.get(f"/queries/{asked['released']}").text
    page = read_page(ana.get(f"/queries/new?again={asked['released']}").text)
    areas = {area.attributes["name"]: area.text.strip() for area in page.all("textarea")}
    assert areas == {"purpose": "How attendance differs by key stage", "sql": SQL}


def test_a_release_is_cited_by_an_address_that_anybody_can_open(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation
) -> None:
    """It says what was asked and how to prove it; figures are for members who have signed in."""
    address = f"/releases/{asked['release']}"
    stranger = browse("").get(address).text
    document = decode_document(
        browse("ana").get(f"/queries/{asked['released']}/release.json").data, ReleaseDocument, limit=MAX_BATCH_BYTES
    )
    told = text_of(stranger)
    assert f"Release {asked['release']}, 23 November 2026. http://hub.test{address}" in told
    assert digest_release(document) in told
    assert "2 of 3 authorities" in told
    assert "Read the release" not in told
    for member in ("ana", "bea"):
        assert "Read the release" in browse(member).get(address).text
    figures = [str(row[2]) for row in document.table["rows"] if isinstance(row[2], int) and row[2] > 50]
    assert figures
    assert not any(f">{figure}<" in stranger for figure in figures)


def test_another_organisation_reads_the_release_and_not_how_it_came_about(
    browse: Browse, asked: dict[str, str]
) -> None:
    """No link on its page leads to the query, which is not theirs."""
    path = f"/queries/{asked['released']}/release"
    hers, asker = browse("bea").get(path).text, browse("ana").get(path).text
    assert read_page(hers).all("table")[0].text == read_page(asker).all("table")[0].text
    for link in (f'"/queries/{asked["released"]}"', "?next="):
        assert (link in asker, link in hers) == (True, False)


def test_a_withdrawn_release_says_so_wherever_it_is_read(
    browse: Browse, asked: dict[str, str], federation: PlayedFederation
) -> None:
    """That it is to whoever has its id; who withdrew it and why, to those who may see the query."""
    ana, path = browse("ana"), f"/queries/{asked['released']}/release"
    assert "withdrawn" not in ana.get(path).text
    withdraw(federation, asked["released"])
    reason = "One authority had loaded last year's files. gus, 23 November 2026"
    assert f"This release has been withdrawn {reason}" in text_of(ana.get(path).text)
    assert reason in text_of(ana.get(f"/releases/{asked['release']}").text)
    stranger = text_of(browse("").get(f"/releases/{asked['release']}").text)
    assert "This release has been withdrawn 23 November 2026" in stranger
    assert "last year" not in stranger
