"""What is withheld since figures of one row would give it away together."""

from collections.abc import Callable

import pytest

from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protection import protect
from disclosure_control.suppression.cell_rules import SuppressionRules
from query_engine.catalogue import load_catalogue
from query_engine.planning import nested_counts
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, RegionTangled
from query_engine.tables import RawTable

MakePlan = Callable[[str], QueryPlan]
ReleaseSpec = Callable[[str, str, str, str], None]


def test_of_a_condition_within_another_the_narrower_is_withheld(release_spec: ReleaseSpec) -> None:
    """If 30 are 16 or older and 28 are 17 or older, two are 16. Conditions that merely overlap tell no such thing."""
    release_spec(
        "dfe_cla",
        "SELECT sex, COUNT(*) FILTER (WHERE age >= 16) AS older, COUNT(*) FILTER (WHERE age >= 17) AS oldest,"
        " COUNT(*) FILTER (WHERE uasc) AS yes FROM child_year GROUP BY sex",
        """
        sex  | children | older.yes | oldest.yes | yes.yes
        M    | 100      | 30        | 28         | 29
        F    | 100      | 30        | 24         | 29
        U    | 100      | 30        | 30         | 29
        """,
        """
        sex  | older | oldest | yes
        M    | 30    | c      | 29
        F    | 30    | 24     | 29
        U    | 30    | 30     | 29
        """,
    )


def test_of_a_condition_that_everybody_in_another_meets_the_narrower_is_withheld_where_zeros_are(
    release_spec: ReleaseSpec,
) -> None:
    """That all who are 16 are also 17 is about each of them. One condition asked for twice is no news."""
    release_spec(
        "ukllc",
        "SELECT sex, COUNT(*) FILTER (WHERE age >= 16) AS older, COUNT(*) FILTER (WHERE age >= 17) AS oldest,"
        " AVG(CASE WHEN age >= 16 THEN 1 ELSE 0 END) AS older_share FROM child_year GROUP BY sex",
        """
        sex  | children | older.yes | oldest.yes
        M    | 100      | 30        | 30
        F    | 100      | 30        | 20
        """,
        """
        sex  | older | oldest | older_share
        M    | 30    | c      | 0.300
        F    | 30    | 20     | 0.300
        """,
    )


def test_a_condition_is_within_another_if_it_is_among_the_rows_of_the_filter(release_spec: ReleaseSpec) -> None:
    """A column that is yes or no is compared like any condition: 33 less 30 leaves three who are under 3."""
    release_spec(
        "dfe_cla",
        "SELECT SUM(uasc) AS part, COUNT(*) FILTER (WHERE uasc OR age < 3) AS whole FROM child_year"
        " WHERE NOT uasc OR age >= 16",
        """
        children | part.yes | whole.yes
        100      | 30       | 33
        """,
        """
        part | whole
        c    | 33
        """,
    )


def test_conditions_too_tangled_to_compare_are_taken_to_be_nested(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it cannot be known, more is withheld and not less."""

    def tangle(left: Region, right: Region) -> Region:
        raise RegionTangled

    sql = "SELECT COUNT(*) FILTER (WHERE uasc) AS a, COUNT(*) FILTER (WHERE at_31_march) AS b FROM child_year"
    plan, preset = make_plan(sql), load_preset("dfe_cla")
    assert not SuppressionRules.for_plan(plan, preset).nested
    monkeypatch.setattr(nested_counts, "intersect", tangle)
    nested = SuppressionRules.for_plan(plan, preset).nested
    assert [(part.label, whole.label) for part, whole in nested] == [("a", "b"), ("b", "a")]


def test_of_rows_and_children_that_differ_by_a_few_the_children_are_withheld(release_spec: ReleaseSpec) -> None:
    """100 rows of 97 children: three children, or fewer, are there twice."""
    release_spec(
        "dfe_cla",
        "SELECT sex, COUNT(*) AS n, COUNT(DISTINCT child) AS people FROM child_year GROUP BY sex",
        """
        sex  | children | rows
        M    | 97       | 100
        F    | 90       | 100
        U    | 100      | 100
        """,
        """
        sex  | n   | people
        M    | 100 | c
        F    | 100 | 90
        U    | 100 | 100
        """,
    )


def test_one_row_for_each_child_is_ordinary_where_zeros_are_withheld(release_spec: ReleaseSpec) -> None:
    """No child is there twice: that is how the table is made, and says nothing of anybody."""
    release_spec(
        "ukllc",
        "SELECT COUNT(*) AS n, COUNT(DISTINCT child) AS people FROM child_year",
        """
        children
        40
        """,
        """
        n  | people
        40 | 40
        """,
    )


def test_of_children_counted_in_two_filters_the_fewer_are_withheld_where_they_differ_by_a_few(
    release_spec: ReleaseSpec,
) -> None:
    """Thirty children of 16 or more and 28 of 17 or more leave two, whether rows are counted or children."""
    release_spec(
        "dfe_cla",
        "SELECT sex, COUNT(DISTINCT child) FILTER (WHERE age >= 16) AS older,"
        " COUNT(DISTINCT child) FILTER (WHERE age >= 17) AS oldest FROM child_year GROUP BY sex",
        """
        sex  | children | older.among | oldest.among
        M    | 100      | 30          | 28
        F    | 100      | 30          | 20
        U    | 100      | 30          | 30
        """,
        """
        sex | older | oldest
        M   | 30    | c
        F   | 30    | 20
        U   | 30    | 30
        """,
    )


def test_of_values_of_one_column_and_of_two_the_fewer_are_withheld_where_they_differ_by_a_few(
    release_spec: ReleaseSpec,
) -> None:
    """Sixty have a score and 57 a score and an attendance: three have a score alone."""
    release_spec(
        "dfe_cla",
        "SELECT sex, COUNT(sdq_score) AS scores, REGR_COUNT(sdq_score, attendance_rate) AS both"
        " FROM child_year GROUP BY sex",
        """
        sex  | children | scores.yes | both.present
        M    | 100      | 60         | 57
        F    | 100      | 60         | 40
        U    | 100      | 60         | 60
        """,
        """
        sex | scores | both
        M   | 60     | c
        F   | 60     | 40
        U   | 60     | 60
        """,
    )


def test_filters_that_part_a_row_do_not_give_the_part_that_is_withheld(release_spec: ReleaseSpec) -> None:
    """40 less 20 less 17 would be the 3 that are withheld, so the next smallest goes, too."""
    release_spec(
        "dfe_cla",
        "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE sex = 'M') AS m, COUNT(*) FILTER (WHERE sex = 'F') AS f,"
        " COUNT(*) FILTER (WHERE sex = 'U') AS u FROM child_year WHERE sex IS NOT NULL",
        """
        children | m.yes | f.yes | u.yes
        40       | 20    | 17    | 3
        """,
        """
        n  | m  | f | u
        40 | 20 | c | c
        """,
    )


def test_filters_that_leave_enough_are_all_shown(release_spec: ReleaseSpec) -> None:
    """The part that nobody asked for can be worked out, and is large enough to be."""
    release_spec(
        "dfe_cla",
        "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE sex = 'M') AS m, COUNT(*) FILTER (WHERE sex = 'F') AS f"
        " FROM child_year",
        """
        children | m.yes | f.yes
        60       | 20    | 30
        """,
        """
        n  | m  | f
        60 | 20 | 30
        """,
    )


def test_two_conditions_and_either_of_them_do_not_give_a_few_who_meet_both(release_spec: ReleaseSpec) -> None:
    """20 and 25 less the 42 who meet one of them are the 3 who meet both."""
    release_spec(
        "dfe_cla",
        "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE uasc) AS a, COUNT(*) FILTER (WHERE sex = 'M') AS b,"
        " COUNT(*) FILTER (WHERE uasc OR sex = 'M') AS c FROM child_year",
        """
        children | a.yes | b.yes | c.yes
        60       | 20    | 25    | 42
        """,
        """
        n  | a | b  | c
        60 | c | 25 | 42
        """,
    )


def test_averages_over_filters_that_differ_by_a_few_are_not_shown_together(release_spec: ReleaseSpec) -> None:
    """The average of 32 beside that of 30 of them is the average of two children."""
    release_spec(
        "dfe_cla",
        "SELECT COUNT(*) AS n, AVG(suspensions) FILTER (WHERE sex = 'M') AS a,"
        " AVG(suspensions) FILTER (WHERE sex = 'M' AND uasc) AS b FROM child_year",
        """
        children | a.among | a.sum | b.among | b.sum
        60       | 32      | 64    | 30      | 60
        """,
        """
        n  | a | b
        60 | 2 | c
        """,
    )


def test_quantiles_side_by_side_do_not_count_a_bin(release_spec: ReleaseSpec) -> None:
    """Between the medians of 0.5 and 0.6 of 40 children lie four of them; between 0.25 and 0.75 lie 20."""
    release_spec(
        "dfe_cla",
        "SELECT QUANTILE_DISC(suspensions, 0.25) AS a, QUANTILE_DISC(suspensions, 0.7) AS b,"
        " QUANTILE_DISC(suspensions, 0.8) AS c FROM child_year",
        """
        children | a.present
        40       | 40
        """,
        """
        a   | b | c
        0.0 | c | c
        """,
    )


def test_filters_beyond_counting_are_withheld(
    make_plan: MakePlan, make_raw: Callable[[QueryPlan, str], RawTable]
) -> None:
    """Where the sums and differences are too many to look at, nothing about part of the children is shown."""
    filters = [f"COUNT(*) FILTER (WHERE age = {age}) AS a{age}" for age in range(16)]
    plan = make_plan(f"SELECT COUNT(*) AS n, {', '.join(filters)} FROM child_year")
    cells = " | ".join(["children", *(f"a{age}.yes" for age in range(16))])
    table = protect(make_raw(plan, f"{cells}\n{' | '.join(['160', *['10'] * 16])}"), load_preset("dfe_cla"))
    assert [str(each) for each in table.rows[0]] == ["160", *["c"] * 16]


def test_groups_of_unlike_columns_are_not_searched_together(make_plan: MakePlan) -> None:
    """A dozen shares of a dozen columns are no more to look at than one."""
    flags = [each for each in load_catalogue().table("child_year").columns.values() if each.role == "flag"][:12]
    plan = make_plan(f"SELECT {', '.join(f'AVG({each.name}) AS {each.name}' for each in flags)} FROM child_year")
    assert SuppressionRules.for_plan(plan, load_preset("dfe_cla")).traps == ()


def test_groups_that_leave_a_few_twice_are_not_shown_together(release_spec: ReleaseSpec) -> None:
    """Those of 0 or 1 and those of 1 or 2, less those of 0 or 2, are those of 1 twice over: 4 are 2."""
    release_spec(
        "dfe_cla",
        "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE age IN (0, 1)) AS a, COUNT(*) FILTER (WHERE age IN (1, 2)) AS b,"
        " COUNT(*) FILTER (WHERE age IN (0, 2)) AS c FROM child_year",
        """
        children | a.yes | b.yes | c.yes
        90       | 22    | 23    | 41
        """,
        """
        n  | a | b  | c
        90 | c | 23 | 41
        """,
    )


TWO_CONDITIONS = {
    "shares": "REGR_AVGX(suspensions, CASE WHEN {} THEN 1 ELSE 0 END)",
    "heights": "REGR_INTERCEPT(suspensions, CASE WHEN {} THEN 1 ELSE 0 END)",
    "spreads": "VAR_POP(CASE WHEN {} THEN 1 ELSE 0 END)",
    "weighted means": "WEIGHTED_AVG(suspensions, CASE WHEN {} THEN 1 ELSE 0 END)",
    "correlations": "CORR(suspensions, CASE WHEN {} THEN 1 ELSE 0 END)",
}


@pytest.mark.parametrize("figure", TWO_CONDITIONS.values(), ids=TWO_CONDITIONS.keys())
def test_conditions_that_differ_by_a_child_are_withheld_in_every_figure(figure: str, make_plan: MakePlan) -> None:
    """Averages of 20 children and of these and one more are, times their numbers, the value of the one."""
    narrow, wide = figure.format("age = 10"), figure.format("age IN (10, 11)")
    plan = make_plan(f"SELECT {narrow} AS narrow, {wide} AS wide FROM child_year")
    ages = [10] * 20 + [11] + [12] * 19
    counted = {each.name: 40 for each in plan.statistics}
    for output, kept in zip(plan.outputs, ({10}, {10, 11}), strict=True):
        ((inside, outside),) = output.sides
        met = sum(age in kept for age in ages)
        counted |= {inside: met, outside: 40 - met, **dict.fromkeys(output.statistics[1:], met)}
    rules = SuppressionRules.for_plan(plan, load_preset("ons_10_5"))
    assert rules.withheld(counted) == {"narrow"}


def test_the_children_who_meet_two_conditions_are_counted_in_a_correlation_of_them(make_plan: MakePlan) -> None:
    """Beside both shares it gives how many meet both: here three."""
    plan = make_plan("SELECT CORR(uasc, persistent_absentee) AS r FROM child_year")
    (output,) = plan.outputs
    counted = dict.fromkeys((each.name for each in plan.statistics), 40)
    assert SuppressionRules.for_plan(plan, load_preset("ons_10_5")).withheld(counted) == frozenset()
    both = {each.name for each in plan.statistics if each.name == "children:" + output.statistics[3].partition(":")[2]}
    assert len(both) == 1
    withheld = SuppressionRules.for_plan(plan, load_preset("ons_10_5")).withheld(counted | dict.fromkeys(both, 3))
    assert withheld == {"r"}
