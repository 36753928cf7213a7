"""By which paths a table may leave the nodes, decided from the plan alone.

| path | what crosses the boundary | used for |
|---|---|---|
| `noisy_sum` | masked cells, noise inside: only the noised sum over the roster can be opened | ad-hoc questions |
| `exact_sum` | masked cells: only the exact sum over the roster can be opened, by the hub | standing statistics |
| `per_authority` | each node's own rows, completely protected | output with authority rows |

What a plan cannot tell is for others to decide: the roster and its operators, what an authority's own policy allows,
and which path the same measure, population and snapshot took before.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from query_engine.planning.plan import QueryPlan
from query_engine.planning.reach import smallest_reach
from query_engine.planning.region import RegionTangled

Path = Literal["noisy_sum", "exact_sum", "per_authority"]

FEWEST_REACHING = 5
"""Authorities, at least, that must be able to reach each cell of an exact sum."""

_AUTHORITIES = frozenset({"home_authority", "host_authority"})
_GEOGRAPHY = _AUTHORITIES | {"home_region", "host_region"}
_IN_AREA = frozenset({"school_in_area", "placement_in_area"})


@dataclass(frozen=True, slots=True)
class PathVerdict:
    """Whether a plan may take a path, and if not, why."""

    path: Path
    reasons: tuple[str, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


def judge_paths(plan: QueryPlan) -> tuple[PathVerdict, ...]:
    """Every path, with what speaks against it."""
    reasons = {"noisy_sum": _against_noisy_sum(plan), "exact_sum": _against_exact_sum(plan), "per_authority": ()}
    return tuple(PathVerdict(path, tuple(reasons[path])) for path in get_args(Path))


def _against_noisy_sum(plan: QueryPlan) -> list[str]:
    wide = sorted({each.measure.name for each in plan.statistics if each.kind == "high" and each.measure is not None})
    if wide:
        return [f"sums of {', '.join(wide)} are carried in two parts, which noise cannot be spread over"]
    return []


def _against_exact_sum(plan: QueryPlan) -> list[str]:
    reasons = []
    if named := sorted(plan.columns & _AUTHORITIES):
        reasons.append(f"it groups or filters by {' and '.join(named)}")
    in_area, geography = sorted(plan.columns & _IN_AREA), sorted(plan.columns & _GEOGRAPHY)
    if in_area and geography:
        reasons.append(f"it crosses {' and '.join(in_area)} with {' and '.join(geography)}")
    if not reasons:
        reasons += _against_reach(plan)
    return reasons


def _against_reach(plan: QueryPlan) -> list[str]:
    try:
        fewest = smallest_reach(plan)
    except RegionTangled:
        return ["which authorities can reach a cell is too tangled to tell"]
    if fewest < FEWEST_REACHING:
        return [f"a cell can be reached by {fewest} authorities alone, and needs {FEWEST_REACHING}"]
    return []
