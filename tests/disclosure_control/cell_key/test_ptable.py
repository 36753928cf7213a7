"""A perturbation table as a value: its rule for large counts, and what it refuses to be."""

from fractions import Fraction

import pytest

from disclosure_control.cell_key.ptable import PTable, PTableInvalid


def numbered(rows: int, cycle: int) -> PTable:
    """A table whose every change is 0 but for key 0, where it tells the row."""
    return PTable("numbered", tuple((row, *[0] * 255) for row in range(1, rows + 1)), cycle)


@pytest.mark.parametrize(
    ("count", "row"),
    [(1, 1), (500, 500), (750, 750), (751, 501), (752, 502), (1000, 750), (1001, 501), (1250, 750), (1251, 501)],
)
def test_beyond_750_the_last_250_rows_are_used_again(count: int, row: int) -> None:
    """The rule of the Office for National Statistics: ((count - 1) mod 250) + 501."""
    table = numbered(750, 250)
    assert table.row_of(count) == row
    assert table.perturb(count, 0) == count + row
    if count > 750:
        assert row == (count - 1) % 250 + 501


def test_where_one_row_repeats_it_serves_all_larger_counts() -> None:
    assert [numbered(4, 1).row_of(count) for count in (1, 4, 5, 1000)] == [1, 4, 4, 4]


def test_what_a_row_does_to_a_count_on_average() -> None:
    table = PTable("flip", (tuple([1, -1] * 128),), 1)
    assert (table.bias(5), table.deviation(5), table.most) == (Fraction(0), 1.0, 1)
    assert (table.bias(0), table.deviation(0)) == (Fraction(0), 0.0)


def test_nobody_stays_nobody_unless_the_table_changes_zeros() -> None:
    rows = ((0,) * 256,)
    assert PTable("plain", rows, 1).perturb(0, 7) == 0
    assert PTable("zeros", rows, 1, tuple([0, 1] * 128)).perturb(0, 7) == 1


@pytest.mark.parametrize(
    ("rows", "cycle", "zeros", "what"),
    [
        ((), 1, (), "256 or 4096 keys"),
        (((0,) * 100,), 1, (), "256 or 4096 keys"),
        (((0,) * 256, (0,) * 4096), 1, (), "row 2 has 4096 keys"),
        (((0,) * 256,), 2, (), "from 1 to 1 of the rows"),
        (((0,) * 256,), 0, (), "from 1 to 1 of the rows"),
        (((-2,) * 256,), 1, (), "row 1 would make a count negative"),
        (((0,) * 256,), 1, (-1,) * 256, "row 0 would make a count negative"),
        (((0,) * 256,), 1, (0,), "row 0 has 1 keys"),
    ],
)
def test_what_is_no_table_is_refused(
    rows: tuple[tuple[int, ...], ...], cycle: int, zeros: tuple[int, ...], what: str
) -> None:
    with pytest.raises(PTableInvalid, match=what):
        PTable("wrong", rows, cycle, zeros)


@pytest.mark.parametrize(("count", "key"), [(-1, 0), (1, 256), (1, -1)])
def test_what_is_no_count_and_no_key_is_a_mistake(count: int, key: int) -> None:
    with pytest.raises(ValueError, match="a count is not negative"):
        numbered(4, 1).perturb(count, key)
