"""Counts under cell keys: as the Office for National Statistics' package has them, on every engine and over a sum."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from disclosure_control.cell_key.entropy import Shape, make_table
from disclosure_control.cell_key.perturbing import CellKeys, protect_counts
from disclosure_control.cell_key.ptable import KeyRange, PTable
from disclosure_control.cell_key.ptable_files import read_ons, write_ons
from disclosure_control.cell_key.zeros import category_key, empty_cell_key
from disclosure_control.noise.shares import raw_from_vector, vector_of
from disclosure_control.presets.preset import ByLevel, CellKeyRule
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleaseRefused
from disclosure_control.release.reading import read_released
from disclosure_control.release.released import _SEAL as SEAL
from disclosure_control.release.totals import check_changed_total, release_changed_total, release_exact_total
from disclosure_control.rows.protected_table import WIRE_KEYS, ProtectedTable, TableMalformed
from disclosure_control.rows.protection import protect
from disclosure_control.suppression.analyst_table import attack_table, protect_table
from disclosure_control.suppression.lattice import TableUnusable
from disclosure_control.suppression.table_file import read_table
from disclosure_control.symbols import Symbol
from federation.secure_sum.vectors import pack_vector, signed_values
from node.ingest.tokens import row_token
from query_engine.catalogue import load_catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.planning.paths import plan_for_path
from query_engine.planning.plan import Path as PlanPath
from query_engine.planning.plan import QueryPlan
from query_engine.planning.record_keys import CellKeyUnsuited, keys_of, with_record_keys
from query_engine.tables import RawTable
from tests.disclosure_control.cell_key.make_golden import OURS, draw_records
from tests.disclosure_control.drawn_releases import make_plan
from tests.disclosure_control.of_many import of_many
from tests.query_engine.opened_engines import opener_of
from tests.query_engine.small_tables import Row, write_table

GOLDEN = Path(__file__).with_name("golden") / "ons_3_1_0.json"
KEYS_OF: Mapping[int, KeyRange] = {256: 256, 4096: 4096}
TABLE = make_table("D5V3", Shape(5, 3.0), 256)
ANSWERED, ABSENT = ("202", "203", "301"), {"302": "late"}

COUNTS = (
    "SELECT sex, COUNT(*) AS n, COUNT(*) FILTER (WHERE uasc) AS alone, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share,"
    " COUNT(DISTINCT child) AS children FROM child_year WHERE academic_year = 202425 GROUP BY ROLLUP (sex)"
)


def changed_by(table: PTable, name: str, secret: bytes = b"s" * 32) -> CellKeys:
    """Cell keys by a table, with the thresholds and places of a preset."""
    rule = CellKeyRule(keys=KEYS_OF[table.keys], table="d" * 64, most=table.most, answers=4)
    return CellKeys(table, replace(load_preset(name), cell_key=rule, rounding_bases=ByLevel(1, 1, 1)), secret)


def keyed(sql: str = COUNTS, keys: int = 256, path: PlanPath = "per_authority") -> QueryPlan:
    return with_record_keys(plan_for_path(make_plan(sql), path), keys)


def rule_10_5() -> PTable:
    """The package's own table: counts under 10 come to nothing, all others to the nearest 5."""
    changes = [-count if count < 10 else 5 * ((count + 2) // 5) - count for count in range(1, 751)]
    return PTable("rule_10_5", tuple((change,) * 256 for change in changes), 250)


KEYS = changed_by(TABLE, "ukllc")


# --- To the digit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rule_10_5", "ours"])
def test_counts_are_those_of_the_ons_package(name: str) -> None:
    """Cell key, row, change and printed count of 22 cells, small, at the ends of the table and beyond it.

    `make_golden` says how the vectors were made with `cell-key-perturbation` 3.1.0.
    """
    table = rule_10_5() if name == "rule_10_5" else read_ons(write_ons(make_table("ours", OURS, 256)), "ours")
    records: dict[str, list[int]] = {}
    for cell, key in draw_records():
        records.setdefault(cell, []).append(key)
    golden = json.loads(GOLDEN.read_text())[name]
    assert len(golden) == len(records)
    for (_, held), (count, key, row, change, printed) in zip(sorted(records.items()), golden, strict=True):
        assert (len(held), sum(held) % 256, table.row_of(len(held))) == (count, key, row)
        assert table.perturb(count, key) - count == change
        plan = keyed("SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425")
        raw = RawTable(plan, {each.name: [sum(held) if each.kind == "keys" else count] for each in plan.statistics})
        shown = protect_counts(raw, changed_by(table, "ukllc")).rows[0][0]
        assert shown == ("c" if printed is None else printed)


# --- Of the children themselves --------------------------------------------------------------------------------------


def children(node: str, number: int, seed: int) -> list[Row]:
    """Children of one node, with tokens under the node's own secret."""
    source = Random(seed)
    return [
        {
            "child": row_token(f"{node} secret of 16 bytes".encode(), f"CHILD{place}"),
            "academic_year": 202425,
            "sex": source.choice(["M", "F", None]),
            "uasc": source.random() < 0.4,
        }
        for place in range(number)
    ]


def write_children(directory: Path, rows: list[Row]) -> dict[str, Path]:
    table = load_catalogue().table("child_year")
    columns = ("child", "academic_year", "sex", "uasc")
    return {"child_year": write_table(directory / "child_year.parquet", table, columns, rows)}


def naive(rows: list[Row], keys: int) -> dict[tuple[object, str], tuple[int, int]]:
    """Count and cell key of every cell, from the tokens in plain Python."""
    found: dict[tuple[object, str], list[int]] = {}
    for row in rows:
        key = int(str(row["child"]), 16) % keys
        for sex in (row["sex"], "Total"):
            found.setdefault((sex, "all"), []).append(key)
            if row["uasc"]:
                found.setdefault((sex, "uasc"), []).append(key)
    return {cell: (len(held), sum(held)) for cell, held in found.items()}


@pytest.mark.parametrize("engine", ["duckdb", "postgresql"])
@pytest.mark.parametrize("keys", [256, 4096])
def test_every_engine_adds_up_the_record_keys_of_those_counted(
    engine: str, keys: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The same sums as from the tokens themselves, totals included, where a child counts once."""
    rows, plan = children("301", 60, 1), keyed(keys=keys)
    with opener_of(engine, request)(write_children(tmp_path, rows)) as opened:
        raw = opened.run(plan)
    expected = naive(rows, keys)
    n, alone = (next(each for each in plan.outputs if each.label == label) for label in ("n", "alone"))
    for label, output in (("all", n), ("uasc", alone)):
        (count,) = output.statistics
        pairs = list(zip(raw.statistic(count), raw.statistic(keys_of(count, keys)), strict=True))
        assert pairs == [expected.get((cell[0], label), (0, 0)) for cell in plan.iter_cells()]


def test_a_snapshot_later_the_same_children_have_the_same_keys(tmp_path: Path) -> None:
    """One more child changes the cells it is in and no other: keys stay with the children."""
    rows = children("301", 60, 1)
    more = [*rows, {**children("301", 61, 2)[-1], "sex": "M"}]
    first, second = (protect_one(each, tmp_path) for each in (rows, more))
    same = [one for one, other in zip(first.rows, second.rows, strict=True) if one == other]
    assert {row[0] for row in same} >= {"F", None}


def protect_one(rows: list[Row], directory: Path) -> ProtectedTable:
    with DuckDBEngine(write_children(directory, rows)) as engine:
        return protect_counts(engine.run(keyed()), KEYS)


def test_another_nodes_secret_gives_other_keys() -> None:
    mine, theirs = (children(node, 200, 1) for node in ("301", "302"))
    assert naive(mine, 256)["Total", "all"][1] != naive(theirs, 256)["Total", "all"][1]
    spread = {int(str(row["child"]), 16) % 256 for row in mine + theirs}
    assert len(spread) > 150


# --- Over a secure sum -----------------------------------------------------------------------------------------------


def summed(plan: QueryPlan, tables: list[RawTable]) -> tuple[RawTable, list[int]]:
    """The opened sum of several nodes' vectors, as masks leave it, and the words themselves."""
    total = pack_vector([0] * (plan.cells * len(plan.statistics)))
    for each in tables:
        total += pack_vector(vector_of(each).values)
    return raw_from_vector(plan, [int(each) % 2**64 for each in signed_values(total)]), [int(each) for each in total]


@pytest.mark.parametrize("keys", [256, 4096])
def test_a_sum_over_nodes_prints_what_one_node_with_all_children_would(keys: KeyRange, tmp_path: Path) -> None:
    """Counts and cell keys are both sums: three nodes, and one that holds the same tokens."""
    plan, table = keyed(keys=keys, path="exact_sum"), make_table("D5V3", Shape(5, 3.0), keys)
    parts = [children(node, 50, place) for place, node in enumerate(ANSWERED)]
    raws = []
    for held in [*parts, [row for part in parts for row in part]]:
        with DuckDBEngine(write_children(tmp_path, held)) as engine:
            raws.append(engine.run(plan))
    opened, words = summed(plan, raws[:3])
    how = changed_by(table, "ukllc")
    assert protect_counts(opened, how).rows == protect_counts(raws[3], how).rows
    names = [each.name for each in plan.statistics for _ in range(plan.cells)]
    scaled = [word for word, name in zip(words, names, strict=True) if name.startswith("keys-")]
    assert scaled
    assert all(word % (2**64 // keys) == 0 for word in scaled)


def drawn(plan: QueryPlan, count: int, key: int) -> RawTable:
    return RawTable(plan, {each.name: [key if each.kind == "keys" else count] * plan.cells for each in plan.statistics})


def test_the_gate_says_what_was_done_and_how_far_off_a_count_may_be() -> None:
    plan = keyed(path="exact_sum")
    released = release_changed_total(plan, drawn(plan, 40, 3), ANSWERED, ABSENT, KEYS)
    assert released.method.startswith("A total over 3 of 4 authorities.")
    assert "Perturbed by cell key: every count is changed by at most 5 either way" in released.method
    assert released.method.endswith(KEYS.preset.claims.nation)
    assert read_released(released.to_json()).rows == released.rows


def test_the_gate_refuses_what_carries_no_keys() -> None:
    plain = plan_for_path(make_plan(COUNTS), "exact_sum")
    other = keyed(keys=4096, path="exact_sum")
    for plan in (plain, other):
        with pytest.raises(ReleaseRefused, match="carries no record keys for table D5V3, modulo 256"):
            release_changed_total(plan, drawn(plan, 40, 3), ANSWERED, ABSENT, KEYS)
    with pytest.raises(ReleaseRefused, match="another plan"):
        release_changed_total(keyed(path="exact_sum"), drawn(plain, 40, 3), ANSWERED, ABSENT, KEYS)
    with pytest.raises(ReleaseRefused, match="gate of exact_sum"):
        release_changed_total(keyed(), drawn(keyed(), 40, 3), ANSWERED, ABSENT, KEYS)


def test_the_gate_of_rounded_totals_takes_no_preset_with_cell_keys() -> None:
    """It would print exact counts: they have no base to be rounded to."""
    plain = plan_for_path(make_plan(COUNTS), "exact_sum")
    raw = drawn(plain, 40, 3)
    with pytest.raises(ReleaseRefused, match="changes counts by cell keys"):
        release_exact_total(plain, raw, of_many(raw), ANSWERED, ABSENT, KEYS.preset)
    with pytest.raises(ValueError, match="changed by cell keys"):
        protect(drawn(plain, 40, 3), KEYS.preset)
    with pytest.raises(ValueError, match="does not change counts by table D5V3"):
        CellKeys(TABLE, load_preset("ukllc"), b"")


def test_counts_without_their_children_cannot_be_changed() -> None:
    """A table that an analyst has is counts alone; neither protecting nor attacking it makes up keys."""
    file, preset = read_table("sex,n\nM,12\nF,9\n"), load_preset("ons_cell_key")
    with pytest.raises(TableUnusable, match="a table has counts alone"):
        protect_table(file, preset, "n", ["sex"], {}, secret=bytes(32))
    with pytest.raises(TableUnusable, match="a table has counts alone"):
        list(attack_table(file, preset, "n", ["sex"], {}))


def test_a_reader_holds_a_total_to_what_the_preset_can_print() -> None:
    """Its figures, its shares and its method; the changes themselves are for nobody to check without the counts."""
    plan = keyed(path="exact_sum")
    released = release_changed_total(plan, drawn(plan, 40, 3), ANSWERED, ABSENT, KEYS)
    check_changed_total(released, plan, KEYS.preset)
    places = {each.label: place for place, each in enumerate(plan.outputs)}
    for label, figure in (("n", 9), ("share", Decimal("0.500")), ("alone", Symbol.CONFIDENTIAL)):
        row = list(released.rows[0])
        row[places[label]] = figure
        with pytest.raises(TableMalformed):
            check_changed_total(replace(released, rows=(tuple(row), *released.rows[1:]), seal=SEAL), plan, KEYS.preset)
    with pytest.raises(TableMalformed, match="the method is not"):
        check_changed_total(replace(released, method="As it was.", seal=SEAL), plan, KEYS.preset)


# --- What is printed -------------------------------------------------------------------------------------------------


def printed(preset: str, figures: Mapping[str, tuple[int, int]], table: PTable = TABLE) -> Mapping[str, object]:
    """The one row of a question about `n`, `alone` and `share`; figures have a count and the sum of its keys."""
    sql = COUNTS.replace("sex, ", "").replace(" GROUP BY ROLLUP (sex)", "")
    plan = keyed(sql)
    counts = {each.label: each.statistics[-1] for each in plan.outputs}
    by_name = {counts[label]: found for label, found in figures.items()}
    columns = {}
    for each in plan.statistics:
        count, key = by_name.get(each.name.removeprefix("keys-256:"), figures["n"])
        columns[each.name] = [key if each.kind == "keys" else count]
    row = protect_counts(RawTable(plan, columns), changed_by(table, preset)).rows[0]
    return dict(zip((each.label for each in plan.outputs), row, strict=True))


def test_a_share_is_that_of_the_changed_counts() -> None:
    """40 with key 0 comes to 35, 13 with key 255 to 18: 18 of 35, and not 13 of 40."""
    row = printed("ukllc", {"n": (40, 256), "alone": (13, 511)})
    assert (row["n"], row["alone"], str(row["share"])) == (35, 18, "0.514")


def test_what_is_changed_to_less_than_the_threshold_is_withheld_with_its_share() -> None:
    row = printed("ukllc", {"n": (40, 128), "alone": (12, 0)})
    assert (row["n"], row["alone"], row["share"]) == (40, "c", "c")


def test_a_share_is_never_more_than_all() -> None:
    row = printed("ukllc", {"n": (20, 0), "alone": (20, 255)})
    assert (row["n"], row["alone"], str(row["share"])) == (15, 25, "1.000")


def test_nobody_is_printed_as_the_preset_has_it() -> None:
    assert printed("ons_10_5", {"n": (0, 0), "alone": (0, 0)})["share"] == "z"
    assert printed("ons_10_5", {"n": (0, 0), "alone": (0, 0)})["n"] == 0
    assert printed("ukllc", {"n": (0, 0), "alone": (0, 0)})["n"] == "c"


def test_empty_cells_are_changed_by_the_keys_of_their_categories() -> None:
    """Always in the same way, differently for other categories, and not to be told without the secret."""
    table = PTable("zeros", TABLE.rows, 1, tuple(range(256)))
    plan = keyed("SELECT sex, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 GROUP BY sex")
    raw = drawn(plan, 0, 0)
    one, same, other = (
        [row[1] for row in protect_counts(raw, changed_by(table, "ons_10_5", secret)).rows]
        for secret in (b"s" * 32, b"s" * 32, b"t" * 32)
    )
    assert one == same != other
    assert len(set(one)) > 1


def test_category_keys_tell_a_category_from_its_likes() -> None:
    secret = b"s" * 32
    kinds: list[str | int | bool | None] = ["1", 1, True, None]
    assert len({category_key(secret, "column", each, 4096) for each in kinds}) == len(kinds)
    both = (category_key(secret, "sex", "M", 256) + category_key(secret, "age", 9, 256)) % 256
    assert empty_cell_key(secret, {"age": 9, "sex": "M"}, 256) == both
    with pytest.raises(ValueError, match="32 bytes"):
        category_key(b"short", "sex", "M", 256)


def test_keys_and_secret_are_not_in_what_is_printed_of_them() -> None:
    assert repr(changed_by(TABLE, "ukllc")) == "CellKeys(D5V3, ukllc)"


@pytest.mark.parametrize(("preset", "printed_as"), [("ukllc", ["c"]), ("ons_10_5", [0, "c"])])
def test_what_leaves_of_a_child_alone_does_not_tell_its_record_key(preset: str, printed_as: list[int | str]) -> None:
    """The key of a cell of one is that child's own: all 256 look alike, but for what they change the count to."""
    plan, found = keyed("SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425"), dict[str, set[int]]()
    for key in range(256):
        wire = protect_counts(drawn(plan, 1, key), changed_by(TABLE, preset)).to_wire()
        assert wire["columns"] == ["n"]
        assert frozenset(wire) == WIRE_KEYS
        found.setdefault(json.dumps(wire["rows"]), set()).add(key)
    assert found.keys() == {json.dumps([[each]]) for each in printed_as}
    assert min(map(len, found.values())) > 10


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("SELECT AVG(placements) AS mean FROM child_year WHERE academic_year = 202425", "mean is neither"),
        ("SELECT COUNT(*) AS n FROM child_year WHERE academic_year >= 202324", "n can count a child more than once"),
        ("SELECT COUNT(*) AS n FROM placements WHERE academic_year = 202425", "n can count a child more than once"),
    ],
)
def test_figures_that_are_no_counts_of_children_are_refused(sql: str, what: str) -> None:
    with pytest.raises(CellKeyUnsuited, match=what):
        with_record_keys(make_plan(sql), 256)


def test_children_can_be_counted_in_any_table() -> None:
    sql = "SELECT COUNT(DISTINCT child) AS n FROM placements WHERE academic_year = 202425"
    assert any(each.kind == "keys" for each in with_record_keys(make_plan(sql), 256).statistics)


def test_noised_sums_carry_no_keys() -> None:
    with pytest.raises(CellKeyUnsuited, match="not noised"):
        keyed(path="noisy_sum")
    with pytest.raises(ValueError, match="256 or 4096"):
        with_record_keys(make_plan(COUNTS), 100)


def test_a_plan_with_keys_is_another_plan() -> None:
    assert len({make_plan(COUNTS).plan_id, keyed(keys=256).plan_id, keyed(keys=4096).plan_id}) == 3
