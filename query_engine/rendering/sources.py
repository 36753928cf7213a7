"""FROM as SQL: a governed table by its name, or a relation as a query over its parts with the columns that are used.

The bounds of what is worked out for each child are kept by CASE and not by LEAST, which would give the bound where
there is no value.
"""

from collections.abc import Iterable

from sqlglot import exp

from query_engine.catalogue import Column, GovernedTable
from query_engine.planning.region import Split
from query_engine.planning.relation import FILLED, YEAR, Part, Relation, TallyColumn
from query_engine.rendering.conditions import column_named, render_condition


def render_source(table: GovernedTable, used: Iterable[str]) -> exp.Expr:
    """What a query over the table reads, with the columns it uses and the child key."""
    if not isinstance(table, Relation):
        return exp.to_table(table.name)
    names = sorted({table.child_key, *used})
    query = exp.select(*(exp.alias_(_value(each, table), each, quoted=True) for each in names))
    first, *others = table.parts
    query = query.from_(_read(first, table, names))
    for part in others:
        condition = exp.and_(*(exp.EQ(this=left, expression=right) for left, right in _matches(part, table)))
        query = query.join(_read(part, table, names), on=condition, join_type="LEFT" if part.outer else "INNER")
    return query.subquery("relation")


def _alias(part: Part, table: Relation) -> str:
    return f"part_{table.parts.index(part)}"


def _value(name: str, table: Relation) -> exp.Expr:
    """A column of the relation, out of the part that it comes from."""
    value: exp.Expr = _of(table.part_of(name), table.origins[name][1], table)
    return exp.func("COALESCE", value, exp.Literal.number(0)) if name.endswith(FILLED) else value


def _of(part: Part, local: str, table: Relation) -> exp.Column:
    return exp.column(local, table=_alias(part, table), quoted=True)


def _matches(part: Part, table: Relation) -> list[tuple[exp.Column, exp.Column]]:
    """The columns by which a part is joined: the child key, and the academic year that it shares with a part before."""
    key, first = table.child_key, table.parts[0]
    pairs = [(_of(part, key, table), _of(first, key, table))]
    year = part.tied or part.year
    before = table.parts[: table.parts.index(part)]
    same = next((each for each in before if not each.outer and year is not None and each.year == year), None)
    return pairs if same is None else [*pairs, (_of(part, YEAR, table), _of(same, YEAR, table))]


def _read(part: Part, table: Relation, names: Iterable[str]) -> exp.Expr:
    alias = exp.to_identifier(_alias(part, table), quoted=True)
    if part.rows is None:
        return exp.alias_(exp.to_table(part.table.name), alias, table=True)
    wanted = {table.origins[each][1] for each in names}
    keys = [column_named(name) for name in (part.table.child_key, *([YEAR] if part.rows.by_year else []))]
    tallies = [each for each in part.rows.tallies if each.column.name in wanted]
    held = [exp.alias_(_tally(each, part.table), each.column.name, quoted=True) for each in tallies]
    query = exp.select(*keys, *held).from_(exp.to_table(part.table.name)).group_by(*keys)
    if isinstance(part.rows.where, Split):
        query = query.where(render_condition(part.rows.where, part.table))
    return query.subquery(alias)


def _tally(tally: TallyColumn, table: GovernedTable) -> exp.Expr:
    """What is worked out for one child, within its bounds and as the type of its column."""
    value: exp.Expr = exp.Literal.number(1)
    if tally.source is not None:
        value = column_named(tally.source)
        value = value if tally.column.scale else exp.cast(value, "BIGINT")
    if isinstance(tally.where, Split):
        value = exp.Case().when(render_condition(tally.where, table), value)
    functions = {"count": exp.Count, "sum": exp.Sum, "min": exp.Min, "max": exp.Max}
    return exp.cast(_bounded(functions[tally.function](this=value), tally.column), _type(tally.column))


def _bounded(value: exp.Expr, column: Column) -> exp.Expr:
    low, high = (exp.Literal.number(str(end)) for end in column.bounds or ())
    over, under = exp.GT(this=value, expression=high), exp.LT(this=value.copy(), expression=low)
    return exp.Case().when(over, high.copy()).when(under, low.copy()).else_(value.copy())


def _type(column: Column) -> str:
    return f"DECIMAL(18, {column.scale})" if column.scale else "BIGINT"
