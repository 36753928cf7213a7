"""What a manifest says of the noise: how much privacy is promised, and against how many missing or telling nodes."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

__all__ = ["LARGEST_EPSILON", "Mechanism", "NoiseRefused", "NoiseTerms", "read_epsilon", "read_terms"]

Mechanism = Literal["polya", "skellam"]
"""What shares the noise is made of: of discrete Laplace noise, or of Skellam noise (see `kinds`)."""

LARGEST_EPSILON = 20
"""A greater epsilon promises nothing: exp(20) is half a thousand million."""

MOST_PARTIES = 10_000
"""More nodes than any sum is ever over."""

_EPSILON = re.compile(r"(0|[1-9][0-9]?)(\.[0-9]{0,5}[1-9])?")


_KEYS = ("epsilon", "parties", "dropouts", "colluders")


class NoiseRefused(Exception):
    """Noise as it is asked for cannot hide everybody, or cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class NoiseTerms:
    """The terms of one noisy sum. Raises `NoiseRefused` where they contradict each other.

    `epsilon` is decimal text, for the whole manifest; with Skellam shares it holds but for a chance of `rho.DELTA`. Of
    `parties` nodes as many as `dropouts` may fail to answer, and as many as `colluders` of the others may tell the hub
    what they added, before less noise is left than is promised.
    """

    epsilon: str
    parties: int
    dropouts: int
    colluders: int
    mechanism: Mechanism = "polya"

    def __post_init__(self) -> None:
        """Refuse terms under which no node could be relied on."""
        read_epsilon(self.epsilon)
        if self.mechanism not in get_args(Mechanism):
            raise NoiseRefused(f"noise is made of {' or '.join(get_args(Mechanism))} shares")
        if min(self.dropouts, self.colluders) < 0 or self.shares < 1:
            raise NoiseRefused(
                "dropouts and colluders must be whole numbers from 0 on and leave one of the parties at least"
            )

    @property
    def shares(self) -> int:
        """How many shares make up the noise that is promised: those of the nodes that can be relied on."""
        return self.parties - self.dropouts - self.colluders

    def to_json(self) -> dict[str, str | int]:
        """The terms as a JSON object that `read_terms` takes back; Polya shares go without saying."""
        named: dict[str, str | int] = {name: getattr(self, name) for name in _KEYS}
        return named if self.mechanism == "polya" else {**named, "mechanism": self.mechanism}

    def check_answered(self, answered: int) -> None:
        """Check that enough nodes answered for the noise that is promised. Raises `NoiseRefused`."""
        least = self.parties - self.dropouts
        if not least <= answered <= self.parties:
            raise NoiseRefused(f"{answered} nodes answered, and the terms are for {least} to {self.parties}")


def read_terms(document: object) -> NoiseTerms:
    """The terms in a JSON value. Raises `NoiseRefused`."""
    if not isinstance(document, dict) or document.keys() - {"mechanism"} != set(_KEYS):
        raise NoiseRefused(f"the terms of noise are an object with the keys {', '.join(_KEYS)}")
    counts = [document[name] for name in _KEYS[1:]]
    if any(type(each) is not int or each > MOST_PARTIES for each in counts):
        raise NoiseRefused(f"parties, dropouts and colluders must be whole numbers up to {MOST_PARTIES}")
    if document.get("mechanism", "skellam") != "skellam":
        raise NoiseRefused("the mechanism is said of Skellam shares alone")
    parties, dropouts, colluders = counts
    return NoiseTerms(
        document["epsilon"], parties, dropouts, colluders, "skellam" if "mechanism" in document else "polya"
    )


def read_epsilon(text: str) -> Fraction:
    """Epsilon as an exact fraction, from its one decimal spelling. Raises `NoiseRefused`."""
    if not isinstance(text, str) or not _EPSILON.fullmatch(text) or not 0 < Fraction(text) <= LARGEST_EPSILON:
        raise NoiseRefused(
            f"epsilon must be a decimal number above 0 and up to {LARGEST_EPSILON}, with six places at most and no "
            "zero at its end, such as 0.5"
        )
    return Fraction(text)
