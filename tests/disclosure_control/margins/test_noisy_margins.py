"""Margins of noised totals: by hand for some, from nothing but what is released, and as often right as they say."""

import random
from collections.abc import Mapping
from fractions import Fraction

import pytest

from disclosure_control.margins.precision import Margin, NoMargin, explain_margins, find_margins
from disclosure_control.noise.calibration import calibrate, half_width
from disclosure_control.noise.polya import draw_shares
from disclosure_control.noise.shares import MODULUS
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.totals import release_noisy_total
from query_engine.planning.centred_sums import centre_sums, take
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from tests.disclosure_control.drawn_releases import make_plan
from tests.disclosure_control.noise.distributions import SeededBits

UKLLC = load_preset("ukllc")
TERMS = NoiseTerms("1", 5, 2, 1)
ANSWERED, ABSENT = ("202", "203", "301"), {"302": "late", "303": "late"}

SHARE = "AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share"
SCORED = "COUNT(*) FILTER (WHERE sdq_score IS NOT NULL)"
BOTH = "(sdq_score, months_in_care)"


def total_of(asked: str, sums: Mapping[str, int], terms: NoiseTerms = TERMS) -> tuple[ReleasedTable, QueryPlan]:
    """The release of these noised sums; `sums` names how each statistic's name begins."""
    plan = plan_for_path(make_plan(f"SELECT {asked} FROM child_year"), "noisy_sum")
    named = {each.name: [next(sums[name] for name in sums if each.name.startswith(name))] for each in plan.statistics}
    values = [figure % MODULUS for (figure,) in take(centre_sums(plan), named).values()]
    return release_noisy_total(plan, values, terms, ANSWERED, ABSENT, UKLLC), plan


def test_the_noise_behind_the_cases_below() -> None:
    """Of three nodes two can be relied on: 2.12 times the spread of 1.66 at scale 1, and of 3.43 at scale 2."""
    assert [half_width(Fraction(scale), TERMS, 3) for scale in (1, 2, 80)] == [4, 8, 294]


MARGINS = [
    # asked                                  the noised sums                     released: margins, in the same order
    # Byar of 96 begins at 77.76, and of 104 it ends at 126.01.
    ("COUNT(*) AS n", {"rows": 100}, "77-127"),
    ("COUNT(*) AS n", {"rows": -3}, "-3-6"),
    ("COUNT(*) AS n", {"rows": -90}, "-90-4"),
    # 8 more or less of each, and half a place: Wilson begins as of 22 among 128, and ends as of 38 among 112.
    (f"COUNT(*) AS n, {SHARE}", {"rows:": 30, "rows": 120}, "92-153 0.116-0.431"),
    (SHARE, {"rows:": 30, "rows": 120}, "ask for COUNT(*) beside it"),
    # With other noise in it the number of children does not tell what the share was divided by.
    (f"COUNT(DISTINCT child) AS n, {SHARE}", {"rows:": 30, "rows": 120, "children": 119}, "* ask for COUNT(*)"),
    # About 20 the sum is -670 and may be 147 off, the number 8: from 11.1 to 15.2 before chance, of values up to 40.
    (f"{SCORED} AS n, AVG(sdq_score) AS m", {"sum:": 1330, "rows": 100}, "74-131 7.0-19.3"),
    # Nine bins of 100: the ends of the fourth and of the fifth are 50 either way of the half, which is 3.2 of the
    # errors of sqrt(0.25 * 911 + 2.75 * 2.25).
    ("MEDIAN(sdq_score) AS m", {"rows": 100}, "14.0-16.0"),
    (f"{SCORED} AS n, STDDEV(sdq_score) AS s", {"sum:sdq_score*": 2_260_000, "sum:": 133_000, "rows": 10_000},
     "* ask for AVG of the same values beside it"),
    # The number may be 11 off, the sum about 20 by 221, the sum of squares by 4,403. 491,100 about the average are then
    # 491,050 - 4,403 + 67,500^2 / 10,000 - 67,721^2 / 9,989 = 483,152 at least, and 499,031 at most, before chance.
    (f"{SCORED} AS n, AVG(sdq_score) AS m, STDDEV(sdq_score) AS s, VAR_POP(sdq_score) AS v",
     {"sum:sdq_score*": 2_260_000, "sum:": 133_000, "rows": 10_000}, "* * 6.7-7.3 46.95-51.38"),
    # As far apart as scores from 0 to 40 can be, and farther: the spread stands at the end.
    (f"{SCORED} AS n, AVG(sdq_score) AS m, STDDEV(sdq_score) AS s",
     {"sum:sdq_score*": 20_000_000, "sum:": 133_000, "rows": 10_000}, "* * the noise in it leaves nothing to go by"),
    ("SUM(sdq_score) AS total", {"sum:": 1330}, "ask for AVG"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "sums", "margins"), MARGINS)
def test_what_the_margin_of_each_figure_is(asked: str, sums: dict[str, int], margins: str) -> None:
    """Worked out by hand in the comments; where there is no margin the reason says what to ask for."""
    table, plan = total_of(asked, sums)
    (row,) = find_margins(table, plan, UKLLC)
    for found, expected in zip(row.values(), margins.split(" ", len(row) - 1), strict=True):
        if isinstance(found, NoMargin):
            assert expected in found.reason
        else:
            assert expected in ("*", f"{found.low}-{found.high}")


def test_the_notes_say_that_margins_allow_for_noise() -> None:
    table, plan = total_of("COUNT(*) AS n", {"rows": 100})
    notes = explain_margins(find_margins(table, plan, UKLLC), plan)
    assert notes[1].startswith("Of a total with noise they allow for the noise too")


def test_margins_of_every_grouping_set_go_by_its_own_noise() -> None:
    """A child can be in each of four cells of the one and in one of the other."""
    sql = "SELECT sex, COUNT(DISTINCT child) AS n FROM pep GROUP BY ROLLUP (sex)"
    plan = plan_for_path(make_plan(sql), "noisy_sum")
    table = release_noisy_total(plan, [400] * plan.cells, TERMS, ANSWERED, ABSENT, UKLLC)
    margins = [each["n"] for each in find_margins(table, plan, UKLLC)]
    assert len({*margins[:-1]}) == 1
    assert isinstance(margins[0], Margin)
    assert isinstance(margins[-1], Margin)
    assert margins[0].high - margins[0].low > margins[-1].high - margins[-1].low
    assert find_margins(table, plan, UKLLC, [plan.cells - 1])[0]["n"] == margins[-1]


TRUTH = {"n": 60.0, "share": 0.4, "mean": 20.0, "scored": 40.0}
ASKED = f"COUNT(*) AS n, {SHARE}, {SCORED} AS scored, AVG(sdq_score) AS mean"
PLAN = plan_for_path(make_plan(f"SELECT {ASKED} FROM child_year"), "noisy_sum")


@pytest.mark.deep
@pytest.mark.parametrize("epsilon", ["0.5", "3", "20"])
@pytest.mark.parametrize("answered", [3, 5])
def test_noisy_margins_hold_the_truth_19_times_in_20(epsilon: str, answered: int) -> None:
    """Of 3,000 simulated totals, from those with far more noise than chance to those with hardly any."""
    chance, terms = random.Random(7), NoiseTerms(epsilon, 5, 2, 1)
    noise = draw_noise(terms, answered, 3000)
    codes = ("202", "203", "301", "302", "303")
    held, shown = dict.fromkeys(TRUTH, 0), dict.fromkeys(TRUTH, 0)
    for run in range(3000):
        values = noised(PLAN, simulate(chance), noise, run)
        absent = dict.fromkeys(codes[answered:], "late")
        table = release_noisy_total(PLAN, values, terms, codes[:answered], absent, UKLLC)
        (margins,) = find_margins(table, PLAN, UKLLC)
        for label, truth in TRUTH.items():
            margin = margins[label]
            if isinstance(margin, Margin):
                shown[label] += 1
                held[label] += float(margin.low) <= truth <= float(margin.high)
    assert shown["n"] == 3000
    assert {label: share for label in TRUTH if shown[label] and (share := held[label] / shown[label]) < 0.94} == {}


SPREAD = f"{SCORED} AS n, AVG(sdq_score) AS m, STDDEV(sdq_score) AS s, VAR_POP(sdq_score) AS v"
SPREAD_PLAN = plan_for_path(make_plan(f"SELECT {SPREAD} FROM child_year"), "noisy_sum")
SCORES = range(10, 31)
"""Scores that are all as likely: their variance is 110 / 3."""


@pytest.mark.parametrize("epsilon", ["1", pytest.param("0.5", marks=pytest.mark.deep)])
def test_noisy_margins_of_spreads_hold_the_truth_19_times_in_20(epsilon: str) -> None:
    """Of simulated totals of some thousand children: with few, the figure is not even printed."""
    chance, terms, runs = random.Random(11), NoiseTerms(epsilon, 5, 2, 1), 200
    noise = draw_noise(terms, 3, runs, SPREAD_PLAN)
    held = {"s": 0, "v": 0}
    for run in range(runs):
        scores = chance.choices(SCORES, k=8000)
        sums = {"rows:sdq_score": 8000, "sum:sdq_score": sum(scores)}
        squares = sum(score * score for score in scores)
        named = {each.name: sums.get(each.name, squares) for each in SPREAD_PLAN.statistics}
        values = noised(SPREAD_PLAN, named, noise, run)
        table = release_noisy_total(SPREAD_PLAN, values, terms, ANSWERED, ABSENT, UKLLC)
        (margins,) = find_margins(table, SPREAD_PLAN, UKLLC)
        for label, truth in (("s", (110 / 3) ** 0.5), ("v", 110 / 3)):
            margin = margins[label]
            assert isinstance(margin, Margin), margin
            held[label] += float(margin.low) <= truth <= float(margin.high)
            assert float(margin.high) < 2 / float(epsilon) * float(margin.low)
    assert min(held.values()) >= 0.94 * runs


def noised(plan: QueryPlan, sums: Mapping[str, int], noise: Mapping[str, list[int]], run: int) -> list[int]:
    """Sums about the middle of what they can be, with the noise of one run."""
    taken = take(centre_sums(plan), {name: [figure] for name, figure in sums.items()})
    return [(taken[each.name][0] + noise[each.name][run]) % MODULUS for each in plan.statistics]


def draw_noise(terms: NoiseTerms, answered: int, runs: int, plan: QueryPlan = PLAN) -> dict[str, list[int]]:
    """The noise of every statistic in every run."""
    scales = calibrate(plan, terms.epsilon).scales
    bits = SeededBits(5)
    noise = {}
    for each in plan.statistics:
        shares = [draw_shares(runs, scales[each.name, 0], terms.shares, bits) for _ in range(answered)]
        noise[each.name] = [sum(cell) for cell in zip(*shares, strict=True)]
    return noise


def simulate(chance: random.Random) -> dict[str, int]:
    """The true sums of one roster, of children drawn from the truth."""
    number, scored = poisson(chance, TRUTH["n"]), poisson(chance, TRUTH["scored"])
    yes = sum(chance.random() < TRUTH["share"] for _ in range(number))
    scores = sum(min(40, max(0, round(chance.gauss(TRUTH["mean"], 8)))) for _ in range(scored))
    sums = {"rows": number, "rows:sdq_score": scored, "sum:sdq_score": scores}
    return {each.name: sums.get(each.name, yes) for each in PLAN.statistics}


def poisson(chance: random.Random, mean: float) -> int:
    """As many events as a Poisson process of rate 1 has in so long a time."""
    number, now = 0, chance.expovariate(1.0)
    while now < mean:
        number, now = number + 1, now + chance.expovariate(1.0)
    return number
