"""What a reader takes printed counts to say: one view of all of them, by adding up and no more than that."""

from collections import Counter
from collections.abc import Sequence

from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.joining import join_narrowed
from disclosure_control.linked.counts.rules import Rules, strictest
from disclosure_control.linked.counts.said import Entries, Said
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.suppression.view import WITHHELD, View

__all__ = ["SOMEBODY", "Reading", "find_doubtful", "read_counts", "readings", "view_counts"]

Reading = frozenset[int]
"""The tables, by number, in which a count that is withheld may be nobody's to some reader, though zeros are shown."""

SOMEBODY: Reading = frozenset()
"""How whoever takes each of them for somebody reads."""


def view_counts(linked: Linked, entries: Entries, rules: Rules, first: Reading | None = None) -> View:
    """What printed counts say of each other by adding up, and no more than that. Raises `Contradiction`.

    They are read as `first` says, where that agrees with them.
    """
    return read_counts(linked, entries, rules, first)[0]


def read_counts(linked: Linked, entries: Entries, rules: Rules, first: Reading | None = None) -> tuple[View, Reading]:
    """The same, and how they are read then. Raises `Contradiction`."""
    contradiction, said = Contradiction(), Said.of(linked, entries, rules)
    for may_be_none in readings(entries, rules, first):
        try:
            asked, low, high = join_narrowed(linked, rules, said.bounds(may_be_none))
            return View(asked.lattice, strictest(rules), low, high, ()), may_be_none
        except Contradiction as found:
            contradiction = found
    raise contradiction


def readings(entries: Entries, rules: Rules, first: Reading | None = None) -> Sequence[Reading]:
    """The tables in which a count that is withheld may be none, though zeros are shown: as few as can be first.

    What less of the same had said is read as all of it is, which comes `first` then: whoever took c for somebody, and
    sees now that it is nobody, did not know before what they worked out from that.

    Whoever takes c for "somebody" can be wrong: where all of a table is withheld, nothing of it says that anybody is
    there; and of a row that is withheld for one of its counts so are the others.
    """
    every, blank = _tables_of(entries), _find_blank(entries)
    if not any(each.shows_zero for each in rules):
        return [every]
    return list(dict.fromkeys((*(() if first is None else (first,)), SOMEBODY, blank, every)))


def find_doubtful(entries: Entries, rules: Rules) -> Reading:
    """The tables in which a count that is withheld can be nobody's in truth, though zeros are shown.

    All of such a table is withheld, or a row of it, with several counts, for the sake of one of them.
    """
    withheld = ((number, row) for (number, row, _), entry in entries.items() if entry == WITHHELD)
    whole_rows = {number for (number, _), count in Counter(withheld).items() if count > 1}
    return frozenset(each for each in _find_blank(entries) | whole_rows if rules[each].shows_zero)


def _find_blank(entries: Entries) -> Reading:
    return _tables_of(entries) - {number for (number, _, _), entry in entries.items() if isinstance(entry, int)}


def _tables_of(entries: Entries) -> Reading:
    return frozenset(number for number, _, _ in entries)
