"""Reports are written from what was released: in no order of results, with a symbol or a reason for what is missing."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.reports.declared import Report, find_report, load_reports
from federation.reports.places import NATION, Place, find_place, list_places, places_beside
from federation.reports.tidy import COLUMNS, write_tidy
from federation.reports.writing import write_report
from federation.reports.written import WrittenReport
from federation.state import StateError
from query_engine.geography import load_authorities
from tests.federation.reports.drawn_shelf import FEWEST, DrawnShelf

YEAR = 202425
AUTHORITY = Place("authority", "301")

places = st.sampled_from([*list_places("authority"), *list_places("region"), NATION])
reports = st.sampled_from(load_reports())
seeds = st.integers(0, 10_000)
few = settings(max_examples=12, deadline=None)
"""A national funnel has 153 authorities, each with limits of its own: some examples say as much as many."""


def write(report: Report, place: Place, shelf: DrawnShelf) -> WrittenReport:
    return write_report(report, place, YEAR, shelf)


@few
@given(seeds, places, reports)
def test_no_other_authority_stands_beside_one(seed: int, place: Place, report: Report) -> None:
    """But in a funnel, in the order of the codes, which no result changes."""
    written = write(report, place, DrawnShelf(seed))
    names = {each.name for each in load_authorities().values()} - {place.name}
    for section, declared in zip(written.sections, report.section, strict=True):
        of = [row[1] for table in section.tables if "Of" in table.columns for row in table.rows]
        assert not names & set(of)
        if declared.show == "funnel":
            codes = [row[0][-4:-1] for table in section.tables for row in table.rows]
            assert codes
            assert codes == sorted(codes)


def test_columns_of_figures_are_told_from_those_of_words() -> None:
    """With a symbol among them or none; a column that says of one place who published its figure is of words."""
    found = {
        column: numeric
        for name in ("virtual-school", "practice")
        for section in write(find_report(name), AUTHORITY, DrawnShelf()).sections
        for table in section.tables
        for column, numeric in zip(table.columns, table.numeric, strict=True)
    }
    of_figures = {"Share", "Children", "Pounds", "England: share", "England: children"}
    assert of_figures <= {column for column, numeric in found.items() if numeric}
    assert {"Measure", "Of", "Chance", "Kind of support"} <= {
        column for column, numeric in found.items() if not numeric
    }


@few
@given(seeds)
def test_rows_of_authorities_keep_their_order_whatever_their_results(seed: int) -> None:
    first, second = (
        write(find_report("metrics"), Place("region", "London"), DrawnShelf(each)) for each in (seed, seed + 1)
    )
    for one, other in zip(first.sections[-2:], second.sections[-2:], strict=True):
        both = [[row[0] for table in section.tables for row in table.rows] for section in (one, other)]
        shared = set(both[0]) & set(both[1])
        assert len(shared) > 1
        assert [name for name in both[0] if name in shared] == [name for name in both[1] if name in shared]


@few
@given(seeds, places, reports)
def test_no_share_is_of_fewer_than_are_shown(seed: int, place: Place, report: Report) -> None:
    """Nor does any other entry of the CSV hold a figure where its share is withheld."""
    written = write(report, place, DrawnShelf(seed, most=30))
    rows = list(csv.DictReader(io.StringIO(write_tidy(written))))
    for row in (each for each in rows if each["figure"] == "z"):
        figures = [row[name] for name in ("children", "percent", "percent_low", "percent_high")]
        assert set(figures) in ({"c"}, {"x"}, {"u"}) or int(row["children"]) >= FEWEST
    assert {len(row) for row in rows} == {len(COLUMNS)}


@few
@given(seeds, places, reports)
def test_no_cell_of_the_csv_is_a_formula(seed: int, place: Place, report: Report) -> None:
    text = write_tidy(write(report, place, DrawnShelf(seed)))
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert len(cells) > len(COLUMNS)
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t", "\r") for cell in cells)


def test_what_has_not_been_released_is_named_with_its_reason() -> None:
    written = write(find_report("metrics"), AUTHORITY, DrawnShelf(missing=frozenset({"days_out"})))
    section = next(each for each in written.sections if each.title == "Time away from learning")
    assert section.missing == (
        "More than 20 school days away from learning, for any reason, of Barking and Dagenham, London and England: "
        "not yet released",
    )
    assert {each.measure.name for each in written.list_missing()} == {"days_out"}
    assert "Not yet" not in " ".join(row[0] for table in section.tables for row in table.rows)


def test_what_support_cost_is_told_as_it_was_released_in_the_table_and_in_the_csv() -> None:
    written = write(find_report("practice"), AUTHORITY, DrawnShelf())
    ours, england = written.sections[0].tables
    assert ours.caption == "Support and Pupil Premium Plus spending recorded in plans: Barking and Dagenham"
    assert england.caption.endswith(": England")
    assert ours.columns == ("Support kind", "Children", "Pounds", "Pounds each time")
    assert [row[0] for row in ours.rows] == ["Tuition", "Mentoring", "All"]
    assert {row[3] for row in ours.rows} == {"c"}
    rows = [row for row in csv.DictReader(io.StringIO(write_tidy(written))) if row["topic"] == "support"]
    told = [row["figure"] for row in rows if row["la_name"] and row["measure"].endswith(": pounds")]
    assert told == [row[2].replace(",", "") for row in ours.rows]
    assert {row["percent"] for row in rows} == {"z"}


def test_a_published_figure_of_england_stands_where_none_was_released() -> None:
    written = write(find_report("metrics"), AUTHORITY, DrawnShelf(missing=frozenset({"absence"})))
    rows = [row for section in written.sections for table in section.tables for row in table.rows]
    found = next(row for row in rows if row[0] == "Persistent absence")
    assert found[1:4] == ("England", "20.3%", "published by the Department for Education for 2024/25")


def test_a_place_is_set_beside_its_region_and_england_alone() -> None:
    assert list(places_beside(AUTHORITY)) == [AUTHORITY, Place("region", "London"), NATION]
    assert list(places_beside(Place("region", "London"))) == [Place("region", "London"), NATION]
    assert list(places_beside(NATION)) == [NATION]


@pytest.mark.parametrize(("level", "code"), [("authority", "000"), ("region", "Wales"), ("school", "100000"), ("", "")])
def test_a_place_that_is_none_is_refused(level: str, code: str) -> None:
    with pytest.raises(StateError, match="give a level"):
        find_place(level, code)
