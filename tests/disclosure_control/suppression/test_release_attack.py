"""`circe attack` on a release: what a reader of it can work out, totals and all."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from disclosure_control.presets.shelf import find_preset
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import release_tables
from disclosure_control.rows.protection import protect, withhold_all
from disclosure_control.suppression.certificate import CertificateInvalid, write_certificate
from disclosure_control.suppression.lattice import TableUnusable
from disclosure_control.suppression.release_attack import (
    attack_release,
    certify_release,
    named_zeros,
    verify_named_columns,
    verify_release_certificate,
)
from disclosure_control.symbols import MEANINGS, Symbol
from federation.cli import run
from federation.exchange import ReleaseDocument
from federation.wire import encode_document
from query_engine.catalogue import load_catalogue
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.tables import RawTable
from tests.added_presets import STRICT, write_strict

MakePlan = Callable[[str], QueryPlan]
MakeRaw = Callable[[QueryPlan, str], RawTable]

SQL = "SELECT sex, COUNT(*) AS n FROM child_year WHERE sex IN ('M', 'F') GROUP BY ROLLUP (sex)"
CELLS = """
    sex   | children
    M     | 20
    F     | 3
    Total | 23
"""


def released(make_plan: MakePlan, make_raw: MakeRaw) -> dict[str, Any]:
    plan, preset = make_plan(SQL), load_preset("dfe_cla")
    table = protect(make_raw(plan, CELLS), preset)
    return release_tables({"301": table}, {"302": "late"}, plan, preset).to_json()


def test_what_a_node_releases_withstands_the_attack(make_plan: MakePlan, make_raw: MakeRaw) -> None:
    """The girls are withheld and the boys with them, beside the total: nobody knows how small either number is."""
    ((column, _, found),) = attack_release(released(make_plan, make_raw), make_plan(SQL))
    assert (column, found.withheld, found.is_safe) == ("n", 2, True)


def test_a_release_with_all_but_one_part_of_a_total_is_undone(make_plan: MakePlan, make_raw: MakeRaw) -> None:
    """As it would be had nobody looked at totals: 23 less 20."""
    document = released(make_plan, make_raw)
    rows = document["rows"]
    assert [row[2] for row in rows[:3]] == ["c", "c", 23]
    document["rows"] = [[*row[:2], 20] if row[:2] == ["301", "M"] else row for row in rows]
    ((_, lattice, found),) = attack_release(document, make_plan(SQL))
    assert found.exact == 1
    assert [lattice.describe(each.cell) for each in found.known] == ["home_authority 301, sex F"]
    assert found.known[0].low == found.known[0].high == 3


OF_ONE_YEAR = SQL.replace("WHERE", "WHERE academic_year = 202425 AND")
COUNTED = ("COUNT(DISTINCT child)", "COUNT(DISTINCT child) FILTER (WHERE age < 16)", "COUNT(*) FILTER (WHERE age < 16)")


@pytest.mark.parametrize("counted", COUNTED)
def test_children_are_added_up_as_rows_are_where_each_has_one(
    make_plan: MakePlan, make_raw: MakeRaw, counted: str
) -> None:
    """Of 23 children 20 are boys, and a c beside them tells of 3 girls; a certificate of such a table there is none."""
    plan = make_plan(OF_ONE_YEAR.replace("COUNT(*)", counted))
    document = {**released(make_plan, make_raw), "plan_id": plan.plan_id}
    rows = document["rows"]
    document["rows"] = [[*row[:2], 20] if row[:2] == ["301", "M"] else row for row in rows]
    ((column, _, found),) = attack_release(document, plan)
    assert (column, found.exact) == ("n", 1)
    with pytest.raises(TableUnusable, match="sex F is told"):
        certify_release(document, plan)


@pytest.mark.parametrize(("zero", "barred"), [(3, 1), (0, 0)])
def test_a_count_that_is_printed_though_the_preset_withholds_it_is_found(
    make_plan: MakePlan, make_raw: MakeRaw, zero: int, barred: int
) -> None:
    """Of a count with a condition too, which is withheld where it is 0 and may be printed there."""
    plan = make_plan(SQL.replace("COUNT(*)", "COUNT(*) FILTER (WHERE age < 16)"))
    table = {**released(make_plan, make_raw), "plan_id": plan.plan_id}
    table["rows"] = [["301", "M", 20], ["301", "F", zero], ["301", "Total", 20 + zero], *table["rows"][3:]]
    table["symbols"] = {name: text for name, text in table["symbols"].items() if name != "c"}
    ((_, _, found),) = attack_release(table, plan)
    assert (len(found.barred), found.is_safe) == (barred, not barred)


NESTED = """
    SELECT sex, age, COUNT(*) FILTER (WHERE uasc) AS u FROM child_year
    WHERE sex IN ('M', 'F') AND age BETWEEN 14 AND 15 GROUP BY ROLLUP (sex, age)
"""
"""Boys of either age, girls of either, boys, girls, and all of them: how many came alone."""


def print_nested(plan: QueryPlan, entries: str, preset: str = "dfe_cla") -> dict[str, Any]:
    """The release of a node that prints so."""
    rules = load_preset(preset)
    document = release_tables({"301": withhold_all(plan, rules)}, {}, plan, rules).to_json()
    printed = [entry if entry == "c" else int(entry) for entry in entries.split()]
    document["rows"] = [[*row[:-1], each] for row, each in zip(document["rows"], printed, strict=True)]
    return {**document, "symbols": {"c": MEANINGS[Symbol.CONFIDENTIAL]}}


@pytest.mark.parametrize(
    ("entries", "zeros"), [("0 0 0 0 0 0 c", 1), ("0 0 0 0 c 0 c", 2), ("0 0 0 20 c 20 20", 1), ("c c 0 0 c c c", 1)]
)
def test_that_a_total_of_printed_zeros_is_0_is_printed_already(make_plan: MakePlan, entries: str, zeros: int) -> None:
    """No boy of either age came alone: so no boy did, and the row of all boys is withheld for another count of it."""
    plan = make_plan(NESTED)
    document = print_nested(plan, entries)
    ((_, _, found),) = attack_release(document, plan)
    assert (found.is_safe, len(found.zeros), found.withheld) == (True, zeros, entries.count("c"))
    content = certify_release(document, plan)
    verify_release_certificate(content, document, plan)
    verify_named_columns(content, document)
    assert named_zeros(content, document) == ("u",)


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ("20 0 0 0 c 0 20", "sex M"),  # A total of what is printed, that is not 0.
        ("0 c 0 20 0 20 20", "age 15, .*sex M"),  # Part of a printed 0.
        ("20 c 0 20 20 20 40", "age 15, .*sex M"),  # 0 as the total is no more than the other part.
        ("0 c 0 0 c 0 c", None),
    ],
)
def test_any_other_0_is_told(make_plan: MakePlan, entries: str, told: str | None) -> None:
    plan = make_plan(NESTED)
    document = print_nested(plan, entries)
    ((_, _, found),) = attack_release(document, plan)
    assert (found.is_safe, found.zeros) == (told is None, frozenset())
    if told is not None:
        with pytest.raises(TableUnusable, match=f"{told} is told"):
            certify_release(document, plan)


def test_no_0_is_printed_already_where_zeros_are_withheld(make_plan: MakePlan) -> None:
    """Nor is a count of all that its table is about withheld where it is 0: such figures contradict each other."""
    plan, everybody = make_plan(NESTED), make_plan(NESTED.replace(" FILTER (WHERE uasc)", ""))
    with pytest.raises(TableUnusable, match="is told"):
        certify_release(print_nested(plan, "0 0 0 0 0 0 c", "opensafely"), plan)
    with pytest.raises(TableUnusable, match="column u: "):
        certify_release(print_nested(everybody, "0 0 0 0 0 0 c"), everybody)


def test_a_certificate_that_holds_says_which_0_it_does_not_hold_of(
    make_plan: MakePlan, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plan = load_plan(NESTED)
    table = print_nested(plan, "0 0 0 20 c 20 20")
    path = write_release(tmp_path, table, NESTED, certify_release(table, plan).decode())
    assert run(["release", "verify", str(path)]) == 0
    assert "but for totals of u that are 0 as all their parts are printed." in capfd.readouterr().out
    assert run(["attack", str(path)]) == 0
    shown = capfd.readouterr().out
    assert shown.startswith("u: 1 withheld, 0 found exactly")
    assert "sex M: 0, as all its parts are printed" in shown
    assert run(["attack", str(path), "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out)["zeros"] == 1


def test_a_release_with_what_is_no_figure_is_refused_in_one_line(
    make_plan: MakePlan, make_raw: MakeRaw, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = released(make_plan, make_raw)
    table["rows"] = [["301", "M", "many"], *table["rows"][1:]]
    path = write_release(tmp_path, table)
    for command in (["attack"], ["release", "verify"]):
        assert run([*command, str(path)]) == 4
        assert "Error: row 1, n: neither a symbol nor a number" in capfd.readouterr().err


def test_a_certificate_that_does_not_speak_of_children_leaves_them_open(
    make_plan: MakePlan, make_raw: MakeRaw, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Those of earlier software did not; of rows each has to speak."""
    sql = OF_ONE_YEAR.replace("COUNT(*)", "COUNT(DISTINCT child)")
    plan = load_plan(sql)
    table = {**released(make_plan, make_raw), "plan_id": plan.plan_id}
    for content, code, said in (
        (certify_release(table, plan), 0, "The certificate holds: no withheld count of n"),
        (write_certificate([]), 10, "Not rechecked: the counts of n, of which the certificate does not speak"),
    ):
        assert run(["release", "verify", str(write_release(tmp_path, table, sql, content.decode()))]) == code
        assert said in capfd.readouterr().out
    rows = make_plan(OF_ONE_YEAR)
    with pytest.raises(CertificateInvalid, match="must speak of 1 columns of counts, and speaks of 0"):
        verify_release_certificate(write_certificate([]), {**table, "plan_id": rows.plan_id}, rows)


def load_plan(sql: str) -> QueryPlan:
    """The plan as it is made anew of a release."""
    catalogue = load_catalogue()
    return plan_query(parse_query(sql, catalogue), catalogue)


def test_a_release_in_which_nothing_adds_up_is_said_to_be_so(
    make_plan: MakePlan, make_raw: MakeRaw, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sql = SQL.replace("COUNT(*)", "AVG(age)").replace("ROLLUP (sex)", "sex")
    plan = make_plan(sql)
    path = write_release(tmp_path, released_by(plan), sql)
    assert run(["attack", str(path)]) == 0
    out, err = capfd.readouterr()
    assert out == ""
    assert "Nothing was attacked" in err


def released_by(plan: QueryPlan) -> dict[str, object]:
    """A release of a plan with no row that is told anything of."""
    return release_tables({}, {"301": "late"}, plan, load_preset("dfe_cla")).to_json()


def test_a_release_is_attacked_by_the_preset_that_protects_it(
    make_plan: MakePlan, make_raw: MakeRaw, tmp_path: Path
) -> None:
    """One that a federation has added has to be given, and no other one will do. Rounding hides the 9 in the total."""
    plan, preset = make_plan(SQL), find_preset(str(write_strict(tmp_path)))
    table = protect(make_raw(plan, CELLS.replace("| 3", "| 9").replace("| 23", "| 29")), preset)
    document = release_tables({"301": table}, {"302": "late"}, plan, preset).to_json()
    ((_, _, found),) = attack_release(document, plan, preset)
    assert (found.withheld, found.is_safe) == (1, True)
    with pytest.raises(TableUnusable, match=f"preset {STRICT} {preset.version}, and this is ukllc"):
        list(attack_release(document, plan, load_preset("ukllc")))


@pytest.mark.parametrize("form", ["json", "table"])
def test_a_release_file_is_attacked_as_the_client_stores_it(
    make_plan: MakePlan, make_raw: MakeRaw, tmp_path: Path, capfd: pytest.CaptureFixture[str], form: str
) -> None:
    path = write_release(tmp_path, released(make_plan, make_raw))
    assert run(["attack", str(path), "--format", form]) == 0
    shown = capfd.readouterr().out
    assert json.loads(shown)["withheld"] == 2 if form == "json" else shown.startswith("n: 2 withheld, 0 found exactly")


def test_a_certificate_that_is_given_with_a_release_is_verified(
    make_plan: MakePlan, make_raw: MakeRaw, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = released(make_plan, make_raw)
    path, certificate = write_release(tmp_path, table), tmp_path / "certificate.json"
    certificate.write_bytes(certify_release(table, make_plan(SQL)))
    assert run(["attack", str(path), "--certificate", str(certificate)]) == 0
    assert "The certificate holds." in capfd.readouterr().err
    certificate.write_bytes(b"{}")
    assert run(["attack", str(path), "--certificate", str(certificate)]) == 6
    assert "The certificate holds." not in capfd.readouterr().err


def write_release(folder: Path, table: dict[str, object], sql: str = SQL, certificate: str = "") -> Path:
    """A release file as the client stores it."""
    release = ReleaseDocument(
        release_id="R-1",
        query_id="Q-1",
        manifest_digest="0" * 64,
        sql=sql,
        purpose="to see",
        released_at=datetime(2026, 11, 28, tzinfo=UTC),
        table=table,
        nodes=(),
        replies=(),
        opening=None,
        checkpoint="",
        certificate=certificate,
    )
    path = folder / "release.json"
    path.write_bytes(encode_document(release) + b"\n")
    return path
