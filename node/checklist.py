"""The node's checklist: what must be true of a query before anything is run for it.

     1  the envelope holds a manifest in its one encoding, and it was handed on in the way of its path
     2  the register is signed by the pinned root, valid now, and no older than the manifest asks
     3  the asker is an active researcher or analyst, and signed these bytes
     4  approvers of two organisations signed them too: none the asker's own, one of them an authority; or they signed
        the template that this is a run of, which gives these very bytes
     5  it is neither expired nor from the future
     6  it has not been acted on before, and its nonce is new
     7  the roster holds this node, holds nodes alone, and has no fewer operators, and for a sum no lower a threshold,
        than this authority's rules allow
     8  the plan derived here from the SQL is the plan that was approved, may take its path, and is about the year that
        it states
     9  the project that was approved with it is under way, has the asker among its accredited people, and was agreed
        for these data items and this protection; the access matrix and this authority's rules allow table, columns,
        path and protection, and for a sum tolerance and privacy loss
    10  the history of what was answered about this table and year leaves room for it, under this protection and by this
        path, the template has runs left, and each academic year it touches has as much of its budget left as it costs
    11  the newest snapshot of the term that was approved covers the academic year asked about; rows of the year leave
        from no more snapshots of a term, and of no more terms, than this authority's rules allow
    12  enough operators of the roster can reach each cell of an exact sum, and are in each region if it tells
        regions apart
    13  the attempt at a sum is the hub's, for this roster and threshold; its slot was never used, every earlier attempt
        is over, and an exact sum keeps to the term's one set of survivors, as their certificate says, and to that of
        every other term which was asked about the same

Lines 12 and 13 are for sums alone: `node.sums` ticks them off.

Each line raises `Refused`. What it decides on is the manifest, the register, the rules and the history of manifests:
never data, so a refusal tells nothing about any child.
"""

import sqlite3
from collections.abc import Container
from datetime import datetime

from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.strictness import PresetLooser, check_stricter
from federation.envelope import Envelope
from federation.kept_presets import keep_version
from federation.manifest import (
    ApprovalError,
    Manifest,
    Path,
    check_approvals,
    check_asker,
    check_project,
    check_validity,
    manifest_digest,
    read_record_keys,
)
from federation.plans import derive_plan as plan_question
from federation.preset_terms import check_stated
from federation.register import Member, MemberKind, OrganisationKind, Register, RegisterError
from federation.state import StateError
from federation.template import Template, check_run
from node.approved import Approved
from node.cell_keys import check_answers_left, find_table
from node.earlier_rows import find_fixed, list_terms
from node.figures.ledger import find_other_preset
from node.refusal import Refused
from node.rules import NodeRules
from node.service import Node
from node.snapshots import Snapshot, SnapshotDamaged, SnapshotMissing
from node.sums.allowances import check_allowances, check_paths_taken, check_terms
from policies.access_policy import AccessDenied, AccessRequest
from policies.linter import PolicyInvalid
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import QueryPlan
from query_engine.refusal import QueryRefused

PROTECTION_CHANGED = Refused("protection_changed", "this year has been answered about under another preset")


def check_door(manifest: Manifest, paths: Container[Path]) -> None:
    """Line 1: a manifest is answered in the way of its path, and in no other. Raises `Refused`."""
    if manifest.path not in paths:
        raise Refused("path_differs", f"a manifest for {manifest.path} was handed on as one for another path")


def open_manifest(node: Node, envelope: Envelope, manifest: Manifest, template: Envelope | None = None) -> Approved:
    """Tick off lines 2 to 5: who asked, who approved, and when; `template` is what a run hands on. Raises `Refused`."""
    now = node.clock()
    try:
        # 2: the register, verified again under our own pinned root.
        register = node.register()
        if register.version < manifest.minimum_register_version:
            raise Refused("register_old", f"this node has register version {register.version} only")
        # 3 and 4: the exact bytes are signed by the asker and by approvers of two other organisations.
        asker, standing = _check_signers(envelope, manifest, template, register, now)
        # 5: the manifest is good now.
        check_validity(manifest, now)
    except ApprovalError as error:
        raise Refused(error.code, error.text) from None
    except (RegisterError, StateError) as error:
        raise Refused("register_invalid", str(error)) from None
    return Approved(manifest, manifest_digest(envelope), asker, register, standing)


def _check_signers(
    envelope: Envelope, manifest: Manifest, template: Envelope | None, register: Register, now: datetime
) -> tuple[Member, Template | None]:
    if manifest.template:
        if template is None:
            raise Refused("template_missing", "the run came without its template")
        standing, asker = check_run(manifest, envelope, template, register, now)
        return asker, standing
    asker = check_asker(manifest, envelope, register, now)
    check_approvals(envelope, asker, register, now)
    return asker, None


def check_roster(node: Node, approved: Approved) -> None:
    """Line 7. Raises `Refused`."""
    roster, now = approved.manifest.roster, node.clock()
    if node.party.member_id not in roster:
        raise Refused("not_in_roster", "this node is not in the manifest's roster")
    try:
        members = [approved.register.find(member, now) for member in roster]
    except RegisterError as error:
        raise Refused("roster_unknown", str(error)) from None
    if any(member.kind is not MemberKind.NODE for member in members):
        raise Refused("roster_unknown", "the roster names a member that is no node")
    rules, terms = node.rules(), approved.manifest.sum
    operators = len({member.operator for member in members})
    smallest = max(rules.smallest_roster, rules.sums.smallest_roster) if terms is not None else rules.smallest_roster
    if operators < smallest:
        raise Refused("roster_small", f"the roster has {operators} operators, and this authority asks for {smallest}")
    lowest = rules.sums.floors.lowest_threshold(len(roster))
    if terms is not None and terms.threshold < lowest:
        raise Refused("threshold_low", f"the threshold is {terms.threshold}, and this authority asks for {lowest}")


def find_members(node: Node, approved: Approved) -> tuple[Member, ...]:
    """The members of a roster that has passed line 7."""
    return tuple(approved.register.find(member, node.clock()) for member in approved.manifest.roster)


def derive_plan(manifest: Manifest) -> QueryPlan:
    """Line 8. Raises `Refused`."""
    try:
        plan = plan_question(manifest.sql, manifest.path, read_record_keys(manifest))
    except QueryRefused as refused:
        raise Refused(refused.code, refused.text) from None
    approved = (manifest.plan_id, manifest.planner_version, manifest.catalogue_version)
    if approved != (plan.plan_id, plan.planner_version, load_catalogue().version):
        raise Refused("plan_differs", "the plan derived here from the SQL is not the one that was approved")
    if plan.academic_years != (int(manifest.academic_year),):
        raise Refused("year_differs", f"the question is not about {manifest.academic_year} and no other academic year")
    return plan


def check_rules(node: Node, approved: Approved, plan: QueryPlan) -> None:
    """Line 9. Raises `Refused`."""
    manifest = approved.manifest
    try:
        check_project(manifest, plan, node.clock())
    except ApprovalError as error:
        raise Refused(error.code, error.text) from None
    try:
        rules, policy = node.rules(), node.policy()
        policy.check(AccessRequest(approved.asker.kind, "federation", "aggregate", "aggregates"))
        policy.check(AccessRequest("node", "federation", "answer", "manifest"))
    except AccessDenied as denied:
        raise Refused("policy_denied", denied.text) from None
    except (PolicyInvalid, StateError):
        raise Refused("rules_invalid", "this authority's own rules cannot be used at the moment") from None
    if manifest.path not in rules.paths:
        raise Refused("path_barred", f"this authority lets no table leave by {manifest.path}")
    if barred_tables := sorted(set(plan.tables) - rules.tables):
        raise Refused("table_barred", f"this authority does not answer about {', '.join(barred_tables)}")
    if plan.audience == "authority" and approved.asker.organisation_kind is not OrganisationKind.AUTHORITY:
        raise Refused("audience", "the question uses a column that authorities alone may ask about")
    if barred := sorted(plan.columns & rules.barred_columns):
        raise Refused("column_barred", f"this authority does not answer about {', '.join(barred)}")
    preset = accept_preset(node, manifest)
    if manifest.sum is not None:
        check_terms(manifest, find_members(node, approved), rules.sums, preset)


def accept_preset(node: Node, manifest: Manifest) -> Preset:
    """Line 9: the preset of a manifest, which the rules name, no looser than their floor. Raises `Refused`."""
    rules = node.rules()
    preset = find_accepted(node, manifest.preset, rules.presets if manifest.sum is None else rules.sums.presets)
    try:
        check_stated(manifest, preset)
    except PresetInvalid as error:
        raise Refused("preset_differs", str(error)) from None
    if preset.cell_key is not None and manifest.sum is None:
        find_table(node, preset)
    return preset


def find_accepted(node: Node, name: str, accepted: Container[str]) -> Preset:
    """Return a preset that is among those accepted, and no looser than the floor of the rules, as it always was.

    Its rules are kept, for what it protects to be read by them later. Raises `Refused`.
    """
    rules, presets = node.rules(), node.party.presets
    if name not in accepted:
        raise Refused("preset_barred", f"this authority does not accept the preset {name}")
    try:
        preset = presets.load(name)
        if floor := rules.floor if preset.cell_key is None else rules.cell_keys.floor:
            check_stricter(preset, presets.load(floor))
    except (PresetInvalid, PresetLooser) as error:
        raise Refused("preset_barred", str(error)) from None
    try:
        keep_version(presets, preset)
    except PresetInvalid as error:
        raise Refused("preset_changed", str(error)) from None
    return preset


def name_subject(manifest: Manifest, plan: QueryPlan) -> str:
    """Return what a question is about: its tables and academic year, whichever snapshot it is answered from."""
    return f"{'+'.join(plan.tables)}/{manifest.academic_year}"


def check_history(
    connection: sqlite3.Connection, approved: Approved, plan: QueryPlan, snapshot: str, rules: NodeRules
) -> None:
    """Line 10. Raises `Refused`.

    The history goes by table and academic year, not by snapshot, since a load that changes one row would otherwise
    begin it anew; a question about several tables belongs to the history of each. One protection serves for all rows of
    one's own about a year, and one for all exact sums, since two roundings of one count tell more than either, and
    tables are about the same children; what is noised is rounded for show alone.
    """
    manifest = approved.manifest
    found = connection.execute(
        "SELECT DISTINCT plan_id, preset, subject, epsilon FROM manifests LEFT JOIN sums_asked USING (digest) "
        "WHERE subject LIKE ?",
        (f"%/{manifest.academic_year}",),
    ).fetchall()
    rows = [row for row in found if not set(plan.tables).isdisjoint(row["subject"].partition("/")[0].split("+"))]
    noise = manifest.sum.epsilon if manifest.sum is not None else None
    if not noise and any(row["preset"] != manifest.preset for row in found if row["epsilon"] == noise):
        raise PROTECTION_CHANGED.anew()
    if manifest.path is Path.PER_AUTHORITY and find_other_preset(connection, manifest.academic_year, manifest.preset):
        raise PROTECTION_CHANGED.anew()
    others = {row["plan_id"] for row in rows} - {plan.plan_id}
    if len(others) >= rules.questions_per_year:
        raise Refused("history_full", f"{len(others)} questions about this table and year have been answered")
    check_answers_left(connection, manifest, plan, snapshot, rules.cell_keys)
    check_paths_taken(connection, manifest)
    check_allowances(connection, approved, rules.sums)


def find_snapshot(
    node: Node, connection: sqlite3.Connection, manifest: Manifest, known: sqlite3.Row | None
) -> Snapshot:
    """Line 11: the snapshot that was reserved, or that the term's exact figures are fixed to, or the term's newest.

    Raises `Refused`.
    """
    named = known["snapshot"] if known is not None else _find_fixed(node, connection, manifest)
    try:
        snapshot = node.store.get(named) if named else node.store.newest(manifest.snapshot_term)
    except (SnapshotMissing, SnapshotDamaged) as error:
        raise Refused("snapshot_absent", str(error)) from None
    if snapshot is None:
        raise Refused("snapshot_absent", f"this node has no snapshot of the term {manifest.snapshot_term}")
    if int(manifest.academic_year) not in snapshot.academic_years:
        raise Refused("snapshot_absent", f"the snapshot {snapshot.id} does not cover {manifest.academic_year}")
    return snapshot


def _find_fixed(node: Node, connection: sqlite3.Connection, manifest: Manifest) -> str | None:
    """The snapshot of a term that exact sums, or rows of one's own, are fixed to. Raises `Refused`.

    Under cell keys a child more or less changes a count by chance as well, and answers are counted over all snapshots.
    """
    if manifest.path is Path.EXACT_SUM:
        lock = node.sums.find_exact_lock(manifest.snapshot_term)
        return lock.snapshot if lock is not None else None
    if manifest.path is Path.NOISY_SUM or manifest.cell_key is not None:
        return None
    rules = node.rules()
    others = list_terms(connection, manifest.academic_year) - {manifest.snapshot_term}
    if len(others) >= rules.terms_per_year:
        raise Refused("terms_used", f"rows about {manifest.academic_year} have left of {len(others)} other terms")
    return find_fixed(connection, manifest.academic_year, manifest.snapshot_term, rules.snapshots_per_term)
