"""The tables that a question reads, how they are joined and what is worked out beforehand, in plain words."""

from collections.abc import Iterator

from query_engine.catalogue import GovernedTable
from query_engine.planning.relation import Part, Relation, TallyColumn
from query_engine.wording.phrases import call_column, describe_condition


def describe_source(table: GovernedTable) -> Iterator[str]:
    """One line for each table that is read, each with a line for whatever is worked out for each child of it."""
    if not isinstance(table, Relation):
        yield f"{table.name}: {table.grain}"
        return
    for place, part in enumerate(table.parts):
        yield f"{_joined(part, table) if place else ''}{_part(part)}"
        for tally in part.rows.tallies if part.rows is not None else ():
            yield f"  {_tally(tally, part, table)}"
    if len(table.parts) > 1:
        yield "A row is one match of their rows, of which a child may have several; children are counted once each."


def _joined(part: Part, table: Relation) -> str:
    keys = f"{table.child_key} and academic_year" if _is_by_year(part, table) else table.child_key
    if part.outer:
        return f"with what has the same {keys}, and without it where there is nothing: "
    return f"and, of the same {keys} and only where there is such a row, "


def _is_by_year(part: Part, table: Relation) -> bool:
    """Whether its rows are joined to those of the same academic year before them."""
    before = table.parts[: table.parts.index(part)]
    shared = part.year is not None and any(each.year == part.year for each in before if not each.outer)
    return part.tied is not None or shared


def _part(part: Part) -> str:
    if part.rows is None:
        return f"{part.table.name}: {part.table.grain}"
    unit = "child and academic year" if part.rows.by_year else "child"
    kept = " and ".join(describe_condition(part.rows.where, part.table))
    return f"one row for each {unit} with any row in {part.table.name} ({part.table.grain}), over {kept}"


def _tally(tally: TallyColumn, part: Part, table: Relation) -> str:
    """One column that is worked out, and what is cut off so that its bounds hold."""
    words = call_column(tally.column.name, table)
    low, high = tally.column.bounds or (0, 0)
    if tally.function in ("min", "max"):
        return f"{words}: {low} to {high}"
    rows = "1 row" if part.table.rows_per_child_year == 1 else f"{part.table.rows_per_child_year} rows"
    come = "comes" if part.table.rows_per_child_year == 1 else "come"
    return f"{words}: {low} to {high}, as {rows} in a year {come} to; whatever goes beyond is cut off"
