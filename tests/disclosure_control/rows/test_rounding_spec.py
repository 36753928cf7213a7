"""How figures that pass suppression are rounded, and why no two of them give away what a third hides."""

from collections.abc import Callable
from decimal import Decimal
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import read_protected
from disclosure_control.rows.protection import protect
from disclosure_control.rows.rounding import release_figure, round_to_base
from query_engine.models.limbs import LIMB
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.disclosure_control.rounding_presets import ROUNDING

ReleaseSpec = Callable[[str, str, str, str], None]


def test_counts_go_to_the_nearest_multiple_of_the_base(release_spec: ReleaseSpec) -> None:
    release_spec(
        "ons_10_5",
        "SELECT sex, COUNT(*) AS n, COUNT(*) FILTER (WHERE uasc) AS yes FROM child_year GROUP BY sex",
        """
        sex  | children | yes.yes
        M    | 42       | 12
        F    | 43       | 13
        """,
        """
        sex  | n  | yes
        M    | 40 | 10
        F    | 45 | 15
        """,
    )


def test_a_share_comes_from_the_rounded_counts(release_spec: ReleaseSpec) -> None:
    """13 of 42 is 0.310; a reader is shown 15 of 40, which is 0.375, and learns nothing that the counts do not say."""
    release_spec(
        "ons_10_5",
        "SELECT COUNT(*) AS n, COUNT(*) FILTER (WHERE uasc) AS yes, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share"
        " FROM child_year",
        """
        children | share.yes | yes.yes
        42       | 13        | 13
        """,
        """
        n  | yes | share
        40 | 15  | 0.375
        """,
    )


def test_an_average_comes_from_the_exact_figures_and_a_sum_from_the_average(release_spec: ReleaseSpec) -> None:
    """12 boys, 101 placements: 8.4 each, exactly 8.42. The sum shown is 8.4 times the 10 boys shown.

    100 girls have exactly 844: shown is 8.4 times 100, for 845 over 8.4 would leave no other number than 100 or 101.
    """
    release_spec(
        "ons_10_5",
        "SELECT sex, COUNT(*) AS n, AVG(placements) AS mean, SUM(placements) AS total FROM child_year GROUP BY sex",
        """
        sex | children | mean.sum
        M   | 12       | 101
        F   | 100      | 844
        """,
        """
        sex | n   | mean | total
        M   | 10  | 8.4  | 85
        F   | 100 | 8.4  | 840
        """,
    )


def test_a_rate_that_each_child_has_is_given_as_a_share(release_spec: ReleaseSpec) -> None:
    """Attendance runs from 0 to 1, so its average has the places of a share and not those of an average."""
    release_spec(
        "dfe_cla",
        "SELECT AVG(attendance_rate) AS rate, AVG(sdq_score) AS score FROM child_year",
        """
        children | rate.sum | score.sum
        23       | 213000   | 299
        """,
        """
        rate | score
        0.93 | 13
        """,
    )


def test_sums_of_decimals_keep_their_unit(release_spec: ReleaseSpec) -> None:
    """Suspension days are kept in half days; exact where counts are, otherwise a multiple of the base in whole days."""
    sql = "SELECT SUM(suspension_days) AS days FROM child_year"
    cells = """
        children | days.sum
        20       | 1235
        """
    release_spec("dfe_cla", sql, cells, "days\n123.5")
    release_spec("ons_10_5", sql, cells, "days\n125")


def test_what_is_low_is_not_printed_as_zero_where_the_preset_has_a_symbol_for_it(release_spec: ReleaseSpec) -> None:
    """`k`: six of 2,000 is not none. A preset without the symbol prints the rounded figure for both."""
    sql = "SELECT sex, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year GROUP BY sex"
    cells = """
        sex  | children | share.yes
        M    | 2000     | 6
        F    | 2000     | 0
        U    | 100000   | 10
        """
    release_spec("dfe_cla", sql, cells, "sex | share\nM | k\nF | 0.00\nU | k")
    release_spec("ons_10_5", sql, cells, "sex | share\nM | c\nF | 0.000\nU | 0.000")


@pytest.mark.parametrize(
    ("number", "base", "expected"),
    [(12, 5, 10), (13, 5, 15), (5, 10, 10), (4, 10, 0), (-5, 10, -10), (7, 1, 7), (Decimal("12.5"), 5, 15), (0, 5, 0)],
)
def test_rounding_goes_to_the_nearest_and_halves_go_up(number: int | Decimal, base: int, expected: int) -> None:
    assert round_to_base(number, base) == expected


@settings(max_examples=50, derandomize=True, deadline=None)
@given(children=st.integers(10, 60), total=st.integers(0, 600))
def test_an_average_does_not_give_away_the_number_of_children(children: int, total: int) -> None:
    """For whole-number quantities every number of children from 10 fits every printed average, as the preset says."""
    preset = load_preset("ons_10_5")
    printed = round(Decimal(total) / children, preset.mean_decimals)
    half = Decimal(1).scaleb(-preset.mean_decimals) / 2
    for other in range(preset.minimum_n_mean, 61):
        low, high = (printed - half) * other, (printed + half) * other
        assert any(low <= sum_ <= high for sum_ in range(int(low), int(high) + 2))


SPREADS = (
    "SELECT COUNT(*) AS n, VAR_POP(suspensions) AS pop, VAR_SAMP(suspensions) AS samp, STDDEV_SAMP(suspensions) AS dev,"
    " REGR_SXX(suspensions, suspensions) AS sxx, REGR_SXY(suspensions, suspensions) AS sxy,"
    " COVAR_SAMP(suspensions, suspensions) AS covar FROM child_year"
)


def test_spreads_are_printed_as_if_of_the_rounded_number(release_spec: ReleaseSpec) -> None:
    """14 children with 28 and squares of 70: the variance is 1 over 14. Printed are 15 / 14 and 15 times 1."""
    release_spec(
        "ons_10_5",
        SPREADS,
        """
        children | pop.sum | pop.squares | pop.nonzero
        14       | 28      | 70          | 14
        """,
        """
        n  | pop  | samp | dev | sxx   | sxy   | covar
        15 | 1.0  | 1.1  | 1.0 | 15    | 15    | 1.1
        """,
    )
    release_spec(
        "dfe_cla",
        SPREADS,
        """
        children | pop.sum | pop.squares | pop.nonzero
        12       | 24      | 60          | 12
        """,
        """
        n  | pop | samp | dev | sxx | sxy | covar
        12 | 1   | 1    | 1   | 12  | 12  | 1
        """,
    )


suspensions = st.lists(st.integers(0, 60), min_size=13, max_size=60).filter(lambda each: sum(map(bool, each)) >= 10)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(values=suspensions)
def test_spreads_do_not_give_away_the_number_of_children(
    values: list[int], make_plan: Callable[[str], QueryPlan]
) -> None:
    """Each printed spread is the population variance times something of the rounded number alone.

    Sample over population variance is n / (n - 1), and the sum of squares over either is n or n - 1: with the exact
    n in any of them, two printed spreads would undo the rounding of the count.
    """
    plan, preset = make_plan(SPREADS), load_preset("ons_10_5")
    roles = dict(
        zip(plan.outputs[2].statistics, (len(values), sum(values), sum(each**2 for each in values)), strict=True)
    )
    counts = {"rows": len(values), "children": len(values), "nonzero": sum(map(bool, values))}
    raw = RawTable(plan, {each.name: [roles.get(each.name, counts.get(each.kind, 0))] for each in plan.statistics})
    printed = dict(zip((each.label for each in plan.outputs), protect(raw, preset).rows[0], strict=True))
    number = printed["n"]
    assert isinstance(number, int)
    variance = Decimal(len(values) * sum(each**2 for each in values) - sum(values) ** 2) / len(values) ** 2
    sample = variance * number / (number - 1)
    expected = {"pop": variance, "samp": sample, "covar": sample, "dev": sample.sqrt(), "sxx": variance * number}
    for label, value in expected.items():
        figure = printed[label]
        assert isinstance(figure, int | Decimal)
        assert abs(figure - value) <= Decimal("0.50001" if label == "sxx" else "0.05001")


@settings(max_examples=50, derandomize=True, deadline=None)
@given(values=suspensions)
def test_a_spread_beside_an_average_does_not_give_away_the_number_of_children(values: list[int]) -> None:
    """Every number of children that is printed alike has whole values with the same printed average and variance."""
    preset = load_preset("ons_10_5")
    mean = round(Decimal(sum(values)) / len(values), 1)
    exact = Decimal(len(values) * sum(each**2 for each in values) - sum(values) ** 2) / len(values) ** 2
    printed, half = round(exact, 1), Decimal("0.05")
    number = round_to_base(len(values), preset.rounding_base)
    for other in range(max(number - 2, 10), number + 3):
        sums = range(ceil((mean - half) * other), int((mean + half) * other) + 1)
        squares = ((ceil((printed - half + Decimal(s) ** 2 / other**2) * other), s) for s in sums)
        assert any(Decimal(q) / other - Decimal(s) ** 2 / other**2 <= printed + half for q, s in squares), other


YES_AND_NO = (
    "SELECT COUNT(*) AS n, AVG(four) AS share, VAR_POP(four) AS spread, REGR_AVGX(uasc, four) AS x,"
    " CORR(uasc, four) AS r FROM child_year WHERE uasc IS NOT NULL"
).replace("four", "CASE WHEN age = 4 THEN 1 ELSE 0 END")


@settings(max_examples=50, derandomize=True, deadline=None)
@given(
    cells=st.lists(st.integers(10, 40), min_size=4, max_size=4),
    moved=st.lists(st.integers(0, 4), min_size=4, max_size=4),
)
def test_figures_of_yes_and_no_are_those_of_rounded_counts(
    cells: list[int], moved: list[int], make_plan: Callable[[str], QueryPlan]
) -> None:
    """Tables whose four cells round alike print one correlation, and it is one; no spread is finer than the share."""
    plan, preset = make_plan(YES_AND_NO), load_preset("ons_10_5")
    rounded = [round_to_base(each, 5) for each in cells]
    alike = [each - 2 + by for each, by in zip(rounded, moved, strict=True)]

    def printed(table: list[int]) -> dict[str, Decimal]:
        both, left, right, _ = table
        rows, yes, four = sum(table), both + left, both + right
        correlation = plan.outputs[-1]
        figures = dict.fromkeys((each.name for each in plan.statistics), rows)
        figures |= dict(zip(correlation.statistics, (rows, yes, four, both, four, yes), strict=True))
        share = plan.outputs[1]
        figures[share.statistics[1]] = four
        return {each.label: Decimal(str(release_figure(each, figures, preset))) for each in plan.outputs}

    first, second = printed(cells), printed(alike)
    assert first["r"] == printed(rounded)["r"] == second["r"]
    assert abs(first["r"]) <= 1
    assert first["x"] == first["share"]
    number = first["n"]
    share = Decimal(round_to_base(cells[0] + cells[2], 5)) / number
    assert abs(first["spread"] - share * (1 - share)) < Decimal("0.000001")


@pytest.mark.parametrize("name", ROUNDING)
def test_figures_of_many_digits_are_printed_and_read_back(name: str, make_plan: Callable[[str], QueryPlan]) -> None:
    """Half a million costs of 20,000 pounds and as many of nothing: sums carried in two parts, of 25 figures."""
    plan, preset = (
        make_plan(
            "SELECT REGR_SYY(cost, cost) AS squares, SUM(cost * cost) AS total, AVG(cost * cost) AS mean FROM support"
        ),
        load_preset(name),
    )
    rows, square = 1_000_000, 500_000 * 2_000_000**2
    parts = {"high": square // LIMB, "low": square % LIMB, "sum": rows * 1_000_000}
    raw = RawTable(plan, {each.name: [parts.get(each.kind, rows)] for each in plan.statistics})
    protected = protect(raw, preset)
    squares, total, mean = map(Decimal, protected.rows[0])  # type: ignore[arg-type]
    assert [squares, total, mean] == [Decimal(10**14), Decimal(2 * 10**14), Decimal(2 * 10**8)]
    assert read_protected(protected.to_wire(), plan, preset).rows == protected.rows
