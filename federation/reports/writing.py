"""Writing a report: its declared sections, a shelf of what has been released, and nothing else.

The order of a table is that of the declaration, of the catalogue and of the codes. No table is in the order of its
figures, and none has two authorities but a funnel, which says of each only whether chance could have made it.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from disclosure_control.symbols import MEANINGS, Symbol
from federation.reports.declared import Report, Section
from federation.reports.figures import Figures, Line, find_line, name_category
from federation.reports.measures import Factor, Measure, load_measures
from federation.reports.places import NATION, Place, places_beside
from federation.reports.written import Funnel, FunnelPoint, WrittenReport, WrittenSection, WrittenTable
from query_engine.planning.plan import TOTAL

__all__ = ["NOT_RELEASED", "READING", "Shelf", "write_report"]

NOT_RELEASED = "not yet released"
NOT_COMPARED = "not compared"

READING = (
    "A share is of the children whose result is known, by counts as they were released: rounded, or with noise in a "
    "total over authorities. “Could well be” is where it lies 19 times in 20, with rounding or noise and the chance "
    "that so few children bring.",
    f"“{Symbol.CONFIDENTIAL}” is {MEANINGS[Symbol.CONFIDENTIAL]}: of too few children, none perhaps, or a figure by "
    "which others could be worked out.",
    "“Chance” sets a share against England's by a funnel: how far that of so many children may lie from it by chance "
    "alone. Figures of so few children make no ranking, and nothing here is one.",
    "Conclusions from such figures are tentative. What is true of a group says nothing of one child in it.",
)


class Shelf(Protocol):
    """What has been released, as far as whoever reads the report may see it."""

    def find(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
        """Return a measure's figures of a place, or why there are none."""

    def find_authorities(self, measure: Measure, within: Place) -> tuple[Figures, ...]:
        """Return a measure's figures of each authority within a place, in the order of the codes."""

    def write_like_for_like(self, measure: Measure, place: Place) -> WrittenSection:
        """Return what England's model expects of a place, beside what there is; or why neither can be said."""


def write_report(report: Report, place: Place, year: int, shelf: Shelf) -> WrittenReport:
    """Write a report of a place and an academic year from what has been released."""
    keeping = _Keeping(shelf)
    sections = tuple(_write_section(section, place, keeping) for section in report.section)
    return WrittenReport(
        report.name,
        report.title,
        place,
        year,
        report.audience,
        report.about,
        sections,
        keeping.found,
        READING,
    )


class _Keeping:
    """A shelf that keeps what was taken from it, each once, in order."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf, self._found = shelf, dict[tuple[object, ...], Figures]()

    def find(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
        key = (measure.name, factors, place)
        if key not in self._found:
            self._found[key] = self.shelf.find(measure, factors, place)
        return self._found[key]

    @property
    def found(self) -> tuple[Figures, ...]:
        return tuple(self._found.values())


def _write_section(section: Section, place: Place, keeping: _Keeping) -> WrittenSection:
    measures = tuple(map(load_measures().find_measure, section.measures))
    factors = load_measures().find_factors(section.by)
    match section.show:
        case "places":
            found = [[keeping.find(each, (), beside) for beside in places_beside(place)] for each in measures]
            table = _set_beside(section.title, found)
        case "split":
            found = [[keeping.find(each, factors, beside) for beside in places_beside(place)] for each in measures]
            table = _split(measures[0], factors, found[0])
        case "funnel":
            return _write_funnel(section, measures[0], place, keeping)
        case "like_for_like":
            return keeping.shelf.write_like_for_like(measures[0], place)
    missing = tuple(words for row in found for words in _say_missing(row))
    return WrittenSection(section.title, _words(section, measures), (table,) if table.rows else (), missing)


def _words(section: Section, measures: Sequence[Measure]) -> tuple[str, ...]:
    whom = dict.fromkeys(load_measures().find_population(each).title for each in measures)
    return *(f"{each}, each counted once." for each in whom), *([section.note] if section.note else [])


def _say_missing(found: Sequence[Figures]) -> Iterator[str]:
    """Yield what one measure has no figures of: the places that have none for the same reason, together."""
    places: dict[str, list[str]] = {}
    for each in found:
        if each.why_not:
            places.setdefault(each.why_not, []).append(each.place.name)
    for why, names in places.items():
        by = " and ".join(each.title for each in found[0].factors)
        yield f"{found[0].measure.title}{f', by {by}' if by else ''}, of {_join(names)}: {why}"


def _join(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


# --- Beside the region and England -----------------------------------------------------------------------------------


def _set_beside(caption: str, found: Sequence[Sequence[Figures]]) -> WrittenTable:
    columns = ("Measure", "Of", "Share", "Could well be", "Chance", "Children")
    rows = [row for each in found for row in _rows_of(each)]
    return WrittenTable(caption, columns, tuple(rows))


def _rows_of(beside: Sequence[Figures]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of one measure, each place that there is a figure or a symbol of."""
    target = next((_target(each) for each in beside if each.place == NATION), None)
    for figures in beside:
        share, published = figures.share, figures.measure.published
        name = figures.place.name
        if share is not None:
            chance = share.judge(target) if target is not None and figures.place != NATION else NOT_COMPARED
            yield figures.measure.title, name, share.text, share.margin, chance, f"{share.children:,}"
        elif figures.lines:
            symbol = Symbol.CONFIDENTIAL.value
            yield figures.measure.title, name, symbol, symbol, NOT_COMPARED, symbol
        elif figures.place == NATION and published is not None:
            told = f"published by the Department for Education for {published.year // 100}/{published.year % 100:02}"
            yield figures.measure.title, name, f"{published.percent:g} %", told, NOT_COMPARED, ""


def _target(figures: Figures) -> float | None:
    """England's share, released or published: what a funnel is drawn around."""
    published = figures.measure.published
    if figures.target is None and published is not None:
        return published.percent / 100
    return figures.target


# --- Split by factors ------------------------------------------------------------------------------------------------


def _split(measure: Measure, factors: tuple[Factor, ...], found: Sequence[Figures]) -> WrittenTable:
    """A row for each category, in the catalogue's order; a column for each place that has figures."""
    there = [each for each in found if each.lines]
    categories = dict.fromkeys(line.categories for each in there for line in each.lines)
    ordered = sorted(categories, key=lambda each: [one == TOTAL for one in each])
    names = tuple(each.title.capitalize() for each in factors)
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
    return f"{line.share.text} ({line.share.margin})" if line.share is not None else Symbol.CONFIDENTIAL.value


def _tell_children(line: Line | None) -> str:
    if line is None:
        return Symbol.UNAVAILABLE.value
    return f"{line.share.children:,}" if line.share is not None else Symbol.CONFIDENTIAL.value


# --- Funnels ---------------------------------------------------------------------------------------------------------


def _write_funnel(section: Section, measure: Measure, place: Place, keeping: _Keeping) -> WrittenSection:
    nation = keeping.find(measure, (), NATION)
    target = _target(nation)
    within = Place("region", place.region) if place.level == "authority" else place
    if target is None:
        return WrittenSection(section.title, (), (), tuple(_say_missing([nation])))
    found = keeping.shelf.find_authorities(measure, within)
    shown = [(each, each.share) for each in found if each.share is not None]
    rows = tuple(
        (f"{each.place.name} ({each.place.code})", share.text, f"{share.children:,}", share.judge(target))
        for each, share in shown
    )
    points = tuple(
        FunnelPoint(each.place.name if each.place == place else "", share.children, float(share.value))
        for each, share in shown
    )
    withheld = len(found) - len(shown)
    columns = ("Authority", "Share", "Children", "Chance")
    caption = f"{measure.title}: authorities of {within.name} in the order of their codes"
    missing = (
        [f"{withheld} of {len(found)} authorities: withheld, or not in the release"]
        if found and withheld
        else []
        if found
        else [f"{measure.title}, authorities of {within.name}: {NOT_RELEASED}"]
    )
    return WrittenSection(
        section.title,
        _words(section, [measure]),
        (WrittenTable(caption, columns, rows),) if rows else (),
        tuple(missing),
        Funnel(measure.title, target, points) if points else None,
    )
