"""What is withheld of a figure with a condition, a FILTER or a yes/no in it: either side needs children enough."""

from collections.abc import Callable

ReleaseSpec = Callable[[str, str, str, str], None]

SHARES = "SELECT sex, COUNT(*) AS n, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year GROUP BY sex"


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


def test_children_who_never_meet_a_filter_are_enough_though_many_have_a_row_outside_it(
    release_spec: ReleaseSpec,
) -> None:
    """Of 40 children 20 have a row outside, and one has none inside: the count of all less 39 is that one."""
    release_spec(
        "dfe_cla",
        "SELECT sex, COUNT(DISTINCT child) FILTER (WHERE placement_type <> 'foster_other') AS part"
        " FROM placements GROUP BY sex",
        """
        sex | children | part.among | part.outside
        M   | 40       | 39         | 20
        F   | 40       | 30         | 20
        """,
        """
        sex | part
        M   | c
        F   | 30
        """,
    )
