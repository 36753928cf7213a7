"""What a reader takes printed counts to say: one view of all of them, by adding up and no more than that."""

from collections.abc import Collection, Sequence

from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.implied import narrow_bounds
from disclosure_control.linked.counts.rules import Rules, strictest
from disclosure_control.linked.counts.said import Entries, Said
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.view import View

__all__ = ["readings", "view_counts"]


def view_counts(linked: Linked, entries: Entries, rules: Rules) -> View:
    """What printed counts say of each other by adding up, and no more than that. Raises `Contradiction`."""
    contradiction, said = Contradiction(), Said.of(linked, entries, rules)
    for may_be_none in readings(entries, rules):
        try:
            bounds = narrow_bounds(linked.lattice, *said.bounds(may_be_none))
            return View(linked.lattice, strictest(rules), *bounds, ())
        except Contradiction as found:
            contradiction = found
    raise contradiction


def readings(entries: Entries, rules: Rules) -> Sequence[Collection[int]]:
    """The tables in which a count that is withheld may be none, though zeros are shown: as few as can be first.

    Whoever takes c for "somebody" can be wrong: where all of a table is withheld, nothing of it says that anybody is
    there; and of a row that is withheld for one of its counts so are the others.
    """
    every = frozenset(number for number, _, _ in entries)
    blank = every - {number for (number, _, _), entry in entries.items() if isinstance(entry, int)}
    return list(dict.fromkeys((frozenset[int](), blank, every))) if any(each.shows_zero for each in rules) else [every]
