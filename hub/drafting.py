"""Drafting: what a researcher asks for, made into a manifest that says exactly what, of whom, and until when.

Everything is checked here that the nodes would refuse on sight, so that an honest asker hears of a mistake at once. The
draft and its entry in the audit log are one transaction.
"""

import secrets
from datetime import datetime, timedelta

from audit.connection import Connection
from audit.event import Action
from disclosure_control.noise.calibration import calibrate
from disclosure_control.noise.terms import NoiseRefused
from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.shelf import PresetShelf
from federation.database import stamp
from federation.envelope import seal_envelope, write_envelope
from federation.exchange import QueryDraft, QueryState
from federation.kept_presets import keep_version
from federation.manifest import MANIFEST_TYPE, SUM_PATHS, Manifest, Path, manifest_digest, write_manifest
from federation.preset_terms import state_preset
from federation.problems import ProblemRaised
from federation.project import Project
from federation.register import Member, MemberKind, OrganisationKind, Register
from federation.standing_rosters import ENGLAND
from federation.sum_terms import SumTerms, TermsInvalid, check_operators, check_terms, describe_terms
from federation.wire import whole_seconds
from hub.budgets import check_budget
from hub.cell_keys import check_answers_left
from hub.gate import check_room
from hub.planning import plan_draft
from hub.projects import check_question, find_project
from hub.service import Hub
from hub.sums.rosters import standing_members
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import QueryPlan

MOST_ROWS = 100_000
"""Rows that a release may have: more would not fit in a document that its asker can fetch."""


def draft_query(hub: Hub, draft: QueryDraft, asker: Member) -> str:
    """Check a draft, make its manifest and return the query's id. Raises problems that say what to mend."""
    hub.check_access(asker.kind, "federation", "submit", "manifest")
    project = find_project(hub, draft.project, asker.id)
    preset = choose_preset(draft, project, hub.party.presets)
    plan = plan_draft(draft.sql, draft.path, preset.record_keys)
    check_question(project, asker.id, preset.name, plan, hub.clock())
    everybody = _choose_everybody(hub, draft)
    manifest = compose_manifest(draft, project, asker, plan, preset, everybody, hub.register(), hub.clock())
    check_budget(hub, manifest)
    check_answers_left(hub, manifest, plan)
    check_room(hub, manifest, plan)
    keep_preset(hub, preset)
    store_draft(hub, manifest, plan)
    return manifest.query_id


def _choose_everybody(hub: Hub, draft: QueryDraft) -> tuple[str, ...]:
    """Return the nodes that a draft is for when it names none: those that can add up together now, or all."""
    if draft.path in SUM_PATHS and draft.roster is None:
        return standing_members(hub, ENGLAND, hub.clock())
    return tuple(member.id for member in hub.register().active(MemberKind.NODE, hub.clock()))


def keep_preset(hub: Hub, preset: Preset) -> None:
    """Keep the rules that a manifest is about to name. Raises a 422 problem where they changed under their version."""
    try:
        keep_version(hub.party.presets, preset)
    except PresetInvalid as error:
        raise ProblemRaised(422, "preset_changed", str(error)) from None


def store_draft(hub: Hub, manifest: Manifest, plan: QueryPlan) -> None:
    """Store a manifest that nobody has signed yet."""
    with hub.database.transaction() as connection:
        write_draft(hub, connection, manifest, plan, by=manifest.asker)


def write_draft(hub: Hub, connection: Connection, manifest: Manifest, plan: QueryPlan, *, by: str) -> None:
    """Write down a manifest that nobody has signed yet, and who had it drafted."""
    envelope = seal_envelope(write_manifest(manifest), MANIFEST_TYPE)
    row = {
        "query_id": manifest.query_id,
        "state": QueryState.DRAFTED,
        "project": manifest.project.name,
        "asker": manifest.asker,
        "digest": manifest_digest(envelope),
        "cells": plan.cells,
        "roster_size": len(manifest.roster),
        "drafted_at": stamp(manifest.issued_at),
        "expires_at": stamp(manifest.expires_at),
        "envelope": write_envelope(envelope),
    }
    connection.execute(
        "INSERT INTO queries VALUES (:query_id, :state, :project, :asker, :digest, :cells, :roster_size, "
        ":drafted_at, :expires_at, :envelope)",
        row,
    )
    event = hub.event(Action.QUERY_DRAFTED, by, manifest.query_id, purpose=manifest.purpose, plan=plan.plan_id)
    hub.database.log.append(connection, event)


def compose_manifest(
    draft: QueryDraft,
    project: Project,
    asker: Member,
    plan: QueryPlan,
    preset: Preset,
    everybody: tuple[str, ...],
    register: Register,
    now: datetime,
) -> Manifest:
    """Return the manifest of a draft, for the nodes that it names or for `everybody`.

    Raises 422 problems that say what to mend.
    """
    roster = _choose_roster(draft, everybody, register, now)
    _check_audience(asker, plan)
    _check_year(draft, plan)
    _check_size(plan, 1 if draft.path in SUM_PATHS else len(roster))
    _check_path(draft)
    terms = _choose_terms(draft, plan, roster, register)
    issued = whole_seconds(now)
    return Manifest(
        query_id=f"Q-{secrets.token_hex(8)}",
        project=project,
        asker=asker.id,
        purpose=draft.purpose,
        sql=draft.sql,
        plan_id=plan.plan_id,
        planner_version=plan.planner_version,
        catalogue_version=load_catalogue().version,
        academic_year=draft.academic_year,
        snapshot_term=draft.term,
        path=draft.path,
        sum=terms,
        template="",
        choices=(),
        **state_preset(preset),
        roster=roster,
        minimum_register_version=register.version,
        issued_at=issued,
        expires_at=issued + timedelta(hours=draft.valid_hours),
        nonce=secrets.token_hex(32),
    )


def _check_path(draft: QueryDraft) -> None:
    if draft.path is Path.EXACT_SUM:
        text = "an exact sum is taken under a template that was approved: run one, or ask for a noisy sum"
        raise ProblemRaised(422, "template_missing", text)


def _choose_terms(draft: QueryDraft, plan: QueryPlan, roster: tuple[str, ...], register: Register) -> SumTerms | None:
    """Return the terms of a noisy sum, under which its noise can be made and no operator sees through it.

    Raises a 422 problem.
    """
    terms = draft.sum_terms(len(roster))
    if terms is not None:
        operators = [member.operator for member in register.members if member.id in roster]
        try:
            check_terms(terms, len(roster), noisy=True)
            check_operators(terms, operators)
        except TermsInvalid as error:
            # Nodes that were silent are not asked, so terms that were valid the last time may be so no more.
            text = f"{error}; {describe_terms(len(roster), operators)}"
            raise ProblemRaised(422, "terms_invalid", text) from None
        try:
            calibrate(plan, terms.epsilon, terms.mechanism)
        except NoiseRefused as error:
            raise ProblemRaised(422, "epsilon_refused", str(error)) from None
    return terms


def choose_preset(draft: QueryDraft, project: Project, presets: PresetShelf) -> Preset:
    """Return the preset of a draft, which the project's releases may use. Raises a 422 problem."""
    if draft.preset not in project.presets:
        allowed = ", ".join(project.presets)
        raise ProblemRaised(422, "preset_not_in_project", f"the project's releases use one of: {allowed}")
    try:
        return presets.load(draft.preset)
    except PresetInvalid as error:
        raise ProblemRaised(422, "preset_unknown", str(error)) from None


def _check_audience(asker: Member, plan: QueryPlan) -> None:
    if plan.audience == "authority" and asker.organisation_kind is not OrganisationKind.AUTHORITY:
        raise ProblemRaised(422, "audience", "the question uses a column that authorities alone may ask about")


def _check_year(draft: QueryDraft, plan: QueryPlan) -> None:
    years = load_catalogue().table(plan.tables[0]).columns["academic_year"].domain or ()
    if int(draft.academic_year) not in years:
        known = ", ".join(map(str, years))
        raise ProblemRaised(422, "year_unknown", f"{plan.table} knows of no such academic year, but of: {known}")
    if plan.academic_years != (int(draft.academic_year),):
        year = draft.academic_year
        raise ProblemRaised(422, "year_differs", f"add academic_year = {year} to every WHERE: approvers read that year")


def _choose_roster(draft: QueryDraft, everybody: tuple[str, ...], register: Register, now: datetime) -> tuple[str, ...]:
    """Return the nodes to be asked, in order: those that the draft names, or everybody."""
    nodes = {member.id for member in register.active(MemberKind.NODE, now)}
    roster = set(everybody if draft.roster is None else draft.roster)
    if unknown := sorted(roster - nodes):
        raise ProblemRaised(422, "roster_unknown", f"not an active node: {', '.join(unknown)}")
    if not roster:
        raise ProblemRaised(422, "roster_empty", "there is no node to ask: name one, or leave the roster out for all")
    return tuple(sorted(roster))


def _check_size(plan: QueryPlan, tables: int) -> None:
    rows = plan.cells * tables
    if rows > MOST_ROWS:
        raise ProblemRaised(
            422,
            "too_many_rows",
            f"{plan.cells:,} cells in {tables} tables are {rows:,} rows, and a release has at most {MOST_ROWS:,}: "
            "group by fewer columns, filter to fewer categories, or ask fewer nodes",
        )
