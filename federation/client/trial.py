"""A question tried on the hub's made-up England: what its release will look like, of children who do not exist.

Whatever is made of it says that it is synthetic: the text and the notebook in their first words, a data frame and a CSV
in a column of their own.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.release.showing import ShownTable, show_table
from federation.exchange import TriedOut
from federation.release_files.columns import FileColumn, list_columns, list_terms

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MADE_UP", "Trial"]

MADE_UP = "SYNTHETIC: worked out on made-up children, none of whom exists. Quote nothing of it."


@dataclass(frozen=True)
class Trial:
    """What a question gave on made-up data."""

    tried: TriedOut
    presets: PresetShelf = SHIPPED

    @cached_property
    def table(self) -> ShownTable | ReleasedModel:
        """The made-up table as the question asks to see it, or the made-up model."""
        found = read_release(self.tried.table)
        return found if isinstance(found, ReleasedModel) else show_table(found, self.tried.sql, presets=self.presets)

    @property
    def columns(self) -> tuple[FileColumn, ...]:
        """The table column by column, symbols apart from figures; the first column says that all of it is made up."""
        listed = list_terms(self.table) if isinstance(self.table, ReleasedModel) else list_columns(self.table)
        return (FileColumn("synthetic", "category", ("true",) * len(listed[0].items)), *listed)

    def to_pandas(self) -> "pd.DataFrame":
        """The table as a data frame, as a release's would be."""
        from federation.client.frames import make_frame

        return make_frame(self.columns, MADE_UP)

    def to_csv(self) -> str:
        """The table as CSV, with a first column that says what it is."""
        header, *lines = self.table.to_csv().splitlines()
        return "\n".join([f"synthetic,{header}", *(f"true,{line}" for line in lines)]) + "\n"

    def __str__(self) -> str:
        return f"{MADE_UP}\n\n{self.table.to_text()}"

    def _repr_html_(self) -> str:
        from federation.client.notebook import draw_trial

        return draw_trial(self.table, MADE_UP)
