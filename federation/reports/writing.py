"""Writing a report: its declared sections, a shelf of what has been released, and nothing else.

The order of a table is that of the declaration, of the catalogue and of the codes. No table is in the order of its
figures. None has two authorities but a funnel and like for like, which say of each whether chance could have made it.
"""

from collections.abc import Iterator, Mapping, Sequence

from disclosure_control.funnel import Verdict
from disclosure_control.symbols import MEANINGS, Symbol
from federation.reports.declared import Report, Section
from federation.reports.figures import Figures
from federation.reports.measures import Factor, Measure, load_measures
from federation.reports.places import NATION, Place, places_beside
from federation.reports.shelf import NOT_RELEASED, Alike, Shelf
from federation.reports.tables import set_beside, split, target_of, write_told
from federation.reports.written import Funnel, FunnelPoint, WrittenReport, WrittenSection, WrittenTable

__all__ = ["READING", "write_report"]

EXPECTED_BY_CHANCE: Mapping[Verdict, str] = {
    "within": "as chance alone makes it",
    "look twice": "further from what is expected than chance makes 95 in 100",
    "unusual": "further from what is expected than chance makes 998 in 1,000",
}

READING = (
    "A share is of the children whose result is known, by counts as they were released: rounded, or with noise in a "
    "total over authorities. “Could well be” is where it lies 19 times in 20, with rounding or noise and the chance "
    "that so few children bring.",
    f"“{Symbol.CONFIDENTIAL}” is {MEANINGS[Symbol.CONFIDENTIAL]}: of too few children, none perhaps, or a figure by "
    f"which others could be worked out. “{Symbol.UNRELIABLE}” is of so few that the noise leaves nothing to say.",
    "“Chance” sets a share against England's by a funnel: how far that of so many children may lie from it by chance "
    "alone. Figures of so few children make no ranking, and nothing here is one.",
    "Conclusions from such figures are tentative. What is true of a group says nothing of one child in it.",
)


def write_report(
    report: Report, place: Place, year: int, shelf: Shelf, beside: tuple[Place, ...] = ()
) -> WrittenReport:
    """Write a report of a place and an academic year from what has been released.

    It stands before the places `beside` it, or before its region and England.
    """
    keeping = _Keeping(shelf, (place, *beside) if beside else tuple(places_beside(place)))
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
    """A shelf that keeps what was taken from it, each once, in order; and the places that are set beside each other."""

    def __init__(self, shelf: Shelf, places: tuple[Place, ...]) -> None:
        self.shelf, self.places, self._found = shelf, places, dict[tuple[object, ...], Figures]()

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
            found = [[keeping.find(each, (), beside) for beside in keeping.places] for each in measures]
            table = set_beside(section.title, found)
        case "split":
            found = [[keeping.find(each, factors, beside) for beside in keeping.places] for each in measures]
            table = split(measures[0], factors, found[0])
        case "funnel":
            return _write_funnel(section, measures[0], place, keeping)
        case "told":
            return _tell(section, keeping)
        case "like_for_like":
            return _set_alike(section, measures[0], keeping.shelf.find_expected(measures[0], place))
    missing = tuple(words for row in found for words in _say_missing(row))
    return WrittenSection(section.title, _words(section, measures), (table,) if table.rows else (), missing)


def _tell(section: Section, keeping: _Keeping) -> WrittenSection:
    question = load_measures().find_question(section.question)
    told = tuple(keeping.shelf.find_told(question, place) for place in keeping.places if place.level != "region")
    missing = tuple(f"{question.title}, of {each.place.name}: {each.why_not}" for each in told if each.why_not)
    tables = tuple(write_told(each) for each in told if each.rows)
    sources = tuple(each.source for each in told if each.source)
    notes = (section.note,) if section.note else ()
    return WrittenSection(section.title, notes, tables, missing, sources=sources, told=told)


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


# --- Funnels ---------------------------------------------------------------------------------------------------------


def _write_funnel(section: Section, measure: Measure, place: Place, keeping: _Keeping) -> WrittenSection:
    nation = keeping.find(measure, (), NATION)
    target = target_of(nation)
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
    columns = ("Authority", "Share", "Children", "Chance")
    caption = f"{measure.title}: authorities of {within.name} in the order of their codes"
    return WrittenSection(
        section.title,
        _words(section, [measure]),
        (WrittenTable(caption, columns, rows),) if rows else (),
        tuple(_say_not_shown(measure, within, len(found), len(shown))),
        Funnel(measure.title, target, points) if points else None,
    )


def _say_not_shown(measure: Measure, within: Place, found: int, shown: int) -> Iterator[str]:
    if not found:
        yield f"{measure.title}, authorities of {within.name}: {NOT_RELEASED}"
    elif shown < found:
        yield f"{found - shown} of {found} authorities: withheld, or not in the release"


# --- Like for like ---------------------------------------------------------------------------------------------------

ALIKE = (
    "Expected is what a model of all of England's children in care makes of children with an authority's own needs, "
    "prior attainment and free school meals. A ratio of 1 is as many as expected.",
    "What the model does not take into account is not made alike, and its own uncertainty is in no limit.",
)


def _set_alike(section: Section, measure: Measure, alike: Alike) -> WrittenSection:
    columns = ("Authority", "Observed", "Expected", "Ratio", "Chance alone: 95 in 100", "Children", "Chance")
    rows = tuple(
        (
            f"{each.place.name} ({each.place.code})",
            f"{each.observed_percent}%",
            f"{each.expected_percent}%",
            f"{each.ratio}",
            f"{each.limits[0]} to {each.limits[1]}",
            f"{each.children.printed:,}",
            EXPECTED_BY_CHANCE[each.verdict],
        )
        for each in alike.expected
    )
    caption = f"{measure.title}: observed and expected, in the order of the codes"
    missing = [f"{measure.title}, like for like: {alike.why_not}"] if alike.why_not else []
    if alike.withheld:
        missing.append(
            f"{measure.title}, like for like, of {alike.withheld} authorities: a count that it needs is withheld"
        )
    tables = (WrittenTable(caption, columns, rows),) if rows else ()
    words = (*_words(section, [measure]), *ALIKE)
    unasked = measure.name if alike.why_not else ""
    return WrittenSection(section.title, words, tables, tuple(missing), None, alike.expected, alike.sources, unasked)
