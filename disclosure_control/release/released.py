"""The released table: what anybody may see, and its form in a document.

By `per_authority` it has rows for each authority, and the authority's column before all others. By a sum over a roster
it is a total: one row for each cell, no authority column, and `answered` says over whom it adds up.
"""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any, Never, SupportsIndex, final

from disclosure_control.layout import write_csv, write_text
from disclosure_control.noise.terms import NoiseTerms
from disclosure_control.presets.shipped import Preset
from disclosure_control.release.absences import list_absences
from disclosure_control.rows.protected_table import Entry, Row, plan_columns
from disclosure_control.rows.rounding import decimal_places
from disclosure_control.symbols import MEANINGS, Symbol
from query_engine.planning.plan import Path, QueryPlan

__all__ = ["ReleasedTable", "seal_release", "seal_released"]

_SEAL = object()


@final
@dataclass(frozen=True)
class ReleasedTable:
    """A table that anybody may see.

    `columns` starts with the authority column, except in a total; `decimals` has the decimal places of each column of
    figures, and the other columns hold categories (`None` is the missing one). `answered` are the authorities whose
    figures are in it, and `absent` gives the reason for each other one of those that were asked. `noise` has the terms
    of the noise in a noised total, and `sums` those of its noised statistics that a figure's margin is worked out from,
    row by row, by their names in the plan. Constructing, copying and pickling one raise `TypeError`.
    """

    seal: InitVar[object]
    plan_id: str
    path: Path
    preset: str
    preset_version: str
    columns: tuple[str, ...]
    decimals: Mapping[str, int]
    rows: tuple[Row, ...]
    answered: tuple[str, ...]
    absent: Mapping[str, str]
    noise: NoiseTerms | None
    method: str
    sums: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self, seal: object) -> None:
        """Refuse to exist without the seal of this module."""
        if seal is not _SEAL:
            raise TypeError("a released table is made by the release gate or read_released() alone")
        object.__setattr__(self, "decimals", MappingProxyType(dict(self.decimals)))
        object.__setattr__(self, "absent", MappingProxyType(dict(self.absent)))
        object.__setattr__(self, "sums", MappingProxyType(dict(self.sums)))

    def __reduce_ex__(self, protocol: SupportsIndex) -> Never:
        raise TypeError("a released table travels by to_json() and read_released() alone")

    @property
    def is_total(self) -> bool:
        """Whether its rows add up over authorities, and name none."""
        return self.path != "per_authority"

    @property
    def symbols(self) -> Mapping[Symbol, str]:
        """The symbols that occur in the table, each with its meaning."""
        places = [place for place, column in enumerate(self.columns) if column in self.decimals]
        used = {row[place] for row in self.rows for place in places}
        return {symbol: meaning for symbol, meaning in MEANINGS.items() if symbol in used}

    @property
    def legend(self) -> tuple[str, ...]:
        """What a reader must know before the method: the symbols that occur, and who is not in it and why."""
        symbols = (f"{symbol.value}  {meaning}" for symbol, meaning in self.symbols.items())
        return (*symbols, *list_absences(self.absent))

    def to_json(self) -> dict[str, Any]:
        """The table as a JSON object that `read_released` takes back.

        Figures are JSON numbers and symbols are text; a category is text, a whole number, true, false or null.
        """
        return {
            "plan_id": self.plan_id,
            "path": self.path,
            "preset": {"name": self.preset, "version": self.preset_version},
            "columns": list(self.columns),
            "decimals": dict(self.decimals),
            "rows": [[_to_json(entry) for entry in row] for row in self.rows],
            "symbols": {symbol.value: meaning for symbol, meaning in self.symbols.items()},
            "answered": list(self.answered),
            "absent": dict(self.absent),
            "noise": None if self.noise is None else self.noise.to_json(),
            "method": self.method,
            **({"sums": {name: list(column) for name, column in self.sums.items()}} if self.sums else {}),
        }

    def to_csv(self) -> str:
        """The rows as CSV with bare symbols, as in the Department for Education's open data."""
        return write_csv(self.columns, self.rows)

    def to_text(self) -> str:
        """The rows aligned for a terminal, then the legend, who is absent and why, and the method."""
        return write_text(self.columns, self.decimals, self.rows, [*self.legend, self.method])


seal_released = partial(ReleasedTable, _SEAL)
"""Makes a released table of its parts, for a reader who has checked that they agree; nobody else may call this."""


def seal_release(
    plan: QueryPlan,
    preset: Preset,
    rows: tuple[Row, ...],
    answered: tuple[str, ...],
    absent: Mapping[str, str],
    method: str,
    noise: NoiseTerms | None = None,
    sums: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
) -> ReleasedTable:
    """Make a released table of rows that a gate vouches for; nobody else may call this."""
    leading = (plan.authority_column,) if plan.path == "per_authority" else ()
    decimals = {each.label: decimal_places(each, preset) for each in plan.outputs if each.dimension is None}
    return seal_released(
        plan_id=plan.plan_id,
        path=plan.path,
        preset=preset.name,
        preset_version=preset.version,
        columns=(*leading, *plan_columns(plan)),
        decimals=decimals,
        rows=rows,
        answered=tuple(sorted(answered)),
        absent=dict(sorted(absent.items())),
        noise=noise,
        method=method,
        sums=sums,
    )


def _to_json(entry: Entry) -> str | int | float | None:
    return float(entry) if isinstance(entry, Decimal) else entry
