"""The protected table: what it may be made of, its one form on the wire, and everything else being refused."""

import copy
import json
import pickle
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protected_table import ProtectedTable, TableMalformed, read_protected
from disclosure_control.rows.protection import protect
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

MakePlan = Callable[[str], QueryPlan]
MakeRaw = Callable[[QueryPlan, str], RawTable]

ONS, DFE, UKLLC = load_preset("ons_10_5"), load_preset("dfe_cla"), load_preset("ukllc")

SQL = """
    SELECT uasc, sex, COUNT(*) AS n, AVG(CASE WHEN at_31_march THEN 1 ELSE 0 END) AS share,
           AVG(sdq_score) AS score, SUM(suspension_days) AS days
    FROM child_year WHERE sex IN ('M', 'F') GROUP BY sex, uasc
"""

CELLS = """
    sex | uasc  | children | share.yes | score.sum | days.sum
    M   | False | 120      | 60        | 1500      | 605
    M   | True  | 9        | 5         | 100       | 10
    F   | False | 44       | 20        | 520       | 300
"""


@pytest.fixture(scope="session")
def plan(make_plan: MakePlan) -> QueryPlan:
    return make_plan(SQL)


@pytest.fixture(scope="session")
def table(plan: QueryPlan, make_raw: MakeRaw) -> ProtectedTable:
    return protect(make_raw(plan, CELLS), ONS)


def test_the_wire_form_is_all_cells_in_order(table: ProtectedTable, plan: QueryPlan) -> None:
    """Columns are in the order asked for, rows in the order of the plan's cells; decimals are text."""
    wire = json.loads(json.dumps(table.to_wire()))
    assert wire == {
        "plan_id": plan.plan_id,
        "preset": "ons_10_5",
        "preset_version": "3",
        "columns": ["uasc", "sex", "n", "share", "score", "days"],
        "rows": [
            [False, "M", 120, "0.500", "12.5", 60],
            [True, "M", "c", "c", "c", "c"],
            [None, "M", 0, "z", "z", 0],
            [False, "F", 45, "0.444", "11.8", 30],
            [True, "F", 0, "z", "z", 0],
            [None, "F", 0, "z", "z", 0],
        ],
    }


def test_a_table_survives_the_wire(table: ProtectedTable, plan: QueryPlan) -> None:
    assert read_protected(json.loads(json.dumps(table.to_wire())), plan, ONS) == table


def test_a_protected_table_cannot_be_made_by_hand(table: ProtectedTable) -> None:
    """Nor copied, pickled or altered: what holds one knows where it came from."""
    arguments = (table.plan_id, table.preset, table.preset_version, table.columns, table.rows)
    with pytest.raises(TypeError, match=r"protect\(\) or read_protected\(\) alone"):
        ProtectedTable(object(), *arguments)
    with pytest.raises(TypeError):
        ProtectedTable(*arguments)  # type: ignore[call-arg, arg-type]
    with pytest.raises(ValueError, match="seal"):
        replace(table, rows=())  # type: ignore[call-arg]
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="travels by to_wire"):
            attempt(table)
    with pytest.raises(AttributeError):
        table.rows = ()  # type: ignore[misc]


Wire = dict[str, Any]


def change(wire: Mapping[str, Any], row: int, place: int, entry: object) -> Wire:
    """A wire table with one entry changed."""
    changed: Wire = json.loads(json.dumps(wire))
    changed["rows"][row][place] = entry
    return changed


@pytest.mark.parametrize(
    ("place", "entry", "what"),
    [
        pytest.param(0, True, "not the category", id="another category"),
        pytest.param(0, 0, "not the category", id="0 for false"),
        pytest.param(1, "m", "not the category", id="category in another case"),
        pytest.param(2, 5, "a count that the preset withholds", id="count under the threshold"),
        pytest.param(2, 42, "rounding base", id="count not rounded"),
        pytest.param(2, -5, "outside the range", id="negative count"),
        pytest.param(2, 10**9, "outside the range", id="more children than England has"),
        pytest.param(2, 10**400, "outside the range", id="enormous count"),
        pytest.param(2, True, "neither a whole number", id="true for a count"),
        pytest.param(2, 45.0, "neither a whole number", id="fraction for a count"),
        pytest.param(2, "45", "neither a whole number", id="text for a count"),
        pytest.param(2, None, "neither a whole number", id="blank"),
        pytest.param(2, "z", "nor a symbol that belongs here", id="count not applicable"),
        pytest.param(2, "x", "nor a symbol that belongs here", id="unavailable, from the authority itself"),
        pytest.param(2, "k", "nor a symbol that belongs here", id="low count"),
        pytest.param(2, "[c]", "nor a symbol that belongs here", id="bracketed symbol"),
        pytest.param(3, "k", "nor a symbol that belongs here", id="symbol that the preset does not use"),
        pytest.param(3, "0.5", "text with 3 decimal places", id="too few decimals"),
        pytest.param(3, "0.5000", "text with 3 decimal places", id="too many decimals"),
        pytest.param(3, "00.500", "text with 3 decimal places", id="leading zero"),
        pytest.param(3, "-0.000", "text with 3 decimal places", id="minus zero"),
        pytest.param(3, "5e-1", "text with 3 decimal places", id="exponent"),
        pytest.param(3, "NaN", "text with 3 decimal places", id="not a number"),
        pytest.param(3, "\u0660.500", "text with 3 decimal places", id="figure of another script"),
        pytest.param(3, 0.5, "text with 3 decimal places", id="binary fraction"),
        pytest.param(3, "1.001", "outside the range", id="share over 1"),
        pytest.param(3, "-0.100", "outside the range", id="negative share"),
        pytest.param(4, "40.1", "outside the range", id="average over the measure's bound"),
        pytest.param(5, 61, "rounding base", id="sum not rounded"),
        pytest.param(5, "60.5", "neither a whole number", id="exact sum"),
    ],
)
def test_an_entry_that_the_preset_could_not_have_printed_is_refused(
    table: ProtectedTable, plan: QueryPlan, place: int, entry: object, what: str
) -> None:
    """The refusal names the row and the column, and does not repeat the figure."""
    with pytest.raises(TableMalformed, match=r"^row 1, ") as refusal:
        read_protected(change(table.to_wire(), 0, place, entry), plan, ONS)
    assert what in str(refusal.value)


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("plan_id", "plan-0", "another plan_id"),
        ("preset", "ukllc", "another preset"),
        ("preset_version", "4", "another preset_version"),
        ("preset_version", 3, "another preset_version"),
        ("columns", ["sex", "uasc", "n", "share", "score", "days"], "columns"),
        ("columns", None, "columns"),
        ("rows", [], "the plan's 6 cells"),
        ("rows", {}, "the plan's 6 cells"),
        ("rows", [None] * 6, "row 1: not a list"),
        ("rows", [[True] * 5] * 6, "row 1: not a list of 6"),
        ("extra", 1, "an object with the keys"),
    ],
)
def test_a_table_for_something_else_is_refused(
    table: ProtectedTable, plan: QueryPlan, key: str, value: object, what: str
) -> None:
    with pytest.raises(TableMalformed, match=what):
        read_protected(table.to_wire() | {key: value}, plan, ONS)


def test_rows_left_out_or_out_of_order_are_refused(table: ProtectedTable, plan: QueryPlan) -> None:
    """A missing row would say that nobody is there, and a moved one that somebody else is."""
    wire = json.loads(json.dumps(table.to_wire()))
    with pytest.raises(TableMalformed, match="6 cells"):
        read_protected(wire | {"rows": wire["rows"][:5]}, plan, ONS)
    with pytest.raises(TableMalformed, match="not the category of this cell"):
        read_protected(wire | {"rows": wire["rows"][::-1]}, plan, ONS)


def test_a_zero_is_refused_where_the_preset_withholds_it(plan: QueryPlan, make_raw: MakeRaw) -> None:
    wire = protect(make_raw(plan, CELLS), UKLLC).to_wire()
    assert read_protected(wire, plan, UKLLC).rows[2] == (None, "M", "c", "c", "c", "c")
    for place, entry in ((2, 0), (3, "z")):
        with pytest.raises(TableMalformed):
            read_protected(change(wire, 2, place, entry), plan, UKLLC)


def test_exact_counts_and_low_shares_are_read_where_the_preset_prints_them(plan: QueryPlan, make_raw: MakeRaw) -> None:
    wire = protect(make_raw(plan, CELLS), DFE).to_wire()
    assert wire["rows"][0] == [False, "M", 120, "0.50", 13, "60.5"]  # type: ignore[index]
    read_protected(change(wire, 0, 3, "k"), plan, DFE)
    with pytest.raises(TableMalformed, match="a count that the preset withholds"):
        read_protected(change(wire, 0, 2, 5), plan, DFE)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["c", "z", "0.500", "M", ""]),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(value=JSON_VALUES)
def test_any_json_is_a_table_or_malformed(table: ProtectedTable, plan: QueryPlan, value: object) -> None:
    """Whole, under each key and at each entry: no other error ever comes out."""
    wire = table.to_wire()
    attempts: list[object] = [value, *(wire | {key: value} for key in wire)]
    attempts += [wire | {"rows": [[value] * 6, *table.to_wire()["rows"][1:]]}]  # type: ignore[index, misc]
    attempts += [
        wire | {"rows": [[*row[:place], value, *row[place + 1 :]] for row in map(list, table.rows)]}
        for place in range(6)
    ]
    for attempt in attempts:
        with suppress(TableMalformed):
            assert isinstance(read_protected(attempt, plan, ONS), ProtectedTable)
