"""Categories of columns that say something of each other are set against each other cell by cell, and worked out once.

The oracle asks of every cell anew which categories some child of its part can be in, as the catalogue has it.
"""

from collections.abc import Sequence
from functools import reduce
from typing import ClassVar

import pytest

from disclosure_control.linked.counted import Columns
from disclosure_control.linked.links import Linked, _Linker, link_plans
from federation.manifest import Path
from federation.plans import derive_plan
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import Region, intersect

ASKED = {
    "one by another": ("key_stage", "year_group"),
    "crossed with a third": ("key_stage, sex", "year_group, sex"),
    "nothing of each other": ("sex", "need"),
}
OF_YEAR_8_TO_11 = "FROM child_year WHERE academic_year = 202425 AND counted_here AND year_group IN (8, 9, 10, 11)"


def draw_plans(asked: str) -> list[QueryPlan]:
    """Questions about the same children, each by other columns."""
    sqls = [f"SELECT {each}, COUNT(*) AS n {OF_YEAR_8_TO_11} GROUP BY {each}" for each in ASKED[asked]]
    return [derive_plan(each, Path.PER_AUTHORITY) for each in sqls]


class _Asking(_Linker):
    """Whoever keeps nothing of what they have worked out."""

    divided: ClassVar[list[int]] = []

    def _divide(self, rows: Region, wide: tuple[Columns, int], narrow: Columns) -> tuple[Sequence[int], Sequence[int]]:
        columns, at = wide
        here = self.classes[columns].parts
        alone, overlapping = list[int](), list[int]()
        for place, region in enumerate(self.classes[narrow].parts):
            known = self.facts.about(columns | narrow)
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
    monkeypatch.setattr("disclosure_control.linked.links._Linker", _Asking)
    monkeypatch.setattr(_Asking, "divided", [])
    assert read(link_plans(plans)) == read(found)
    assert any(_Asking.divided) == (asked != "nothing of each other")
