"""The averaging attack on cell keys, and how often it succeeds within so many questions.

After Asghar and Kaafar (2020) on Table Builder: the attacker wants the exact size of a group, and asks for counts whose
true sums or differences are that size. Each is changed for itself, so that their average comes ever closer. Three ways:

- `parts`: a question splits the group in two by some other condition; the two printed counts add up to its size. Where
  small counts are withheld, the parts of a small group are.
- `besides`: a question counts other children with and without the group; the printed counts differ by its size. No
  threshold stops it.
- `known`: as `besides`, but how many others there are is known from elsewhere, and only the count with the group asked.

Record keys are random and the attacker's conditions are free, so that what is measured depends on the table and the
number of questions alone. Nothing here touches data.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from disclosure_control.cell_key.ptable import PTable

__all__ = ["ANSWERS", "Attack", "Way", "measure_averaging"]

Way = Literal["parts", "besides", "known"]

ANSWERS: Mapping[Way, int] = {"parts": 1, "besides": 2, "known": 1}
"""How many answers one question of each way takes, as nodes count them: counts times grouping sets, so that a split by
a column is one, and a count with the group and one without it are two."""


@dataclass(frozen=True, slots=True)
class Attack:
    """What the attacker goes about: how large the group is, counts under what are withheld, by which way."""

    way: Way
    group: int = 12
    threshold: int = 0
    others: tuple[int, int] = (20, 60)
    """The least and greatest number of other children in a question of `besides`."""


def measure_averaging(table: PTable, attack: Attack, questions: int, trials: int, seed: int) -> float:
    """The share of so many attacks that find the exact size, of `questions` questions each."""
    source = Random(seed)  # noqa: S311 - a measurement that must repeat, and no secret
    found = sum(_attack(table, attack, questions, source) == attack.group for _ in range(trials))
    return found / trials


def _attack(table: PTable, attack: Attack, questions: int, source: Random) -> int | None:
    """The attacker's guess, or None where every answer was withheld."""
    keys = [source.randrange(table.keys) for _ in range(attack.group)]
    ask = _ASK[attack.way]
    answers = [each for _ in range(questions) if (each := ask(table, attack, keys, source)) is not None]
    return round(sum(answers) / len(answers)) if answers else None


def _ask_parts(table: PTable, attack: Attack, keys: list[int], source: Random) -> int | None:
    inside: list[int] = []
    outside: list[int] = []
    for key in keys:
        (inside if source.random() < 1 / 2 else outside).append(key)
    return _add(_printed(table, attack, inside), _printed(table, attack, outside), 1)


def _ask_besides(table: PTable, attack: Attack, keys: list[int], source: Random) -> int | None:
    others = [source.randrange(table.keys) for _ in range(source.randint(*attack.others))]
    return _add(_printed(table, attack, [*others, *keys]), _printed(table, attack, others), -1)


def _ask_known(table: PTable, attack: Attack, keys: list[int], source: Random) -> int | None:
    others = [source.randrange(table.keys) for _ in range(source.randint(*attack.others))]
    return _add(_printed(table, attack, [*others, *keys]), len(others), -1)


def _add(one: int | None, other: int | None, sign: int) -> int | None:
    return None if one is None or other is None else one + sign * other


def _printed(table: PTable, attack: Attack, keys: list[int]) -> int | None:
    """A count as a reader sees it."""
    changed = table.perturb(len(keys), sum(keys) % table.keys)
    return changed if changed >= attack.threshold else None


_ASK: dict[Way, Callable[[PTable, Attack, list[int], Random], int | None]] = {
    "parts": _ask_parts,
    "besides": _ask_besides,
    "known": _ask_known,
}
