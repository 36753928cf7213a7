"""The forms in which a release is taken away, and the folder of each: the file, its provenance sheet and its proof."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.release.showing import ShownTable, show_table
from federation.exchange import ReleaseDocument
from federation.release_files.columns import FileColumn, list_columns, list_terms
from federation.release_files.provenance import SHEET_SUFFIX, file_stem, gather_proofs, write_provenance

__all__ = ["FORMS", "Form", "gather_form", "list_file_columns", "show_release", "write_form"]

Form = Literal["csv", "xlsx", "parquet", "arrow"]

FORMS: Mapping[Form, str] = MappingProxyType(
    {
        "csv": "text/csv; charset=utf-8",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "parquet": "application/vnd.apache.parquet",
        "arrow": "application/vnd.apache.arrow.file",
    }
)
"""Every form, with its media type."""


def show_release(
    document: ReleaseDocument, presets: PresetShelf = SHIPPED, *, whole: bool = True, consistent: bool = False
) -> ShownTable | ReleasedModel:
    """A release as its reader wants to see it: whole, or the view that its query asks for; a model always whole."""
    released = read_release(document.table)
    if isinstance(released, ReleasedModel):
        return released
    return show_table(released, document.sql, whole=whole, presets=presets, consistent=consistent)


def list_file_columns(shown: ShownTable | ReleasedModel, *, margins: bool = False) -> tuple[FileColumn, ...]:
    """The typed columns of a table or a model."""
    return list_terms(shown) if isinstance(shown, ReleasedModel) else list_columns(shown, margins=margins)


def write_form(
    document: ReleaseDocument, shown: ShownTable | ReleasedModel, form: Form, *, margins: bool = False
) -> bytes:
    """A release in one of the forms; `shown` is the release itself, whole or in part."""
    if form == "csv":
        text = shown.to_csv() if isinstance(shown, ReleasedModel) else shown.to_csv(margins=margins)
        return text.encode()
    columns = list_file_columns(shown, margins=margins)
    if form == "xlsx":
        from federation.release_files.workbook import write_workbook

        return write_workbook(columns, document, shown)
    from federation.release_files.columnar import write_arrow, write_parquet

    return write_parquet(columns, document) if form == "parquet" else write_arrow(columns, document)


def gather_form(
    document: ReleaseDocument,
    shown: ShownTable | ReleasedModel,
    form: Form,
    proof: bytes,
    evidence: bytes = b"",
    *,
    margins: bool = False,
) -> Mapping[str, bytes]:
    """The files of a folder by name: the release in a form, its sheet, its document, and what proves that."""
    stem = file_stem(document)
    files = {
        f".{form}": write_form(document, shown, form, margins=margins),
        SHEET_SUFFIX: write_provenance(document),
        **gather_proofs(document, proof, evidence),
    }
    return {f"{stem}{ending}": content for ending, content in files.items()}
