"""Releases as open data files: each row of the release is a row of the file, in the standard's columns and words."""

import csv
import io
import re
from collections.abc import Mapping, Sequence

import pytest

from disclosure_control.noise.shares import MODULUS
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.totals import release_noisy_total
from disclosure_control.symbols import MEANINGS
from federation.release_files.categories import APART, HARMONISED, label_category, tell_codes
from federation.release_files.open_data import META, OpenData, OpenDataUnfit, write_open_data
from federation.release_files.places import COLUMNS, REGION_CODES
from query_engine.catalogue import load_catalogue
from query_engine.geography import REGIONS, load_authorities
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import TOTAL, QueryPlan
from tests.disclosure_control.drawn_releases import draw_release, make_plan

ENGLAND = tuple(load_authorities())
SOUTH_WEST = tuple(code for code, each in load_authorities().items() if each.region == "South West")

BY_SEX = "SELECT sex, COUNT(*) AS n FROM child_year WHERE {where} AND sex IN ('M', 'F') GROUP BY {by}"
ONE_YEAR = "academic_year = 202425"


def total_of(sql: str, asked: tuple[str, ...], absent: int = 0) -> tuple[ReleasedTable, QueryPlan]:
    """A noised total over all of these but so many, every figure of which is 40."""
    plan = plan_for_path(make_plan(sql), "noisy_sum")
    values = [40 % MODULUS] * (plan.cells * len(plan.statistics))
    answered, away = asked[absent:], dict.fromkeys(asked[:absent], "late")
    terms = NoiseTerms("1", len(asked), len(asked) // 10, 1)
    table = release_noisy_total(plan, values, terms, answered, away, load_preset("ons_10_5"))
    return table, plan


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def write_total(sql: str, asked: tuple[str, ...] = ENGLAND, absent: int = 0) -> OpenData:
    return write_open_data(*total_of(sql, asked, absent))


def test_authorities_with_their_regions_and_a_total() -> None:
    """Golden: the pair of files of two authorities, one with a withheld figure."""
    sql = BY_SEX.format(where=ONE_YEAR, by="GROUPING SETS ((sex), ())")
    table = draw_release(sql, "ons_10_5", {"202": "40\n60\n100", "301": "c\nc\n45"}, {"908": "late"})
    files = write_open_data(table, make_plan(sql))
    place = "202425,Academic year,Local authority,E92000001,England"
    assert files.data == "\n".join(
        [
            "time_period,time_identifier,geographic_level,country_code,country_name,region_code,region_name,"
            "old_la_code,new_la_code,la_name,sex,n",
            f"{place},E12000007,London,202,E09000007,Camden,Male,40",
            f"{place},E12000007,London,202,E09000007,Camden,Female,60",
            f"{place},E12000007,London,202,E09000007,Camden,Total,100",
            f"{place},E12000007,London,301,E09000002,Barking and Dagenham,Male,c",
            f"{place},E12000007,London,301,E09000002,Barking and Dagenham,Female,c",
            f"{place},E12000007,London,301,E09000002,Barking and Dagenham,Total,45",
            f"{place},E12000009,South West,908,E06000052,Cornwall,Male,x",
            f"{place},E12000009,South West,908,E06000052,Cornwall,Female,x",
            f"{place},E12000009,South West,908,E06000052,Cornwall,Total,x",
            "",
        ]
    )
    assert files.meta == (",".join(META) + "\nsex,Filter,Sex,,,,,,\nn,Indicator,N,,,0,,,\n")
    assert files.codes == ("sex: Male is M; Female is F",)


PLACED: Mapping[str, tuple[str, tuple[str, ...], str]] = {
    "England": ("sex", ENGLAND, "National"),
    "one region": ("sex", SOUTH_WEST, "Regional"),
    "each region": ("sex, home_region", ENGLAND, "Regional"),
}


@pytest.mark.parametrize(("by", "asked", "level"), PLACED.values(), ids=PLACED)
def test_the_level_is_that_of_whoever_was_asked(by: str, asked: tuple[str, ...], level: str) -> None:
    rows = read(write_total(BY_SEX.format(where=ONE_YEAR, by=by).replace("sex, COUNT", f"{by}, COUNT"), asked).data)
    assert {row["geographic_level"] for row in rows} == {level}
    codes = {row.get("region_code", "") for row in rows}
    assert codes == {"England": {""}, "one region": {"E12000009"}}.get(
        next(name for name, each in PLACED.items() if each == (by, asked, level)), set(REGION_CODES.values())
    )


def test_a_total_over_regions_is_the_nations() -> None:
    sql = f"SELECT home_region, COUNT(*) AS n FROM child_year WHERE {ONE_YEAR} GROUP BY ROLLUP (home_region)"
    last = read(write_total(sql).data)[-1]
    assert (last["geographic_level"], last["region_code"], last["region_name"]) == ("National", "", "")
    assert "home_region" not in last


def test_years_are_the_time_and_no_filter() -> None:
    sql = BY_SEX.format(where="academic_year IN (202324, 202425)", by="sex, academic_year")
    files = write_total(sql.replace("sex, COUNT", "sex, academic_year, COUNT"))
    assert {row["time_period"] for row in read(files.data)} == {"202324", "202425"}
    assert [row["col_name"] for row in read(files.meta)] == ["sex", "n"]


def test_a_filter_without_a_total_names_a_default() -> None:
    (sex, _) = read(write_total(BY_SEX.format(where=ONE_YEAR, by="sex")).meta)
    assert sex["filter_default"] == "Male"


def test_a_filter_of_one_category_is_in_the_data_and_not_in_the_metadata() -> None:
    """So the standard has it: nothing is to be chosen there."""
    files = write_total(BY_SEX.format(where=ONE_YEAR, by="sex").replace("IN ('M', 'F')", "= 'F'"))
    assert {row["sex"] for row in read(files.data)} == {"Female"}
    assert [row["col_name"] for row in read(files.meta)] == ["n"]


CATEGORIES = [
    (name, column.name, [str(code) for code in column.domain])
    for name, table in load_catalogue().tables.items()
    for column in table.columns.values()
    if column.role == "dimension" and column.domain and isinstance(column.domain[0], str)
]


@pytest.mark.parametrize(
    ("table", "column", "codes"), CATEGORIES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_reader_meets_a_code(table: str, column: str, codes: Sequence[str]) -> None:
    """Every category of the catalogue is in words, within the standard's length, and unlike any other of its column."""
    labels = [str(label_category(column, code)) for code in (*codes, None, TOTAL)]
    assert len(set(labels)) == len(labels)
    for label in labels:
        assert re.fullmatch(r"[A-Z0-9][^_]{2,119}|No", label)
        assert not re.fullmatch(r"[A-Z]*[0-9]*", label)


def test_harmonised_words_are_of_categories_that_there_are() -> None:
    """And cover the whole of a column that the Department has harmonised."""
    known: dict[str, set[str]] = {}
    for _, column, codes in CATEGORIES:
        known.setdefault(column, set()).update(codes)
    assert all(set(words) <= known[column] for column, words in HARMONISED.items())
    for column in ("sex", "ethnicity_major", "sen_provision", "sen_primary_need", "social_care_group", "need"):
        assert set(HARMONISED[column]) == known[column]


def test_an_authority_that_is_no_place_of_the_file_is_named() -> None:
    assert label_category("host_authority", "301") == "Barking and Dagenham (301)"


def test_the_code_of_each_category_is_told() -> None:
    """Also what stands in other forms for a missing category, and for yes and no; not of a filter that has no words."""
    by = "sen_provision, in_care_12_months, age"
    sql = f"SELECT {by}, COUNT(*) AS n FROM child_year WHERE {ONE_YEAR} AND age IN (9, 10) GROUP BY {by}"
    table, plan = total_of(sql, ENGLAND)
    assert write_open_data(table, plan).codes == (
        "sen_provision: No SEN provision is none; SEN support / SEN without an EHC plan is sen_support; "
        "Education, health and care plan is ehc_plan; Not recorded is missing",
        "in_care_12_months: No is false; Yes is true; Not recorded is missing",
    )


def test_a_page_tells_of_codes_that_do_not_say_what_they_mean() -> None:
    """Not of one whose words are its own, such as a key stage, nor under another catalogue's plan."""
    by = "need, key_stage, uasc, age"
    sql = f"SELECT {by}, COUNT(*) AS n FROM child_year WHERE {ONE_YEAR} AND age IN (9, 10) GROUP BY {by}"
    table, plan = total_of(sql, ENGLAND)
    ((column, codes),) = tell_codes(table, plan)
    assert (column, dict(codes)["N1"], len(codes)) == ("need", "Abuse or neglect", len(HARMONISED["need"]))
    other = plan_for_path(make_plan(sql.replace("need, ", "")), "noisy_sum")
    assert list(tell_codes(table, other)) == []


def test_what_the_harmonised_standard_counts_to_another_category_is_remarked() -> None:
    sql = f"SELECT ethnicity_major, COUNT(*) AS n FROM child_year WHERE {ONE_YEAR} GROUP BY ethnicity_major"
    files = write_total(sql)
    assert files.remarks == (APART["ethnicity_major"][1],)
    assert "Mixed / Multiple ethnic groups is mixed" in files.codes[0]
    assert "Mixed / Multiple ethnic groups" in {row["ethnicity_major"] for row in read(files.data)}


def test_who_did_not_answer_is_remarked() -> None:
    files = write_total(BY_SEX.format(where=ONE_YEAR, by="sex"), absent=3)
    assert files.remarks == (
        f"The figures are over {len(ENGLAND) - 3} of the {len(ENGLAND)} authorities that were asked.",
    )


def test_names_are_such_as_the_standard_allows() -> None:
    """Lower case, fifty characters at most, and none that stands for time or place already."""
    long = "x" * 50
    sql = (
        f"SELECT uasc AS Time_Period, COUNT(*) AS {long}, COUNT(*) FILTER (WHERE uasc) AS {long[1:]}y, "
        f"COUNT(DISTINCT child) AS LA_name FROM child_year WHERE {ONE_YEAR} GROUP BY uasc"
    )
    files = write_total(sql)
    names = [row["col_name"] for row in read(files.meta)]
    assert names == ["time_period_2", long, f"{long[1:]}y", "la_name_2"]
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,49}", name) for name in names)
    assert {row["time_period_2"] for row in read(files.data)} <= {"Yes", "No", "Not recorded"}


UNFIT = {
    "several years": (BY_SEX.format(where="academic_year IN (202324, 202425)", by="sex"), ENGLAND, "ask for one year"),
    "totals over years": (
        "SELECT academic_year, COUNT(*) AS n FROM child_year WHERE academic_year IN (202324, 202425) "
        "GROUP BY ROLLUP (academic_year)",
        ENGLAND,
        "leave academic_year out",
    ),
    "some authorities": (BY_SEX.format(where=ONE_YEAR, by="sex"), ENGLAND[:7], "neither England nor"),
}


@pytest.mark.parametrize(("sql", "asked", "words"), UNFIT.values(), ids=UNFIT)
def test_what_the_standard_has_no_place_for_is_refused(sql: str, asked: tuple[str, ...], words: str) -> None:
    with pytest.raises(OpenDataUnfit, match=words):
        write_total(sql, asked)


def test_no_entry_is_blank_or_of_a_symbol_that_the_standard_has_not() -> None:
    """Blanks are for places that a row has not, and never for a figure or a category."""
    sql = f"SELECT uasc, sen_provision, COUNT(*) AS n FROM child_year WHERE {ONE_YEAR} GROUP BY uasc, sen_provision"
    files = write_total(sql)
    named = [row["col_name"] for row in read(files.meta)]
    assert all(row[name] for row in read(files.data) for name in named)
    assert set(MEANINGS) <= {"c", "x", "z", "k", "low", "u"}


def test_regions_have_the_codes_of_the_statistics_office() -> None:
    """Printed order is code order: North East is E12000001, South West E12000009."""
    assert (REGIONS[0], REGIONS[6], REGIONS[8]) == ("North East", "London", "South West")
    assert (REGION_CODES["North East"], REGION_CODES["London"]) == ("E12000001", "E12000007")
    assert COLUMNS["Local authority"][-3:] == ("old_la_code", "new_la_code", "la_name")
