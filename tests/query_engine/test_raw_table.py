"""A raw table holds its plan's figures, and nothing gets them out by accident."""

import copy
import json
import pickle
from collections.abc import Callable
from decimal import Decimal

import pytest

from query_engine.finalisers import finalise
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

PlanOf = Callable[[str], QueryPlan]


@pytest.fixture
def plan(plan_of: PlanOf) -> QueryPlan:
    return plan_of("SELECT uasc, COUNT(*) AS n FROM child_year GROUP BY uasc")


@pytest.fixture
def raw(plan: QueryPlan) -> RawTable:
    return RawTable(plan, {"rows": [77, 88, 99], "children": [70, 80, 90]})


def test_figures_come_back_in_plan_order(raw: RawTable, plan: QueryPlan) -> None:
    """One figure for each cell."""
    assert raw.statistic("rows") == (77, 88, 99)
    assert raw.plan is plan
    with pytest.raises(KeyError):
        raw.statistic("sum:suspensions")


@pytest.mark.parametrize(
    "escape",
    [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars, dict, list, iter],
    ids=["pickle", "copy", "deepcopy", "json", "vars", "dict", "list", "iter"],
)
def test_a_raw_table_cannot_be_serialised(escape: Callable[[object], object], raw: RawTable) -> None:
    """No usual way of copying an object out of a process works."""
    with pytest.raises(TypeError):
        escape(raw)


@pytest.mark.parametrize("show", [repr, str, "{}".format, "%s".__mod__])
def test_a_raw_table_shows_no_figure(show: Callable[[object], str], raw: RawTable) -> None:
    """A log line or a failed assertion names the plan and the number of cells."""
    assert show(raw) == f"<RawTable {raw.plan.plan_id}: 3 cells, not shown>"


@pytest.mark.parametrize(
    "figures",
    [
        {"rows": [1, 2, 3]},
        {"rows": [1, 2, 3], "children": [1, 2, 3], "sum:suspensions": [1, 2, 3]},
        {"rows": [1, 2], "children": [1, 2, 3]},
    ],
)
def test_figures_must_fit_the_plan(figures: dict[str, list[int]], plan: QueryPlan) -> None:
    """Neither a statistic nor a cell may be missing or over."""
    with pytest.raises(ValueError, match=r"raw table must hold|figure for each"):
        RawTable(plan, figures)


@pytest.mark.parametrize(
    ("item", "figures", "value"),
    [
        ("COUNT(*)", {"rows": 7}, 7),
        ("COUNT(DISTINCT child)", {"children": 6}, 6),
        ("SUM(suspensions)", {"sum:suspensions": 12}, 12),
        ("SUM(suspension_days)", {"sum:suspension_days": 125}, Decimal("12.5")),
        ("SUM(suspension_days)", {"sum:suspension_days": 0}, Decimal("0.0")),
        ("SUM(suspension_days)", {"sum:suspension_days": 2**63}, Decimal("922337203685477580.8")),
        ("AVG(suspensions)", {"sum:suspensions": 2, "rows:suspensions": 3}, Decimal("0.666667")),
        ("AVG(suspensions)", {"sum:suspensions": 0, "rows:suspensions": 0}, None),
        ("AVG(attendance_rate)", {"sum:attendance_rate": 18000, "rows:attendance_rate": 2}, Decimal("0.9")),
        ("AVG(attendance_rate)", {"sum:attendance_rate": 1, "rows:attendance_rate": 200}, Decimal("0.000000")),
        ("AVG(attendance_rate)", {"sum:attendance_rate": 3, "rows:attendance_rate": 200}, Decimal("0.000002")),
    ],
)
def test_asked_columns_are_made_from_summed_statistics(
    item: str, figures: dict[str, int], value: int | Decimal | None, plan_of: PlanOf
) -> None:
    """Means to six places, halves to even; a mean of nothing is no number."""
    (output,) = plan_of(f"SELECT {item} AS x FROM child_year").outputs
    found = finalise(output, figures)
    assert found == value
    assert type(found) is type(value)


def test_a_dimension_has_no_figure(plan: QueryPlan) -> None:
    """Its value in a cell is the cell's own category."""
    with pytest.raises(ValueError, match="dimension"):
        finalise(plan.outputs[0], {})
