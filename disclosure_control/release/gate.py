"""The release gate: protected tables go in, one released table comes out, and nothing else does.

A released table is made here, of the protected tables of one plan; in `totals`, of one sum over a roster; or by
`read_released` in the hands of a client. Here every authority of the roster has all its rows, those that did not answer
with `x` in each figure, and there is no total across authorities: one beside exact rows would give away a row that is
withheld.
"""

from collections.abc import Collection, Mapping

from disclosure_control.presets.shipped import Preset
from disclosure_control.release.reading import ReleaseMalformed, read_released
from disclosure_control.release.released import ReleasedTable, seal_release
from disclosure_control.rows.protected_table import ProtectedTable, Row, name_categories, plan_columns
from disclosure_control.symbols import Symbol
from query_engine.planning.plan import QueryPlan

__all__ = ["ReleaseMalformed", "ReleaseRefused", "ReleasedTable", "check_roster", "read_released", "release_tables"]

PROTECTED_AT = (
    "Each authority protected its own rows before they left it, beside those that left before; no total across "
    "authorities is released."
)

LONGEST_REASON = 200
"""Characters of the reason for an absence."""


class ReleaseRefused(Exception):
    """What was handed to the gate may not be released together, or at all; the text says what is wrong."""


def release_tables(
    tables: Mapping[str, ProtectedTable], absent: Mapping[str, str], plan: QueryPlan, preset: Preset
) -> ReleasedTable:
    """The one table of a roster: those that answered, and those that did not with the reason for each.

    The keys of both are authority codes; together they are the roster. Rows are ordered by authority, then by the
    plan's cells. Raises `ReleaseRefused` where anything but a protected table of this plan and preset is handed in.
    """
    if plan.path != "per_authority":
        raise ReleaseRefused(f"a plan of the path {plan.path} is answered by a total, and by no authority's table")
    check_roster(tables, absent, plan)
    for authority, table in tables.items():
        _check_table(authority, table, plan, preset)
    unavailable = _rows_unavailable(plan)
    rows = [
        (authority, *row)
        for authority in sorted([*tables, *absent])
        for row in (tables[authority].rows if authority in tables else unavailable)
    ]
    return seal_release(plan, preset, tuple(rows), tuple(tables), absent, f"{preset.method} {PROTECTED_AT}")


def check_roster(answered: Collection[str], absent: Mapping[str, str], plan: QueryPlan) -> None:
    """Check who is in a release, and of those who are not the reasons. Raises `ReleaseRefused`."""
    if not answered and not absent:
        raise ReleaseRefused("the roster is empty")
    if both := sorted(set(answered) & absent.keys()):
        raise ReleaseRefused(f"both answered and absent: {', '.join(both)}")
    if plan.authority_column in plan_columns(plan):
        raise ReleaseRefused(f"a column of the plan has the authority column's name, {plan.authority_column}")
    known = plan.governed.columns[plan.authority_column].domain or ()
    for authority in (*answered, *absent):
        if authority not in known:
            raise ReleaseRefused(f"not an authority of the catalogue: {authority!a}")
    for authority, reason in absent.items():
        if not reason or not reason.isprintable() or len(reason) > LONGEST_REASON:
            raise ReleaseRefused(
                f"{authority}: the reason for absence must be one line of 1 to {LONGEST_REASON} characters"
            )


def _check_table(authority: str, table: object, plan: QueryPlan, preset: Preset) -> None:
    """Check that a table is protected, and by this preset, and answers this plan. Raises `ReleaseRefused`."""
    if not isinstance(table, ProtectedTable):
        raise ReleaseRefused(f"{authority}: only a protected table may be released, not a {type(table).__name__}")
    if table.plan_id != plan.plan_id or table.columns != plan_columns(plan):
        raise ReleaseRefused(f"{authority}: the table answers another plan than {plan.plan_id}")
    if (table.preset, table.preset_version) != (preset.name, preset.version):
        raise ReleaseRefused(f"{authority}: the table was protected by {table.preset}, version {table.preset_version}")


def _rows_unavailable(plan: QueryPlan) -> list[Row]:
    """All cells of an authority that did not answer."""
    named = (name_categories(plan, cell) for cell in plan.iter_cells())
    return [
        tuple(Symbol.UNAVAILABLE if each.dimension is None else names[each.dimension] for each in plan.outputs)
        for names in named
    ]
