"""Shares read back: how many are so, by the share that is printed and the number of whom it is one.

Whoever made the table knows it; a reader works it out, exactly or between two numbers, as the printed places allow.
"""

from collections.abc import Sequence
from decimal import Decimal

from disclosure_control.linked.children.counted import Counted
from disclosure_control.linked.counts.rules import rule_for
from disclosure_control.presets.preset import LEVELS, Preset
from disclosure_control.rows.protected_table import Row
from disclosure_control.rows.rounding import cut, decimal_places
from disclosure_control.suppression.rules import Interval
from disclosure_control.suppression.view import Printed
from disclosure_control.symbols import Symbol
from query_engine.planning.plan import QueryPlan

__all__ = ["read_share"]


def read_share(
    plan: QueryPlan, preset: Preset, every: Sequence[Counted], counted: Counted, row: Row
) -> Printed | Interval | None:
    """How many those are of whom a row prints a share, or a sum of ones, or between what; None where nobody knows.

    One number is as if it had been printed, and read by the preset's rule.
    """
    output, entry, rule = plan.outputs[counted.place], row[counted.place], rule_for(preset, plan)
    base = rule.bases.at(LEVELS[0])
    if isinstance(entry, Symbol) or not isinstance(entry, int | Decimal):
        return None
    if output.kind == "sum":
        return int(entry) if base == 1 else None
    number = _find_number(every, counted, row)
    if not output.indicator or not number:
        return None
    places = decimal_places(output, preset)
    found = [each for each in _near(entry, number, places, base) if cut(Decimal(each) / number, places) == entry]
    if len(found) > 1:
        return rule.behind(found[0], LEVELS[0])[0], rule.behind(found[-1], LEVELS[0])[1]
    return found[0] if found else None


def _find_number(every: Sequence[Counted], counted: Counted, row: Row) -> int:
    """The number that is printed of those of whom it is a share; 0 where none is."""
    whom = [each.rows for each in every if each.place == counted.place and not each.of_share]
    beside = (row[each.place] for each in every if not each.implied and each.rows in whom)
    return next((each for each in beside if isinstance(each, int) and not isinstance(each, bool)), 0)


def _near(share: int | Decimal, number: int, places: int, base: int) -> range:
    """The numbers, as they would be printed, of which one can be so large a share."""
    half = Decimal(1).scaleb(-places)
    least, most = int((share - half) * number), int((share + half) * number) + 1
    return range(max(0, least // base * base), min(number, most) + 1, base)
