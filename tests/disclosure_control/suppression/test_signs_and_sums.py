"""Negative figures, sums of nothing and large sums: what is printed of them says no more than it must."""

from collections import Counter
from itertools import product

import pytest

from disclosure_control.presets.preset import Dominance
from disclosure_control.presets.shipped import load_preset
from disclosure_control.suppression.analyst_table import Magnitudes, ProtectedFile, attack_table, protect_table
from disclosure_control.suppression.contributions import Contributions, seen_of_one
from disclosure_control.suppression.pattern import CannotProtect
from disclosure_control.suppression.rules import MagnitudeRule
from disclosure_control.suppression.table_file import read_table

SECRET = bytes(32)


def protect(text: str, preset: str) -> ProtectedFile:
    return protect_table(read_table(text), load_preset(preset), "n", ["a", "b"], {}, secret=SECRET, insiders=False)


def square(cells: tuple[int, ...]) -> str:
    """A table of two by two with its totals."""
    at = dict(zip(product("pq", "xy"), cells, strict=True))
    lines = ["a,b,n"]
    for row, column in product(("p", "q", "Total"), ("x", "y", "Total")):
        figure = sum(each for (p, x), each in at.items() if row in (p, "Total") and column in (x, "Total"))
        lines.append(f"{row},{column},{figure}")
    return "\n".join(lines)


@pytest.mark.parametrize(("preset", "figures"), [("dfe_cla", (-2, 2, 20)), ("ofqual", (-7, 2, 20))])
def test_no_certificate_tells_the_sign_of_what_is_withheld(preset: str, figures: tuple[int, ...]) -> None:
    """Of all squares of such figures those that are printed alike have one certificate, which holds, and are safe."""
    printed: dict[str, Counter[bytes]] = {}
    for cells in product(figures, repeat=4):
        try:
            made = protect(square(cells), preset)
        except CannotProtect:
            continue
        printed.setdefault(made.to_csv(), Counter())[made.certificate] += 1
    assert {len(each) for each in printed.values()} == {1}
    assert sum(each.total() > 1 for each in printed.values()) > 5
    for text, (certificate, *_) in list(printed.items()):
        ((_, _, attack),) = attack_table(read_table(text), load_preset(preset), "n", ["a", "b"], {}, certificate)
        assert attack.is_safe


def sums(rows: str, preset: str) -> dict[str, tuple[str, str]]:
    """The count and the sum as they are printed, by category, once they were attacked and their certificate read."""
    shelf = load_preset(preset)
    made = protect_table(
        read_table(f"a,n,v,t1,t2\n{rows}"), shelf, "n", ["a"], {}, secret=SECRET, magnitudes=Magnitudes("v", "t1", "t2")
    )
    published = read_table(made.to_csv())
    assert all(found.is_safe for *_, found in attack_table(published, shelf, "n", ["a"], {}, made.certificate, "v"))
    return {row[0]: (row[1], row[2]) for row in made.rows}


OF_NOTHING = "p,0,0,0,0\nq,3,30,15,10\nr,4,0,0,0\ns,40,400,20,20\nt,50,500,20,20\nu,60,0,0,0\nTotal,157,930,20,20\n"


@pytest.mark.parametrize("preset", ["dfe_cla", "nhs_hes", "ukllc", "acro", "opensafely"])
def test_a_sum_of_nothing_is_withheld_where_its_count_is(preset: str) -> None:
    """Beside c a 0 would say that none of the few has anything; or, where zeros are withheld, that there is nobody."""
    shown = sums(OF_NOTHING, preset)
    assert shown["r"] == ("c", "c")
    assert all(total == "c" for count, total in shown.values() if count == "c")
    shows_zero = load_preset(preset).shows_zero
    assert shown["p"] == (("0", "0") if shows_zero else ("c", "c"))
    assert shown["u"][1] == ("0" if shows_zero else "c")


def test_a_total_of_nothing_does_not_tell_that_its_few_have_nothing() -> None:
    rows = "a,b,n,v,t1,t2\n"
    rows += "p,x,3,0,0,0\np,y,40,0,0,0\np,Total,43,0,0,0\nq,x,40,400,20,20\nq,y,40,400,20,20\nq,Total,80,800,20,20\n"
    rows += "Total,x,43,400,20,20\nTotal,y,80,400,20,20\nTotal,Total,123,800,20,20\n"
    made = protect_table(
        read_table(rows),
        load_preset("dfe_cla"),
        "n",
        ["a", "b"],
        {},
        secret=SECRET,
        magnitudes=Magnitudes("v", "t1", "t2"),
    )
    shown = {row[:2]: row[3] for row in made.rows}
    assert shown["p", "x"] == shown["p", "Total"] == "c"


@pytest.mark.parametrize("form", ["{}.00", "{}"])
def test_large_sums_are_protected_like_small_ones(form: str) -> None:
    """One has nearly all of twenty million: a reader has to be unsure by two millions of it, in pence or in pounds."""
    rows = [("p", 40, 20_000_000, 19_000_000, 1), ("q", 30, 30_000_000, 1_000_000, 1_000_000)]
    rows += [("r", 20, 40_000_000, 1_000_000, 1_000_000), ("Total", 90, 90_000_000, 19_000_000, 1_000_000)]
    shown = sums("".join(",".join((name, str(n), *map(form.format, has))) + "\n" for name, n, *has in rows), "dfe_cla")
    assert shown["p"] == ("40", "c")
    assert sum(total == "c" for _, total in shown.values()) == 2


@pytest.mark.parametrize(
    ("total", "first", "second", "is_dominated"),
    [(100, 80, 9, True), (100, 80, 8, False), (100, 91, 0, True), (0, 50, -50, True), (0, 0, 0, False)],
)
def test_either_rule_of_dominance_is_enough(total: int, first: int, second: int, is_dominated: bool) -> None:
    """Of 100 one may have 90, and what all but the two largest have is 15 per cent of the largest at least."""
    rule = Dominance(largest=1, most_per_cent=90, rest_per_cent=15)
    assert Contributions(total, first, second).dominate(rule) is is_dominated


# --- How closely a sum may be known ----------------------------------------------------------------------------------

NEARLY_NOTHING = "p,4,0,0,0\nq,5,1,1,0\nr,40,400000,20000,20000\ns,50,500000,20000,20000\nTotal,99,900001,20000,20000\n"


@pytest.mark.parametrize("preset", ["dfe_cla", "acro"])
def test_a_sum_of_next_to_nothing_could_be_a_tenth_of_what_somebody_has(preset: str) -> None:
    """Two of which 1 is known together would be known to within 1, where somebody has 10,000 at least."""
    shown = sums(NEARLY_NOTHING, preset)
    assert [shown[each][1] for each in "pq"] == ["c", "c"]
    assert "c" in (shown["r"][1], shown["s"][1], shown["Total"][1])


@pytest.mark.parametrize(("known", "is_safe"), [(999, False), (1000, True)])
def test_the_attack_finds_a_sum_that_is_known_more_closely(known: int, is_safe: bool) -> None:
    """The largest average that is printed is 10,000; whoever is behind it, one of them has as much."""
    rows = f"a,n,v\np,c,c\nq,c,c\nr,40,400000\ns,50,500000\nTotal,99,{900000 + known}\n"
    attacks = attack_table(read_table(rows), load_preset("dfe_cla"), "n", ["a"], {}, None, "v")
    ((_, _, counts), (_, _, values)) = attacks
    assert counts.is_safe
    assert values.is_safe is is_safe
    assert values.below_rule == (0 if is_safe else 2)


def test_sums_that_are_printed_alike_have_one_certificate() -> None:
    """A true 0 among them: how closely it may be known goes by what is published, and by nobody's own figure."""
    alike: dict[str, set[bytes]] = {}
    for p, q in ((0, 1000), (1, 999), (500, 500), (1000, 0)):
        rows = f"p,4,{p},{p},0\nq,5,{q},{q},0\nr,40,400000,20000,20000\ns,50,500000,20000,20000\n"
        file = read_table(f"a,n,v,t1,t2\n{rows}t,41,410000,20000,20000\nTotal,140,{1310000 + p + q},20000,20000\n")
        made = protect_table(
            file, load_preset("dfe_cla"), "n", ["a"], {}, secret=SECRET, magnitudes=Magnitudes("v", "t1", "t2")
        )
        alike.setdefault(made.to_csv(), set()).add(made.certificate)
        published = attack_table(
            read_table(made.to_csv()), load_preset("dfe_cla"), "n", ["a"], {}, made.certificate, "v"
        )
        assert all(found.is_safe for *_, found in published)
    assert len(alike) < 4
    assert {len(each) for each in alike.values()} == {1}


@pytest.mark.parametrize(
    ("low", "of_one", "per_cent", "least"),
    [(0, 0, 10, 1), (0, 10_000, 10, 1000), (90, 0, 10, 100), (90, 1000, 10, 190), (-90, 0, 10, -81), (5, 0, 100, 505)],
)
def test_how_large_a_sum_must_be_able_to_be(low: int, of_one: int, per_cent: int, least: int) -> None:
    assert MagnitudeRule(per_cent, of_one=of_one).enough(low) == least


@pytest.mark.parametrize(
    ("seen", "has"), [([], 0), ([(0, 9)], 0), ([(500, 50), (9, 0)], 10), ([(-700, 50), (500, 50)], 14), ([(9, 10)], 0)]
)
def test_somebody_has_as_much_as_all_on_average(seen: list[tuple[int, int]], has: int) -> None:
    assert seen_of_one(seen) == has
