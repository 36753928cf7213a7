"""A question explained as a database explains a query: what is read, how much of it, by which paths, and what to mind.

Everything here comes from the question alone. What disclosure control expects of its table is for others to add.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from query_engine.planning.measuring import LARGEST_ROSTER, MOST_ROWS
from query_engine.planning.overflow import LIMIT, plan_bytes, prove_no_overflow
from query_engine.planning.paths import Path, PathVerdict, judge_paths, plan_for_path
from query_engine.planning.plan import QueryPlan
from query_engine.planning.reach import smallest_reach
from query_engine.planning.region import RegionTangled
from query_engine.query.predicate import Between, Comparison, Either, Every, Negation
from query_engine.query.view import Condition, View
from query_engine.question import Question
from query_engine.wording.description import Paragraph, describe_plan, describe_statistic


def explain_question(question: Question) -> list[Paragraph]:
    """The question as headed paragraphs, without its warnings and its id."""
    plan = question.plan
    paragraphs = [each for each in describe_plan(plan) if each[0] != "Plan"]
    paragraphs += [("Sums", [_describe_room(plan)]), ("Reach", [_describe_reach(plan)])]
    paragraphs.append(("Paths", [_describe_path(each, plan) for each in judge_paths(plan)]))
    if shown := list(describe_view(question.view)):
        paragraphs.append(("Shown", [*shown, "a view of the released table, and no part of the plan"]))
    return paragraphs


def explain_as_json(question: Question) -> dict[str, object]:
    """The question as `circe query check` prints it."""
    plan = question.plan
    return {
        "plan_id": plan.plan_id,
        "cells": plan.cells,
        "statistics": [each.name for each in plan.statistics],
        "warnings": [each.to_json() for each in question.cautions],
        "refused": None,
        "table": plan.table,
        "bytes": plan_bytes(plan),
        "carried": [
            {"name": each.name, "meaning": describe_statistic(each, plan.governed), "bound": each.bound}
            for each in plan.statistics
        ],
        "sums": [{"statistic": each.statistic, "most": str(each.most)} for each in prove_no_overflow(plan)],
        "paths": [
            {
                "path": each.path,
                "allowed": each.allowed,
                "taken": each.path == plan.path,
                "plan_id": plan_for_path(plan, each.path).plan_id if each.allowed else None,
                "bytes": plan_bytes(plan_for_path(plan, each.path)) if each.allowed else None,
                "codes": [objection.code.value for objection in each.objections],
                "reasons": list(each.reasons),
            }
            for each in judge_paths(plan)
        ],
        "view": list(describe_view(question.view)),
    }


def describe_view(view: View) -> Iterator[str]:
    """HAVING, ORDER BY and LIMIT in words; nothing for the whole table."""
    if view.having is not None:
        yield f"rows where {_words(view.having)}; a row whose figure is withheld is kept"
    if view.order:
        terms = ", ".join(f"{each.label}{' from the greatest down' if each.descending else ''}" for each in view.order)
        yield f"in the order of {terms}; withheld figures last"
    if view.limit is not None or view.offset:
        rows = "all rows" if view.limit is None else f"at most {view.limit:,} rows"
        yield rows + (f", after the first {view.offset:,}" if view.offset else "")


def _words(condition: Condition) -> str:
    match condition:
        case Comparison(label, operator, value):
            return f"{label} {operator} {value}"
        case Between(label, low, high):
            return f"{label} is {low} to {high}"
        case Negation(part):
            return f"not ({_words(part)})"  # type: ignore[arg-type]
        case Every(parts) | Either(parts):
            joined = " or " if isinstance(condition, Either) else " and "
            return joined.join(f"({_words(each)})" for each in parts)  # type: ignore[arg-type]
    raise AssertionError("a view has conditions of these forms alone")


def _describe_room(plan: QueryPlan) -> str:
    widest = max(prove_no_overflow(plan), key=lambda each: each.most)
    return (
        f"no sum leaves 64 bits: over {LARGEST_ROSTER} nodes of {MOST_ROWS:,} rows each, with noise, the widest takes "
        f"under {max(1, -(-widest.most * 100 // LIMIT))} per cent of the room"
    )


def _describe_reach(plan: QueryPlan) -> str:
    try:
        fewest = smallest_reach(plan)
    except RegionTangled:
        return "which authorities can have children in a cell is too tangled to tell"
    return f"{fewest} authorities or more can have children in each cell"


LEAVES_BY: Mapping[Path, str] = MappingProxyType(
    {
        "noisy_sum": "each authority adds its share of the noise, and only the noised sum can be opened",
        "exact_sum": "only the exact sum can be opened, by the hub, which protects it",
        "per_authority": "each authority protects its own rows before they leave",
    }
)
"""What each path means."""


def _describe_path(verdict: PathVerdict, plan: QueryPlan) -> str:
    if not verdict.allowed:
        return f"{verdict.path}: cannot be taken: {'; '.join(verdict.reasons)}"
    standing = "taken" if verdict.path == plan.path else "could be taken"
    return f"{verdict.path}: {standing}; {LEAVES_BY[verdict.path]}"
