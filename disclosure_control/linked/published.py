"""Tables that were released, as whoever reads several of them together takes them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from disclosure_control.linked.children.counted import Counted, counts_of
from disclosure_control.linked.counts.cells import Linked, Place
from disclosure_control.linked.counts.links import link_plans
from disclosure_control.linked.counts.rules import Rules, rule_for
from disclosure_control.linked.counts.said import Entries
from disclosure_control.linked.counts.shares import read_share
from disclosure_control.presets.preset import Preset
from disclosure_control.rows.protected_table import Entry, Row
from disclosure_control.suppression.cell_rules import least_behind, least_meeting
from disclosure_control.suppression.rules import UNBOUNDED, Interval
from disclosure_control.suppression.view import UNKNOWN, WITHHELD, Printed
from disclosure_control.symbols import Symbol
from query_engine.planning.plan import QueryPlan

__all__ = ["Published", "entries_of", "link_published", "rules_of"]


@dataclass(frozen=True)
class Published:
    """A table that was released: its plan, its rows in the plan's order without an authority's code, and over whom.

    `preset` is what protected it, in the version of then: by it the rows are read.
    `implied` has counts of the children behind figures that are no counts, as they would be printed, by row and label:
    whoever made the table knows them. Of a total, who opened it knows how many of a count one authority has at most:
    `held` has it by row and label, of implied counts too, and `held_between` by row and two labels, of those whom the
    first counts and the second does not.
    """

    name: str
    plan: QueryPlan
    preset: Preset
    rows: Sequence[Row]
    roster: Collection[str] = ("",)
    implied: Mapping[tuple[int, str], int] = field(default_factory=dict)
    held: Mapping[tuple[int, str], int] = field(default_factory=dict)
    held_between: Mapping[tuple[int, str, str], int] = field(default_factory=dict)


def link_published(published: Sequence[Published]) -> Linked:
    """The links between tables. Raises `TooTangled`."""
    return link_plans([each.plan for each in published], [each.roster for each in published])


def rules_of(published: Sequence[Published]) -> Rules:
    """What the counts of each table were held to."""
    return [rule_for(each.preset, each.plan) for each in published]


def entries_of(published: Sequence[Published]) -> Entries:
    """What is printed of each count, or known by a figure that is printed."""
    found: dict[Place, Printed | Interval] = {}
    for number, table in enumerate(published):
        every = tuple(counts_of(table.plan))
        for counted, (place, row) in product(every, enumerate(table.rows)):
            implied = table.implied.get((place, counted.label))
            if counted.of_share and implied is None:
                said: Printed | Interval | None = read_share(table.plan, table.preset, every, counted, row)
            else:
                said = _read(row[counted.place], implied, counted, table)
            if said is not None:
                found[number, place, counted.label] = said
    return found


def _read(entry: Entry, implied: int | None, counted: Counted, table: Published) -> Printed | Interval | None:
    """What is printed of a count; None where nothing is, not even that it is of somebody."""
    output = table.plan.outputs[counted.place]
    if counted.implied and entry == Symbol.NOT_APPLICABLE:
        # An average is of nobody then; of other figures there may be too few to work them out.
        return 0 if output.kind == "mean" else None
    if counted.may_be_nobodys and isinstance(entry, Symbol):
        return None
    if counted.implied and isinstance(entry, Symbol):
        return UNKNOWN
    if counted.implied:
        # That it is printed says that it rests on enough; no more than that 0 may be the sum of nobody.
        may_be_none = not entry and (output.kind == "sum" or counted.multiplied)
        behind = least_meeting if counted.multiplied else least_behind
        least = 0 if may_be_none else behind(output, table.preset)
        return (least, UNBOUNDED) if implied is None else implied
    if isinstance(entry, int) and not isinstance(entry, bool):
        return entry
    return WITHHELD if entry == Symbol.CONFIDENTIAL else UNKNOWN
