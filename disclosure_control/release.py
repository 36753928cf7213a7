"""The release gate: protected tables go in, one released table comes out, and nothing else does.

A `ReleasedTable` is made by `release_tables`, from the protected tables of one plan, or by `read_released` in the
hands of a client. Every authority of the roster has all its rows, those that did not answer with `x` in each figure.
There is no total across authorities: one beside exact rows would give away a row that is withheld.
"""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Never, SupportsIndex, final

from disclosure_control.layout import write_csv, write_text
from disclosure_control.presets import Preset
from disclosure_control.rounding import decimal_places
from disclosure_control.symbols import MEANINGS, Symbol, Value
from disclosure_control.tables import Entry, ProtectedTable, Row, name_categories, plan_columns
from query_engine.planning.plan import QueryPlan

__all__ = ["ReleaseMalformed", "ReleaseRefused", "ReleasedTable", "read_released", "release_tables"]

PROTECTED_AT = "Each authority protected its own rows before they left it; no total across authorities is released."

LONGEST_REASON = 200
"""Characters of the reason for an absence."""

MOST_DECIMALS = 9
LARGEST_DECIMAL = 1e12
"""Below this, a figure with a few decimal places passes through a JSON number unchanged."""

_SEAL = object()


class ReleaseRefused(Exception):
    """What was handed to the gate may not be released together, or at all; the text says what is wrong."""


class ReleaseMalformed(Exception):
    """What came in is not a released table; the text says where."""


@final
@dataclass(frozen=True)
class ReleasedTable:
    """A table that anybody may see.

    `columns` starts with the authority column; `decimals` has the decimal places of each column of figures, and
    the other columns hold categories (`None` is the missing one). `absent` gives the reason for each authority
    that did not answer. Constructing, copying and pickling one raise `TypeError`.
    """

    seal: InitVar[object]
    plan_id: str
    preset: str
    preset_version: str
    columns: tuple[str, ...]
    decimals: Mapping[str, int]
    rows: tuple[Row, ...]
    absent: Mapping[str, str]
    method: str

    def __post_init__(self, seal: object) -> None:
        """Refuse to exist without the seal of this module."""
        if seal is not _SEAL:
            raise TypeError("a released table is made by release_tables() or read_released() alone")
        object.__setattr__(self, "decimals", MappingProxyType(dict(self.decimals)))
        object.__setattr__(self, "absent", MappingProxyType(dict(self.absent)))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Never:
        raise TypeError("a released table travels by to_json() and read_released() alone")

    @property
    def symbols(self) -> Mapping[Symbol, str]:
        """The symbols that occur in the table, each with its meaning."""
        places = [place for place, column in enumerate(self.columns) if column in self.decimals]
        used = {row[place] for row in self.rows for place in places}
        return {symbol: meaning for symbol, meaning in MEANINGS.items() if symbol in used}

    def to_json(self) -> dict[str, Any]:
        """The table as a JSON object that `read_released` takes back.

        Figures are JSON numbers and symbols are text; a category is text, a whole number, true, false or null.
        """
        return {
            "plan_id": self.plan_id,
            "preset": {"name": self.preset, "version": self.preset_version},
            "columns": list(self.columns),
            "decimals": dict(self.decimals),
            "rows": [[_to_json(entry) for entry in row] for row in self.rows],
            "symbols": {symbol.value: meaning for symbol, meaning in self.symbols.items()},
            "absent": dict(self.absent),
            "method": self.method,
        }

    def to_csv(self) -> str:
        """The rows as CSV with bare symbols, as in the Department for Education's open data."""
        return write_csv(self.columns, self.rows)

    def to_text(self) -> str:
        """The rows aligned for a terminal, then the legend, who is absent and why, and the method."""
        legend = [f"{symbol.value}  {meaning}" for symbol, meaning in self.symbols.items()]
        absences = [f"{authority}: {reason}" for authority, reason in self.absent.items()]
        return write_text(self.columns, self.decimals, self.rows, [*legend, *absences, self.method])


def release_tables(
    tables: Mapping[str, ProtectedTable], absent: Mapping[str, str], plan: QueryPlan, preset: Preset
) -> ReleasedTable:
    """The one table of a roster: those that answered, and those that did not with the reason for each.

    The keys of both are authority codes; together they are the roster. Rows are ordered by authority, then by the
    plan's cells. Raises `ReleaseRefused` where anything but a protected table of this plan and preset is handed in.
    """
    _check_roster(tables, absent, plan)
    for authority, table in tables.items():
        _check_table(authority, table, plan, preset)
    unavailable = _rows_unavailable(plan)
    rows = [
        (authority, *row)
        for authority in sorted([*tables, *absent])
        for row in (tables[authority].rows if authority in tables else unavailable)
    ]
    decimals = {each.label: decimal_places(each, preset) for each in plan.outputs if each.dimension is None}
    return ReleasedTable(
        _SEAL,
        plan.plan_id,
        preset.name,
        preset.version,
        (plan.authority_column, *plan_columns(plan)),
        decimals,
        tuple(rows),
        dict(sorted(absent.items())),
        f"{preset.method} {PROTECTED_AT}",
    )


def _check_roster(tables: Mapping[str, ProtectedTable], absent: Mapping[str, str], plan: QueryPlan) -> None:
    """Check the authorities and the reasons. Raises `ReleaseRefused`."""
    if not tables and not absent:
        raise ReleaseRefused("the roster is empty")
    if both := sorted(tables.keys() & absent.keys()):
        raise ReleaseRefused(f"both answered and absent: {', '.join(both)}")
    if plan.authority_column in plan_columns(plan):
        raise ReleaseRefused(f"a column of the plan has the authority column's name, {plan.authority_column}")
    known = plan.governed.columns[plan.authority_column].domain or ()
    for authority in (*tables, *absent):
        if authority not in known:
            raise ReleaseRefused(f"not an authority of the catalogue: {authority!a}")
    for authority, reason in absent.items():
        if not reason or not reason.isprintable() or len(reason) > LONGEST_REASON:
            raise ReleaseRefused(
                f"{authority}: the reason for absence must be one line of 1 to {LONGEST_REASON} characters"
            )


def _check_table(authority: str, table: object, plan: QueryPlan, preset: Preset) -> None:
    """Check that a table is protected, and by this preset, and answers this plan. Raises `ReleaseRefused`."""
    if not isinstance(table, ProtectedTable):
        raise ReleaseRefused(f"{authority}: only a protected table may be released, not a {type(table).__name__}")
    if table.plan_id != plan.plan_id or table.columns != plan_columns(plan):
        raise ReleaseRefused(f"{authority}: the table answers another plan than {plan.plan_id}")
    if (table.preset, table.preset_version) != (preset.name, preset.version):
        raise ReleaseRefused(f"{authority}: the table was protected by {table.preset}, version {table.preset_version}")


def _rows_unavailable(plan: QueryPlan) -> list[Row]:
    """All cells of an authority that did not answer."""
    named = (name_categories(plan, cell) for cell in plan.iter_cells())
    return [
        tuple(Symbol.UNAVAILABLE if each.dimension is None else names[each.dimension] for each in plan.outputs)
        for names in named
    ]


def _to_json(entry: Entry) -> str | int | float | None:
    return float(entry) if isinstance(entry, Decimal) else entry


DOCUMENT_KEYS = frozenset({"plan_id", "preset", "columns", "decimals", "rows", "symbols", "absent", "method"})


def read_released(document: object) -> ReleasedTable:
    """The released table in a JSON value, for a client; the plan is not needed. Raises `ReleaseMalformed`.

    Checks the form, and that the legend, the absences and the rows agree. Whether the table is the one that the hub
    released is for the signature around it to show.
    """
    if not isinstance(document, dict) or document.keys() != DOCUMENT_KEYS:
        raise ReleaseMalformed(f"a released table is an object with the keys {', '.join(sorted(DOCUMENT_KEYS))}")
    preset = _read_texts("preset", document["preset"])
    if preset.keys() != {"name", "version"}:
        raise ReleaseMalformed("preset: must have a name and a version")
    texts = _read_texts("document", {key: document[key] for key in ("plan_id", "method")})
    columns = _read_columns(document["columns"])
    decimals = _read_decimals(document["decimals"], columns)
    absent = _read_texts("absent", document["absent"])
    if not isinstance(document["rows"], list):
        raise ReleaseMalformed("rows: not a list")
    rows = tuple(
        _read_row(f"row {number}", row, columns, decimals, absent)
        for number, row in enumerate(document["rows"], start=1)
    )
    table = ReleasedTable(
        _SEAL,
        texts["plan_id"],
        preset["name"],
        preset["version"],
        columns,
        decimals,
        rows,
        absent,
        texts["method"],
    )
    if document["symbols"] != table.to_json()["symbols"]:
        raise ReleaseMalformed("symbols: not the legend of the symbols in the rows")
    return table


def _read_texts(where: str, entries: object) -> dict[str, str]:
    """An object of which every value is a text."""
    if not isinstance(entries, dict) or not all(isinstance(each, str) for each in (*entries, *entries.values())):
        raise ReleaseMalformed(f"{where}: every entry must be a text")
    return entries


def _read_columns(entries: object) -> tuple[str, ...]:
    if not isinstance(entries, list) or not all(isinstance(each, str) for each in entries):
        raise ReleaseMalformed("columns: not a list of texts")
    if len(entries) < 2 or len(set(entries)) != len(entries):
        raise ReleaseMalformed("columns: fewer than two, or one given twice")
    return tuple(entries)


def _read_decimals(entries: object, columns: tuple[str, ...]) -> dict[str, int]:
    if not isinstance(entries, dict) or not entries.keys() <= set(columns[1:]):
        raise ReleaseMalformed("decimals: names no column, or the authority's")
    if not all(type(places) is int and 0 <= places <= MOST_DECIMALS for places in entries.values()):
        raise ReleaseMalformed(f"decimals: not whole numbers from 0 to {MOST_DECIMALS}")
    return entries


def _read_row(
    where: str, row: object, columns: tuple[str, ...], decimals: Mapping[str, int], absent: Mapping[str, str]
) -> Row:
    """One row; its figures are all `x` where its authority is absent, and none is `x` where it answered."""
    if not isinstance(row, list) or len(row) != len(columns) or not isinstance(row[0], str):
        raise ReleaseMalformed(f"{where}: not an authority and {len(columns) - 1} entries more")
    entries: list[Entry] = []
    for column, entry in zip(columns, row, strict=True):
        if column not in decimals:
            entries.append(_read_category(f"{where}, {column}", entry))
            continue
        figure = _read_figure(f"{where}, {column}", entry, decimals[column])
        if (figure == Symbol.UNAVAILABLE) != (row[0] in absent):
            raise ReleaseMalformed(f"{where}, {column}: x belongs to absent authorities, and nothing else does")
        entries.append(figure)
    return tuple(entries)


def _read_category(where: str, entry: object) -> str | int | bool | None:
    if entry is None or isinstance(entry, str | int):
        return entry
    raise ReleaseMalformed(f"{where}: not a category")


def _read_figure(where: str, entry: object, places: int) -> Value:
    """A symbol, or a number with no more than its column's decimal places."""
    if isinstance(entry, str) and entry in list(Symbol):
        return Symbol(entry)
    if places == 0 and type(entry) is int:
        return entry
    if places > 0 and isinstance(entry, float) and abs(entry) < LARGEST_DECIMAL:
        number = Decimal(repr(entry)).quantize(Decimal(1).scaleb(-places))
        if float(number) == entry:
            return number
    raise ReleaseMalformed(f"{where}: neither a symbol nor a number with {places} decimal places")
