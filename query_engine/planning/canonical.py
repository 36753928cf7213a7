"""The canonical form of a question, whose hash is its id: equal questions have one form, and unlike ones never.

By this form hub and node agree on what is asked, and the history of what was asked is kept. It says what each figure is
worked out from and leaves out labels, the names of categories, the order of columns, and how a filter is spelled. Two
figures that happen to come to the same, such as `REGR_AVGY(y, x)` and the average of y where x has a value, are held to
rules of their own, and so are two questions.
"""

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from query_engine.columns import GovernedTable
from query_engine.models.formula import Factor, Main, mains_of
from query_engine.planning.region import Region, single_code
from query_engine.planning.relation import Relation

if TYPE_CHECKING:
    from query_engine.planning.plan import Dimension, ModelPlan, Output, QueryPlan

JSON = str | int | bool | None | list["JSON"] | dict[str, "JSON"]


def canonical_question(plan: "QueryPlan") -> str:
    """The form of a planned question, as JSON without white space."""
    question: JSON = {
        "planner": plan.planner_version,
        "path": plan.path,
        "table": dict(plan.governed.canonical) if isinstance(plan.governed, Relation) else plan.table,
        "dimensions": {each.name: _dimension(each, plan.governed) for each in plan.dimensions},
        "sets": [[plan.dimensions[place].name for place in grouping_set] for grouping_set in plan.sets],
        "where": canonical_region(plan.where, plan.governed),
        "asked": _outputs(plan.outputs),
        "model": _model(plan.model),
        "statistics": [[each.name, each.bound] for each in sorted(plan.statistics, key=lambda each: each.name)],
    }
    return json.dumps(question, sort_keys=True, separators=(",", ":"))


def canonical_region(region: Region, table: GovernedTable) -> JSON:
    """A region as JSON: by column, each further condition with the first and last values of the runs it holds for."""
    if isinstance(region, bool):
        return region
    column = table.columns[region.column]
    branches: list[JSON] = []
    for part, runs in region.branches():
        ends: list[JSON] = [[_plain(column.value(first)), _plain(column.value(last))] for first, last in runs]
        branches.append([ends, canonical_region(part, table)])
    return {column.name: branches}


def digest_of(form: JSON) -> str:
    """The first 32 hex figures of the SHA-256 of a JSON value, by which the parts of a plan are named."""
    return hashlib.sha256(json.dumps(form, sort_keys=True).encode("ascii")).hexdigest()[:32]


def _dimension(dimension: "Dimension", table: GovernedTable) -> JSON:
    """A column's categories; of an expression the rows of each category, whatever it is called."""
    if not dimension.regions:
        return list(dimension.categories)
    column = table.columns.get(dimension.name)
    if column is not None:  # an expression that tells apart just the categories of this column
        codes = sorted(code for each in dimension.regions if (code := single_code(each)) is not None)
        return [_plain(column.value(code)) for code in codes]
    return sorted((canonical_region(each, table) for each in dimension.regions), key=lambda form: json.dumps(form))


def _outputs(outputs: tuple["Output", ...]) -> JSON:
    """What is asked, once each: the kind, what it is worked out from, and of a quantile which one."""
    asked = {_output(each) for each in outputs if each.kind != "dimension"}
    return [[kind, list(statistics), list(behind), at] for kind, statistics, behind, at in sorted(asked)]


def _output(output: "Output") -> tuple[str, tuple[str, ...], tuple[str, ...], str]:
    """One figure. Where neither of two measures comes first, their order says nothing; nor does which is called x."""
    statistics, nonzero = output.statistics, output.nonzero
    if output.kind in _EITHER_WAY:
        statistics, nonzero = tuple(sorted(statistics)), tuple(sorted(nonzero))
    kind = _EITHER_WAY.get(output.kind, output.kind)
    return kind, statistics, (output.among, output.present, *nonzero), str(output.fraction or "")


_EITHER_WAY: Mapping[str, str] = MappingProxyType(
    {
        **{each: each for each in ("covariance", "covariance_population", "correlation", "regr_sxy")},
        **{each: each for each in ("regr_count", "regr_avgy", "regr_syy")},
        "regr_avgx": "regr_avgy",
        "regr_sxx": "regr_syy",
    }
)
"""Figures that are the same with y and x exchanged, each with what it is then called; `regr_r2` is not, where one of
them does not vary."""


def _model(model: "ModelPlan | None") -> JSON:
    """What is fitted to the statistics, whatever the order of the terms: a number as it is, or as a factor."""
    if model is None:
        return None
    formula = model.formula
    terms = sorted(" * ".join(sorted(map(_main, mains_of(term)))) for term in formula.terms)
    return [formula.family, formula.outcome.column, *terms]


def _main(main: Main) -> str:
    return f"factor {main.column}" if isinstance(main, Factor) else main.column


def _plain(value: object) -> JSON:
    """A value as JSON, with decimals as text so that none is ever a binary fraction."""
    return value if value is None or isinstance(value, str | int) else str(value)
