"""The protected table: one authority's rows after disclosure control, and its form on the way to the hub.

A `ProtectedTable` comes from `protection.protect` or from `read_protected` and from nowhere else: whoever holds one
knows that suppression and rounding have been done. On the wire it is a JSON object:

    {"plan_id": "plan-...", "preset": "ons_10_5", "preset_version": "1",
     "columns": ["sex", "children", "share"],
     "rows": [["F", 45, "0.350"], ["M", "c", "c"]]}

Whole numbers are JSON numbers, and decimals are text with exactly the decimal places of the preset, so that a table
has one encoding and passes through no binary fraction.
"""

import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass
from decimal import Decimal, localcontext
from math import prod
from typing import Any, Never, SupportsIndex, final

from disclosure_control.presets.shipped import Preset
from disclosure_control.rows.rounding import decimal_places, is_count, round_to_base
from disclosure_control.symbols import Symbol, Value
from query_engine.catalogue import Category
from query_engine.planning.canonical import JSON
from query_engine.planning.plan import Measure, Output, QueryPlan

__all__ = ["Cell", "Entry", "ProtectedTable", "Row", "TableMalformed", "figure_range", "measure_ends"]
__all__ += ["name_categories", "plan_columns", "read_protected", "seal_table"]

Entry = Category | None | Value
"""What stands in one place of a table: a category, `None` for the missing category, or a figure."""

Row = tuple[Entry, ...]

Cell = tuple[Category | None, ...]
"""One category of each of a plan's dimensions, in the plan's order."""

LARGEST_COUNT = 10_000_000
"""More rows than one authority can hold: England has nine million pupils."""

LARGEST_FIGURE = Decimal(10**26)
"""More than a line's slope, its intercept or a sum of squares about a mean can be: a row adds at most the
64 bits that an engine works with, and there are at most `LARGEST_COUNT` of them."""

_PRECISION = 60  # A figure has at most 27 figures before the point, and few after it.

WIRE_KEYS = frozenset({"plan_id", "preset", "preset_version", "columns", "rows"})

_SEAL = object()


class TableMalformed(Exception):
    """What came in is not a protected table for the plan and preset; the text says where, and shows no figure."""


@final
@dataclass(frozen=True)
class ProtectedTable:
    """One authority's answer to a plan after disclosure control: all the plan's cells, in the plan's order.

    Constructing one, copying one and pickling one raise `TypeError`.
    """

    seal: InitVar[object]
    plan_id: str
    preset: str
    preset_version: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def __post_init__(self, seal: object) -> None:
        """Refuse to exist without the seal of this module."""
        if seal is not _SEAL:
            raise TypeError("a protected table is made by protect() or read_protected() alone")

    def __reduce_ex__(self, protocol: SupportsIndex) -> Never:
        raise TypeError("a protected table travels by to_wire() and read_protected() alone")

    def to_wire(self) -> dict[str, JSON]:
        """The table as a JSON object that `read_protected` takes back."""
        return {
            "plan_id": self.plan_id,
            "preset": self.preset,
            "preset_version": self.preset_version,
            "columns": list(self.columns),
            "rows": [[_to_json(entry) for entry in row] for row in self.rows],
        }


def seal_table(plan: QueryPlan, preset: Preset, rows: tuple[Row, ...]) -> ProtectedTable:
    """Make a protected table of rows that `protect` or `read_protected` vouches for; nobody else may call this."""
    return ProtectedTable(_SEAL, plan.plan_id, preset.name, preset.version, plan_columns(plan), rows)


def plan_columns(plan: QueryPlan) -> tuple[str, ...]:
    """The labels of a plan's answer, without the authority column that the release prepends."""
    return tuple(each.label for each in plan.outputs)


def name_categories(plan: QueryPlan, cell: Cell) -> Mapping[str, Category | None]:
    """A cell's categories by the name of their dimension."""
    return dict(zip((each.name for each in plan.dimensions), cell, strict=True))


def read_protected(wire: object, plan: QueryPlan, preset: Preset) -> ProtectedTable:
    """The protected table in a JSON value, after checking everything that can be checked without the data.

    The columns are the plan's; the cells are all the plan's cells in order; every figure is one that the preset
    could have printed. Raises `TableMalformed` on anything else.
    """
    if not isinstance(wire, Mapping) or wire.keys() != WIRE_KEYS:
        raise TableMalformed(f"a protected table is an object with the keys {', '.join(sorted(WIRE_KEYS))}")
    expected = {"plan_id": plan.plan_id, "preset": preset.name, "preset_version": preset.version}
    for key, value in expected.items():
        if wire[key] != value:
            raise TableMalformed(f"the table is for another {key}; expected {value}")
    if wire["columns"] != list(plan_columns(plan)):
        raise TableMalformed(f"the columns are not the plan's: {', '.join(plan_columns(plan))}")
    rows = wire["rows"]
    if not isinstance(rows, list) or len(rows) != plan.cells:
        raise TableMalformed(f"the rows are not a list of the plan's {plan.cells} cells")
    read = tuple(
        _read_row(f"row {number}", row, cell, plan, preset)
        for number, (row, cell) in enumerate(zip(rows, plan.iter_cells(), strict=True), start=1)
    )
    return seal_table(plan, preset, read)


def _read_row(where: str, row: object, cell: Cell, plan: QueryPlan, preset: Preset) -> Row:
    """One row whose categories are those of the cell."""
    if not isinstance(row, list) or len(row) != len(plan.outputs):
        raise TableMalformed(f"{where}: not a list of {len(plan.outputs)} entries")
    categories = name_categories(plan, cell)
    entries: list[Entry] = []
    for output, entry in zip(plan.outputs, row, strict=True):
        place = f"{where}, {output.label}"
        if output.dimension is not None:
            entries.append(_read_category(place, entry, categories[output.dimension]))
        else:
            entries.append(_read_figure(place, entry, output, plan, preset))
    return tuple(entries)


def _read_category(where: str, entry: object, category: Category | None) -> Category | None:
    """The category that belongs in this place; `True` is not taken for 1."""
    if type(entry) is not type(category) or entry != category:
        raise TableMalformed(f"{where}: not the category of this cell; the cells follow the plan's order")
    return category


def _read_figure(where: str, entry: object, output: Output, plan: QueryPlan, preset: Preset) -> Value:
    """A figure that the preset could have printed."""
    if isinstance(entry, str) and entry in _symbols_of(output, preset):
        return Symbol(entry)
    places = decimal_places(output, preset)
    number = _read_number(entry, places)
    if number is None:
        form = "a whole number" if places == 0 else f"text with {places} decimal places"
        raise TableMalformed(f"{where}: neither {form} nor a symbol that belongs here")
    _check_number(where, Decimal(number), output, plan, preset)
    return number


def _read_number(entry: object, places: int) -> int | Decimal | None:
    """The number in its one encoding, or None."""
    if places == 0:
        return entry if type(entry) is int else None
    if not isinstance(entry, str) or not re.fullmatch(r"-?[0-9]{1,27}\.[0-9]{1,9}", entry):
        return None
    number = Decimal(entry)
    with localcontext(prec=_PRECISION):
        is_canonical = str(number.quantize(Decimal(1).scaleb(-places)) + 0) == entry
    return number if is_canonical else None


def _symbols_of(output: Output, preset: Preset) -> set[str]:
    """The symbols that one figure of one authority can be; `x` is given by the release gate alone."""
    symbols: set[str] = {Symbol.CONFIDENTIAL}
    if output.kind not in ("count", "distinct", "regr_count"):
        symbols |= preset.symbols & {Symbol.NOT_APPLICABLE}
    if not is_count(output):
        symbols |= preset.symbols & {Symbol.LOW}
    return symbols


def _check_number(where: str, number: Decimal, output: Output, plan: QueryPlan, preset: Preset) -> None:
    """Check that the preset could have printed a number. Raises `TableMalformed`."""
    low, high = figure_range(output, plan)
    if not low <= number <= high:
        raise TableMalformed(f"{where}: outside the range of the figure, {low} to {high}")
    if (
        output.kind in ("count", "distinct", "sum", "regr_count")
        and preset.rounding_base > 1
        and number % preset.rounding_base
    ):
        raise TableMalformed(f"{where}: not a multiple of the preset's rounding base, {preset.rounding_base}")
    least = round_to_base(preset.smallest_count_shown, preset.rounding_base)
    is_shown = number >= least or (number == 0 and preset.shows_zero)
    if is_count(output) and not is_shown:
        raise TableMalformed(f"{where}: a count that the preset withholds")


def figure_range(output: Output, plan: QueryPlan) -> tuple[Decimal, Decimal]:
    """The least and most that a figure can be: of one row for an average, otherwise of all rows there could be."""
    ends = [measure_ends(each, plan) for each in output.measures] or [(Decimal(0), Decimal(1))]
    (low, high), widths = ends[0], [high - low for low, high in ends]
    match output.kind:
        case "mean" | "weighted_mean" | "quantile" | "regr_avgy":
            return low, high
        case "regr_avgx":
            return ends[1]
        case "deviation" | "deviation_population":
            return Decimal(0), widths[0]
        case "variance" | "variance_population":
            return Decimal(0), widths[0] ** 2
        case "covariance" | "covariance_population":
            largest = prod(widths, start=Decimal(1))
            return -largest, largest
        case "correlation":
            return Decimal(-1), Decimal(1)
        case "regr_r2":
            return Decimal(0), Decimal(1)
        case "regr_slope" | "regr_intercept" | "regr_sxx" | "regr_syy" | "regr_sxy":
            return -LARGEST_FIGURE, LARGEST_FIGURE
        case _:
            return min(low, Decimal(0)) * LARGEST_COUNT, high * LARGEST_COUNT


def measure_ends(measure: Measure, plan: QueryPlan) -> tuple[Decimal, Decimal]:
    """The least and greatest value of a row."""
    most = Decimal(measure.bound).scaleb(-measure.scale)
    if len(measure.columns) != 1:
        return (Decimal(0), Decimal(1)) if not measure.columns else (-most, most)
    column = plan.governed.columns[measure.columns[0]]
    low, high = column.scaled_bounds
    return Decimal(low).scaleb(-column.scale), Decimal(high).scaleb(-column.scale)


def _to_json(entry: Entry) -> Any:
    return str(entry) if isinstance(entry, Decimal | Symbol) else entry
