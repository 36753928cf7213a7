"""Figures that are no counts, by which an attack could be led astray: withheld averages, ones of nobody, shares."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest

from disclosure_control.linked.published import Published, entries_of
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import Entry, Row
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours, imply_counts
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.disclosure_control.told_words import tell_hits

Figures = Callable[[QueryPlan], Sequence[Sequence[int]]]

YEAR = "FROM child_year WHERE academic_year = 202425"
GIRLS = f"{YEAR} AND sex = 'F' AND placements >= 0"
TEENS = f"{YEAR} AND counted_here AND age IN (14, 15, 16)"
SHARE = "AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share"


def answer(*asked: tuple[str, Figures], preset: str = "dfe_cla") -> list[Sequence[Row]]:
    """What a node prints for one question after another, each protected beside those before it."""
    rules, earlier = load_preset(preset), list[Published]()
    for number, (sql, figures) in enumerate(asked):
        plan = derive_plan(sql, Path.PER_AUTHORITY)
        names = [each.name for each in plan.statistics]
        raw = RawTable(plan, dict(zip(names, figures(plan), strict=True)))
        rows = protect(raw, rules, Neighbours(tuple(earlier), b"x")).rows
        earlier.append(Published(f"R-{number}", plan, rules, rows, implied=imply_counts(raw, rules)))
    return [each.rows for each in earlier]


def everywhere(*cells: int) -> Figures:
    """The same figures for every statistic of a plan."""
    return lambda plan: [cells for _ in plan.statistics]


def of_share(count: Sequence[int], those: Sequence[int]) -> Figures:
    """So many children, and so many of them who are so."""

    def figures(plan: QueryPlan) -> Sequence[Sequence[int]]:
        (share,) = (each for each in plan.outputs if each.kind == "mean")
        ((are, are_not),) = share.sides
        others = [all_of_them - so for all_of_them, so in zip(count, those, strict=True)]
        named = {share.counted: those, are: those, are_not: others}
        return [named.get(each.name, count) for each in plan.statistics]

    return figures


def is_withheld(row: Row) -> bool:
    return all(entry == Symbol.CONFIDENTIAL for entry in row)


@pytest.mark.parametrize("decoy", ["AVG(placements)", "SUM(placements)"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "between"])
def test_a_withheld_average_hides_no_group_of_three_from_the_attack(decoy: str, *, first: bool) -> None:
    """All but those aged seven are three fewer than all: asking for the three's average does not open them."""
    asked = [
        (f"SELECT {decoy} AS m {GIRLS} AND age = 7", everywhere(3)),
        (f"SELECT COUNT(*) AS n {GIRLS}", everywhere(40)),
    ]
    rest = (f"SELECT COUNT(*) AS n {GIRLS} AND age <> 7", everywhere(37))
    *_, last = answer(*(asked if first else reversed(asked)), rest)
    assert is_withheld(last[0])
    *_, large = answer(*asked, (rest[0], everywhere(28)))
    assert large == ((28,),)


@pytest.mark.parametrize("ages", ["14, 15, 16", "16, 17"])
def test_an_average_of_nobody_beside_a_printed_zero_weakens_no_reading(ages: str) -> None:
    """Two withheld counts, and a total of six more than what is printed: they are six together, whatever else is."""
    known = f"{YEAR} AND counted_here AND age IN ({ages}) AND sex IN ('M', 'U')"
    by_sex = f"SELECT sex, COUNT(*) AS n, AVG(placements) AS m {known} GROUP BY sex"
    by_age = (f"SELECT age, COUNT(*) AS n {TEENS} GROUP BY age", everywhere(3, 3, 44))
    total = (f"SELECT COUNT(*) AS n {TEENS}", everywhere(50))
    first, parts, last = answer((by_sex, everywhere(30, 0)), by_age, total)
    assert Symbol.NOT_APPLICABLE in first[1]
    assert [row[1] for row in parts] == [Symbol.CONFIDENTIAL, Symbol.CONFIDENTIAL, 44]
    assert is_withheld(last[0])


@pytest.mark.parametrize("preset", ["dfe_cla", "ons_10_5", "acro", "ukllc"])
def test_shares_tell_no_number_that_was_withheld_by_another_share(preset: str) -> None:
    """15 is the only number of 40 that is 0.38, and 18 the only one of 90 that is 0.20: so three of the rest are."""
    by_sex = f"SELECT sex, COUNT(*) AS n, {SHARE} {YEAR} AND sex IN ('M', 'F') GROUP BY sex"
    all_of_them = f"SELECT COUNT(*) AS n, {SHARE} {YEAR} AND sex IN ('M', 'F')"
    first, last = answer((by_sex, of_share((50, 40), (3, 15))), (all_of_them, of_share((90,), (18,))), preset=preset)
    assert [row[2] == Symbol.CONFIDENTIAL for row in first] == [True, False]
    assert last[0][1] == Symbol.CONFIDENTIAL


def test_a_share_and_a_count_of_those_who_are_so_are_set_against_each_other() -> None:
    share = (f"SELECT {SHARE} {YEAR} AND sex = 'F'", of_share((40,), (15,)))
    count = f"SELECT COUNT(*) AS n {YEAR} AND sex = 'F' AND uasc AND age <> 17"
    assert is_withheld(answer(share, (count, everywhere(12)))[-1][0])
    assert answer(share, (count, everywhere(9)))[-1] == ((9,),)


MOVED = f"{YEAR} AND sex = 'F' AND managed_moves <= 1"


def test_a_sum_of_what_is_0_or_1_for_everybody_is_a_number_of_children() -> None:
    """20 girls had a managed move, and 17 of those who are not seven: so three girls of seven had one."""

    def figures(plan: QueryPlan) -> Sequence[Sequence[int]]:
        (output,) = (each for each in plan.outputs if each.measures)
        ones = {*output.nonzero, *(each.name for each in plan.statistics if each.kind == "sum")}
        return [(20,) if each.name in ones else (40,) for each in plan.statistics]

    moved = (f"SELECT SUM(managed_moves) AS s {MOVED}", figures)
    count = f"SELECT COUNT(*) AS n {MOVED} AND managed_moves = 1 AND age <> 7"
    assert is_withheld(answer(moved, (count, everywhere(17)))[-1][0])
    assert answer(moved, (count, everywhere(10)))[-1] == ((10,),)
    wider = (moved[0].replace("managed_moves <= 1", "managed_moves <= 2"), figures)
    assert is_withheld(answer(wider, (count, everywhere(17)))[-1][0])  # Of all others two or three had three moves.
    assert answer(wider, (count, everywhere(10)))[-1] == ((10,),)


def as_read(sql: str, *row: Entry, preset: str = "dfe_cla") -> Published:
    """A released table of one row, of which a reader has no more than is printed."""
    return Published("R-1", derive_plan(sql, Path.PER_AUTHORITY), load_preset(preset), (row,))


@pytest.mark.parametrize(("share", "told"), [("0.35", True), ("0.28", False)])
def test_a_reader_works_out_how_many_are_so_from_a_share_and_a_number(share: str, *, told: bool) -> None:
    """14 of 40 are 0.35, and 11 of them are not seventeen; of 40, 11 are 0.28, so that nobody is left."""
    whole = as_read(f"SELECT COUNT(*) AS n, {SHARE} {YEAR} AND sex = 'F'", 40, Decimal(share))
    some = as_read(f"SELECT COUNT(*) AS n {YEAR} AND sex = 'F' AND uasc AND age <> 17", 11)
    found = tell_hits("301", [whole, some])
    assert [" known to be 3 from " in each for each in found] == [True] * told


def test_a_share_of_many_says_between_what_those_are_who_are_so() -> None:
    """Of 900, 0.35 are 311 to 319; 309 of them are not seventeen, so that 2 to 10 are, who can be enough."""
    sql = f"SELECT COUNT(*) AS n, {SHARE} {YEAR} AND sex = 'F'"
    whole = as_read(sql, 900, Decimal("0.35"))
    assert entries_of([whole])[0, 0, "share (those who are)"] == (311, 319)
    count = f"SELECT COUNT(*) AS n {YEAR} AND sex = 'F' AND uasc AND age <> 17"
    assert tell_hits("301", [whole, as_read(count, 309)]) == []
    rest = as_read(count.replace("<>", "="), Symbol.CONFIDENTIAL)
    assert (
        "can be bounded to 0-5 (1-5 if no c stands for 0) from"
        in tell_hits("301", [whole, as_read(count, 314), rest])[0]
    )
