"""Noise that one party adds by itself, to a table that it has: whole counts over public cells, by OpenDP.

A sum over many nodes takes shares (`disclosure_control.noise.polya`), which OpenDP does not have. What one party noises
takes OpenDP's discrete Laplace mechanism over vectors of whole numbers, whose arithmetic is vetted there, and nothing
else of it: its data frames and its binary fractions have been found to promise more than they keep (a test holds this
file to that). The privacy that is promised is what OpenDP itself proves of the mechanism, rounded upward.

OpenDP is an extra of this package, since it is large: `pip install circe[noise]`.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import inf, nextafter, prod
from typing import Any

from disclosure_control.noise.audit import Finding, Shift, bound_epsilon
from disclosure_control.noise.kinds import LaplaceNoise
from disclosure_control.noise.terms import NoiseRefused, read_epsilon
from disclosure_control.suppression.lattice import Layout

__all__ = ["audit_one_party", "bound_rows", "check_complete", "make_mechanism", "noise_counts"]

MISSING = "noise for a table of one's own is made by OpenDP, which is not installed: pip install 'circe[noise]'"

LARGEST_COUNT = 2**62
"""Counts beyond this have no room for noise in 64 bits."""

MOST_STEPS = 8
"""By how many of the smallest steps a scale is raised until OpenDP proves the epsilon that is asked for."""


def noise_counts(counts: Sequence[int], rows_of_a_person: int, epsilon: str) -> list[int]:
    """Counts with discrete Laplace noise, where one person is in so many of them at most. Raises `NoiseRefused`."""
    if any(abs(each) > LARGEST_COUNT for each in counts):
        raise NoiseRefused("a count is too large to be noised")
    noised: list[int] = make_mechanism(rows_of_a_person, epsilon)(list(counts))
    return noised


def make_mechanism(rows_of_a_person: int, epsilon: str) -> Any:
    """OpenDP's mechanism for vectors of counts, which proves the epsilon itself. Raises `NoiseRefused`.

    Its scale is the nearest binary fraction; where that proves a little more than was asked for, it is raised.
    """
    promised, dp = read_epsilon(epsilon), _load()
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    scale = float(rows_of_a_person / promised)
    for _ in range(MOST_STEPS):
        mechanism = dp.m.make_laplace(*space, scale=scale)
        if Fraction(mechanism.map(rows_of_a_person)) <= promised:
            return mechanism
        scale = nextafter(scale, inf)
    raise NoiseRefused(f"no noise was found that keeps an epsilon of {epsilon}: ask for another one")


def audit_one_party(epsilon: str, draws: int) -> Finding:
    """Audit this noise as that of sums is: one count, with a person in it and without. Raises `NoiseRefused`."""
    noise = [(each,) for each in noise_counts([0] * 2 * draws, 1, epsilon)]
    promised = read_epsilon(epsilon)
    found = bound_epsilon([Shift(1, LaplaceNoise(1 / promised))], noise[:draws], noise[draws:])
    return Finding(0, float(promised), found)


def bound_rows(layout: Layout) -> int:
    """How many rows of a table one person is counted in at most: one, and every total that it is part of."""
    return prod(max(1 + sum(1 for _ in tree.ancestors(code)) for code in tree.parents) for tree in layout.pruned)


def check_complete(layout: Layout) -> None:
    """Check that a table has a row for every combination of categories, once. Raises `NoiseRefused`.

    A row that stands only where somebody is would tell of them by being there.
    """
    wanted = prod(len({row[place] for row in layout.rows}) for place in range(len(layout.columns)))
    if len(set(layout.rows)) != wanted or len(layout.rows) != wanted:
        raise NoiseRefused(f"a table to noise has a row for every combination of categories, {wanted} in all, once")


def _load() -> Any:
    """OpenDP. Raises `NoiseRefused` where it is not installed."""
    try:
        import opendp.prelude
    except ImportError:
        raise NoiseRefused(MISSING) from None
    return opendp.prelude
