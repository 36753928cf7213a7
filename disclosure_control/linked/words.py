"""What a joint attack found, in sentences for an output checker: which figure, how far it is known, and from what."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from disclosure_control.linked.children.counted import stands_alone
from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.rules import Rules
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.joint_attack import Baseline, JointAttack, Told, attack_together
from disclosure_control.linked.naming import Names
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.suppression.deadline import NEVER, Deadline

__all__ = ["tell_hits"]

MOST_TRIED = 12
"""Earlier releases of which each is left out in turn, to name those alone that it takes."""


def tell_hits(
    whose: str,
    published: Sequence[Published],
    linked: Linked | None = None,
    deadline: Deadline = NEVER,
) -> list[str]:
    """What the last of these tables tells, alone or beside the others, and they did not tell without it.

    `linked` has the links between them, where they are known.
    Raises `TooTangled`, `Contradiction` and `TimeUp`.
    """
    deadline.seconds_left()
    if len(published) == 1 and stands_alone(published[0].plan):
        return []
    linked = linked or link_published(published)
    entries, rules, last = entries_of(published), rules_of(published), len(published) - 1
    found = attack_together(linked, entries, rules, deadline)
    fresh = Baseline(linked, _without(entries, {last}), rules, deadline).fresh(found)
    if not fresh:
        return []
    names = _names(linked, entries, rules, published, replace(found, told=fresh), deadline)
    of_cells = Names(linked, [each.plan for each in published])
    return list(dict.fromkeys(_sentence(whose, each, published, names, of_cells) for each in fresh))


def _without(entries: Entries, numbers: set[int]) -> Entries:
    return {place: entry for place, entry in entries.items() if place[0] not in numbers}


def _names(
    linked: Linked,
    entries: Entries,
    rules: Rules,
    published: Sequence[Published],
    found: JointAttack,
    deadline: Deadline,
) -> tuple[str, ...]:
    """The earlier releases that it takes: all that cannot be left out without something less being told."""
    needed = list(range(len(published) - 1))
    if len(needed) <= MOST_TRIED:
        left_out = set[int]()
        for number in tuple(needed):
            if not Baseline(linked, _without(entries, left_out | {number}), rules, deadline).fresh(found):
                left_out.add(number)
                needed.remove(number)
    return tuple(published[number].name for number in needed)


def _sentence(whose: str, told: Told, published: Sequence[Published], names: Sequence[str], of_cells: Names) -> str:
    low, high = told.known.low, told.known.high
    size = f"is known to be {low}" if low == high else f"can be bounded to {low}-{high}"
    source = f"from this release and {', '.join(names)}" if names else "from this release alone"
    what = next(_describe(told, published), "")
    if not what:
        what = f"a group for whom nobody asked, who tell counts apart ({of_cells.describe(told.together)}),"
    return f"{whose}: {what} {size} {source}."


def _describe(told: Told, published: Sequence[Published]) -> Iterator[str]:
    """The cell as the releases have it, that of the newest first."""
    for number, row, label in sorted(told.places, reverse=True):
        plan = published[number].plan
        shown = zip(plan.outputs, published[number].rows[row], strict=True)
        named = [f"{output.label} {entry}" for output, entry in shown if output.dimension is not None]
        yield f"{label} of {', '.join(named) or 'all'}"
