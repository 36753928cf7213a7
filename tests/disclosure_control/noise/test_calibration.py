"""How much noise a plan takes: worked out by hand for some, and never too little for anybody in data."""

from collections.abc import Mapping
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from disclosure_control.noise.calibration import LARGEST_SCALE, Calibration, calibrate, half_width, spread
from disclosure_control.noise.terms import NoiseRefused, NoiseTerms, read_epsilon, read_terms
from query_engine.catalogue import load_catalogue
from query_engine.planning.centred_sums import centre_sums, take
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import QueryPlan
from query_engine.query.model import AggregateQuery
from tests.disclosure_control.drawn_releases import make_plan
from tests.disclosure_control.noise.distributions import differences, negative_binomial
from tests.query_engine import strategies
from tests.query_engine.example_counts import examples
from tests.query_engine.small_tables import Row
from tests.query_engine.test_contributions import noisy
from tests.query_engine.test_query_properties import engine_on, figures_of, planned

PRESENT = "sdq_score IS NOT NULL"

SCALES = [
    # asked, of child_year                                        epsilon  statistic: scale, set by set
    ("COUNT(*) AS n", "1", {"rows": ["1"]}),
    ("COUNT(*) AS n", "0.5", {"rows": ["2"]}),
    ("sex, COUNT(*) AS n | GROUP BY sex", "1", {"rows": ["1"]}),
    # Two grouping sets have half of epsilon each, and so have two statistics that a row can be in both of.
    ("sex, COUNT(*) AS n | GROUP BY ROLLUP (sex)", "1", {"rows": ["2", "2"]}),
    ("COUNT(*) AS n, COUNT(DISTINCT child) AS m", "1", {"children": ["2"], "rows": ["2"]}),
    ("SUM(sdq_score) AS n", "1", {"sum:sdq_score": ["40"]}),
    # Where the same rows are counted a sum is about the middle, 20, from which a score is 20 off at most.
    ("AVG(sdq_score) AS n", "1", {"rows:sdq_score": ["2"], "sum:sdq_score": ["40"]}),
    ("AVG(sdq_score) AS n, COUNT(*) AS m", "3", {"rows": ["1"], "rows:sdq_score": ["1"], "sum:sdq_score": ["20"]}),
    ("SUM(sdq_score) AS n, COUNT(*) AS m", "1", {"rows": ["2"], "sum:sdq_score": ["80"]}),
    ("AVG(age) AS n | WHERE age BETWEEN 5 AND 17", "1", {"rows": ["2"], "sum:age": ["12"]}),
    # Half a point more or less is 5,000 units of the last of four places.
    ("SUM(attendance_rate) AS n", "1", {"sum:attendance_rate": ["10000"]}),
]


def noisy_plan(asked: str) -> QueryPlan:
    """A plan for noise; what follows a bar comes after FROM."""
    items, _, tail = asked.partition(" | ")
    return plan_for_path(make_plan(f"SELECT {items} FROM child_year {tail}"), "noisy_sum")


def scales_of(found: Calibration) -> dict[str, list[Fraction]]:
    told: dict[str, list[Fraction]] = {}
    for (name, _), scale in found.scales.items():
        told.setdefault(name, []).append(scale)
    return told


@pytest.mark.parametrize(("asked", "epsilon", "scales"), SCALES)
def test_the_noise_of_each_statistic(asked: str, epsilon: str, scales: Mapping[str, list[str]]) -> None:
    expected = {name: [Fraction(each) for each in of] for name, of in scales.items()}
    assert scales_of(calibrate(noisy_plan(asked), epsilon)) == expected


def test_statistics_that_no_row_is_in_two_of_share_one_part() -> None:
    """The bins of a median are as private together as one of them; a count of all beside them takes another part."""
    bins = calibrate(noisy_plan("MEDIAN(sdq_score) AS m"), "1")
    assert bins.families == 1
    assert set(bins.scales.values()) == {Fraction(1)}
    assert len(bins.scales) > 5
    assert calibrate(noisy_plan("MEDIAN(sdq_score) AS m, COUNT(*) AS n"), "1").families == 2
    sides = "COUNT(*) FILTER (WHERE sex = 'M') AS m, COUNT(*) FILTER (WHERE sex = 'F') AS f"
    assert calibrate(noisy_plan(sides), "1").families == 1
    assert calibrate(noisy_plan(sides.replace("sex = 'F'", "age = 15")), "1").families == 2


def test_children_with_several_rows_can_be_on_both_sides() -> None:
    """So that conditions that no row meets both of do not keep them apart."""
    counted = "COUNT(DISTINCT child) FILTER (WHERE term = '{}') AS {}"
    sides = ", ".join(counted.format(term, term) for term in ("autumn", "spring"))
    plan = plan_for_path(make_plan(f"SELECT {sides} FROM pep"), "noisy_sum")
    assert calibrate(plan, "1").families == 2


thorough = settings(max_examples=examples(25), derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))


@thorough
@given(query=strategies.queries(), rows=strategies.rows.filter(bool), chosen=st.integers(0, 24))
def test_nobody_loses_more_than_epsilon(query: AggregateQuery, rows: list[Row], chosen: int) -> None:
    """What a child-year moves, each figure as it is noised and in units of its noise, adds up to epsilon at most."""
    catalogue = load_catalogue()
    plan = noisy(planned(query, catalogue))
    single = list({(row[strategies.KEY], row["academic_year"]): row for row in rows}.values())
    gone = single[chosen % len(single)]
    left = [row for row in single if row is not gone]
    scales = scales_by_cell(plan, affordable(plan))
    with engine_on(single, catalogue) as engine, engine_on(left, catalogue) as rest:
        before, after = (take(centre_sums(plan), figures_of(each.run(plan))) for each in (engine, rest))
    moved = (
        abs(one - other) / scale
        for name in before
        for one, other, scale in zip(before[name], after[name], scales[name], strict=True)
    )
    assert sum(moved, Fraction(0)) <= 1


def affordable(plan: QueryPlan) -> Calibration:
    """The noise of a plan at epsilon 1; one that needs more than there is room for is not worth an example."""
    try:
        return calibrate(plan, "1")
    except NoiseRefused:
        assume(False)
        raise


def scales_by_cell(plan: QueryPlan, found: Calibration) -> dict[str, list[Fraction]]:
    return {
        each.name: [
            found.scales[each.name, number] for number, of in enumerate(plan.sets) for _ in range(plan.cells_of(of))
        ]
        for each in plan.statistics
    }


def test_noise_that_could_leave_64_bits_is_refused() -> None:
    """The proof of the plan leaves room for it, and it may not be larger than that."""
    plan = noisy_plan("SUM(attendance_rate * attendance_rate) AS n")
    assert max(calibrate(plan, "1").scales.values()) == 10**8
    assert LARGEST_SCALE == 2**34
    with pytest.raises(NoiseRefused, match="larger than there is room for"):
        calibrate(plan, "0.005")


def test_a_plan_for_another_path_takes_no_noise() -> None:
    with pytest.raises(ValueError, match="see plan_for_path"):
        calibrate(make_plan("SELECT COUNT(*) AS n FROM child_year"), "1")


@pytest.mark.parametrize("text", ["1", "0.5", "0.000001", "20", "12.25"])
def test_epsilon_has_one_spelling(text: str) -> None:
    assert read_epsilon(text) == Fraction(text)


NO_EPSILON = ["0", "0.0", "1.0", "01", ".5", "5.", "-1", "+1", "20.1", "21", "1e1", "0.0000001", "inf", "nan", ""]


@pytest.mark.parametrize("text", [*NO_EPSILON, "1\n", "\u0661"])
def test_what_is_no_epsilon_is_refused(text: str) -> None:
    with pytest.raises(NoiseRefused, match="decimal number above 0"):
        read_epsilon(text)


@pytest.mark.parametrize("numbers", [(10, 5, 5), (10, -1, 0), (10, 0, -1), (0, 0, 0), (3, 1, 2)])
def test_terms_must_leave_somebody_to_rely_on(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(NoiseRefused, match="leave one of the parties"):
        NoiseTerms("1", *numbers)


def test_terms_as_json_and_back() -> None:
    terms = NoiseTerms("0.5", 153, 20, 7)
    assert (terms.shares, read_terms(terms.to_json())) == (126, terms)
    altered: list[dict[str, object]] = [{"more": 1}, {"parties": True}, {"parties": "153"}, {"parties": 10**9}]
    own: dict[str, object] = {**terms.to_json()}
    for document in (None, {}, *(own | each for each in altered), own | {"epsilon": 1}):
        with pytest.raises(NoiseRefused):
            read_terms(document)


@pytest.mark.parametrize(("answered", "enough"), [(133, True), (153, True), (132, False), (154, False)])
def test_how_many_must_answer(answered: int, enough: bool) -> None:
    terms = NoiseTerms("1", 153, 20, 7)
    if enough:
        terms.check_answered(answered)
        return
    with pytest.raises(NoiseRefused, match="133 to 153"):
        terms.check_answered(answered)


@pytest.mark.parametrize("scale", ["1/20", "1/5", "1/2", "1", "2", "10", "60"])
@pytest.mark.parametrize("answered", [133, 140, 153])
def test_how_far_noise_lies_from_nothing(scale: str, answered: int) -> None:
    """Its spread, and a half-width that holds it 19 times in 20, against the exact distribution."""
    terms, size = NoiseTerms("1", 153, 20, 7), Fraction(scale)
    pmf = differences(negative_binomial(answered / terms.shares, float(size)))
    assert spread(size, terms, answered) == pytest.approx(sum(k * k * each for k, each in pmf.items()) ** 0.5, rel=1e-3)
    half = half_width(size, terms, answered)
    assert sum(each for k, each in pmf.items() if abs(k) <= half) >= 0.95
    assert sum(each for k, each in pmf.items() if abs(k) <= 0.75 * half - 1) < 0.95


def test_a_national_count_at_epsilon_1() -> None:
    """153 nodes of which 20 may be missing and 7 collude: the noise in England's count has a spread below 1.5."""
    assert 1.45 < spread(Fraction(1), NoiseTerms("1", 153, 20, 7), 153) < 1.5
