"""What a figure is counted from and protected by: chosen, and looked at once more in the transaction that keeps it.

A query is let in at any moment, also while one of our people is being shown a figure. So it is chosen from all that was
let in or shown before, as it is for a query; and a figure is kept only while the same would be chosen. Whichever of two
that meet is entered first holds, and the other follows it.
"""

from dataclasses import dataclass

from audit.connection import Connection
from disclosure_control.presets.preset import Preset
from federation.manifest import Path
from node.checklist import find_accepted
from node.earlier_rows import find_fixed, find_last, list_terms
from node.refusal import Refused
from node.service import Node
from node.snapshots import Snapshot, SnapshotDamaged, SnapshotMissing
from node.sums.allowances import check_path


@dataclass(frozen=True)
class Basis:
    """The snapshot that a figure is counted from, and the preset that protects it."""

    snapshot: Snapshot
    preset: Preset


def choose_basis(node: Node, connection: Connection, year: int, sql: str) -> Basis:
    """Return the basis of a figure of an academic year, by what has left and was shown. Raises `Refused`."""
    _check_shown(node, year)
    check_path(connection, sql, Path.PER_AUTHORITY)
    return Basis(_find_snapshot(node, connection, year), _choose_preset(node, connection, year))


def check_basis(node: Node, connection: Connection, year: int, sql: str, basis: Basis) -> None:
    """Check, in the caller's transaction, that the same would be chosen still. Raises `Refused`."""
    if choose_basis(node, connection, year, sql) != basis:
        text = "a query about the year, a load or a new rule came in between, and the figure follows it: ask again"
        raise Refused("basis_changed", text)


def _check_shown(node: Node, year: int) -> None:
    rules = node.rules()
    if not rules.figures.shown or Path.PER_AUTHORITY not in rules.paths:
        raise Refused("figures_barred", "this authority shows no figures at its pages: its rules say so")
    if year in rules.figures.exact_sum_years:
        text = "this authority keeps that academic year for exact sums over all authorities: its rules say so"
        raise Refused("figures_barred", text)


def _find_snapshot(node: Node, connection: Connection, year: int) -> Snapshot:
    """Return the snapshot in use, or the one that rows of the year leave from. Raises `Refused`."""
    snapshot = node.store.current()
    if snapshot is not None and (fixed := _find_fixed(node, connection, str(year), snapshot.term)):
        try:
            snapshot = node.store.get(fixed)
        except (SnapshotMissing, SnapshotDamaged) as error:
            raise Refused("snapshot_absent", str(error)) from None
    if snapshot is None or year not in snapshot.academic_years:
        raise Refused("snapshot_absent", "nothing that was loaded here covers that academic year")
    return snapshot


def _find_fixed(node: Node, connection: Connection, year: str, term: str) -> str | None:
    """The snapshot that rows of a year leave from, of a term; the last one of all where there may be no more terms."""
    rules = node.rules()
    if len(list_terms(connection, year) - {term}) >= rules.terms_per_year:
        return find_last(connection, year)
    return find_fixed(connection, year, term, rules.snapshots_per_term)


def _choose_preset(node: Node, connection: Connection, year: int) -> Preset:
    """Return the preset of the year's rows, or of the rules where none have left. Raises `Refused`."""
    rules = node.rules()
    row = connection.execute(
        "SELECT preset FROM manifests JOIN rows_asked USING (digest) WHERE subject GLOB ? "
        "UNION SELECT preset FROM figures_shown WHERE subject GLOB ? LIMIT 1",
        (f"*/{year}", f"*/{year}"),
    ).fetchone()
    preset = find_accepted(node, rules.figures.preset if row is None else row["preset"], rules.presets)
    if preset.cell_key is not None:
        raise Refused("preset_barred", "figures at our pages are rounded and withheld, and not changed by cell keys")
    return preset
