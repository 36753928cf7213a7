"""What our own people were shown, as it is kept: nothing is shown in two ways, and all of it beside the rest."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from audit.connection import Connection, Row
from disclosure_control.linked.published import Published
from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shelf import PresetShelf
from disclosure_control.rows.protected_table import ProtectedTable, read_protected
from disclosure_control.rows.secondary import tells_nothing
from federation.manifest import Path
from federation.plans import derive_plan

WHOLE = ""
"""Whoever of our children is at none of the schools that figures were shown of; each of these is its own number."""


@dataclass(frozen=True)
class ShownTable:
    """A figure that was shown: its number, the schools that it is of, the table, and what that publishes."""

    figure_id: str
    schools: frozenset[int]
    table: ProtectedTable
    published: Published
    is_split: bool
    preset: Preset

    @property
    def tells(self) -> bool:
        """Whether it says anything at all."""
        return not tells_nothing(self.published.plan, self.table.rows, self.preset)


@dataclass(frozen=True)
class Kept:
    """A figure that is about to be kept."""

    figure_id: str
    measure: str
    breakdown: str
    schools: str
    sql: str
    subject: str
    snapshot: str
    table: ProtectedTable
    implied: Mapping[tuple[int, str], int]
    shown_at: str


def keep_figure(connection: sqlite3.Connection, kept: Kept) -> None:
    """Keep a figure in the caller's transaction, once."""
    wire, implied = kept.table.to_wire(), [[*place, count] for place, count in kept.implied.items()]
    row = (
        *(kept.figure_id, kept.measure, kept.breakdown, kept.schools, kept.sql, kept.table.plan_id, kept.subject),
        *(kept.snapshot, kept.table.preset, kept.table.preset_version, json.dumps(wire["rows"]), json.dumps(implied)),
        kept.shown_at,
    )
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO figures_shown VALUES ({marks})", row)  # noqa: S608 - marks


def list_shown(connection: Connection, year: str, snapshot: str) -> tuple[str, ...]:
    """Return the numbers of the figures about a year of one snapshot, whatever protected them, the oldest first."""
    rows = connection.execute(
        "SELECT figure_id FROM figures_shown WHERE subject GLOB ? AND snapshot = ? ORDER BY shown_at, figure_id",
        (f"*/{year}", snapshot),
    ).fetchall()
    return tuple(row["figure_id"] for row in rows)


def read_shown(connection: Connection, figure_id: str, presets: PresetShelf) -> ShownTable:
    """Return a figure that was kept, by the rules that protected it. Raises `PresetInvalid` where they are not here."""
    row: Row = connection.execute("SELECT * FROM figures_shown WHERE figure_id = ?", (figure_id,)).fetchone()
    plan = derive_plan(row["sql"], Path.PER_AUTHORITY)
    wire = {
        "plan_id": row["plan_id"],
        "preset": row["preset"],
        "preset_version": row["preset_version"],
        "columns": [each.label for each in plan.outputs],
        "rows": json.loads(row["rows"]),
    }
    preset = presets.find(row["preset"], row["preset_version"])
    table = read_protected(wire, plan, preset)
    implied = {(place, label): count for place, label, count in json.loads(row["implied"])}
    schools = frozenset(int(each) for each in row["schools"].split())
    published = Published(figure_id, plan, preset, table.rows, name_roster(schools, frozenset()), implied)
    return ShownTable(figure_id, schools, table, published, bool(row["breakdown"]), preset)


def name_roster(schools: frozenset[int], named: frozenset[int]) -> tuple[str, ...]:
    """Return over whom a table is: its schools, or all of our children as those at the `named` schools and the rest."""
    return tuple(str(each) for each in sorted(schools)) or (WHOLE, *(str(each) for each in sorted(named)))


def find_other_preset(connection: Connection, year: str, preset: str) -> str | None:
    """Return another preset under which figures about a year were shown, if there is one."""
    row = connection.execute(
        "SELECT preset FROM figures_shown WHERE subject GLOB ? AND preset != ? LIMIT 1", (f"*/{year}", preset)
    ).fetchone()
    return None if row is None else str(row["preset"])
