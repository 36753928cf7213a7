"""The exact distributions that samplers are held to, and the test of agreement."""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy

SIGNIFICANCE = 1e-4
"""With fixed seeds a test passes always or never; a sampler that is right fails one seed in ten thousand."""

FEWEST = 5
"""Expected draws of a class at least: smaller ones are put together."""

Pmf = Callable[[int], float]


class SeededBits:
    """Bits of a seed, so that a test that passes goes on passing."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def draw(self, number: int) -> int:
        return self._chance.getrandbits(number) if number else 0


def laplace(scale: float) -> Pmf:
    """Discrete Laplace noise."""
    kept = math.exp(-1 / scale)
    return lambda k: (1 - kept) / (1 + kept) * kept ** abs(k)


def polya(shape: float, scale: float) -> Pmf:
    """The difference of two negative binomial numbers of a shape: one share, or several together."""
    return _pmf(differences(negative_binomial(shape, scale)))


def skellam(variance: float) -> Pmf:
    """The difference of two Poisson numbers."""
    return _pmf(differences([poisson(variance / 2)(k) for k in range(int(variance) * 2 + 60)]))


def poisson(mean: float) -> Pmf:
    return lambda k: math.exp(k * math.log(mean) - mean - math.lgamma(k + 1))


def negative_binomial(shape: float, scale: float) -> list[float]:
    """The probabilities of 0, 1, ... as far as they matter."""
    kept, least = math.exp(-1 / scale), -math.expm1(-1 / scale)
    found = [least**shape]
    while len(found) < 20 + 45 * scale * max(1.0, math.sqrt(shape)):
        k = len(found)
        found.append(found[-1] * (k - 1 + shape) / k * kept)
    return found


def differences(one_sided: Sequence[float]) -> dict[int, float]:
    """The distribution of the difference of two independent numbers of one distribution."""
    values = numpy.array(one_sided)
    together = numpy.convolve(values, values[::-1])
    return {place - len(values) + 1: float(each) for place, each in enumerate(together)}


def _pmf(table: dict[int, float]) -> Pmf:
    return lambda k: table.get(k, 0.0)


def check_agreement(drawn: Iterable[int], pmf: Pmf, least: int | None = None) -> None:
    """A G-test of what was drawn against a distribution; `least` where it begins. Fails below `SIGNIFICANCE`."""
    found = Counter(drawn)
    number = sum(found.values())
    low, high = min(found) if least is None else least, max(found)
    assert min(found) >= low
    assert not [value for value in found if pmf(value) == 0], "drawn, and impossible"
    classes: list[tuple[float, int]] = []
    expected, observed, covered = 0.0, 0, 0.0
    for value in range(low, high + 1):
        expected, observed = expected + number * pmf(value), observed + found[value]
        covered += pmf(value)
        if expected >= FEWEST:
            classes.append((expected, observed))
            expected, observed = 0.0, 0
    rest = max(0.0, number * (1 - covered)) + expected
    classes[-1] = (classes[-1][0] + rest, classes[-1][1] + observed)
    if len(classes) == 1:
        return
    statistic = 2 * sum(seen * math.log(seen / wanted) for wanted, seen in classes if seen)
    assert chance_beyond(statistic, len(classes) - 1) > SIGNIFICANCE, (statistic, len(classes))


def chance_beyond(statistic: float, degrees: int) -> float:
    """The chance of a greater chi-squared number, by Wilson and Hilferty's approximation."""
    cube = (max(statistic, 0.0) / degrees) ** (1 / 3)
    part = 2 / (9 * degrees)
    return 0.5 * math.erfc((cube - (1 - part)) / math.sqrt(2 * part))
