"""Categories of columns that say something of each other are set against each other cell by cell, and worked out once.

The oracle asks of every cell anew which categories some child of its part can be in, as the catalogue has it.
"""

from collections.abc import Sequence
from functools import reduce
from typing import ClassVar

import pytest

from disclosure_control.linked.children.counted import Columns
from disclosure_control.linked.counts.cells import Linked
from disclosure_control.linked.counts.linker import Linker
from disclosure_control.linked.counts.links import link_plans
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, intersect

YEAR_8_TO_11 = "academic_year = 202425 AND counted_here AND year_group IN (8, 9, 10, 11)"
CHILDREN = f"COUNT(*) AS n FROM child_year WHERE {YEAR_8_TO_11}"
ROWS = "COUNT(*) AS n, COUNT(DISTINCT child) AS children FROM absences WHERE academic_year = 202425"
ASKED = {
    "one by another": (CHILDREN, "key_stage", "year_group"),
    "crossed with a third": (CHILDREN, "key_stage, sex", "year_group, sex"),
    "nothing of each other": (CHILDREN, "sex", "need"),
    "rows beside the children who have one": (ROWS, "key_stage", "age"),
    "in one question": (ROWS, "key_stage, age"),
}


def draw_plans(asked: str) -> list[QueryPlan]:
    """Questions about the same children, or rows of theirs, each by other columns."""
    counted, *columns = ASKED[asked]
    sqls = [f"SELECT {each}, {counted} GROUP BY {each}" for each in columns]
    return [derive_plan(each, Path.PER_AUTHORITY) for each in sqls]


class _Asking(Linker):
    """Whoever keeps nothing of what they have worked out."""

    divided: ClassVar[list[int]] = []

    def _divide(self, rows: Region, wide: tuple[Columns, int], narrow: Columns) -> tuple[Sequence[int], Sequence[int]]:
        columns, at = wide
        here = self.grids.classes[columns].parts
        alone, overlapping = list[int](), list[int]()
        for place, region in enumerate(self.grids.classes[narrow].parts):
            known = self.grids.facts.about(columns | narrow)
            each = [reduce(intersect, (rows, region, beside, known)) is not False for beside in here]
            if each[at]:
                (alone if sum(each) == 1 else overlapping).append(place)
        self.divided.append(len(alone) + len(overlapping))
        return alone, overlapping


def read(linked: Linked) -> tuple[object, ...]:
    return linked.lattice.relations, linked.places, linked.keys


@pytest.mark.parametrize("asked", ASKED)
def test_they_are_what_they_would_be_if_every_cell_were_asked(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plans = draw_plans(asked)
    found = link_plans(plans)
    monkeypatch.setattr("disclosure_control.linked.counts.links.Linker", _Asking)
    monkeypatch.setattr(_Asking, "divided", [])
    assert read(link_plans(plans)) == read(found)
    assert any(_Asking.divided) == (asked != "nothing of each other")
