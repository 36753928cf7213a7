"""The node's checklist: what must be true of a query before anything is run for it.

     1  the envelope holds a manifest in its one encoding
     2  the register is signed by the pinned root, valid now, and no older than the manifest asks
     3  the asker is an active researcher or analyst, and signed these bytes
     4  approvers of two organisations signed them too: none the asker's own, one of them an authority
     5  it is neither expired nor from the future
     6  it has not been acted on before, and its nonce is new
     7  the roster holds this node, holds nodes alone, and is not smaller than this authority's rules allow
     8  the plan derived here from the SQL is the plan that was approved, and is about the year that it states
     9  the access matrix and this authority's rules allow table, columns, path and protection
    10  the history of what was answered about this table and year leaves room for it, under this protection
    11  the newest snapshot of the term that was approved covers the academic year asked about

Each line raises `Refused`. What it decides on is the manifest, the register, the rules and the history of manifests:
never data, so a refusal tells nothing about any child.
"""

import sqlite3
from dataclasses import dataclass

from disclosure_control.presets import load_preset
from federation.envelope import Envelope
from federation.manifest import ApprovalError, Manifest, check_approvals, check_asker, check_validity, manifest_digest
from federation.register import Member, MemberKind, OrganisationKind, Register, RegisterError
from federation.state import StateError
from node.rules import NodeRules
from node.service import Node
from node.snapshots import Snapshot, SnapshotDamaged, SnapshotMissing
from policies.access_policy import AccessDenied, AccessRequest
from policies.linter import PolicyInvalid
from query_engine.catalogue import load_catalogue
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.refusal import QueryRefused


class Refused(Exception):
    """The node does not answer; `code` goes into the log and the reply, `text` is safe to show."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass(frozen=True)
class Approved:
    """A manifest that has passed lines 1 to 5: what the envelope itself can show."""

    manifest: Manifest
    digest: str
    asker: Member
    register: Register


def open_manifest(node: Node, envelope: Envelope, manifest: Manifest) -> Approved:
    """Tick off lines 2 to 5: who asked, who approved, and when. Raises `Refused`."""
    now = node.clock()
    try:
        # 2: the register, verified again under our own pinned root.
        register = node.register()
        if register.version < manifest.minimum_register_version:
            raise Refused("register_old", f"this node has register version {register.version} only")
        # 3 and 4: the exact bytes are signed by the asker and by approvers of two other organisations.
        asker = check_asker(manifest, envelope, register, now)
        check_approvals(envelope, asker, register, now)
        # 5: the manifest is good now.
        check_validity(manifest, now)
    except ApprovalError as error:
        raise Refused(error.code, error.text) from None
    except (RegisterError, StateError) as error:
        raise Refused("register_invalid", str(error)) from None
    return Approved(manifest, manifest_digest(envelope), asker, register)


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
    operators, smallest = len({member.operator for member in members}), node.rules().smallest_roster
    if operators < smallest:
        raise Refused("roster_small", f"the roster has {operators} operators, and this authority asks for {smallest}")


def derive_plan(manifest: Manifest) -> QueryPlan:
    """Line 8. Raises `Refused`."""
    catalogue = load_catalogue()
    try:
        plan = plan_query(parse_query(manifest.sql, catalogue), catalogue)
    except QueryRefused as refused:
        raise Refused(refused.code, refused.text) from None
    approved = (manifest.plan_id, manifest.planner_version, manifest.catalogue_version, manifest.path)
    if approved != (plan.plan_id, plan.planner_version, catalogue.version, plan.path):
        raise Refused("plan_differs", "the plan derived here from the SQL is not the one that was approved")
    if plan.academic_years != (int(manifest.academic_year),):
        raise Refused("year_differs", f"the question is not about {manifest.academic_year} and no other academic year")
    return plan


def check_rules(node: Node, approved: Approved, plan: QueryPlan) -> None:
    """Line 9. Raises `Refused`."""
    manifest = approved.manifest
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
    if manifest.preset not in rules.presets:
        raise Refused("preset_barred", f"this authority does not accept the preset {manifest.preset}")
    if load_preset(manifest.preset).version != manifest.preset_version:
        raise Refused("preset_differs", f"the preset {manifest.preset} is another version here than was approved")


def name_subject(manifest: Manifest, plan: QueryPlan) -> str:
    """Return what a question is about: its tables and academic year, whichever snapshot it is answered from."""
    return f"{'+'.join(plan.tables)}/{manifest.academic_year}"


def check_history(connection: sqlite3.Connection, manifest: Manifest, plan: QueryPlan, rules: NodeRules) -> None:
    """Line 10. Raises `Refused`.

    The history goes by table and academic year, not by snapshot, since a load that changes one row would otherwise
    begin it anew; a question about several tables belongs to the history of each. One protection serves for all of it,
    since two roundings of one count tell more than either.
    """
    found = connection.execute(
        "SELECT DISTINCT plan_id, preset, subject FROM manifests WHERE subject LIKE ?", (f"%/{manifest.academic_year}",)
    ).fetchall()
    rows = [row for row in found if not set(plan.tables).isdisjoint(row["subject"].partition("/")[0].split("+"))]
    if any(row["preset"] != manifest.preset for row in rows):
        raise Refused("protection_changed", "this table and year have been answered about under another preset")
    others = {row["plan_id"] for row in rows} - {plan.plan_id}
    if len(others) >= rules.questions_per_year:
        raise Refused("history_full", f"{len(others)} questions about this table and year have been answered")


def find_snapshot(node: Node, manifest: Manifest, known: sqlite3.Row | None) -> Snapshot:
    """Line 11: the snapshot that was reserved, or the newest of the manifest's term. Raises `Refused`."""
    try:
        snapshot = node.store.get(known["snapshot"]) if known is not None else node.store.newest(manifest.snapshot_term)
    except (SnapshotMissing, SnapshotDamaged) as error:
        raise Refused("snapshot_absent", str(error)) from None
    if snapshot is None:
        raise Refused("snapshot_absent", f"this node has no snapshot of the term {manifest.snapshot_term}")
    if int(manifest.academic_year) not in snapshot.academic_years:
        raise Refused("snapshot_absent", f"the snapshot {snapshot.id} does not cover {manifest.academic_year}")
    return snapshot
