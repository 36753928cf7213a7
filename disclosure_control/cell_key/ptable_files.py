"""Perturbation tables as files, in the two shapes in use.

The Office for National Statistics writes one line for each count and key:

    "pcv","ckey","pvalue"
    1,0,-1

with rows 1 to 750, of which the last 250 repeat; what has no line is not changed. The R package `ptable` writes the
chances instead, one line for each count and outcome, with the cumulated chance up to the outcome and with it:

    i;j;p;kum_p_u;kum_p_o;diff
    1;0;0.375;0;0.375;-1

of which the last row serves all larger counts. The chances are turned into so many keys for each change, by which the
average change stays 0.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from disclosure_control.cell_key.ptable import KEY_RANGES, KeyRange, PTable, PTableInvalid

__all__ = ["ONS_CYCLE", "ONS_ROWS", "read_ons", "read_r", "share_keys", "table_of_chances", "write_ons", "write_r"]

ONS_ROWS = 750
ONS_CYCLE = 250
LARGEST_FILE = 64 * 1024 * 1024
"""Bytes: 750 rows of 4096 keys take 36 MB."""

_ONS = ("pcv", "ckey", "pvalue")
_R = ("i", "j", "p", "kum_p_u", "kum_p_o", "diff")

Chances = Mapping[int, float]
"""The chance of each change of one count."""


def read_ons(content: bytes, name: str) -> PTable:
    """The table in a file of the ONS shape. Raises `PTableInvalid`."""
    changes: dict[tuple[int, int], int] = {}
    for place, line in enumerate(_lines(content, name, ",", _ONS), start=2):
        count, key, change = (_whole(name, place, line[column]) for column in _ONS)
        if not 0 <= count <= ONS_ROWS or not 0 <= key < max(KEY_RANGES):
            raise PTableInvalid(f"{name}: line {place} is for a count or a key that there is not")
        if changes.setdefault((count, key), change) != change:
            raise PTableInvalid(f"{name}: line {place} gives another change for the same count and key")
    if not changes:
        raise PTableInvalid(f"{name}: has no lines")
    keys = range(1 + max(key for _, key in changes))
    rows = [tuple(changes.get((count, key), 0) for key in keys) for count in range(ONS_ROWS + 1)]
    return PTable(name, tuple(rows[1:]), ONS_CYCLE, rows[0] if any(rows[0]) else ())


def write_ons(table: PTable) -> bytes:
    """A table as a file of the ONS shape, with rows for counts up to 750; zeros only where they are changed."""
    counts = range(0 if table.zeros else 1, ONS_ROWS + 1)
    lines = ((count, key, change) for count in counts for key, change in enumerate(table.changes(count)))
    return _write(",", _ONS, lines)


def read_r(content: bytes, name: str, keys: KeyRange) -> PTable:
    """The table in a file of the shape of R's `ptable`. Raises `PTableInvalid`."""
    chances: dict[int, dict[int, float]] = {}
    for place, line in enumerate(_lines(content, name, ";", _R), start=2):
        count, outcome, change = (_whole(name, place, line[column]) for column in ("i", "j", "diff"))
        if outcome - count != change:
            raise PTableInvalid(f"{name}: line {place}: j less i must be diff")
        row = chances.setdefault(count, {})
        if change in row:
            raise PTableInvalid(f"{name}: line {place} gives a second chance for the same count and outcome")
        row[change] = _chance(name, place, line["p"])
    if sorted(chances) != list(range(len(chances))) or len(chances) < 2:
        raise PTableInvalid(f"{name}: must have lines for every count from 0 to its last")
    for count, row in chances.items():
        if abs(sum(row.values()) - 1) > 1e-6:
            raise PTableInvalid(f"{name}: the chances of count {count} do not add up to 1")
    return table_of_chances(name, [chances[count] for count in range(len(chances))], keys)


def write_r(chances: Sequence[Chances]) -> bytes:
    """The chances of counts from 0 on as a file of the shape of R's `ptable`."""
    lines = []
    for count, row in enumerate(chances):
        below = 0.0
        for change, chance in sorted(row.items()):
            lines.append((count, count + change, chance, below, below + chance, change))
            below += chance
    return _write(";", _R, lines)


def table_of_chances(name: str, chances: Sequence[Chances], keys: KeyRange) -> PTable:
    """The table of the chances of counts from 0 on; the last row serves all larger counts. Raises `PTableInvalid`."""
    rows = [share_keys(row, keys) for row in chances]
    return PTable(name, tuple(rows[1:]), 1, rows[0] if any(rows[0]) else ())


def share_keys(chances: Chances, keys: KeyRange) -> tuple[int, ...]:
    """A change for each key: as near to the chances as whole numbers of keys can be with their average change.

    Changes are in order, the least at key 0, as `ptable` cumulates them. The average is kept exactly, but for a row
    whose changes lie apart (-1 and 2 alone): there it can be off by less than one key's.
    """
    changes = sorted(change for change, chance in chances.items() if chance > 0)
    wanted = {change: chances[change] * keys for change in changes}
    shared = {change: int(wanted[change]) for change in changes}
    for change in sorted(changes, key=lambda each: shared[each] - wanted[each])[: keys - sum(shared.values())]:
        shared[change] += 1
    aim = round(sum(change * wanted[change] for change in changes))
    while off := aim - sum(change * number for change, number in shared.items()):
        if not _move_key(shared, wanted, changes, off):
            break
    return tuple(change for change in changes for _ in range(shared[change]))


def _move_key(shared: dict[int, int], wanted: Mapping[int, float], changes: Sequence[int], off: int) -> bool:
    """Move one key to the next greater (or smaller) change, where that strays least from the chances.

    False where every such change lies further apart than the average is off.
    """
    pairs = list(pairwise(changes))
    moves = [(low, high) for low, high in pairs] if off > 0 else [(high, low) for low, high in pairs]
    moves = [(source, aim) for source, aim in moves if shared[source] > 0 and abs(aim - source) <= abs(off)]
    if not moves:
        return False
    source, aim = min(moves, key=lambda move: (wanted[move[0]] - shared[move[0]]) - (wanted[move[1]] - shared[move[1]]))
    shared[source] -= 1
    shared[aim] += 1
    return True


def _lines(content: bytes, name: str, separator: str, columns: tuple[str, ...]) -> Iterable[Mapping[str, str]]:
    if len(content) > LARGEST_FILE:
        raise PTableInvalid(f"{name}: is larger than {LARGEST_FILE} bytes")
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=separator, strict=True)
        if tuple(reader.fieldnames or ()) != columns:
            raise PTableInvalid(f"{name}: the first line must be {separator.join(columns)}")
        for place, line in enumerate(reader, start=2):
            if None in line or None in line.values():
                raise PTableInvalid(f"{name}: line {place} must have {len(columns)} entries")
            yield line
    except (UnicodeDecodeError, csv.Error):
        raise PTableInvalid(f"{name}: is not a table of text") from None


def _whole(name: str, place: int, text: str) -> int:
    if len(text) > 9 or not text.removeprefix("-").isdecimal() or not text.isascii():
        raise PTableInvalid(f"{name}: line {place} must have whole numbers")
    return int(text)


def _chance(name: str, place: int, text: str) -> float:
    try:
        chance = float(text)
    except ValueError:
        chance = -1.0
    if not 0 <= chance <= 1:
        raise PTableInvalid(f"{name}: line {place}: p must be a chance from 0 to 1")
    return chance


def _write(separator: str, columns: tuple[str, ...], lines: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(lines)
    return text.getvalue().encode()
