"""From exact counts and their cell keys to the counts that may be shown.

Each count is changed by what the perturbation table has for it and its cell key, and withheld where what is left is
under the preset's threshold, as the Office for National Statistics does it. A share comes from the changed counts.
Every cell is changed for itself: printed totals need not be the sums of what they add up.

What it protects against is certainty: a count that is one more or less than another may differ by a child or by the
changes. It does not bound what many questions tell together: changes are small and cancel out on average. So the number
of different questions is limited, and `averaging` measures what an attacker gets within the limit.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from disclosure_control.cell_key.ptable import PTable
from disclosure_control.cell_key.zeros import empty_cell_key
from disclosure_control.presets.preset import Preset
from disclosure_control.rows.protected_table import (
    Entry,
    ProtectedTable,
    Row,
    TableMalformed,
    name_categories,
    seal_table,
)
from disclosure_control.rows.rounding import cut
from disclosure_control.symbols import Symbol, Value
from query_engine.catalogue import Category
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.record_keys import keys_of
from query_engine.tables import RawTable

__all__ = ["CellKeys", "check_shares", "protect_counts"]


@dataclass(frozen=True, slots=True)
class CellKeys:
    """How counts are changed: by which table, withheld by which preset, and with which secret for empty cells.

    The secret is of whoever looks the counts up, and never released. It has no part where the table keeps zeros.
    """

    table: PTable
    preset: Preset
    secret: bytes

    def __post_init__(self) -> None:
        """Refuse a table that is not the preset's."""
        rule = self.preset.cell_key
        if rule is None or (rule.keys, rule.most) != (self.table.keys, self.table.most):
            raise ValueError(f"the preset {self.preset.name} does not change counts by table {self.table.name}")

    def __repr__(self) -> str:
        return f"CellKeys({self.table.name}, {self.preset.name})"

    @property
    def method(self) -> str:
        """What is done to the counts and what it promises, as the preset has it for a reader who lacks the table."""
        return self.preset.method

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
    return _share(part, of, keys.preset)


def _share(part: int, of: int, preset: Preset) -> Value:
    """The share that a changed count is of another."""
    if of == 0:
        return Symbol.NOT_APPLICABLE
    return cut(min(Decimal(1), Decimal(part) / of), preset.proportion_decimals)


def check_shares(table: ProtectedTable, plan: QueryPlan, preset: Preset) -> None:
    """Check every share that stands beside both its counts to be what they give. Raises `TableMalformed`."""
    for number, row in enumerate(table.rows, start=1):
        shown = {each.statistics[-1]: entry for each, entry in _counts_of(plan, row)}
        for output, entry in zip(plan.outputs, row, strict=True):
            if output.kind == "mean" and _expected(output, shown, preset) not in (None, entry):
                raise TableMalformed(f"row {number}, {output.label}: not the share of the counts beside it")


def _counts_of(plan: QueryPlan, row: Row) -> Iterator[tuple[Output, Entry]]:
    for output, entry in zip(plan.outputs, row, strict=True):
        if output.dimension is None and output.kind != "mean":
            yield output, entry


def _expected(output: Output, shown: Mapping[str, Entry], preset: Preset) -> Value | None:
    """What a share must be by the counts shown, or None where they do not say."""
    of, part = shown.get(output.statistics[0]), shown.get(output.statistics[-1])
    if Symbol.CONFIDENTIAL in (of, part):
        return Symbol.CONFIDENTIAL
    return _share(part, of, preset) if isinstance(of, int) and isinstance(part, int) else None


def _count(name: str, figures: Mapping[str, int], cell: Mapping[str, Category | None], keys: CellKeys) -> Value:
    count, modulus = figures[name], keys.table.keys
    if count:
        key = figures[keys_of(name, modulus)] % modulus
    else:
        key = empty_cell_key(keys.secret, cell, modulus) if keys.table.zeros else 0
    changed = keys.table.perturb(count, key)
    low, high = keys.preset.withheld_range
    return Symbol.CONFIDENTIAL if low <= changed <= high else changed
