"""What a node prints of averages, one table after the other: no average of too few follows from those of others."""

from collections.abc import Sequence

import pytest

from disclosure_control.linked.published import Published
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import Entry
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours, imply_counts
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.tables import RawTable

C = Symbol.CONFIDENTIAL
WHOSE = "FROM child_year WHERE academic_year = 202425 AND sex IN ('M', 'F') AND placements >= 0"
BY_SEX = f"SELECT sex, COUNT(*) AS n, AVG(placements) AS f {WHOSE} GROUP BY sex"
ROLLED_UP = BY_SEX.replace("GROUP BY sex", "GROUP BY ROLLUP(sex)")
ALL = f"SELECT COUNT(*) AS n, AVG(placements) AS f {WHOSE}"
OTHERS = f"{ALL} AND sex = 'M'"


def print_in_turn(*asked: tuple[str, Sequence[int]], preset: str = "dfe_cin") -> list[list[tuple[Entry, ...]]]:
    """The numbers and averages of each table, of children with one placement each: so many in each cell."""
    rules, earlier = load_preset(preset), list[Published]()
    for number, (sql, children) in enumerate(asked):
        plan = derive_plan(sql, Path.PER_AUTHORITY)
        raw = RawTable(plan, {each.name: list(children) for each in plan.statistics})
        rows = protect(raw, rules, Neighbours(tuple(earlier), b"x")).rows
        earlier.append(Published(f"R-{number}", plan, rules, rows, implied=imply_counts(raw, rules)))
    return [[tuple(row[-2:]) for row in each.rows] for each in earlier]


def is_shown(row: tuple[Entry, ...]) -> list[bool]:
    return [entry != C for entry in row]


@pytest.mark.parametrize("first", [BY_SEX, ROLLED_UP], ids=["by sex", "with a total"])
def test_an_average_of_all_is_withheld_that_gives_away_a_withheld_one(first: str) -> None:
    """The number of all stays, and so does that of the eight girls: it is their average that is withheld."""
    cells = derive_plan(first, Path.PER_AUTHORITY).iter_cells()
    children = [{"M": 32, "F": 8}.get(str(sex), 40) for (sex,) in cells]
    parts, (total,) = print_in_turn((first, children), (ALL, [40]))
    shown = {number: is_shown(row) for number, row in zip(children, parts, strict=True)}
    of_all = {40: [True, False]} if first == ROLLED_UP else {}
    assert shown == {32: [True, True], 8: [True, False]} | of_all
    assert is_shown(total) == [True, False]


BESIDE = [(32, "dfe_cin", False), (30, "dfe_cin", True), (32, "dfe_cla", True)]


@pytest.mark.parametrize(("others", "preset", "shown"), BESIDE)
def test_an_average_is_withheld_beside_which_one_of_eight_follows(others: int, preset: str, shown: bool) -> None:
    _, (row,) = print_in_turn((ALL, [40]), (OTHERS, [others]), preset=preset)
    assert is_shown(row) == [True, shown]
