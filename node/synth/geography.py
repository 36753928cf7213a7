"""Who places children with whom: which authorities are written, how large each is, and where it places children.

The England written is closed: every child placed out of area is placed in another of the authorities written, so
that each is on a roll somewhere. A single authority alone places every child at home.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from random import Random
from statistics import NormalDist

from node.synth.calibration import Weighted, entry, number, seeded
from node.synth.postcodes import Place
from query_engine.geography import load_authorities

ESTUARY = ("301", "317", "316", "203", "883", "881", "886", "887")
"""The first eight: both banks of the Thames estuary, three regions that place many children with each other."""


def choose_authorities(wanted: int | Sequence[str], places: Mapping[str, Place]) -> tuple[str, ...]:
    """The codes to write, in code order.

    A number takes the eight of ESTUARY first, then whoever is nearest to Barking and Dagenham, so that the chosen
    are always neighbours. Raises ValueError for a number out of range or a code that is no authority's.
    """
    known = load_authorities()
    if not isinstance(wanted, int):
        unknown = sorted(set(wanted) - set(known))
        if unknown or not wanted:
            raise ValueError(f"no such authority: {', '.join(unknown) or 'none named'}; use three-figure DfE codes")
        return tuple(sorted(set(wanted)))
    if not 1 <= wanted <= len(known):
        raise ValueError(f"the number of authorities is 1 to {len(known)}")
    centre = places[ESTUARY[0]]
    others = sorted((code for code in places if code not in ESTUARY), key=lambda code: centre.miles_to(places[code]))
    return tuple(sorted((*ESTUARY, *others)[:wanted]))


def authority_sizes(places: Mapping[str, Place], scale: float) -> Mapping[str, int]:
    """Children looked after at 31 March by authority, times `scale`, at least one.

    The authority with the most addresses gets the highest quantile of the published distribution, and so on down:
    the size of an authority never depends on the seed or on who else is written.
    """
    fixed: Mapping[str, int] = entry("authority_size.fixed")
    ranked = sorted(set(places) - set(fixed), key=lambda code: (len(places[code].postcodes), code))
    spread = NormalDist(number("authority_size.mean_of_log"), number("authority_size.sd_of_log"))
    typical = {code: exp(spread.inv_cdf((rank + 0.5) / len(ranked))) for rank, code in enumerate(ranked)}
    return {code: max(1, round(size * scale)) for code, size in sorted({**typical, **fixed}.items())}


def home_region(code: str) -> str:
    """The region of an authority, with London parted into Inner and Outer as the placement statistics do."""
    region = load_authorities()[code].region
    if region != "London":
        return region
    return "Inner London" if code in entry("inner_london.codes") else "Outer London"


@dataclass(frozen=True)
class Borders:
    """Where one authority's children are placed."""

    home: Place
    hosts: Weighted[Place] | None
    """Other authorities, near and large ones more often; None when there is no other."""
    outside_share: float

    def draw_place(self, chance: Random) -> Place:
        """The authority of a placement: home, or a host as often as `outside_share` says."""
        if self.hosts is None or chance.random() >= self.outside_share:
            return self.home
        return self.hosts.draw(chance)


def draw_borders(codes: Sequence[str], places: Mapping[str, Place], seed: int) -> Mapping[str, Borders]:
    """The borders of every authority written."""
    sizes = authority_sizes(places, 1.0)
    pull = {code: sizes[code] * _attraction(code, seed) for code in codes}
    shares = _outside_shares(sizes, seed)
    return {code: Borders(places[code], _hosts(code, pull, places), shares[code]) for code in codes}


def _attraction(code: str, seed: int) -> float:
    chance = seeded(seed, code, "attraction")
    inner = number("hosting.inner_london_pull") if home_region(code) == "Inner London" else 1.0
    return inner * chance.lognormvariate(0, number("hosting.pull_sd"))


def _hosts(home: str, pull: Mapping[str, float], places: Mapping[str, Place]) -> Weighted[Place] | None:
    """A mixture of two ranges, so that most placements are next door and some are far away."""
    others = [code for code in pull if code != home]
    if not others:
        return None
    miles = {code: places[home].miles_to(places[code]) for code in others}
    near = {code: pull[code] * exp(-miles[code] / number("hosting.near_miles")) for code in others}
    far = {code: pull[code] * exp(-miles[code] / number("hosting.far_miles")) for code in others}
    share, all_near, all_far = number("hosting.near_share"), sum(near.values()), sum(far.values())
    mixed = {code: share * near[code] / all_near + (1 - share) * far[code] / all_far for code in others}
    return Weighted.of((places[code], weight) for code, weight in mixed.items())


def _outside_shares(sizes: Mapping[str, int], seed: int) -> Mapping[str, float]:
    """The share that each authority places outside: spread within a region, whose own share is the published one."""
    drawn = {code: _spread(code, seed) for code in sizes}
    regions: dict[str, list[str]] = defaultdict(list)
    for code in sizes:
        regions[home_region(code)].append(code)
    shares = {}
    for codes in regions.values():
        mean = sum(drawn[code] * sizes[code] for code in codes) / sum(sizes[code] for code in codes)
        for code in codes:
            shares[code] = _limited(entry("outside_share")[home_region(code)] + drawn[code] - mean)
    return shares


def _spread(code: str, seed: int) -> float:
    return seeded(seed, code, "outside share").gauss(0, number("outside_spread.sd"))


def _limited(share: float) -> float:
    return min(number("outside_spread.most"), max(number("outside_spread.least"), share))
