"""The catalogue's pages: every column with its terms, and all of it or one factor's part."""

import pytest
from flask.testing import FlaskClient

from federation.papers.words import SENSITIVITIES
from hub.pages.catalogue import AUDIENCES, NATURES, TYPES, describe_years
from query_engine.catalogue import Column, GovernedTable, load_catalogue
from tests.hub.pages.conftest import Browse
from tests.hub.pages.page_reader import PageReader, read_page

TABLES = load_catalogue().tables


@pytest.fixture
def nobody(browse: Browse) -> FlaskClient:
    return browse("")


def read_rows(page: PageReader) -> dict[str, dict[str, str]]:
    """The columns that a page shows, by name: what it says under each heading, with the names of lists of terms."""
    rows: dict[str, dict[str, str]] = {}
    name = ""
    for element in page.elements:
        if element.tag == "th" and element.attributes["scope"] == "row":
            name = element.text.split()[0]
            rows[name] = {}
        elif element.tag == "td":
            rows[name][element.attributes["data-column"]] = " ".join(element.text.split())
    return rows


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_column_is_there_with_its_terms(table: GovernedTable, nobody: FlaskClient) -> None:
    """Definition, source, type, nature, audience, years, sensitivity, bounds, unit and bins, as they are declared."""
    rows = read_rows(read_page(nobody.get(f"/catalogue/{table.name}").text))
    assert set(rows) == set(table.columns)
    for name, column in table.columns.items():
        assert " ".join(f"{column.definition} Source: {column.source}".split()) == rows[name]["Definition"]
        assert rows[name]["Terms"] == (
            f"Type: {TYPES[column.type]} Nature: {column.nature.capitalize()} Asked by: {AUDIENCES[column.audience]} "
            f"Years: {describe_years(column)} Sensitivity: {SENSITIVITIES[column.sensitivity]}"
        )
        if column.bounds is not None:
            values, _, bins = rows[name]["Values"].partition(" Grouped from ")
            assert values.startswith(f"{column.bounds[0]} to {column.bounds[1]} ({column.unit})")
            assert bins == ", ".join(map(str, column.bins))


def test_every_word_of_the_catalogue_is_explained() -> None:
    """A new type, audience, nature or sensitivity would need words of its own."""
    columns: list[Column] = [column for table in TABLES.values() for column in table.columns.values()]
    assert {column.type for column in columns} == set(TYPES)
    assert {column.audience for column in columns} == set(AUDIENCES)
    assert {column.nature for column in columns} == set(NATURES)
    assert {column.sensitivity for column in columns} == set(SENSITIVITIES)


def test_years_are_written_as_people_write_them() -> None:
    columns = TABLES["child_year"].columns
    assert describe_years(columns["ks1_expected"]) == "2015/16 to 2022/23"
    assert describe_years(columns["sex"]) == "2014/15 onwards"


@pytest.mark.parametrize("factor", load_catalogue().factors)
def test_one_factor_can_be_shown_alone(factor: str, nobody: FlaskClient) -> None:
    """The list of tables leaves out those without a column on it; a table shows just its columns on it."""
    index = read_page(nobody.get("/catalogue", query_string={"factor": factor}).text)
    listed = {link.text: link.attributes["href"] for link in index.all("a") if "?factor=" in link.attributes["href"]}
    expected = {
        name: {column.name for column in table.columns.values() if column.factor == factor}
        for name, table in TABLES.items()
    }
    assert set(listed) == {name for name, columns in expected.items() if columns}
    for name, address in listed.items():
        assert set(read_rows(read_page(nobody.get(address).text))) == expected[name]


def test_the_form_says_what_is_shown(nobody: FlaskClient) -> None:
    """The chosen factor stays chosen, is in the title, and a line that is read out says that it is all there is."""
    page = read_page(nobody.get("/catalogue/child_year?factor=attendance").text)
    (chosen,) = [option for option in page.all("option") if "selected" in option.attributes]
    assert chosen.attributes["value"] == "attendance"
    assert page.all("title")[0].text.startswith("child_year: attendance - ")
    assert [line.text for line in page.all("p") if line.attributes.get("role") == "status"]


def test_a_table_without_the_factor_says_so(nobody: FlaskClient) -> None:
    response = nobody.get("/catalogue/exclusions?factor=SDQ score")
    page = read_page(response.text)
    assert response.status_code == 200
    assert read_rows(page) == {}
    assert "No column of exclusions reports on" in response.text
    assert "/catalogue?factor=SDQ%20score" in {link.attributes["href"] for link in page.all("a")}


@pytest.mark.parametrize("address", ["/catalogue", "/catalogue/child_year"])
def test_a_factor_that_is_none_is_refused(address: str, nobody: FlaskClient) -> None:
    """What was typed is not repeated on the page."""
    response = nobody.get(address, query_string={"factor": "<i>shoe size</i>"})
    assert response.status_code == 404
    assert "shoe size" not in response.text
