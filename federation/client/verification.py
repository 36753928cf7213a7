"""A release verified on its reader's machine, also one that was made under another catalogue or planner than is here.

Signatures, digests, the id and what each node signed stand on bytes that never change. To work the table out again
takes the plan, and the plan takes the catalogue. Where that cannot be had, all else is verified, and what was left open
is said: such a release is neither wrong nor wholly verified.
"""

from dataclasses import dataclass

from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.presets.shelf import PresetShelf
from federation.client.manifests import replan
from federation.envelope import Envelope, write_envelope
from federation.evidence import Evidence, shelve_rules
from federation.exchange import ReleaseDocument
from federation.manifest import SUM_PATHS, Manifest, read_manifest
from federation.preset_terms import check_stated
from federation.register import Register, read_signed_register
from federation.releases import ReleaseMismatch, verify_release
from federation.signed_rows import verify_signed_rows
from federation.total_releases import TotalMismatch, verify_total
from query_engine.planning.plan import QueryPlan

__all__ = ["Answered", "verify_document", "verify_with_evidence"]

ROWS_TAKEN = (
    "whether the table has every cell of the plan, and figures such as its preset prints, which each node saw to "
    "before it signed its rows"
)
TOTAL_TAKEN = (
    "whether the nodes added up as many figures as the plan has, and the figures are such as its preset prints"
)
WORDS_TAKEN = "what is said of the method, in other words than this software has for it: it is the hub's word"


@dataclass(frozen=True)
class Answered:
    """A release that was verified, the manifest that it answers, and in words what of it was left open here."""

    document: ReleaseDocument
    manifest: Manifest
    envelope: Envelope
    left_open: tuple[str, ...] = ()


def verify_document(
    document: ReleaseDocument, envelope: Envelope, register: Register, presets: PresetShelf
) -> tuple[str, ...]:
    """Verify a release against its manifest and what the nodes signed; return in words what was left open.

    Nothing is left open of a question that was planned by the planner and the catalogue that are here. Raises
    `ReleaseMismatch` or `TotalMismatch` where anything that was verified does not hold, and `ManifestMismatch`.
    """
    manifest = read_manifest(envelope)
    found = replan(manifest, presets)
    if found.plan is None:
        return _verify_signed(document, envelope, register, presets, found.why_not)
    if found.is_ours:
        _verify_planned(document, envelope, found.plan, register, presets)
        return ()
    if why_not := _find_missing(document, found.plan, manifest, presets):
        return _verify_signed(document, envelope, register, presets, why_not)
    try:
        _verify_planned(document, envelope, found.plan, register, presets)
    except (ReleaseMismatch, TotalMismatch):
        _verify_planned(document, envelope, found.plan, register, presets, in_our_words=False)
        return (WORDS_TAKEN,)
    return ()


def verify_with_evidence(document: ReleaseDocument, evidence: Evidence, root_key: bytes) -> tuple[str, ...]:
    """Verify a release offline against its evidence, under the root's key alone; return what was left open.

    Beside what `verify_document` raises, `RegisterError` where the root did not sign the register.
    """
    register = read_signed_register(write_envelope(evidence.register), root_key)
    return verify_document(document, evidence.manifest, register, shelve_rules(evidence))


def _find_missing(document: ReleaseDocument, plan: QueryPlan, manifest: Manifest, presets: PresetShelf) -> str:
    """Say what else than the plan is not here to work the table out by; nothing where all is."""
    try:
        check_stated(manifest, presets.find(manifest.preset, manifest.preset_version))
    except PresetInvalid as error:
        return f"the table as a whole, since the rules that protect it are not here ({error})"
    known = plan.governed.columns[plan.authority_column].domain or ()
    named = [*document.table.get("answered", ()), *document.table.get("absent", ())]
    if unknown := [str(each) for each in named if each not in known]:
        return f"the table as a whole, since the catalogue that is here has no authority {', '.join(unknown)}"
    return ""


def _verify_planned(
    document: ReleaseDocument,
    envelope: Envelope,
    plan: QueryPlan,
    register: Register,
    presets: PresetShelf,
    *,
    in_our_words: bool = True,
) -> None:
    verify = verify_total if read_manifest(envelope).path in SUM_PATHS else verify_release
    verify(document, envelope, plan, register, presets, in_our_words=in_our_words)


def _verify_signed(
    document: ReleaseDocument, envelope: Envelope, register: Register, presets: PresetShelf, why_not: str
) -> tuple[str, ...]:
    """Verify what stands on signatures alone, and return why that is all."""
    if read_manifest(envelope).path in SUM_PATHS:
        verify_total(document, envelope, None, register, presets)
        return why_not, TOTAL_TAKEN
    verify_signed_rows(document, envelope, register)
    return why_not, ROWS_TAKEN
