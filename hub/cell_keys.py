"""Cell keys at the hub: what changes a total's counts, and how many answers each node has given under them.

Every node counts for itself and refuses (`node.cell_keys`). The hub counts what it handed on, so that an asker hears of
a refusal before anybody is asked; it does not know how a node's snapshot changed within a term.
"""

from collections.abc import Iterator

from audit.connection import Connection
from disclosure_control.cell_key.perturbing import CellKeys
from disclosure_control.cell_key.ptable import PTableInvalid
from disclosure_control.presets.preset import Preset
from disclosure_control.release.gate import ReleaseRefused
from federation.cell_key_terms import AnswersUsed, check_answers, name_scope
from federation.manifest import Manifest
from federation.problems import ProblemRaised
from hub.service import Hub
from query_engine.planning.plan import QueryPlan
from query_engine.planning.record_keys import count_answers


def open_cell_keys(hub: Hub, preset: Preset) -> CellKeys:
    """What changes the counts of a total under a preset. Raises `ReleaseRefused` where the hub lacks its table."""
    assert preset.cell_key is not None
    try:
        table = hub.party.presets.find_table(preset.cell_key)
    except PTableInvalid as error:
        raise ReleaseRefused(str(error)) from None
    return CellKeys(table, preset, hub.party.keys.category_secret)


def check_answers_left(hub: Hub, manifest: Manifest, plan: QueryPlan) -> None:
    """Check, before anybody is asked, that every node of the roster has answers left. Raises a 422 problem.

    A total cannot be changed without its table, so that the hub must have it, too.
    """
    if manifest.cell_key is None:
        return
    try:
        if manifest.sum is not None:
            open_cell_keys(hub, hub.party.presets.load(manifest.preset))
        _check_answers(hub.database.connection, manifest, plan)
    except ReleaseRefused as error:
        raise ProblemRaised(422, "ptable_absent", str(error)) from None
    except AnswersUsed as used:
        raise ProblemRaised(422, used.code, used.text) from None


def count_answers_given(connection: Connection, manifest: Manifest, plan: QueryPlan) -> None:
    """Note the answers of a question under cell keys that is handed on, in the caller's transaction.

    Raises a 409 problem where none are left: another may have been handed on since this one was drafted.
    """
    try:
        _check_answers(connection, manifest, plan)
    except AnswersUsed as used:
        raise ProblemRaised(409, used.code, used.text) from None
    connection.executemany(
        "INSERT INTO cell_key_answers VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        list(_rows(manifest, plan)),
    )


def _rows(manifest: Manifest, plan: QueryPlan) -> Iterator[tuple[str, str, str, str, str, str, int]]:
    scope, answers = name_scope(manifest), count_answers(plan)
    for node in manifest.roster:
        for table in plan.tables:
            yield node, table, manifest.academic_year, plan.plan_id, manifest.snapshot_term, scope, answers


def _check_answers(connection: Connection, manifest: Manifest, plan: QueryPlan) -> None:
    """Raises `AnswersUsed` for the node that has given most."""
    assert manifest.cell_key is not None
    for table in plan.tables:
        found = connection.execute(
            "SELECT node, sum(answers) AS given FROM cell_key_answers WHERE subject = ? AND academic_year = ? "
            "AND NOT (plan_id = ? AND term = ? AND scope = ?) GROUP BY node",
            (table, manifest.academic_year, plan.plan_id, manifest.snapshot_term, name_scope(manifest)),
        ).fetchall()
        given = max((int(row["given"]) for row in found if row["node"] in manifest.roster), default=0)
        about = f"{table} of {manifest.academic_year}"
        check_answers(given, count_answers(plan), manifest.cell_key.answers, about)
