"""Tables set against each other: what several questions tell together, and what is withheld so that they do not."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from disclosure_control.linked.children.parts import TooTangled
from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.counts.links import link_plans
from disclosure_control.linked.joint_attack import attack_together
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.presets.shipped import Preset, load_preset
from disclosure_control.rows.protected_table import Entry
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from tests.disclosure_control.told_words import tell_hits

CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here AND sex IN ('M', 'F')"
ALL = f"SELECT COUNT(*) AS n {CHILDREN}"
BY_SEX = f"SELECT sex, COUNT(*) AS n {CHILDREN} GROUP BY sex"
C = Symbol.CONFIDENTIAL


def table(
    sql: str, *counts: Entry, name: str = "R-1", implied: int | None = None, preset: str | Preset = "dfe_cla"
) -> Published:
    """A released table of one column of figures, under a preset."""
    plan = derive_plan(sql, Path.PER_AUTHORITY)
    cells = [tuple(each) for each in plan.iter_cells()]
    rows = tuple((*cell, count) for cell, count in zip(cells, counts, strict=True))
    label = plan.outputs[-1].label
    rules = load_preset(preset) if isinstance(preset, str) else preset
    return Published(name, plan, rules, rows, implied={} if implied is None else {(0, label): implied})


def told(preset: str, *tables: Published) -> Sequence[tuple[int | None, int | None]]:
    """What is told by tables that all are under one preset."""
    return told_together(*(replace(each, preset=load_preset(preset)) for each in tables))


def told_together(*tables: Published) -> Sequence[tuple[int | None, int | None]]:
    """What is told by tables, each under its own preset."""
    found = attack_together(link_published(tables), entries_of(tables), rules_of(tables))
    return [(each.known.low, each.known.high) for each in found.told]


def test_a_total_elsewhere_tells_what_a_table_withholds() -> None:
    assert told("dfe_cla", table(BY_SEX, 50, C)) == []
    assert told("dfe_cla", table(BY_SEX, 50, C), table(ALL, 53)) == [(3, 3)]


def test_rounding_leaves_room_or_does_not() -> None:
    """50 is 48 to 52: of 60 children 6 to 14 can be girls, and of 50 none to 4."""
    assert told("ons_10_5", table(BY_SEX, 50, C), table(ALL, 60)) == []
    assert told("ons_10_5", table(BY_SEX, 50, C), table(ALL, 50)) == [(1, 4)]


@pytest.mark.parametrize(
    "spelling",
    ["sex = 'M'", "NOT (sex = 'F')", "sex IN ('M')", "sex = 'M' OR (sex = 'M' AND age = 3)"],
)
def test_the_same_children_are_one_unknown_however_they_are_spelt(spelling: str) -> None:
    spelt = table(f"SELECT COUNT(*) AS n {CHILDREN} AND ({spelling})", 50)
    assert told("dfe_cla", table(BY_SEX, C, 40), spelt) == []
    assert told("dfe_cla", table(ALL, 53), table(BY_SEX, C, C), spelt) == [(3, 3)]


def test_two_conditions_that_differ_by_one_child_are_about_that_child() -> None:
    """Nothing is withheld; where the condition can be missing too, the difference is in several parts."""
    others = f"SELECT COUNT(*) AS n {CHILDREN} AND NOT (ethnicity_major = 'asian' AND sen_provision = 'none')"
    assert told("dfe_cla", table(ALL, 80), table(others, 79)) == [(1, 1)]
    assert told("dfe_cla", table(ALL, 80), table(others, 70)) == []
    assert told("dfe_cla", table(ALL, 80), table(others, 80)) == []


@pytest.mark.parametrize("left", [1, 5, 6])
def test_a_table_by_two_columns_is_set_against_a_condition_that_names_both(left: int) -> None:
    """Whoever is not a girl of fourteen is in no cell of these, whatever else they are: so the others are known."""
    by_both = f"SELECT sex, age, COUNT(*) AS n {CHILDREN} AND age IN (14, 15) AND NOT uasc GROUP BY sex, age"
    girls = table(f"{ALL} AND sex = 'F' AND age = 14", 12 + left)
    found = [(left, left)] if left < 6 else []
    for cells in ((20, 20, 12, 20), (20, 20, 12, C)):
        assert told("dfe_cla", table(by_both, *cells), girls) == told("dfe_cla", girls, table(by_both, *cells)) == found
    assert [tuple(cell) for cell in table(by_both, 20, 20, 12, 20).plan.iter_cells()][2] == ("F", 14)


def test_averages_are_set_against_each_other_by_the_children_behind_them() -> None:
    mean = "SELECT AVG(placements) AS a " + CHILDREN
    others = mean + " AND NOT (age = 9)"
    tables = (table(mean, 3, implied=80), table(others, 3, implied=79))
    assert told("dfe_cla", *tables) == [(1, 1)]
    assert told("dfe_cla", tables[0], table(others, C, implied=79)) == []


def test_tables_without_a_common_column_are_linked_by_what_both_add_up_to() -> None:
    by_age = f"SELECT age, COUNT(*) AS n {CHILDREN} AND age IN (14, 15) GROUP BY age"
    by_sex = f"SELECT sex, COUNT(*) AS n {CHILDREN} AND age BETWEEN 14 AND 15 GROUP BY sex"
    assert told("dfe_cla", table(by_age, 20, 30), table(by_sex, 48, C)) == [(2, 2)]


def test_the_nearest_row_is_withheld_and_everything_where_nothing_helps() -> None:
    by_age = f"SELECT age, COUNT(*) AS n {CHILDREN} AND age IN (14, 15) GROUP BY age"
    by_sex = table(f"SELECT sex, COUNT(*) AS n {CHILDREN} AND age IN (14, 15) GROUP BY sex", 48, C)
    assert find_companions([by_sex], table(by_age, 20, 30)) == {0}
    assert find_companions([table(BY_SEX, 50, C)], table(ALL, 53)) == {0}
    assert find_companions([table(BY_SEX, 50, 20)], table(ALL, 70)) == frozenset()


def test_what_was_told_before_is_past_help() -> None:
    """It is not taken out on a table that adds nothing to it."""
    before = [table(BY_SEX, 50, C), table(ALL, 53)]
    assert find_companions(before, table(f"SELECT COUNT(*) AS n {CHILDREN} AND age > 9", 30)) == frozenset()


def test_a_checker_is_told_which_figure_how_far_and_from_what() -> None:
    """Releases that play no part are not named."""
    unrelated = table("SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND sex = 'U'", 30, name="R-2")
    found = tell_hits("301", [table(BY_SEX, 50, C), unrelated, table(ALL, 53)])
    assert found == ["301: n of sex F is known to be 3 from this release and R-1."]
    nested = [table(ALL, 80), table(f"{ALL} AND NOT (age = 9)", 79)]
    assert tell_hits("301", nested) == [
        "301: a group for whom nobody asked, who tell counts apart (children where academic_year is 202425 and sex is "
        "M or F and age is 9 or missing and counted_here is yes), is known to be 1 from this release and R-1."
    ]


def test_totals_of_regions_add_up_to_that_of_all() -> None:
    """Two rosters that make up a third are linked by whom they have."""
    plans = [derive_plan(ALL, Path.EXACT_SUM)] * 3
    linked = link_plans(plans, [("1", "2"), ("1",), ("2",)])
    assert len({linked.places[number, 0, "n"] for number in range(3)}) == 3
    assert len(linked.lattice) == 3


def test_too_much_is_refused_by_what_is_asked_alone() -> None:
    sql = f"SELECT age, sen_provision, COUNT(*) AS n {CHILDREN} GROUP BY age, sen_provision"
    plans = [derive_plan(sql, Path.PER_AUTHORITY)]
    with pytest.raises(TooTangled, match="more than 50 cells"):
        link_plans(plans, most=50)


AGED = "SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND counted_here AND age IN ({})"
DECOY = table(AGED.format("10, 14"), 41, name="R-0")
CROSSING = (table(AGED.format("12, 13"), 30, name="R-1"), table(AGED.format("13"), 10, name="R-2"))


def test_a_decoy_does_not_hide_a_group_that_crossing_questions_tell_of() -> None:
    """Of children of 10 to 12 there are 23, of 12 there are 20: 3 are 10 or 11, whatever is asked of 10 and 14."""
    last = table(AGED.format("10, 11, 12"), 23)
    assert told("dfe_cla", *CROSSING, last) == [(3, 3)]
    assert told("dfe_cla", DECOY, *CROSSING, last) == [(3, 3), (3, 3)]
    assert find_companions([DECOY, *CROSSING], last) == {0}
    assert tell_hits("301", [DECOY, *CROSSING, last]) == [
        "301: a group for whom nobody asked, who tell counts apart (children where academic_year is 202425 and age is "
        "10 to 11 and counted_here is yes), is known to be 3 from this release and R-1, R-2."
    ]


@pytest.mark.parametrize("count", [20, 26])
def test_a_group_in_several_parts_is_told_only_where_it_is_some_children_and_too_few(count: int) -> None:
    last = table(AGED.format("10, 11, 12"), count)
    assert told("dfe_cla", DECOY, *CROSSING, last) == []
    assert find_companions([DECOY, *CROSSING], last) == frozenset()


def test_what_was_told_roughly_before_is_not_told_exactly_now() -> None:
    """Three small ages make up 7: each is 1 to 5. That two of them make up 6 would say that the third is one child."""
    by_age = (
        "SELECT age, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND counted_here AND age IN (5, 6, 7)"
    )
    before = [table(AGED.format("5, 6, 7"), 7), table(f"{by_age} GROUP BY age", C, C, C)]
    last = table(AGED.format("6, 7"), 6)
    assert told("dfe_cla", *before) == [(1, 5)] * 3
    assert (1, 1) in told("dfe_cla", *before, last)
    assert find_companions(before, last) == {0}
    assert "301: n of age 5 is known to be 1 from this release and R-1." in tell_hits("301", [*before, last])


def test_a_table_that_is_withheld_whole_takes_nothing_from_what_others_say() -> None:
    """In a table of nobody all that was withheld is none, as is printed where zeros are. Elsewhere c says that there is
    somebody all the same: that each of three small ages is 1 to 5, since together they are 7."""
    by_age = "SELECT age, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND counted_here AND age IN ({}) "
    small = [table(AGED.format("4, 5, 6, 7"), 27), table(by_age.format("4, 5, 6, 7") + "GROUP BY age", 20, C, C, C)]
    blank = [table(AGED.format("1, 2"), 0), table(by_age.format("1, 2") + "GROUP BY age", C, C)]
    assert told("dfe_cla", *small) == [(1, 5)] * 3
    assert told("dfe_cla", *small, *blank) == [(1, 5)] * 3
