"""A template by Ana, approved by two organisations, and a run of it, with whatever a test wants different."""

from datetime import timedelta
from pathlib import Path as FilePath

import msgspec

from federation.envelope import Envelope, seal_envelope
from federation.manifest import Choice, Manifest, Path
from federation.plans import derive_plan
from federation.sum_terms import make_exact_terms
from federation.template import (
    TEMPLATE_TYPE,
    Parameter,
    Template,
    bind_run,
    template_digest,
    write_question,
)
from federation.template_making import make_template
from federation.wire import encode_document
from tests.federation.cast import NOW, make_keys, make_manifest
from tests.projects import make_project

TEMPLATE_SQL = (
    "SELECT key_stage, COUNT(DISTINCT child) AS children FROM child_year "
    "WHERE academic_year = {year} AND sex = {sex} AND counted_here GROUP BY key_stage"
)
PARAMETERS = {"year": ("202425", "202324"), "sex": ("'F'", "'M'")}
CHOICES = (Choice(parameter="sex", value="'F'"), Choice(parameter="year", value="202425"))
SIGNERS = ("ana@ucl", "officer@la-203", "officer@dfe")


def make_standing(**changes: object) -> Template:
    """A template for exact sums over England, good for a year."""
    template = make_template(
        project=make_project("attendance-2025", ["ana@ucl"]),
        asker="ana@ucl",
        purpose="Children in care by key stage",
        sql=TEMPLATE_SQL,
        parameters=PARAMETERS,
        snapshot_terms=("202425-summer",),
        path=Path.EXACT_SUM,
        roster="england",
        preset="ons_10_5",
        most_runs=3,
        days=300,
        register_version=5,
        now=NOW - timedelta(days=1),
    )
    return msgspec.structs.replace(template, **changes)


def sign_standing(template: Template, *signers: str) -> Envelope:
    """The template's envelope, signed by each with their own key; by asker and approvers when nobody is named."""
    keys = map(make_keys, signers or SIGNERS)
    return seal_envelope(encode_document(template), TEMPLATE_TYPE, *keys)


def make_run(template: Template, choices: tuple[Choice, ...] = CHOICES, envelope: Envelope | None = None) -> Manifest:
    """A run as an honest hub would write it."""
    plan = derive_plan(write_question(template, choices), template.path)
    free = make_manifest(
        choices=choices,
        plan_id=plan.plan_id,
        sum=make_exact_terms(2),
        expires_at=NOW + timedelta(days=1),
    )
    digest = template_digest(envelope or sign_standing(template))
    return bind_run(template, digest, free)


def write_parameters(**lists: tuple[str, ...]) -> tuple[Parameter, ...]:
    """Parameters as a dishonest asker could write them."""
    return tuple(Parameter(name=name, values=values) for name, values in lists.items())


def write_template_file(directory: FilePath, envelope: Envelope) -> FilePath:
    """A template's file."""
    path = directory / "template.json"
    path.write_bytes(encode_document(envelope))
    return path
