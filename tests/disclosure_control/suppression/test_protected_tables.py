"""Whatever table is protected, nobody bounds a withheld cell within the rule: held to by a reader written here."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest

from disclosure_control.presets.preset import Level, Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.suppression.analyst_table import Magnitudes, attack_table, protect_table
from disclosure_control.suppression.hierarchy import read_hierarchy
from disclosure_control.suppression.table_file import read_table
from tests.disclosure_control.suppression.tables import Drawn, Row, bound_cell, draw_table, read_shown, withheld_rows

SECRET = b"a secret that nobody knows......"


def protect(table: Drawn, preset: Preset, *, insiders: bool = True, secret: bytes = SECRET) -> dict[Row, str]:
    found = protect_table(
        read_table(table.csv()), preset, "n", table.columns, table.hierarchies, secret=secret, insiders=insiders
    )
    return read_shown(found.to_csv())


def level_of(row: Row) -> Level:
    return "nation" if row[0] == "N" else "region" if row[0].startswith("R") else "authority"


def reader_bounds(shown: Mapping[Row, str], preset: Preset) -> dict[Row, tuple[float, float | None]]:
    """What a reader knows: the rule, and how figures are rounded."""
    known: dict[Row, tuple[float, float | None]] = {}
    for row, entry in shown.items():
        if entry == "c":
            known[row] = (preset.withheld_range[0], None)
        else:
            known[row] = preset.at(level_of(row)).printed_range(int(entry))
    return known


CASES = [(seed, name) for name in ("dfe_cla", "ons_10_5", "ukllc", "opensafely") for seed in (1, 2)]


@pytest.mark.parametrize(("seed", "name"), CASES)
def test_no_withheld_cell_is_bounded_within_the_rule(seed: int, name: str) -> None:
    """Whoever a withheld cell is withheld for, a reader must think that it could be as large as what is shown."""
    preset = load_preset(name)
    table = draw_table(seed, authorities=4, sexes=2, ages=2, mean=9)
    shown = protect(table, preset)
    assert list(shown) == list(table.figures)
    known = reader_bounds(shown, preset)
    hidden = withheld_rows(shown)
    assert hidden
    for row in hidden:
        low, high = bound_cell(table, known, row)
        assert high >= preset.smallest_count_shown - 1e-6
        assert high - low > 1e-6
        assert low - 1e-6 <= table.figures[row] <= high + 1e-6


@pytest.mark.parametrize(("seed", "name"), CASES)
def test_what_is_under_the_rule_is_withheld_and_the_rest_is_true(seed: int, name: str) -> None:
    preset = load_preset(name)
    table = draw_table(seed, authorities=3, sexes=2, ages=2, mean=9)
    for row, entry in protect(table, preset).items():
        true = table.figures[row]
        if true < preset.smallest_count_shown and not (true == 0 and preset.shows_zero):
            assert entry == "c"
        if entry != "c":
            low, high = preset.at(level_of(row)).printed_range(int(entry))
            assert low <= true <= high


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_no_authority_finds_out_about_another(seed: int) -> None:
    """Each knows all its own rows, as they are."""
    preset = load_preset("dfe_cla")
    table = draw_table(seed, authorities=4, sexes=2, ages=2, mean=9)
    shown = protect(table, preset)
    for authority in ("A0", "A1", "A2", "A3"):
        known = reader_bounds(shown, preset)
        known |= {row: (figure, figure) for row, figure in table.figures.items() if row[0] == authority}
        for row in withheld_rows(shown):
            if 0 < table.figures[row] < 6 and row[0] != authority and row[0].startswith("A"):
                assert bound_cell(table, known, row)[1] >= 6 - 1e-6


@pytest.mark.parametrize(("seed", "level"), [(6, "category"), (13, "category"), (10, "authority"), (21, "authority")])
def test_no_child_that_is_alone_in_a_cell_finds_out_about_another(seed: int, level: str) -> None:
    """Some would if nobody looked on, and also where authorities alone did."""
    table = draw_table(seed, authorities=3, sexes=2, ages=2, mean=6)
    areas = {code: level if each == "authority" else each for code, each in table.levels[0].items()}
    table = replace(table, levels=(areas, *table.levels[1:]))
    assert not told_to_lone_children(table, insiders=True)
    assert told_to_lone_children(table, insiders=False)


def told_to_lone_children(table: Drawn, *, insiders: bool) -> list[tuple[Row, Row]]:
    """Who is alone in a cell and knows of which other one that it is small."""
    preset, totals = load_preset("dfe_cla"), {total for total, _ in table.relations}
    shown = protect(table, preset, insiders=insiders)
    small = [row for row in withheld_rows(shown) if 0 < table.figures[row] < 6 and row not in totals]
    return [
        (alone, row)
        for alone, row in permutations(small, 2)
        if table.figures[alone] == 1
        and bound_cell(table, reader_bounds(shown, preset) | {alone: (1, 1)}, row)[1] < 6 - 1e-6
    ]


@pytest.mark.parametrize(("insiders", "withheld"), [(True, 3), (False, 2)])
def test_a_child_that_is_alone_does_not_work_out_the_other_cell_of_two(insiders: bool, withheld: int) -> None:
    """Each of the two can be 10 to a reader of their total of 10; the one child knows that the other cell has 9."""
    rows = "a,n\nTotal,60\nx,1\ny,9\nz,20\nw,30\n"
    found = protect_table(read_table(rows), load_preset("ukllc"), "n", ["a"], {}, secret=SECRET, insiders=insiders)
    shown = read_shown(found.to_csv())
    assert {("x",), ("y",)} <= set(withheld_rows(shown))
    assert len(withheld_rows(shown)) == withheld


@pytest.mark.parametrize(("insiders", "withheld"), [(True, 3), (False, 2)])
def test_nobody_in_one_cell_of_two_knows_that_the_other_is_small(insiders: bool, withheld: int) -> None:
    """So can each of these; and whoever is one of the four knows that the others are nine at most."""
    rows = "a,n\nTotal,60\nx,4\ny,6\nz,20\nw,30\n"
    found = protect_table(read_table(rows), load_preset("ukllc"), "n", ["a"], {}, secret=SECRET, insiders=insiders)
    assert len(withheld_rows(read_shown(found.to_csv()))) == withheld


@pytest.mark.parametrize(("seed", "mean"), [(7, 6), (10, 14)])
def test_nobody_who_is_counted_finds_out_that_others_are_few(seed: int, mean: float) -> None:
    """Where zeros are withheld, whoever is in a cell knows more of it than a reader does: that it is not empty."""
    preset = load_preset("ukllc")
    table = draw_table(seed, authorities=2, sexes=2, ages=2, mean=mean)
    shown, totals = protect(table, preset), {total for total, _ in table.relations}
    hidden = withheld_rows(shown)
    for own in [row for row in hidden if table.figures[row] and row not in totals]:
        known = reader_bounds(shown, preset) | {own: (1, None)}
        for row in hidden:
            if table.figures[row] < 10 and row != own and row not in totals:
                assert bound_cell(table, known, row)[1] >= 10 - 1e-6


def test_an_authority_without_a_row_knows_those_of_its_schools() -> None:
    """Of 30 children 23 are at a school of A, and 3 at its other one: A would know of 4 at the one school of B."""
    tree = "code,parent,level\nE,,all\nA,E,authority\nB,E,authority\na1,A,school\na2,A,school\nb1,B,school\n"
    rows = "school,n\nE,30\na1,3\na2,23\nb1,4\n"
    layout = {"school": read_hierarchy(tree)}
    found = protect_table(read_table(rows), load_preset("dfe_cin"), "n", ["school"], layout, secret=SECRET)
    shown = read_shown(found.to_csv())
    assert {("a1",), ("b1",)} < set(withheld_rows(shown))
    assert ("E",) in withheld_rows(shown)  # A knows both of its own schools, so nothing else keeps it from the third.


def test_the_same_plan_has_the_same_pattern_and_another_secret_another() -> None:
    """Of twenty categories that are alike one is withheld beside the small one: which, the secret decides."""
    figures: dict[Row, int] = {("Total",): 203, ("small",): 3}
    figures |= {(f"c{each}",): 10 for each in range(20)}
    parents = {row[0]: "" if row[0] == "Total" else "Total" for row in figures}
    table = Drawn(("a",), (parents,), (dict.fromkeys(parents, "category"),), figures)
    preset = load_preset("dfe_cla")
    assert protect(table, preset) == protect(table, preset)
    patterns = {tuple(withheld_rows(protect(table, preset, secret=bytes([each]) * 32))) for each in range(8)}
    assert len(patterns) > 1
    assert {len(each) for each in patterns} == {2}


def test_replaying_the_algorithm_does_not_tell_which_cell_is_small() -> None:
    """Two cells are withheld of twenty-one. Who runs the algorithm on either story sees both equally often."""
    preset = load_preset("dfe_cla")

    def stories(small: str) -> int:
        """How often, over secrets that one does not know, this one being small withholds the two that are published."""
        figures: dict[Row, int] = {("Total",): 203}
        figures |= {(f"c{each}",): 10 for each in range(21)}
        figures[(small,)] = 3
        parents = {row[0]: "" if row[0] == "Total" else "Total" for row in figures}
        table = Drawn(("a",), (parents,), (dict.fromkeys(parents, "category"),), figures)
        patterns = [withheld_rows(protect(table, preset, secret=bytes([each]) * 32)) for each in range(120)]
        return patterns.count([("c4",), ("c7",)])

    one, other = stories("c4"), stories("c7")
    assert 1 <= one <= 15
    assert 1 <= other <= 15


def test_negative_figures_are_protected_by_their_size() -> None:
    """Of differences between two years a small one is withheld, whatever its sign, and zeros stay."""
    rows = "a,n\nTotal,40\nx,-3\ny,31\nz,12\nw,0\n"
    found = protect_table(read_table(rows), load_preset("dfe_cla"), "n", ["a"], {}, secret=SECRET)
    shown = read_shown(found.to_csv())
    assert shown[("x",)] == "c"
    assert shown[("w",)] == "0"
    assert len(withheld_rows(shown)) >= 2


def test_totals_without_a_row_are_attacked_all_the_same() -> None:
    """England less one authority is the other, whether or not their region is printed."""
    text = "area,n\nN,30\nA,18\nB,c\n"
    tree = "code,parent,level\nN,,all\nR,N,part\nA,R,authority\nB,R,authority\n"
    from disclosure_control.suppression.hierarchy import read_hierarchy

    ((_, _, found),) = attack_table(
        read_table(text), load_preset("dfe_cla"), "n", ["area"], {"area": read_hierarchy(tree)}
    )
    assert (found.withheld, found.exact) == (1, 1)
    assert found.known[0].low == found.known[0].high == 12


def test_a_table_of_margins_alone_is_protected_and_attacked() -> None:
    """What is only published added up is nobody's to see, and part of what a reader reasons with."""
    rows = "sex,age,n\nTotal,Total,44\nF,Total,4\nM,Total,40\nTotal,14,20\nTotal,15,24\n"
    found = protect_table(read_table(rows), load_preset("dfe_cla"), "n", ["sex", "age"], {}, secret=SECRET)
    shown = read_shown(found.to_csv())
    assert {row for row, entry in shown.items() if entry == "c"} >= {("F", "Total")}
    ((_, _, attack),) = attack_table(read_table(found.to_csv()), load_preset("dfe_cla"), "n", ["sex", "age"], {})
    assert attack.is_safe


def test_the_pattern_does_not_depend_on_the_order_of_rows() -> None:
    table = draw_table(9, authorities=3, sexes=2, ages=2, mean=9)
    mixed = list(table.figures.items())
    Random(3).shuffle(mixed)
    other = Drawn(table.columns, table.parents, table.levels, dict(mixed))
    preset = load_preset("dfe_cla")
    one, two = (set(withheld_rows(protect(each, preset))) for each in (table, other))
    assert one == two


def draw_sums(table: Drawn, seed: int) -> tuple[dict[Row, list[int]], str]:
    """What each child has, drawn child by child; and the table with the sums and the two largest contributions."""
    draw = Random(seed)
    totals = {total for total, _ in table.relations}
    held = {row: [draw.randint(100, 999) for _ in range(n)] for row, n in table.figures.items() if row not in totals}
    every: dict[Row, list[int]] = {}
    for row in table.figures:
        every[row] = [each for leaf, has in held.items() if is_beneath(table, leaf, row) for each in has]
    lines = ["area,sex,age,n,v,t1,t2"]
    for row, has in every.items():
        first, second, *_ = [*sorted(has, reverse=True), 0, 0]
        lines.append(",".join((*row, *map(str, (len(has), sum(has), first, second)))))
    return every, "\n".join(lines) + "\n"


def is_beneath(table: Drawn, leaf: Row, row: Row) -> bool:
    def upwards(code: str, parents: Mapping[str, str]) -> set[str]:
        return {code} | (upwards(parents[code], parents) if parents[code] else set())

    return all(up in upwards(code, parents) for code, up, parents in zip(leaf, row, table.parents, strict=True))


def told_sums(seed: int, *, insiders: bool) -> int:
    """How many sums over one to five children an authority works out of another, to within 10 per cent."""
    table = draw_table(seed, authorities=4, sexes=2, ages=2, mean=9)
    every, text = draw_sums(table, seed)
    made = protect_table(
        read_table(text),
        load_preset("dfe_cla"),
        "n",
        table.columns,
        table.hierarchies,
        secret=SECRET,
        magnitudes=Magnitudes("v", "t1", "t2"),
        insiders=insiders,
    )
    shown = {tuple(line.split(",")[:3]): line.split(",")[4] for line in made.to_csv().splitlines()[1:]}
    told = 0
    for authority in ("A0", "A1", "A2", "A3"):
        known: dict[Row, tuple[float, float | None]] = {
            row: (0, None) if entry == "c" else (int(entry), int(entry)) for row, entry in shown.items()
        }
        known |= {row: (sum(has), sum(has)) for row, has in every.items() if row[0] == authority}
        for row in withheld_rows(shown):
            if 0 < len(every[row]) < 6 and row[0] != authority and row[0].startswith("A"):
                told += bound_cell(table, known, row)[1] < 1.1 * sum(every[row])
    return told


def test_no_authority_works_out_the_sums_of_another() -> None:
    """It would, of several, if it were not looked on with what each knows."""
    assert sum(told_sums(seed, insiders=True) for seed in (1, 2)) == 0
    assert sum(told_sums(seed, insiders=False) for seed in (1, 2)) > 0
