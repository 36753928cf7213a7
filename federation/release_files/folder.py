"""A release as a folder to hand on: its open data files, a provenance sheet, and the document that proves it.

The sheet is for whoever comes upon the figures without the hub: what was asked, who answered, how it was protected. The
document is the release as it was made, with what the nodes signed.
"""

import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO

from disclosure_control.absences import list_absences
from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.preset import PresetInvalid
from disclosure_control.preset_shelf import SHIPPED, PresetShelf
from disclosure_control.released import ReleasedTable
from federation.exchange import ReleaseDocument
from federation.manifest import Path
from federation.plans import derive_plan
from federation.release_files.open_data import OpenData, OpenDataUnfit, write_open_data
from federation.wire import encode_document
from query_engine.planning.plan import QueryPlan
from query_engine.refusal import QueryRefused

__all__ = ["gather_files", "pack_files"]

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive: the same release gives the same bytes."""


def gather_files(document: ReleaseDocument, presets: PresetShelf = SHIPPED) -> Mapping[str, bytes]:
    """The folder's files by name. Raises `OpenDataUnfit`."""
    table = read_release(document.table)
    if isinstance(table, ReleasedModel):
        raise OpenDataUnfit("a model is no table of the open data standard: take its estimates as CSV")
    files = write_open_data(table, _plan_again(document, table, presets))
    name = document.release_id.casefold().replace("-", "_")
    return {
        f"{name}.csv": files.data.encode(),
        f"{name}.meta.csv": files.meta.encode(),
        f"{name}.provenance.txt": ("\n".join(_tell(document, table, files)) + "\n").encode(),
        f"{name}.release.json": encode_document(document) + b"\n",
    }


def _plan_again(document: ReleaseDocument, table: ReleasedTable, presets: PresetShelf) -> QueryPlan:
    try:
        return derive_plan(document.sql, Path(table.path), presets.load(table.preset).record_keys)
    except (QueryRefused, PresetInvalid):
        raise OpenDataUnfit("the catalogue or the preset here is another than that of the release") from None


def pack_files(files: Mapping[str, bytes]) -> bytes:
    """The files as one ZIP archive."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, OLDEST), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _tell(document: ReleaseDocument, table: ReleasedTable, files: OpenData) -> Iterator[str]:
    """Yield the lines of the provenance sheet."""
    yield f"Release       {document.release_id}, {document.released_at:%d %B %Y %H:%M} UTC"
    yield f"Query         {document.query_id}, manifest {document.manifest_digest}"
    yield f"Purpose       {document.purpose}"
    yield f"Asked         {' '.join(document.sql.split())}"
    yield f"Plan          {table.plan_id}, by {table.path}"
    yield f"Protected by  {table.preset}, version {table.preset_version}"
    yield f"Answered      {len(table.answered)} authorities: {' '.join(table.answered)}"
    yield from (f"Absent        {line}" for line in list_absences(table.absent))
    yield from (f"Note          {remark}" for remark in files.remarks)
    yield from (f"Symbol        {symbol.value}  {meaning}" for symbol, meaning in table.symbols.items())
    yield f"Method        {table.method}"
    yield "Proof         the .release.json beside this sheet, with what each node signed"
