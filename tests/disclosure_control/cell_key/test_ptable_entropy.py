"""The maker of perturbation tables: what it keeps to, published figures, and a solver without its formula."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log

import pytest

from disclosure_control.cell_key.entropy import Shape, find_chances, find_row
from disclosure_control.cell_key.ptable import PTableInvalid

SHAPES = (Shape(2, 1.0), Shape(5, 3.0), Shape(5, 3.0, 2), Shape(3, 2.0, 1), Shape(8, 8.0), Shape(5, 3.0, 0, False))


@pytest.mark.parametrize("shape", SHAPES)
def test_every_row_keeps_to_the_rules(shape: Shape) -> None:
    for count, chances in enumerate(find_chances(shape)):
        assert sum(chances.values()) == pytest.approx(1, abs=1e-12)
        assert sum(change * chance for change, chance in chances.items()) == pytest.approx(0, abs=1e-12)
        assert sum(change**2 * chance for change, chance in chances.items()) <= shape.variance + 1e-12
        assert all(abs(change) <= shape.most for change in chances)
        assert all(count + change == 0 or count + change > shape.unprinted for change in chances)
        if shape.falling and count > shape.unprinted:
            for low, high in pairwise(sorted(chances)):
                further, nearer = (low, high) if high <= 0 else (high, low)
                assert chances[further] <= chances[nearer] + 1e-12


def test_published_chances() -> None:
    """Greatest change 2, no small counts left out: the cumulated chances of counts 1 and 2, as printed to two places.

    From the documentation of `Pmatrix` (experimentalRpackage), which prints what R's `ptable` gives.
    """
    _, one, two = find_chances(Shape(2, 3.0))[:3]
    assert [round(each, 2) for each in cumulated(one)] == [0.37, 0.73, 0.9, 1.0]
    assert [round(each, 2) for each in cumulated(two)] == [0.2, 0.4, 0.6, 0.8, 1.0]


def cumulated(chances: Mapping[int, float]) -> list[float]:
    total, found = 0.0, []
    for _, chance in sorted(chances.items()):
        total += chance
        found.append(total)
    return found


def test_known_chances() -> None:
    """Where nothing is tied, p(d) is proportional to exp(b d^2): at variance 1 and changes to 2, x = exp(b) solves

    1 + 2 x + 2 x^4 = 2 x + 8 x^4.
    """
    x = (1 / 6) ** (1 / 4)
    total = 1 + 2 * x + 2 * x**4
    for change, chance in find_row(7, Shape(2, 1.0)).items():
        assert chance == pytest.approx(x ** (change**2) / total, abs=1e-12)


@pytest.mark.parametrize("shape", SHAPES[:4])
def test_a_general_solver_finds_the_same(shape: Shape) -> None:
    """Sequential least squares under the rules as they are written: the same chances, to what it can tell."""
    numpy = pytest.importorskip("numpy")
    optimize = pytest.importorskip("scipy.optimize")
    for count, chances in enumerate(find_chances(shape)):
        if count == 0:
            continue
        changes = sorted(chances)
        rules = [
            {"type": "eq", "fun": lambda p: p.sum() - 1},
            {"type": "eq", "fun": lambda p, c=changes: (p * c).sum()},
            {"type": "ineq", "fun": lambda p, c=changes: shape.variance - (p * numpy.square(c)).sum()},
        ]
        if shape.falling and count > shape.unprinted:
            rules += [
                {"type": "ineq", "fun": lambda p, i=i, s=(1 if changes[i + 1] <= 0 else -1): s * (p[i + 1] - p[i])}
                for i in range(len(changes) - 1)
            ]
        found = optimize.minimize(
            lambda p: float((p * numpy.log(p)).sum()),
            numpy.full(len(changes), 1 / len(changes)),
            jac=lambda p: numpy.log(p) + 1,
            bounds=[(1e-9, 1)] * len(changes),
            constraints=rules,
            method="SLSQP",
            options={"maxiter": 1000, "ftol": 1e-16},
        )
        ours = [chances[change] for change in changes]
        assert entropy(ours) >= entropy(list(found.x)) - 1e-9
        assert list(found.x) == pytest.approx(ours, abs=2e-8)


def entropy(chances: Sequence[float]) -> float:
    return -sum(each * log(each) for each in chances if each > 0)


@pytest.mark.parametrize("shape", [Shape(5, 0.1, 2), Shape(1, 1.0, 2), Shape(2, 0.5, 1)])
def test_rules_that_cannot_be_kept_are_refused(shape: Shape) -> None:
    with pytest.raises(PTableInvalid, match="keep to the rules"):
        find_chances(shape)
