"""Children of tables with several rows for each: what counts of them tell together."""

from disclosure_control.linked.companions import find_companions
from tests.disclosure_control.linked.test_linked import C, table, told

PLANS = "FROM pep WHERE academic_year = 202425 AND sex IN ('M', 'F')"
ALL = f"SELECT COUNT(DISTINCT child) AS n {PLANS}"
BY_SEX = f"SELECT sex, COUNT(DISTINCT child) AS n {PLANS} GROUP BY sex"


def test_children_add_up_over_what_is_alike_in_all_their_rows() -> None:
    assert told("dfe_cla", table(BY_SEX, 50, C)) == []
    assert told("dfe_cla", table(BY_SEX, 50, C), table(ALL, 53)) == [(3, 3)]
    assert find_companions([table(BY_SEX, 50, C)], table(ALL, 53)) == {0}


def test_children_with_a_row_of_a_kind_add_up_too() -> None:
    due = " AND pep_due GROUP BY sex"
    assert told("dfe_cla", table(BY_SEX.replace(" GROUP BY sex", due), 50, C), table(f"{ALL} AND pep_due", 52)) == [
        (2, 2)
    ]


def test_children_who_differ_by_a_row_are_about_whoever_has_none() -> None:
    """Of 53 with a plan 50 had one due: three had none. How many of 60 with any had one in spring says nothing of 8."""
    assert told("dfe_cla", table(ALL, 53), table(f"{ALL} AND pep_due", 50)) == [(3, 3)]
    assert told("dfe_cla", table(ALL, 60), table(f"{ALL} AND pep_due", 50)) == []
    assert told("dfe_cla", table(ALL, 50), table(f"{ALL} AND pep_due", 50)) == []


def test_children_of_kinds_are_between_the_most_of_one_and_all_together() -> None:
    """Of 20 children with a plan 16 had theirs in autumn or spring; whoever is left had one in summer, and is few."""
    early, late = f"{ALL} AND term IN ('autumn', 'spring')", f"{ALL} AND (term = 'summer' OR term IS NULL)"
    assert (4, 4) in told("dfe_cla", table(ALL, 20), table(early, 16), table(late, C))
    assert told("dfe_cla", table(ALL, 20), table(early, 12), table(late, 12)) == [(4, 4)]
    assert told("dfe_cla", table(ALL, 20), table(early, 12), table(late, 20)) == []


def test_columns_that_differ_between_rows_are_not_added_up_over() -> None:
    """Each child can be in every term: the terms come to more than there are children, and that is no contradiction."""
    by_term = f"SELECT term, COUNT(DISTINCT child) AS n {PLANS} GROUP BY ROLLUP (term)"
    assert told("dfe_cla", table(by_term, 50, 50, 50, 0, 50)) == []
    assert told("dfe_cla", table(by_term, 50, 50, 47, 0, 50)) == [(3, 3)]
