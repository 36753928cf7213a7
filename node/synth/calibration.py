"""The figures of calibration.toml by their dotted names, and draws from them.

Names are read as `table.key`: `number("uasc.male")`, `draw(chance, "need")` for the `weights` of a table. Randomness
is always a `random.Random` made by `seeded` from the seed and the name of what is drawn, so that the children of one
authority do not depend on how many draws another took.
"""

import tomllib
from bisect import bisect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import exp, log, log1p
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Any, Generic, TypeVar

Category = TypeVar("Category")

_FILE = Path(__file__).parent / "calibration.toml"


@dataclass(frozen=True)
class Weighted(Generic[Category]):
    """Categories to draw from, with their cumulative weights."""

    categories: tuple[Category, ...]
    cumulative: tuple[float, ...]

    @classmethod
    def of(cls, weights: Iterable[tuple[Category, float]]) -> "Weighted[Category]":
        """Prepare pairs of category and relative weight; raises ValueError when no weight is above zero."""
        pairs = [(category, weight) for category, weight in weights if weight > 0]
        if not pairs:
            raise ValueError("nothing to draw from: every weight is zero")
        return cls(tuple(category for category, _ in pairs), tuple(accumulate(weight for _, weight in pairs)))

    def draw(self, chance: Random) -> Category:
        """One category, as likely as its share of the weights."""
        return self.categories[bisect(self.cumulative, chance.random() * self.cumulative[-1])]


def seeded(seed: int, *names: str) -> Random:
    """A stream of its own for what `names` say, the same on every machine and in every run."""
    return Random("/".join((str(seed), *names)))  # noqa: S311 - synthetic data; reproducible is the point


@cache
def load_calibration() -> Mapping[str, Any]:
    """The whole file, as TOML reads it."""
    return tomllib.loads(_FILE.read_text(encoding="utf-8"))


@cache
def entry(name: str) -> Any:
    """What stands under a dotted name; raises KeyError when nothing does."""
    found: Any = load_calibration()
    for part in name.split("."):
        found = found[part]
    return found


@cache
def number(name: str) -> float:
    """The figure under a dotted name."""
    return float(entry(name))


@cache
def weights(name: str) -> Weighted[str]:
    """The weights of the table under a dotted name, ready to draw from."""
    return Weighted.of(entry(name)["weights"].items())


def draw(chance: Random, name: str) -> str:
    """One category of the table under a dotted name."""
    return weights(name).draw(chance)


def quantile(name: str, share: float) -> float:
    """The quantile of a distribution of which the table under a dotted name gives some, by their shares.

    Between those given, the logarithm goes in a straight line with the normal score; beyond them there is nothing.
    """
    known = sorted((float(given), float(value)) for given, value in entry(name).items())
    shares = [given for given, _ in known]
    place = min(max(bisect(shares, share), 1), len(known) - 1)
    (below, low), (above, high) = known[place - 1], known[place]
    score = NormalDist().inv_cdf
    part = (score(min(max(share, below), above)) - score(below)) / (score(above) - score(below))
    return exp(log(low) + part * (log(high) - log(low)))


def happens(chance: Random, name: str) -> bool:
    """Whether something of the probability under a dotted name happens this time."""
    return chance.random() < number(name)


def poisson(chance: Random, mean: float) -> int:
    """A Poisson count, by multiplying uniforms; meant for means below 20."""
    limit, product, count = exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


def truncated_exponential(chance: Random, mean: float, most: float) -> float:
    """An exponential of the given mean, given that it is not above `most`."""
    return -mean * log1p(-chance.random() * (1 - exp(-most / mean)))
