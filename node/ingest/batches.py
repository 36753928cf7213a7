"""A batch: the rows of one input table and one period, whichever files they came in."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from node.ingest.formats import InputTable, load_formats
from node.ingest.periods import Period
from node.ingest.sources import InputFile


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of some files being read, all of one input table and one period."""

    table: InputTable
    period: Period
    files: tuple[int, ...]

    @property
    def key(self) -> tuple[str, Period]:
        """What a later load of the same table and period replaces."""
        return self.table.name, self.period

    @property
    def rows(self) -> str:
        """SQL of the rows, with what the files say and where they stand."""
        return f"(FROM {self.table.reading} WHERE file IN ({', '.join(map(str, self.files))}))"

    @property
    def values(self) -> str:
        """SQL of the rows' values alone."""
        return f"(FROM {self.rows} SELECT {value_fields(self.table)})"


def value_fields(table: InputTable) -> str:
    """SQL of the columns of an input table's accepted rows."""
    return ", ".join(f'"{column.field}"' for column in table.columns)


def group_files(files: Iterable[InputFile]) -> list[Batch]:
    """The batches of the files that have a table and a period: parents before the rows that refer to them."""
    order = list(load_formats())
    dated = [
        ((order.index(each.table.name), each.period.rank), each.table, each.period, each.number)
        for each in files
        if each.table is not None and each.period is not None
    ]
    dated.sort(key=lambda entry: (entry[0], entry[3]))
    batches = []
    for _, group in groupby(dated, key=lambda entry: entry[0]):
        members = list(group)
        batches.append(Batch(members[0][1], members[0][2], tuple(number for *_, number in members)))
    return batches
