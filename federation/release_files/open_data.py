"""A released table as the Department for Education's open data: a data file, and a metadata file that describes it.

The standard is the Department's "Open data standards" for Explore Education Statistics (uk-statistics guidance, "ud").
One tidy CSV has time, geography, filters and indicators; the other has a line for each indicator, and for each filter
of more than one category. Nothing is worked out anew: each row of the release is a row of the file, with the same
figures and the same symbols. Categories are in words (`federation.release_files.categories`), whose codes are told.

What the standard has no place for is refused with what to ask instead: `OpenDataUnfit`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count

from disclosure_control.layout import write_csv, write_entry
from disclosure_control.release.released import ReleasedTable
from disclosure_control.rows.protected_table import Entry, Row
from federation.release_files.categories import APART, label_category
from federation.release_files.places import COLUMNS, PlacesUnfit, name_places
from query_engine.planning.plan import TOTAL, Output, QueryPlan
from query_engine.wording.spelling import spell_heading

__all__ = ["OpenData", "OpenDataUnfit", "write_open_data"]

TIME = ("time_period", "time_identifier")
YEARS = "academic_year"
META = (
    "col_name",
    "col_type",
    "label",
    "indicator_grouping",
    "indicator_unit",
    "indicator_dp",
    "filter_hint",
    "filter_grouping_column",
    "filter_default",
)
LONGEST_NAME = 50


class OpenDataUnfit(Exception):
    """The release cannot be put in this form; the text says why and what to ask instead."""


@dataclass(frozen=True)
class OpenData:
    """The two files' text, and what their reader ought to be told that stands in neither.

    `codes` are the releases' own codes of categories, a line for each filter.
    """

    data: str
    meta: str
    remarks: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Column:
    """One column of the data file: where it stands in the release, and what the metadata says of it."""

    place: int
    name: str
    label: str
    output: Output
    decimals: int | None

    @property
    def is_filter(self) -> bool:
        return self.decimals is None


def write_open_data(table: ReleasedTable, plan: QueryPlan) -> OpenData:
    """The two files of a released table and the plan that it answers. Raises `OpenDataUnfit`."""
    try:
        places = name_places(table, plan)
    except PlacesUnfit as unfit:
        raise OpenDataUnfit(str(unfit)) from None
    columns = _name_columns(table, plan, {YEARS, *places.columns})
    periods = _name_periods(table, plan)
    rows = [
        (period, "Academic year", *place, *(_write(row[each.place], each) for each in columns))
        for row, period, place in zip(table.rows, periods, places.rows, strict=True)
    ]
    header = (*TIME, *COLUMNS[places.level], *(each.name for each in columns))
    described = (_describe(each, table.rows) for each in columns)
    return OpenData(
        write_csv(header, rows),
        write_csv(META, [line for line in described if line]),
        (*places.remarks, *_list_remarks(columns, table.rows)),
        tuple(_list_codes(columns, table.rows)),
    )


def _name_columns(table: ReleasedTable, plan: QueryPlan, elsewhere: set[str]) -> list[_Column]:
    """The filters and indicators in the release's order, each under a name that the standard allows."""
    first = len(table.columns) - len(plan.outputs)
    taken = {*TIME, *(name for names in COLUMNS.values() for name in names)}
    found = []
    for place, output in enumerate(plan.outputs, start=first):
        if output.dimension in elsewhere:
            continue
        name = _name_anew(output.label, taken)
        taken.add(name)
        decimals = table.decimals.get(table.columns[place])
        found.append(_Column(place, name, spell_heading(output.label), output, decimals))
    if all(each.is_filter for each in found):
        raise OpenDataUnfit("the release has no figures to be indicators")
    return found


def _name_anew(label: str, taken: set[str]) -> str:
    """A label in lower case, with a number where another column of the file has that name.

    A query's labels are words of letters, figures and underscores that begin with a letter, as the standard wants them.
    """
    name = label.casefold()
    others = (f"{name[: LONGEST_NAME - len(str(number)) - 1]}_{number}" for number in count(2))
    return next(each for each in chain([name], others) if each not in taken)


def _name_periods(table: ReleasedTable, plan: QueryPlan) -> list[str]:
    """The academic year of each row, in the six figures of the standard."""
    place = next((place for place, each in enumerate(plan.outputs) if each.dimension == YEARS), None)
    if place is None:
        if len(plan.academic_years) != 1:
            raise OpenDataUnfit(
                "each row is of several academic years together, and the standard has one for each: ask for one year, "
                "or GROUP BY academic_year"
            )
        return [str(plan.academic_years[0])] * len(table.rows)
    first = len(table.columns) - len(plan.outputs)
    years = [row[first + place] for row in table.rows]
    if not all(isinstance(year, int) and not isinstance(year, bool) for year in years):
        raise OpenDataUnfit("some rows are totals over academic years: leave academic_year out of the grouping sets")
    return [str(year) for year in years]


def _write(entry: Entry, column: _Column) -> Entry:
    """A category in words; a figure or a symbol as released."""
    return label_category(column.output.dimension or "", entry) if column.is_filter else entry


def _describe(column: _Column, rows: Sequence[Row]) -> Row | None:
    """The column's line of the metadata file; a filter of one category alone has none there, says the standard."""
    if not column.is_filter:
        return (column.name, "Indicator", column.label, "", "", column.decimals, "", "", "")
    values: Mapping[Entry, None] = dict.fromkeys(_write(row[column.place], column) for row in rows)
    if len(values) < 2:
        return None
    default = "" if TOTAL in values else next(iter(values))
    return (column.name, "Filter", column.label, "", "", "", "", "", default)


def _list_codes(columns: Sequence[_Column], rows: Sequence[Row]) -> Iterator[str]:
    """Of each filter the categories that are written otherwise than in every other form, with what stands there."""
    for column in columns:
        released = dict.fromkeys(row[column.place] for row in rows) if column.is_filter else {}
        told = ((write_entry(_write(each, column)), write_entry(each)) for each in released)
        if codes := [f"{word} is {code}" for word, code in told if word != code]:
            yield f"{column.name}: {'; '.join(codes)}"


def _list_remarks(columns: Sequence[_Column], rows: Sequence[Row]) -> Iterator[str]:
    """What is to be said of categories that the harmonised standard counts to others."""
    for column in columns:
        category, remark = APART.get(column.output.dimension or "", (None, ""))
        if column.is_filter and category is not None and any(row[column.place] == category for row in rows):
            yield remark
