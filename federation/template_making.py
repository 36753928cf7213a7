"""Making, signing and keeping templates: what their asker and their approvers do on their own machines, with files.

Before anybody signs, every question that the template stands for is planned here, by our own planner.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path as FilePath

from disclosure_control.noise.terms import Mechanism
from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.release.totals import check_total_preset
from federation.envelope import Envelope, EnvelopeError, add_signature, read_envelope, seal_envelope, sign_body
from federation.envelope import write_envelope as write_envelope
from federation.keys import MemberKeys
from federation.manifest import ApprovalError, Path, read_record_keys
from federation.plans import derive_plan
from federation.preset_terms import check_stated, state_preset
from federation.project import Project, ProjectExceeded, check_asked
from federation.state import StateError, write_file
from federation.sum_terms import GATHER_SECONDS, SumTerms
from federation.template import TEMPLATE_TYPE, Parameter, Template, list_choices, read_template, write_question
from federation.wire import encode_document, whole_seconds
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import PLANNER_VERSION, QueryPlan
from query_engine.refusal import QueryRefused


def make_template(
    *,
    project: Project,
    asker: str,
    purpose: str,
    sql: str,
    parameters: Mapping[str, Iterable[str]],
    snapshot_terms: Iterable[str],
    path: Path,
    roster: str,
    preset: str,
    most_runs: int,
    days: int,
    register_version: int,
    now: datetime,
    epsilon: str = "",
    dropouts: int = 0,
    colluders: int = 0,
    threshold: int = 1,
    mechanism: Mechanism = "polya",
    presets: PresetShelf = SHIPPED,
) -> Template:
    """Return a template of what its asker wants, all of whose questions can be planned.

    Raises `ApprovalError` for one that contradicts itself or has a question that cannot be asked, `StateError` for an
    unknown preset, and `ReleaseRefused` for one that exact totals cannot have.
    """
    try:
        rules = presets.load(preset)
    except PresetInvalid as error:
        raise StateError(str(error)) from None
    issued = whole_seconds(now)
    template = Template(
        template_id=f"T-{secrets.token_hex(8)}",
        project=project,
        asker=asker,
        purpose=purpose,
        sql=sql,
        parameters=tuple(
            Parameter(name=name, values=tuple(sorted(set(parameters[name])))) for name in sorted(parameters)
        ),
        snapshot_terms=tuple(sorted(set(snapshot_terms))),
        path=path,
        roster=roster,
        terms=SumTerms(
            threshold=threshold,
            dropouts=dropouts,
            colluders=colluders,
            epsilon=epsilon,
            gather_seconds=GATHER_SECONDS,
            mechanism=mechanism,
        ),
        **state_preset(rules),
        planner_version=PLANNER_VERSION,
        catalogue_version=load_catalogue().version,
        most_runs=most_runs,
        minimum_register_version=register_version,
        issued_at=issued,
        expires_at=issued + timedelta(days=days),
        nonce=secrets.token_hex(32),
    )
    if path is Path.EXACT_SUM:
        check_total_preset(rules)
    checked = read_template(seal_envelope(encode_document(template), TEMPLATE_TYPE))
    plan_every_question(checked, presets)
    return checked


def plan_every_question(template: Template, presets: PresetShelf = SHIPPED) -> tuple[QueryPlan, ...]:
    """Return the plan of every question that a template stands for.

    Raises `ApprovalError` for a template of another planner, catalogue or preset than ours, and, naming the choices,
    for a question that cannot be asked.
    """
    if (template.planner_version, template.catalogue_version) != (PLANNER_VERSION, load_catalogue().version):
        raise ApprovalError("plan_differs", "the template is of another planner or catalogue than ours")
    try:
        check_stated(template, presets.load(template.preset))
    except PresetInvalid as error:
        raise ApprovalError("preset_differs", str(error)) from None
    plans = []
    for choices in list_choices(template):
        try:
            plan = derive_plan(write_question(template, choices), template.path, read_record_keys(template))
            check_asked(template.project, template.asker, template.preset, plan, template.issued_at)
        except QueryRefused as refused:
            chosen = ", ".join(f"{choice.parameter} = {choice.value}" for choice in choices)
            text = f"{refused.text} (with {chosen})" if chosen else refused.text
            raise ApprovalError(refused.code, text) from None
        except ProjectExceeded as exceeded:
            raise ApprovalError(exceeded.code, exceeded.text) from None
        plans.append(plan)
    return tuple(plans)


def sign_template(envelope: Envelope, keys: MemberKeys) -> Envelope:
    """Return a template's envelope with one more signature. Raises `ApprovalError` for a second one by the same."""
    try:
        return add_signature(envelope, sign_body(envelope.body, TEMPLATE_TYPE, keys))
    except EnvelopeError as error:
        raise ApprovalError("signed_already", str(error)) from None


def load_template(path: FilePath) -> Envelope:
    """Read a template's file; verifies no signature. Raises `StateError` and `ApprovalError`."""
    try:
        envelope = read_envelope(path.read_bytes(), TEMPLATE_TYPE)
    except OSError:
        raise StateError(f"{path} cannot be read: give the file that the template's asker sent") from None
    except EnvelopeError as error:
        raise ApprovalError("malformed_template", f"{path}: {error}") from None
    read_template(envelope)
    return envelope


def save_template(path: FilePath, envelope: Envelope) -> None:
    """Write a template's file, whole or not at all."""
    write_file(path, write_envelope(envelope))
