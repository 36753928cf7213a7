"""How many children of other authorities each authority has placed in its area, and so how often each is chosen.

How many an area hosts goes with how many it places elsewhere, but loosely; a few are known by name. The pull of each
area is fitted so that, with placements near home more often than far away, so many children come to it.
"""

from collections.abc import Collection, Mapping
from math import exp, log, sqrt
from statistics import NormalDist

from node.synth.calibration import Weighted, entry, number, seeded
from node.synth.postcodes import Place

_ROUNDS = 30

Nearness = Mapping[str, Mapping[str, float]]
"""For each authority that places children, a weight for every other, greater the nearer."""


def draw_hosts(
    places: Mapping[str, Place], placed_out: Mapping[str, float], inner: Collection[str], seed: int
) -> Mapping[str, Weighted[Place]]:
    """Where each authority places children outside its own area; `placed_out` is how many, `inner` Inner London."""
    near = _nearness(placed_out, places, number("hosting.near_miles"))
    far = _nearness(placed_out, places, number("hosting.far_miles"))
    wanted = _draw_hosted(placed_out, inner, seed)
    pull = dict(placed_out)
    for _ in range(_ROUNDS):
        hosted = dict.fromkeys(placed_out, 0.0)
        for home, count in placed_out.items():
            for code, share in _shares(near[home], far[home], pull).items():
                hosted[code] += count * share
        pull = {code: pull[code] * wanted[code] / hosted[code] for code in pull}
    return {
        home: Weighted.of((places[code], share) for code, share in _shares(near[home], far[home], pull).items())
        for home in placed_out
    }


def _nearness(codes: Mapping[str, float], places: Mapping[str, Place], miles: float) -> Nearness:
    return {
        home: {code: exp(-places[home].miles_to(places[code]) / miles) for code in codes if code != home}
        for home in codes
    }


def _draw_hosted(placed_out: Mapping[str, float], inner: Collection[str], seed: int) -> Mapping[str, float]:
    """The children each area hosts: in all of England, as many as are placed outside."""
    known: Mapping[str, float] = entry("hosting.known_ratio")
    fixed = {code: ratio * placed_out[code] for code, ratio in known.items() if code in placed_out}
    drawn = {code: ratio * placed_out[code] for code, ratio in _draw_ratios(placed_out, inner, seed).items()}
    others = sum(count for code, count in drawn.items() if code not in fixed)
    left = sum(placed_out.values()) - sum(fixed.values())
    if left < sum(placed_out.values()) / 2:  # Too few others are written for the known ones to be filled.
        return drawn
    return {code: fixed.get(code, count * left / others) for code, count in drawn.items()}


def _draw_ratios(placed_out: Mapping[str, float], inner: Collection[str], seed: int) -> Mapping[str, float]:
    """Hosted to each child placed out: of the published spread whatever the seed, and lower where more are placed out.

    The authorities are put in an order, by a score in which chance has most of the say, and get the quantiles in turn.
    """
    against = number("hosting.against_placed_out")
    order = sorted(placed_out, key=lambda code: log(placed_out[code]))
    scores = {}
    for place, code in enumerate(order):
        less = -NormalDist().inv_cdf((place + 0.5) / len(order))
        own = seeded(seed, code, "hosting").gauss(0, 1)
        scores[code] = against * less + sqrt(1 - against**2) * own - number("hosting.inner_london") * (code in inner)
    ratios = {}
    for place, code in enumerate(sorted(scores, key=lambda code: scores[code])):
        high = NormalDist().inv_cdf((place + 0.5) / len(scores))
        spread = number("hosting.sd_above" if high > 0 else "hosting.sd_below")
        ratios[code] = number("hosting.median_ratio") * exp(spread * high)
    return ratios


def _shares(near: Mapping[str, float], far: Mapping[str, float], pull: Mapping[str, float]) -> dict[str, float]:
    """How often each authority is chosen by one of them: a mixture of two ranges, next door and anywhere."""
    share = number("hosting.near_share")
    all_near = sum(weight * pull[code] for code, weight in near.items())
    all_far = sum(weight * pull[code] for code, weight in far.items())
    return {code: pull[code] * (share * near[code] / all_near + (1 - share) * far[code] / all_far) for code in near}
