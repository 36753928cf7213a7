"""A release as a folder to hand on: its open data files, a provenance sheet, the document, and what proves that.

The document is the release as it was made, with what the nodes signed; the proof is that it stands in the hub's log;
the evidence is what it is held against, and stays so when there is no hub to ask.
"""

import zipfile
from collections.abc import Mapping
from io import BytesIO

from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.release.released import ReleasedTable
from federation.exchange import ReleaseDocument
from federation.manifest import Path
from federation.plans import plan_again
from federation.release_files.open_data import OpenDataUnfit, write_open_data
from federation.release_files.provenance import SHEET_SUFFIX, file_stem, gather_proofs, write_provenance
from query_engine.planning.plan import QueryPlan

__all__ = ["gather_files", "pack_files", "plan_release"]

OLDEST = (1980, 1, 1, 0, 0, 0)
"""The time of every file in an archive: the same release gives the same bytes."""


def gather_files(
    document: ReleaseDocument, proof: bytes, presets: PresetShelf = SHIPPED, evidence: bytes = b""
) -> Mapping[str, bytes]:
    """The folder's files by name. Raises `OpenDataUnfit`."""
    table = read_release(document.table)
    if isinstance(table, ReleasedModel):
        raise OpenDataUnfit("a model is no table of the open data standard: take its estimates as CSV")
    files = write_open_data(table, plan_release(document, table, presets))
    stem = file_stem(document)
    endings = {
        ".csv": files.data.encode(),
        ".meta.csv": files.meta.encode(),
        SHEET_SUFFIX: write_provenance(document, files.remarks, files.codes),
        **gather_proofs(document, proof, evidence),
    }
    return {f"{stem}{ending}": content for ending, content in endings.items()}


def plan_release(document: ReleaseDocument, table: ReleasedTable, presets: PresetShelf) -> QueryPlan:
    """The plan of a released table, derived anew. Raises `OpenDataUnfit` where there is none of it here."""
    try:
        keys = presets.find(table.preset, table.preset_version).record_keys
    except PresetInvalid as error:
        raise OpenDataUnfit(f"the preset of the release is not here ({error}): write its CSV instead") from None
    if plan := plan_again(document.sql, Path(table.path), table.plan_id, keys):
        return plan
    raise OpenDataUnfit("the release was planned by another catalogue or version of Circe: write its CSV instead")


def pack_files(files: Mapping[str, bytes]) -> bytes:
    """The files as one ZIP archive."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, OLDEST), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
