"""The input tables a node knows, read from `formats.toml`; a file is recognised by its header alone."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

Family = Literal["ssda903", "school_census"]
ColumnType = Literal["text", "upn", "postcode", "date", "integer", "decimal", "yes_no", "code"]

SQL_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {
        "text": "VARCHAR",
        "upn": "VARCHAR",
        "postcode": "VARCHAR",
        "date": "DATE",
        "integer": "INTEGER",
        "decimal": "DECIMAL(12,2)",
        "yes_no": "BOOLEAN",
        "code": "VARCHAR",
    }
)


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One column of an input table, as `formats.toml` describes it. `field` is its name in SQL."""

    name: str
    type: ColumnType
    required: bool = False
    past: bool = False
    bounds: tuple[int, int] | None = None
    codes: tuple[str, ...] = ()
    recodes: tuple[tuple[str, str], ...] = ()

    @property
    def field(self) -> str:
        """The column's name in SQL."""
        return self.name.lower()

    @property
    def raw(self) -> str:
        """The name in SQL of what the file says, before it is read as the column's type."""
        return self.field if self.type in ("text", "upn") else f"raw_{self.field}"

    @property
    def sql_type(self) -> str:
        """The DuckDB type of a value that has been read."""
        return SQL_TYPES[self.type]


@dataclass(frozen=True, slots=True)
class InputTable:
    """One input table: what identifies it, and what its columns hold."""

    name: str
    family: Family
    identified_by: frozenset[str]
    unique: tuple[str, ...]
    spell: tuple[str, ...]
    columns: tuple[InputColumn, ...]

    @property
    def relation(self) -> str:
        """The name in SQL of the accepted rows of this table."""
        return self.name.lower()

    @property
    def reading(self) -> str:
        """The name in SQL of the rows being read in this load, with what the file says beside each value."""
        return f"read_{self.relation}"


@cache
def load_formats() -> Mapping[str, InputTable]:
    """Every input table by name, in the order of `formats.toml`."""
    with Path(__file__).with_name("formats.toml").open("rb") as stream:
        declared = tomllib.load(stream)
    return MappingProxyType(
        {
            name: InputTable(
                name=name,
                family=entry["family"],
                identified_by=frozenset(each.lower() for each in entry["identified_by"]),
                unique=tuple(each.lower() for each in entry.get("unique", ())),
                spell=tuple(each.lower() for each in entry.get("spell", ())),
                columns=tuple(_column(each, body, declared) for each, body in entry["columns"].items()),
            )
            for name, entry in declared["tables"].items()
        }
    )


def _column(name: str, body: dict[str, Any], declared: Mapping[str, Any]) -> InputColumn:
    facts = dict(body)
    if "codes" in facts:
        listed = facts.pop("codes")
        facts |= {
            "codes": tuple(declared["codes"][listed]),
            "recodes": tuple(declared["recodes"].get(listed, {}).items()),
        }
    if "bounds" in facts:
        facts["bounds"] = tuple(facts["bounds"])
    return InputColumn(name=name, **facts)


def recognise_header(header: Iterable[str]) -> InputTable | None:
    """The table whose identifying columns are all in this header; of several, the one with most."""
    names = {each.lower() for each in header}
    candidates = [table for table in load_formats().values() if table.identified_by <= names]
    return max(candidates, key=lambda table: len(table.identified_by), default=None)
