"""The catalogue of governed tables: what may be asked about, read from one declarative file.

Every column has finitely many public values, so the cells of a table are known before any data is read. The
file is `catalogue.toml`; a key it does not know is an error, so that a misspelt rule cannot be silently ignored.
"""

import hashlib
import tomllib
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from query_engine.geography import REGIONS, load_authorities

Role = Literal["key", "dimension", "flag", "measure"]
ColumnType = Literal["category", "integer", "decimal", "boolean"]
Sensitivity = Literal["ordinary", "care_record", "special_category"]
Category = str | int | bool
Value = str | int | bool | Decimal

_FILE = Path(__file__).with_name("catalogue.toml")
_COLUMN_KEYS = {"role", "type", "definition", "source", "factor", "sensitivity"}
_KEYS_BY_ROLE: Mapping[str, set[str]] = {
    "key": set(),
    "dimension": {"domain"},
    "flag": set(),
    "measure": {"bounds", "unit"},
}
_OPTIONAL_KEYS = {"nullable", "scale"}
_TABLE_KEYS = {"grain", "description", "authority_column", "child_key", "typical_size", "columns"}


class CatalogueInvalid(Exception):
    """The catalogue file is not as it should be. The text says where and what to do."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it means, where it comes from, and every value it can publicly take.

    A `dimension` or `flag` has a `domain` of categories in order; a `measure` has inclusive `bounds` and a
    `scale`, its number of decimal places. `nullable` says whether a value can be missing.
    """

    name: str
    role: Role
    type: ColumnType
    domain: tuple[Category, ...] | None
    bounds: tuple[Decimal, Decimal] | None
    scale: int
    unit: str | None
    definition: str
    source: str
    factor: str
    sensitivity: Sensitivity
    nullable: bool

    @property
    def ordered(self) -> bool:
        """Whether `<` and BETWEEN have a meaning: true of numbers."""
        return self.type in ("integer", "decimal")

    @property
    def codes(self) -> int:
        """How many codes there are. A code is a value's place in the public order; missing comes last."""
        return self.present_codes + self.nullable

    @property
    def present_codes(self) -> int:
        """How many codes stand for a value that is present."""
        if self.domain is not None:
            return len(self.domain)
        low, high = self.scaled_bounds
        return high - low + 1

    @property
    def scaled_bounds(self) -> tuple[int, int]:
        """A measure's bounds as fixed-point integers, in units of its last decimal place."""
        if self.bounds is None:
            raise ValueError(f"{self.name} is not a measure")
        low, high = self.bounds
        return int(low.scaleb(self.scale)), int(high.scaleb(self.scale))

    def code(self, value: Value) -> int | None:
        """The code of a value, or None when it is not one of the column's public values."""
        if self.domain is not None:
            return next((place for place, each in enumerate(self.domain) if each == value), None)
        scaled = Decimal(value).scaleb(self.scale)
        low, high = self.scaled_bounds
        return int(scaled) - low if scaled == int(scaled) and low <= scaled <= high else None

    def value(self, code: int) -> Value | None:
        """The value a code stands for; None for the missing value."""
        if code == self.present_codes and self.nullable:
            return None
        if self.domain is not None:
            return self.domain[code]
        scaled = self.scaled_bounds[0] + code
        return Decimal(scaled).scaleb(-self.scale) if self.type == "decimal" else scaled


@dataclass(frozen=True, slots=True)
class GovernedTable:
    """One governed table. A row is what `grain` says; `child_key` may only be counted.

    `authority_column` holds the authority whose node keeps the row. `typical_size` is about how many children
    one authority has in a year of the table, by published figures; it is used to warn of sparse tables.
    """

    name: str
    grain: str
    description: str
    authority_column: str
    child_key: str
    typical_size: int
    columns: Mapping[str, Column] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every governed table, with the first 16 hex figures of the file's SHA-256 as its version."""

    tables: Mapping[str, GovernedTable] = field(repr=False)
    factors: tuple[str, ...]
    version: str

    def table(self, name: str) -> GovernedTable:
        """The table of that name. Raises `KeyError` where there is none."""
        return self.tables[name]


@cache
def load_catalogue() -> Catalogue:
    """The catalogue of this installation. Raises `CatalogueInvalid`."""
    return parse_catalogue(_FILE.read_bytes())


def parse_catalogue(content: bytes) -> Catalogue:
    """A catalogue from the bytes of its file. Raises `CatalogueInvalid`."""
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueInvalid(f"the catalogue is not TOML: {error}") from None
    _check_keys("the catalogue", data, {"factors", "domains", "tables"})
    domains = _named_domains(data["domains"])
    factors = tuple(data["factors"])
    tables = {name: _table(name, entry, domains, factors) for name, entry in data["tables"].items()}
    return Catalogue(MappingProxyType(tables), factors, hashlib.sha256(content).hexdigest()[:16])


def _named_domains(declared: Mapping[str, list[Category]]) -> Mapping[str, tuple[Category, ...]]:
    """The domains columns refer to by name: those of the file, and the two of the country's geography."""
    geography: dict[str, tuple[Category, ...]] = {"authorities": tuple(load_authorities()), "regions": REGIONS}
    return geography | {name: tuple(values) for name, values in declared.items()}


def _table(
    name: str, entry: dict[str, Any], domains: Mapping[str, tuple[Category, ...]], factors: tuple[str, ...]
) -> GovernedTable:
    where = f"table {name}"
    _check_keys(where, entry, _TABLE_KEYS)
    columns = {each: _column(where, each, body, domains) for each, body in entry["columns"].items()}
    for each in columns.values():
        if each.factor not in factors:
            raise CatalogueInvalid(f"{where}, column {each.name}: {each.factor!r} is not among the factors")
    keys = [each.name for each in columns.values() if each.role == "key"]
    if keys != [entry["child_key"]]:
        raise CatalogueInvalid(f"{where}: child_key must name the one column of role key, not {keys}")
    if entry["authority_column"] not in columns:
        raise CatalogueInvalid(f"{where}: authority_column names no column")
    return GovernedTable(name=name, **(entry | {"columns": MappingProxyType(columns)}))


def _column(table: str, name: str, body: dict[str, Any], domains: Mapping[str, tuple[Category, ...]]) -> Column:
    where = f"{table}, column {name}"
    role: Role = body.get("role", "")
    if role not in get_args(Role):
        raise CatalogueInvalid(f"{where}: role must be one of {', '.join(get_args(Role))}")
    _check_keys(where, body, _COLUMN_KEYS | _KEYS_BY_ROLE[role], _OPTIONAL_KEYS)
    for key, allowed in (("type", ColumnType), ("sensitivity", Sensitivity)):
        if body[key] not in get_args(allowed):
            raise CatalogueInvalid(f"{where}: {key} must be one of {', '.join(get_args(allowed))}")
    column = Column(
        name=name,
        role=role,
        type=body["type"],
        domain=_domain(where, role, body.get("domain"), domains),
        bounds=_bounds(body["bounds"]) if role == "measure" else None,
        scale=body.get("scale", 0),
        unit=body.get("unit"),
        definition=body["definition"],
        source=body["source"],
        factor=body["factor"],
        sensitivity=body["sensitivity"],
        nullable=body.get("nullable", True),
    )
    _check_column(where, column)
    return column


def _domain(
    where: str, role: Role, stated: object, domains: Mapping[str, tuple[Category, ...]]
) -> tuple[Category, ...] | None:
    """A column's categories: a list, a {from, to} range of whole numbers, or the name of a domain."""
    if role == "flag":
        return (False, True)
    match stated:
        case None:
            return None
        case str() if stated in domains:
            return domains[stated]
        case list():
            return tuple(cast("list[Category]", stated))
        case {"from": int(first), "to": int(last), **rest} if not rest:
            return tuple(range(first, last + 1))
        case _:
            raise CatalogueInvalid(f"{where}: domain must be a list, a range {{from, to}} or a known name")


def _bounds(stated: Mapping[str, int]) -> tuple[Decimal, Decimal]:
    _check_keys("bounds", stated, {"from", "to"})
    return Decimal(stated["from"]), Decimal(stated["to"])


_TYPES_BY_ROLE: Mapping[str, tuple[ColumnType, ...]] = {
    "key": ("category",),
    "dimension": ("category", "integer"),
    "flag": ("boolean",),
    "measure": ("integer", "decimal"),
}


def _check_column(where: str, column: Column) -> None:
    """Check what no single key can show. Raises `CatalogueInvalid`."""
    if column.type not in _TYPES_BY_ROLE[column.role]:
        raise CatalogueInvalid(f"{where}: a {column.role} cannot be of type {column.type}")
    if (column.scale > 0) != (column.type == "decimal"):
        raise CatalogueInvalid(f"{where}: scale belongs to decimals, and a decimal needs one")
    if column.bounds is not None and column.bounds[0] > column.bounds[1]:
        raise CatalogueInvalid(f"{where}: the bounds are the wrong way round")
    if column.domain is not None:
        _check_domain(where, column, column.domain)


def _check_domain(where: str, column: Column, domain: tuple[Category, ...]) -> None:
    kind: type = {"category": str, "integer": int, "boolean": bool}[column.type]
    if not domain or any(type(each) is not kind for each in domain):
        raise CatalogueInvalid(f"{where}: the domain must be a non-empty list of type {column.type}")
    if len(set(domain)) != len(domain):
        raise CatalogueInvalid(f"{where}: a category is listed twice")
    if column.type == "integer" and sorted(domain) != list(domain):
        raise CatalogueInvalid(f"{where}: whole numbers must be listed in order")


def _check_keys(where: str, body: Mapping[str, Any], required: Set[str], optional: Set[str] = frozenset()) -> None:
    missing, unknown = required - body.keys(), body.keys() - required - optional
    if missing:
        raise CatalogueInvalid(f"{where} lacks {', '.join(sorted(missing))}")
    if unknown:
        raise CatalogueInvalid(f"{where} has unknown keys: {', '.join(sorted(unknown))}")
