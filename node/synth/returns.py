"""The SSDA903 returns of every authority and year, and who is to be found on whose school rolls because of them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from random import Random

from node.synth.calibration import seeded
from node.synth.care_history import remember_care
from node.synth.children import NEVER_IN_ENGLISH_SCHOOL, UNDER_SCHOOL_AGE, Child, draw_children
from node.synth.collection_year import CollectionYear, year_group
from node.synth.dirt import spoil_return
from node.synth.former_children import draw_former_children
from node.synth.histories import child_in
from node.synth.leaver_outcomes import write_leaver_outcomes
from node.synth.leavers import Leaver, came_of_age_in, draw_leavers, draw_older_leavers, leaver_in
from node.synth.plan import Plan
from node.synth.postcodes import Place
from node.synth.pupils import Learner, learner_in_care
from node.synth.return_xml import write_return_xml
from node.synth.ssda903 import Tables, Told, append_return, build_return, write_return
from node.synth.transfers import FIRST_RECEIVED_ID, RECEIVED_A_YEAR, receive

_Received = dict[tuple[str, int], list[Child]]
"""Children taken over, by the authority that took them and the academic year in which it did."""

_LAST_COMPULSORY = 11


@dataclass
class Returned:
    """What the returns of an authority's last year held, in counts."""

    at_31_march: int = 0
    children: int = 0
    stayed: int = 0
    episodes: int = 0
    leavers: int = 0
    taken_over: int = 0
    dirt: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Cohort:
    """What remains of all children once every return is written.

    `rolls` has the learners by the last year they are on roll in and the authority of that school; `joined` those of
    them whom an authority took over from another in an earlier year; `off_roll`, by home,
    those who have left school, with the last year they are in care in. `hosted` counts children by where they are
    placed, if that is not home.
    """

    returned: dict[str, Returned] = field(default_factory=lambda: defaultdict(Returned))
    rolls: dict[tuple[int, str], list[Learner]] = field(default_factory=lambda: defaultdict(list))
    joined: dict[tuple[int, str], list[Learner]] = field(default_factory=lambda: defaultdict(list))
    off_roll: dict[str, list[tuple[CollectionYear, Learner]]] = field(default_factory=lambda: defaultdict(list))
    hosted: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def write_returns(plan: Plan, tell: Callable[[str], None]) -> Cohort:
    """Write every return of every year: first each authority's own children, then those received from others."""
    cohort = Cohort()
    received: _Received = defaultdict(list)
    for code in plan.borders:
        own = _OwnChildren.draw(plan, code)
        passed = _pass_on(plan, code, own, received)
        _write_own(plan, code, own, cohort)
        for year, child in own.everyone():
            _enrol(plan, code, year, child, passed.get(child.child_id), cohort)
        tell(f"{code}: {cohort.returned[code].children} children in the return")
    for code in plan.borders:
        latest_first = [received.pop((code, year.academic_year), []) for year in (plan.last, *plan.earlier)]
        _append_received(plan, code, list(chain.from_iterable(latest_first)), cohort)
        if plan.asked.xml:
            for year in plan.years:
                write_return_xml(plan.folder(code, year))
    return cohort


@dataclass(frozen=True)
class _OwnChildren:
    """Everyone an authority drew for itself: children by the last year they are in care in, and care leavers."""

    children: tuple[tuple[CollectionYear, Sequence[Child]], ...]
    """The last year's first, then back in time."""
    leavers: tuple[tuple[CollectionYear, Sequence[Leaver]], ...]

    @classmethod
    def draw(cls, plan: Plan, code: str) -> "_OwnChildren":
        """The last year's as if it were the only one; then, for each year before it, those that it saw the last of."""
        size, borders, seed = plan.sizes[code], plan.borders[code], plan.seed
        children = [(plan.last, list(draw_children(code, size, plan.last, borders, plan.upns, seed)))]
        leavers = [(plan.last, list(draw_leavers(code, size, plan.last, plan.upns, seed)))]
        for back, year in enumerate(plan.earlier, start=1):
            known = came_of_age_in((leaver for _, later in leavers for leaver in later), year)
            upns = plan.earlier_upns
            drawn = draw_former_children(code, size, year, back, borders, upns, seed, known)
            children.append((year, list(drawn)))
            leavers.append((year, list(draw_older_leavers(code, size, year, back, upns, seed))))
        return cls(tuple(children), tuple(leavers))

    def everyone(self) -> Iterator[tuple[CollectionYear, Child]]:
        """Every child with the last year they are in care in."""
        for year, children in self.children:
            for child in children:
                yield year, child

    def seen_in(self, year: CollectionYear) -> Iterator[tuple[CollectionYear, Child]]:
        """Those whose last year is `year` or later, the return's own year first."""
        return ((last, child) for last, child in self.everyone() if last.academic_year >= year.academic_year)

    def leavers_in(self, chance: Random, year: CollectionYear, in_care: set[str]) -> Iterator[Leaver]:
        """The care leavers a return asks about: none who was still `in_care` in its year or a later one."""
        for last, leavers in self.leavers:
            if last.academic_year >= year.academic_year:
                for leaver in leavers:
                    seen = leaver if last == year else leaver_in(chance, leaver, year)
                    if seen is not None and leaver.child_id not in in_care:
                        yield seen


def _write_own(plan: Plan, code: str, own: _OwnChildren, cohort: Cohort) -> None:
    """Write the returns of all years of an authority's own children, and count the last one."""
    told = Told()
    for year in (plan.last, *plan.earlier):
        chance = seeded(plan.seed, code, "views", str(year.academic_year))
        views = [child if last == year else child_in(chance, child, year) for last, child in own.seen_in(year)]
        children = [child for child in views if child is not None]
        leavers = list(own.leavers_in(chance, year, {child.child_id for _, child in own.seen_in(year)}))
        tables = build_return(_stream(plan, code, year), code, children, leavers, year, told)
        if year == plan.last:
            dirt = spoil_return(tables, code, plan.seed) if plan.asked.dirty else {}
            _count(cohort, code, children, tables)
            cohort.returned[code].leavers, cohort.returned[code].dirt = len(leavers), dirt
            if plan.asked.full:
                write_leaver_outcomes(plan, code, leavers)
        write_return(plan.folder(code, year) / "ssda903", tables, year)


def _stream(plan: Plan, code: str, year: CollectionYear) -> Random:
    return seeded(plan.seed, code, "return", *([] if year == plan.last else [str(year.academic_year)]))


def _count(cohort: Cohort, code: str, children: Sequence[Child], tables: Tables) -> None:
    counts = cohort.returned[code]
    counts.episodes += len(tables["episodes"])
    for child in children:
        period, host = child.care.period, child.care.host
        counts.children += 1
        counts.at_31_march += period.end is None and not period.short_breaks
        counts.stayed += host == code
        cohort.hosted[host] += host != code


def _pass_on(plan: Plan, code: str, own: _OwnChildren, received: _Received) -> Mapping[str, tuple[str, Child]]:
    """Have other authorities take over the children whose care ends so; by the identifier they had until then."""
    hosts = plan.borders[code].hosts
    if hosts is None:
        return {}
    chance = seeded(plan.seed, code, "transfers")
    passed = {}
    for year, child in own.everyone():
        place = _receiver(plan, code, child, hosts.draw(chance))
        others = received[place.code, year.academic_year]
        first = FIRST_RECEIVED_ID + RECEIVED_A_YEAR * (plan.last.academic_year - year.academic_year) // 101
        taken = receive(chance, child, str(first + len(others)), place, plan.last)
        if taken is not None:
            taken = _at_school_age(chance, plan, place.code, taken)
            others.append(taken)
            passed[child.child_id] = (place.code, taken)
    return passed


def _at_school_age(chance: Random, plan: Plan, code: str, child: Child) -> Child:
    """A child whom an authority took over before school age, with the number they have by the last year written."""
    group = year_group(child.care.person.born, plan.last)
    if child.upn != UNDER_SCHOOL_AGE or group < 0:
        return child
    return replace(child, upn=plan.earlier_upns.issue_at_reception(chance, code, group, plan.last))


def _receiver(plan: Plan, code: str, child: Child, drawn: Place) -> Place:
    """Who takes over: the authority where the child is placed, where that is another; otherwise the one drawn."""
    return drawn if child.care.host == code else plan.places[child.care.host]


def _append_received(plan: Plan, code: str, received: Sequence[Child], cohort: Cohort) -> None:
    """Add the children received from other authorities to the returns of the years since."""
    told = Told()
    for year in (plan.last, *plan.earlier):
        names = (code, "received", str(year.academic_year))
        chance = seeded(plan.seed, *names, "views")
        views = [child_in(chance, child, year) for child in received]
        children = [child for child in views if child is not None]
        tables = build_return(seeded(plan.seed, *names), code, children, [], year, told)
        append_return(plan.folder(code, year) / "ssda903", tables, year)
        if year == plan.last:
            _count(cohort, code, children, tables)
            cohort.returned[code].taken_over = len(children)


def _enrol(
    plan: Plan,
    home: str,
    year: CollectionYear,
    child: Child,
    taken: tuple[str, Child] | None,
    cohort: Cohort,
) -> None:
    """Put a child on the roll of the last year they are of an age to be on one, and still in England at a census."""
    if taken:
        child = replace(child, upn=taken[1].upn)
    if child.upn in {UNDER_SCHOOL_AGE, NEVER_IN_ENGLISH_SCHOOL}:
        return
    history = remember_care(home, child, taken)
    last_in_care = plan.last if taken else year
    for then in (plan.last, *plan.earlier):
        group = year_group(child.care.person.born, then)
        if then.academic_year > last_in_care.academic_year or history.gone_by(then.terms[0].census):
            continue
        if (child.on_roll and then == year) or 0 <= group <= _LAST_COMPULSORY:
            rolls = cohort.joined if then.academic_year > year.academic_year else cohort.rolls
            host = history.authority_on(then.end) if then.academic_year < year.academic_year else child.care.host
            rolls[then.academic_year, host].append(learner_in_care(child, history, then))
            return
    if not history.gone_by(last_in_care.terms[0].census):
        cohort.off_roll[home].append((last_in_care, learner_in_care(child, history, last_in_care)))
