"""The layout of a file: which table it is, told by its header alone, and where the table's columns stand in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from node.ingest.formats import InputColumn, InputTable, load_formats
from node.ingest.mapping import ColumnMapping, shipped_mappings


@dataclass(frozen=True)
class Layout:
    """A header understood: its table, and the mapping by which that was told, where it was."""

    table: InputTable
    header: tuple[str, ...]
    mapping: ColumnMapping | None = None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name.lower(): place for place, name in enumerate(self.header)}

    @property
    def columns(self) -> list[InputColumn]:
        """The table's columns that the file has, or that its mapping gives a constant."""
        return [each for each in self.table.columns if self.place(each) is not None or self.constant(each) is not None]

    def place(self, column: InputColumn) -> int | None:
        """Where a column of the table stands in the file."""
        heading = self.mapping.columns.get(column.field) if self.mapping else column.field
        return self._places.get(heading) if heading is not None else None

    def constant(self, column: InputColumn) -> str | None:
        """What the mapping gives a column in every row."""
        return self.mapping.constants.get(column.field) if self.mapping else None

    def repeats_a_column(self) -> bool:
        """Whether the header has a column of the table twice, so that nobody can say which is meant."""
        names = [name.lower() for name in self.header]
        wanted = self.mapping.columns.values() if self.mapping else (each.field for each in self.table.columns)
        return any(names.count(name) > 1 for name in wanted)


def recognise_header(header: Sequence[str], wanted: Iterable[ColumnMapping] = ()) -> Layout | None:
    """The layout whose identifying columns are all in this header; of several, the one with most.

    A mapping that was asked for comes before every table, and a table before the shipped mappings.
    """
    names = {each.lower() for each in header}
    tables = [Layout(table, tuple(header)) for table in load_formats().values() if table.identified_by <= names]
    for mappings, others in ((tuple(wanted), []), (shipped_mappings(), tables)):
        mapped = [Layout(each.table, tuple(header), each) for each in mappings if each.identified_by <= names]
        if found := max([*others, *mapped], key=_fit, default=None):
            return found
    return None


def _fit(layout: Layout) -> int:
    return len(layout.mapping.identified_by if layout.mapping else layout.table.identified_by)
