"""What is withheld of one cell, figure by figure: the cells as they are, and the cells as they are released."""

from collections.abc import Callable

import pytest

from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protection import protect
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

MakePlan = Callable[[str], QueryPlan]
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
    """0% and 100% are shown where zeros are; 9 of 50 and 41 of 50 both come from nine children."""
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
    """OpenSAFELY shows counts from 8; averages here need 10, and 12 are printed as 8 are."""
    release_spec(
        "opensafely",
        "SELECT sex, COUNT(*) AS n, AVG(sdq_score) AS mean FROM child_year GROUP BY sex",
        """
        sex  | children | mean.present | mean.sum
        M    | 9        | 9            | 108
        F    | 40       | 12           | 144
        U    | 40       | 13           | 156
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
    """Twelve leave ten degrees of freedom, and are printed as 8 are; so it is 13 where counts are rounded."""
    release_spec(
        "opensafely",
        "SELECT sex, REGR_AVGY(suspensions, placements) AS mean, CORR(suspensions, placements) AS r"
        " FROM child_year GROUP BY sex",
        """
        sex | children | r.rows | r.sum | r.squares | r.nonzero
        M   | 13       | 13     | 26    | 65        | 13
        F   | 12       | 12     | 24    | 60        | 12
        """,
        """
        sex | mean | r
        M   | 2.0  | 1.000
        F   | c    | c
        """,
    )


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


def test_a_weighted_mean_that_few_have_a_part_in_is_withheld(make_plan: MakePlan) -> None:
    """Many have a weight and many a value, and only the few who have both make the figure."""
    plan = make_plan("SELECT WEIGHTED_AVG(suspensions, sdq_score) AS w FROM child_year")
    raw = {each.name: [40] for each in plan.statistics}
    (both,) = [name for name in raw if name.startswith("nonzero:") and "*" in name]
    assert str(protect(RawTable(plan, raw), load_preset("dfe_cla")).rows[0][0]) != "c"
    assert str(protect(RawTable(plan, raw | {both: [1]}), load_preset("dfe_cla")).rows[0][0]) == "c"
