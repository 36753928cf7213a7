"""Cells that add up to nothing: their witnesses need no program, and show what one would."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from disclosure_control.presets.shipped import load_preset
from disclosure_control.suppression.hierarchy import AUTHORITY, Hierarchy, flat_hierarchy
from disclosure_control.suppression.lattice import Lattice, Layout, build_lattice
from disclosure_control.suppression.reader import Reader
from disclosure_control.suppression.rules import CountRule
from disclosure_control.suppression.view import UNKNOWN, WITHHELD, View, view_printed
from disclosure_control.suppression.witnesses import find_witnesses, told_cells

AUTHORITIES = [str(200 + each) for each in range(6)]


def rows_by_authority(printed: Sequence[int | str], preset: str) -> View:
    """A table of two rows for each of six authorities, without totals, as a reader has it."""
    rows = tuple((authority, sex) for authority in AUTHORITIES for sex in ("F", "M"))
    authorities = Hierarchy(dict.fromkeys(AUTHORITIES, ""), dict.fromkeys(AUTHORITIES, AUTHORITY))
    lattice: Lattice = build_lattice([Layout(("home", "sex"), (authorities, flat_hierarchy(["F", "M"])), rows)])
    assert not lattice.relations
    return view_printed(lattice, CountRule.of(load_preset(preset)), printed)


@pytest.mark.parametrize("preset", ["opensafely", "dfe_cla", "ons_10_5", "acro"])
def test_they_show_what_linear_programs_show(preset: str) -> None:
    draw, entries = Random(3), list[int | str]([WITHHELD, UNKNOWN, 15, 20])
    for _ in range(10):
        view = rows_by_authority(draw.choices(entries, k=12), preset)
        witnesses = find_witnesses(view)
        assert witnesses.told() == told_cells(Reader(view), view.withheld)
        for table in witnesses.tables:
            assert (np.array(table) >= view.low).all()
            assert (np.array(table) <= view.high).all()


def test_a_cell_that_cannot_be_large_enough_is_told() -> None:
    """One that is known to be 1 to 4 is, where enough would be more; its neighbours are not."""
    view = rows_by_authority([WITHHELD] * 12, "opensafely")
    view.high[3] = view.low[3] + 1
    assert find_witnesses(view).told() == [3]
