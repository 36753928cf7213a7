"""From exact counts and their cell keys to the counts that may be shown.

Each count is changed by what the perturbation table has for it and its cell key, and withheld where what is left is
under the preset's threshold, as the Office for National Statistics does it. A share comes from the changed counts.
Every cell is changed for itself: printed totals need not be the sums of what they add up.

What it protects against is certainty: a count that is one more or less than another may differ by a child or by the
changes. It does not bound what many questions tell together: changes are small and cancel out on average. So the number
of different questions is limited, and `averaging` measures what an attacker gets within the limit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from disclosure_control.cell_key.ptable import PTable
from disclosure_control.cell_key.zeros import empty_cell_key
from disclosure_control.preset import Preset
from disclosure_control.rounding import cut
from disclosure_control.symbols import Symbol, Value
from disclosure_control.tables import ProtectedTable, Row, name_categories, seal_table
from query_engine.catalogue import Category
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.record_keys import keys_of
from query_engine.tables import RawTable

__all__ = ["CellKeys", "protect_counts"]

_INTERVAL = 1.96


@dataclass(frozen=True, slots=True)
class CellKeys:
    """How counts are changed: by which table, withheld by which preset, and with which secret for empty cells.

    The secret is of whoever looks the counts up, and never released. It has no part where the table keeps zeros.
    """

    table: PTable
    preset: Preset
    secret: bytes

    def __repr__(self) -> str:
        return f"CellKeys({self.table.name}, {self.preset.name})"

    @property
    def method(self) -> str:
        """What is done to the counts and what it promises, as a paragraph for a reader."""
        table, preset = self.table, self.preset
        large = len(table.rows)
        zeros = "counts of nobody too" if table.zeros else "a count of nobody is not changed"
        withheld = "{} to {}".format(*preset.withheld_range)
        return " ".join(
            (
                f"Cell-key method (table {table.name}): every count was changed by at most {table.most} either way,",
                f"always in the same way for the same children; {zeros}. The change of a large count is 0 on average,",
                f"with a standard deviation of {table.deviation(large):.2f}: the true count lies within",
                f"{self.margin(large)} of the printed one 19 times in 20. Counts that came to {withheld} are",
                f"withheld (c), as preset {preset.name}, version {preset.version}, has it. Shares come from the",
                "changed counts. Totals are changed for themselves, and need not be the sums of the rows. Not claimed:",
                "protection against many questions about the same children. Changes cancel out on average.",
            )
        )

    def margin(self, count: int) -> int:
        """Within how much of the printed count the true one lies 19 times in 20: counted, not reckoned."""
        changes = sorted(abs(each) for each in self.table.changes(count))
        return changes[-(-len(changes) * 19 // 20) - 1]


def protect_counts(raw: RawTable, keys: CellKeys) -> ProtectedTable:
    """The protected table of a raw one whose plan carries record keys: see `with_record_keys`."""
    plan = raw.plan
    columns = {each.name: raw.statistic(each.name) for each in plan.statistics}
    rows = []
    for place, cell in enumerate(plan.iter_cells()):
        figures = {name: column[place] for name, column in columns.items()}
        rows.append(_protect_cell(plan, figures, name_categories(plan, cell), keys))
    return seal_table(plan, keys.preset, tuple(rows))


def _protect_cell(
    plan: QueryPlan, figures: Mapping[str, int], cell: Mapping[str, Category | None], keys: CellKeys
) -> Row:
    return tuple(
        cell[each.dimension] if each.dimension is not None else _figure(each, figures, cell, keys)
        for each in plan.outputs
    )


def _figure(output: Output, figures: Mapping[str, int], cell: Mapping[str, Category | None], keys: CellKeys) -> Value:
    """A count as changed, or a share of two of them; withheld where a count in it is."""
    counts = [_count(name, figures, cell, keys) for name in output.statistics]
    if Symbol.CONFIDENTIAL in counts:
        return Symbol.CONFIDENTIAL
    if output.kind != "mean":
        return counts[-1]
    of, part = counts[0], counts[-1]
    assert isinstance(of, int)
    assert isinstance(part, int)
    if of == 0:
        return Symbol.NOT_APPLICABLE
    return cut(min(Decimal(1), Decimal(part) / of), keys.preset.proportion_decimals)


def _count(name: str, figures: Mapping[str, int], cell: Mapping[str, Category | None], keys: CellKeys) -> Value:
    count, modulus = figures[name], keys.table.keys
    if count:
        key = figures[keys_of(name, modulus)] % modulus
    else:
        key = empty_cell_key(keys.secret, cell, modulus) if keys.table.zeros else 0
    changed = keys.table.perturb(count, key)
    low, high = keys.preset.withheld_range
    return Symbol.CONFIDENTIAL if low <= changed <= high else changed
