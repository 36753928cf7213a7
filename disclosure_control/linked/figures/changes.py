"""Changes: what the figures of all groups could be otherwise by, while everything that is printed stays as it is.

Of all changes that leave what is printed, and after which everything adds up, two are drawn at random. Whatever any of
them changes, a random one changes, and by another number than anything else: so what it does not change is known, and
so is what several cells come to, of which one goes up as the others go down.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from disclosure_control.suppression.incidence import Incidence
from disclosure_control.suppression.lattice import Lattice

__all__ = ["MOST_TOGETHER", "Changes", "draw_changes", "find_offsetting", "find_unchanged"]

Changes = npt.NDArray[np.complex128]
"""The change of each cell in the one draw, and in the other."""

_Numbers = npt.NDArray[np.float64]

UNCHANGED = 1e-6
"""Changes begin as numbers between one and two: what changes by less does not change."""

MOST_STEPS = 5_000

MOST_TOGETHER = 200
"""Cells of which three together are looked for; of more, two together."""


def draw_changes(lattice: Lattice, printed: Collection[int]) -> Changes:
    """Changes of all cells, where these are printed."""
    free = np.ones(len(lattice))
    free[list(printed)] = 0
    one, other = (np.random.default_rng(seed).uniform(1, 2, len(lattice)) * free for seed in (0, 1))
    if len(lattice.relations):
        one, other = (_make_add_up(each, lattice.incidence, free) for each in (one, other))
    return one + 1j * other


def _make_add_up(changes: _Numbers, members: Incidence, free: _Numbers) -> _Numbers:
    """The nearest changes after which everything adds up, by the method of conjugate gradients."""
    signs = members.signs * free[members.cells]

    def excess() -> _Numbers:
        return np.add.reduceat(signs * changes[members.cells], members.starts)

    left = excess()
    step, size = left, float(left @ left)
    for _ in range(MOST_STEPS):
        if size < UNCHANGED**3:
            break
        moved = np.bincount(members.cells, signs * step[members.relations], len(changes))
        changes = changes - size / float(moved @ moved) * moved
        left, before = excess(), size
        size = float(left @ left)
        step = left + size / before * step
    return changes


def find_unchanged(changes: Changes) -> npt.NDArray[np.bool_]:
    """The cells that are known."""
    return np.asarray(np.abs(changes) < UNCHANGED)


def find_offsetting(changes: Changes, cells: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Two or three of some cells that are not known, and are known together."""
    left = np.array([cell for cell in cells if abs(changes[cell]) >= UNCHANGED], np.int64)
    for place, cell in enumerate(left):
        after = left[place + 1 :]
        for other in after[find_unchanged(changes[cell] + changes[after])]:
            yield int(cell), int(other)
        for at, other in enumerate(after if len(left) <= MOST_TOGETHER else ()):
            beyond = after[at + 1 :]
            for third in beyond[find_unchanged(changes[cell] + changes[other] + changes[beyond])]:
                yield int(cell), int(other), int(third)
