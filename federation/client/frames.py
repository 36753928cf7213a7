"""Releases as pandas data frames. pandas is not installed with Circe: it is there wherever it is wanted."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from federation.release_files.columns import FileColumn

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PandasMissing", "make_frame"]


class PandasMissing(Exception):
    """pandas is not installed where a data frame is asked for."""


def make_frame(columns: Sequence[FileColumn], citation: str) -> "pd.DataFrame":
    """The columns as a data frame, with nullable types: `Int64`, `Float64` and `string`. Raises `PandasMissing`."""
    try:
        import pandas as pd
    except ImportError:
        raise PandasMissing("pandas is not installed here: pip install pandas, or take to_arrow()") from None
    frame = pd.DataFrame({each.name: pd.array(_plain(each), dtype=_type_of(each)) for each in columns})
    frame.attrs["citation"] = citation
    return frame


def _type_of(column: FileColumn) -> str:
    if column.kind != "figure":
        return "string"
    return "Float64" if column.decimals or any(isinstance(each, Decimal) for each in column.items) else "Int64"


def _plain(column: FileColumn) -> list[Any]:
    return [float(each) if isinstance(each, Decimal) else each for each in column.items]
