"""The words of a question: what may be written where, for the list beneath the form and for the editor's completion.

The editor reads them from the list that stands in the page for everybody, so that neither knows more than the other.
"""

from dataclasses import dataclass
from functools import cache

from query_engine.catalogue import Column, load_catalogue

__all__ = ["PHRASES", "TableWords", "Word", "list_words"]

MOST_VALUES = 40
"""Categories of a column that are offered; codes of authorities and the like are looked up in the catalogue."""


@dataclass(frozen=True)
class Word:
    """One word: what is written, what it means, and for a column the values that it may be compared with."""

    text: str
    meaning: str
    values: str = ""


@dataclass(frozen=True)
class TableWords:
    """A table's name and what it has a row for, and its columns as words."""

    name: str
    grain: str
    columns: tuple[Word, ...]


PHRASES = (
    Word("SELECT", "what each row shows"),
    Word("FROM", "the table that is asked about"),
    Word("WHERE", "which rows count"),
    Word("GROUP BY", "what there is a row for"),
    Word("HAVING", "which rows of the release are shown"),
    Word("ORDER BY", "the order in which rows are shown"),
    Word("LIMIT", "how many rows are shown"),
    Word("COUNT(*)", "rows"),
    Word("COUNT(DISTINCT child)", "children"),
    Word("SUM(", "the sum of a measure"),
    Word("AVG(", "the mean of a measure, or the share of a yes/no column"),
    Word("MEDIAN(", "the median of a measure, to its bin"),
    Word("BIN(", "a measure in its declared ranges, to group by"),
    Word("CASE WHEN", "categories of one's own"),
    Word("COUNT(*) FILTER (WHERE", "rows that something holds of"),
    Word("GROUP BY ROLLUP (", "totals beside the rows"),
)
"""The words of the language that are written most; `docs/language.md` has them all."""


@cache
def list_words() -> tuple[TableWords, ...]:
    """The words of every governed table, in the catalogue's order."""
    return tuple(
        TableWords(table.name, table.grain, tuple(map(_describe, table.columns.values())))
        for table in load_catalogue().tables.values()
    )


def _describe(column: Column) -> Word:
    return Word(column.name, column.definition, "|".join(_list_values(column)))


def _list_values(column: Column) -> tuple[str, ...]:
    """The values of a column as they are written in SQL."""
    domain = column.domain or ()
    if column.role in ("key", "flag") or len(domain) > MOST_VALUES:
        return ()
    return tuple(str(value) if column.type == "integer" else f"'{value}'" for value in domain)
