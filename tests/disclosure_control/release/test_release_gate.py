"""The release gate: what may pass, what comes out, and that there is no way round it."""

import ast
import copy
import json
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import (
    ReleasedTable,
    ReleaseMalformed,
    ReleaseRefused,
    read_released,
    release_tables,
)
from disclosure_control.rows.protected_table import ProtectedTable
from disclosure_control.rows.protection import protect
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

MakePlan = Callable[[str], QueryPlan]
MakeRaw = Callable[[QueryPlan, str], RawTable]

ONS, UKLLC = load_preset("ons_10_5"), load_preset("ukllc")

SQL = """
    SELECT sex, COUNT(*) AS n, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share
    FROM child_year WHERE sex IN ('M', 'F') GROUP BY sex
"""

CAMDEN = """
    sex | children | share.yes
    M   | 120      | 30
    F   | 9        | 5
"""

HAVERING = """
    sex | children | share.yes
    M   | 61       | 20
"""


@pytest.fixture(scope="session")
def plan(make_plan: MakePlan) -> QueryPlan:
    return make_plan(SQL)


@pytest.fixture(scope="session")
def tables(plan: QueryPlan, make_raw: MakeRaw) -> dict[str, ProtectedTable]:
    return {"311": protect(make_raw(plan, HAVERING), ONS), "202": protect(make_raw(plan, CAMDEN), ONS)}


@pytest.fixture(scope="session")
def release(plan: QueryPlan, tables: dict[str, ProtectedTable]) -> ReleasedTable:
    return release_tables(tables, {"302": "no answer by the deadline"}, plan, ONS)


def test_a_release_in_a_terminal(release: ReleasedTable) -> None:
    """Every authority of the roster, every cell, the legend of the symbols that occur, and the method."""
    table, notes = release.to_text().split("\n\n")
    assert table.splitlines() == [
        "home_authority  sex    n  share",
        "202             M    120  0.250",
        "202             F      c      c",
        "302             M      x      x",
        "302             F      x      x",
        "311             M     60  0.333",
        "311             F      0      z",
    ]
    assert notes.splitlines()[:4] == [
        "c  withheld to protect confidentiality",
        "z  not applicable: there is nothing to sum or divide by",
        "x  not available: the authority did not answer",
        "302: no answer by the deadline",
    ]
    method = " ".join(line.strip() for line in notes.splitlines()[4:])
    assert method == release.method
    assert method.startswith(ONS.method)
    assert method.endswith("no total across authorities is released.")


def test_a_release_as_csv(release: ReleasedTable) -> None:
    """One row per authority and cell, symbols bare, never a blank."""
    assert release.to_csv().splitlines() == [
        "home_authority,sex,n,share",
        "202,M,120,0.250",
        "202,F,c,c",
        "302,M,x,x",
        "302,F,x,x",
        "311,M,60,0.333",
        "311,F,0,z",
    ]


def test_categories_that_are_missing_or_yes_and_no_are_spelled_out(make_plan: MakePlan) -> None:
    plan = make_plan("SELECT uasc, COUNT(*) AS n FROM child_year GROUP BY uasc")
    assert release_tables({}, {"202": "late"}, plan, ONS).to_csv().splitlines()[1:] == [
        "202,false,x",
        "202,true,x",
        "202,missing,x",
    ]


def test_a_release_as_json(release: ReleasedTable, plan: QueryPlan) -> None:
    """Figures are numbers, symbols are text, and the columns of figures are those with decimals."""
    assert json.loads(json.dumps(release.to_json())) == {
        "plan_id": plan.plan_id,
        "path": "per_authority",
        "preset": {"name": "ons_10_5", "version": "3"},
        "columns": ["home_authority", "sex", "n", "share"],
        "decimals": {"n": 0, "share": 3},
        "rows": [
            ["202", "M", 120, 0.25],
            ["202", "F", "c", "c"],
            ["302", "M", "x", "x"],
            ["302", "F", "x", "x"],
            ["311", "M", 60, 0.333],
            ["311", "F", 0, "z"],
        ],
        "symbols": {
            "c": "withheld to protect confidentiality",
            "z": "not applicable: there is nothing to sum or divide by",
            "x": "not available: the authority did not answer",
        },
        "answered": ["202", "311"],
        "absent": {"302": "no answer by the deadline"},
        "noise": None,
        "method": release.method,
    }


def test_a_client_reads_the_same_release(release: ReleasedTable) -> None:
    """With its decimals: 0.250 is not printed as 0.25."""
    read = read_released(json.loads(json.dumps(release.to_json())))
    assert read == release
    assert read.to_text() == release.to_text()


def test_authorities_and_absences_are_in_the_order_of_their_codes(plan: QueryPlan) -> None:
    """Whatever the order in which answers arrived."""
    released = release_tables({}, {"311": "late", "202": "late"}, plan, ONS)
    assert [row[0] for row in released.rows] == ["202", "202", "311", "311"]
    assert list(released.absent) == ["202", "311"]


def test_the_table_of_pupils_is_led_by_their_host_authority(make_plan: MakePlan) -> None:
    plan = make_plan("SELECT COUNT(*) AS n FROM pupil_year")
    assert release_tables({}, {"202": "late"}, plan, ONS).columns == ("host_authority", "n")


def test_a_raw_table_does_not_pass(plan: QueryPlan, make_raw: MakeRaw) -> None:
    """Nor anything else that merely looks like a protected table."""
    for impostor in (make_raw(plan, CAMDEN), {"columns": ["sex"]}, None):
        with pytest.raises(ReleaseRefused, match="202: only a protected table may be released"):
            release_tables({"202": impostor}, {}, plan, ONS)  # type: ignore[dict-item]


def test_a_table_of_another_plan_or_preset_does_not_pass(
    plan: QueryPlan, make_plan: MakePlan, make_raw: MakeRaw, tables: dict[str, ProtectedTable]
) -> None:
    other = make_plan(SQL.replace("'F'", "'U'"))
    renamed = make_plan(SQL.replace("AS n", "AS number"))
    drawn = "sex | children\nM | 50"
    for wrong in (other, renamed):
        with pytest.raises(ReleaseRefused, match="302: the table answers another plan"):
            release_tables({**tables, "302": protect(make_raw(wrong, drawn), ONS)}, {}, plan, ONS)
    for preset in (UKLLC, replace(ONS, version="4")):
        with pytest.raises(ReleaseRefused, match="302: the table was protected by"):
            release_tables({**tables, "302": protect(make_raw(plan, drawn), preset)}, {}, plan, ONS)


@pytest.mark.parametrize(
    ("present", "absent", "what"),
    [
        ([], {}, "the roster is empty"),
        (["202"], {"202": "late"}, "both answered and absent: 202"),
        (["202"], {"999": "late"}, "not an authority of the catalogue: '999'"),
        (["202"], {"England": "late"}, "not an authority of the catalogue"),
        (["202"], {"302": ""}, "302: the reason for absence"),
        (["202"], {"302": "late\n303: refused"}, "302: the reason for absence"),
        (["202"], {"302": "\x1b[2J"}, "302: the reason for absence"),
        (["202"], {"302": "x" * 201}, "302: the reason for absence"),
    ],
)
def test_a_roster_that_is_not_one_does_not_pass(
    plan: QueryPlan, tables: dict[str, ProtectedTable], present: list[str], absent: dict[str, str], what: str
) -> None:
    with pytest.raises(ReleaseRefused, match=what):
        release_tables({code: tables[code] for code in present}, absent, plan, ONS)


def test_a_released_table_cannot_be_made_by_hand(release: ReleasedTable) -> None:
    values = [getattr(release, name) for name in ReleasedTable.__dataclass_fields__ if name != "seal"]
    with pytest.raises(TypeError, match=r"release gate or read_released\(\) alone"):
        ReleasedTable(object(), *values)
    with pytest.raises(ValueError, match="seal"):
        replace(release, rows=())  # type: ignore[call-arg]
    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="travels by to_json"):
            attempt(release)
    with pytest.raises(TypeError):
        release.absent["202"] = "late"  # type: ignore[index]


SEALS = {"seal_table", "seal_release", "seal_released", "_SEAL"}


def test_only_protection_and_the_reader_seal_a_table() -> None:
    """The gate is as good as the list of those who can make a protected table."""
    root = Path(__file__).parents[3]
    callers = {
        path.relative_to(root).as_posix()
        for room in ("audit", "disclosure_control", "federation", "hub", "node", "policies", "query_engine")
        for path in (root / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name | ast.Attribute | ast.alias)
        and SEALS & {getattr(node, key, "") for key in ("id", "attr", "name")}
    }
    assert callers == {
        "disclosure_control/cell_key/perturbing.py",  # counts changed by cell keys
        "disclosure_control/models/release.py",  # its own seal, of models
        "disclosure_control/noise/shares.py",  # its own seal, of what is to be masked
        "disclosure_control/rows/protection.py",
        "disclosure_control/release/gate.py",
        "disclosure_control/release/reading.py",
        "disclosure_control/release/released.py",
        "disclosure_control/rows/protected_table.py",
        "disclosure_control/release/totals.py",
        "federation/secure_sum/masking.py",  # its own seal, of what is masked
    }


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("plan_id", 7, "document: every entry must be a text"),
        ("method", None, "document: every entry must be a text"),
        ("preset", {"name": "ons_10_5"}, "preset: must have a name and a version"),
        ("preset", "ons_10_5", "preset: every entry"),
        ("columns", "sex", "columns: not a list"),
        ("columns", ["home_authority"], "columns: fewer than 2"),
        ("columns", ["home_authority", "sex", "sex", "share"], "one given twice"),
        ("decimals", {"n": 0, "income": 2}, "decimals: names no column"),
        ("decimals", {"home_authority": 0}, "decimals: names no column"),
        ("decimals", {"n": 0, "share": 99}, "decimals: not whole numbers"),
        ("decimals", {"n": 0, "share": True}, "decimals: not whole numbers"),
        ("rows", None, "rows: not a list"),
        ("rows", [["202", "M", 120]], "row 1: not a list of 4 entries"),
        ("rows", [[202, "M", 120, 0.25]], "row 1: begins with no authority"),
        ("rows", [["303", "M", 120, 0.25]], "row 1: begins with no authority"),
        ("rows", [["202", "M", 120, "u"]], "row 1, share: u belongs to figures with noise"),
        ("path", "per authority", "path: must be one of noisy_sum, exact_sum, per_authority"),
        ("path", "noisy_sum", "noise: belongs to noisy_sum"),
        ("path", "exact_sum", "x belongs to absent authorities"),
        ("answered", "202", "answered: not a list"),
        ("answered", ["311", "202"], "answered: not in order"),
        ("answered", ["202", "302", "311"], "answered: not in order, or one given twice or absent"),
        ("noise", {"epsilon": "1", "parties": 3, "dropouts": 1, "colluders": 1}, "noise: belongs to noisy_sum"),
        ("rows", [["202", 0.5, 120, 0.25]], "row 1, sex: not a category"),
        ("rows", [["202", "M", 120.0, 0.25]], "row 1, n: neither a symbol"),
        ("rows", [["202", "M", True, 0.25]], "row 1, n: neither a symbol"),
        ("rows", [["202", "M", "", 0.25]], "row 1, n: neither a symbol"),
        ("rows", [["202", "M", 120, 0.2501]], "row 1, share: neither a symbol"),
        ("rows", [["202", "M", 120, float("nan")]], "row 1, share: neither a symbol"),
        ("rows", [["202", "M", 120, 1e300]], "row 1, share: neither a symbol"),
        ("rows", [["202", "M", 120, "x"]], "x belongs to absent authorities"),
        ("rows", [["302", "M", 120, "x"]], "x belongs to absent authorities"),
        ("rows", [["202", "M", 120, 0.25]], "symbols: not the legend"),
        ("symbols", {"c": "nothing to see"}, "symbols: not the legend"),
        ("absent", ["302"], "absent: every entry"),
        ("more", 1, "an object with the keys"),
    ],
)
def test_a_document_that_is_not_a_release_is_refused(
    release: ReleasedTable, key: str, value: object, what: str
) -> None:
    with pytest.raises(ReleaseMalformed, match=what):
        read_released(release.to_json() | {key: value})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["c", "x", "202", "share", ""]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["n", "share", "302"]), inner),
    max_leaves=8,
)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(value=JSON_VALUES)
def test_any_json_is_a_release_or_malformed(release: ReleasedTable, value: Any) -> None:
    """Whole, under each key and at each entry of a row: no other error ever comes out."""
    document = release.to_json()
    attempts = [value, *(document | {key: value} for key in document)]
    attempts += [document | {"rows": [value]}]
    for place in range(4):
        rows = [[*row[:place], value, *row[place + 1 :]] for row in document["rows"]]
        attempts.append(document | {"rows": rows})
    for attempt in attempts:
        with suppress(ReleaseMalformed):
            assert isinstance(read_released(attempt), ReleasedTable)
