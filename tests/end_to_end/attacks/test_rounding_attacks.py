"""Attacks on rounding: whether anybody is in one group and not in another, where both have the same number in print.

Counts that round alike say "nobody, or a few". What the children have between them can say that it is somebody, and how
many at the least. Exact counts say themselves whether it is anybody, and are attacked in `test_suppression_attacks`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from disclosure_control.presets.shipped import load_preset
from tests.end_to_end.attacks.conftest import Besiege
from tests.end_to_end.attacks.front_door import CHILDREN, Door, Table, printed
from tests.end_to_end.attacks.known import Known
from tests.end_to_end.attacks.leftover import Measured, fewest_left, is_beyond
from tests.end_to_end.attacks.scoreboard import Claim
from tests.end_to_end.attacks.test_suppression_attacks import DEEP, assert_blocked

MONTHS = "months_in_care"
LONGEST = 300
"""By the catalogue's bounds nobody is in care for more months."""

GROUPS = [f"ethnicity_major = '{origin}'" for origin in ("black", "other")][: 2 if DEEP else 1]
"""Of whom there are few of an age."""

ORIGINS = [f"ethnicity_major = '{origin}'" for origin in ("black", "asian", "other", "mixed")][: 4 if DEEP else 2]
"""Of whom one after another is left out, so that each cuts those who are left out otherwise."""

Groups = Mapping[tuple[Any, ...], Measured]
"""What is printed of each group of an authority, where all of it is."""

Weighing = Callable[[Measured, Sequence[Measured]], int]
"""How few children are left over between a group and its parts."""


@dataclass(frozen=True)
class Asked:
    """Which children are asked about, all together or by a column."""

    ages: str
    column: str = ""

    def averages(self, door: Door, where: str) -> Groups:
        """Their number and their average, by one question."""
        table = door.ask(self._question(f"COUNT(*) AS n, AVG({MONTHS}) AS a", where))
        half = Fraction(1, 2 * 10 ** load_preset(door.preset).mean_decimals)
        found = ((at, printed(door, table, "n", *at), _number(table, "a", at)) for at in table)
        return {
            at: Measured(count, average - half, average + half)
            for at, count, average in found
            if count is not None and average is not None
        }

    def sums(self, door: Door, where: str) -> Groups:
        """Their number by one question, and what they have in all by another one."""
        counts, sums = (door.ask(self._question(each, where)) for each in ("COUNT(*) AS n", f"SUM({MONTHS}) AS s"))
        half = Fraction(load_preset(door.preset).rounding_base, 2)
        found = (
            (at, printed(door, counts, "n", *at), _number(counts, "n", at), _number(sums, "s", at)) for at in counts
        )
        return {
            at: Measured(count, (total - half) / number, (total + half) / number)
            for at, count, number, total in found
            if count is not None and number and total is not None
        }

    def condition(self, at: tuple[Any, ...]) -> str:
        """Who is in a group, of an authority."""
        return " AND ".join([self.ages, *(f"{self.column} = {code!r}" for code in at[1:])])

    def _question(self, figures: str, where: str) -> str:
        named, grouped = (f"{self.column}, ", f" GROUP BY {self.column}") if self.column else ("", "")
        return f"SELECT {named}{figures} {CHILDREN} AND {self.ages} AND {where}{grouped}"


def _number(table: Table, label: str, at: tuple[Any, ...]) -> Fraction | None:
    entry = table.get(at, {}).get(label)
    return Fraction(str(entry)) if isinstance(entry, int | float | Decimal) else None


SEXES = ["sex = 'M'", "sex = 'F'"]
TEENAGERS = Asked("age BETWEEN 12 AND 18", "age")


def leave_out(
    group: str, asked: Asked, read: Callable[[str], Groups], parts: Sequence[str], weigh: Weighing
) -> Iterator[Claim]:
    """All children, and in parts those of them who are not in a group: how many of them are in the group."""
    everybody, others = read("age >= 0"), [read(f"NOT ({group}) AND {part}") for part in parts]
    for at, whole in everybody.items():
        rest = [each[at] for each in others if at in each]
        if len(rest) == len(parts):
            left = whole.count - sum((each.count for each in rest), Known(0, 0))
            fewest = max(left.low, weigh(whole, rest))
            yield Claim(at[0], f"{asked.condition(at)} AND {group}", Known(fewest, left.high))


def weigh_amounts(whole: Measured, parts: Sequence[Measured]) -> int:
    """How many there are at the least, by what they have; nothing is said where figures do not go together."""
    return fewest_left(whole, parts, LONGEST) or 0


def test_averages_of_groups_that_round_alike(besiege: Besiege, preset: str) -> None:
    """Two groups of as many children in print, one within the other, whose averages are unlike."""

    def attack(door: Door) -> Iterator[Claim]:
        for group in GROUPS:
            yield from leave_out(group, TEENAGERS, partial(TEENAGERS.averages, door), ["age >= 0"], weigh_amounts)

    assert_blocked(besiege(attack, preset))


def test_an_average_beyond_those_of_all_parts(besiege: Besiege, preset: str) -> None:
    """Boys and girls who are all there are, as it is printed, and an average that is more than both have, or less."""
    young, group = Asked("age BETWEEN 1 AND 9"), "ethnicity_major = 'other'"

    def attack(door: Door) -> Iterator[Claim]:
        yield from leave_out(group, young, partial(young.averages, door), SEXES, is_beyond)

    assert_blocked(besiege(attack, preset))


def test_an_average_that_no_mixture_of_parts_has(besiege: Besiege, preset: str) -> None:
    """Boys and girls who are not of an origin, of one origin after another, whose averages do not come to that of all.

    Who is of the one is cut up by what was asked of the others, so that no cell has all of them.
    """

    def attack(door: Door) -> Iterator[Claim]:
        for origin in ORIGINS:
            yield from leave_out(origin, TEENAGERS, partial(TEENAGERS.averages, door), SEXES, weigh_amounts)

    assert_blocked(besiege(attack, preset))


def test_amounts_by_subtraction(besiege: Besiege, preset: str) -> None:
    """What all have in all, less what all others have: so much is had by somebody, and by no fewer than can have it."""

    def attack(door: Door) -> Iterator[Claim]:
        yield from leave_out(GROUPS[0], TEENAGERS, partial(TEENAGERS.sums, door), ["age >= 0"], weigh_amounts)

    assert_blocked(besiege(attack, preset))
