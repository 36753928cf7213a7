"""Mappings: small TOML files that say which column of somebody's export is which column of an input table.

    table = "pep_reviews"                 the input table
    date_format = "%d %B %y"              how its dates are written, where that is unusual (as strftime writes it)
    identified_by = ["Pupil UPN", ...]    the headings that tell such a file; all of [columns] where not given

    [columns]                             our column = their heading
    upn = "Pupil UPN"
    [codes.quality]                       their word = ours, for the columns that have codes
    "Meets standard" = "good"
    [constants]                           our column = the same text in every row
    kind = "tuition"

The shipped ones lie in `mappings/` and are recognised by their headings. A mapping is read strictly: a mistake in it
is told in one sentence, and nothing is loaded.
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from node.ingest.formats import InputColumn, InputTable, load_formats
from node.ingest.sources import LoadRefused

_KEYS = {"table", "date_format", "identified_by", "columns", "codes", "constants"}
_SHIPPED = Path(__file__).with_name("mappings")
_MOST_BYTES = 1 << 18


class MappingInvalid(LoadRefused):
    """A mapping cannot be used. The text says which, what is wrong with it, and what would be right."""


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """One mapping, checked. Headings are in lower case; `codes` are by column, their words in lower case."""

    name: str
    table: InputTable
    columns: Mapping[str, str]
    identified_by: frozenset[str]
    codes: Mapping[str, Mapping[str, str]]
    constants: Mapping[str, str]
    date_format: str | None


def load_mapping(path: Path) -> ColumnMapping:
    """Read and check a mapping. Raises `MappingInvalid`."""
    try:
        text = path.read_bytes()[: _MOST_BYTES + 1]
        if len(text) > _MOST_BYTES:
            raise MappingInvalid(f"{path}: a mapping is a small file; this one is not")
        declared = tomllib.loads(text.decode("utf-8"))
    except OSError as error:
        raise MappingInvalid(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError:
        raise MappingInvalid(f"{path}: is not UTF-8 text; save it as that") from None
    except tomllib.TOMLDecodeError as error:
        raise MappingInvalid(f"{path}: is not TOML: {error}") from None
    return _Checking(path.name, declared).mapping()


@cache
def shipped_mappings() -> tuple[ColumnMapping, ...]:
    """The mappings that come with Circe, by name."""
    return tuple(load_mapping(path) for path in sorted(_SHIPPED.glob("*.toml")))


@dataclass(frozen=True, slots=True)
class _Checking:
    """A mapping as it is written, looked through point by point."""

    name: str
    declared: Mapping[str, Any]

    def mapping(self) -> ColumnMapping:
        self._check_keys()
        table = self._table()
        columns = {ours: heading.lower() for ours, heading in self._texts("columns").items()}
        constants = self._texts("constants")
        self._check_columns(table, columns, constants)
        return ColumnMapping(
            name=self.name,
            table=table,
            columns=MappingProxyType(columns),
            identified_by=self._identified_by(columns),
            codes=MappingProxyType(self._codes(table, columns)),
            constants=MappingProxyType(constants),
            date_format=self._date_format(),
        )

    def _refuse(self, text: str) -> MappingInvalid:
        return MappingInvalid(f"{self.name}: {text}")

    def _check_keys(self) -> None:
        if unknown := sorted(set(self.declared) - _KEYS):
            raise self._refuse(f"{unknown[0]!r} is nothing that a mapping says; it says {', '.join(sorted(_KEYS))}")

    def _table(self) -> InputTable:
        table = load_formats().get(str(self.declared.get("table")))
        if table is None:
            raise self._refuse(f"`table` must be one of {', '.join(load_formats())}")
        return table

    def _texts(self, key: str) -> dict[str, str]:
        entry = self.declared.get(key, {})
        if not isinstance(entry, dict) or not all(isinstance(each, str) and each.strip() for each in entry.values()):
            raise self._refuse(f"[{key}] must give a text for each column")
        return {name.lower(): text.strip() for name, text in entry.items()}

    def _check_columns(self, table: InputTable, columns: Mapping[str, str], constants: Mapping[str, str]) -> None:
        known = [column.field for column in table.columns]
        if unknown := [name for name in (*columns, *constants) if name not in known]:
            raise self._refuse(f"{table.name} has no column {unknown[0]!r}; it has {', '.join(known)}")
        if both := sorted(set(columns) & set(constants)):
            raise self._refuse(f"{both[0]} is both a column and a constant; leave one out")
        if not columns:
            raise self._refuse("[columns] must name at least one heading")
        if lacking := [
            each.field for each in table.columns if each.required and each.field not in {*columns, *constants}
        ]:
            raise self._refuse(f"{table.name} cannot do without {lacking[0]}; say which column it is")
        if "la_child_id" in known and not {"upn", "la_child_id"} & set(columns):
            raise self._refuse("rows are about nobody; say which column is the upn or the la_child_id")

    def _identified_by(self, columns: Mapping[str, str]) -> frozenset[str]:
        listed = self.declared.get("identified_by", list(columns.values()))
        if not isinstance(listed, list) or not listed or not all(isinstance(each, str) for each in listed):
            raise self._refuse("`identified_by` must be a list of headings")
        headings = frozenset(each.strip().lower() for each in listed)
        if strange := sorted(headings - set(columns.values())):
            raise self._refuse(f"`identified_by` names {strange[0]!r}, which [columns] does not")
        return headings

    def _codes(self, table: InputTable, columns: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
        entry = self.declared.get("codes", {})
        if not isinstance(entry, dict) or not all(isinstance(each, dict) for each in entry.values()):
            raise self._refuse("[codes] must have a table for each column: [codes.quality]")
        return {name.lower(): self._code(table, columns, name.lower(), words) for name, words in entry.items()}

    def _code(
        self, table: InputTable, columns: Mapping[str, str], name: str, words: Mapping[str, object]
    ) -> Mapping[str, str]:
        column = table.column(name)
        if column is None or name not in columns:
            raise self._refuse(f"[codes.{name}] is about a column that [columns] does not have")
        for ours in words.values():
            if not isinstance(ours, str) or not _is_value(column, ours):
                raise self._refuse(f"[codes.{name}] must give one of {', '.join(_values(column)) or 'our texts'}")
        return MappingProxyType({theirs.strip().lower(): str(ours) for theirs, ours in words.items()})

    def _date_format(self) -> str | None:
        form = self.declared.get("date_format")
        if form is not None and not (isinstance(form, str) and "%" in form):
            raise self._refuse('`date_format` must be like "%d/%m/%y"')
        return form


def _values(column: InputColumn) -> Sequence[str]:
    return ("yes", "no") if column.type == "yes_no" else column.codes


def _is_value(column: InputColumn, text: str) -> bool:
    return not _values(column) or text in _values(column)


def check_fit(mappings: Iterable[ColumnMapping], used: Iterable[str | None], headers: Sequence[Sequence[str]]) -> None:
    """Refuse a load in which a mapping that was asked for fits no file, naming what the nearest file lacks."""
    for mapping in mappings:
        if mapping.name in set(used):
            continue
        lacking = [sorted(mapping.identified_by - {name.lower() for name in header}) for header in headers]
        nearest = min(lacking, key=len, default=sorted(mapping.identified_by))
        raise MappingInvalid(f"{mapping.name}: no file has its columns; the nearest lacks {', '.join(nearest)}")
