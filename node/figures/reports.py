"""Reports of an authority's own children, for its own people: each figure protected, logged and kept as on its page.

A report asks for nothing that its reader could not ask for figure by figure, and no figure is shown in two ways. Beside
ours stand England and our region as they were released; a school's stand beside ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from federation.reports.declared import Report, find_report, keep_known
from federation.reports.figures import Figures, Told, read_figures
from federation.reports.measures import Factor, Measure, Question
from federation.reports.places import NATION, Place
from federation.reports.shelf import NOT_RELEASED, Alike
from federation.reports.writing import write_report
from federation.reports.written import WrittenReport
from federation.state import StateError
from node.figures.comparing import find_released
from node.figures.declared import load_declared
from node.figures.reading import print_count
from node.figures.scope import ALL_OURS, AUTHORITY, OWN_SCHOOLS, find_scope, request_released
from node.figures.showing import Wish, check_visit, show_figure
from node.people import Person
from node.refusal import Refused
from node.schools import name_school, read_school_names
from node.service import Node
from query_engine.geography import load_authorities

__all__ = ["SCHOOL_REPORT", "list_own_reports", "write_own_report"]

SCHOOL_REPORT = "virtual-school"
"""The one report of a school: figures of schools are not split."""

OWN_REPORTS = ("virtual-school", "practice", "factors")


def list_own_reports() -> tuple[Report, ...]:
    """Return the reports that a node's own figures can fill, with the sections that they do."""
    declared = load_declared()
    measures, factors = [each.name for each in declared.measure], [each.name for each in declared.breakdown]
    return tuple(keep_known(find_report(name), measures, factors) for name in OWN_REPORTS)


def write_own_report(node: Node, person: Person, purpose: str, name: str, year: int, whose: str) -> WrittenReport:
    """Write a report for one of our people.

    Raises `StateError` for a wish that is none, `AccessDenied` and `PurposeMissing`, all before anything is shown.
    """
    known = {each.name: each for each in list_own_reports()}
    if name not in known:
        raise StateError(f"there is no report of that name: choose one of {', '.join(known)}")
    scope = find_scope(person, whose)
    if scope.schools and name != SCHOOL_REPORT:
        raise StateError("figures of schools are not split: choose the annual report, or all of our children")
    check_visit(node, person, purpose, Wish(known[name].section[0].measures[0], "", year, whose))
    own = Place("authority", node.authority)
    place = _name_schools(node, whose, person) if scope.schools else own
    shelf = _OwnShelf(node, person, purpose, year, whose)
    return write_report(known[name], place, year, shelf, tuple(_list_beside(node, person, place)))


def _name_schools(node: Node, whose: str, person: Person) -> Place:
    if whose == OWN_SCHOOLS:
        return Place("school", str(len(person.works_at)))
    named = name_school(read_school_names(node.store.current()), whose)
    return Place("school", whose, "" if named == whose else named)


def _list_beside(node: Node, person: Person, place: Place) -> Sequence[Place]:
    """What the reader may see beside a place: all of our children, our region, England."""
    policy, beside = node.policy(), []
    if place.level == "school" and policy.permits(ALL_OURS.request(person.role)):
        beside.append(Place("authority", node.authority))
    if policy.permits(request_released(person.role)):
        beside += [Place("region", load_authorities()[node.authority].region), NATION]
    return beside


@dataclass(frozen=True)
class _OwnShelf:
    """The figures of a node, as one of its people may see them for a purpose."""

    node: Node
    person: Person
    purpose: str
    year: int
    whose: str

    def find(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
        """Return our own figures, shown and logged; or those of England or our region, as released."""
        if place.level in ("nation", "region"):
            return self._find_beside(measure, factors, place)
        wish = Wish(
            measure.name,
            factors[0].name if factors else "",
            self.year,
            self.whose if place.level == "school" else AUTHORITY,
        )
        try:
            shown = show_figure(self.node, self.person, self.purpose, wish)
        except Refused as refused:
            return Figures(place, measure, factors, why_not=refused.text)
        lines = read_figures(
            measure,
            shown.table.columns,
            enumerate(shown.table.rows),
            lambda _, count: print_count(count, shown.preset),
        )
        source = f"Our own figures, snapshot {shown.snapshot}, preset {shown.preset.name}"
        return Figures(place, measure, factors, lines, source)

    def _find_beside(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
        found = None if factors else find_released(self.node, measure, self.year, place.code)
        if found is None:
            return Figures(place, measure, factors, why_not=NOT_RELEASED)
        return Figures(place, measure, factors, found.read_place(measure, place), found.source, found.release_id)

    def find_told(self, question: Question, place: Place) -> Told:
        """Return nothing: what is told without a share is in the hub's reports."""
        return Told(place, question, why_not="it is in the hub's reports")

    def find_authorities(self, measure: Measure, within: Place) -> tuple[Figures, ...]:
        """Return nothing: no other authority's figures are here."""
        return ()

    def find_expected(self, measure: Measure, within: Place) -> Alike:
        """Return nothing: models are released at the hub."""
        return Alike(why_not="models are in the hub's reports")
