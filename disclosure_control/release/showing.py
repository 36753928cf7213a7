"""A release as it is shown: the rows that the asker's SQL wants to see, each figure beside its margin of error.

HAVING, ORDER BY and LIMIT choose among released rows, and margins are worked out from released figures, so nothing is
shown that the release does not tell. The release itself stays whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from disclosure_control.layout import write_csv, write_text
from disclosure_control.margins.precision import Margin, Margins, NoMargin, explain_margins, find_margins
from disclosure_control.presets.preset import PresetInvalid
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.release.gate import ReleasedTable
from disclosure_control.rows.protected_table import Entry, Row
from disclosure_control.symbols import Symbol
from query_engine.catalogue import load_catalogue
from query_engine.language.parser import parse_query
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from query_engine.planning.record_keys import plan_for_keys
from query_engine.query.view import WHOLE, View, apply_view
from query_engine.refusal import QueryRefused

__all__ = ["LABEL", "SUFFIX", "ShownTable", "show_table"]

EVERYTHING = slice(None)

SUFFIX = "_consistent"
"""What the column of a figure made consistent is called, after the figure's own name."""

LABEL = (
    "Columns that end in _consistent are post-processed: the nearest table by least squares without negative figures "
    "and whose parts add up, made from the released figures alone. They are biased where true figures are small, and "
    "margins do not apply to them."
)
OF_ANOTHER_CATALOGUE = (
    "Shown whole and without margins of error: the catalogue or the preset of this installation is another than that "
    "of the release."
)


@dataclass(frozen=True, slots=True)
class ShownTable:
    """Rows of a release with their margins, row by row; the margins are empty where none can be worked out.

    `total` is how many rows there are to be shown, of which these may be a part, and `chosen` says which rows those
    are; it is empty where they are all as released. `notes` say how to read the margins. `consistent` has, where it was
    asked for, counts that were made to add up, row by row. `has_view` tells whether the
    query asks for other rows, or another order, than the release has.
    """

    table: ReleasedTable
    rows: tuple[Row, ...]
    margins: tuple[Margins, ...]
    notes: tuple[str, ...]
    total: int
    chosen: str = ""
    has_view: bool = False
    consistent: tuple[Mapping[str, int], ...] = ()

    def to_text(self) -> str:
        """The rows aligned for a terminal, each figure with its margin in brackets, and all that a reader must know."""
        table = self.table
        notes = [*table.legend, *self.notes, *([LABEL] if self.added else []), table.method]
        asides = [{label: _in_brackets(each) for label, each in row.items()} for row in self.margins]
        decimals = {**table.decimals, **dict.fromkeys(self.added, 0)}
        return write_text((*table.columns, *self.added), decimals, self._whole_rows(), notes, asides)

    @property
    def added(self) -> tuple[str, ...]:
        """The columns of counts that were made consistent, after all that were released."""
        return tuple(f"{label}{SUFFIX}" for label in (self.consistent[0] if self.consistent else ()))

    def _whole_rows(self) -> tuple[Row, ...]:
        """The rows with what was made consistent at their ends."""
        if not self.consistent:
            return self.rows
        return tuple((*row, *more.values()) for row, more in zip(self.rows, self.consistent, strict=True))

    def to_csv(self, *, margins: bool = False) -> str:
        """The rows as CSV, with the two ends of each figure's margin in columns of their own where they are asked for.

        A figure without a margin has `z` there, and one that is withheld its own symbol.
        """
        if not margins:
            return write_csv((*self.table.columns, *self.added), self._whole_rows())
        columns = [*self.table.columns, *self.added]
        for label in self.table.decimals:
            columns += [_name_anew(f"{label}_{end}", columns) for end in ("low", "high")]
        rows = zip(self._whole_rows(), self.margins, strict=True)
        return write_csv(columns, [(*row, *_list_ends(row, beside, self.table)) for row, beside in rows])

    def margins_to_json(self) -> list[dict[str, Any]]:
        """The margins row by row as JSON: of each figure its two ends, or the reason why it has none."""
        return [{label: _to_json(each) for label, each in row.items()} for row in self.margins]


def _in_brackets(margin: Margin | NoMargin) -> str:
    return f"({_write_end(margin.low)} to {_write_end(margin.high)})" if isinstance(margin, Margin) else ""


def _write_end(end: int | Decimal) -> str:
    return str(end) if isinstance(end, int) else f"{end:f}"


def _to_json(margin: Margin | NoMargin) -> dict[str, Any]:
    if isinstance(margin, NoMargin):
        return {"none": margin.reason}
    return {"low": _number(margin.low), "high": _number(margin.high)}


def _number(end: int | Decimal) -> int | float:
    return end if isinstance(end, int) else float(end)


def _name_anew(name: str, taken: Sequence[str]) -> str:
    """A name for a column that no other has."""
    return name if name not in taken else _name_anew(f"{name}_", taken)


def _list_ends(row: Row, margins: Margins, table: ReleasedTable) -> list[Entry]:
    """The ends of each figure's margin in the order of the columns, or what stands for them."""
    ends: list[Entry] = []
    for label in table.decimals:
        margin, figure = margins.get(label), row[table.columns.index(label)]
        if isinstance(margin, Margin):
            ends += [margin.low, margin.high]
        else:
            ends += [figure if isinstance(figure, Symbol) else Symbol.NOT_APPLICABLE] * 2
    return ends


def show_table(
    table: ReleasedTable,
    sql: str,
    *,
    whole: bool = False,
    part: slice = EVERYTHING,
    presets: PresetShelf = SHIPPED,
    consistent: bool = False,
) -> ShownTable:
    """A release as its query asks to see it, or whole, or a part of either. `sql` is the query's.

    With `consistent`, noised counts stand beside themselves as they are when they are made to add up.
    """
    try:
        catalogue, preset = load_catalogue(), presets.load(table.preset)
        query = parse_query(sql, catalogue)
        plan = plan_for_keys(plan_query(query, catalogue), table.path, preset.record_keys)
        view = WHOLE if whole else query.view
        places = _choose(view, table)
        margins = find_margins(table, plan, preset, places[part])
    except (QueryRefused, PresetInvalid, ValueError):
        rows = table.rows[part]
        return ShownTable(table, rows, tuple({} for _ in rows), (OF_ANOTHER_CATALOGUE,), len(table.rows))
    return ShownTable(
        table,
        tuple(table.rows[place] for place in places[part]),
        margins,
        explain_margins(margins, plan),
        len(places),
        _describe_choice(view, len(places), len(table.rows)),
        query.view != WHOLE,
        _list_consistent(table, plan, places[part]) if consistent else (),
    )


def _list_consistent(table: ReleasedTable, plan: QueryPlan, places: Sequence[int]) -> tuple[Mapping[str, int], ...]:
    """What was made consistent of these rows; nothing where there is nothing of the kind."""
    from disclosure_control.noise.consistent import make_consistent

    columns = make_consistent(table, plan)
    return tuple({label: column[place] for label, column in columns.items()} for place in places) if columns else ()


def _choose(view: View, table: ReleasedTable) -> Sequence[int]:
    """The places of the rows that a view shows, in its order."""
    numbered: list[tuple[Entry, ...]] = [(*row, place) for place, row in enumerate(table.rows)]
    chosen = apply_view(view, table.columns, numbered, lambda entry: isinstance(entry, Symbol))
    return [place for *_, place in chosen if isinstance(place, int)]


def _describe_choice(view: View, shown: int, released: int) -> str:
    """Which rows are shown, and by which words of the query; empty for all of them as they are."""
    if view == WHOLE:
        return ""
    having = view.having is not None
    given = {"HAVING": having, "ORDER BY": view.order, "LIMIT": view.limit is not None, "OFFSET": view.offset}
    words = [word for word, is_given in given.items() if is_given]
    if words == ["ORDER BY"]:
        return f"{released:,} rows, in the order of the query's ORDER BY"
    clauses = f"{', '.join(words[:-1])} and {words[-1]} choose" if len(words) > 1 else f"{words[0]} chooses"
    kept = "; HAVING keeps a row where the figure it goes by is withheld" if having else ""
    return f"{shown:,} of {released:,} rows, as the query's {clauses}{kept}"
