"""A release in its asker's hands: as a table, a data frame, a file, and with what proves it.

A withheld figure is never a gap alone. In data frames and typed files its symbol stands in a column beside it, named
after it and `_symbol`; `symbols` has what each means.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from audit.proof import ProvenEntry
from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.release.showing import ShownTable
from disclosure_control.symbols import MEANINGS
from federation.evidence import read_evidence
from federation.exchange import ReleaseDocument
from federation.log_proofs import verify_release_proof
from federation.register import Register
from federation.release_files.columns import FileColumn
from federation.release_files.forms import Form, gather_form, list_file_columns, show_release, write_form
from federation.release_files.provenance import cite_release, tell_provenance
from federation.state import write_file
from federation.wire import MAX_BATCH_BYTES, decode_document

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Result", "read_result"]


@dataclass(frozen=True)
class Result:
    """One release, with the proof that it stands in the hub's log and the evidence it is held against, where fetched.

    `left_open` says in words what of it could not be rechecked here, since it was made under another catalogue.
    """

    document: ReleaseDocument
    presets: PresetShelf = SHIPPED
    proof: bytes = b""
    evidence: bytes = b""
    left_open: tuple[str, ...] = ()

    @property
    def release_id(self) -> str:
        """The citable id, made from what was asked and what is released."""
        return self.document.release_id

    @property
    def citation(self) -> str:
        """The words in which the release is cited."""
        return cite_release(self.document)

    @property
    def provenance(self) -> tuple[tuple[str, str], ...]:
        """What was asked, who answered and how it was protected: headings, each with what it says."""
        return tuple(tell_provenance(self.document))

    @cached_property
    def table(self) -> ShownTable | ReleasedModel:
        """The whole released table with its margins of error, or the released model."""
        return show_release(self.document, self.presets)

    @cached_property
    def view(self) -> ShownTable | ReleasedModel:
        """The rows that the query's HAVING and LIMIT choose, in the order of its ORDER BY."""
        return show_release(self.document, self.presets, whole=False)

    @property
    def symbols(self) -> Mapping[str, str]:
        """The symbols that may stand where a figure does not, and what each means."""
        return {symbol.value: meaning for symbol, meaning in MEANINGS.items()}

    @property
    def columns(self) -> tuple[FileColumn, ...]:
        """The release column by column, symbols apart from figures."""
        return list_file_columns(self.table)

    def to_arrow(self, *, margins: bool = False) -> "pa.Table":
        """The release as an Arrow table: exact decimals, symbols in columns of their own."""
        from federation.release_files.columnar import make_arrow

        return make_arrow(list_file_columns(self.table, margins=margins), self.document)

    def to_pandas(self, *, margins: bool = False) -> "pd.DataFrame":
        """The release as a data frame: nullable numbers, symbols in columns of their own, never a silent NaN."""
        from federation.client.frames import make_frame

        return make_frame(list_file_columns(self.table, margins=margins), self.citation)

    def write(self, form: Form, *, margins: bool = False) -> bytes:
        """The release as the bytes of a file."""
        return write_form(self.document, self.table, form, margins=margins)

    def save(self, folder: Path | str, form: Form = "parquet", *, margins: bool = False) -> list[Path]:
        """Write the release, its provenance sheet, its document and its proof into a folder; return their paths."""
        files = gather_form(self.document, self.table, form, self.proof, self.evidence, margins=margins)
        return _write_all(Path(folder), files)

    def save_open_data(self, folder: Path | str) -> list[Path]:
        """Write the Department for Education's pair of open data files, with what goes with them; return paths.

        Raises `OpenDataUnfit` where the standard has no place for the rows.
        """
        from federation.release_files.folder import gather_files

        return _write_all(Path(folder), gather_files(self.document, self.proof, self.presets, self.evidence))

    def verify(self, root_key: bytes, evidence: bytes = b"") -> tuple[str, ...]:
        """Verify, with no hub, what the release is held against, under the root's key; return what was left open.

        Raises `ReleaseMismatch`, `TotalMismatch`, `ManifestMismatch` or `RegisterError` where something does not hold.
        """
        from federation.client.verification import verify_with_evidence

        return verify_with_evidence(self.document, read_evidence((evidence or self.evidence).rstrip(b"\n")), root_key)

    def verify_proof(self, register: Register, at: datetime, proof: bytes = b"") -> ProvenEntry:
        """Verify, with no hub, that exactly this release stands in the hub's witnessed log. Raises `ProofInvalid`."""
        return verify_release_proof(proof or self.proof, self.document, register, at)

    def __str__(self) -> str:
        left_open = "".join(f"\n\nNot rechecked: {each}." for each in self.left_open)
        return f"{self.citation}{left_open}\n\n{self.view.to_text()}"

    def _repr_html_(self) -> str:
        from federation.client.notebook import draw_release

        return draw_release(self.view, self.citation, self.provenance)


def read_result(document: Path | str, proof: Path | str = "", presets: PresetShelf = SHIPPED) -> Result:
    """Read a release from the files in which it was handed on, of its document and its proof."""
    data = Path(document).read_bytes().rstrip(b"\n")
    found = decode_document(data, ReleaseDocument, limit=MAX_BATCH_BYTES)
    return Result(found, presets, Path(proof).read_bytes() if str(proof) else b"")


def _write_all(place: Path, files: Mapping[str, bytes]) -> list[Path]:
    place.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_file(place / name, content)
    return [place / name for name in files]
