"""What a joint attack found, in sentences for an output checker: which figure, how far it is known, and from what."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from disclosure_control.linked.children.counted import stands_alone
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.joint_attack import Baseline, JointAttack, Told, attack_together
from disclosure_control.linked.naming import Names
from disclosure_control.linked.own_sake import OwnSake, list_few
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.suppression.attack import Known
from disclosure_control.suppression.deadline import NEVER, Deadline

__all__ = ["tell_hits"]

MOST_TRIED = 12
"""Earlier releases of which each is left out in turn, to name those alone that it takes."""


def tell_hits(
    whose: str,
    published: Sequence[Published],
    linked: Linked | None = None,
    deadline: Deadline = NEVER,
    before: Sequence[int] | None = None,
) -> list[str]:
    """What the last of these tables tells, alone or beside the others, and they did not tell without it.

    `linked` has the links between them, where they are known. Those `before` are the tables, by number, that were
    answered before the last one, in that order: what they withhold is read as withheld for its own sake, as far as
    it can be. Where nothing is said, all others are.
    Raises `TooTangled`, `Contradiction` and `TimeUp`.
    """
    if len(published) == 1 and stands_alone(published[0].plan):
        return []
    linked = linked or link_published(published)
    entries, rules, last = entries_of(published), rules_of(published), len(published) - 1
    read = _Read(published, linked, entries, rules, deadline)
    found = attack_together(linked, entries, rules, deadline)
    if fresh := Baseline(linked, _without(entries, {last}), rules, deadline).fresh(found):
        found = replace(found, told=fresh)
        needed = read.name(lambda less: bool(Baseline(linked, less, rules, deadline).fresh(found)))
        return list(dict.fromkeys(read.say_told(whose, each, needed) for each in fresh))
    return list(dict.fromkeys(read.say_known(whose, before if before is not None else range(last), found)))


def _without(entries: Entries, numbers: set[int]) -> Entries:
    return {place: entry for place, entry in entries.items() if place[0] not in numbers}


@dataclass(frozen=True)
class _Read:
    """What is published, to put what is found in words."""

    published: Sequence[Published]
    linked: Linked
    entries: Entries
    rules: Rules
    deadline: Deadline

    def name(self, is_less: Callable[[Entries], bool]) -> str:
        """From which releases it is: the last, and those that cannot be left out without something less being told."""
        needed = list(range(len(self.published) - 1))
        if len(needed) <= MOST_TRIED:
            left_out = set[int]()
            for number in tuple(needed):
                if not is_less(_without(self.entries, left_out | {number})):
                    left_out.add(number)
                    needed.remove(number)
        names = ", ".join(self.published[number].name for number in needed)
        return f"from this release and {names}" if names else "from this release alone"

    def say_told(self, whose: str, told: Told, source: str) -> str:
        """What adding up tells."""
        what = next(_describe(told.places, self.published), "")
        if not what:
            group = Names(self.linked, [each.plan for each in self.published]).describe(told.together)
            what = f"a group for whom nobody asked, who tell counts apart ({group}),"
        return f"{whose}: {what} {_size(told.known)} {source}."

    def say_known(self, whose: str, before: Sequence[int], found: JointAttack) -> Iterator[str]:
        """What is known beside the last table of what tables before it withhold, if they do for its own sake."""
        every, last = list_few(self.published), len(self.published) - 1
        few = [every[number] for number in before]
        own_sake = OwnSake(self.linked, _without(self.entries, {last}), self.rules, few, self.deadline, found.reading)
        fresh = own_sake.fresh(self.entries, found.view)
        if fresh:
            source = self.name(lambda less: not fresh.keys() <= own_sake.fresh(less).keys())
            places = sorted(place for places in few for place in places)
            for cell, each in fresh.items():
                own = [place for place in places if self.linked.places.get(place) == cell]
                what = next(_describe(own, self.published))
                yield f"{whose}: {what}, if it was withheld for its own sake, {_size(each)} {source}."


def _size(known: Known) -> str:
    low, high = known.low, known.high
    return f"is known to be {low}" if low == high else f"can be bounded to {low}-{high}"


def _describe(places: Sequence[Place], published: Sequence[Published]) -> Iterator[str]:
    """The cell as the releases have it, that of the newest first."""
    for number, row, label in sorted(places, reverse=True):
        plan = published[number].plan
        shown = zip(plan.outputs, published[number].rows[row], strict=True)
        named = [f"{output.label} {entry}" for output, entry in shown if output.dimension is not None]
        yield f"{label} of {', '.join(named) or 'all'}"
