"""Pupils on roll: children in care wherever they are placed, and others of the same schools beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from node.synth.attendance import Risk, TermRecord, draw_attendance
from node.synth.calibration import draw, happens, number, seeded
from node.synth.care_history import CareHistory
from node.synth.children import Child
from node.synth.collection_year import CollectionYear, Day, Term, day, year_group
from node.synth.names import load_names
from node.synth.schools import School, UpnIssuer

LAST_PRIMARY, _FIRST_SECONDARY, _LAST_COMPULSORY = 6, 7, 11
_MOST_YEARS = 10  # at one school: special schools take few pupils from Reception on
_MOVED_BEFORE = 0.2  # of pupils joined their school later than its first year: assumed


@dataclass(frozen=True, slots=True)
class Learner:
    """Someone to be schooled. `risk` is None unless in care; `arrived` is None unless from abroad."""

    upn: str
    male: bool
    born: Day
    ethnicity: str
    group: int
    risk: Risk | None = None
    arrived: Day | None = None
    care: CareHistory | None = None
    """The child's care, also for a year in which it had not begun (then `risk` is None)."""

    def is_in_england(self, then: Day) -> bool:
        """Whether they had come to England by a day, and had neither died nor moved abroad before it."""
        return (self.arrived is None or self.arrived <= then) and not (self.care and self.care.gone_by(then))

    @property
    def population(self) -> str:
        """Which figures of the calibration apply: `in_care` or `pupils`."""
        return "in_care" if self.risk else "pupils"

    @property
    def background(self) -> str:
        """Which figures of attainment apply: those of children who were ever in care, or those of other pupils."""
        return "in_care" if self.care else "pupils"


@dataclass(frozen=True, slots=True)
class Stay:
    """A pupil's place in a school in one term."""

    school: School
    entry: Day
    record: TermRecord


@dataclass(frozen=True, slots=True)
class Pupil:
    """A pupil on roll, with a stay for each term of the year that they are on roll in."""

    learner: Learner
    surname: str
    forename: str
    language: str
    sen: str
    """N none, K support, E education, health and care plan."""
    needs: tuple[str, ...]
    """Types of special need by rank; empty without SEN."""
    in_unit: bool
    meals_since: Day | None
    """The day free school meals began."""
    formerly_in_care: str
    """PLAA: N, or how a child left care."""
    stays: Mapping[str, Stay]
    phase: str
    """The kind of school, as in schools.py."""
    meals_until: Day | None = None


def learner_in_care(child: Child, history: CareHistory, year: CollectionYear) -> Learner:
    """A child of an authority's return as the pupil their school sees."""
    person = child.care.person
    return Learner(
        child.upn,
        person.male,
        person.born,
        person.ethnicity,
        year_group(person.born, year),
        risk_in(history, year),
        child.care.period.start if person.uasc else None,
        history,
    )


def risk_in(history: CareHistory, year: CollectionYear) -> Risk | None:
    """What a year's attendance depends on for a child in care in it; None for a year without care."""
    if not history.in_year(year):
        return None
    return Risk(history.moves_between(year.start, year.end), history.sdq, _local_factor(history.carers[-1].authority))


@cache
def _local_factor(authority: str) -> float:
    """What attendance and school moves of an authority's children are multiplied by: the same whatever the seed."""
    return max(0.3, seeded(0, authority, "attendance").gauss(1, number("absence.local_spread")))


def draw_other_learner(
    chance: Random, authority: str, year: CollectionYear, upns: UpnIssuer, *, leaving: bool = False
) -> Learner:
    """A pupil who is not in care, of a school of `authority`; `leaving` for one in their last year there."""
    after_16 = happens(chance, "on_roll.other_pupils_after_16")
    group = chance.randint(12, 13) if after_16 else chance.randint(0, _LAST_COMPULSORY)
    if leaving:
        group = max(group, _LAST_COMPULSORY)
    born = day(year.academic_year // 100 - group - 4, 8, 31) - chance.randrange(365)
    upn = upns.issue_at_reception(chance, authority, group, year)
    return Learner(upn, chance.random() < 0.51, born, draw(chance, "ethnicity.pupils"), group)


def draw_pupil(
    chance: Random, learner: Learner, schools: Mapping[str, Sequence[School]], ehc_plans: float, year: CollectionYear
) -> Pupil:
    """Put a learner on roll; `ehc_plans` is the authority's own factor on the share with a plan."""
    population = learner.population
    sen = _draw_sen(chance, population, ehc_plans)
    phase = _draw_phase(chance, learner, sen)
    names = load_names()
    stays = _draw_stays(chance, learner, phase, schools[phase], year)
    meals = _draw_meals(chance, learner, year) if happens(chance, f"free_meals.{population}") else None
    return Pupil(
        learner,
        chance.choice(names["surnames"]),
        chance.choice(names["forenames"]),
        _draw_language(chance, learner),
        sen,
        _draw_needs(chance, population) if sen != "N" else (),
        sen == "E" and phase in {"primary", "secondary"} and chance.random() < 0.2,
        meals,
        "N" if learner.risk else draw(chance, "previously_looked_after"),
        stays,
        phase,
    )


def _draw_meals(chance: Random, learner: Learner, year: CollectionYear) -> Day:
    """The day free school meals began: for a child in care, anew with care, as they rested on the parents' benefits."""
    since = year.age_day - chance.randrange(900)
    return max(since, learner.care.carers[-1].start) if learner.care else since


def _draw_sen(chance: Random, population: str, ehc_plans: float) -> str:
    drawn, plan = chance.random(), ehc_plans * number(f"sen.{population}.ehc_plan")
    if drawn < plan:
        return "E"
    return "K" if drawn < plan + number(f"sen.{population}.sen_support") else "N"


def _draw_needs(chance: Random, population: str) -> tuple[str, ...]:
    table = "sen_need" if population == "in_care" else "sen_need.pupils"
    primary = draw(chance, table)
    secondary = draw(chance, table) if chance.random() < 0.25 else primary
    return (primary,) if secondary == primary else (primary, secondary)


def _draw_phase(chance: Random, learner: Learner, sen: str) -> str:
    if sen == "E" and happens(chance, f"sen.{learner.population}.in_special_school"):
        return "special"
    if learner.group <= LAST_PRIMARY:
        return "primary"
    excluded = learner.group <= _LAST_COMPULSORY and happens(chance, f"alternative_provision.{learner.population}")
    return "alternative" if excluded else "secondary"


def _draw_language(chance: Random, learner: Learner) -> str:
    additional = "uasc" if learner.arrived is not None else learner.population
    return draw(chance, "language") if happens(chance, f"english_additional.{additional}") else "ENG"


def _draw_stays(
    chance: Random, learner: Learner, phase: str, schools: Sequence[School], year: CollectionYear
) -> Mapping[str, Stay]:
    """The school of each term: the same all year unless the pupil moves between two census days."""
    terms = [term for term in year.terms if learner.is_in_england(term.census)]
    records = draw_attendance(chance, terms, phase, learner.risk)
    school, entry = chance.choice(schools), draw_entry(chance, learner, phase, year)
    moves_before = _draw_move(chance, learner, terms) if len(schools) > 1 else None
    stays = {}
    for previous, term, record in zip([None, *terms], terms, records, strict=False):
        if previous is not None and term == moves_before:
            school = chance.choice([other for other in schools if other != school])
            entry = chance.randint(previous.census + 1, term.census)
        stays[term.name] = Stay(school, entry, record)
    return stays


def _draw_move(chance: Random, learner: Learner, terms: Sequence[Term]) -> Term | None:
    """The term before which a pupil changes school; planted to follow placement moves."""
    moves = ("no_moves", "one_move", "more_moves")[min(learner.risk.moves, 2)] if learner.risk else "pupils"
    share = number(f"school_move.{moves}") * (learner.risk.local if learner.risk else 1.0)
    return chance.choice(terms[1:]) if len(terms) > 1 and chance.random() < share else None


def draw_entry(chance: Random, learner: Learner, phase: str, year: CollectionYear) -> Day:
    """The day a pupil joined their school: in September of its first year, at times later, never before arriving."""
    first_group = _FIRST_SECONDARY if phase in {"secondary", "alternative"} else 0
    years_here = min(_MOST_YEARS, max(0, learner.group - first_group))
    entry = day(year.academic_year // 100 - years_here, 9, 4)
    if years_here and chance.random() < _MOVED_BEFORE:
        entry = chance.randrange(entry, year.age_day)
    return entry if learner.arrived is None else max(entry, learner.arrived)
