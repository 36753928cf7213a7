"""What is mostly known to be withheld for its own sake does not come out as one number, nor as somebody."""

from collections.abc import Sequence
from functools import cache

import pytest

from disclosure_control.linked.published import Published
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import Row
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours, imply_counts
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.disclosure_control.told_words import tell_hits

C = Symbol.CONFIDENTIAL
OF = "FROM child_year WHERE academic_year = 202425 AND sex IN ('M', 'F')"
BOTH, BY_SEX = f"SELECT COUNT(*) AS n {OF}", f"SELECT sex, COUNT(*) AS n {OF} GROUP BY sex"
ELSEWHERE = f"SELECT sex, COUNT(*) AS n {OF.replace('AND', 'AND age = 9 AND')} GROUP BY sex"
OTHERS = f"SELECT sex, COUNT(*) AS n {OF.replace('AND', 'AND age = 10 AND')} GROUP BY sex"
NINE = f"SELECT COUNT(*) AS n {OF.replace('AND', 'AND age = 9 AND')}"
TEN = f"SELECT COUNT(*) AS n {OF.replace('AND', 'AND age = 10 AND')}"

plan_of = cache(lambda sql: derive_plan(sql, Path.PER_AUTHORITY))


def answer(name: str, *asked: tuple[str, tuple[int, ...]]) -> list[Sequence[Row]]:
    """What a node prints for one question after another."""
    preset, earlier = load_preset(name), list[Published]()
    for sql, counts in asked:
        plan: QueryPlan = plan_of(sql)
        raw = RawTable(plan, {each.name: counts for each in plan.statistics})
        rows = protect(raw, preset, Neighbours(tuple(earlier), b"x")).rows
        earlier.append(Published(f"R-{len(earlier)}", plan, preset, rows, implied=imply_counts(raw, preset)))
    return [each.rows for each in earlier]


FEW = [
    # boys, girls, and what is printed of both afterwards
    ("dfe_cla", 5, 5, C),  # Ten of at most five each are five and five.
    ("dfe_cla", 5, 4, 9),  # Nine are five and four, or four and five.
    ("dfe_cla", 4, 3, 7),
    ("ons_10_5", 9, 9, C),  # Printed as 20: of eighteen or more.
    ("nhs_hes", 7, 7, 15),  # Thirteen or fourteen.
    ("ukllc", 9, 9, C),
    ("ukllc", 9, 1, C),  # Ten of at most nine each are somebody of either sex.
]


@pytest.mark.parametrize(("name", "boys", "girls", "printed"), FEW)
def test_two_counts_that_were_withheld_first_do_not_follow_from_their_total(
    name: str, boys: int, girls: int, printed: int | Symbol
) -> None:
    first, total = answer(name, (BY_SEX, (boys, girls)), (BOTH, (boys + girls,)))
    assert [row[1] for row in first] == [C, C]
    assert total[0] == (printed,)


def test_where_the_total_was_there_first_nobody_knows_for_whose_sake_the_others_are_withheld() -> None:
    total, rows = answer("dfe_cla", (BOTH, (10,)), (BY_SEX, (5, 5)))
    assert [total[0][0], *(row[1] for row in rows)] == [10, C, C]
    assert answer("dfe_cla", (BOTH, (10,)), (BY_SEX, (6, 4)))[1] == rows


@pytest.mark.parametrize("before", [(ELSEWHERE, (20, 30)), (BOTH, (400,))])
def test_what_was_asked_before_hides_nothing(before: tuple[str, tuple[int, ...]]) -> None:
    """Neither of other children, nor of more than these."""
    *_, total = answer("dfe_cla", before, (OTHERS, (5, 5)), (TEN, (10,)))
    assert total[0] == (C,)


def test_nor_does_a_table_in_which_more_was_withheld_for_others_sake() -> None:
    """Of six and four beside a total of ten not both can be few; that of other children is read as before."""
    *_, total = answer("dfe_cla", (NINE, (11,)), (ELSEWHERE, (7, 4)), (OTHERS, (5, 5)), (TEN, (10,)))
    assert total[0] == (C,)


SUMMED = (
    "SELECT age, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND sex = 'U' AND age IN (9, 10) "
    "GROUP BY ROLLUP (age)"
)


def print_table(name: str, sql: str, *counts: int | Symbol) -> Published:
    """A table of counts, as an authority of whom nothing else is known has it."""
    plan = plan_of(sql)
    places = zip(plan.iter_cells(), counts, strict=True)
    rows = tuple((*(each if each is not None else "" for each in cell), count) for cell, count in places)
    return Published(name, plan, load_preset("dfe_cla"), rows)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_hub_reads_tables_without_totals_so_whichever_have_totals_beside_them(place: int) -> None:
    """One with totals says of nothing for whose sake it is withheld, and leaves what the others say as it is."""
    before = [print_table("R-1", BY_SEX, C, C), print_table("R-2", BOTH, 10)]
    summed = print_table("R-3", SUMMED, 20, 30, 50)
    told = "301: n of sex {}, if it was withheld for its own sake, is known to be 5 from this release and R-1."
    tables = [*before[:place], summed, *before[place:]]
    expected = [told.format(sex) for sex in "MF"] if place < 2 else []
    assert tell_hits("301", tables) == expected
    assert tell_hits("301", [summed, summed]) == []
