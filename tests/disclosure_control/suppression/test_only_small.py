"""A count that alone can be small, of those withheld with it, is the one that is: it must not be one number then."""

from collections.abc import Iterator, Sequence
from itertools import product

import pytest

from disclosure_control.linked.published import Published
from disclosure_control.presets.preset import LEVELS, Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protection import protect
from disclosure_control.rows.secondary import Neighbours
from disclosure_control.suppression.analyst_table import attack_table, protect_table
from disclosure_control.suppression.attack import Attack
from disclosure_control.suppression.hierarchy import read_hierarchy
from disclosure_control.suppression.rules import CountRule
from disclosure_control.suppression.table_file import read_table
from disclosure_control.symbols import Symbol
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from query_engine.tables import RawTable

MOST = 40
"""No count of these tables is larger."""

KNOWN = {"opensafely": (12, 12, 12, 7), "nhs_hes": (12, 12, 12, 7), "ons_10_5": (12, 12, 9), "acro": (12, 12, 9)}
"""Parts at one end of what they are rounded to, and their total at the other. The last part is under the rule."""


def attack(preset: str, entries: Sequence[int | str]) -> Attack:
    names = [*(f"c{number}" for number in range(len(entries) - 1)), "Total"]
    text = "a,n\n" + "".join(f"{name},{entry}\n" for name, entry in zip(names, entries, strict=True))
    ((_, _, found),) = attack_table(read_table(text), load_preset(preset), "n", ["a"], {})
    return found


def tables(preset: Preset, entries: Sequence[int | str]) -> Iterator[tuple[int, ...]]:
    """Every table that could have been printed so, in which somebody withheld is under the rule: parts and total."""
    rule = CountRule.of(preset)
    ends = [(rule.hidden[0], MOST) if each == "c" else rule.behind(int(each), LEVELS[0]) for each in entries]
    for parts in product(*(range(low, high + 1) for low, high in ends[:-1])):
        table = (*parts, sum(parts))
        withheld = [number for number, entry in zip(table, entries, strict=True) if entry == "c"]
        if ends[-1][0] <= table[-1] <= ends[-1][1] and any(map(rule.withholds, withheld)):
            yield table


@pytest.mark.parametrize(
    ("preset", "entries", "known"),
    [
        ("ons_10_5", (10, "c", 10, 35), 9),
        ("acro", (10, "c", 10, 35), 9),
        ("opensafely", (10, 10, 10, "c", 45), 7),
        ("nhs_hes", (10, 10, 10, "c", 45), 7),
        ("ons_10_5", (10, "c", 10, 30), None),  # From 4 on.
        ("ons_10_5", ("c", "c", 10, 35), None),  # Either can be the one.
        ("ukllc", (30, "c", "c"), None),
        ("ofqual", (10, "c", 15), None),
    ],
)
def test_the_attack_finds_the_only_count_that_can_be_small(
    preset: str, entries: Sequence[int | str], known: int | None
) -> None:
    """10, c and 10 are printed beside a total of 35: c is 9 at the least, and says 1 to 9."""
    found = attack(preset, entries)
    values = list(map(set, zip(*tables(load_preset(preset), entries), strict=True)))
    places = [place for place, entry in enumerate(entries) if entry == "c" and len(values[place]) == 1]
    assert places == ([entries.index("c")] if known is not None else [])
    assert [each.low for each in found.known if each.is_exact] == ([] if known is None else [known])
    assert (found.exact, found.is_safe) == (len(places), not places)


@pytest.mark.parametrize("preset", KNOWN)
def test_no_count_that_is_protected_is_the_only_one_that_can_be_small(preset: str) -> None:
    parts = KNOWN[preset]
    text = "a,n\n" + "".join(f"c{number},{count}\n" for number, count in enumerate(parts)) + f"Total,{sum(parts)}\n"
    found = protect_table(read_table(text), load_preset(preset), "n", ["a"], {}, secret=bytes(32))
    entries = [row[-1] for row in found.rows]
    fitting = set(tables(load_preset(preset), entries))
    assert {table[len(parts) - 1] for table in fitting} > {parts[-1]}
    assert attack(preset, entries).is_safe


def test_nor_is_one_where_totals_alone_are_rounded() -> None:
    """Of 15 girls of a region, printed as 20, 10 are shown in one authority, so that 5 at least are in the other."""
    tree = {"area": read_hierarchy("code,parent,level\nR,,region\nA,R,authority\nB,R,authority\n")}
    figures = {"R": (15, 70), "A": (5, 50), "B": (10, 20)}
    lines = [f"{area},F,{f}\n{area},M,{m}\n{area},Total,{f + m}\n" for area, (f, m) in figures.items()]
    preset, by = load_preset("dfe_cla"), ["area", "sex"]
    found = protect_table(read_table("area,sex,n\n" + "".join(lines)), preset, "n", by, tree, secret=bytes(32))
    ((_, _, attacked),) = attack_table(read_table(found.to_csv()), preset, "n", by, tree, found.certificate)
    assert attacked.is_safe


def raw_of(sql: str, counts: Sequence[int]) -> RawTable:
    plan = derive_plan(f"SELECT {sql}", LeavingPath.PER_AUTHORITY)
    return RawTable(plan, {each.name: counts for each in plan.statistics})


YEAR = "FROM child_year WHERE academic_year = 202425"


@pytest.mark.parametrize("preset", ["opensafely", "nhs_hes"])
def test_nor_does_one_leave_a_node(preset: str) -> None:
    raw = raw_of(f"sen_provision, COUNT(*) AS n {YEAR} GROUP BY ROLLUP (sen_provision)", (*KNOWN[preset], 43))
    shown = [row[-1] for row in protect(raw, load_preset(preset), Neighbours((), b"secret")).rows]
    assert shown.count(Symbol.CONFIDENTIAL) == 2
    assert shown[-2] == Symbol.CONFIDENTIAL


@pytest.mark.parametrize("preset", ["opensafely", "nhs_hes"])
@pytest.mark.parametrize("total_first", [True, False])
def test_nor_do_two_tables_tell_one(preset: str, total_first: bool) -> None:
    """Whichever is asked for first, the parts or their total."""
    rules, parts = load_preset(preset), KNOWN[preset]
    asked = [
        raw_of(f"sen_provision, COUNT(*) AS n {YEAR} GROUP BY sen_provision", parts),
        raw_of(f"COUNT(*) AS n {YEAR}", (sum(parts),)),
    ]
    first, second = reversed(asked) if total_first else asked
    before = protect(first, rules, Neighbours((), b"secret")).rows
    earlier = (Published("first", first.plan, rules, before),)
    after = protect(second, rules, Neighbours(earlier, b"secret")).rows
    rows = (*after, *before) if total_first else (*before, *after)
    entries = [row[-1] if isinstance(row[-1], int) else "c" for row in rows]
    assert attack(preset, entries).is_safe
    assert {table[len(parts) - 1] for table in tables(rules, entries)} > {parts[-1]}
