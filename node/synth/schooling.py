"""A pupil's school years before the last one, read backwards from it.

Where the day of entry says that a pupil was at the same school already, they were. Otherwise they were at another one,
in the authority where they lived then: that of the placement for a child in care, home before care began.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from node.synth.attendance import TermRecord, draw_attendance
from node.synth.collection_year import CollectionYear, Day, Term, year_group
from node.synth.pupils import LAST_PRIMARY, Learner, Pupil, Stay, draw_entry, risk_in
from node.synth.schools import School

Schools = Mapping[str, Mapping[str, Sequence[School]]]

_NEW_PLAN, _NEW_SUPPORT = 0.10, 0.15  # of pupils with a plan or support, those without it a year before: assumed
_LESS_BEFORE = {"E": ("K", _NEW_PLAN), "K": ("N", _NEW_SUPPORT)}


def pupil_before(chance: Random, pupil: Pupil, year: CollectionYear, schools: Schools) -> Pupil | None:
    """The pupil in `year`, the school year before that of `pupil`; None while too young or not yet in England."""
    learner = _learner_before(pupil.learner, year)
    terms = [term for term in year.terms if learner.is_in_england(term.census)]
    if learner.group < 0 or not terms:
        return None
    first = next(iter(pupil.stays.values()))
    phase = _phase_before(pupil, learner, stayed=first.entry <= terms[0].census)
    records = draw_attendance(chance, terms, phase, learner.risk)
    before = _school_before(chance, pupil, learner, phase, year, schools)
    entry = draw_entry(chance, learner, phase, year)
    stays = {
        term.name: _stay(term, record, first, before, min(entry, term.census))
        for term, record in zip(terms, records, strict=True)
    }
    sen = _sen_before(chance, pupil, phase)
    needs = pupil.needs if sen != "N" else ()
    unit = pupil.in_unit and sen == "E"
    since = pupil.meals_since
    meals = since if since is not None and since <= terms[-1].census else None
    return replace(
        pupil, learner=learner, sen=sen, needs=needs, in_unit=unit, meals_since=meals, stays=stays, phase=phase
    )


def _learner_before(learner: Learner, year: CollectionYear) -> Learner:
    risk = risk_in(learner.care, year) if learner.care else None
    return replace(learner, group=year_group(learner.born, year), risk=risk)


def _phase_before(pupil: Pupil, learner: Learner, *, stayed: bool) -> str:
    """That of the present school if they were there; special schools take their pupils from others of the kind."""
    if stayed or pupil.phase == "special":
        return pupil.phase
    return "primary" if learner.group <= LAST_PRIMARY else "secondary"


def _school_before(
    chance: Random, pupil: Pupil, learner: Learner, phase: str, year: CollectionYear, schools: Schools
) -> School:
    """Another school than the pupil's present one, where they lived then; the only one if there is no other."""
    present = next(iter(pupil.stays.values())).school
    lived = learner.care.authority_on(year.end) if learner.care else present.authority
    others = [school for school in schools[lived][phase] if school != present]
    return chance.choice(others or list(schools[lived][phase]))


def _stay(term: Term, record: TermRecord, present: Stay, before: School, entry: Day) -> Stay:
    """The present school from the day of entry on, the one before until then."""
    if present.entry <= term.census:
        return Stay(present.school, present.entry, record)
    return Stay(before, entry, record)


def _sen_before(chance: Random, pupil: Pupil, phase: str) -> str:
    less = _LESS_BEFORE.get(pupil.sen)
    drawn = chance.random()
    return less[0] if less and phase != "special" and drawn < less[1] else pupil.sen
