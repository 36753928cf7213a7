"""Tables protected one after the other, each beside those before it, as a node and a hub do it: to measure with."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from disclosure_control.linked.children.related import find_related
from disclosure_control.linked.published import Published
from disclosure_control.presets.preset import Preset
from disclosure_control.rows.others import Others
from disclosure_control.rows.protected_table import ProtectedTable
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours, imply_counts
from query_engine.tables import RawTable

__all__ = ["protect_in_turn"]


def protect_in_turn(
    raws: Iterable[tuple[RawTable, Others | None]], preset: Preset, beside: Iterable[Neighbours]
) -> Iterator[ProtectedTable]:
    """Each table, protected beside those before it that have to do with it.

    `beside` says of each over whom it is, and how it is looked at. With totals are their others: who made them has kept
    no more of them than was released. Of its own rows a node has also kept how many children are behind each figure.
    """
    earlier: list[Published] = []
    for (raw, others), near in zip(raws, beside, strict=False):
        related = find_related(raw.plan, [each.plan for each in earlier])
        before = tuple(each for each in earlier if each.plan.plan_id in related)
        table = protect(raw, preset, replace(near, earlier=before), others)
        yield table
        implied = imply_counts(raw, preset) if others is None else {}
        earlier.append(Published(f"R-{len(earlier)}", raw.plan, preset, table.rows, near.roster, implied))
