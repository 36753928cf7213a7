"""Reports on the hub's pages: a small one read figure by figure, who reads what, and what is withheld in every form."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

from audit.event import Action
from audit.log import read_entries
from federation.reports.like_for_like import write_case_mix, write_model
from federation.reports.measures import load_measures
from federation.reports.places import LEVELS
from tests.hub.pages.conftest import Browse, Send
from tests.hub.pages.kept_releases import withdraw
from tests.hub.pages.page_reader import read_page
from tests.hub.pages.reported import SMALL, YEAR, Reported, report_on
from tests.hub.played_federation import PlayedFederation, found_federation
from tests.hub.sums.conftest import AUTHORITIES

PLACE = "place=authority:303&year=202425"


@pytest.fixture
def storage() -> str:
    """These pages ask the database nothing that differs by its kind."""
    return ""


@pytest.fixture
def federation(tmp_path: Path) -> Iterator[PlayedFederation]:
    """Seven nodes of seven operators, among whom a sum can be taken."""
    founded = found_federation(tmp_path, authorities=AUTHORITIES)
    yield founded
    founded.hub.close()


@pytest.fixture
def reported(federation: PlayedFederation, tmp_path: Path) -> Reported:
    return report_on(federation, tmp_path)


def per_cent(text: str) -> int:
    """A share, or an end of where it lies, as a number."""
    return int(text.strip("(%)"))


def read_tables(html: str) -> dict[str, list[list[str]]]:
    """Each table of a page by its caption, as rows of texts without the headings."""
    page, found = read_page(html), {}
    for table in page.all("table"):
        caption = next(each for each in page.all("caption") if table in each.inside)
        rows: dict[int, list[str]] = {}
        for cell in page.all("th", "td"):
            if table in cell.inside:
                rows.setdefault(id(cell.inside[-1]), []).append(" ".join(cell.text.split()))
        found[" ".join(caption.text.split())] = list(rows.values())[1:]
    return found


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def read_paper(data: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages).split())


def text_of(html: str) -> str:
    return " ".join(read_page(html).all("main")[0].text.split())


def test_a_small_report_says_what_was_released_in_all_three_forms(reported: Reported, browse: Browse) -> None:
    """The shares are worked out here from the drawn children: rounding and noise move them by a point or two."""
    for level in LEVELS:
        reported.ask("absence", of=level)
    page = browse("ana").get(f"/reports/virtual-school?{PLACE}").text
    rows = {row[1]: row for row in read_tables(page)["Attendance and exclusions"] if row[0] == "Persistent absence"}
    assert list(rows) == ["Bexley", "London", "England"]
    for place, row in rows.items():
        assert abs(per_cent(row[2].split()[0]) - 100 * reported.share_absent(place)) <= 2
        low, high = per_cent(row[3].split()[0]), per_cent(row[3].split()[2])
        assert low <= per_cent(row[2].split()[0]) <= high
    tidy = [
        each
        for each in read_csv(browse("ana").get(f"/reports/virtual-school.csv?{PLACE}").text)
        if each["measure"] == "Persistent absence"
    ]
    assert [each["geographic_level"] for each in tidy] == ["Local authority", "Regional", "National"]
    assert [each["percent"] + "%" for each in tidy] == [row[2] for row in rows.values()]
    assert all(each["release"].startswith("R-") for each in tidy)
    paper = read_paper(browse("ana").get(f"/reports/virtual-school.pdf?{PLACE}").data)
    assert "Annual virtual school report: Bexley, 2024/25" in paper
    assert all(f"{place} {row[2]} {row[3]}" in paper for place, row in rows.items())
    cited = {each["release"] for each in tidy}
    connection = reported.federation.hub.database.connection
    copies = [entry.to_event().details for entry in read_entries(connection, action=Action.FILE_EXPORTED)]
    assert [each["form"] for each in copies] == ["pdf", "csv"]
    assert [set(str(each["releases.0"]).split()) for each in copies] == [cited, cited]


def test_a_factor_is_set_against_a_result_at_each_level(reported: Reported, browse: Browse) -> None:
    for level in LEVELS:
        reported.ask("english_and_maths", "sen_provision", of=level)
    page = browse("ana").get(f"/reports/factors?{PLACE}").text
    rows = read_tables(page)["English and maths at grade 4 or above, at 16"]
    assert [row[0] for row in rows][:3] == ["None", "SEN support", "EHC plan"]
    assert rows[-1][0] == "All"
    nation = [per_cent(row[3].split()[0]) for row in rows[:3]]
    assert nation == sorted(nation, reverse=True)
    figures = [each.text.strip() for each in read_page(page).all("td") if "--numeric" in each.attributes["class"]]
    assert {" ".join(figure.split()) for figure in figures} >= set(rows[0][1:])


def test_what_is_too_few_is_withheld_on_the_page_in_the_csv_and_on_paper(reported: Reported, browse: Browse) -> None:
    """Ten of the small authority's children were at the end of Key Stage 4."""
    reported.ask("english_and_maths", of="authority")
    place = f"place=authority:{SMALL}"
    row = next(
        row
        for row in read_tables(browse("ana").get(f"/reports/metrics?{place}").text)["Progress and attainment"]
        if row[0].startswith("English and maths at grade 4")
    )
    assert row[2:4] == ["c", "c"]
    assert row[-1] == "c"
    tidy = next(
        each
        for each in read_csv(browse("ana").get(f"/reports/metrics.csv?{place}").text)
        if each["la_name"] and each["measure"].startswith("English and maths at grade 4")
    )
    assert [tidy[name] for name in ("children", "percent", "percent_low", "percent_high")] == ["c"] * 4
    paper = read_paper(browse("ana").get(f"/reports/metrics.pdf?{place}").data)
    assert "English and maths at grade 4 or above, at 16 North Yorkshire c c not compared c" in paper


def test_like_for_like_sets_an_authority_against_englands_model(reported: Reported, browse: Browse) -> None:
    """Each authority's drawn children get their results by their needs alone, so that most are as expected."""
    measure = load_measures().find_measure("english_and_maths")
    reported.release(write_model(measure, YEAR), "nation")
    page = text_of(browse("ana").get(f"/reports/virtual-school?{PLACE}").text)
    assert "what the model takes into account of each authority is not yet released" in page
    reported.release(write_case_mix(measure, YEAR), "authority")
    caption = "English and maths at grade 4 or above, at 16: observed and expected, in the order of the codes"
    alone = read_tables(browse("ana").get(f"/reports/virtual-school?{PLACE}").text)[caption]
    assert [row[0] for row in alone] == ["Bexley (303)"]
    rows = read_tables(browse("ana").get("/reports/virtual-school").text)[caption]
    codes = [row[0][-4:-1] for row in rows]
    assert codes == sorted(codes)
    assert SMALL not in codes
    for row in rows:
        assert abs(per_cent(row[1].split()[0]) - 100 * reported.share_reached(row[0][-4:-1])) <= 4
        assert 5 <= per_cent(row[2].split()[0]) <= 50
    tidy = read_csv(browse("ana").get(f"/reports/virtual-school.csv?{PLACE}").text)
    alike = [each for each in tidy if each["breakdown"] == "Like for like"]
    assert [each["category"] for each in alike] == ["Observed", "Expected"]
    assert f"{alike[1]['percent']}%" == alone[0][2]


def test_a_funnel_has_the_authorities_in_the_order_of_their_codes(reported: Reported, browse: Browse) -> None:
    for level in ("nation", "authority"):
        reported.ask("absence", of=level)
    page = browse("ana").get("/reports/metrics?place=authority:303").text
    caption = "Persistent absence: authorities of London in the order of their codes"
    codes = [row[0].rpartition(" ")[2] for row in read_tables(page)[caption]]
    assert codes == ["(201)", "(301)", "(302)", "(303)"]
    assert {row[-1] for row in read_tables(page)[caption]} <= {
        "as chance alone makes it",
        "further from England than chance makes 95 in 100",
        "further from England than chance makes 998 in 1,000",
    }
    assert [each.text for each in read_page(page).all("text")].count("Bexley") == 1


def test_a_later_release_of_a_few_authorities_hides_no_others(reported: Reported, browse: Browse) -> None:
    """Bexley and London were asked with all; then two authorities, of which one is of London, were asked again."""
    measure = load_measures().find_measure("english_and_maths")
    reported.ask("absence", of="nation")
    reported.release(write_model(measure, YEAR), "nation")
    for among in (AUTHORITIES, ("301", "330")):
        reported.ask("absence", of="authority", among=among)
        reported.release(write_case_mix(measure, YEAR), "authority", among)
    page = browse("ana").get(f"/reports/metrics?{PLACE}").text
    assert "it was not asked" not in text_of(page)
    caption = "Persistent absence: authorities of London in the order of their codes"
    assert [row[0][-4:-1] for row in read_tables(page)[caption]] == ["201", "301", "302", "303"]
    tidy = read_csv(browse("ana").get(f"/reports/metrics.csv?{PLACE}").text)
    again = read_csv(browse("ana").get("/reports/metrics.csv?place=authority:301&year=202425").text)
    releases = [
        next(each["release"] for each in rows if each["la_name"] and each["measure"] == "Persistent absence")
        for rows in (tidy, again)
    ]
    assert len(set(releases)) == 2, "each is from the newest release that asked it"
    alike = "English and maths at grade 4 or above, at 16: observed and expected, in the order of the codes"
    codes = [row[0][-4:-1] for row in read_tables(browse("ana").get("/reports/virtual-school").text)[alike]]
    assert {"301", "302", "303"} <= set(codes)


def test_an_authority_that_no_release_asked_reads_so(reported: Reported, browse: Browse) -> None:
    reported.ask("absence", of="authority", among=("301", "330"))
    assert "it was not asked" in text_of(browse("ana").get(f"/reports/metrics?{PLACE}").text)


def test_a_report_is_of_what_its_reader_may_see(reported: Reported, browse: Browse) -> None:
    """Bea is of no project: her report says of all figures that they are not yet released."""
    reported.ask("absence", of="nation")
    assert "Release R-" in text_of(browse("ana").get("/reports/metrics").text)
    assert "Release R-" in text_of(browse("cho").get("/reports/metrics").text)
    hers = text_of(browse("bea").get("/reports/metrics").text)
    assert "Release R-" not in hers
    assert "Nothing of this report has been released yet, or you may see none of it." in hers


def test_what_was_withdrawn_is_in_no_report(reported: Reported, browse: Browse) -> None:
    first = reported.ask("absence", of="nation")
    withdraw(reported.federation, first)
    text = text_of(browse("ana").get("/reports/metrics").text)
    assert "Persistent absence, of England: what was released has been withdrawn" in text
    reported.ask("placements", of="nation")
    assert "Release R-" in text_of(browse("ana").get("/reports/metrics").text)


def test_a_total_of_a_few_authorities_is_not_england(reported: Reported, browse: Browse) -> None:
    reported.ask("absence", of="nation", among=AUTHORITIES[:5])
    assert "Release R-" not in text_of(browse("ana").get("/reports/metrics").text)


def test_what_is_missing_leads_to_its_question_and_that_to_a_draft(
    reported: Reported, browse: Browse, send: Send
) -> None:
    ana = browse("ana")
    page = read_page(ana.get(f"/reports/practice?{PLACE}").text)
    links = [
        each.attributes["href"] or "" for each in page.all("a") if "/reports/ask" in (each.attributes["href"] or "")
    ]
    asked = ana.get(links[0])
    assert "support JOIN child_year" in asked.text
    fields = {
        each.attributes["name"]: each.attributes.get("value", "")
        for each in read_page(asked.text).all("input")
        if each.attributes.get("type") == "hidden" and each.attributes["name"] != "form_token"
    }
    form = send(ana, "/queries/new", {**fields, "step": "edit"}, shown=links[0])
    assert form.status_code == 200
    assert "support JOIN child_year" in form.text
    assert "/reports/ask" not in browse("cho").get(f"/reports/practice?{PLACE}").text


def test_support_cannot_be_added_up_with_noise_and_says_so(browse: Browse) -> None:
    text = text_of(browse("ana").get("/reports/ask?measure=absence&by=support_kind&level=nation&year=202425").text)
    assert "no total with noise can be taken of it" in text


def test_a_result_by_itself_is_refused_for_its_own_reason(browse: Browse) -> None:
    text = text_of(browse("ana").get("/reports/ask?measure=suspended&by=suspensions&level=nation&year=202425").text)
    assert "Two of the columns grouped by tell the same rows apart" in text
    assert "Support is told piece by piece" not in text


@pytest.mark.parametrize(
    "address",
    [
        "/reports/nothing",
        "/reports/metrics?place=authority:000",
        "/reports/metrics?place=region:Wales",
        "/reports/metrics?year=190001",
        "/reports/practice?place=region:London",
        "/reports/ask?measure=x",
        "/reports/ask?measure=absence&by=child",
        "/reports/ask?measure=absence&level=school",
        "/reports?report=nothing",
        "/reports/ask?measure=absence&level=model",
    ],
)
def test_what_is_in_no_list_is_not_found(browse: Browse, address: str) -> None:
    assert browse("ana").get(address).status_code == 404
