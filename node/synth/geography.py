"""Who places children with whom: which authorities are written, how large each is, and where it places children.

The England written is closed: every child placed out of area is placed in another of the authorities written, so
that each is on a roll somewhere. A single authority alone places every child at home.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt
from random import Random
from statistics import NormalDist

from node.synth.calibration import Weighted, entry, number, seeded
from node.synth.hosting import draw_hosts
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
    shares = _outside_shares(sizes, seed)
    placed_out = {code: sizes[code] * shares[code] for code in codes}
    inner = {code for code in codes if home_region(code) == "Inner London"}
    hosts = draw_hosts(places, placed_out, sizes, inner) if len(codes) > 1 else {}
    return {code: Borders(places[code], hosts.get(code), shares[code]) for code in codes}


def _outside_shares(sizes: Mapping[str, int], seed: int) -> Mapping[str, float]:
    """The share that each authority places outside: spread within a region, whose own share is the published one."""
    known: Mapping[str, float] = entry("outside_spread.known")
    drawn = _spread(sizes, seed)
    regions: dict[str, list[str]] = defaultdict(list)
    for code in sizes:
        regions[home_region(code)].append(code)
    shares = dict(known)
    for region, codes in regions.items():
        free = [code for code in codes if code not in known]
        left = entry("outside_share")[region] * sum(sizes[code] for code in codes)
        left -= sum(known[code] * sizes[code] for code in codes if code in known)
        mean = (left - sum(drawn[code] * sizes[code] for code in free)) / sum(sizes[code] for code in free)
        shares |= {code: _limited(mean + drawn[code]) for code in free}
    return shares


def _spread(sizes: Mapping[str, int], seed: int) -> Mapping[str, float]:
    """How far each share lies from that of the region: lower where an authority is large."""
    sd, less = number("outside_spread.sd"), number("outside_spread.less_where_large")
    own = {code: seeded(seed, code, "outside share").gauss(0, sd * sqrt(1 - less**2)) for code in sizes}
    ranked = sorted(sizes, key=lambda code: sizes[code])
    large = {code: NormalDist().inv_cdf((rank + 0.5) / len(ranked)) for rank, code in enumerate(ranked)}
    return {code: own[code] - less * sd * large[code] for code in sizes}


def _limited(share: float) -> float:
    return min(number("outside_spread.most"), max(number("outside_spread.least"), share))
