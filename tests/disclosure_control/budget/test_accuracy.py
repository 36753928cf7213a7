"""What accuracy a budget buys: by hand for some, and as far from the truth as real noise then is."""

from fractions import Fraction

import pytest

from disclosure_control.budget.accuracy import EPSILONS, GROUP, foresee_accuracy
from disclosure_control.noise.polya import draw_shares
from tests.disclosure_control.budget.test_price_spec import YEAR, plan_of
from tests.disclosure_control.noise.distributions import SeededBits

NODES, DROPOUTS, COLLUDERS = 5, 1, 1


def accuracy(asked: str) -> dict[str, tuple[float | None, ...]]:
    """The accuracy of each figure by its label."""
    plan = plan_of(f"SELECT {asked} FROM child_year {YEAR}")
    return {each.label: each.widths for each in foresee_accuracy(plan, NODES, DROPOUTS, COLLUDERS)}


def test_a_count_is_as_accurate_as_its_noise() -> None:
    """19 times in 20 within the half-width, drawn by five nodes of whom three are relied on."""
    (widths,) = accuracy("COUNT(*) AS n").values()
    at_one = widths[EPSILONS.index("1")]
    drawn = [draw_shares(2_000, Fraction(1), NODES - DROPOUTS - COLLUDERS, SeededBits(node)) for node in range(NODES)]
    inside = sum(abs(sum(cell)) <= (at_one or 0) for cell in zip(*drawn, strict=True)) / 2_000
    assert 0.93 < inside < 0.99


def test_twice_the_budget_halves_the_noise() -> None:
    (widths,) = accuracy("COUNT(*) AS n").values()
    known = [each for each in widths if each is not None]
    assert known == sorted(known, reverse=True)
    assert known[EPSILONS.index("0.1")] / known[EPSILONS.index("0.2")] == pytest.approx(2, rel=0.05)


def test_an_average_is_told_of_a_thousand_children() -> None:
    """The noise in the sum over their number, and that of the number at the average that is farthest from the middle:
    as much, of scores from 0, as a sum about 0 has when it is made up again."""
    plan = plan_of(f"SELECT AVG(sdq_score) AS sdq, SUM(sdq_score) AS total, COUNT(*) AS n FROM child_year {YEAR}")
    found = {each.label: each for each in foresee_accuracy(plan, NODES, DROPOUTS, COLLUDERS)}
    assert [found[label].of_group for label in ("sdq", "total", "n")] == [True, False, False]
    sdq, total = found["sdq"].widths[3], found["total"].widths[3]
    assert sdq is not None
    assert total is not None
    assert sdq == pytest.approx(total / GROUP, rel=0.02)


def test_an_average_is_never_further_off_than_it_can_be() -> None:
    assert max(each or 0 for each in accuracy("AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share")["share"]) <= 1


def test_what_depends_on_data_is_not_foretold() -> None:
    found = accuracy("COUNT(*) AS n, MEDIAN(sdq_score) AS middle, CORR(sdq_score, age) AS together")
    assert list(found) == ["n"]


def test_where_noise_is_refused_there_is_no_accuracy() -> None:
    """At an epsilon so small that the noise in a sum of squares would have no room."""
    plan = plan_of(f"SELECT VAR_SAMP(days_out_of_learning) AS v, COUNT(*) AS n FROM child_year {YEAR}")
    (figure,) = foresee_accuracy(plan, NODES, DROPOUTS, COLLUDERS, ("0.000001", "1"))
    assert (figure.label, figure.widths[0]) == ("n", None)
    assert figure.widths[1] is not None
