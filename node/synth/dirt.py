"""The mistakes real returns hold, put into synthetic ones in known numbers.

Each kind of dirt spoils one row of its table for `EACH` children of the return (fewer in a return that is too small),
and no child is spoiled twice, so that every mistake can be counted where it is found.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from node.synth.calibration import seeded
from node.synth.care_rows import Row
from node.synth.ssda903 import COLUMNS, Tables

EACH = 3

_NO_SUCH_DAY = "31/02/2025"
_NOT_A_NUMBER = "n/k"
_NO_SUCH_CODE = "N9"
_LONG_BEFORE = "01/01/1999"  # no child of these returns was born


@dataclass(frozen=True)
class Dirt:
    """A kind of mistake: its `table`, which rows can have it, and what becomes of a row (gone, changed or two)."""

    name: str
    table: str
    can_spoil: Callable[[Row], bool]
    spoil: Callable[[Row], list[Row]]


def _overwrite(table: str, column: str, value: str) -> Callable[[Row], list[Row]]:
    at = COLUMNS[table].index(column)
    return lambda row: [[*row[:at], value, *row[at + 1 :]]]


def _filled(table: str, column: str) -> Callable[[Row], bool]:
    at = COLUMNS[table].index(column)
    return lambda row: bool(row[at])


def _wrong_check_letter(row: Row) -> list[Row]:
    at = COLUMNS["header"].index("UPN")
    letter = "A" if row[at][0] != "A" else "B"
    return [[*row[:at], letter + row[at][1:], *row[at + 1 :]]]


def _has_upn(row: Row) -> bool:
    return len(row[COLUMNS["header"].index("UPN")]) == 13


KINDS: tuple[Dirt, ...] = (
    Dirt("bad_date", "episodes", _filled("episodes", "DECOM"), _overwrite("episodes", "DECOM", _NO_SUCH_DAY)),
    Dirt("unknown_code", "episodes", _filled("episodes", "CIN"), _overwrite("episodes", "CIN", _NO_SUCH_CODE)),
    Dirt("end_before_start", "episodes", _filled("episodes", "DEC"), _overwrite("episodes", "DEC", _LONG_BEFORE)),
    Dirt("unparsable_number", "oc2", _filled("oc2", "SDQ_SCORE"), _overwrite("oc2", "SDQ_SCORE", _NOT_A_NUMBER)),
    Dirt("wrong_check_letter", "header", _has_upn, _wrong_check_letter),
    Dirt("duplicate_row", "header", _has_upn, lambda row: [row, row]),
    Dirt("missing_header", "header", _has_upn, lambda row: []),
)
"""Every kind of dirt, each counted by its name in the summary."""


def spoil_return(tables: Tables, authority: str, seed: int) -> Mapping[str, int]:
    """Put every kind of dirt into a return, and say how many rows of each kind were spoiled."""
    chance = seeded(seed, authority, "dirt")
    spoiled: set[str] = set()
    return {kind.name: _spoil(chance, tables, kind, spoiled) for kind in KINDS}


def _spoil(chance: Random, tables: Tables, kind: Dirt, spoiled: set[str]) -> int:
    """Spoil rows of children not in `spoiled`, and add them to it."""
    rows = tables[kind.table]
    clean = {row[0]: at for at, row in enumerate(rows) if row[0] not in spoiled and kind.can_spoil(row)}
    chosen = chance.sample(sorted(clean), min(EACH, len(clean)))
    for at in sorted((clean[child] for child in chosen), reverse=True):
        rows[at : at + 1] = kind.spoil(rows[at])
    spoiled.update(chosen)
    return len(chosen)
