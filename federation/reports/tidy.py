"""A report's figures as tidy CSV: a row for each figure, its place and period as in the Department's open data.

Each row says in words what it is of, and has what was shown: a symbol in the place of what is withheld or was not
released, and never a blank. Every text is ours or the catalogue's; no cell begins as a formula does.
"""

from collections.abc import Iterator

from disclosure_control.layout import write_csv
from disclosure_control.rows.protected_table import Entry, Row
from disclosure_control.symbols import Symbol
from federation.release_files.places import COUNTRY, ENGLAND, REGION_CODES
from federation.reports.figures import Figures, Line, Told, name_category
from federation.reports.like_for_like import Expected
from federation.reports.places import Place
from federation.reports.shares import Share
from federation.reports.written import WrittenReport
from query_engine.geography import load_authorities
from query_engine.wording.spelling import spell

__all__ = ["COLUMNS", "write_tidy"]

COLUMNS = (
    "time_period",
    "time_identifier",
    *COUNTRY,
    "region_code",
    "region_name",
    "old_la_code",
    "new_la_code",
    "la_name",
    "school_urn",
    "topic",
    "measure",
    "breakdown",
    "category",
    "children",
    "percent",
    "percent_low",
    "percent_high",
    "figure",
    "release",
)

LEVELS = {"nation": "National", "region": "Regional", "authority": "Local authority", "school": "School"}

WHOLE = "Total"
ALIKE = "Like for like"


def write_tidy(report: WrittenReport) -> str:
    """Return the figures of a report as CSV; what a model expects stands beneath what is observed.

    `figure` is one that is no share, such as a sum of money.
    """
    rows = [row for figures in report.figures for row in _list_rows(report.year, figures)]
    alike = [row for each in report.compared for row in _list_alike(report.year, each)]
    told = [row for each in report.told for row in _list_told(report.year, each)]
    return write_csv(COLUMNS, [*rows, *alike, *told])


def _list_rows(year: int, figures: Figures) -> Iterator[Row]:
    period = (str(year), "Academic year", *_write_place(figures.place))
    about = (figures.measure.topic, figures.measure.title)
    breakdown = " and ".join(each.title for each in figures.factors) or WHOLE
    if not figures.lines:
        nothing = (Symbol.NOT_APPLICABLE, Symbol.UNAVAILABLE)
        yield *period, *about, breakdown, WHOLE, *_write_share(None, Symbol.UNAVAILABLE), *nothing
    for line in figures.lines:
        shown = (*_write_share(line.share, line.symbol), Symbol.NOT_APPLICABLE)
        yield *period, *about, breakdown, _write_categories(line), *shown, figures.release_id or Symbol.NOT_APPLICABLE


def _list_alike(year: int, each: Expected) -> Iterator[Row]:
    about = (str(year), "Academic year", *_write_place(each.place), each.measure.topic, each.measure.title, ALIKE)
    children, nothing = each.children.printed, (Symbol.NOT_APPLICABLE,) * 2
    low, high = (round(100 * end) for end in _limits(each))
    yield *about, "Observed", children, each.observed_percent, *nothing, *nothing
    yield *about, "Expected", children, each.expected_percent, low, high, *nothing


def _list_told(year: int, told: Told) -> Iterator[Row]:
    about = (str(year), "Academic year", *_write_place(told.place), told.question.topic)
    by, nothing = told.question.by, (Symbol.NOT_APPLICABLE,) * 4
    for row in told.rows:
        named = dict(zip(told.columns, row, strict=True))
        of = (spell(by), name_category(named.pop(by)))
        for label, entry in named.items():
            yield *about, f"{told.question.title}: {spell(label)}", *of, *nothing, entry, told.release_id


def _limits(each: Expected) -> tuple[float, float]:
    """Between which shares chance alone keeps 95 in 100 of as many such children."""
    share = each.value / each.children.printed
    return each.limits[0] * share, each.limits[1] * share


def _write_place(place: Place) -> tuple[str, ...]:
    """The place in the standard's columns; those of finer levels are of nothing, and several schools have no number."""
    region = (REGION_CODES[place.region], place.region) if place.region else ("", "")
    found = load_authorities()[place.code] if place.level == "authority" else None
    authority = (found.code, found.ons_code, found.name) if found is not None else ("", "", "")
    school = place.code if place.is_one_school else ""
    return LEVELS[place.level], *ENGLAND, *region, *authority, school


def _write_categories(line: Line) -> str:
    return " and ".join(map(name_category, line.categories)) or WHOLE


def _write_share(share: Share | None, symbol: Symbol) -> tuple[Entry, ...]:
    if share is None:
        return (symbol,) * 4
    return share.children, share.percent, *share.ends
