"""What printed counts say of others at once, by adding up: before any linear program is asked.

A total of which all parts are known is known, and so is the last unknown part of a known total; and what is known of
the least and the most of all others in an addition limits the last. The more has been released, the more is known so;
and what is left then falls apart into small groups of counts that have nothing to do with each other.
"""

import numpy as np

from disclosure_control.suppression.incidence import Incidence
from disclosure_control.suppression.lattice import Lattice
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.rules import UNBOUNDED
from disclosure_control.suppression.view import Bounds

__all__ = ["narrow_bounds"]

MOST_PASSES = 60
"""How often all additions are gone through; what would be narrowed after that, linear programs find."""


def narrow_bounds(lattice: Lattice, low: Bounds, high: Bounds) -> tuple[Bounds, Bounds]:
    """The least and the most of each cell, as far as one addition after the other limits them.

    Raises `Contradiction` where an addition is wrong, or gives what a cell cannot be.
    """
    members = lattice.incidence
    for _ in range(MOST_PASSES if len(members) else 0):
        narrow = _narrow(members, low, high)
        if (narrow[0] > narrow[1]).any():
            raise Contradiction("the figures that are shown do not add up")
        if (narrow[0] == low).all() and (narrow[1] == high).all():
            break
        low, high = narrow
    return low, high


def _narrow(members: Incidence, low: Bounds, high: Bounds) -> tuple[Bounds, Bounds]:
    """Each cell within what the others of its additions leave, where these are as they are.

    A total less its parts is nothing: each member comes to what all others come to, with the other sign.
    """
    cells, is_total = members.cells, members.signs > 0
    least = _others(members, np.where(is_total, low[cells], -high[cells]))
    most = -_others(members, np.where(is_total, -high[cells], low[cells]))
    low, high = low.copy(), high.copy()
    np.maximum.at(low, cells, np.where(is_total, -most, least))
    np.minimum.at(high, cells, np.where(is_total, -least, most))
    return low, high


def _others(members: Incidence, values: Bounds) -> Bounds:
    """The least that the others in each member's addition come to, from the least of each; without limit, if one is."""
    is_open = values <= -UNBOUNDED
    known = np.where(is_open, 0, values)
    rest = members.add_up(known)[members.relations] - known
    others_open = members.add_up(is_open.astype(np.int64))[members.relations] - is_open
    return np.where(others_open > 0, -UNBOUNDED, rest)
