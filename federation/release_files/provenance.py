"""The provenance of a release: the sheet that travels with its figures, and the words in which it is cited.

The sheet is for whoever comes upon the figures without the hub: what was asked, who answered, how it was protected, and
by what all of that can be proven.
"""

from collections.abc import Iterator, Mapping, Sequence

from audit.proof import SUFFIX as PROOF_SUFFIX
from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.release.absences import list_absences
from federation.exchange import ReleaseDocument
from federation.told_days import tell_day
from federation.wire import encode_document

__all__ = ["DOCUMENT_SUFFIX", "EVIDENCE_SUFFIX", "SHEET_SUFFIX", "cite_release", "file_stem", "gather_proofs"]
__all__ += ["tell_provenance", "write_provenance"]

SHEET_SUFFIX = ".provenance.txt"
DOCUMENT_SUFFIX = ".release.json"
EVIDENCE_SUFFIX = ".evidence.json"

Line = tuple[str, str]
"""One line of the sheet: what it tells of, and what it says."""

_WIDTH = 14


def file_stem(document: ReleaseDocument) -> str:
    """What a release's files are called, before their endings: its id in words that every system takes."""
    return document.release_id.casefold().replace("-", "_")


def cite_release(document: ReleaseDocument) -> str:
    """The words in which a release is cited: its year, what it is of, and the id that its content gives."""
    return (
        f"Circe federation ({document.released_at:%Y}). {document.purpose.rstrip('. ')}. "
        f"Release {document.release_id}, {document.released_at:%-d %B %Y}."
    )


def tell_provenance(
    document: ReleaseDocument, remarks: Sequence[str] = (), codes: Sequence[str] = ()
) -> Iterator[Line]:
    """Yield the lines of the sheet. `remarks` and the `codes` of categories are about the file that it travels with."""
    released = read_release(document.table)
    yield "Release", f"{document.release_id}, {tell_day(document.released_at)} at {document.released_at:%H:%M} UTC"
    yield "Cite as", cite_release(document)
    yield "Query", f"{document.query_id}, manifest {document.manifest_digest}"
    yield "Purpose", document.purpose
    yield "Asked", " ".join(document.sql.split())
    path = "" if isinstance(released, ReleasedModel) else f", by {released.path}"
    yield "Plan", f"{released.plan_id}{path}"
    yield "Protected by", f"{released.preset}, version {released.preset_version}"
    yield "Answered", f"{len(released.answered)} authorities: {' '.join(released.answered)}"
    yield from (("Absent", line) for line in list_absences(released.absent))
    yield from (("Note", remark) for remark in remarks)
    yield from (("Codes", line) for line in codes)
    if isinstance(released, ReleasedModel):
        yield from (("Method", note) for note in released.notes)
    else:
        yield from (("Symbol", f"{symbol.value}  {meaning}") for symbol, meaning in released.symbols.items())
        yield "Method", released.method
    yield "Checkpoint", " ".join(document.checkpoint.split()) or "none"
    yield "Proof", f"the {DOCUMENT_SUFFIX} beside this sheet, with what each node signed"


def gather_proofs(document: ReleaseDocument, proof: bytes, evidence: bytes) -> Mapping[str, bytes]:
    """The files by which a release is verified, by their endings: its document, its proof, and its evidence if any."""
    files = {DOCUMENT_SUFFIX: encode_document(document) + b"\n", PROOF_SUFFIX: proof, EVIDENCE_SUFFIX: evidence}
    return {ending: content for ending, content in files.items() if content}


def write_provenance(document: ReleaseDocument, remarks: Sequence[str] = (), codes: Sequence[str] = ()) -> bytes:
    """The sheet as a text file."""
    lines = (f"{heading:<{_WIDTH}}{text}" for heading, text in tell_provenance(document, remarks, codes))
    return ("\n".join(lines) + "\n").encode()
