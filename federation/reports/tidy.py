"""A report's figures as tidy CSV: a row for each figure, its place and period as in the Department's open data.

Each row says in words what it is of, and has what was shown: a symbol in the place of what is withheld or was not
released, and never a blank. Every text is ours or the catalogue's; no cell begins as a formula does.
"""

from collections.abc import Iterable, Iterator

from disclosure_control.layout import write_csv
from disclosure_control.rows.protected_table import Entry, Row
from disclosure_control.symbols import Symbol
from federation.release_files.places import COUNTRY, ENGLAND, REGION_CODES
from federation.reports.figures import Figures, Line, name_category
from federation.reports.places import Place
from federation.reports.shares import Share
from query_engine.geography import load_authorities

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
    "topic",
    "measure",
    "breakdown",
    "category",
    "children",
    "percent",
    "percent_low",
    "percent_high",
    "release",
)

LEVELS = {"nation": "National", "region": "Regional", "authority": "Local authority"}

WHOLE = "Total"


def write_tidy(year: int, found: Iterable[Figures]) -> str:
    """Return figures of one academic year as CSV."""
    return write_csv(COLUMNS, [row for figures in found for row in _list_rows(year, figures)])


def _list_rows(year: int, figures: Figures) -> Iterator[Row]:
    period = (str(year), "Academic year", *_write_place(figures.place))
    about = (figures.measure.topic, figures.measure.title)
    breakdown = " and ".join(each.title for each in figures.factors) or WHOLE
    if not figures.lines:
        yield *period, *about, breakdown, WHOLE, *_write_share(None, Symbol.UNAVAILABLE), Symbol.UNAVAILABLE.value
    for line in figures.lines:
        shown = _write_share(line.share, Symbol.CONFIDENTIAL)
        yield *period, *about, breakdown, _write_categories(line), *shown, figures.release_id


def _write_place(place: Place) -> tuple[str, ...]:
    """The place in the standard's columns; those of finer levels are of nothing."""
    region = (REGION_CODES[place.region], place.region) if place.region else ("", "")
    found = load_authorities()[place.code] if place.level == "authority" else None
    authority = (found.code, found.ons_code, found.name) if found is not None else ("", "", "")
    return LEVELS[place.level], *ENGLAND, *region, *authority


def _write_categories(line: Line) -> str:
    return " and ".join(map(name_category, line.categories)) or WHOLE


def _write_share(share: Share | None, symbol: Symbol) -> tuple[Entry, ...]:
    if share is None:
        return (symbol,) * 4
    return share.children, share.percent, *share.ends
