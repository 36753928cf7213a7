"""The input tables a node knows, read from `formats.toml`; a file is recognised by its header alone."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

Family = Literal["ssda903", "school_census", "giap", "ctf", "register", "virtual_school", "social_care"]
ColumnType = Literal[
    "text", "upn", "postcode", "date", "integer", "decimal", "yes_no", "academic_year", "term", "code"
]  # fmt: skip

SQL_TYPES: Mapping[ColumnType, str] = MappingProxyType(
    {
        "text": "VARCHAR",
        "upn": "VARCHAR",
        "postcode": "VARCHAR",
        "date": "DATE",
        "integer": "INTEGER",
        "decimal": "DECIMAL(14,4)",
        "yes_no": "BOOLEAN",
        "academic_year": "INTEGER",
        "term": "VARCHAR",
        "code": "VARCHAR",
    }
)

READ_AS_WRITTEN: frozenset[ColumnType] = frozenset({"code", "integer", "decimal"})
"""Types of which most values are read as they stand, and blanks are looked for only where one could not be."""


@dataclass(frozen=True, slots=True)
class InputColumn:
    """One column of an input table, as `formats.toml` describes it. `field` is its name in SQL.

    `years` gives the first and last academic year of the codes that not every year's list has.
    """

    name: str
    type: ColumnType
    required: bool = False
    past: bool = False
    bounds: tuple[int, int] | None = None
    codes: tuple[str, ...] = ()
    recodes: tuple[tuple[str, str], ...] = ()
    years: tuple[tuple[str, int, int], ...] = ()

    @property
    def field(self) -> str:
        """The column's name in SQL."""
        return self.name.lower()

    @property
    def raw(self) -> str:
        """The name in SQL of what the file says, before it is read as the column's type."""
        return self.field if self.type in ("text", "upn") else f"raw_{self.field}"

    @property
    def written(self) -> str:
        """SQL of what the file says, without blanks around it."""
        return f'as_text("{self.raw}")' if self.type in READ_AS_WRITTEN else f'"{self.raw}"'

    @property
    def sql_type(self) -> str:
        """The DuckDB type of a value that has been read and kept."""
        return SQL_TYPES[self.type]

    @property
    def reading_type(self) -> str:
        """The DuckDB type of a value while its file is read: a code is then an item of its list, which is far smaller.

        Parquet keeps such an item as the word that it is.
        """
        codes = ", ".join("'" + code.replace("'", "''") + "'" for code in self.codes)
        return f"ENUM ({codes})" if codes else self.sql_type

    def untimely(self, academic_year: int) -> tuple[str, ...]:
        """The codes that no list of that year's return has."""
        return tuple(code for code, first, last in self.years if not first <= academic_year <= last)


@dataclass(frozen=True, slots=True)
class InputTable:
    """One input table: what identifies it, what its columns hold, and how its rows are dated and kept."""

    name: str
    family: Family
    identified_by: frozenset[str]
    unique: tuple[str, ...]
    spell: tuple[str, ...]
    period: str | None
    accumulates: bool
    first_return: int
    blank: tuple[str, ...]
    withheld: tuple[str, ...]
    columns: tuple[InputColumn, ...]

    @property
    def relation(self) -> str:
        """The name in SQL of the accepted rows of this table."""
        return self.name.lower()

    @property
    def reading(self) -> str:
        """The name in SQL of the rows being read in this load."""
        return f"read_{self.relation}"

    def column(self, name: str) -> InputColumn | None:
        """The column of that name, in any case."""
        return next((each for each in self.columns if each.field == name.lower()), None)


@cache
def load_formats() -> Mapping[str, InputTable]:
    """Every input table by name, in the order of `formats.toml`."""
    with Path(__file__).with_name("formats.toml").open("rb") as stream:
        declared = tomllib.load(stream)
    return MappingProxyType({name: _table(name, body, declared) for name, body in declared["tables"].items()})


def _table(name: str, body: dict[str, Any], declared: Mapping[str, Any]) -> InputTable:
    return InputTable(
        name=name,
        family=body["family"],
        identified_by=frozenset(each.lower() for each in body["identified_by"]),
        unique=tuple(each.lower() for each in body.get("unique", ())),
        spell=tuple(each.lower() for each in body.get("spell", ())),
        period=body.get("period"),
        accumulates=body.get("accumulates", False),
        first_return=body.get("first_return", 0),
        blank=tuple(body.get("blank", ())),
        withheld=tuple(declared["withheld"][body["withheld"]]) if "withheld" in body else (),
        columns=tuple(_column(each, facts, declared) for each, facts in body["columns"].items()),
    )


def _column(name: str, body: dict[str, Any], declared: Mapping[str, Any]) -> InputColumn:
    facts = dict(body)
    if "codes" in facts:
        listed = facts.pop("codes")
        years = declared["years"].get(listed, {}).items()
        facts |= {
            "codes": tuple(declared["codes"][listed]),
            "recodes": tuple(declared["recodes"].get(listed, {}).items()),
            "years": tuple((code, span.get("first", 0), span.get("last", 999_999)) for code, span in years),
        }
    if "bounds" in facts:
        facts["bounds"] = tuple(facts["bounds"])
    return InputColumn(name=name, **facts)
