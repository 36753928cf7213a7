"""The School Census of every authority and year, and beside it what others know of the same pupils.

Pupils are drawn one by one and written at once, so that a roll of any length needs little memory. What the schools of
one authority know of another's child in care goes into that other's GIAP and virtual-school files.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from random import Random

from node.synth.arrears import stand_in_before, tell_in_arrears
from node.synth.calibration import number, seeded
from node.synth.collection_year import CollectionYear, Day, collection_year_of, year_group
from node.synth.giap import GiapWriter
from node.synth.plan import Plan
from node.synth.pupils import Learner, Pupil, draw_other_learner, draw_pupil
from node.synth.returns import Cohort
from node.synth.returns_errors import ReturnsSpoiler
from node.synth.school_census import CensusWriter
from node.synth.schooling import pupil_before
from node.synth.schools import PHASES
from node.synth.social_care import SocialCareWriter
from node.synth.virtual_school import VirtualSchoolWriter

_LEAST_OTHER_PUPILS = 20
_SHARE_LEAVING = 0.10  # of other pupils in a year, those whose last year on roll it is: Year 11 and after

Chain = Mapping[int, Pupil]
"""One pupil by academic year, the latest first."""


class Rolls:
    """Writes the rolls of all authorities, one after the other, and then what belongs to more than one."""

    def __init__(self, plan: Plan, cohort: Cohort) -> None:
        self._plan, self._cohort = plan, cohort
        self._giap = GiapWriter(plan.directory, plan.schools, plan.last, plan.seed)
        self._virtual = VirtualSchoolWriter(plan.directory, plan.last, plan.seed)
        self._social = SocialCareWriter(plan.directory, plan.last, plan.seed)
        self._censuses: dict[tuple[str, int], CensusWriter] = {}
        self._elsewhere: dict[tuple[str, int], list[Pupil]] = defaultdict(list)
        self._others: dict[str, int] = {}
        self.spoiled: dict[str, Mapping[str, int]] = {}
        self.pupils: dict[str, int] = {}

    def write_authority(self, code: str) -> None:
        """Write the census of every year of one authority, and the files that go with it."""
        plan = self._plan
        spoiler = ReturnsSpoiler(code, plan.schools[code], plan.last) if plan.asked.returns_errors else None
        with ExitStack() as files:
            censuses = {year.academic_year: files.enter_context(self._census(code, year)) for year in plan.years}
            if plan.asked.full:
                self._giap.begin(code)
                self._virtual.begin(code)
            for known in self._draw_chains(code):
                self._write_pupil(code, known, censuses, spoiler)
        self.pupils[code] = censuses[plan.last.academic_year].pupils
        self.spoiled[code] = dict(spoiler.spoiled) if spoiler else {}
        self._write_off_roll(code)
        self._giap.flush()
        self._virtual.flush()
        if plan.asked.full:
            self._social.write(code)

    def finish(self) -> None:
        """Add to earlier years' rolls the children whom another authority's schools have had since."""
        for (code, academic_year), pupils in sorted(self._elsewhere.items()):
            with self._censuses[code, academic_year] as census:
                for pupil in pupils:
                    census.add(pupil)

    def _census(self, code: str, year: CollectionYear) -> CensusWriter:
        schools = [school for phase in PHASES for school in self._plan.schools[code][phase]]
        census = CensusWriter(self._plan.folder(code, year) / "school-census", schools, year)
        return self._censuses.setdefault((code, year.academic_year), census)

    def _draw_chains(self, code: str) -> Iterator[Chain]:
        """Every pupil whose last school is one of the authority's, with all the years that are written of them."""
        for year in (self._plan.last, *self._plan.earlier):
            back = seeded(self._plan.seed, code, "school before", str(year.academic_year))
            for pupil in self._draw_pupils(code, year):
                yield self._chain(back, pupil, year)

    def _draw_pupils(self, code: str, year: CollectionYear) -> Iterator[Pupil]:
        plan, is_last = self._plan, year == self._plan.last
        chance = seeded(plan.seed, code, "school", *([] if is_last else [str(year.academic_year)]))
        in_care = self._cohort.rolls.pop((year.academic_year, code), [])
        others = self._draw_others(chance, code, year, len(in_care))
        plans = max(0.5, chance.gauss(1, number("sen.in_care.ehc_spread") / number("sen.in_care.ehc_plan")))
        for learner in chain(in_care, others):
            yield draw_pupil(chance, learner, plan.schools[code], plans, year)
        joined = seeded(plan.seed, code, "joined", str(year.academic_year))
        for learner in self._cohort.joined.pop((year.academic_year, code), []):
            yield draw_pupil(joined, learner, plan.schools[code], plans, year)

    def _draw_others(self, chance: Random, code: str, year: CollectionYear, in_care: int) -> Iterable[Learner]:
        """The pupils who are not in care: of an earlier year, those who left school at its end.

        A number to each child in care is drawn at once, in the order of the draws; a share of all pupils one by one,
        from a stream of its own.
        """
        plan, upns = self._plan, self._plan.issuer(year)
        if year != plan.last:
            leaving = round(self._others[code] * _SHARE_LEAVING)
            return [draw_other_learner(chance, code, year, upns, leaving=True) for _ in range(leaving)]
        wanted = plan.other_pupils(code, in_care)
        if wanted is None:
            self._others[code] = max(_LEAST_OTHER_PUPILS, round(in_care * plan.asked.other_pupils_per_child))
            return [draw_other_learner(chance, code, year, upns) for _ in range(self._others[code])]
        self._others[code] = wanted
        own = seeded(plan.seed, code, "others")
        return (draw_other_learner(own, code, year, upns) for _ in range(wanted))

    def _chain(self, chance: Random, pupil: Pupil, year: CollectionYear) -> Chain:
        known = {year.academic_year: pupil}
        for before in self._plan.earlier:
            if before.academic_year < year.academic_year:
                found = pupil_before(chance, pupil, before, self._plan.schools)
                if found is None:
                    break
                known[before.academic_year] = pupil = found
        return known

    def _write_pupil(
        self, code: str, known: Chain, censuses: Mapping[int, CensusWriter], spoiler: ReturnsSpoiler | None
    ) -> None:
        last, written = self._plan.last.academic_year, []
        for year, pupil in known.items():
            told = tell_in_arrears(pupil, self._before(known, year))
            parts = [told]
            if year == last:
                parts = written = spoiler.spoil(told) if spoiler else [told]
            for each in parts:
                for host, part in _by_authority(each):
                    if host == code:
                        censuses[year].add(part)
                    else:
                        self._elsewhere[host, year].append(part)
        if self._plan.asked.full:
            latest = next(iter(known.values()))
            if last in known:
                self._virtual.add(latest)
                self._social.add(code, latest)
                known = {**known, last: _as_returned(latest, written)}
            self._giap.add(known, _owners(code, latest), on_roll=True)

    def _before(self, known: Chain, year: int) -> Pupil | None:
        """The pupil in the year before one; for the first year that is written, somebody to stand in."""
        first = self._plan.years[0]
        return stand_in_before(known[year], first) if year == first.academic_year else known.get(year - 101)

    def _write_off_roll(self, code: str) -> None:
        """Young people of the authority who have left school have results, though they are on no roll."""
        learners = self._cohort.off_roll.pop(code, [])
        if not self._plan.asked.full:
            return
        chance = seeded(self._plan.seed, code, "off roll")
        for year, learner in learners:
            pupil = draw_pupil(chance, learner, self._plan.schools[code], 1.0, year)
            if pupil.stays:
                self._giap.add({year.academic_year: pupil}, _owners(code, pupil), on_roll=False)


def _as_returned(pupil: Pupil, written: Sequence[Pupil]) -> Pupil:
    """The pupil in the department's copy of the census: as they are, in the terms of which anything was written."""
    terms = {term for each in written for term in each.stays}
    return replace(pupil, stays={term: stay for term, stay in pupil.stays.items() if term in terms})


def _by_authority(pupil: Pupil) -> Iterator[tuple[str, Pupil]]:
    """A pupil as each authority's schools had them in a year: nearly always, there is one."""
    authorities = {stay.school.authority for stay in pupil.stays.values()}
    for code in sorted(authorities):
        stays = {term: stay for term, stay in pupil.stays.items() if stay.school.authority == code}
        yield code, pupil if len(authorities) == 1 else replace(pupil, stays=stays)


def _owners(code: str, pupil: Pupil) -> list[str]:
    """Whose files a pupil is in: the authority of the school, and every one that looked after them at school age."""
    born, care = pupil.learner.born, pupil.learner.care
    carers = [each.authority for each in care.carers if _was_of_school_age(born, each.end)] if care else []
    return list(dict.fromkeys((code, *carers)))


def _was_of_school_age(born: Day, then: Day | None) -> bool:
    """Whether the last return on a child, of the year of a day, gives a number: it does of everyone of school age."""
    return then is None or year_group(born, collection_year_of(then)) >= 0
