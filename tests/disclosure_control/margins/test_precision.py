"""Margins of error: what each figure's is, that it comes from released figures alone, and how often it is right."""

import inspect
import math
import random
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.margins.intervals import (
    correlation_interval,
    poisson_interval,
    variance_factors,
    wilson_interval,
)
from disclosure_control.margins.methods import METHODS
from disclosure_control.margins.precision import Margin, NoMargin, explain_margins, find_margins
from disclosure_control.presets.shipped import Preset, load_preset
from disclosure_control.release.gate import ReleasedTable, release_tables
from disclosure_control.rows.protection import protect
from query_engine.planning.plan import QueryPlan
from query_engine.query.model import Function
from query_engine.tables import RawTable
from tests.disclosure_control.drawn_releases import draw_release, make_plan

SHARE = "AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share"
SCORED = "COUNT(*) FILTER (WHERE sdq_score IS NOT NULL)"
BOTH = "(sdq_score, months_in_care)"

# ukllc prints exact counts, shares with 3 places and averages with 1; ons_10_5 rounds counts to 5.
YES = "CASE WHEN age = 4 THEN 1 ELSE 0 END"
MARGINS = [
    # preset      asked                                       released          margins, in the same order
    # Byar of 100 is 81.36 to 121.63; from 98 it begins at 79.56, and from 102 it ends at 123.82.
    ("ukllc", "COUNT(*) AS n", "100", "81-122"),
    ("ons_10_5", "COUNT(*) AS n", "100", "79-124"),
    # 10 is released of 10, 11 and 12: fewer are withheld.
    ("ons_10_5", "COUNT(DISTINCT child) AS n", "10", "4-21"),
    ("ons_10_5", "COUNT(*) AS n", "0", "0-4"),
    # Wilson of 30 among 120 is 0.1811 to 0.3344.
    # Rounded, it begins as of 28 among 122, at 0.1639, and ends as of 32 among 118, at 0.3577.
    ("ukllc", f"COUNT(*) AS n, {SHARE}", "120 0.250", "99-144 0.181-0.335"),
    ("ons_10_5", f"COUNT(*) AS n, {SHARE}", "120 0.250", "97-146 0.163-0.358"),
    ("ons_10_5", f"COUNT(DISTINCT child) AS n, {SHARE}", "120 0.250", "97-146 0.163-0.358"),
    ("ons_10_5", f"COUNT(*) AS n, {SHARE}", "100 0.000", "79-124 0.000-0.038"),
    ("ons_10_5", f"COUNT(*) AS n, {SHARE}", "c 0.250", "- withheld or too small"),
    ("ons_10_5", SHARE, "0.250", "ask for COUNT(*) beside it"),
    # 7.15 x 1.9842 / sqrt(99) = 1.426, and 0.05 for the place that is printed.
    (
        "ukllc",
        f"{SCORED} AS n, AVG(sdq_score) AS m, STDDEV(sdq_score) AS s",
        "100 13.3 7.1",
        "81-122 11.8-14.8 6.1-8.4",
    ),
    # Scores are 0 to 40: no spread about 13.35 exceeds sqrt(26.65 x 13.35) = 18.862.
    ("ukllc", f"{SCORED} AS n, AVG(sdq_score) AS m", "100 13.3", "81-122 9.4-17.2"),
    ("ukllc", "COUNT(*) AS n, AVG(sdq_score) AS m", "100 13.3", "81-122 ask for " + SCORED),
    ("ukllc", "MEDIAN(sdq_score) AS m", "12.0", "11.0-13.0"),
    ("ukllc", "SUM(sdq_score) AS total", "1330", "ask for AVG"),
    # atanh(0.2305) - 1.95996 / sqrt(107) = 0.0452, and 0.4253 of 0.2315: their hyperbolic tangents.
    ("ukllc", f"REGR_COUNT{BOTH} AS n, CORR{BOTH} AS r", "110 0.231", "90-133 0.045-0.402"),
    ("ukllc", f"REGR_COUNT{BOTH} AS n, REGR_R2{BOTH} AS r2", "110 0.010", "90-133 0.000-0.081"),
    ("ukllc", f"CORR{BOTH} AS r", "0.231", "ask for REGR_COUNT of the same two beside it"),
    # 0.1005 x sqrt((1 / 0.4995^2 - 1) / 108) x 1.9822 = 0.0333, and 0.0005 for the place that is printed.
    (
        "ukllc",
        f"REGR_COUNT{BOTH} AS n, REGR_SLOPE{BOTH} AS b, CORR{BOTH} AS r",
        "110 0.100 0.500",
        "90-133 0.066-0.134 0.344-0.629",
    ),
    ("ukllc", f"REGR_COUNT{BOTH} AS n, REGR_SLOPE{BOTH} AS b", "110 0.100", "90-133 ask for CORR"),
    ("ukllc", f"REGR_INTERCEPT{BOTH} AS a", "1.0", "ask for REGR_AVGY"),
    # Of yes and no: a spread is not that of normal values, and the average of one is a share.
    ("ukllc", f"COUNT(*) AS n, VAR_POP({YES}) AS v", "100 0.090000", "81-122 ask for those with AVG"),
    (
        "ukllc",
        f"REGR_COUNT(uasc, {YES}) AS n, REGR_AVGX(uasc, {YES}) AS s, CORR(uasc, {YES}) AS r",
        "100 0.250 0.100",
        "81-122 0.175-0.344 ask for those with AVG",
    ),
]


@pytest.mark.parametrize(("preset", "asked", "released", "margins"), MARGINS)
def test_what_the_margin_of_each_figure_is(preset: str, asked: str, released: str, margins: str) -> None:
    """Worked out by hand in the comments; where there is no margin the reason says what to ask for."""
    sql = f"SELECT {asked} FROM child_year"
    table = draw_release(sql, preset, {"202": released})
    (row,) = find_margins(table, make_plan(sql), load_preset(preset))
    for found, expected in zip(row.values(), margins.split(" ", len(row) - 1), strict=True):
        if isinstance(found, NoMargin):
            assert expected == "-" or expected in found.reason
        else:
            assert f"{found.low}-{found.high}" == expected


def test_every_kind_of_figure_has_a_margin_or_a_reason() -> None:
    """A function that the language gains must say how sure its figures are."""
    assert set(get_args(Function)) - {"regr_count"} <= set(METHODS)


def test_margins_take_nothing_but_what_is_released() -> None:
    """No statistic, no raw and no protected table can be handed in."""
    kinds = [each.annotation for each in inspect.signature(find_margins).parameters.values()][:3]
    assert kinds == [ReleasedTable, QueryPlan, Preset]


def test_margins_are_of_the_plan_and_preset_of_the_release_alone() -> None:
    sql, other = "SELECT COUNT(*) AS n FROM child_year", "SELECT COUNT(DISTINCT child) AS n FROM child_year"
    table = draw_release(sql, "ukllc", {"202": "100"})
    for plan, preset in ((make_plan(other), "ukllc"), (make_plan(sql), "ons_10_5")):
        with pytest.raises(ValueError, match="of the release"):
            find_margins(table, plan, load_preset(preset))


def test_what_is_withheld_has_no_margin_and_the_notes_name_figures_without_one() -> None:
    sql = f"SELECT COUNT(*) AS n, {SHARE}, AVG(suspensions) AS mean FROM child_year"
    table = draw_release(sql, "ons_10_5", {"202": "100 0.250 0.3", "301": "c c c"}, {"302": "late"})
    margins = find_margins(table, make_plan(sql), load_preset("ons_10_5"))
    assert [isinstance(each, Margin) for each in margins[0].values()] == [True, True, False]
    assert all(isinstance(each, NoMargin) for row in margins[1:] for each in row.values())
    notes = explain_margins(margins, make_plan(sql))
    assert "tentative" in notes[0]
    assert notes[1:] == ("mean has no margin: ask for COUNT(*) FILTER (WHERE suspensions IS NOT NULL) beside it.",)


COUNT_AND_SHARE = make_plan(f"SELECT COUNT(*) AS n, {SHARE} FROM child_year")
ROUNDING = [load_preset(name) for name in ("ons_10_5", "opensafely")]


def release_counts(rows: int, yes: int, preset: Preset) -> ReleasedTable:
    """The release of an authority with so many rows, of whom so many answer yes."""
    count, share = COUNT_AND_SHARE.outputs
    ((_, other),) = share.sides
    figures = {"rows": [rows], "children": [rows], share.statistics[1]: [yes], share.nonzero[0]: [yes]}
    figures[other] = [rows - yes]
    raw = RawTable(COUNT_AND_SHARE, figures)
    assert count.counted == "rows"
    return release_tables({"202": protect(raw, preset)}, {}, COUNT_AND_SHARE, preset)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(preset=st.sampled_from(ROUNDING), data=st.data())
def test_two_truths_with_one_release_have_the_same_margins(preset: Preset, data: st.DataObject) -> None:
    """And the margins hold the intervals of both truths, whichever of them it is."""
    rows, yes = data.draw(st.integers(30, 5000)), data.draw(st.integers(10, 20))
    near = st.integers(-4, 4)
    first = release_counts(rows, yes, preset)
    other = rows + data.draw(near), yes + data.draw(near)
    second = release_counts(*other, preset)
    margins = find_margins(first, COUNT_AND_SHARE, preset)
    if first == second:
        assert margins == find_margins(second, COUNT_AND_SHARE, preset)
    _, _, figure = first.rows[0]
    margin = margins[0]["share"]
    assert isinstance(margin, Margin) is isinstance(figure, Decimal)
    if isinstance(margin, Margin):
        low, high = wilson_interval(yes / rows, rows)
        assert isinstance(figure, Decimal)
        assert margin.low <= figure <= margin.high
        assert float(margin.low) <= low
        assert high <= float(margin.high)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(
    preset=st.sampled_from(["ukllc", "ons_10_5", "opensafely", "dfe_cla"]),
    rows=st.integers(3, 400).map(lambda number: 5 * number),
    tenths=st.lists(st.integers(0, 400), min_size=2, max_size=2),
    ratio=st.integers(-100, 100),
)
def test_a_margin_holds_the_released_figure(preset: str, rows: int, tenths: list[int], ratio: int) -> None:
    """Whatever is released, likely or not: the far ends of every range, no spread at all, a correlation of 1."""
    places = load_preset(preset).mean_decimals
    mean, spread = (f"{tenth / 10:.{places}f}" for tenth in tenths)
    square = f"{float(spread) ** 2:.{1 if load_preset(preset).rounding_base > 1 else 2 * places}f}"
    sql = f"SELECT {SCORED} AS n, AVG(sdq_score) AS m, STDDEV_POP(sdq_score) AS s, VAR_SAMP(sdq_score) AS v, "
    sql += f"REGR_COUNT{BOTH} AS nn, CORR{BOTH} AS r, REGR_SLOPE{BOTH} AS b FROM child_year"
    share = f"{Decimal(ratio) / 100 + 0:.{load_preset(preset).proportion_decimals}f}"
    line = f"{rows} {mean} {spread} {square} {rows} {share} {1:.{places + 2}f}"
    table = draw_release(sql, preset, {"202": line})
    (margins,) = find_margins(table, make_plan(sql), load_preset(preset))
    for label, figure in zip(table.columns[1:], table.rows[0][1:], strict=True):
        margin = margins[label]
        if isinstance(margin, Margin):
            assert not isinstance(figure, str | None)
            assert margin.low <= figure <= margin.high, label
    assert sum(isinstance(each, Margin) for each in margins.values()) >= 6


@pytest.mark.parametrize(
    ("found", "exact"),
    [
        (poisson_interval(10, 10), (4.795, 18.390)),
        (poisson_interval(0, 0), (0.0, 3.689)),
        (wilson_interval(0.1, 10), (0.0179, 0.4042)),
        (correlation_interval(0.0, 103), (-0.1935, 0.1935)),
        (tuple(9 * each for each in variance_factors(10)), (0.4731, 3.3329)),
    ],
    ids=["Poisson of 10", "Poisson of 0", "Wilson of 1 in 10", "Fisher", "chi-squared of 9"],
)
def test_formulas_agree_with_published_tables(found: tuple[float, float], exact: tuple[float, float]) -> None:
    """Exact Poisson and chi-squared limits from tables, to one per cent; Wilson and Fisher from worked examples."""
    assert found == pytest.approx(exact, rel=0.011)


SIMULATED = make_plan(
    f"SELECT COUNT(*) AS n, {SHARE}, AVG(sdq_score) AS mean, STDDEV(sdq_score) AS spread, CORR{BOTH} AS r, "
    f"REGR_COUNT{BOTH} AS pairs, {SCORED} AS scored, REGR_SLOPE{BOTH} AS b FROM child_year"
)
TRUTH = {"pairs": 60.0, "share": 0.4, "mean": 20.0, "spread": 5.0, "r": 0.6, "b": 0.25}
"""A Poisson number of children; scores 20 +- 5 and months 100 +- 12, which go together with 0.6."""

UNSCORED = 20
"""Children without a score, and as many more with one and no months: some presets withhold what differs by nobody."""

Scored = tuple[int, int | None]
"""A child's score, and its months in care where these are known."""


@pytest.mark.deep
@pytest.mark.parametrize("preset", ["ukllc", "ons_10_5"])
def test_margins_hold_the_truth_19_times_in_20(preset: str) -> None:
    """Of 3,000 simulated authorities, protected and released; 94% allows for the approximations and for chance."""
    chance = random.Random(20)
    held, shown = dict.fromkeys(TRUTH, 0), dict.fromkeys(TRUTH, 0)
    for _ in range(3000):
        (margins,) = find_margins(*simulate(chance, load_preset(preset)))
        for label, truth in TRUTH.items():
            margin = margins[label]
            if isinstance(margin, Margin):
                shown[label] += 1
                held[label] += float(margin.low) <= truth <= float(margin.high)
    assert {label: shown[label] for label in TRUTH if shown[label] < 2500} == {}
    assert {label: share for label in TRUTH if (share := held[label] / shown[label]) < 0.94} == {}


def simulate(chance: random.Random, preset: Preset) -> tuple[ReleasedTable, QueryPlan, Preset]:
    """One authority's release, of children drawn from the truth."""
    number = sum(1 for _ in gaps(chance, TRUTH["pairs"]))
    scored: list[Scored] = []
    for place in range(number + UNSCORED):
        common = chance.gauss()
        score = 20 + 5 * (0.6 * common + 0.8 * chance.gauss())
        scored.append((round(score), round(100 + 12 * common) if place < number else None))
    yes = sum(chance.random() < TRUTH["share"] for _ in range(number + 2 * UNSCORED))
    raw = RawTable(SIMULATED, {each.name: [count(each.name, scored, yes)] for each in SIMULATED.statistics})
    return release_tables({"202": protect(raw, preset)}, {}, SIMULATED, preset), SIMULATED, preset


def gaps(chance: random.Random, expected: float) -> list[float]:
    """As many events as a Poisson process of rate 1 has in so long a time."""
    events, now = [], chance.expovariate(1.0)
    while now < expected:
        events.append(now)
        now += chance.expovariate(1.0)
    return events


def count(name: str, scored: list[Scored], yes: int) -> int:
    """A statistic of the simulated children, by its name."""
    kind, _, measure = name.partition(":")
    if "when-" in measure:
        return yes
    own = [(score, months) for score, months in scored if months is not None or "months_in_care" not in measure]
    if kind in ("rows", "children"):
        return len(own) + UNSCORED * (not measure)
    product = measure.split(" ")[0]
    values = [
        math.prod({"sdq_score": score, "months_in_care": months or 0}[column] for column in product.split("*"))
        for score, months in own
    ]
    return sum(map(bool, values)) if kind == "nonzero" else sum(values)
