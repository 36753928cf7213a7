"""Control limits: the binomial's own, wider with fewer children, rounded outward."""

from decimal import Decimal
from math import comb

import pytest

from disclosure_control.funnel import CONTROL_LEVELS, judge_figure, limits_of_mean, limits_of_share


@pytest.mark.parametrize("target", [0.05, 0.3, 0.5, 0.92])
@pytest.mark.parametrize("children", [1, 8, 30, 200, 999, 1000, 5000])
def test_chance_alone_leaves_the_limits_as_often_as_they_say(target: float, children: int) -> None:
    """Spiegelhalter 2005: counts strictly beyond the limits have no more than the stated chance, on either side."""
    if children >= 1000:
        return
    chances = [comb(children, n) * target**n * (1 - target) ** (children - n) for n in range(children + 1)]
    for limits in limits_of_share(target, children):
        tail = (1 - limits.level) / 2
        below = sum(chance for n, chance in enumerate(chances) if Decimal(n + 1) / children <= limits.low)
        above = sum(chance for n, chance in enumerate(chances) if Decimal(n - 1) / children >= limits.high)
        assert below <= tail + 1e-9
        assert above <= tail + 1e-9


def test_the_limits_of_the_warning_in_the_guards() -> None:
    """Thirty children around one half."""
    inner, outer = limits_of_share(0.5, 30)
    assert (inner.low, inner.high) == (Decimal("0.3043"), Decimal("0.6624"))
    assert (outer.low, outer.high) == (Decimal("0.2050"), Decimal("0.7617"))
    assert (inner.level, outer.level) == CONTROL_LEVELS


def test_fewer_children_have_wider_limits() -> None:
    widths = [limits_of_share(0.4, n)[0].high - limits_of_share(0.4, n)[0].low for n in (10, 40, 160, 640, 2560)]
    assert widths == sorted(widths, reverse=True)


def test_the_two_ways_meet() -> None:
    """Where the normal distribution takes over, the limits hardly move."""
    exact, normal = limits_of_share(0.3, 999), limits_of_share(0.3, 1000)
    for one, other in zip(exact, normal, strict=True):
        assert one.low == pytest.approx(other.low, abs=Decimal("0.002"))
        assert one.high == pytest.approx(other.high, abs=Decimal("0.002"))


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_where_nothing_varies_there_is_no_room(target: float) -> None:
    inner, outer = limits_of_share(target, 20)
    assert inner.low == inner.high == outer.low == outer.high == Decimal(target)


def test_the_limits_of_a_mean() -> None:
    """1.96 and 3.09 standard errors either way, rounded outward."""
    inner, outer = limits_of_mean(46.0, 20.0, 25)
    assert (inner.low, inner.high) == (Decimal("38.1601"), Decimal("53.8399"))
    assert (outer.low, outer.high) == (Decimal("33.6390"), Decimal("58.3610"))


@pytest.mark.parametrize(
    ("figure", "verdict"), [("0.5", "within"), ("0.3", "look twice"), ("0.7", "look twice"), ("0.1", "unusual")]
)
def test_where_a_figure_lies(figure: str, verdict: str) -> None:
    assert judge_figure(Decimal(figure), limits_of_share(0.5, 30)) == verdict


def test_figures_of_nobody_have_no_limits() -> None:
    with pytest.raises(ValueError, match="one child"):
        limits_of_share(0.5, 0)
    with pytest.raises(ValueError, match="from 0 to 1"):
        limits_of_share(1.5, 10)
    with pytest.raises(ValueError, match="negative"):
        limits_of_mean(0, -1, 10)
