"""Mistakes of schools in what they return of children in care, put into the last year's census in known numbers.

Each kind is put into the rows of `EACH` children (fewer where too few are on roll), and no child has two. They are
children of the authority itself, on its own rolls, so that it can see each mistake in the files it holds. GIAP files
and the SSDA903 return stay right: they are what the authority knows. Only who is missing from a roll is missing from
the department's copy of it too.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from node.synth.attendance import TermRecord
from node.synth.collection_year import CollectionYear, day
from node.synth.pupils import Pupil
from node.synth.schools import School
from node.upn import upn_check_letter

EACH = 3

Founded = Mapping[str, Sequence[School]]
Spoil = Callable[[Pupil, CollectionYear, Founded], list[Pupil]]

_LAST_TERM = "summer"
_LAST_COMPULSORY = 11
_NO_SCHOOL = "9"  # no authority's school has an establishment number that begins so


@dataclass(frozen=True)
class ReturnsError:
    """A kind of mistake: whom it can befall, and who is on roll afterwards in the place of that pupil."""

    name: str
    can_spoil: Callable[[Pupil], bool]
    spoil: Spoil


def _anyone(_: Pupil) -> bool:
    return True


def _moved(pupil: Pupil) -> bool:
    """Whether the pupil was at one school and is at another in the last term."""
    stays = pupil.stays
    return "autumn" in stays and _LAST_TERM in stays and stays["autumn"].school != stays[_LAST_TERM].school


def _moved_in_care(pupil: Pupil) -> bool:
    """Whether the virtual school had to find the school that the pupil moved to."""
    care = pupil.learner.care
    return _moved(pupil) and care is not None and care.start < pupil.stays[_LAST_TERM].entry


def _suspended(pupil: Pupil) -> bool:
    return any(stay.record.suspensions for stay in pupil.stays.values())


def _all_year(pupil: Pupil) -> bool:
    return len(pupil.stays) == 3 and not _moved(pupil)


def _all_year_of_school_age(pupil: Pupil) -> bool:
    """Whether someone has to ask where the pupil is, should they be on no roll."""
    return _all_year(pupil) and 1 <= pupil.learner.group <= _LAST_COMPULSORY


def _all_year_in_care(pupil: Pupil) -> bool:
    """Whether the virtual school has a daily record of the term that the spring census tells of."""
    care = pupil.learner.care
    return _all_year(pupil) and care is not None and care.start <= pupil.stays["autumn"].entry


def _wrong_birth(pupil: Pupil, _: CollectionYear, __: Founded) -> list[Pupil]:
    return [replace(pupil, learner=replace(pupil.learner, born=pupil.learner.born + 1))]


def _wrong_upn(pupil: Pupil, _: CollectionYear, __: Founded) -> list[Pupil]:
    """One figure of the serial is another: the check letter no longer fits."""
    upn = pupil.learner.upn
    wrong = f"{upn[:11]}{(int(upn[11]) + 1) % 10}{upn[12:]}"
    return [replace(pupil, learner=replace(pupil.learner, upn=wrong))]


def _recorded_twice(pupil: Pupil, _: CollectionYear, __: Founded) -> list[Pupil]:
    """A second record at the same school, under the number of a pupil who never was."""
    upn = pupil.learner.upn
    body = f"{upn[1:4]}{_NO_SCHOOL}{upn[5:]}"
    return [pupil, replace(pupil, learner=replace(pupil.learner, upn=upn_check_letter(body) + body))]


def _not_on_roll(pupil: Pupil, _: CollectionYear, __: Founded) -> list[Pupil]:
    return [replace(pupil, stays={term: stay for term, stay in pupil.stays.items() if term != _LAST_TERM})]


def _on_two_rolls(pupil: Pupil, _: CollectionYear, founded: Founded) -> list[Pupil]:
    stay = pupil.stays[_LAST_TERM]
    other = next(school for school in chain(founded[pupil.phase], *founded.values()) if school != stay.school)
    return [pupil, replace(pupil, stays={_LAST_TERM: replace(stay, school=other)})]


def _wrong_group(pupil: Pupil, _: CollectionYear, __: Founded) -> list[Pupil]:
    wrong = pupil.learner.group + (2 if pupil.learner.group < 10 else -2)
    return [replace(pupil, learner=replace(pupil.learner, group=wrong))]


def _other_provision(pupil: Pupil, _: CollectionYear, __: Founded) -> list[Pupil]:
    return [replace(pupil, sen="N", needs=(), in_unit=False) if pupil.sen == "E" else replace(pupil, sen="E")]


def _too_many_missed(pupil: Pupil, _: CollectionYear, __: Founded) -> list[Pupil]:
    return [_with_record(pupil, lambda record: replace(record, missed=(("I", record.possible + 12),)))]


def _suspended_in_august(pupil: Pupil, year: CollectionYear, __: Founded) -> list[Pupil]:
    return [_with_suspensions(pupil, year.terms[0].first - 15)]


def _entered_later(pupil: Pupil, year: CollectionYear, __: Founded) -> list[Pupil]:
    entry = year.terms[-1].census + 20
    return [replace(pupil, stays={term: replace(stay, entry=entry) for term, stay in pupil.stays.items()})]


def _entered_in_another_century(pupil: Pupil, year: CollectionYear, __: Founded) -> list[Pupil]:
    """The year of entry typed as 1924 for 2024: no school was open yet."""
    entry = day(year.academic_year // 100 - 100, 9, 4)
    return [replace(pupil, stays={term: replace(stay, entry=entry) for term, stay in pupil.stays.items()})]


def _still_at_the_old(pupil: Pupil, year: CollectionYear, __: Founded) -> list[Pupil]:
    """The last census tells of the term before, in which the old school says that nothing was missed."""
    stay = replace(pupil.stays["autumn"], record=TermRecord(year.terms[1].sessions, (), ()))
    return [pupil, replace(pupil, stays={_LAST_TERM: stay})]


def _meals_reversed(pupil: Pupil, _: CollectionYear, __: Founded) -> list[Pupil]:
    return [replace(pupil, meals_until=pupil.meals_since - 90)] if pupil.meals_since else [pupil]


def _formerly_in_care(pupil: Pupil, _: CollectionYear, __: Founded) -> list[Pupil]:
    return [replace(pupil, formerly_in_care="A")]


def _with_record(pupil: Pupil, change: Callable[[TermRecord], TermRecord]) -> Pupil:
    stays = {term: replace(stay, record=change(stay.record)) for term, stay in pupil.stays.items()}
    return replace(pupil, stays=stays)


def _with_suspensions(pupil: Pupil, start: int) -> Pupil:
    def moved(record: TermRecord) -> TermRecord:
        return replace(record, suspensions=tuple(replace(each, start=start) for each in record.suspensions))

    return _with_record(pupil, moved)


KINDS: tuple[ReturnsError, ...] = (
    ReturnsError("leaver_still_on_roll", _moved_in_care, _still_at_the_old),
    ReturnsError("exclusion_outside_term", _suspended, _suspended_in_august),
    ReturnsError("meals_period_reversed", lambda pupil: pupil.meals_since is not None, _meals_reversed),
    ReturnsError("provision_differs", lambda pupil: pupil.sen in {"E", "K"}, _other_provision),
    ReturnsError("wrong_birth_date", _anyone, _wrong_birth),
    ReturnsError("wrong_upn", _anyone, _wrong_upn),
    ReturnsError("missing_from_roll", _all_year_of_school_age, _not_on_roll),
    ReturnsError("on_two_rolls", _all_year, _on_two_rolls),
    ReturnsError("recorded_twice", _anyone, _recorded_twice),
    ReturnsError("wrong_year_group", lambda pupil: pupil.learner.group >= 1, _wrong_group),
    ReturnsError("attendance_impossible", _all_year_in_care, _too_many_missed),
    ReturnsError("entry_after_census", _anyone, _entered_later),
    ReturnsError("entry_before_school_opened", _anyone, _entered_in_another_century),
    ReturnsError("previously_looked_after_in_care", _anyone, _formerly_in_care),
)
"""Every kind of mistake, the rarest chances first; each is counted by its name in the summary."""


class ReturnsSpoiler:
    """Goes through a roll and spoils the first children it can."""

    def __init__(self, authority: str, founded: Founded, year: CollectionYear) -> None:
        self._authority, self._founded, self._year = authority, founded, year
        self.spoiled: Counter[str] = Counter({kind.name: 0 for kind in KINDS})

    def spoil(self, pupil: Pupil) -> list[Pupil]:
        """Who is written in the place of a pupil: themself, unless it is their turn to have a mistake."""
        care = pupil.learner.care
        own = care is not None and care.carers[-1].authority == self._authority
        if not own or care is None or not care.looked_after_on(self._year.end):
            return [pupil]
        for kind in KINDS:
            if self.spoiled[kind.name] < EACH and kind.can_spoil(pupil):
                self.spoiled[kind.name] += 1
                return kind.spoil(pupil, self._year, self._founded)
        return [pupil]
