"""What is withheld, rule by rule: the cells as they are, and the cells as they are released."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control import suppression
from disclosure_control.presets import load_preset
from disclosure_control.protection import protect
from disclosure_control.suppression import SuppressionRules
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import TOTAL, QueryPlan
from query_engine.planning.region import Region, RegionTangled
from query_engine.tables import RawTable

MakePlan = Callable[[str], QueryPlan]
MakeRaw = Callable[[QueryPlan, str], RawTable]
ReleaseSpec = Callable[[str, str, str, str], None]

COUNTS = "SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex"
SHARES = "SELECT sex, COUNT(*) AS n, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year GROUP BY sex"
YES = "SELECT sex, COUNT(*) FILTER (WHERE uasc) AS yes FROM child_year GROUP BY sex"
FLAGS = "SELECT sex, AVG(persistent_absentee) AS share FROM child_year GROUP BY sex"
TOTALS = "SELECT sex, SUM(suspensions) AS total, AVG(suspensions) AS mean FROM child_year GROUP BY sex"


def test_a_count_under_the_threshold_is_withheld_and_a_true_zero_is_shown(release_spec: ReleaseSpec) -> None:
    """Under 10 is `c`; nobody at all is 0; no cell is left out."""
    release_spec(
        "ons_10_5",
        COUNTS,
        """
        sex | children
        M   | 10
        F   | 9
        U   | 1
        """,
        """
        sex  | n
        M    | 10
        F    | c
        U    | c
        None | 0
        """,
    )


def test_a_zero_is_withheld_like_a_small_count_where_the_preset_says_so(release_spec: ReleaseSpec) -> None:
    """UK LLC: counts under 10, including zero. Nothing tells an empty cell from a small one, not even `z`."""
    release_spec(
        "ukllc",
        SHARES,
        """
        sex | children | share.yes
        M   | 40       | 20
        F   | 9        | 4
        """,
        """
        sex  | n  | share
        M    | 40 | 0.500
        F    | c  | c
        None | c  | c
        """,
    )


def test_every_figure_of_a_cell_of_few_children_is_withheld(release_spec: ReleaseSpec) -> None:
    """Children are counted, not rows: nine children with 27 rows between them are still nine."""
    release_spec(
        "ons_10_5",
        "SELECT COUNT(*) AS n, COUNT(DISTINCT child) AS people, SUM(suspensions) AS total, AVG(attendance_rate) AS rate"
        " FROM child_year",
        """
        children | rows | total.sum | rate.sum
        9        | 27   | 300       | 240000
        """,
        """
        n | people | total | rate
        c | c      | c     | c
        """,
    )


def test_an_empty_cell_has_counts_of_zero_and_nothing_to_average(release_spec: ReleaseSpec) -> None:
    """No children have no suspensions between them; there is no share or average of nobody."""
    release_spec(
        "dfe_cla",
        "SELECT COUNT(*) AS n, SUM(suspensions) AS total, AVG(suspensions) AS mean,"
        " COUNT(*) FILTER (WHERE uasc) AS yes, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year",
        """
        children
        0
        """,
        """
        n | total | mean | yes | share
        0 | 0     | z    | 0   | z
        """,
    )


def test_a_share_is_withheld_when_few_children_say_yes_or_few_say_no(release_spec: ReleaseSpec) -> None:
    """0 % and 100 % are shown where zeros are; 9 of 50 and 41 of 50 both come from nine children."""
    release_spec(
        "ons_10_5",
        SHARES,
        """
        sex  | children | share.yes
        M    | 50       | 9
        F    | 50       | 41
        U    | 50       | 0
        None | 50       | 50
        """,
        """
        sex  | n  | share
        M    | 50 | c
        F    | 50 | c
        U    | 50 | 0.000
        None | 50 | 1.000
        """,
    )


def test_nobody_and_everybody_are_withheld_where_zeros_are(release_spec: ReleaseSpec) -> None:
    """That all of a group say yes is something about each of them."""
    release_spec(
        "ukllc",
        SHARES,
        """
        sex  | children | share.yes
        M    | 50       | 0
        F    | 50       | 50
        """,
        """
        sex  | n  | share
        M    | 50 | c
        F    | 50 | c
        """,
    )


def test_a_count_of_yes_is_held_to_the_same_rule_as_the_share(release_spec: ReleaseSpec) -> None:
    """The count of all is one query away, so few who say no are as visible as few who say yes."""
    release_spec(
        "dfe_cla",
        YES,
        """
        sex  | children | yes.yes
        M    | 50       | 5
        F    | 50       | 45
        U    | 50       | 44
        None | 50       | 0
        """,
        """
        sex  | yes
        M    | c
        F    | c
        U    | 44
        None | 0
        """,
    )


def test_a_share_is_withheld_when_it_is_missing_for_a_few(release_spec: ReleaseSpec) -> None:
    """Yes and no together give how many have an answer, and with the count of all, how many have none."""
    release_spec(
        "dfe_cla",
        FLAGS,
        """
        sex  | children | share.present | share.yes
        M    | 100      | 97            | 40
        F    | 100      | 90            | 40
        U    | 100      | 5             | 3
        None | 100      | 0             | 0
        """,
        """
        sex  | share
        M    | c
        F    | 0.44
        U    | c
        None | z
        """,
    )


def test_an_average_needs_enough_children_with_a_value(release_spec: ReleaseSpec) -> None:
    """OpenSAFELY shows counts from 8; averages here need 10."""
    release_spec(
        "opensafely",
        "SELECT sex, COUNT(*) AS n, AVG(sdq_score) AS mean FROM child_year GROUP BY sex",
        """
        sex  | children | mean.present | mean.sum
        M    | 9        | 9            | 108
        F    | 40       | 9            | 108
        U    | 40       | 10           | 120
        """,
        """
        sex  | n  | mean
        M    | 10 | c
        F    | 40 | c
        U    | 40 | 12.0
        """,
    )


def test_a_sum_that_comes_from_a_few_children_is_withheld(release_spec: ReleaseSpec) -> None:
    """Thirty suspensions in a group of forty say much about the one child who was suspended."""
    release_spec(
        "dfe_cla",
        TOTALS,
        """
        sex  | children | total.sum | total.nonzero
        M    | 40       | 30        | 1
        F    | 40       | 30        | 6
        U    | 40       | 0         | 0
        """,
        """
        sex  | total | mean
        M    | c     | c
        F    | 30    | 1
        U    | 0     | 0
        """,
    )


def test_a_sum_is_withheld_when_the_value_is_missing_for_a_few_and_the_average_stays(release_spec: ReleaseSpec) -> None:
    """The sum over the average is the number with a value; the average alone says nothing of the number without."""
    release_spec(
        "dfe_cla",
        TOTALS,
        """
        sex  | children | total.present | total.sum | total.nonzero
        M    | 100      | 97            | 194       | 60
        F    | 100      | 90            | 180       | 60
        U    | 100      | 0             | 0         | 0
        """,
        """
        sex  | total | mean
        M    | c     | 2
        F    | 180   | 2
        U    | z     | z
        """,
    )


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
    monkeypatch.setattr(suppression, "intersect", tangle)
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


def test_a_count_of_yes_is_withheld_when_few_rows_are_left(release_spec: ReleaseSpec) -> None:
    """97 of 100 rows over two years say yes: three rows say no, though each of the 50 children says yes in one."""
    release_spec(
        "dfe_cla",
        "SELECT sex, COUNT(*) AS n, COUNT(*) FILTER (WHERE uasc) AS yes FROM child_year GROUP BY sex",
        """
        sex  | children | rows | yes.sum | yes.nonzero
        M    | 50       | 100  | 97      | 50
        F    | 50       | 100  | 90      | 50
        """,
        """
        sex  | n   | yes
        M    | 100 | c
        F    | 100 | 90
        """,
    )


def test_few_rows_that_say_no_are_withheld_though_every_child_also_says_yes(release_spec: ReleaseSpec) -> None:
    """Over several years a child can say both: three children have a row of no, and 40 have."""
    release_spec(
        "dfe_cla",
        SHARES.replace("COUNT(*) AS n, ", ""),
        """
        sex  | children | rows | share.sum | share.nonzero | share.no
        M    | 50       | 100  | 97        | 50            | 3
        F    | 50       | 100  | 60        | 50            | 40
        """,
        """
        sex  | share
        M    | c
        F    | 0.60
        """,
    )


FILTERED = (
    "SELECT sex, COUNT(*) AS n, AVG(suspensions) FILTER (WHERE uasc) AS mean,"
    " COUNT(DISTINCT child) FILTER (WHERE uasc) AS people FROM child_year GROUP BY sex"
)


def test_a_filtered_figure_needs_enough_children_inside_and_outside(release_spec: ReleaseSpec) -> None:
    """The figure of all, one query away, less the figure of those inside is the figure of those outside."""
    release_spec(
        "dfe_cla",
        FILTERED,
        """
        sex  | children | mean.among | mean.present | mean.sum | mean.nonzero
        M    | 40       | 20         | 20           | 40       | 10
        F    | 40       | 5          | 5            | 40       | 5
        U    | 40       | 35         | 35           | 70       | 30
        None | 40       | 40         | 40           | 80       | 40
        """,
        """
        sex  | n  | mean | people
        M    | 40 | 2    | 20
        F    | 40 | c    | c
        U    | 40 | c    | c
        None | 40 | 2    | 40
        """,
    )


def test_a_filter_that_everybody_or_nobody_meets_is_withheld_where_zeros_are(release_spec: ReleaseSpec) -> None:
    release_spec(
        "ukllc",
        FILTERED,
        """
        sex  | children | mean.among | mean.present | mean.sum | mean.nonzero
        M    | 40       | 20         | 20           | 40       | 10
        F    | 40       | 40         | 40           | 80       | 40
        U    | 40       | 0          | 0            | 0        | 0
        """,
        """
        sex  | n  | mean | people
        M    | 40 | 2.0  | 20
        F    | 40 | c    | c
        U    | 40 | c    | c
        """,
    )


def test_the_spread_of_what_one_child_has_is_withheld(release_spec: ReleaseSpec) -> None:
    """Thirty suspensions of one child in a group of forty have a variance that gives the thirty away."""
    release_spec(
        "dfe_cla",
        "SELECT sex, VAR_POP(suspensions) AS spread FROM child_year GROUP BY sex",
        """
        sex  | children | spread.rows | spread.sum | spread.squares | spread.nonzero
        M    | 40       | 40          | 30         | 900            | 1
        F    | 40       | 40          | 40         | 80             | 20
        U    | 5        | 5           | 10         | 40             | 5
        """,
        """
        sex | spread
        M   | c
        F   | 1
        U   | c
        """,
    )


def test_a_correlation_needs_its_own_number_of_children(release_spec: ReleaseSpec) -> None:
    """Twelve leave ten degrees of freedom; eleven have an average here and no correlation."""
    release_spec(
        "opensafely",
        "SELECT sex, REGR_AVGY(suspensions, placements) AS mean, CORR(suspensions, placements) AS r"
        " FROM child_year GROUP BY sex",
        """
        sex | children | r.rows | r.sum | r.squares | r.nonzero
        M   | 12       | 12     | 24    | 60        | 12
        F   | 11       | 11     | 22    | 55        | 11
        """,
        """
        sex | mean | r
        M   | 2.0  | 1.000
        F   | c    | c
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


TOTALLED = "SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY CUBE (sex, uasc)"


def test_no_total_is_shown_over_a_withheld_cell(release_spec: ReleaseSpec) -> None:
    """Four boys are withheld, and so is every total that they are part of; the totals of others are shown.

    Nothing that is shown has the four in its sum, so no adding and taking away of shown figures can reach them.
    """
    release_spec(
        "dfe_cla",
        TOTALLED,
        """
        sex   | uasc  | children
        M     | True  | 4
        M     | False | 30
        F     | True  | 20
        F     | False | 50
        Total | True  | 24
        Total | False | 80
        M     | Total | 34
        F     | Total | 70
        Total | Total | 104
        """,
        """
        sex   | uasc  | n
        M     | False | 30
        M     | True  | c
        F     | False | 50
        F     | True  | 20
        M     | Total | c
        F     | Total | 70
        Total | False | 80
        Total | True  | c
        Total | Total | c
        """,
    )


def test_a_total_goes_with_any_figure_of_a_cell_in_it(release_spec: ReleaseSpec) -> None:
    """A withheld mean takes the whole total with it, since the count beside it would tell which cell is odd."""
    release_spec(
        "dfe_cla",
        "SELECT sex, COUNT(*) AS n, AVG(suspensions) AS mean FROM child_year GROUP BY ROLLUP (sex)",
        """
        sex   | children | mean.sum | mean.nonzero
        M     | 40       | 30       | 1
        F     | 40       | 40       | 30
        Total | 80       | 70       | 31
        """,
        """
        sex   | n  | mean
        M     | 40 | c
        F     | 40 | 1
        Total | c  | c
        """,
    )


cells = st.dictionaries(
    st.tuples(st.sampled_from(["M", "F"]), st.sampled_from([False, True])), st.integers(0, 14), min_size=4, max_size=4
)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(drawn=cells)
def test_a_withheld_cell_is_in_no_sum_that_is_shown(drawn: dict[tuple[str, bool], int], make_plan: MakePlan) -> None:
    """Any number in a withheld cell's place gives the same release, as far as it remains withheld: nothing depends on
    it, which is more than that nothing can be solved for it."""
    plan, preset = make_plan(TOTALLED), load_preset("dfe_cla")

    def release(children: dict[tuple[str, bool], int]) -> tuple[object, ...]:
        def inside(cell: tuple[object, ...]) -> int:
            return sum(n for key, n in children.items() if all(c in (TOTAL, k) for c, k in zip(cell, key, strict=True)))

        counted = [inside(cell) for cell in plan.iter_cells()]
        return protect(RawTable(plan, {each.name: counted for each in plan.statistics}), preset).rows

    few = {key for key, number in drawn.items() if 0 < number < preset.smallest_count_shown}
    for other in range(1, preset.smallest_count_shown):
        assert release(drawn | dict.fromkeys(few, other)) == release(drawn)


@pytest.mark.parametrize(
    ("preset", "nobody"), [("ons_10_5", "0"), ("dfe_cla", "0"), ("ukllc", "c"), ("opensafely", "c")]
)
def test_a_count_of_pairs_rests_on_the_children_who_have_both(
    release_spec: ReleaseSpec, preset: str, nobody: str
) -> None:
    """3 of 50 children with both values are too few to be counted, and so are 3 of 50 without; 50 of 50 are not."""
    release_spec(
        preset,
        "SELECT sex, COUNT(*) AS n, REGR_COUNT(sdq_score, months_in_care) AS pairs FROM child_year GROUP BY sex",
        """
        sex | children | pairs.present | pairs.sum
        M   | 50       | 3             | 3
        F   | 50       | 47            | 47
        U   | 50       | 50            | 50
        """,
        """
        sex | n  | pairs
        M   | 50 | c
        F   | 50 | c
        U   | 50 | 50
        """,
    )
    release_spec(
        preset,
        "SELECT sex, COUNT(*) AS n, REGR_COUNT(sdq_score, months_in_care) AS pairs FROM child_year GROUP BY sex",
        """
        sex | children | pairs.present | pairs.sum
        M   | 50       | 0             | 0
        """,
        f"""
        sex | n  | pairs
        M   | 50 | {nobody}
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


def test_a_quantile_has_enough_children_on_either_side(release_spec: ReleaseSpec) -> None:
    """A quantile near 0 or 1 is the least or the greatest value, which no preset shows."""
    release_spec(
        "dfe_cla",
        "SELECT COUNT(*) AS n, QUANTILE_DISC(suspensions, 0.001) AS least, MEDIAN(suspensions) AS middle,"
        " QUANTILE_DISC(suspensions, 0.999) AS greatest FROM child_year",
        """
        children | least.present
        40       | 40
        """,
        """
        n  | least | middle | greatest
        40 | c     | 0.0    | c
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


def test_a_spread_over_the_rows_less_one_does_not_tell_a_missing_few(release_spec: ReleaseSpec) -> None:
    """Over the spread of all rows it gives their number, and so how many children of the count have no value."""
    release_spec(
        "dfe_cla",
        "SELECT COUNT(*) AS n, VAR_SAMP(attainment8) AS sample, VAR_POP(attainment8) AS whole FROM child_year",
        """
        children | sample.present | sample.nonzero | sample.sum | sample.squares
        40       | 37             | 37             | 148000     | 750000000
        """,
        """
        n  | sample | whole
        40 | c      | 427
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


def test_a_weighted_mean_that_few_have_a_part_in_is_withheld(make_plan: MakePlan) -> None:
    """Many have a weight and many a value, and only the few who have both make the figure."""
    plan = make_plan("SELECT WEIGHTED_AVG(suspensions, sdq_score) AS w FROM child_year")
    raw = {each.name: [40] for each in plan.statistics}
    (both,) = [name for name in raw if name.startswith("nonzero:") and "*" in name]
    assert str(protect(RawTable(plan, raw), load_preset("dfe_cla")).rows[0][0]) != "c"
    assert str(protect(RawTable(plan, raw | {both: [1]}), load_preset("dfe_cla")).rows[0][0]) == "c"


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


def test_a_sum_that_a_yes_or_no_is_multiplied_into_needs_children_on_both_sides(release_spec: ReleaseSpec) -> None:
    """The sum of all less the sum of those who say yes is the sum of the one child who says no."""
    release_spec(
        "ukllc",
        "SELECT sex, SUM(suspensions) AS total, SUM(suspensions * uasc) AS part, AVG(suspensions * uasc) AS mean"
        " FROM child_year GROUP BY sex",
        """
        sex | children | total.sum | total.nonzero | part.sum | part.nonzero | part.no
        M   | 38       | 46        | 25            | 37       | 25           | 1
        F   | 38       | 46        | 25            | 30       | 20           | 18
        """,
        """
        sex | total | part | mean
        M   | 46    | c    | c
        F   | 46    | 30   | 0.8
        """,
    )


def test_a_filter_needs_children_outside_it_though_all_have_rows_inside_too(release_spec: ReleaseSpec) -> None:
    """Each of 40 children has a row inside, and one has another outside: her months are the sum less the sum inside."""
    release_spec(
        "dfe_cla",
        "SELECT sex, SUM(months) AS total, SUM(months) FILTER (WHERE placement_type <> 'foster_other') AS part"
        " FROM placements GROUP BY sex",
        """
        sex | children | rows | total.sum | total.nonzero | part.among | part.sum | part.nonzero | part.outside
        M   | 40       | 41   | 500       | 40            | 40         | 491      | 40           | 1
        F   | 40       | 60   | 500       | 40            | 40         | 300      | 40           | 20
        """,
        """
        sex | total | part
        M   | 500   | c
        F   | 500   | 300
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
