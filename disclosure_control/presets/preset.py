"""A preset: one set of rules of disclosure control, as a value that cannot contradict itself.

A preset never prints a blank, never prints 0 for a figure it hides and never drops a row; the language has no MIN and
no MAX. Shares come from the released counts in every preset, whatever the source does: a share of exact counts beside a
rounded one gives the exact one away.

A preset holds at a level: the rows of one authority, of a region, of the nation. What differs is the base that counts
are rounded to and what may be claimed; `at` gives the same preset at another level.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar, get_args

from disclosure_control.cell_key.ptable import KeyRange
from disclosure_control.symbols import Symbol

__all__ = ["LEVELS", "TOTAL_LEVEL", "ByLevel", "CellKeyRule", "Dominance", "Level", "Preset", "PresetInvalid", "Zero"]

Zero = Literal["shown", "withheld"]
Level = Literal["authority", "region", "nation"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""From the smallest to the largest."""

TOTAL_LEVEL: Level = "nation"
"""The level of a sum over a roster, be it of a region: no preset is finer for the nation than for a region."""

ALWAYS_USED = frozenset({Symbol.CONFIDENTIAL, Symbol.UNAVAILABLE})

T = TypeVar("T")


class PresetInvalid(Exception):
    """A preset does not exist, or its file is not as it must be; the text says which key and what belongs there."""


@dataclass(frozen=True, slots=True)
class ByLevel(Generic[T]):
    """Something that a preset says level by level."""

    authority: T
    region: T
    nation: T

    def at(self, level: Level) -> T:
        """What it is at one level."""
        found: T = getattr(self, level)
        return found


@dataclass(frozen=True, slots=True)
class Dominance:
    """How much of a sum may be one child's, in per cents: the (n, k) rule and the p% rule.

    The `largest` children with the greatest values may make up `most_per_cent` of a sum together, and all but the two
    greatest must be at least `rest_per_cent` of the greatest.
    """

    largest: int
    most_per_cent: int
    rest_per_cent: int

    def least_sum(self, most_of_one: int) -> int:
        """The least sum that keeps both rules whoever is in it, where one child adds `most_of_one` at most.

        Raises nothing and looks at no child: the (n, k) rule can fail only under n * most / k, and the p% rule only
        under (2 + p) * most.
        """
        by_largest = -(-self.largest * most_of_one * 100 // self.most_per_cent)
        by_rest = -(-(200 + self.rest_per_cent) * most_of_one // 100)
        return max(by_largest, by_rest)

    def least_contributors(self, most_of_one: int) -> int:
        """So many children with 1 or more each keep both rules, however much each has up to `most_of_one`.

        They are hardest to keep where the largest have as much as can be, and all others 1.
        """
        largest = self.largest * most_of_one
        by_largest = self.largest - (-largest * (100 - self.most_per_cent) // self.most_per_cent)
        by_rest = 2 - (-self.rest_per_cent * most_of_one // 100)
        return max(by_largest, by_rest)


@dataclass(frozen=True, slots=True)
class CellKeyRule:
    """How counts are changed by cell keys: modulo how many keys, by which table, and how often in a year.

    `table` is the SHA-256 digest of the table's file, so that nobody changes counts by another of the same name, and
    `most` its greatest change, which readers know without the file. `answers` is how many answers about one table and
    academic year a node gives under it, in all: see `query_engine.planning.record_keys.count_answers`.
    """

    keys: KeyRange
    table: str
    most: int
    answers: int


@dataclass(frozen=True)
class Preset:
    """One set of rules at one level. Raises `PresetInvalid` where two of them contradict each other.

    `smallest_count_shown` and the `minimum_n_...` of averages, spreads, figures of two measures and models are numbers
    of children; `minimum_residual_df` are rows of a model beyond its coefficients; `rounding_bases` are in units of a
    count; `proportion_decimals` are places of a share from 0 to 1, so that 2 means whole per cents.
    """

    name: str
    version: str
    title: str
    source: str
    smallest_count_shown: int
    zero: Zero
    rounding_bases: ByLevel[int]
    minimum_n_mean: int
    minimum_n_spread: int
    minimum_n_correlation: int
    minimum_n_model: int
    minimum_residual_df: int
    dominance: Dominance | None
    cell_key: CellKeyRule | None
    proportion_decimals: int
    mean_decimals: int
    symbols: frozenset[Symbol]
    claims: ByLevel[str]
    level: Level

    def __post_init__(self) -> None:
        """Refuse contradictions that would print what is meant to be hidden."""
        for problem in self._contradictions():
            raise PresetInvalid(f"{self.name}: {problem}")

    def _contradictions(self) -> Iterator[str]:
        bases = [self.rounding_bases.at(level) for level in LEVELS]
        if bases != sorted(bases):
            yield "rounding_bases may not be finer for a region than for an authority, nor for the nation"
        if any(round(self.smallest_count_shown / base) == 0 for base in bases):
            yield "smallest_count_shown would round to 0; raise it or lower rounding_bases"
        if not self.smallest_count_shown <= self.minimum_n_mean <= self.minimum_n_spread <= self.minimum_n_correlation:
            yield (
                "minimum_n_mean must be at least smallest_count_shown, and minimum_n_spread and minimum_n_correlation "
                "no less than the one before"
            )
        if self.cell_key is not None and bases[-1] > 1:
            yield "counts are rounded or changed by cell keys, not both: rounding_bases must be 1"
        if self.minimum_n_model < self.minimum_n_mean:
            yield "minimum_n_model must be at least minimum_n_mean: a model is a table of averages"
        if bases[-1] > 1 and self.minimum_n_mean < 10**self.mean_decimals:
            yield "minimum_n_mean must be at least 10 for 1 of mean_decimals, 100 for 2: an average tells its divisor"
        if not self.symbols >= ALWAYS_USED | ({Symbol.NOT_APPLICABLE} if self.shows_zero else set()):
            yield "symbols must hold c and x, and z where zero is shown"
        if Symbol.NOT_APPLICABLE in self.symbols and not self.shows_zero:
            yield "z says that a count is 0; remove it where zero is withheld"
        if Symbol.LOW in self.symbols and not self.shows_zero:
            yield "k says that a figure is not 0; remove it where zero is withheld"

    def at(self, level: Level) -> "Preset":
        """The same preset at a level."""
        return self if level == self.level else replace(self, level=level)

    @property
    def rounding_base(self) -> int:
        """What counts are rounded to at this level; 1 leaves them exact."""
        return self.rounding_bases.at(self.level)

    @property
    def record_keys(self) -> KeyRange | None:
        """How many record keys a plan carries sums of under this preset; None where counts are not changed by keys."""
        return self.cell_key.keys if self.cell_key is not None else None

    @property
    def claim(self) -> str:
        """What a reader may rely on at this level, and what not."""
        return self.claims.at(self.level)

    @property
    def shows_zero(self) -> bool:
        """Whether a true 0 is printed; if not, it is withheld like a small count and looks the same."""
        return self.zero == "shown"

    @property
    def withheld_range(self) -> tuple[int, int]:
        """The least and greatest count that are withheld: of children, or as cell keys have changed it."""
        return (1 if self.shows_zero else 0), self.smallest_count_shown - 1

    def printed_range(self, count: int) -> tuple[int, int]:
        """The least and greatest true count that are printed as this one: what an attacker knows of it."""
        if self.cell_key is not None:
            return max(0, count - self.cell_key.most), count + self.cell_key.most
        if count == 0 or self.rounding_base == 1:
            return count, count
        base = self.rounding_base  # halves go up
        return max(count - base // 2, self.smallest_count_shown), count + (base - 1) // 2

    def least_alike(self, count: int) -> int:
        """The least of the counts that are printed as this one: what goes by it tells no more than is printed."""
        base = self.rounding_base
        if base == 1 or count < self.smallest_count_shown:
            return count
        return max((count + base // 2) // base * base - base // 2, self.smallest_count_shown)

    @property
    def method(self) -> str:
        """What the preset does and what it claims, as a paragraph for a reader of a released table."""
        if self.cell_key is not None:
            return " ".join((*self._cell_key_sentences(self.cell_key), self.claim))
        zero = "a true zero is shown" if self.shows_zero else "zero is withheld in the same way"
        return " ".join(
            (
                f"{self.title} (preset {self.name}, version {self.version}).",
                f"Counts under {self.smallest_count_shown} are withheld (c) and so is every figure that rests on one;",
                f"{zero}.",
                *self._rounding_sentences(),
                *self._dominance_sentences(),
                self.claim,
            )
        )

    def _cell_key_sentences(self, rule: CellKeyRule) -> tuple[str, ...]:
        withheld = "{} to {}".format(*self.withheld_range)
        return (
            f"{self.title} (preset {self.name}, version {self.version}).",
            f"Perturbed by cell key: every count is changed by at most {rule.most} either way, always in the same way",
            f"for the same children (perturbation table {rule.table[:12]}, {rule.keys} keys). Counts that come to",
            f"{withheld} are withheld (c), and so is every share that rests on one. Shares come from the changed",
            f"counts and have {_places(self.proportion_decimals)}. Totals are changed for themselves, and need not be",
            f"the sums of the rows. A node gives at most {rule.answers} such answers about a table and academic year.",
        )

    def _rounding_sentences(self) -> tuple[str, ...]:
        shares = f"Shares run from 0 to 1 and have {_places(self.proportion_decimals)}"
        averages = (
            f"Averages rest on at least {self.minimum_n_mean} children, spreads on {self.minimum_n_spread} and figures "
            f"of two measures on {self.minimum_n_correlation}; averages have {_places(self.mean_decimals)}."
        )
        if self.rounding_base == 1:
            return ("Counts and sums are not rounded.", f"{shares}.", averages)
        return (
            f"Counts are rounded to the nearest {self.rounding_base}.",
            f"{shares}; shares of children come from the rounded counts.",
            averages,
            "A sum is the released average per child times the released number of children, rounded in the same way.",
        )

    def _dominance_sentences(self) -> Iterator[str]:
        if self.dominance is not None:
            yield (
                "A sum or average of a quantity is withheld unless it is too large for "
                f"{self.dominance.largest} children to be more than {self.dominance.most_per_cent} % of it, and for "
                f"all but two to be less than {self.dominance.rest_per_cent} % of the greatest."
            )


def _places(decimals: int) -> str:
    return {0: "no decimal places", 1: "1 decimal place"}.get(decimals, f"{decimals} decimal places")
