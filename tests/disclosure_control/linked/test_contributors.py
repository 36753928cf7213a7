"""Whoever is counted knows that they are there: what each of them finds out about others from several tables.

All children that there could be are gone through who agree with what is printed, as somebody of one age has it.
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from disclosure_control.linked import companions
from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.published import Published
from disclosure_control.presets.shipped import load_preset
from disclosure_control.symbols import Symbol
from federation.manifest import Path
from federation.plans import derive_plan
from tests.disclosure_control.linked.test_withheld_says_no_more import AGES, SIZES, Replayed

C = Symbol.CONFIDENTIAL
YEAR = "FROM child_year WHERE academic_year = 202425"
GROUPS = [ages for count in (1, 2) for ages in combinations(AGES, count)]

Worlds = npt.NDArray[np.int64]
Told = tuple[int, tuple[int, ...]]
"""Of which age somebody is, and the ages of others of whom they know that they are few."""


def count(worlds: Worlds, ages: tuple[int, ...]) -> Worlds:
    return np.asarray(worlds[:, [AGES.index(each) for each in ages]].sum(1))


def find_worlds(replayed: Replayed) -> Worlds:
    """What agrees with everything printed: where zeros are shown, c is somebody."""
    kept, preset = np.ones(len(SIZES), bool), replayed.preset
    for ages, figure in replayed.figures():
        low, high = preset.printed_range(figure) if isinstance(figure, int) else (int(preset.shows_zero), len(SIZES))
        kept &= (low <= count(SIZES, ages)) & (count(SIZES, ages) <= high)
    return SIZES[kept]


def find_told(replayed: Replayed) -> Iterator[Told]:
    worlds = find_worlds(replayed)
    for age, others in ((age, others) for age in AGES for others in GROUPS if age not in others):
        if replayed.truth[AGES.index(age)] and _is_few(worlds[count(worlds, (age,)) > 0], others, replayed):
            yield age, others


def _is_few(worlds: Worlds, ages: tuple[int, ...], replayed: Replayed) -> bool:
    together = count(worlds, ages)
    known = together.min() > 0 or not replayed.preset.shows_zero
    return bool(known and together.max() < replayed.preset.smallest_count_shown)


TELLING = {"dfe_cla": (109, 122), "ukllc": (77, 109, 122)}
"""Stacks of which somebody would be told, were they looked at as an outsider has them alone."""


@pytest.mark.parametrize(("name", "seed"), [(name, seed) for name, seeds in TELLING.items() for seed in seeds])
def test_nobody_who_is_counted_knows_that_others_are_few(name: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(find_told(Replayed.draw(seed, load_preset(name)))) == []
    monkeypatch.setattr(companions, "find_told_to_contributors", lambda *_: frozenset())
    assert list(find_told(Replayed.draw(seed, load_preset(name)))) != []


@pytest.mark.deep
@pytest.mark.parametrize("name", [*TELLING, "dfe_cin"])
@pytest.mark.parametrize("seed", range(200))
def test_nor_in_many_draws(name: str, seed: int) -> None:
    assert list(find_told(Replayed.draw(seed, load_preset(name)))) == []


def publish(sql: str, *figures: int | Symbol) -> Published:
    plan = derive_plan(f"SELECT {sql}", Path.PER_AUTHORITY)
    columns = [list(cell) for cell in plan.iter_cells()]
    rows = tuple((*cell, figure) for cell, figure in zip(columns, figures, strict=True))
    return Published(sql, plan, load_preset("dfe_cla"), rows)


BY_AGE = publish(f"age, COUNT(*) AS n {YEAR} AND age IN (14, 15) GROUP BY age", C, 9)


@pytest.mark.parametrize(("total", "withheld"), [(15, True), (16, False)])
def test_six_of_whom_some_are_fourteen_are_five_at_most_to_whoever_is_not(total: int, *, withheld: bool) -> None:
    """Of fifteen children nine are fifteen, c fourteen, and any others sixteen."""
    everybody = publish(f"COUNT(*) AS n {YEAR} AND age IN (14, 15, 16)", total)
    assert find_companions([BY_AGE], everybody) == (frozenset({0}) if withheld else frozenset())


def test_what_was_told_before_keeps_nothing_else_back() -> None:
    before = [BY_AGE, publish(f"COUNT(*) AS n {YEAR} AND age IN (14, 15, 16)", 15)]
    assert find_companions(before, publish(f"COUNT(*) AS n {YEAR} AND age = 15 AND uasc", 0)) == frozenset()
