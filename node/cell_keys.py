"""Cell keys at a node: its own rows changed by them, and how many answers about one table and year it gives so.

Changes are 0 on average, so that who gathers many answers about the same children averages them away. What a reader can
average is counted (`count_answers`), and kept in the transaction that enters the question and its audit entry. It is
counted by table and academic year over all snapshots, since keys stay with the children from one to the next. The same
question of the same snapshot and roster is the same answer, and costs nothing.
"""

import sqlite3

from disclosure_control.cell_key.perturbing import CellKeys, protect_counts
from disclosure_control.cell_key.ptable import PTable, PTableInvalid
from disclosure_control.presets.preset import Preset
from disclosure_control.rows.protected_table import ProtectedTable
from federation.cell_key_terms import AnswersUsed, check_answers, name_scope
from federation.manifest import Manifest
from node.refusal import Refused
from node.rules import CellKeyRules
from node.service import Node
from query_engine.planning.plan import QueryPlan
from query_engine.planning.record_keys import count_answers
from query_engine.tables import RawTable


def change_rows(node: Node, raw: RawTable, preset: Preset) -> ProtectedTable:
    """The protected table of this node's own rows, under a preset that changes counts by cell keys.

    What left before plays no part: nothing is withheld for the sake of others, and the same children come out alike.
    """
    return protect_counts(raw, CellKeys(find_table(node, preset), preset, node.party.keys.category_secret))


def find_table(node: Node, preset: Preset) -> PTable:
    """The perturbation table of a preset that has one. Raises `Refused` where this node does not hold it."""
    assert preset.cell_key is not None
    try:
        return node.party.presets.find_table(preset.cell_key)
    except PTableInvalid as error:
        raise Refused("ptable_absent", str(error)) from None


def check_answers_left(
    connection: sqlite3.Connection, manifest: Manifest, plan: QueryPlan, snapshot: str, rules: CellKeyRules
) -> None:
    """Line 10, for counts that are changed by cell keys: few answers about one table and year. Raises `Refused`."""
    if manifest.cell_key is None:
        return
    most = min(manifest.cell_key.answers, rules.answers_per_year)
    for table in plan.tables:
        (given,) = connection.execute(
            "SELECT coalesce(sum(answers), 0) FROM cell_key_answers WHERE subject = ? AND academic_year = ? "
            "AND NOT (plan_id = ? AND snapshot = ? AND scope = ?)",
            (table, manifest.academic_year, plan.plan_id, snapshot, name_scope(manifest)),
        ).fetchone()
        try:
            check_answers(given, count_answers(plan), most, f"{table} of {manifest.academic_year}")
        except AnswersUsed as used:
            raise Refused(used.code, used.text) from None


def record_answers(connection: sqlite3.Connection, manifest: Manifest, plan: QueryPlan, snapshot: str) -> None:
    """Note, in the caller's transaction, how many answers a question takes of those that are given."""
    if manifest.cell_key is not None:
        scope, answers = name_scope(manifest), count_answers(plan)
        rows = [(each, manifest.academic_year, plan.plan_id, snapshot, scope, answers) for each in plan.tables]
        connection.executemany("INSERT OR IGNORE INTO cell_key_answers VALUES (?, ?, ?, ?, ?, ?)", rows)
