"""Releases as Parquet and Arrow files: typed columns, and in the file's own metadata the whole release document.

A file that has been parted from everything around it still says what it is: its provenance, and the document that
proves it, are under the keys `circe.provenance` and `circe.release`.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from federation.exchange import ReleaseDocument
from federation.release_files.columns import FileColumn
from federation.release_files.provenance import write_provenance
from federation.wire import encode_document

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["make_arrow", "write_arrow", "write_parquet"]

LARGEST_INTEGER = 2**63 - 1
DIGITS = 38
"""Digits of a decimal column, as many as Arrow's narrower kind has."""


def make_arrow(columns: Sequence[FileColumn], document: ReleaseDocument) -> "pa.Table":
    """The columns as an Arrow table."""
    import pyarrow as pa

    fields = [pa.field(each.name, _type_of(each), metadata=_describe(each)) for each in columns]
    arrays = [pa.array(each.items, field.type) for each, field in zip(columns, fields, strict=True)]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=_tell(document)))


def _type_of(column: FileColumn) -> Any:
    """Whole numbers as such where they fit, figures with places as exact decimals, everything else as text."""
    import pyarrow as pa

    if column.kind != "figure":
        return pa.string()
    whole = all(isinstance(each, int) for each in column.items if each is not None)
    fits = all(abs(int(each)) <= LARGEST_INTEGER for each in column.items if each is not None)
    return pa.int64() if column.decimals == 0 and whole and fits else pa.decimal128(DIGITS, column.decimals)


def _describe(column: FileColumn) -> Mapping[str, str]:
    return {"circe.kind": column.kind}


def _tell(document: ReleaseDocument) -> Mapping[str, bytes]:
    return {
        "circe.release_id": document.release_id.encode(),
        "circe.provenance": write_provenance(document),
        "circe.release": encode_document(document),
    }


def write_arrow(columns: Sequence[FileColumn], document: ReleaseDocument) -> bytes:
    """The columns as an Arrow file (Arrow IPC, which Feather version 2 is)."""
    import pyarrow as pa

    table, out = make_arrow(columns, document), BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def write_parquet(columns: Sequence[FileColumn], document: ReleaseDocument) -> bytes:
    """The columns as a Parquet file."""
    from pyarrow import parquet

    out = BytesIO()
    parquet.write_table(make_arrow(columns, document), out, compression="zstd")
    return out.getvalue()
