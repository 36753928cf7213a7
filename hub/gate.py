"""The gate between answers and release: what a reader of this release and of earlier ones together could work out.

Before rows of authorities are released, the table is attacked by itself and beside every earlier release of the same
snapshot that counts children whom it counts too, in whatever table. An authority of which too much is told is left out
whole, since its signed answer would say what was withheld; who else is in it does not change. Such a release, one that
is too much to attack beside all others at once, and one beside which another snapshot of the same year has been
answered from (the two differ by those alone whose records changed), waits for an output checker: it is told what was
found in words, which are kept until it has decided and are in no log.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from operator import attrgetter
from threading import Lock

from audit.connection import Connection
from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.counts.cells import MOST_CELLS, Linked
from disclosure_control.linked.counts.links import link_plans
from disclosure_control.linked.findings import Finding, list_findings
from disclosure_control.linked.gathering import Groups, gather
from disclosure_control.linked.published import Published, link_published
from disclosure_control.linked.words import say_finding
from disclosure_control.models.row_count import plan_rows
from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.release.gate import ReleaseRefused
from disclosure_control.release.released import ReleasedTable
from disclosure_control.rows.protected_table import Row
from disclosure_control.rows.secondary import Neighbours
from disclosure_control.suppression.deadline import Deadline, TimeUp
from disclosure_control.suppression.reader import Contradiction
from federation.manifest import Manifest, Path, Reply
from federation.plans import derive_plan
from federation.problems import ProblemRaised
from hub.earlier_releases import TOTAL, Release
from hub.service import Hub
from query_engine.planning.plan import QueryPlan

__all__ = ["LONGEST_SECONDS", "MOST_TRIES", "SAFE", "Verdict", "attack_rows", "check_room", "find_totals", "judge_rows"]
__all__ += ["judge_total", "name_beside"]

LONGEST_SECONDS = 60.0
"""How long one release is attacked; one that takes longer waits for an output checker."""

MOST_AT_ONCE = 4
"""Authorities that are attacked side by side, where there are so many cores. The solver, in which most of the time is
spent, lets other threads go on; with more than these they would wait for each other outside it."""

MOST_TRIES = 5
"""How often a release is looked at anew since others that have to do with it were made meanwhile."""

MOST_WORDS = 50
"""Findings that are told, first those that hold however c is read; there is no more to learn from the rest."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a release before it is made: who is told on, what is to be said of the attack, what it found."""

    told: frozenset[str]
    remarks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """What an output checker is told."""
        return (*self.remarks, *map(say_finding, self.findings))[:MOST_WORDS]

    @property
    def is_safe(self) -> bool:
        """Whether it may be released by itself."""
        return not self.words

    def overtaken(self) -> "Verdict":
        """What is known when others were released each time that this was looked at."""
        others = "Others were released while it was attacked, again and again."
        return replace(self, remarks=(*self.remarks, others))


SAFE = Verdict(frozenset())
"""Nothing is told on, and there is nothing to decide."""


def judge_rows(
    hub: Hub, manifest: Manifest, table: ReleasedTable, replies: Mapping[str, Reply], preset: Preset
) -> Verdict:
    """Attack the rows of each authority beside its earlier ones. What it finds depends on what is public alone."""
    plan = derive_plan(manifest.sql, manifest.path)
    if preset.cell_key is not None:  # Changed counts do not add up, and how many are given is counted.
        return SAFE
    deadline = _begin(hub)
    newest = Release.of("this release", plan, preset, table, replies.values())
    try:
        earlier = hub.released.related(hub.database.connection, manifest, plan)
    except PresetInvalid as lost:
        return Verdict(frozenset(), (f"Not attacked beside earlier releases, which cannot be read: {lost}.",))
    return attack_rows(newest, earlier, deadline)


def attack_rows(newest: Release, earlier: Sequence[Release], deadline: Deadline) -> Verdict:
    """Attack rows beside earlier ones, authority by authority; of what is not attacked a checker is told."""
    attack = _Attack(newest, earlier, deadline)
    with ThreadPoolExecutor(min(MOST_AT_ONCE, os.cpu_count() or 1)) as side_by_side:
        found = dict(zip(newest.answered, side_by_side.map(attack.find, newest.answered), strict=True))
    late = [authority for authority, own in found.items() if own.is_late]
    remarks = [f"The time is up: not attacked to the end is {_name_some(late)}."] if late else []
    remarks += [*_name_grouped(found), *_name_changed(newest, earlier)]
    remarks += [each for own in found.values() for each in own.lost]
    findings = (each for own in found.values() for each in own.findings)
    told = frozenset(authority for authority, own in found.items() if own.findings)
    return Verdict(told, tuple(remarks), tuple(sorted(findings, key=attrgetter("takes_for_granted"))))


@dataclass(frozen=True)
class _Found:
    """What is told of one authority, what could not be looked at, and whether there was no time to look.

    Its earlier releases were looked at in so many `groups`.
    """

    findings: Sequence[Finding] = ()
    lost: Sequence[str] = ()
    is_late: bool = False
    groups: int = 1


@dataclass(frozen=True)
class _Attack:
    """The attack on one release. Those of the same releases share their groups, and the links between them."""

    newest: Release
    earlier: Sequence[Release]
    deadline: Deadline
    _links: dict[tuple[str, ...], Linked] = field(default_factory=dict)
    _groups: dict[tuple[str, ...], Groups] = field(default_factory=dict)
    _linking: Lock = field(default_factory=Lock)

    def find(self, authority: str) -> _Found:
        """What is found of one authority, be it beside some of its earlier releases alone."""
        own = _differing(authority, self.earlier, self.newest)
        if own[-1] is not self.newest:
            return _Found()  # What was released before tells nothing more when it is released again.
        published = [Published(each.name, each.plan, each.preset, each.rows[authority]) for each in own]
        before, groups = _answered_before(authority, own), self._gather(published)
        told, lost, is_late = list[Finding](), list[str](), False
        for group in groups:
            tables = [published[number] for number in (*group, len(own) - 1)]
            answered = [group.index(number) for number in before if number in group]
            try:
                self.deadline.seconds_left()
                told += list_findings(authority, tables, self._link(tables), self.deadline, answered)
            except TimeUp:
                is_late = True
                break
            except TooTangled as tangled:
                lost.append(f"{authority}: not attacked beside earlier releases, since {tangled}.")
            except Contradiction:
                lost.append(f"{authority}: its figures contradict earlier ones of the same snapshot.")
        return _Found(tuple(dict.fromkeys(told)), tuple(dict.fromkeys(lost)), is_late, len(groups))

    def _gather(self, published: Sequence[Published]) -> Groups:
        *earlier, newest = published
        names = tuple(each.name for each in published)
        with self._linking:
            if names not in self._groups:
                self._groups[names] = gather([each.plan for each in earlier], newest.plan)
            return self._groups[names]

    def _link(self, published: Sequence[Published]) -> Linked:
        names = tuple(each.name for each in published)
        with self._linking:
            if names not in self._links:
                self._links[names] = link_published(published)
            return self._links[names]


def _name_grouped(found: Mapping[str, _Found]) -> Iterator[str]:
    """Of which authorities earlier releases are too many to be looked at all at once."""
    if grouped := [authority for authority, own in found.items() if own.groups > 1]:
        most = max(found[authority].groups for authority in grouped)
        yield f"{_name_some(grouped)}: {_describe_groups(most)}"


def _describe_groups(number: int) -> str:
    return (
        "the earlier releases overlap in more ways than can be looked at all at once; they were looked at in "
        f"{number} groups, each beside this one, and not what follows from several that are in no group together."
    )


def _name_changed(newest: Release, earlier: Sequence[Release]) -> Iterator[str]:
    """Which releases tell, beside the newest, what has changed at an authority from one snapshot to another."""
    for each in earlier:
        changed = [code for code in newest.answered if code in each.snapshots and _has_changed(code, each, newest)]
        if changed:
            yield (
                f"{_name_some(changed)}: {each.name} counts some of the same children in another snapshot; the two "
                "together tell of those whose records changed in between."
            )


def _name_some(authorities: Sequence[str]) -> str:
    return authorities[0] if len(authorities) == 1 else f"{authorities[0]} and {len(authorities) - 1} more"


def _has_changed(authority: str, one: Release, other: Release) -> bool:
    same_rows = one.plan.plan_id == other.plan.plan_id and list(one.rows[authority]) == list(other.rows[authority])
    return one.snapshots[authority] != other.snapshots[authority] and not same_rows


def _begin(hub: Hub) -> Deadline:
    return Deadline(hub.stopwatch, hub.stopwatch() + LONGEST_SECONDS)


def _differing(authority: str, earlier: Sequence[Release], newest: Release) -> list[Release]:
    """The releases of an authority's snapshot, the newest last, each table of rows under a preset once."""
    found: dict[tuple[str, Preset, tuple[Row, ...]], Release] = {}
    for each in (*earlier, newest):
        if each.snapshots.get(authority) == newest.snapshots[authority]:
            found.setdefault((each.plan.plan_id, each.preset, tuple(each.rows[authority])), each)
    return list(found.values())


def _answered_before(authority: str, own: Sequence[Release]) -> list[int]:
    """Which of an authority's releases it had answered when it answered the last, by number, in that order.

    They are released in another: what was withheld beside others was withheld beside those that had been answered.
    """
    moments = [each.moments[authority] for each in own]
    before = [number for number in range(len(own) - 1) if moments[number] <= moments[-1]]
    return sorted(before, key=lambda number: moments[number])


def find_totals(hub: Hub, manifest: Manifest, plan: QueryPlan) -> Neighbours:
    """The exact totals of the same term that were released before, or may be, for the next to be protected beside.

    Raises `ReleaseRefused` where the rules of one are not here any more.
    """
    try:
        found = hub.released.related(hub.database.connection, manifest, plan_rows(plan), manifest.snapshot_term)
    except PresetInvalid as lost:
        raise ReleaseRefused(str(lost)) from None
    earlier = tuple(Published(each.name, each.plan, each.preset, each.rows[TOTAL], each.answered) for each in found)
    return Neighbours(earlier, hub.party.keys.row_secret, _begin(hub))


def judge_total(beside: Neighbours, plan: QueryPlan) -> Verdict:
    """What is known of a total that is protected beside others, before it is: whether they are looked at in groups."""
    groups = [each for each in beside.groups(plan_rows(plan)) if each]
    if len(groups) < 2:
        return SAFE
    return Verdict(frozenset(), (f"The total: {_describe_groups(len(groups))}",))


def name_beside(hub: Hub, connection: Connection, manifest: Manifest) -> tuple[str, ...]:
    """The queries whose releases are looked at beside one, as far as there are any now.

    Looking takes long, so it is done outside the transaction that keeps a release. Releases are never taken back, and a
    total that waits and is refused does not come again: where this is alike before looking and in that transaction, all
    of these were there in between, whatever other workers did.
    """
    if manifest.path is Path.NOISY_SUM or manifest.cell_key is not None:
        return ()
    plan, term = plan_rows(derive_plan(manifest.sql, manifest.path)), manifest.snapshot_term
    return hub.released.related_names(connection, manifest, plan, term if manifest.path is Path.EXACT_SUM else "")


def check_room(hub: Hub, manifest: Manifest, plan: QueryPlan) -> None:
    """Check, before anybody is asked, that a release can be attacked beside those of the same year that count the same.

    They may be in groups; an output checker is told so then. It goes by what was asked alone. Raises a 422 problem that
    offers another path.
    """
    if manifest.path is Path.NOISY_SUM or manifest.cell_key is not None:
        return
    counted = plan_rows(plan)
    others = hub.released.related_plans(hub.database.connection, manifest, counted)
    try:
        for group in gather(others, counted):
            link_plans([*(others[number] for number in group), counted], most=MOST_CELLS)
    except TooTangled as tangled:
        text = f"its figures and those asked about {manifest.academic_year} before are too much to attack together"
        offer = "ask it by noisy_sum, whose promise holds whatever else is known"
        raise ProblemRaised(422, "overlap", f"{text} ({tangled}): {offer}") from None
