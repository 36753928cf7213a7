"""Whoever is counted knows that they are there: what each of them finds out about others from several tables.

All children that there could be are gone through who agree with what is printed, as somebody of one age has it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, compress, product
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from disclosure_control.linked import companions
from disclosure_control.linked.companions import find_companions
from disclosure_control.linked.contributors import find_told_to_contributors
from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.rules import strictest
from disclosure_control.linked.counts.said import Said
from disclosure_control.linked.counts.view import view_counts
from disclosure_control.linked.published import Published, entries_of, link_published, rules_of
from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.suppression.deadline import NEVER
from disclosure_control.suppression.parts import Parts
from disclosure_control.suppression.reader import Reader
from disclosure_control.suppression.view import View
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


THESE = f"{YEAR} AND sex IN ('M', 'F') AND age IN (14, 15, 16) AND uasc IN (TRUE, FALSE)"
KINDS = [{"sex": sex, "age": age, "uasc": uasc} for sex in "MF" for age in (14, 15, 16) for uasc in (True, False)]
CONDITIONS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "age >= 14": lambda _: True,
    "uasc": lambda kind: kind["uasc"],
    "sex = 'M'": lambda kind: kind["sex"] == "M",
    "age >= 15": lambda kind: kind["age"] >= 15,
}
ASKED = list(product(("sex", "age", "sex, age", "age, uasc"), CONDITIONS))


def draw_published(seed: int, preset: Preset) -> Iterator[Published]:
    """What would be printed of drawn children if each count were looked at by itself."""
    draw = Random(seed)
    sizes = [draw.choice((0, 0, 0, 1, 2, 3, 5, 6)) for _ in KINDS]
    shown = {*range(preset.smallest_count_shown, 100), *([0] if preset.shows_zero else [])}
    for by, condition in draw.sample(ASKED, 4):
        plan = derive_plan(f"SELECT {by}, COUNT(*) AS n {THESE} AND {condition} GROUP BY {by}", Path.PER_AUTHORITY)
        cells = [dict(zip((each.name for each in plan.dimensions), cell, strict=True)) for cell in plan.iter_cells()]
        inside = [[CONDITIONS[condition](kind) and cell.items() <= kind.items() for kind in KINDS] for cell in cells]
        counts = [sum(compress(sizes, each)) for each in inside]
        rows = tuple((*cell.values(), n if n in shown else C) for cell, n in zip(cells, counts, strict=True))
        yield Published(by, plan, preset, rows)


def find_pair_by_pair(linked: Linked, said: Said, least: int, view: View) -> Iterator[int]:
    """The same by a program for each reader and each cell that has to do with theirs, if additions leave it enough."""
    relations, hidden = view.lattice.relations, set(said.hidden()) - set(linked.ordinary)
    totals = {each.total for each in relations}
    wanted = {cell for cell in {*said.withheld_cells(), *hidden} if view.high[cell] >= least}
    for part in map(set[int], Parts(view.lattice).connected(view.low < view.high)):
        for own in (cell for cell in part - totals if view.low[cell] == 0 and Reader(view).interval(cell)[1] != 0):
            low, counting = view.low.copy(), {own}
            low[own] = 1
            while more := {each.total for each in relations if not counting.isdisjoint(each.parts)} - counting:
                counting |= more
            for cell in (part & wanted) - counting:
                fewest, most = Reader(replace(view, low=low)).interval(cell)
                if most is not None and most < least and (fewest or cell not in hidden or not view.rule.hidden[0]):
                    yield cell


def check_all_at_once(seed: int, name: str) -> int:
    """Hold the search to pairs of a reader and a cell; return how many cells are told."""
    published = list(draw_published(seed, load_preset(name)))
    linked, entries, rules = link_published(published), entries_of(published), rules_of(published)
    view, said, least = view_counts(linked, entries, rules), Said.of(linked, entries, rules), strictest(rules).least
    told = set(find_pair_by_pair(linked, said, least, view))
    found = find_told_to_contributors(linked, entries, rules, view, NEVER)
    assert found == told
    for cell in list(told)[:2]:
        assert find_told_to_contributors(linked, entries, rules, view, NEVER, {cell}) == {cell}
    return len(told)


@pytest.mark.parametrize(("name", "seeds"), [("dfe_cla", range(6, 18)), ("ukllc", (2, 3, 4, 18, 23, 26))])
def test_all_readers_together_are_told_what_each_is_told_of_each_cell(name: str, seeds: Sequence[int]) -> None:
    assert sum(check_all_at_once(seed, name) for seed in seeds) > 10


@pytest.mark.deep
@pytest.mark.parametrize("name", ["dfe_cla", "ukllc"])
def test_and_in_many_draws(name: str) -> None:
    assert sum(check_all_at_once(seed, name) for seed in range(100)) > 100
