"""`circe release verify`: a release from its files alone, with no hub to ask and whatever catalogue is here.

There are three outcomes. All holds; something does not hold, which ends with the code of what it was; or all that could
be rechecked here holds, and what could not is said, with a code of its own.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.terminal import plain_text

if TYPE_CHECKING:
    from disclosure_control.presets.preset import Preset
    from federation.evidence import Evidence
    from federation.exchange import ReleaseDocument
    from federation.manifest import Manifest

LEFT_OPEN = 10
"""Exit code where all that could be rechecked holds, and something could not."""

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)

NO_ROOT = "who signed it was not verified: give --root FILE, or --state DIR"
COLUMNS_TAKEN = (
    "whether the certificate speaks of every column of counts, since this software plans the question otherwise than "
    "it was when it was asked"
)


@click.command()
@click.option("--root", "root_file", type=FILE, help="The federation's root key, to verify by who signed what.")
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Your own directory, which has it."
)
@click.option("--evidence", type=FILE, help="The release's evidence, where it is not beside it under the same name.")
@click.option("--proof", type=FILE, help="The proof that it stands in the hub's log, likewise.")
@click.option("--preset", help="An added preset that protects it, as `circe attack` takes one.")
@click.argument("file", metavar="RELEASE", type=FILE)
def verify(
    root_file: Path | None,
    state: Path | None,
    evidence: Path | None,
    proof: Path | None,
    preset: str | None,
    file: Path,
) -> int:
    """Verify a release from its files: no data, no hub, and no catalogue but the one that is here.

    RELEASE is the document that `circe query fetch --output` writes, or prints as JSON. With the root's key, who signed
    what is verified by the evidence beside it, and that it stands in the hub's witnessed log by the proof; the
    certificate is checked by adding up. Exit 10 where all of that holds, and something could not be rechecked here.
    """
    from audit.proof import SUFFIX as PROOF_SUFFIX
    from federation.exchange import ReleaseDocument
    from federation.wire import MAX_BATCH_BYTES, decode_document

    document = decode_document(file.read_bytes().rstrip(b"\n"), ReleaseDocument, limit=MAX_BATCH_BYTES)
    root_key, found = _read_root(root_file, state), _read_evidence(file, evidence)
    left_open: list[str] = []
    if root_key is None:
        click.echo(f"Note: {NO_ROOT}.", err=True)
    elif found is None:
        raise click.UsageError("there is no evidence beside it: give --evidence FILE")
    else:
        left_open += _verify_signed(document, found, root_key, _find_beside(file, proof, PROOF_SUFFIX))
    left_open += _verify_certificate(document, found, preset)
    for each in left_open:
        click.echo(plain_text(f"Not rechecked: {each}."))
    return LEFT_OPEN if left_open else 0


def _read_root(root_file: Path | None, state: Path | None) -> bytes | None:
    from federation.state import load_root_key, open_party

    if root_file is not None and state is not None:
        raise click.UsageError("give --root FILE or --state DIR, and not both")
    if root_file is not None:
        return load_root_key(root_file)
    return open_party(state).root_key if state is not None else None


def _read_evidence(file: Path, given: Path | None) -> "Evidence | None":
    from federation.evidence import read_evidence
    from federation.release_files.provenance import EVIDENCE_SUFFIX

    path = _find_beside(file, given, EVIDENCE_SUFFIX)
    return read_evidence(path.read_bytes().rstrip(b"\n")) if path is not None else None


def _find_beside(file: Path, given: Path | None, suffix: str) -> Path | None:
    """The file that is given, or else the one that lies beside a release under its name; None where none does."""
    from federation.release_files.provenance import DOCUMENT_SUFFIX

    beside = file.with_name(file.name.removesuffix(DOCUMENT_SUFFIX) + suffix)
    return given or (beside if beside.is_file() else None)


def _verify_signed(
    document: "ReleaseDocument", evidence: "Evidence", root_key: bytes, proof: Path | None
) -> Iterator[str]:
    """Say what of the signatures and the log holds; yield what was left open."""
    from federation.client.verification import verify_with_evidence
    from federation.envelope import write_envelope
    from federation.log_proofs import verify_release_proof
    from federation.manifest import read_manifest
    from federation.register import read_signed_register
    from federation.witnessing import find_quorum

    left_open = verify_with_evidence(document, evidence, root_key)
    click.echo(f"The signatures hold: {document.release_id} {_tell_signed(read_manifest(evidence.manifest))}")
    yield from left_open
    if proof is None:
        yield "whether it stands in the hub's log, since there is no proof beside it"
        return
    register = read_signed_register(write_envelope(evidence.register), root_key)
    at = register.issued_at
    proven = verify_release_proof(proof.read_bytes(), document, register, at, quorum=0)
    have, need = len(proven.witnesses), find_quorum(register, proven.checkpoint.origin, at)
    click.echo(
        f"The proof holds: it is entry {proven.index} of the log of {proven.checkpoint.origin}, cosigned by {have}."
    )
    if have < need:
        yield f"whether the log is witnessed, since the proof has {have} cosignatures of the {need} that it takes"


def _tell_signed(manifest: "Manifest") -> str:
    """What the signatures say of a release by the path of its manifest."""
    from federation.manifest import SUM_PATHS

    if manifest.path in SUM_PATHS:
        return (
            f"answers {manifest.query_id}, and enough nodes signed that a total over just these authorities be opened. "
            "Its figures are the hub's word: nobody else has seen them opened."
        )
    return f"answers {manifest.query_id}, and its rows are those that the nodes signed."


def _verify_certificate(document: "ReleaseDocument", evidence: "Evidence | None", preset: str | None) -> Iterator[str]:
    """Say whether the certificate holds; yield what was left open of it."""
    from disclosure_control.models.reading import read_release
    from disclosure_control.models.release import ReleasedModel
    from disclosure_control.presets.preset import PresetInvalid
    from disclosure_control.suppression.certificate import CertificateInvalid, read_columns
    from disclosure_control.suppression.release_attack import (
        named_zeros,
        unspoken,
        verify_named_columns,
        verify_release_certificate,
    )
    from federation.manifest import Path as LeavingPath
    from federation.manifest import read_manifest
    from federation.plans import plan_again

    released = read_release(document.table)
    if released.noise is not None:
        click.echo("Noise protects this release: it withholds nothing, and has no certificate.")
        return
    if isinstance(released, ReleasedModel):
        click.echo("A model withholds nothing, and has no certificate.")
        return
    if evidence is not None and read_manifest(evidence.manifest).cell_key is not None:
        click.echo("Cell keys change the counts of this release, and it has no certificate.")
        return
    if not document.certificate:
        raise CertificateInvalid("the release carries no certificate: no proof was found, or cell keys are in it")
    try:
        content, rules = document.certificate.encode(), _find_rules(document, evidence, preset)
    except PresetInvalid as error:
        if preset is not None:
            raise
        yield f"the certificate, since the rules that protect it are not here ({error})"
        return
    if plan := plan_again(document.sql, LeavingPath(released.path), released.plan_id):
        verify_release_certificate(content, document.table, plan, rules)
        if left_out := unspoken(content, plan):
            yield f"the counts of {', '.join(left_out)}, of which the certificate does not speak; circe attack does"
    else:
        verify_named_columns(content, document.table, rules)
        yield COLUMNS_TAKEN
    zeros = named_zeros(content, document.table, rules)
    click.echo(plain_text(_tell_certified([name for name, _ in read_columns(content)], zeros)))


def _tell_certified(columns: Sequence[str], zeros: Sequence[str]) -> str:
    """What a certificate that holds says; in some columns there are `zeros` of which it does not."""
    if not columns:
        return "The certificate speaks of no counts of this release, and shows nothing of any."
    named = ", ".join(columns)
    but = f", but for totals of {', '.join(zeros)} that are 0 as all their parts are printed" if zeros else ""
    return f"The certificate holds: no withheld count of {named} can be worked out from the others of this table{but}."


def _find_rules(document: "ReleaseDocument", evidence: "Evidence | None", preset: str | None) -> "Preset | None":
    """The rules that protect a release: those that are given, or those that its manifest states."""
    from disclosure_control.presets.shelf import find_preset
    from federation.evidence import shelve_rules
    from federation.manifest import read_manifest

    if preset is not None or evidence is None:
        return find_preset(preset) if preset is not None else None
    manifest = read_manifest(evidence.manifest)
    return shelve_rules(evidence).find(manifest.preset, manifest.preset_version)
