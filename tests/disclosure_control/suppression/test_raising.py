"""Raising cells: as many as can be, whatever was raised, held or lowered before, and as another solver has it."""

from collections.abc import Mapping
from random import Random

import numpy as np
import pytest
from scipy.optimize import linprog

from disclosure_control.suppression.drawn_table import draw_table
from disclosure_control.suppression.lattice import Lattice, Relation
from disclosure_control.suppression.measurement import RULE
from disclosure_control.suppression.reader import Reader
from disclosure_control.suppression.view import WITHHELD, View, view_printed


@pytest.fixture(scope="module")
def view() -> View:
    table, draw = draw_table(48, 2), Random(2)
    printed = [WITHHELD if figure and draw.random() < 0.6 else figure for figure in table.figures]
    return view_printed(table.lattice, RULE, printed)


def worth(found: np.ndarray, caps: Mapping[int, int], weights: Mapping[int, float]) -> float:
    """What a table is worth: of each of these cells as much as its cap has it count."""
    return float(sum(weights[cell] * min(found[cell], cap) for cell, cap in caps.items()))


def most_by_another_solver(view: View, caps: Mapping[int, int], weights: Mapping[int, float]) -> float:
    """The most that any table is worth, with a variable beside each cell that is at most it and at most the cap."""
    count, lattice = len(view.low), view.lattice
    sums = np.zeros((len(lattice.relations), count + len(caps)))
    for row, relation in enumerate(lattice.relations):
        sums[row, relation.total] = 1
        sums[row, list(relation.parts)] = -1
    under = np.zeros((len(caps), count + len(caps)))
    for row, cell in enumerate(caps):
        under[row, [count + row, cell]] = 1, -1
    bounds = [*zip(view.low, np.minimum(view.high, view.ceiling), strict=True), *((None, cap) for cap in caps.values())]
    costs = np.concatenate([np.zeros(count), [-weights[cell] for cell in caps]])
    found = linprog(costs, A_ub=under, b_ub=np.zeros(len(caps)), A_eq=sums, b_eq=np.zeros(len(sums)), bounds=bounds)
    assert found.success
    return float(-found.fun)


def test_a_table_is_worth_as_much_as_can_be_whatever_was_raised_before(view: View) -> None:
    """The same program is asked for ever other cells and caps, with weights that change now and then."""
    reader, draw = Reader(view), Random(1)
    weights = dict.fromkeys(view.withheld, 1.0)
    for number in range(12):
        if number % 4 == 2:
            weights = {cell: 1 / (0.02 + draw.random()) for cell in view.withheld}
            reader.weigh(weights)
        caps = {cell: draw.choice([1, 6, 9, 300]) for cell in draw.sample(view.withheld, draw.randint(1, 12))}
        reader.lift_whole(dict.fromkeys(draw.sample(view.withheld, 12), 4))
        lowered = draw.choice(view.withheld)
        assert reader.least(lowered)[lowered] == pytest.approx(Reader(view).sink([lowered])[lowered])
        found = reader.lift(caps)
        assert (found >= view.low - 1e-6).all()
        assert (found <= view.high + 1e-6).all()
        for relation in view.lattice.relations:
            assert abs(found[relation.total] - sum(found[part] for part in relation.parts)) < 1e-6
        assert worth(found, caps, weights) == pytest.approx(most_by_another_solver(view, caps, weights))


def three_pairs(*, open_cells: tuple[int, ...]) -> View:
    """Three cells, any two of which are at most one together: beside each pair is what is left of one."""
    pairs = [(0, 1), (1, 2), (0, 2)]
    relations = tuple(Relation(6 + place, (*pair, 3 + place)) for place, pair in enumerate(pairs))
    keys = tuple(frozenset({("cell", str(cell))}) for cell in range(9))
    lattice = Lattice(keys, relations, (), (1,) * 9, ("authority",) * 9, (frozenset(),) * 9, 9)
    low = np.array([0] * 6 + [1] * 3)
    high = np.ones(9, np.int64)
    return View(lattice, RULE, low, high, open_cells)


@pytest.mark.parametrize("raised", [(0, 1, 2), (0, 1, 2, 3, 4, 5)])
def test_what_would_be_raised_half_way_is_raised_whole(raised: tuple[int, ...]) -> None:
    """All three by a half are worth more than any one, and show nothing."""
    reader = Reader(three_pairs(open_cells=raised))
    caps = dict.fromkeys((0, 1, 2), 1)
    assert reader.lift(caps)[:3].tolist() == [0.5, 0.5, 0.5]
    assert sorted(reader.lift_whole(caps)[:3].tolist()) == [0, 0, 1]
    assert reader.lift(caps)[:3].tolist() == [0.5, 0.5, 0.5]


def test_whatever_can_be_so_large_is_in_one_of_some_tables(view: View) -> None:
    draw = Random(3)
    for _ in range(6):
        reader, caps = Reader(view), {cell: draw.choice([1, 6, 40, 300]) for cell in draw.sample(view.withheld, 12)}
        largest = np.array(list(reader.raise_all(caps))).max(axis=0)
        can_be = {cell for cell, cap in caps.items() if Reader(view).most(cell)[cell] > cap - 1e-5}
        assert {cell for cell, cap in caps.items() if largest[cell] > cap - 1e-5} == can_be


def test_none_is_looked_at_singly_where_all_gain_less_together_than_one_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of three cells can be one, and all together gain one and a half: so none can be four."""
    reader, looked = Reader(three_pairs(open_cells=(0, 1, 2))), list[int]()
    alone = reader.most

    def most(cell: int) -> np.ndarray:
        looked.append(cell)
        return alone(cell)

    monkeypatch.setattr(reader, "most", most)
    list(reader.raise_all(dict.fromkeys((0, 1, 2), 4)))
    assert not looked
    tables = np.array(list(reader.raise_all(dict.fromkeys((0, 1, 2), 1))))
    assert tables[:, :3].max(axis=0).tolist() == [1, 1, 1]
    assert looked
