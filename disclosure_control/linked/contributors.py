"""Contributors: what somebody who is counted finds out about others from several tables: they know that they are there.

Looked at are the smallest cells there are (see `suppression.contributors`), one for each reader: of somebody in several
of them at once, by columns that no question crosses, each by itself. Where counts are rounded nothing is looked at: one
child is mostly less than what rounding leaves open. Nor is at groups that an outsider knows to be few, or nobody.
"""

from collections.abc import Set

from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.rules import Rules, strictest
from disclosure_control.linked.counts.said import Entries, Said
from disclosure_control.suppression.contributors import told_to_contributors
from disclosure_control.suppression.deadline import Deadline
from disclosure_control.suppression.view import View

__all__ = ["find_told_to_contributors"]


def find_told_to_contributors(
    linked: Linked, entries: Entries, rules: Rules, view: View, deadline: Deadline, only: Set[int] | None = None
) -> frozenset[int]:
    """The withheld cells, and cells that nobody asked for, of which somebody who is counted knows too much.

    `view` is what is printed, as an outsider has it. Where `only` some cells matter, others are not looked at. Raises
    `TimeUp`.
    """
    if any(each.bases.nation > 1 for each in rules):
        return frozenset()
    said = Said.of(linked, entries, rules)
    hidden = [cell for cell in said.hidden() if cell not in linked.ordinary]
    looked_at = [cell for cell in (*said.withheld_cells(), *hidden) if only is None or cell in only]
    wanted = dict.fromkeys(looked_at, strictest(rules).least)
    may_be_none = frozenset(hidden) if view.rule.hidden[0] else frozenset()
    return frozenset(told_to_contributors(view, wanted, deadline, may_be_none))
