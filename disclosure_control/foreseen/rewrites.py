"""Questions near to one that would mostly be withheld, each with the share of it that would be.

A rewrite is a change to the plan that its asker can make to the text, told as a sentence: leave out a dimension, pool
years, group more coarsely, drop a condition; or two of these. None is proposed that a methodology guard refuses.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import reduce

from disclosure_control.foreseen.expectation import Expectation, foresee
from disclosure_control.foreseen.frequencies import YEAR, read_frequencies
from disclosure_control.presets.shipped import Preset
from query_engine.catalogue import Category, Column
from query_engine.geography import load_authorities
from query_engine.methodology.cautions import check_methodology
from query_engine.planning.plan import Dimension, QueryPlan
from query_engine.planning.region import Region, RegionTangled, Split, columns_of, factors, intersect, region_of
from query_engine.refusal import QueryRefused
from query_engine.wording.description import describe_condition

__all__ = ["MOSTLY", "Rewrite", "propose_rewrites"]

MOSTLY = 0.5
"""A table of which more than this share would be withheld calls for rewrites."""

MOST_PROPOSED = 3
WORTHWHILE = 0.05
"""A rewrite that saves less than this share is not worth another question."""

POOLED_YEARS = 3
MOST_BANDS = 4
MOST_KEPT = 3
"""Categories that a coarser grouping keeps beside the rest."""

_KEPT_FILTERS = frozenset(
    {YEAR, "counted_here", "population", "in_care_12_months", "school_type", "sen_unit_or_resourced"}
)
"""Filters that make a question sound are not proposed to be dropped."""


@dataclass(frozen=True)
class Rewrite:
    """A change to a question, as a sentence without its full stop, and what is expected of the table then."""

    text: str
    plan: QueryPlan
    expectation: Expectation

    @property
    def in_words(self) -> str:
        """The change and the share, like `pool three years: 4% withheld`."""
        return f"{self.text}: {self.expectation.in_words} withheld"


def propose_rewrites(plan: QueryPlan, preset: Preset, *, pool_years: bool = True) -> tuple[Rewrite, ...]:
    """The best rewrites of a plan that would mostly be withheld, the best first; none for any other.

    `pool_years` is False where a question must be about one academic year.
    """
    now = foresee(plan, preset)
    if now is None or now.withheld <= MOSTLY:
        return ()
    found = _rewrites(plan, preset, pool_years)
    best = min(found, key=_rank, default=None)
    if best is not None and best.expectation.withheld > MOSTLY:
        further = _rewrites(best.plan, preset, pool_years)
        found += [replace(each, text=f"{best.text}, and {each.text}") for each in further]
    worthwhile = [each for each in found if each.expectation.withheld <= now.withheld - WORTHWHILE]
    return tuple(sorted(worthwhile, key=_rank)[:MOST_PROPOSED])


def _rank(rewrite: Rewrite) -> tuple[float, int, str]:
    """By the share withheld in whole per cents, then by how much is left of the table."""
    return (round(rewrite.expectation.withheld, 2), -rewrite.plan.cells, rewrite.text)


def _rewrites(plan: QueryPlan, preset: Preset, pool_years: bool) -> list[Rewrite]:
    found = []
    for text, changed in _changes(plan, pool_years):
        expectation = foresee(changed, preset) if _is_sound(changed) else None
        if expectation is not None:
            found.append(Rewrite(text, changed, expectation))
    return found


def _is_sound(plan: QueryPlan) -> bool:
    try:
        check_methodology(plan)
    except QueryRefused:
        return False
    return True


def _changes(plan: QueryPlan, pool_years: bool) -> Iterator[tuple[str, QueryPlan]]:
    for place, dimension in enumerate(plan.dimensions):
        label = _label(plan, dimension)
        yield f"leave {label} out", _without(plan, place)
        column = plan.governed.columns.get(dimension.name)
        if column is not None and column.name != YEAR and not dimension.regions:
            yield from _coarser(plan, place, label, column)
    conditions = _conditions(plan)
    for each in conditions:
        if not columns_of(each) & _KEPT_FILTERS:
            words = " and ".join(describe_condition(each, plan.governed))
            yield f"drop the condition that {words}", _filtered(plan, [other for other in conditions if other != each])
    if pool_years:
        yield from _pooled(plan, conditions)


def _label(plan: QueryPlan, dimension: Dimension) -> str:
    return next((each.label for each in plan.outputs if each.dimension == dimension.name), dimension.name)


def _without(plan: QueryPlan, place: int) -> QueryPlan:
    """The plan less one dimension, with no totals beside its one grouping set."""
    dimensions = plan.dimensions[:place] + plan.dimensions[place + 1 :]
    outputs = tuple(each for each in plan.outputs if each.dimension != plan.dimensions[place].name)
    return replace(plan, dimensions=dimensions, outputs=outputs, sets=(tuple(range(len(dimensions))),))


def _coarser(plan: QueryPlan, place: int, label: str, column: Column) -> Iterator[tuple[str, QueryPlan]]:
    """The dimension in a few bands, or with all but its commonest categories taken together."""
    categories = [each for each in plan.dimensions[place].categories if each is not None]
    if column.domain == tuple(load_authorities()):
        return
    if column.ordered and len(categories) > MOST_BANDS:
        bands = _bands(plan, column, categories)
        ends = ", ".join(f"{first} to {last}" if first != last else str(first) for first, last in bands)
        runs = [[(_code(column, first), _code(column, last))] for first, last in bands]
        yield f"group {label} in bands ({ends})", _regrouped(plan, place, column, runs)
    elif not column.ordered and len(categories) > MOST_KEPT + 1:
        kept = sorted(categories, key=lambda each: -_share(plan, column, each))[:MOST_KEPT]
        rest = [(code, code) for each in categories if each not in kept for code in [_code(column, each)]]
        runs = [*([(_code(column, each),) * 2] for each in kept), rest]
        names = ", ".join(map(str, kept))
        yield f"keep {names} of {label} and take the rest together", _regrouped(plan, place, column, runs)


def _bands(plan: QueryPlan, column: Column, categories: list[Category]) -> list[tuple[Category, Category]]:
    """Neighbouring categories together, so that each band has about as many children."""
    shares = [_share(plan, column, each) for each in categories]
    bands: list[list[Category]] = [[]]
    so_far, total = 0.0, sum(shares) or 1.0
    for category, share in zip(categories, shares, strict=True):
        if len(bands) < MOST_BANDS and bands[-1] and so_far >= total * len(bands) / MOST_BANDS:
            bands.append([])
        bands[-1].append(category)
        so_far += share
    return [(band[0], band[-1]) for band in bands]


def _share(plan: QueryPlan, column: Column, category: Category) -> float:
    code = _code(column, category)
    return read_frequencies(plan.governed).share(intersect(plan.where, region_of(column, [(code, code)])))


def _code(column: Column, category: Category) -> int:
    code = column.code(category)
    assert code is not None  # a category of the column's own
    return code


def _regrouped(plan: QueryPlan, place: int, column: Column, runs: list[list[tuple[int, int]]]) -> QueryPlan:
    """The plan with other categories for one dimension; missing values keep a category of their own."""
    before = plan.dimensions[place]
    regions = [region_of(column, each) for each in runs]
    categories: list[Category | None] = list(range(len(runs)))
    if None in before.categories:
        regions.append(region_of(column, [(column.present_codes, column.present_codes)]))
        categories.append(None)
    coarse = Dimension(before.name, tuple(categories), tuple(regions))
    return replace(plan, dimensions=(*plan.dimensions[:place], coarse, *plan.dimensions[place + 1 :]))


def _conditions(plan: QueryPlan) -> list[Region]:
    if not isinstance(plan.where, Split):
        return []
    return list(factors(plan.where, plan.governed.columns.values()))


def _filtered(plan: QueryPlan, conditions: list[Region]) -> QueryPlan:
    everything: Region = True
    return replace(plan, where=reduce(intersect, conditions, everything))


def _pooled(plan: QueryPlan, conditions: list[Region]) -> Iterator[tuple[str, QueryPlan]]:
    """The year asked about together with the two before it."""
    years, column = plan.academic_years, plan.governed.columns.get(YEAR)
    alone = [each for each in conditions if columns_of(each) == {YEAR}]
    if column is None or len(years) != 1 or len(alone) != 1:
        return
    last = _code(column, years[0])
    if last < POOLED_YEARS - 1:
        return
    others = [each for each in conditions if each != alone[0]]
    first = last - POOLED_YEARS + 1
    text = f"pool three years (academic_year BETWEEN {column.value(first)} AND {column.value(last)})"
    try:
        yield text, _filtered(plan, [*others, region_of(column, [(first, last)])])
    except RegionTangled:
        return
