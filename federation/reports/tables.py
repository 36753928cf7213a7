"""The tables of a report: measures beside the region and England, and a measure split by factors, in words.

Rows are in the order of the declaration and of the catalogue, never in that of their figures.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from disclosure_control.rows.protected_table import Entry
from disclosure_control.symbols import Symbol
from federation.reports.figures import Figures, Line, Told, find_line, name_category
from federation.reports.measures import Factor, Measure
from federation.reports.places import NATION
from federation.reports.written import WrittenTable, name_year
from query_engine.planning.plan import TOTAL
from query_engine.wording.spelling import spell_heading

__all__ = ["set_beside", "split", "target_of", "write_told"]

NOT_COMPARED = "not compared"


def set_beside(caption: str, found: Sequence[Sequence[Figures]]) -> WrittenTable:
    """Return a row for each measure and each place that there is a figure or a symbol of."""
    columns = ("Measure", "Of", "Share", "Could well be", "Chance", "Children")
    rows = [row for each in found for row in _rows_of(each)]
    return WrittenTable(caption, columns, tuple(rows))


def _rows_of(beside: Sequence[Figures]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of one measure, each place that there is a figure or a symbol of."""
    target = next((target_of(each) for each in beside if each.place == NATION), None)
    for figures in beside:
        share, published = figures.share, figures.measure.published
        name = figures.place.name
        if share is not None:
            chance = share.judge(target) if target is not None and figures.place != NATION else NOT_COMPARED
            yield figures.measure.title, name, share.text, share.margin, chance, f"{share.children:,}"
        elif figures.whole is not None:
            symbol = figures.whole.symbol.value
            yield figures.measure.title, name, symbol, symbol, NOT_COMPARED, symbol
        elif figures.place == NATION and published is not None:
            told = f"published by the Department for Education for {name_year(published.year)}"
            yield figures.measure.title, name, f"{published.percent:g}%", told, NOT_COMPARED, ""


def target_of(figures: Figures) -> float | None:
    """England's share, released or published: what a funnel is drawn around."""
    if figures.share is not None:
        return float(figures.share.value)
    published = figures.measure.published
    return None if published is None else published.percent / 100


def split(measure: Measure, factors: tuple[Factor, ...], found: Sequence[Figures]) -> WrittenTable:
    """A row for each category, in the catalogue's order; a column for each place that has figures."""
    there = [each for each in found if each.lines]
    categories = dict.fromkeys(line.categories for each in there for line in each.lines)
    ordered = sorted(categories, key=lambda each: [one == TOTAL for one in each])
    names = tuple(each.title[:1].upper() + each.title[1:] for each in factors)
    columns = (
        *names,
        *(f"{each.place.name}: share" for each in there),
        *(f"{each.place.name}: children" for each in there),
    )
    rows = []
    for key in ordered:
        lines = [find_line(each, key) for each in there]
        rows.append((*map(name_category, key), *map(_tell_share, lines), *map(_tell_children, lines)))
    return WrittenTable(measure.title, columns, tuple(rows))


def _tell_share(line: Line | None) -> str:
    if line is None:
        return Symbol.UNAVAILABLE.value
    return f"{line.share.text} ({line.share.margin})" if line.share is not None else line.symbol.value


def _tell_children(line: Line | None) -> str:
    if line is None:
        return Symbol.UNAVAILABLE.value
    return f"{line.share.children:,}" if line.share is not None else line.symbol.value


def write_told(told: Told) -> WrittenTable:
    """Return the answer to a question as it was released, its categories in words."""
    by = told.columns.index(told.question.by)
    rows = tuple(
        tuple(name_category(entry) if place == by else _write(entry) for place, entry in enumerate(row))
        for row in told.rows
    )
    columns = tuple(map(spell_heading, told.columns))
    return WrittenTable(f"{told.question.title}: {told.place.name}", columns, rows)


def _write(entry: Entry) -> str:
    return f"{entry:,}" if isinstance(entry, int | Decimal) else str(entry)
