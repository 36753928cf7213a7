"""Released tables drawn by hand: what nodes would have sent, put through the same gate as theirs."""

from collections.abc import Mapping

from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleasedTable, read_released, release_tables
from disclosure_control.rows.protected_table import read_protected
from disclosure_control.rows.rounding import decimal_places
from disclosure_control.symbols import Symbol
from query_engine.catalogue import load_catalogue
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query


def make_plan(sql: str) -> QueryPlan:
    """The plan of a query on the catalogue that Circe ships."""
    return plan_query(parse_query(sql, load_catalogue()), load_catalogue())


def draw_release(
    sql: str, preset: str, drawn: Mapping[str, str], absent: Mapping[str, str] | None = None
) -> ReleasedTable:
    """The release of a query: for each authority the figures of its cells in the plan's order, a line each."""
    plan, rules = make_plan(sql), load_preset(preset)
    asked = [each for each in plan.outputs if each.kind != "dimension"]
    tables = {}
    for authority, text in drawn.items():
        lines = iter(text.strip().splitlines())
        rows: list[list[object]] = []
        for cell in plan.iter_cells():
            named = dict(zip((each.name for each in plan.dimensions), cell, strict=True))
            figures = dict(zip((each.label for each in asked), next(lines).split(), strict=True))
            rows.append(
                [
                    _on_the_wire(figures[each.label], decimal_places(each, rules))
                    if each.dimension is None
                    else named[each.dimension]
                    for each in plan.outputs
                ]
            )
        wire = {
            "plan_id": plan.plan_id,
            "preset": preset,
            "preset_version": rules.version,
            "columns": [each.label for each in plan.outputs],
            "rows": rows,
        }
        tables[authority] = read_protected(wire, plan, rules)
    return read_released(release_tables(tables, absent or {}, plan, rules).to_json())


def _on_the_wire(figure: str, places: int) -> object:
    return figure if places or figure in list(Symbol) else int(figure)
