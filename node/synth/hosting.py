"""How many children of other authorities each authority has placed in its area, and so how often each is chosen.

Large authorities host more, but loosely; a few are known by name. The pull of each area is fitted so that, with
placements near home more often than far away, so many children come to it.
"""

from collections.abc import Collection, Mapping
from math import exp, sqrt
from statistics import NormalDist

from node.synth.calibration import Weighted, entry, number, quantile, seeded
from node.synth.postcodes import Place

_ROUNDS = 30
_ALWAYS = 1
"""The seed of what does not depend on the seed."""

Nearness = Mapping[str, Mapping[str, float]]
"""For each authority that places children, a weight for every other, greater the nearer."""


def draw_hosts(
    places: Mapping[str, Place], placed_out: Mapping[str, float], sizes: Mapping[str, int], inner: Collection[str]
) -> Mapping[str, Weighted[Place]]:
    """Where each authority places children outside its own area.

    `placed_out` is how many children each places so, `sizes` how many it looks after, and `inner` Inner London.
    """
    near = _nearness(placed_out, places, number("hosting.near_miles"))
    far = _nearness(placed_out, places, number("hosting.far_miles"))
    wanted = _draw_hosted(placed_out, sizes, inner)
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


def _draw_hosted(
    placed_out: Mapping[str, float], sizes: Mapping[str, int], inner: Collection[str]
) -> Mapping[str, float]:
    """The children each area hosts: in all of England, as many as are placed outside."""
    known: Mapping[str, float] = entry("hosting.known_ratio")
    fixed = {code: ratio * placed_out[code] for code, ratio in known.items() if code in placed_out}
    left = sum(placed_out.values()) - sum(fixed.values())
    if left < sum(placed_out.values()) / 2:  # Too few others are written for the known ones to be filled.
        fixed, left = {}, sum(placed_out.values())
    drawn = _draw_quantiles({code: sizes[code] for code in placed_out if code not in fixed}, inner)
    others = sum(drawn.values())
    return {code: fixed[code] if code in fixed else drawn[code] * left / others for code in placed_out}


def _draw_quantiles(sizes: Mapping[str, int], inner: Collection[str]) -> Mapping[str, float]:
    """A quantile of the published distribution for each area.

    The areas are put in an order, by a score in which size and chance both have a say, and get the quantiles in turn.
    Which area hosts many is as it is in England, whatever the seed.
    """
    with_size = number("hosting.with_size")
    scores = {}
    for place, code in enumerate(sorted(sizes, key=lambda code: (sizes[code], code))):
        large = NormalDist().inv_cdf((place + 0.5) / len(sizes))
        own = seeded(_ALWAYS, code, "hosting").gauss(0, 1)
        scores[code] = (
            with_size * large + sqrt(1 - with_size**2) * own - number("hosting.inner_london") * (code in inner)
        )
    order = sorted(scores, key=lambda code: scores[code])
    return {code: quantile("hosting.hosted", (place + 0.5) / len(order)) for place, code in enumerate(order)}


def _shares(near: Mapping[str, float], far: Mapping[str, float], pull: Mapping[str, float]) -> dict[str, float]:
    """How often each authority is chosen by one of them: a mixture of two ranges, next door and anywhere."""
    share = number("hosting.near_share")
    all_near = sum(weight * pull[code] for code, weight in near.items())
    all_far = sum(weight * pull[code] for code, weight in far.items())
    return {code: pull[code] * (share * near[code] / all_near + (1 - share) * far[code] / all_far) for code in near}
