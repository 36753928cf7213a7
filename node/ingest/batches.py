"""A batch: the rows of one input table and one period, whichever files they came in."""

from collections.abc import Iterable
from dataclasses import dataclass

from node.ingest.formats import InputTable, load_formats
from node.ingest.periods import Period
from node.ingest.sources import InputFile


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of some files being read, all of one input table and one period. `size` counts the files' rows."""

    table: InputTable
    period: Period
    files: tuple[int, ...]
    size: int

    @property
    def key(self) -> tuple[str, Period]:
        """What a later load of the same table and period replaces."""
        return self.table.name, self.period

    @property
    def rows(self) -> str:
        """SQL of the rows, with where they stand and what they break."""
        dated = f" AND period = '{self.period}'" if self.table.period is not None else ""
        return f"(FROM {self.table.reading} WHERE file IN ({', '.join(map(str, self.files))}){dated})"

    @property
    def values(self) -> str:
        """SQL of the rows' values alone."""
        return f"(FROM {self.rows} SELECT {value_fields(self.table)})"


def value_fields(table: InputTable) -> str:
    """SQL of the columns of an input table's accepted rows."""
    return ", ".join(f'"{column.field}"' for column in table.columns)


def group_files(files: Iterable[InputFile]) -> list[Batch]:
    """The batches of the files that have a table and periods: parents before the rows that refer to them."""
    members: dict[tuple[str, Period], list[InputFile]] = {}
    for each in files:
        for period in each.periods:
            assert each.table is not None
            members.setdefault((each.table.name, period), []).append(each)
    order = list(load_formats())
    keys = sorted(members, key=lambda key: (order.index(key[0]), key[1].rank))
    return [
        Batch(
            table=load_formats()[name],
            period=period,
            files=tuple(each.number for each in members[name, period]),
            size=sum(each.rows for each in members[name, period]),
        )
        for name, period in keys
    ]
