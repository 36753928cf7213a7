"""The catalogue says everything about every column, and a file that says anything else is not read."""

from decimal import Decimal

import pytest

from query_engine.catalogue import Catalogue, CatalogueInvalid, Column, load_catalogue, parse_catalogue
from query_engine.geography import REGIONS, former_authorities, load_authorities
from query_engine.language.parser import parse_query
from query_engine.planning.measuring import bin_codes
from query_engine.planning.planner import plan_query
from tests.query_engine.recorded_words import CATALOGUE, digest_words, read_record

COLUMNS = [column for table in load_catalogue().tables.values() for column in table.columns.values()]
NAMED = {
    f"{table.name}.{name}": column
    for table in load_catalogue().tables.values()
    for name, column in table.columns.items()
}


@pytest.mark.parametrize("column", NAMED.values(), ids=NAMED.keys())
def test_every_column_is_defined_and_sourced(column: Column) -> None:
    """A definition is sentences, and a source names where the value comes from."""
    assert column.definition.endswith(".")
    assert len(column.definition) > 20
    assert len(column.source) > 5


@pytest.mark.parametrize("column", NAMED.values(), ids=NAMED.keys())
def test_every_code_stands_for_one_value(column: Column) -> None:
    """Values and codes go both ways, and the code after the last is the missing value."""
    if column.role == "key":
        assert column.domain is None
        return
    ends = {0, 1, column.present_codes // 2, column.present_codes - 1}
    for code in ends & set(range(column.present_codes)):
        value = column.value(code)
        assert value is not None
        assert column.code(value) == code
    assert column.codes == column.present_codes + column.nullable
    if column.nullable:
        assert column.value(column.present_codes) is None


def test_the_domains_fit_in_ascii(catalogue: Catalogue) -> None:
    """A query is printable ASCII, so every category must be too."""
    for column in COLUMNS:
        assert all(each.isascii() and each.isprintable() for each in column.domain or () if isinstance(each, str))


def test_every_factor_is_reported_on(catalogue: Catalogue) -> None:
    """A factor that is declared has a column."""
    assert {column.factor for column in COLUMNS} == set(catalogue.factors)


def test_all_tables_agree_on_what_they_share(catalogue: Catalogue) -> None:
    """A column of the same name has the same values in every table, so that children and pupils can be compared."""
    said: dict[str, tuple[object, ...]] = {}
    for column in COLUMNS:
        says = (column.type, column.domain, column.bounds, column.scale)
        assert said.setdefault(column.name, says) == says


def test_a_column_can_be_declared_like_another() -> None:
    """What it does not say itself is said by the other."""
    text = TABLE.replace("{column}", RATE) + '[tables.t.columns.y]\nlike = "t.x"\ndefinition = "Another."\n'
    one, other = (parse_catalogue(text.encode()).table("t").columns[name] for name in "xy")
    assert (other.bounds, other.unit, other.definition) == (one.bounds, one.unit, "Another.")


def test_the_bins_of_a_measure_cover_its_values(catalogue: Catalogue) -> None:
    """Each bin ends where the next begins, and at least two may hold somebody."""
    measures = [column for column in COLUMNS if column.role == "measure"]
    assert measures
    for column in measures:
        bins = bin_codes(column)
        assert len(bins) > 1
        assert [code for first, last in bins for code in (first - 1, last)] == [
            -1,
            *(last for _, last in bins[:-1] for _ in range(2)),
            column.present_codes - 1,
        ]


def test_a_plan_of_today_has_the_authorities_of_today(catalogue: Catalogue) -> None:
    """Codes of the past are values of authority columns alone, which no plan reads, and so change no plan id."""
    for table in catalogue.tables.values():
        for column in table.columns.values():
            assert set(column.former) <= set(former_authorities())
            assert column.name == table.authority_column or not column.former
    assert catalogue.table("child_year").columns["home_authority"].domain == tuple(load_authorities())


def test_every_column_says_whose_questions_may_use_it_and_since_when(catalogue: Catalogue) -> None:
    years = catalogue.table("child_year").columns["academic_year"].domain or ()
    for column in COLUMNS:
        assert column.first_year in years
        assert column.last_year is None or column.last_year in years
    assert {column.audience for column in COLUMNS if column.factor == "plan"} == {"authority"}


@pytest.mark.parametrize(
    ("condition", "audience"),
    [("uasc", "researcher"), ("pep_on_time", "authority"), ("pep_quality IS NULL", "authority")],
)
def test_a_plan_is_for_whoever_may_ask_about_all_its_columns(
    catalogue: Catalogue, condition: str, audience: str
) -> None:
    """The columns of its conditions count as well."""
    sql = f"SELECT COUNT(*) AS n FROM child_year WHERE {condition}"
    assert plan_query(parse_query(sql, catalogue), catalogue).audience == audience


BINDING = {
    "a category": ('stages = ["one", "two"]', 'stages = ["one", "two", "three"]'),
    "the order of categories": ('stages = ["one", "two"]', 'stages = ["two", "one"]'),
    "a bound": ("to = 1", "to = 2"),
    "a scale": ("scale = 2", "scale = 3"),
    "a unit": ('unit = "share"', 'unit = "days"'),
    "who may use a column": ('unit = "share"', 'unit = "share"\naudience = "authority"'),
    "whether a value can be missing": ('unit = "share"', 'unit = "share"\nnullable = false'),
    "how sensitive it is": ('sensitivity = "ordinary"', 'sensitivity = "care_record"'),
    "the name of a column": ("tables.t.columns.x", "tables.t.columns.z"),
    "the rows of a child": ("rows_per_child_year = 4", "rows_per_child_year = 5"),
    "the meaning of a column": ('unit = "share"', 'unit = "share"\nmeaning = 2'),
    "the meaning of a table": ("typical_size = 100", "typical_size = 100\nmeaning = 2"),
}
WORDS = {
    "a definition": ("The column.", "The column, in other words."),
    "a source": ("A file", "Two files"),
    "what a row is": ("one row", "a row"),
    "what a table is": ("A table.", "A table of some kind."),
    "a comment": ("[domains]", "# The domains.\n[domains]"),
}


def read_version(change: tuple[str, str] = ("", "")) -> str:
    return parse_catalogue(TABLE.replace("{column}", RATE).replace(*change).encode()).version


@pytest.mark.parametrize("change", BINDING.values(), ids=BINDING.keys())
def test_the_version_is_another_when_anything_that_binds_is(change: tuple[str, str]) -> None:
    """A node of another version would not mean the same by a question."""
    assert read_version(change) != read_version()


@pytest.mark.parametrize("change", WORDS.values(), ids=WORDS.keys())
def test_the_version_stays_when_something_is_put_better(change: tuple[str, str]) -> None:
    """A sentence is no reason for nodes to refuse a question, nor for a template to end."""
    assert change[0] in TABLE
    assert read_version(change) == read_version()


def test_the_version_is_another_when_the_country_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Authorities split and merge: what there is of them is in a file beside, and binds."""
    before = read_version()
    fewer = {code: each for code, each in load_authorities().items() if code != "301"}
    monkeypatch.setattr("query_engine.catalogue.load_authorities", lambda: fewer)
    assert read_version() != before


def test_whoever_changes_words_says_whether_the_meaning_has_changed() -> None:
    """No machine can tell: so the words are recorded, with the meaning that they are of."""
    now, then = digest_words(CATALOGUE.read_bytes()), read_record()
    changed = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    assert not changed, "raise `meaning` if it has changed; then run python -m tests.query_engine.recorded_words"


def test_there_are_153_authorities_in_nine_regions() -> None:
    """As in the published list of 2025, in the order of the codes."""
    authorities = load_authorities()
    assert len(authorities) == 153
    assert list(authorities) == sorted(authorities)
    assert {each.region for each in authorities.values()} == set(REGIONS)
    assert len(REGIONS) == 9
    assert authorities["301"].name == "Barking and Dagenham"


TABLE = """
factors = { f = "variable" }
[domains]
stages = ["one", "two"]
[tables.t]
grain = "one row"
description = "A table."
authority_column = "home"
child_key = "child"
typical_size = 100
rows_per_child_year = 4
[tables.t.columns.child]
role = "key"
type = "category"
definition = "The child."
source = "A file"
factor = "f"
sensitivity = "ordinary"
[tables.t.columns.home]
role = "dimension"
type = "category"
domain = "authorities"
nullable = false
definition = "The authority."
source = "A file"
factor = "f"
sensitivity = "ordinary"
[tables.t.columns.x]
{column}
definition = "The column."
source = "A file"
factor = "f"
sensitivity = "ordinary"
"""
RATE = 'role = "measure"\ntype = "decimal"\nscale = 2\nbounds = { from = 0, to = 1 }\nunit = "share"\nbins = [0, 0.5]'


def read(column: str, change: tuple[str, str] = ("", "")) -> Column:
    text = TABLE.replace("{column}", column).replace(*change)
    return parse_catalogue(text.encode()).table("t").columns["x"]


@pytest.mark.parametrize(
    ("column", "codes", "first", "last"),
    [
        ('role = "dimension"\ntype = "category"\ndomain = "stages"', 3, "one", "two"),
        ('role = "dimension"\ntype = "category"\ndomain = ["a"]\nnullable = false', 1, "a", "a"),
        ('role = "dimension"\ntype = "integer"\ndomain = { from = 3, to = 5 }', 4, 3, 5),
        ('role = "flag"\ntype = "boolean"', 3, False, True),
        (RATE, 102, Decimal("0.00"), Decimal("1.00")),
    ],
)
def test_a_column_is_read(column: str, codes: int, first: object, last: object) -> None:
    """Each way of declaring the values of a column."""
    found = read(column)
    assert (found.codes, found.value(0), found.value(found.present_codes - 1)) == (codes, first, last)


@pytest.mark.parametrize(
    ("value", "code"), [("0.25", 25), ("1", 100), ("0.250", 25), ("0.255", None), ("1.01", None), ("-0.01", None)]
)
def test_a_measure_has_only_the_values_of_its_scale(value: str, code: int | None) -> None:
    """A value between two steps, or beyond the bounds, has no code."""
    assert read(RATE).code(Decimal(value)) == code


def test_only_an_amount_has_bounds() -> None:
    """Asking a column of categories for them is a mistake of the caller's; yes and no are 1 and 0."""
    with pytest.raises(ValueError, match="no amounts"):
        _ = read('role = "dimension"\ntype = "category"\ndomain = "stages"').scaled_bounds
    assert read('role = "flag"\ntype = "boolean"').scaled_bounds == (0, 1)


BROKEN = {
    "an unknown key of a column": (RATE + '\ncolour = "red"', ("", "")),
    "a meaning that is the first": (RATE + "\nmeaning = 1", ("", "")),
    "a meaning that is no number": (RATE + '\nmeaning = "other"', ("", "")),
    "a meaning of a table that is no number": (RATE, ("typical_size = 100", "typical_size = 100\nmeaning = true")),
    "a missing key of a column": (RATE.replace('unit = "share"', ""), ("", "")),
    "a domain on a measure": (RATE + '\ndomain = ["a"]', ("", "")),
    "an unknown key of a table": (RATE, ("typical_size", "typical_sise")),
    "an unknown key of the file": (RATE, ("[domains]", "[ranges]")),
    "an unknown role": (RATE.replace("measure", "metric"), ("", "")),
    "an unknown type": (RATE.replace("decimal", "float"), ("", "")),
    "a type that the role cannot have": (RATE.replace("decimal", "boolean"), ("", "")),
    "an unknown sensitivity": (RATE, ('sensitivity = "ordinary"', 'sensitivity = "secret"')),
    "a factor that is not declared": (RATE, ("{ f =", "{ g =")),
    "a nature that is not one": (RATE, ('"variable"', '"changing"')),
    "an audience that is not one": (RATE + '\naudience = "everybody"', ("", "")),
    "years the wrong way round": (RATE + "\nfrom = 202425\nto = 201415", ("", "")),
    "former values of a column that plans read": (
        'role = "dimension"\ntype = "category"\ndomain = "authorities"\nformer = "former_authorities"',
        ("", ""),
    ),
    "likeness to a column that is not there": (RATE + '\nlike = "t.y"', ("", "")),
    "a decimal without scale": (RATE.replace("scale = 2", ""), ("", "")),
    "a scale on whole numbers": (RATE.replace("decimal", "integer"), ("", "")),
    "bounds the wrong way round": (RATE.replace("from = 0, to = 1", "from = 1, to = 0"), ("", "")),
    "a measure without bins": (RATE.replace("bins = [0, 0.5]", ""), ("", "")),
    "bins out of order": (RATE.replace("[0, 0.5]", "[0, 0.5, 0.25]"), ("", "")),
    "a bin that begins twice": (RATE.replace("[0, 0.5]", "[0, 0.5, 0.5]"), ("", "")),
    "a bin between two values": (RATE.replace("0.5", "0.555"), ("", "")),
    "bins that leave out the least value": (RATE.replace("[0, 0.5]", "[0.25, 0.5]"), ("", "")),
    "one bin alone": (RATE.replace("[0, 0.5]", "[0]"), ("", "")),
    "bins of categories": ('role = "flag"\ntype = "boolean"\nbins = [0, 1]', ("", "")),
    "half a bound": (RATE.replace("from = 0, to = 1", "from = 0"), ("", "")),
    "a domain nobody declared": ('role = "dimension"\ntype = "category"\ndomain = "stage"', ("", "")),
    "an empty domain": ('role = "dimension"\ntype = "category"\ndomain = []', ("", "")),
    "a category listed twice": ('role = "dimension"\ntype = "category"\ndomain = ["a", "a"]', ("", "")),
    "a category of another type": ('role = "dimension"\ntype = "integer"\ndomain = ["a"]', ("", "")),
    "whole numbers out of order": ('role = "dimension"\ntype = "integer"\ndomain = [2, 1]', ("", "")),
    "a range with a step": ('role = "dimension"\ntype = "integer"\ndomain = { from = 0, to = 4, step = 2 }', ("", "")),
    "a second key": ('role = "key"\ntype = "category"', ("", "")),
    "an authority column that is not there": (RATE, ('authority_column = "home"', 'authority_column = "host"')),
    "text that is not TOML": ("role =", ("", "")),
}


@pytest.mark.parametrize(("column", "change"), BROKEN.values(), ids=BROKEN.keys())
def test_a_file_with_a_mistake_is_not_read(column: str, change: tuple[str, str]) -> None:
    """Each mistake is named, and none is passed over."""
    with pytest.raises(CatalogueInvalid):
        read(column, change)


SAID_WRONGLY = {
    "a column that is not there": "implied = [{ when = { y = [true] }, then = { x = [true] } }]",
    "a value that it cannot have": "implied = [{ when = { x = [2] }, then = { home = ['301'] } }]",
    "a missing value of what never is": "implied = [{ when = { x = [true] }, then = { home = [] } }]",
    "a key that nobody knows": "implied = [{ when = { x = [true] }, if = { x = [true] } }]",
    "rows of a table with one for each": "had_by = [{ rows = {}, children = { x = [true] } }]",
    "a step of a column that is not there": "steps = [{ of = 'y', is = 'x', by = { from = 0, to = 1 } }]",
}


@pytest.mark.parametrize("said", SAID_WRONGLY.values(), ids=SAID_WRONGLY.keys())
def test_what_columns_cannot_say_of_each_other_is_not_read(said: str) -> None:
    text = TABLE.replace("{column}", 'role = "flag"\ntype = "boolean"')
    parse_catalogue(text.encode())
    with pytest.raises(CatalogueInvalid):
        parse_catalogue(text.replace("rows_per_child_year = 4", f"rows_per_child_year = 4\n{said}").encode())


def test_what_is_said_of_columns_is_said_of_every_table_of_the_same_children(catalogue: Catalogue) -> None:
    """With the columns by the words that all tables share, and each way that it is true."""
    of_children, of_pupils = (catalogue.table(name).implied for name in ("child_year", "pupil_year"))
    assert {catalogue.table(name).implied for name in ("placements", "attainment", "pep")} == {of_children}
    names = {frozenset(each.names) for each in of_children}
    assert {"absences.authorised", "absences.absence_reason"} in names
    assert {"in_care_12_months", "at_31_march", "months_in_care"} in names
    assert any(each.names == {"age", "birth_term", "year_group"} for each in of_pupils)
    assert any("pupil_year.attendance_rate" in each.names for each in of_pupils)
    regions = [each for each in of_children if each.names == {"host_region", "host_authority"}]
    assert sum(len(codes) for each in regions for column, codes in each.when if column.name == "host_authority") == 154
