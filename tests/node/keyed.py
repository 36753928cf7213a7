"""Questions under cell keys, and what plain SQL and a table by hand say that their answers are.

Nothing of the query engine's or of the perturbing room is used for it but the published table: the record keys are read
from the tokens of the snapshot's own rows.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import msgspec

from disclosure_control.cell_key.ptable import PTable
from disclosure_control.cell_key.tables import find_table
from disclosure_control.presets.shipped import load_preset
from federation.cell_key_terms import CellKeyTerms
from federation.manifest import Manifest
from federation.plans import derive_plan
from federation.preset_terms import state_preset
from tests.small_federation import SmallFederation

PRESET = load_preset("ons_cell_key")
RULE = PRESET.cell_key
assert RULE is not None
TABLE: PTable = find_table(RULE)
TERMS = CellKeyTerms(keys=RULE.keys, table=RULE.table, most=RULE.most, answers=RULE.answers)

WHERE = "WHERE academic_year = 202425 AND counted_here"
COUNTED = f"SELECT sen_provision, COUNT(DISTINCT child) AS children FROM child_year {WHERE} GROUP BY sen_provision"
"""One answer about any group of children."""

SHARED = (
    "SELECT sen_provision, COUNT(DISTINCT child) AS children, "
    "COUNT(DISTINCT child) FILTER (WHERE sex = 'F') AS girls, "
    "AVG(CASE WHEN sex = 'F' THEN 1 ELSE 0 END) AS share "
    f"FROM child_year {WHERE} GROUP BY sen_provision"
)
"""Four: children, girls, and the two counts of the share."""

PROVISIONS = ("none", "sen_support", "ehc_plan", None)

ACCEPTS = {
    'presets = ["opensafely"]': 'presets = ["opensafely", "ons_cell_key"]',
    'presets = ["opensafely", "ons_10_5"]': 'presets = ["opensafely", "ons_10_5", "ons_cell_key"]',
}
"""What an authority writes into its rules to accept cell keys, for its own rows and for sums."""


def accept_cell_keys(federation: SmallFederation, *authorities: str) -> None:
    """Let authorities accept the preset, or all of them."""
    for code in authorities or federation.authorities:
        for old, new in ACCEPTS.items():
            federation.change_rule(code, old, new)


def keyed_manifest(federation: SmallFederation, sql: str = COUNTED, **changes: object) -> Manifest:
    """A manifest about rows of one's own under cell keys, as an honest hub would write it."""
    base = federation.manifest(sql)
    plan = derive_plan(sql, base.path, TERMS.keys)
    named = {**state_preset(PRESET), "plan_id": plan.plan_id}
    return msgspec.structs.replace(base, **{**named, **changes})


def count_by_hand(files: Sequence[Path], where: str = WHERE) -> Mapping[str | None, tuple[int, int]]:
    """How many children each provision has, and the sum of their record keys, modulo 256."""
    query = f"SELECT DISTINCT sen_provision, child FROM read_parquet(?) {where}"
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(query, [[str(file) for file in files]]).fetchall()
    found: dict[str | None, list[int]] = {each: [] for each in PROVISIONS}
    for provision, child in rows:
        found[provision].append(int(child[-2:], 16))
    return {provision: (len(keys), sum(keys) % 256) for provision, keys in found.items()}


def print_by_hand(count: int, key: int) -> int | str:
    """A count as the preset prints it: changed by the table, and withheld where 1 to 9 are left."""
    changed = count + TABLE.changes(count)[key]
    return "c" if 1 <= changed <= 9 else changed


def rows_by_hand(files: Sequence[Path]) -> list[list[object]]:
    """The answer to `COUNTED`."""
    counted = count_by_hand(files)
    return [[provision, print_by_hand(*counted[provision])] for provision in PROVISIONS]
