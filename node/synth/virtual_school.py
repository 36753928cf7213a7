"""What a virtual school keeps of the children in care itself, as two made-up systems export it.

No supplier publishes the layout of its exports, so the headings below are ours: four tables of an "ePEP-like" system,
one of a "daily-attendance-like" one, and one of a leaving care team (leaver_outcomes.py). README says what they mean.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from random import Random

from node.synth.calibration import draw, happens, number, seeded
from node.synth.care_history import CareHistory, Carer
from node.synth.collection_year import CollectionYear, Day, Term, day
from node.synth.files import Batches
from node.synth.pupils import Pupil, Stay

FOLDER = "virtual-school"

README = """\
pep.csv                   one personal education plan meeting a term: quality is Green, Amber or Red; a plan without a
                          completed date was never finished. SDQ strategies: Yes or No. Dates dd/mm/yyyy.
attendance_daily.csv      two marks (AM, PM) for each school day of the second half of the autumn term, in the codes of
                          the School Census. Dates yyyy-mm-dd.
targets.csv               one target a term in English and in maths: the grade aimed at, the one expected from the
                          starting point, and whether that is Below, Expected or Above.
support.csv               what pupil premium plus paid for: kind, dates, pounds, and the subject it was meant for.
admissions.csv            each change of school in the year: when the place was asked for, when the child was on roll.
care_leaver_outcomes.csv  young people of 18 to 25 who left care: what they do, and the levels they have reached.
Every row has the pupil's UPN and the authority's own reference (the CHILD of its return); the last table has only that.
"""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "pep": (
        *("Pupil UPN", "Child Reference", "PEP Term", "Meeting Date", "PEP Completed", "Quality Rating"),
        "SDQ Strategies",
    ),
    "attendance_daily": ("UPN", "Child Ref", "Attendance Date", "Session", "Mark"),
    "targets": (
        *("Pupil UPN", "Child Reference", "PEP Term", "Subject", "Target Grade", "Expected Grade", "Ambition"),
    ),
    "support": (
        *("Pupil UPN", "Child Reference", "Intervention", "Start Date", "End Date", "Cost (GBP)", "Target Subject"),
    ),
    "admissions": ("Pupil UPN", "Child Reference", "Place Requested", "On Roll", "School URN"),
}
"""The headings of each table that is written pupil by pupil; the key is the file's name."""

_FIRST_OF_HALF_TERM = (11, 4)  # after the October holiday, month and day
_WEEKEND = (6, 0)  # ordinals modulo 7
_KINDS = ("One-to-one tuition", "Mentoring", "Therapeutic support", "Small group tuition", "Laptop or equipment")
_SUBJECTS = ("English", "Maths")
_PRESENT = {"AM": "/", "PM": "\\"}


class VirtualSchoolWriter:
    """Collects the files of all virtual schools, pupil by pupil."""

    def __init__(self, directory: Path, year: CollectionYear, seed: int) -> None:
        self._batches = Batches(directory, FOLDER, COLUMNS)
        self._year, self._seed = year, seed

    def begin(self, authority: str) -> None:
        """Have every file of an authority written, even one without a row."""
        self._batches.begin(authority)

    def add(self, pupil: Pupil) -> None:
        """Add a pupil to the files of whoever looked after them at the census of each term."""
        care = pupil.learner.care
        if care is None or pupil.learner.risk is None:
            return
        chance = seeded(self._seed, pupil.learner.upn, "virtual school")
        before = self._year.age_day
        for term in self._year.terms:
            carer = _carer_on(care, min(term.census, self._year.end))
            stay = pupil.stays.get(term.name)
            if carer is not None and stay is not None:
                for table, row in _term_rows(chance, pupil, term, before, self._year):
                    self._batches.add(carer.authority, table, [pupil.learner.upn, carer.child_id, *row])
            before = term.census

    def flush(self) -> None:
        """Write what is collected."""
        self._batches.flush()


def _carer_on(care: CareHistory, then: Day) -> Carer | None:
    return next((each for each in care.carers if each.start <= then and (each.end is None or then < each.end)), None)


def _term_rows(
    chance: Random, pupil: Pupil, term: Term, before: Day, year: CollectionYear
) -> Iterator[tuple[str, list[str]]]:
    """The rows of one term, less the two identifiers that each begins with; `before` is the census day before it."""
    stay = pupil.stays[term.name]
    label = f"{year.academic_year}-{term.name}"
    yield "pep", [label, *_plan(chance, term)]
    for subject in _SUBJECTS:
        yield "targets", [label, subject, *_target(chance, pupil)]
    if happens(chance, "pep.supported"):
        yield "support", _support(chance, term)
    if before < stay.entry <= term.last:
        waited = 1 + int(chance.expovariate(1 / number("pep.days_waiting")))
        yield "admissions", [_slashed(stay.entry - waited), _slashed(stay.entry), str(stay.school.urn)]
    if term.name == "autumn":
        for row in _marks(chance, term, stay):
            yield "attendance_daily", row


def _plan(chance: Random, term: Term) -> list[str]:
    held = chance.randint(term.first + 5, term.last - 5)
    on_time = happens(chance, "pep.completed")
    completed = _slashed(min(term.last, held + chance.randint(0, 14))) if on_time else ""
    strategies = "Yes" if happens(chance, "pep.strategies") else "No"
    return [_slashed(held), completed, draw(chance, "pep.quality") if on_time else "Red", strategies]


def _target(chance: Random, pupil: Pupil) -> list[str]:
    """A grade aimed at and one expected, as GCSE grades from Year 9 and as standards before."""
    ambition = draw(chance, "pep.ambition")
    further = {"Below": -1, "Expected": 0, "Above": 1}[ambition]
    if pupil.learner.group >= 9:
        expected = chance.choice((2, 3, 3, 4, 4, 5))
        return [str(expected + further), str(expected), ambition]
    scale = ("WTS", "WTS", "EXS", "GDS")
    at = chance.choice((1, 1, 2))
    return [scale[at + further], scale[at], ambition]


def _support(chance: Random, term: Term) -> list[str]:
    start = chance.randint(term.first, term.last - 30)
    cost = 10 * chance.randint(10, 90)
    return [chance.choice(_KINDS), _slashed(start), _slashed(term.last), f"{cost}.00", chance.choice(_SUBJECTS)]


def _marks(chance: Random, term: Term, stay: Stay) -> Iterator[list[str]]:
    """The half-days of the second half of a term, whole days of them missed: the share that the next census says."""
    missed = sum(count for _, count in stay.record.missed)
    share = missed / stay.record.possible if stay.record.possible else 0.0
    codes = [code for code, _ in stay.record.missed]
    counts = [count for _, count in stay.record.missed]
    first = day(term.calendar_year, *_FIRST_OF_HALF_TERM)
    days = [then for then in range(first, term.last + 1) if then % 7 not in _WEEKEND]
    away = set(chance.sample(days, round(min(1.0, share) * len(days))))
    for then in days:
        code = chance.choices(codes, counts)[0] if then in away else None
        printed = date.fromordinal(then).isoformat()
        for session, present in _PRESENT.items():
            yield [printed, session, code or present]


def _slashed(then: Day) -> str:
    return date.fromordinal(then).strftime("%d/%m/%Y")
