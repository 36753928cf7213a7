"""What a node hands to the mask: its figures with its share of the noise, or exact ones for an exact sum.

Neither may leave the node as it is. A share of the noise is small, and mostly none at all: it is the noise of all nodes
together that hides a child. So both are sealed like a raw table, for `federation` to mask.
"""

from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Never, SupportsIndex, final

from disclosure_control.cell_key.record_keys import read_record_keys, scale_record_keys
from disclosure_control.noise.bits import Bits, SystemBits
from disclosure_control.noise.calibration import calibrate
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.rows.others import Capped, cap_counts
from query_engine.planning.capped_counts import capped_counts, figures_carried
from query_engine.planning.centred_sums import centre_sums, take
from query_engine.planning.plan import QueryPlan, Statistic
from query_engine.tables import RawTable

__all__ = ["ExactShare", "NoisedShare", "add_noise_share", "capped_from_vector", "raw_from_vector", "vector_of"]

MODULUS = 2**64
"""Figures are carried modulo this, negative ones from its end; `overflow` proves that no sum is mistaken."""

_SEAL = object()


@dataclass(frozen=True, repr=False)
class _Share:
    """Figures of one node as whole numbers modulo 2**64: statistic by statistic, cell by cell, in the plan's order."""

    seal: InitVar[object]
    plan_id: str
    values: list[int] = field(compare=False)

    def __post_init__(self, seal: object) -> None:
        """Refuse to exist without the seal of this module."""
        if seal is not _SEAL:
            raise TypeError("a share is made by add_noise_share() or vector_of() alone")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.plan_id}: {len(self.values)} figures, not shown>"

    def __reduce_ex__(self, protocol: SupportsIndex) -> Never:
        raise TypeError("a share cannot be copied or serialised: mask it first")


@final
class NoisedShare(_Share):
    """A node's figures with its share of the noise in each, made by `add_noise_share` alone."""


@final
class ExactShare(_Share):
    """A node's exact figures for an exact sum, made by `vector_of` alone."""


def add_noise_share(raw: RawTable, terms: NoiseTerms, bits: Bits | None = None) -> NoisedShare:
    """A node's figures with its share of the noise: for one manifest it is drawn once, and kept for every attempt.

    Every cell takes its share, whatever is in it. Sums are taken about the middle of what their columns can be, where
    that can be undone. `bits` are for tests. Raises `NoiseRefused`.
    """
    plan, source = raw.plan, bits or SystemBits()
    kinds = calibrate(plan, terms.epsilon, terms.mechanism).noise
    noise = [
        drawn
        for each in plan.statistics
        for number, grouping_set in enumerate(plan.sets)
        for drawn in kinds[each.name, number].draw_shares(plan.cells_of(grouping_set), terms.shares, source)
    ]
    centred = take(centre_sums(plan), {each.name: raw.statistic(each.name) for each in plan.statistics})
    exact_figures = (figure for each in plan.statistics for figure in centred[each.name])
    noised = (exact + drawn for exact, drawn in zip(exact_figures, noise, strict=True))
    return NoisedShare(_SEAL, plan.plan_id, [each % MODULUS for each in noised])


def vector_of(raw: RawTable) -> ExactShare:
    """A node's exact figures, for the path `exact_sum`, and after them its capped counts (`capped_counts`)."""
    if raw.plan.path != "exact_sum":
        raise ValueError("exact figures are summed by the path exact_sum alone: see plan_for_path")
    few = (figure for column in cap_counts(raw).values() for figure in column)
    return ExactShare(_SEAL, raw.plan.plan_id, [each % MODULUS for each in (*_figures(raw), *few)])


def raw_from_vector(plan: QueryPlan, values: Iterable[int]) -> RawTable:
    """The raw table of an opened exact sum. Raises `ValueError` where it has another length than the plan's."""
    return RawTable(plan, read_vector(plan, values))


def capped_from_vector(plan: QueryPlan, values: Iterable[int]) -> Capped:
    """The capped counts of an opened exact sum. Raises `ValueError` as above."""
    return dict(zip(capped_counts(plan), _columns(plan, values)[len(plan.statistics) :], strict=True))


def read_vector(plan: QueryPlan, values: Iterable[int]) -> dict[str, list[int]]:
    """An opened sum as figures with their sign: each statistic cell by cell. Raises `ValueError` as above."""
    columns = zip(plan.statistics, _columns(plan, values), strict=False)
    return {each.name: _opened(each, column) for each, column in columns}


def _columns(plan: QueryPlan, values: Iterable[int]) -> list[list[int]]:
    """Each statistic cell by cell, and after them each capped count."""
    signed, expected = [_signed(int(each)) for each in values], figures_carried(plan)
    if len(signed) != expected:
        raise ValueError(f"a sum of this plan has {expected} figures, not {len(signed)}")
    return [signed[start : start + plan.cells] for start in range(0, len(signed), plan.cells)]


def _figures(raw: RawTable) -> Sequence[int]:
    return [figure for each in raw.plan.statistics for figure in _carried(each, raw.statistic(each.name))]


def _carried(statistic: Statistic, figures: Sequence[int]) -> Sequence[int]:
    """A statistic as it goes into the sum: record keys so that no more than their sum modulo their number opens."""
    return scale_record_keys(figures, statistic.bound + 1) if statistic.kind == "keys" else figures


def _opened(statistic: Statistic, figures: Sequence[int]) -> list[int]:
    return read_record_keys(figures, statistic.bound + 1) if statistic.kind == "keys" else list(figures)


def _signed(value: int) -> int:
    if not 0 <= value < MODULUS:
        raise ValueError("figures of a sum are whole numbers modulo 2**64")
    return value - MODULUS if value >= MODULUS // 2 else value
