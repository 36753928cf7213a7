"""By which paths a table may leave the nodes, decided from the plan alone.

| path | what crosses the boundary | used for |
|---|---|---|
| `noisy_sum` | masked cells, noise inside: only the noised sum over the roster can be opened | ad-hoc questions |
| `exact_sum` | masked cells: only the exact sum over the roster can be opened, by the hub | standing statistics |
| `per_authority` | each node's own rows, completely protected | output with authority rows |

What a plan cannot tell is for others to decide: the roster, what an authority's own policy allows, and, by their
`measure_keys`, which path earlier questions about the same thing took.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import get_args

from query_engine.geography import load_authorities, load_every_authority
from query_engine.planning.contributions import ContributionUnbounded, prove_contributions
from query_engine.planning.measure_keys import measure_keys as measure_keys
from query_engine.planning.overflow import BYTE_LIMIT, plan_bytes
from query_engine.planning.plan import Path as Path
from query_engine.planning.plan import QueryPlan
from query_engine.planning.reach import reach_sets, smallest_reach
from query_engine.planning.region import RegionTangled
from query_engine.refusal import QueryRefused, RefusalCode

FEWEST_REACHING = 5
"""Operators, at least, that must be able to reach each cell of an exact sum."""

_AUTHORITIES = frozenset({"home_authority", "host_authority"})
_GEOGRAPHY = _AUTHORITIES | {"home_region", "host_region"}
_IN_AREA = frozenset({"school_in_area", "placement_in_area"})

_TANGLED = "which authorities can reach a cell is too tangled to tell"


@dataclass(frozen=True, slots=True)
class Objection:
    """One thing that speaks against a path: a code for the log, and the rest of a sentence for the asker."""

    code: RefusalCode
    text: str


@dataclass(frozen=True, slots=True)
class PathVerdict:
    """Whether a plan may take a path, and if not, why."""

    path: Path
    objections: tuple[Objection, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.objections

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks against it, in words."""
        return tuple(each.text for each in self.objections)


def judge_paths(plan: QueryPlan) -> tuple[PathVerdict, ...]:
    """Every path, with what speaks against it."""
    return tuple(judge_path(plan, path) for path in get_args(Path))


def judge_path(plan: QueryPlan, path: Path) -> PathVerdict:
    """One path, with what speaks against it. It matters not which path the plan itself is for."""
    against = {
        "noisy_sum": _against_noisy_sum,
        "exact_sum": _against_exact_sum,
        "per_authority": _against_per_authority,
    }
    return PathVerdict(path, tuple(against[path](plan)))


def check_path(plan: QueryPlan, path: Path) -> None:
    """Check that a plan may take a path. Raises `QueryRefused` with the first objection's code, and all of them."""
    verdict = judge_path(plan, path)
    if not verdict.allowed:
        text = f"The question cannot be answered by {path}: {'; '.join(verdict.reasons)}."
        raise QueryRefused(verdict.objections[0].code, text)


def plan_for_path(plan: QueryPlan, path: Path) -> QueryPlan:
    """The plan of the same question by a path, which gives it another id. Raises `QueryRefused` as `check_path` does.

    Under noise nothing is decided by how many children are behind a figure, so a `noisy_sum` carries no more than its
    figures are made from: every further statistic would take its part of the privacy budget for nothing. No other plan
    can be made from one that was cut down so; that raises `ValueError`.
    """
    if plan.path == "noisy_sum" != path:
        raise ValueError("a plan for noisy_sum lacks what other paths need: start from the planner's own")
    check_path(plan, path)
    if path != "noisy_sum":
        return replace(plan, path=path)
    needed = {name for each in plan.outputs for name in each.statistics}
    return replace(plan, path=path, statistics=tuple(each for each in plan.statistics if each.name in needed))


def default_path(plan: QueryPlan) -> tuple[Path, str]:
    """The path of an ad-hoc question whose asker names none, and why it is that one, as the rest of a sentence.

    It is the one that shows nobody any authority's own figures, unless those are what is asked for. A question that
    cannot take it is not sent another way behind its asker's back: it is refused, and the asker chooses.
    """
    if plan.by_authority:
        return "per_authority", f"it has a row for each {plan.authority_column}, which every authority protects itself"
    return "noisy_sum", "it asks for no authority's own figures: a total over all, with noise in it before it is opened"


def check_reach(plan: QueryPlan, operators: Mapping[str, str], fewest: int = FEWEST_REACHING) -> None:
    """Check that each cell of an exact sum over a roster can be reached by so many operators.

    `operators` has the operator of each authority on the roster. A cell that nobody on it can reach is empty whoever
    answers, and tells nothing. A cell that some can reach and others cannot is told apart by region, and England less
    that is the other regions: so every region on the roster then needs as many, whichever is asked about. Raises
    `QueryRefused`.
    """
    try:
        reached = [codes.intersection(operators) for codes in reach_sets(plan)]
    except RegionTangled:
        raise QueryRefused(RefusalCode.PATH_REACH, f"The question cannot be answered: {_TANGLED}.") from None
    _check_enough(reached, operators, fewest, "A cell can be reached by")
    if {frozenset(), frozenset(load_authorities()).intersection(operators)}.issuperset(reached):
        return
    regions: dict[str, set[str]] = {}
    for authority in load_every_authority():
        if authority.code in operators:
            regions.setdefault(authority.region, set()).add(authority.code)
    _check_enough(regions.values(), operators, fewest, "The question tells regions apart, and one of them has")


def _check_enough(groups: Iterable[Set[str]], operators: Mapping[str, str], fewest: int, what: str) -> None:
    """Check that each group of authorities has so many operators, or nobody in it. Raises `QueryRefused`."""
    found = [len({operators[code] for code in codes}) for codes in groups if codes]
    if found and min(found) < fewest:
        text = f"{what} {min(found)} operators of the roster alone, and needs {fewest}."
        raise QueryRefused(RefusalCode.PATH_REACH, text)


CONFLICTING: Mapping[Path, frozenset[Path]] = MappingProxyType(
    {
        "exact_sum": frozenset({"noisy_sum", "per_authority"}),
        "noisy_sum": frozenset({"exact_sum"}),
        "per_authority": frozenset({"exact_sum"}),
    }
)
"""The paths that a question may not take beside another one that shares a key of `measure_keys` in one snapshot.

Exact sums go with nothing: less the rows of its authorities a total is what those rows withhold. Rows by
`per_authority` and totals by `noisy_sum` make one report (design, section 5): what noise promises holds whatever else
is known.
"""


def _against_noisy_sum(plan: QueryPlan) -> Iterator[Objection]:
    yield from _against_sums(plan)
    if plan.model is not None and plan.model.formula.family != "linear":
        reason = "logistic and Poisson models are fitted from exact sums alone; FIT_LINEAR can take it"
        yield Objection(RefusalCode.PATH_MODEL, reason)
        return
    try:
        prove_contributions(plan)
    except ContributionUnbounded as unbounded:
        yield Objection(RefusalCode.PATH_UNBOUNDED, str(unbounded))


def _against_per_authority(plan: QueryPlan) -> Iterator[Objection]:
    if plan.model is not None:
        yield Objection(RefusalCode.PATH_MODEL, "a model is fitted from sums over all authorities")


def _against_sums(plan: QueryPlan) -> Iterator[Objection]:
    if plan.by_authority:
        reason = f"it has a row for each {plan.authority_column}, which leaves by per_authority alone"
        yield Objection(RefusalCode.PATH_AUTHORITIES, reason)


def _against_exact_sum(plan: QueryPlan) -> Iterator[Objection]:
    found = [*_against_sums(plan), *_against_geography(plan)]
    yield from found
    if not found:
        yield from _against_reach(plan)
    yield from _against_size(plan)


def _against_size(plan: QueryPlan) -> Iterator[Objection]:
    """An exact sum carries more than the planner looks at: its capped counts, of which pairs of counts make many."""
    size = plan_bytes(replace(plan, path="exact_sum"))
    if size > BYTE_LIMIT:
        reason = f"with its capped counts each authority would send {size:,} bytes, and may send {BYTE_LIMIT:,}"
        yield Objection(RefusalCode.TOO_MANY_CELLS, reason)


def _against_geography(plan: QueryPlan) -> Iterator[Objection]:
    if named := sorted(plan.columns & _AUTHORITIES):
        yield Objection(RefusalCode.PATH_AUTHORITIES, f"it groups or filters by {' and '.join(named)}")
    in_area, geography = sorted(plan.columns & _IN_AREA), sorted(plan.columns & _GEOGRAPHY)
    if in_area and geography:
        reason = f"it crosses {' and '.join(in_area)} with {' and '.join(geography)}"
        yield Objection(RefusalCode.PATH_AUTHORITIES, reason)


def _against_reach(plan: QueryPlan) -> Iterator[Objection]:
    try:
        fewest = smallest_reach(plan)
    except RegionTangled:
        yield Objection(RefusalCode.PATH_REACH, _TANGLED)
        return
    if fewest < FEWEST_REACHING:
        reason = f"a cell can be reached by {fewest} authorities alone, and needs {FEWEST_REACHING}"
        yield Objection(RefusalCode.PATH_REACH, reason)
