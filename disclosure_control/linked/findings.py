"""Findings of a joint attack: of which figure, how far it is known, from which tables, and taking what for granted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from disclosure_control.linked.children.counted import stands_alone
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.view import Reading, find_doubtful
from disclosure_control.linked.joint_attack import Baseline, JointAttack, Told, attack_together
from disclosure_control.linked.naming import Names
from disclosure_control.linked.own_sake import OwnSake, list_few
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.suppression.attack import Known
from disclosure_control.suppression.deadline import NEVER, Deadline

__all__ = ["Finding", "list_findings"]

MOST_TRIED = 12
"""Earlier releases of which each is left out in turn, to name those alone that it takes."""

Range = tuple[int | None, int | None]
"""The least and the most that a count can be, None where nothing limits it."""


@dataclass(frozen=True)
class Finding:
    """What the newest of several tables tells of one count, or of one group that nobody asked for, of `whose` children.

    `known` is how far that is known, and `closer` how far to whoever takes it that no c stands for 0, where they know
    more; `beside` are the other tables that it takes, by name. Where only that reader finds it, `taken` are the tables
    in which they take it so, and `known` is what they know: none are, where it holds however c is read. Of a count that
    is known if it was withheld for its own sake, `own_sake` says so.
    """

    whose: str
    what: str
    known: Range
    beside: tuple[str, ...]
    closer: Range | None = None
    taken: tuple[str, ...] = ()
    own_sake: bool = False

    @property
    def takes_for_granted(self) -> bool:
        """Whether it holds only for whoever takes each c for somebody, though some can be nobody."""
        return bool(self.taken)


def list_findings(
    whose: str,
    published: Sequence[Published],
    linked: Linked | None = None,
    deadline: Deadline = NEVER,
    before: Sequence[int] | None = None,
) -> list[Finding]:
    """What the last of these tables tells, alone or beside the others, and they did not tell without it.

    `linked` has the links between them, where they are known. Those `before` are the tables, by number, that were
    answered before the last one, in that order: what they withhold is read as withheld for its own sake, as far as
    it can be. Where nothing is said, all others are. What holds only for whoever takes each c for somebody, where it
    can be nobody, comes last. Raises `TooTangled`, `Contradiction` and `TimeUp`.
    """
    if len(published) == 1 and stands_alone(published[0].plan):
        return []
    linked = linked or link_published(published)
    entries, rules, last = entries_of(published), rules_of(published), len(published) - 1
    read = _Read(published, linked, entries, rules, deadline)
    found = attack_together(linked, entries, rules, deadline)
    if fresh := Baseline(linked, _without(entries, {last}), rules, deadline).fresh(found):
        findings = read.list_told(whose, replace(found, told=fresh))
    else:
        findings = read.list_known(whose, before if before is not None else range(last), found)
    return sorted(dict.fromkeys(findings), key=attrgetter("takes_for_granted"))


def _without(entries: Entries, numbers: set[int]) -> Entries:
    return {place: entry for place, entry in entries.items() if place[0] not in numbers}


@dataclass(frozen=True)
class _Read:
    """What is published, to say of what is found what it is of, and from which tables."""

    published: Sequence[Published]
    linked: Linked
    entries: Entries
    rules: Rules
    deadline: Deadline

    def list_told(self, whose: str, found: JointAttack) -> Iterator[Finding]:
        """What adding up tells."""

        def is_less(less: Entries) -> bool:
            return bool(Baseline(self.linked, less, self.rules, self.deadline).fresh(found))

        beside, taken = self._name(is_less, found.reading)
        firm = {(each.cell, each.together): each for each in self._tell_others(found)}
        for each in found.told:
            same = firm.get((each.cell, each.together))
            yield _find(whose, self._call(each), each.known, same.known if same else None, beside, taken)

    def list_known(self, whose: str, before: Sequence[int], found: JointAttack) -> Iterator[Finding]:
        """What is known beside the last table of what tables before it withhold, if they do for its own sake."""
        every, last = list_few(self.published), len(self.published) - 1
        few = [every[number] for number in before]
        own_sake = OwnSake(self.linked, _without(self.entries, {last}), self.rules, few, self.deadline, found.reading)
        fresh = own_sake.fresh(self.entries, found.view)
        if fresh:
            beside, taken = self._name(lambda less: not fresh.keys() <= own_sake.fresh(less).keys(), found.reading)
            wider = self._widen(found.reading)
            firm = fresh if wider == found.reading else replace(own_sake, reading=wider).fresh(self.entries)
            places = sorted(place for places in few for place in places)
            for cell, each in fresh.items():
                own = [place for place in places if self.linked.places.get(place) == cell]
                what = next(_describe(own, self.published))
                yield replace(_find(whose, what, each, firm.get(cell), beside, taken), own_sake=True)

    def _tell_others(self, found: JointAttack) -> Sequence[Told]:
        """What of it is told to whoever takes each c, where it can be, for somebody or nobody."""
        if (wider := self._widen(found.reading)) == found.reading:
            return found.told
        only = frozenset(each.cell for each in found.told)
        return attack_together(self.linked, self.entries, self.rules, self.deadline, first=wider, only=only).told

    def _widen(self, reading: Reading) -> Reading:
        return reading | find_doubtful(self.entries, self.rules)

    def _name(self, is_less: Callable[[Entries], bool], reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The releases besides the last that cannot be left out without something less being told.

        Then those of which it is taken for granted that no c stands for 0, if that is told to such a reader alone.
        """
        last = len(self.published) - 1
        needed = list(range(last))
        if len(needed) <= MOST_TRIED:
            left_out = set[int]()
            for number in tuple(needed):
                if not is_less(_without(self.entries, left_out | {number})):
                    left_out.add(number)
                    needed.remove(number)
        doubtful = self._widen(reading) - reading
        taken = [each for each in (last, *needed) if each in doubtful] or sorted(doubtful)
        names = ("this release" if each == last else self.published[each].name for each in taken)
        return tuple(self.published[number].name for number in needed), tuple(names)

    def _call(self, told: Told) -> str:
        """What is told of: the cell, or of whom a group is made."""
        if described := next(_describe(told.places, self.published), ""):
            return described
        group = Names(self.linked, [each.plan for each in self.published]).describe(told.together)
        return f"a group for whom nobody asked, who tell counts apart ({group}),"


def _find(
    whose: str, what: str, known: Known, firm: Known | None, beside: tuple[str, ...], taken: tuple[str, ...]
) -> Finding:
    """What somebody knows who takes something for granted, and how far it is `firm` to whoever does not."""
    if firm is None:
        return Finding(whose, what, _range(known), beside, taken=taken)
    return Finding(whose, what, _range(firm), beside, closer=_range(known) if known != firm else None)


def _range(known: Known) -> Range:
    return known.low, known.high


def _describe(places: Sequence[Place], published: Sequence[Published]) -> Iterator[str]:
    """The cell as the releases have it, that of the newest first."""
    for number, row, label in sorted(places, reverse=True):
        plan = published[number].plan
        shown = zip(plan.outputs, published[number].rows[row], strict=True)
        named = [f"{output.label} {entry}" for output, entry in shown if output.dimension is not None]
        yield f"{label} of {', '.join(named) or 'all'}"
