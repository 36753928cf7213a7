"""Manifests and templates as they are read on one's own machine before anything is signed.

Nothing that the hub says is taken on trust: a manifest is compared with what was asked, and its plan is derived again
from its SQL with our own planner, catalogue and presets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from federation.envelope import Envelope
from federation.exchange import QueryDraft
from federation.manifest import (
    SUM_PATHS,
    Manifest,
    check_asker,
    check_project,
    check_validity,
    manifest_digest,
    read_manifest,
    read_record_keys,
)
from federation.plans import derive_plan as plan_question
from federation.plans import plan_again
from federation.register import Member, Register
from federation.template import Template
from query_engine.planning.plan import QueryPlan

if TYPE_CHECKING:
    from disclosure_control.presets.shelf import PresetShelf


class ManifestMismatch(Exception):
    """The hub's manifest does not say what it should; nothing was signed."""


@dataclass(frozen=True)
class Review:
    """A manifest as read on one's own machine: the exact bytes, their digest, and what they mean."""

    envelope: Envelope
    manifest: Manifest
    digest: str
    plan: QueryPlan
    asker: Member


@dataclass(frozen=True)
class TemplateReview:
    """A template as read on one's own machine: its exact bytes, their digest, and the page that reads it aloud."""

    envelope: Envelope
    template: Template
    digest: str
    page: str


def review_manifest(envelope: Envelope, register: Register, presets: "PresetShelf", now: datetime) -> Review:
    """Read a manifest for an approver, on their own machine or at their own node, from its exact bytes.

    The asker's signature, its validity and its plan are verified. Raises `ApprovalError`, `ManifestMismatch` or
    `QueryRefused` for one that nobody should approve.
    """
    manifest = read_manifest(envelope)
    asker = check_asker(manifest, envelope, register, now)
    check_validity(manifest, now)
    plan = derive_plan(manifest, presets)
    check_project(manifest, plan, now)
    return Review(envelope, manifest, manifest_digest(envelope), plan, asker)


def check_soundness(sql: str) -> None:
    """Check that a question is one to ask, methodology guards included, before it is signed. Raises `QueryRefused`."""
    from query_engine.question import read_question

    read_question(sql)


def derive_plan(manifest: Manifest, presets: "PresetShelf | None" = None) -> QueryPlan:
    """Derive the plan from a manifest's SQL with our own planner, catalogue and presets.

    Raises `ManifestMismatch` where the manifest states another plan, year or protection, and `QueryRefused` where the
    SQL is none of the language.
    """
    from disclosure_control.presets.preset import PresetInvalid
    from disclosure_control.presets.shelf import SHIPPED
    from federation.preset_terms import check_stated
    from query_engine.catalogue import load_catalogue

    plan = plan_question(manifest.sql, manifest.path, read_record_keys(manifest))
    stated = (manifest.plan_id, manifest.planner_version, manifest.catalogue_version)
    if stated != (plan.plan_id, plan.planner_version, load_catalogue().version):
        raise ManifestMismatch(f"the manifest's plan is not the plan of its SQL: {_tell_apart(*stated[1:])}")
    if plan.academic_years != (int(manifest.academic_year),):
        raise ManifestMismatch(f"the SQL is not about {manifest.academic_year} and no other academic year")
    try:
        check_stated(manifest, (presets or SHIPPED).find(manifest.preset, manifest.preset_version))
    except PresetInvalid as error:
        raise ManifestMismatch(str(error)) from None
    return plan


@dataclass(frozen=True)
class Replanned:
    """What this software makes of a question that was asked: its plan, or in `why_not` that it has none, and why.

    `is_ours` tells whether it was planned by the planner and the catalogue that are here.
    """

    plan: QueryPlan | None
    is_ours: bool = True
    why_not: str = ""


def replan(manifest: Manifest, presets: "PresetShelf | None" = None) -> Replanned:
    """Derive the plan of a question that was answered, maybe under another catalogue or planner than ours.

    Raises as `derive_plan` where it was planned by our own; otherwise whoever reads its release takes the plan that was
    approved.
    """
    if _is_planned_as_here(manifest):
        return Replanned(derive_plan(manifest, presets))
    if plan := plan_again(manifest.sql, manifest.path, manifest.plan_id, read_record_keys(manifest)):
        return Replanned(plan, is_ours=False)
    told = _name_both(manifest.planner_version, manifest.catalogue_version)
    why_not = f"the plan, which is taken as its approvers signed it, since the question {told}"
    return Replanned(None, is_ours=False, why_not=why_not)


def tell_plan_taken(manifest: Manifest) -> str:
    """Say that the plan of a question cannot be derived here, and why; nothing where it can."""
    return "" if _is_planned_as_here(manifest) else replan(manifest).why_not


def _is_planned_as_here(manifest: Manifest) -> bool:
    from query_engine.catalogue import load_catalogue
    from query_engine.planning.plan import PLANNER_VERSION

    return (manifest.planner_version, manifest.catalogue_version) == (PLANNER_VERSION, load_catalogue().version)


def _name_both(planner: str, catalogue: str) -> str:
    """Say by what something was planned, and by what we would."""
    from query_engine.catalogue import load_catalogue
    from query_engine.planning.plan import PLANNER_VERSION

    return (
        f"was planned by planner {planner} and catalogue {catalogue}, and this software has planner "
        f"{PLANNER_VERSION} and catalogue {load_catalogue().version}"
    )


def _tell_apart(planner: str, catalogue: str) -> str:
    """Say by what a manifest states that it was planned, and by what we would, to whoever upgrades one of them."""
    from query_engine.catalogue import load_catalogue
    from query_engine.planning.plan import PLANNER_VERSION

    here = load_catalogue().version
    if (planner, catalogue) == (PLANNER_VERSION, here):
        return "it states our own planner and catalogue, by which it is another"
    return f"it {_name_both(planner, catalogue)}; use software that has the same"


def check_says_what_was_asked(manifest: Manifest, draft: QueryDraft, asker: str, nodes: Sequence[str]) -> None:
    """Check that the hub's manifest is of the draft and of nothing else. Raises `ManifestMismatch`."""
    words = (manifest.asker, manifest.project.name, manifest.purpose, manifest.sql)
    said = (*words, manifest.academic_year, manifest.preset)
    asked = (asker, draft.project, draft.purpose, draft.sql, draft.academic_year, draft.preset)
    if said != asked or manifest.expires_at - manifest.issued_at != timedelta(hours=draft.valid_hours):
        raise ManifestMismatch("the hub's manifest differs from what was asked: nothing was signed")
    _check_roster(manifest, draft, nodes)
    leaving = (manifest.path, manifest.sum, manifest.snapshot_term, manifest.template, manifest.choices)
    if leaving != (draft.path, draft.sum_terms(len(manifest.roster)), draft.term, "", ()):
        raise ManifestMismatch("the hub's manifest lets figures leave on other terms than asked: nothing was signed")


def _check_roster(manifest: Manifest, draft: QueryDraft, nodes: Sequence[str]) -> None:
    """A sum over everybody is over those that have agreed on keys this week: two thirds of all nodes at least."""
    asked, roster = set(nodes), set(manifest.roster)
    if draft.path in SUM_PATHS and draft.roster is None and 3 * len(roster) >= 2 * len(asked):
        roster |= asked - roster
    if roster != asked:
        raise ManifestMismatch("the hub's manifest is for other nodes than were asked: nothing was signed")
