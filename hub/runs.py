"""Runs of templates: a standing question with its choices made, as the manifest that its asker signs and nodes check.

The hub puts the run together from the template alone, for the roster that stands now. What approves it is the template,
which two organisations signed; so a run that its asker has signed is on its way at once.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from audit.event import Action
from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.release.gate import ReleaseRefused
from disclosure_control.release.totals import check_total_preset
from federation.envelope import Envelope, write_envelope
from federation.exchange import RunDraft
from federation.manifest import ApprovalError, Choice, Manifest, Path, read_record_keys
from federation.preset_terms import check_stated
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, Register
from federation.secure_sum.certificates import check_widest_roster
from federation.secure_sum.errors import SumRefused
from federation.standing_rosters import ENGLAND, belongs_to
from federation.sum_terms import SumTerms, TermsInvalid, check_terms, describe_terms, smallest_threshold
from federation.template import Template, bind_run, check_template, read_template, template_digest, write_question
from federation.wire import whole_seconds
from hub.budgets import check_budget
from hub.cell_keys import check_answers_left
from hub.drafting import keep_preset, write_draft
from hub.gate import check_room
from hub.planning import plan_draft
from hub.projects import check_under_way, find_project
from hub.service import Hub
from hub.sums.certificates import certified_survivors, choose_survivors
from hub.sums.rosters import standing_members
from query_engine.planning.plan import QueryPlan


@dataclass(frozen=True)
class PreparedRun:
    """A run that may be drafted: its manifest and plan, and the template that it is of."""

    manifest: Manifest
    plan: QueryPlan
    template: Template
    envelope: Envelope
    """The template as it was signed."""


def draft_run(hub: Hub, draft: RunDraft, asker: Member) -> str:
    """Make the manifest of a run and return the query's id. Raises problems that say what to mend."""
    return store_run(hub, prepare_run(hub, draft, asker))


def prepare_run(hub: Hub, draft: RunDraft, asker: Member) -> PreparedRun:
    """Make the manifest of a run, and check all that would have it refused. Raises problems that say what to mend."""
    hub.check_access(asker.kind, "federation", "submit", "manifest")
    now, register = hub.clock(), hub.register()
    template = _check_template(draft.template, asker, register, now)
    find_project(hub, template.project.name, asker.id)
    check_under_way(template.project, asker.id, now)
    question = write_run_question(template, draft)
    roster = choose_standing_roster(hub, template, draft.snapshot_term, question.year, now)
    manifest = compose_run(template, draft, question, roster, register, now, hub.party.presets)
    check_budget(hub, manifest)
    check_answers_left(hub, manifest, question.plan)
    check_room(hub, manifest, question.plan)
    return PreparedRun(manifest, question.plan, template, draft.template)


def store_run(hub: Hub, run: PreparedRun, *, recurring: bool = False) -> str:
    """Store a run that nobody has signed yet; return the query's id.

    One that is `recurring` is the hub's own doing and is stored once: nothing is returned where it was before.
    """
    keep_preset(hub, hub.party.presets.load(run.template.preset))
    _keep_template(hub, run.template, run.envelope)
    manifest = run.manifest
    row = (manifest.query_id, manifest.template, name_choices(manifest.choices), manifest.snapshot_term, int(recurring))
    with hub.database.transaction() as connection:
        # Whoever comes second finds the place taken, before a query is stored for it.
        placed = connection.execute("INSERT INTO template_runs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", row)
        if not placed.rowcount:
            return ""
        write_draft(hub, connection, manifest, run.plan, by=hub.party.member_id if recurring else manifest.asker)
    return manifest.query_id


def name_choices(choices: tuple[Choice, ...]) -> str:
    """Return the choices of a run as one text, the same for the same choices."""
    return "\n".join(f"{choice.parameter}={choice.value}" for choice in choices)


def _check_template(envelope: Envelope, asker: Member, register: Register, now: datetime) -> Template:
    try:
        template = read_template(envelope)
        check_template(template, envelope, register, now)
    except ApprovalError as error:
        raise ProblemRaised(422, error.code, error.text) from None
    if template.asker != asker.id:
        raise ProblemRaised(403, "template_of_another", f"only {template.asker} can run this template")
    return template


@dataclass(frozen=True)
class RunQuestion:
    """What a run asks, once its choices are made: about one academic year."""

    sql: str
    plan: QueryPlan
    year: str


def write_run_question(template: Template, draft: RunDraft) -> RunQuestion:
    """Return the question that a template and its choices give. Raises 422 problems that say what to mend."""
    try:
        sql = write_question(template, draft.choices)
    except ApprovalError as error:
        raise ProblemRaised(422, error.code, error.text) from None
    plan = plan_draft(sql, template.path, read_record_keys(template))
    if len(plan.academic_years) != 1:
        raise ProblemRaised(422, "year_differs", "a run is about one academic year: give it in every WHERE")
    return RunQuestion(sql, plan, str(plan.academic_years[0]))


def choose_standing_roster(hub: Hub, template: Template, term: str, year: str, now: datetime) -> tuple[str, ...]:
    """Return whom a run asks: its standing roster as it is now; of exact sums, those that the first one fixed.

    Raises 409 problems where nobody can be asked so.
    """
    if template.path is not Path.EXACT_SUM:
        return standing_members(hub, template.roster, now)
    connection = hub.database.connection
    first = certified_survivors(connection, term) is None
    if first and template.roster != ENGLAND:
        text = f"the first exact sum about {term} is over England: run a template for the whole of it first"
        raise ProblemRaised(409, "certificate_missing", text)
    fixed = choose_survivors(connection, term, year)
    if fixed is None:
        return standing_members(hub, template.roster, now)
    members = _check_all_active(hub.register(), fixed, now)
    if first:
        _check_widest(hub.register(), fixed, year, now)
    return tuple(node for node in fixed if belongs_to(members[node], template.roster))


def _check_all_active(register: Register, fixed: tuple[str, ...], now: datetime) -> Mapping[str, Member]:
    members = {member.id: member for member in register.active(MemberKind.NODE, now)}
    gone = [node for node in fixed if node not in members]
    if gone:
        text = f"exact sums about this are over certain nodes, of which {', '.join(gone)} cannot be asked any more"
        raise ProblemRaised(409, "survivors_gone", f"{text}: ask about a term and a year that nobody asked about yet")
    return members


def _check_widest(register: Register, fixed: tuple[str, ...], year: str, now: datetime) -> None:
    try:
        check_widest_roster(fixed, register, now)
    except SumRefused as refused:
        text = f"exact sums about {year} were made for nodes who are too few to begin a term with: {refused.text}"
        raise ProblemRaised(409, refused.code, f"{text}; run the template about a term that was asked about") from None


def compose_run(
    template: Template,
    draft: RunDraft,
    question: RunQuestion,
    roster: tuple[str, ...],
    register: Register,
    now: datetime,
    presets: PresetShelf = SHIPPED,
) -> Manifest:
    """Return the manifest of a run. Raises 422 problems that say what to mend."""
    digest, issued = template_digest(draft.template), whole_seconds(now)
    try:
        run = Manifest(
            query_id=f"Q-{secrets.token_hex(8)}",
            project=template.project,
            asker=template.asker,
            purpose=template.purpose,
            sql=question.sql,
            plan_id=question.plan.plan_id,
            planner_version=template.planner_version,
            catalogue_version=template.catalogue_version,
            academic_year=question.year,
            snapshot_term=draft.snapshot_term,
            path=template.path,
            sum=_raise_threshold(template, len(roster)),
            template=digest,
            choices=draft.choices,
            preset=template.preset,
            preset_version=template.preset_version,
            preset_digest=template.preset_digest,
            cell_key=template.cell_key,
            roster=roster,
            minimum_register_version=register.version,
            issued_at=issued,
            expires_at=min(issued + timedelta(hours=draft.valid_hours), template.expires_at),
            nonce=secrets.token_hex(32),
        )
        bound = bind_run(template, digest, run)
        assert bound.sum is not None
        check_terms(bound.sum, len(roster), noisy=bound.path is Path.NOISY_SUM)
        preset = presets.load(bound.preset)
        check_stated(bound, preset)
        if bound.path is Path.EXACT_SUM:
            check_total_preset(preset)
    except ApprovalError as error:
        raise ProblemRaised(422, error.code, error.text) from None
    except TermsInvalid as error:
        operators = [member.operator for member in register.members if member.id in roster]
        text = f"the template's terms do not fit: {error}; {describe_terms(len(roster), operators)}"
        raise ProblemRaised(422, "terms_invalid", text) from None
    except (PresetInvalid, ReleaseRefused) as error:
        raise ProblemRaised(422, "preset_barred", str(error)) from None
    return bound


def _raise_threshold(template: Template, nodes: int) -> SumTerms:
    """Return the terms of a run over so many nodes: never fewer than two thirds of them, nor than the template says."""
    return msgspec.structs.replace(template.terms, threshold=max(template.terms.threshold, smallest_threshold(nodes)))


def _keep_template(hub: Hub, template: Template, envelope: Envelope) -> None:
    row = (template_digest(envelope), template.template_id, write_envelope(envelope))
    with hub.database.transaction() as connection:
        fresh = connection.execute("INSERT INTO templates VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
        if fresh.rowcount:
            event = hub.event(Action.TEMPLATE_RECEIVED, template.asker, template.template_id, purpose=template.purpose)
            hub.database.log.append(connection, event)
