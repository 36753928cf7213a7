"""The canonical form of a question, whose hash is its id: equal questions have one form, and unlike ones never.

By this form hub and node agree on what is asked, and the history of what was asked is kept. It says what each figure is
worked out from and leaves out labels, the names of categories, the order of columns, and how a filter is spelled. Two
figures that happen to come to the same, such as `REGR_AVGY(y, x)` and the average of y where x has a value, are held to
rules of their own, and so are two questions.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from query_engine.columns import Category, GovernedTable
from query_engine.models.formula import Factor, Main, ModelFormula, mains_of
from query_engine.planning.region import Region, single_code
from query_engine.planning.relation import Relation

JSON = str | int | bool | None | list["JSON"] | dict[str, "JSON"]


Asked = tuple[str, tuple[str, ...], tuple[str, ...], str]
"""One figure: its kind, the statistics that it is worked out from and those behind it, and of a quantile which one."""


def write_canonical(question: Mapping[str, JSON]) -> str:
    """The form of a question, part by part, as JSON without white space."""
    return json.dumps(question, sort_keys=True, separators=(",", ":"))


def canonical_table(table: GovernedTable) -> JSON:
    """What the rows are of: the name of a table, or how several are joined."""
    return dict(table.canonical) if isinstance(table, Relation) else table.name


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


def canonical_categories(
    name: str, categories: Sequence[Category | None], regions: Sequence[Region], table: GovernedTable
) -> JSON:
    """A column's categories; of an expression the rows of each category, whatever it is called."""
    if not regions:
        return list(categories)
    column = table.columns.get(name)
    if column is not None:  # an expression that tells apart just the categories of this column
        codes = sorted(code for each in regions if (code := single_code(each)) is not None)
        return [_plain(column.value(code)) for code in codes]
    return sorted((canonical_region(each, table) for each in regions), key=lambda form: json.dumps(form))


def canonical_figures(figures: Iterable[Asked]) -> JSON:
    """What is asked, once each. Where neither of two measures comes first, their order says nothing."""
    asked = {_either_way(*each) for each in figures}
    return [[kind, list(statistics), list(behind), at] for kind, statistics, behind, at in sorted(asked)]


def _either_way(kind: str, statistics: tuple[str, ...], behind: tuple[str, ...], at: str) -> Asked:
    """A figure of which it says nothing which measure is called x: behind it are two groups, and those of measures."""
    if kind not in _EITHER_WAY:
        return kind, statistics, behind, at
    return _EITHER_WAY[kind], tuple(sorted(statistics)), (*behind[:2], *sorted(behind[2:])), at


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


def canonical_formula(formula: ModelFormula) -> JSON:
    """What is fitted to the statistics, whatever the order of the terms: a number as it is, or as a factor."""
    terms = sorted(" * ".join(sorted(map(_main, mains_of(term)))) for term in formula.terms)
    return [formula.family, formula.outcome.column, *terms]


def _main(main: Main) -> str:
    return f"factor {main.column}" if isinstance(main, Factor) else main.column


def _plain(value: object) -> JSON:
    """A value as JSON, with decimals as text so that none is ever a binary fraction."""
    return value if value is None or isinstance(value, str | int) else str(value)
