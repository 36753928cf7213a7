"""What a plan holds: public cells, whole-number statistics with bounds, and outputs made from them."""

from collections.abc import Callable

import pytest

from query_engine.catalogue import Catalogue
from query_engine.models.limbs import LIMB
from query_engine.planning.measuring import WIDEST
from query_engine.planning.plan import TOTAL, QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.query.model import AggregateQuery, ByCases, ByColumn, CountRows, Grouped, Product, Selected
from query_engine.query.predicate import Among, Comparison, Either, Every, Holds

PlanOf = Callable[[str], QueryPlan]


def test_every_declared_category_has_a_cell(plan_of: PlanOf) -> None:
    """A group that nobody is in is a cell like any other; missing values come last."""
    plan = plan_of("SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY sex, uasc")
    assert [each.categories for each in plan.dimensions] == [("M", "F", "U", None), (False, True, None)]
    assert plan.cells == 12
    assert list(plan.iter_cells())[:4] == [("M", False), ("M", True), ("M", None), ("F", False)]
    assert len(list(plan.iter_cells())) == plan.cells


def test_a_column_that_is_never_missing_has_no_cell_for_it(plan_of: PlanOf) -> None:
    """`population` is always known."""
    plan = plan_of("SELECT population, COUNT(*) AS n FROM child_year GROUP BY population")
    assert plan.dimensions[0].categories == ("looked_after", "previously_looked_after", "care_leaver")


@pytest.mark.parametrize(
    ("condition", "categories"),
    [
        ("sex <> 'M'", ("F", "U")),
        ("sex IS NULL OR sex = 'F'", ("F", None)),
        ("uasc AND (sex = 'M' OR NOT uasc)", ("M",)),
        ("sex = 'M' OR uasc", ("M", "F", "U", None)),
    ],
)
def test_the_filter_leaves_out_impossible_cells(condition: str, categories: object, plan_of: PlanOf) -> None:
    """Categories that no row of the filter can have are left out, which is known without the data."""
    plan = plan_of(f"SELECT sex, COUNT(*) AS n FROM child_year WHERE {condition} GROUP BY sex")
    assert plan.dimensions[0].categories == categories


def test_the_authority_column_is_implied(plan_of: PlanOf) -> None:
    """A node is one authority: the column is no dimension of the plan, and none of its outputs."""
    plan = plan_of("SELECT home_authority, sex, COUNT(*) AS n FROM child_year GROUP BY home_authority, sex")
    assert plan.authority_column == "home_authority"
    assert [each.name for each in plan.dimensions] == ["sex"]
    assert [each.label for each in plan.outputs] == ["sex", "n"]
    assert plan.path == "per_authority"
    assert plan_of("SELECT COUNT(*) AS n FROM pupil_year").authority_column == "host_authority"


def test_every_figure_is_carried_with_the_children_behind_it(plan_of: PlanOf) -> None:
    """Beside what was asked, the counts that disclosure control needs; each with the most that one row can add."""
    plan = plan_of("SELECT SUM(suspension_days) AS d, AVG(attendance_rate) AS a, AVG(uasc) AS u FROM child_year")
    days, rate, uasc = plan.outputs
    assert uasc.measure is not None
    yes = uasc.measure.name
    ((inside, outside),) = uasc.sides
    assert inside == f"children:{yes}"
    assert {each.name: each.bound for each in plan.statistics} == {
        "children": 1,
        "sum:suspension_days": 1000,
        "children:suspension_days": 1,
        "nonzero:suspension_days": 1,
        "sum:attendance_rate": 10_000,
        "rows:attendance_rate": 1,
        "children:attendance_rate": 1,
        "nonzero:attendance_rate": 1,
        "rows:uasc": 1,
        "children:uasc": 1,
        f"rows:{yes}": 1,
        f"children:{yes}": 1,
        outside: 1,
    }
    assert (days.kind, days.statistics, days.scale, days.indicator) == ("sum", ("sum:suspension_days",), 1, False)
    assert (rate.kind, rate.statistics) == ("mean", ("rows:attendance_rate", "sum:attendance_rate"))
    assert (rate.present, rate.nonzero) == ("children:attendance_rate", ("nonzero:attendance_rate",))
    assert uasc.indicator


def test_a_condition_is_missing_for_nobody(plan_of: PlanOf) -> None:
    """CASE ... ELSE 0 gives every row a value, so its rows and children are those of the cell."""
    plan = plan_of("SELECT AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year")
    (share,) = plan.outputs
    assert share.measure is not None
    assert share.statistics == ("rows", f"rows:{share.measure.name}")
    assert (share.present, share.nonzero) == ("children", (f"children:{share.measure.name}",))
    assert {each.name for each in plan.statistics} == {"children", *share.statistics, *share.nonzero, *share.sides[0]}


def test_counts_rest_on_the_children_of_the_cell(plan_of: PlanOf) -> None:
    """COUNT(*) counts rows, of which a child may have several."""
    count, distinct = plan_of("SELECT COUNT(*) AS n, COUNT(DISTINCT child) AS c FROM child_year").outputs
    assert (count.kind, count.statistics, count.present) == ("count", ("rows",), "children")
    assert (distinct.kind, distinct.statistics, distinct.present) == ("distinct", ("children",), "children")


def test_a_plan_knows_the_columns_it_depends_on(plan_of: PlanOf) -> None:
    """Grouped, filtered, measured and conditioned on; the key and the authority column go without saying."""
    plan = plan_of(
        "SELECT sex, SUM(placements) AS p, COUNT(*) FILTER (WHERE uasc) AS u FROM child_year WHERE age > 4 GROUP BY sex"
    )
    assert plan.columns == {"sex", "placements", "uasc", "age"}


def test_columns_have_names_of_their_own(plan_of: PlanOf) -> None:
    """Without AS, a column is named for what it holds."""
    plan = plan_of(
        "SELECT sex, COUNT(*), COUNT(DISTINCT child), SUM(placements), AVG(uasc) FROM child_year GROUP BY sex"
    )
    assert [each.label for each in plan.outputs] == ["sex", "count", "distinct_child", "sum_placements", "mean_uasc"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: AggregateQuery("child_year", ()),
        lambda: AggregateQuery("child_year", (Selected("sex", Grouped(ByColumn("sex"))),), (ByColumn("sex"),)),
        lambda: AggregateQuery("child_year", (Selected("n", CountRows()), Selected("n", CountRows()))),
        lambda: AggregateQuery("child_year", (Selected("n", CountRows()), Selected("sex", Grouped(ByColumn("sex"))))),
        lambda: Among("sex", ()),
        lambda: Every((Holds("uasc"),)),
        lambda: Either(()),
        lambda: Product(("suspensions",)),
        lambda: ByCases(()),
        lambda: ByCases((("yes", Holds("uasc")), ("yes", Holds("counted_here")))),
        lambda: ByCases((("yes", Holds("uasc")),), "yes"),
        lambda: AggregateQuery(
            "child_year",
            (Selected("sex", Grouped(ByColumn("sex"))), Selected("n", CountRows())),
            (ByColumn("sex"),),
            sets=((), (0,)),
        ),
    ],
)
def test_a_query_that_means_nothing_cannot_be_made(make: Callable[[], object]) -> None:
    """The model refuses what the parser would never give it."""
    with pytest.raises(ValueError):  # noqa: PT011 - the texts are for programmers
        make()


def test_a_plan_cannot_be_made_with_a_constant_outside_the_catalogue(catalogue: Catalogue) -> None:
    """A query made by hand is held to the public values too."""
    query = AggregateQuery("child_year", (Selected("n", CountRows()),), (), Comparison("sex", "=", "X"))
    with pytest.raises(ValueError, match="public values"):
        plan_query(query, catalogue)


def test_totals_are_cells_of_their_own(plan_of: PlanOf) -> None:
    """The finest cells come first, then the totals by how many columns they keep."""
    plan = plan_of("SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY CUBE (sex, uasc)")
    assert plan.sets == ((0, 1), (0,), (1,), ())
    assert plan.cells == 12 + 4 + 3 + 1
    cells = list(plan.iter_cells())
    assert cells[12:14] == [("M", TOTAL), ("F", TOTAL)]
    assert cells[16] == (TOTAL, False)
    assert cells[-1] == (TOTAL, TOTAL)


def test_the_cases_that_no_row_of_the_filter_meets_have_no_cell(plan_of: PlanOf) -> None:
    """A branch that an earlier one takes all from is left out too, as is an ELSE that nobody reaches."""
    plan = plan_of(
        "SELECT CASE WHEN age < 5 THEN 'early' WHEN age < 4 THEN 'taken' WHEN age > 16 THEN 'late' ELSE 'between' END"
        " AS phase, COUNT(*) AS n FROM child_year WHERE age < 16 GROUP BY phase"
    )
    assert plan.dimensions[0].categories == ("early", "between")


def test_cases_that_tell_apart_a_columns_categories_are_that_column(plan_of: PlanOf) -> None:
    """The dimension has the column's name and the asker's categories."""
    named = "CASE WHEN uasc THEN 'alone' WHEN NOT uasc THEN 'with others' END"
    plan = plan_of(f"SELECT {named} AS arrival, COUNT(*) AS n FROM child_year GROUP BY arrival")
    (arrival,) = plan.dimensions
    assert (arrival.name, arrival.categories) == ("uasc", ("alone", "with others", None))


def test_bins_are_what_the_catalogue_declares(plan_of: PlanOf) -> None:
    """Named by their ends, the last open, and missing values after it."""
    plan = plan_of("SELECT BIN(managed_moves) AS moves, COUNT(*) AS n FROM child_year GROUP BY moves")
    assert plan.dimensions[0].categories == ("0", "1", "2", "3 or more", None)


def test_a_product_too_wide_for_one_sum_is_carried_in_two(plan_of: PlanOf) -> None:
    """Costs are in pence to a million pounds: their squares over England could leave 64 bits, their halves cannot."""
    plan = plan_of("SELECT VAR_SAMP(cost) AS v FROM support")
    (spread,) = plan.outputs
    bounds = {each.name: each.bound for each in plan.statistics}
    assert spread.statistics == ("rows:cost", "sum:cost", "sum:cost*cost")
    assert "sum:cost*cost" not in bounds
    assert bounds["high:cost*cost"] == bounds["sum:cost"] ** 2 // LIMB
    assert bounds["low:cost*cost"] == LIMB - 1
    assert all(bound <= WIDEST for bound in bounds.values())


def test_a_view_is_no_part_of_the_plan(plan_of: PlanOf) -> None:
    """HAVING, ORDER BY and LIMIT choose among released rows, so they change nothing that is asked of a node."""
    plain = plan_of("SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex")
    viewed = plan_of("SELECT sex, COUNT(*) AS n FROM child_year GROUP BY sex HAVING n > 20 ORDER BY 2 DESC LIMIT 1")
    assert viewed == plain
