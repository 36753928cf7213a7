"""Templates: a standing question that two organisations approve once, with every value that a run of it may choose.

The asker and the approvers sign the template's exact bytes, as they sign a manifest's. A run is a manifest that names
the template's digest and its choices, and is signed by the asker alone. Every node puts the run together again from the
template and compares byte for byte, so a run can say nothing that was not approved; and it counts the runs.

    SELECT key_stage, COUNT(DISTINCT child) AS children FROM child_year
    WHERE academic_year = {year} AND sex = {sex} GROUP BY key_stage          year: 202425, 202526   sex: 'F', 'M'

Only sums over nodes have templates. A template travels as a file between its asker and its approvers, and with each run
through the hub.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product
from math import prod
from typing import Annotated

import msgspec

from federation.cell_key_terms import CellKeyTerms
from federation.envelope import Envelope, EnvelopeError, check_payload_type
from federation.manifest import (
    SUM_PATHS,
    ApprovalError,
    Choice,
    Manifest,
    Path,
    check_approvals,
    check_asker,
    manifest_digest,
    write_manifest,
)
from federation.project import Project, ProjectInvalid, check_consistent
from federation.register import CLOCK_SKEW, Member, Register, RegisterError
from federation.standing_rosters import STANDING_ROSTERS, belongs_to
from federation.sum_terms import SumTerms
from federation.wire import Digest, Document, Instant, Line, Name, SqlText, Term, WireError, decode_document

TEMPLATE_TYPE = "application/vnd.circe.template+json"

LONGEST_TEMPLATE = timedelta(days=366)
"""No template is good for longer than this, whatever it says."""

MOST_INSTANCES = 500
"""How many different questions a template may stand for: each is planned before anybody signs it."""

ParameterName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,30}\Z")]

_NUMBER, _TEXT, _WORD = r"-?[0-9]{1,9}(\.[0-9]{1,6})?", r"'[^'{}]{1,100}'", r"[a-z][a-z0-9_]{0,60}"

ParameterValue = Annotated[str, msgspec.Meta(pattern=rf"^({_NUMBER}|{_TEXT}|{_WORD})\Z")]
"""One number, one quoted text or one name: never more of a question than a single word of it."""

_PLACE = re.compile(r"\{([a-z][a-z0-9_]{0,30})\}")


class Parameter(Document, frozen=True):
    """One place of the question, and the closed list of what may stand there."""

    name: ParameterName
    values: Annotated[tuple[ParameterValue, ...], msgspec.Meta(min_length=1, max_length=200)]


class Template(Document, frozen=True):
    """A standing question as approved. `terms.threshold` is the least threshold of a run."""

    template_id: Annotated[str, msgspec.Meta(pattern=r"^T-[0-9a-f]{16}\Z")]
    project: Project
    asker: Name
    purpose: Line
    sql: SqlText
    parameters: Annotated[tuple[Parameter, ...], msgspec.Meta(max_length=10)]
    snapshot_terms: Annotated[tuple[Term, ...], msgspec.Meta(min_length=1, max_length=30)]
    path: Path
    roster: Name
    terms: SumTerms
    preset: Name
    preset_version: Name
    preset_digest: Digest
    cell_key: CellKeyTerms | None
    planner_version: Name
    catalogue_version: Name
    most_runs: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    minimum_register_version: int
    issued_at: Instant
    expires_at: Instant
    nonce: Digest


FREE = frozenset(
    {
        "query_id",
        "plan_id",
        "academic_year",
        "snapshot_term",
        "roster",
        "choices",
        "minimum_register_version",
        "issued_at",
        "expires_at",
        "nonce",
    }
)
"""What a run says for itself, within bounds; every other field of its manifest follows from the template."""


template_digest = manifest_digest
"""The SHA-256 digest of a template's exact bytes, by which runs name it."""


def read_template(envelope: Envelope) -> Template:
    """Read the template of an envelope; verifies no signature. Raises `ApprovalError`."""
    try:
        check_payload_type(envelope, TEMPLATE_TYPE)
        template = decode_document(envelope.body, Template)
    except (EnvelopeError, WireError) as error:
        raise ApprovalError("malformed_template", f"template: {error}") from None
    if fault := _find_fault(template):
        raise ApprovalError("malformed_template", f"template: {fault}")
    try:
        check_consistent(template.project)
    except ProjectInvalid as error:
        raise ApprovalError("malformed_template", f"template: its project: {error}") from None
    return template


def _find_fault(template: Template) -> str:
    """Say what is wrong with a template in itself; empty where nothing is."""
    names = [parameter.name for parameter in template.parameters]
    lists = [list(template.snapshot_terms), *(list(parameter.values) for parameter in template.parameters)]
    if template.path not in SUM_PATHS:
        return "only sums over nodes have templates"
    if template.roster not in STANDING_ROSTERS:
        return "the roster is not a standing one"
    if names != sorted(set(names)) or any(values != sorted(set(values)) for values in lists):
        return "each parameter, value and term is listed once, in order"
    if set(_PLACE.findall(template.sql)) != set(names) or set(_PLACE.sub("", template.sql)) & set("{}"):
        return "the places in the SQL and the parameters are not the same"
    if prod(len(parameter.values) for parameter in template.parameters) > MOST_INSTANCES:
        return f"it stands for more than {MOST_INSTANCES} questions"
    if (template.path is Path.NOISY_SUM) != bool(template.terms.epsilon):
        return "a noisy sum states a privacy loss, and an exact one none"
    if not template.terms.epsilon and template.terms.mechanism != "polya":
        return "an exact sum has no noise, and so no mechanism"
    if template.path is Path.NOISY_SUM and template.cell_key is not None:
        return "cell keys change counts that are not noised"
    return ""


def check_template(template: Template, envelope: Envelope, register: Register, now: datetime) -> Member:
    """Return the asker, having verified signatures and validity as for a manifest. Raises `ApprovalError`."""
    asker = check_asker(template, envelope, register, now)
    check_approvals(envelope, asker, register, now)
    check_template_validity(template, now)
    return asker


def check_template_validity(template: Template, now: datetime) -> None:
    """Raise `ApprovalError` unless a template is good now."""
    if template.issued_at > now + CLOCK_SKEW:
        raise ApprovalError("not_yet_valid", "the template was issued in the future: compare the clocks")
    if now >= template.expires_at:
        raise ApprovalError("template_expired", f"the template expired on {template.expires_at:%Y-%m-%d}")
    if template.expires_at - template.issued_at > LONGEST_TEMPLATE:
        raise ApprovalError("valid_too_long", f"a template is good for at most {LONGEST_TEMPLATE.days} days")


# --- Runs ------------------------------------------------------------------------------------------------------------


def list_choices(template: Template) -> Iterator[tuple[Choice, ...]]:
    """Every way to choose a value for each parameter."""
    names = [parameter.name for parameter in template.parameters]
    for values in product(*(parameter.values for parameter in template.parameters)):
        yield tuple(Choice(parameter=name, value=value) for name, value in zip(names, values, strict=True))


def write_question(template: Template, choices: tuple[Choice, ...]) -> str:
    """Return the SQL with the choices in their places. Raises `ApprovalError` for one that is not in its list."""
    chosen = {choice.parameter: choice.value for choice in choices}
    lists = {parameter.name: parameter.values for parameter in template.parameters}
    if [choice.parameter for choice in choices] != list(lists):
        raise ApprovalError("not_in_template", "a run chooses one value for each parameter of its template, in order")
    if beyond := [name for name, value in chosen.items() if value not in lists[name]]:
        raise ApprovalError("not_in_template", f"the template has no such value of {beyond[0]}")
    return _PLACE.sub(lambda place: chosen[place[1]], template.sql)


def bind_run(template: Template, digest: str, run: Manifest) -> Manifest:
    """Return the manifest that a run must be, given what it says for itself. Raises `ApprovalError`."""
    return msgspec.structs.replace(run, **_bound_fields(template, digest, run.choices, run.sum))


def _bound_fields(
    template: Template, digest: str, choices: tuple[Choice, ...], terms: SumTerms | None
) -> Mapping[str, object]:
    threshold = max(template.terms.threshold, terms.threshold if terms is not None else 0)
    return {
        "project": template.project,
        "asker": template.asker,
        "purpose": template.purpose,
        "sql": write_question(template, choices),
        "planner_version": template.planner_version,
        "catalogue_version": template.catalogue_version,
        "path": template.path,
        "sum": msgspec.structs.replace(template.terms, threshold=threshold),
        "template": digest,
        "preset": template.preset,
        "preset_version": template.preset_version,
        "preset_digest": template.preset_digest,
        "cell_key": template.cell_key,
    }


def check_run(
    run: Manifest, envelope: Envelope, template_envelope: Envelope, register: Register, now: datetime
) -> tuple[Template, Member]:
    """Return the template and the asker of a run, having verified all that approves it. Raises `ApprovalError`.

    1. the template is the one that the run names, in its one encoding;
    2. its asker and approvers of two organisations signed it, and it is good now;
    3. the run is signed by that asker, and by nobody else;
    4. the run is byte for byte what the template and the run's choices give;
    5. what it says for itself is within the template's bounds.
    """
    template, digest = read_template(template_envelope), template_digest(template_envelope)
    if digest != run.template:
        raise ApprovalError("template_differs", "the template is another than the run names")
    check_template(template, template_envelope, register, now)
    asker = check_asker(run, envelope, register, now)
    if envelope.signers != (template.asker,):
        raise ApprovalError("signature_invalid", "a run carries the signature of its template's asker alone")
    if write_manifest(bind_run(template, digest, run)) != envelope.body:
        raise ApprovalError("not_in_template", "the run is not what its template and choices give")
    check_bounds(template, run, register, now)
    return template, asker


def check_bounds(template: Template, run: Manifest, register: Register, now: datetime) -> None:
    """Raise `ApprovalError` where what a run says for itself goes beyond its template."""
    if run.snapshot_term not in template.snapshot_terms:
        raise ApprovalError("not_in_template", f"the template is not for snapshots of {run.snapshot_term}")
    if run.issued_at < template.issued_at or run.expires_at > template.expires_at:
        raise ApprovalError("not_in_template", "the run is good at a time when its template is not")
    if run.minimum_register_version < template.minimum_register_version:
        raise ApprovalError("not_in_template", "the run asks for an older register than its template")
    try:
        members = [register.find(node, now) for node in run.roster]
    except RegisterError as error:
        raise ApprovalError("roster_unknown", str(error)) from None
    if outside := [member.id for member in members if not belongs_to(member, template.roster)]:
        raise ApprovalError("not_in_template", f"{outside[0]} is not of the standing roster {template.roster}")
