"""The catalogue of governed tables: what may be asked about, read from one declarative file.

Every column has finitely many public values, so the cells of a table are known before any data is read. The
file is `catalogue.toml`; a key it does not know is an error, so that a misspelt rule cannot be silently ignored.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast, get_args

from query_engine.column_links import LINK_KEYS, CatalogueInvalid, check_keys, link_tables
from query_engine.columns import (
    Audience,
    Category,
    Column,
    ColumnType,
    GovernedTable,
    Nature,
    Role,
    SameChildren,
    Sensitivity,
    Value,
)
from query_engine.geography import REGIONS, former_authorities, load_authorities
from query_engine.meaning import check_meaning, digest_meaning

__all__ = [
    "Audience",
    "Catalogue",
    "CatalogueInvalid",
    "Category",
    "Column",
    "ColumnType",
    "GovernedTable",
    "Nature",
    "Role",
    "Sensitivity",
    "Value",
    "load_catalogue",
    "parse_catalogue",
]

_FILE = Path(__file__).with_name("catalogue.toml")
_COLUMN_KEYS = {"role", "type", "definition", "source", "factor", "sensitivity"}
_KEYS_BY_ROLE: Mapping[str, set[str]] = {
    "key": set(),
    "dimension": {"domain"},
    "flag": set(),
    "measure": {"bounds", "unit", "bins"},
}
_OPTIONAL_KEYS = {"nullable", "scale", "audience", "from", "to", "former", "meaning"}
_FIRST_YEAR = 201415
_TABLE_KEYS = {
    "grain",
    "description",
    "authority_column",
    "child_key",
    "typical_size",
    "rows_per_child_year",
    "columns",
}


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every governed table, with a digest of what binds as its version (see `query_engine.meaning`).

    `factors` are the policy paper's, each with its nature.
    """

    tables: Mapping[str, GovernedTable] = field(repr=False)
    factors: Mapping[str, Nature]
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
        data = tomllib.loads(content.decode("utf-8"), parse_float=Decimal)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueInvalid(f"the catalogue is not TOML: {error}") from None
    check_keys("the catalogue", data, {"factors", "domains", "tables"})
    domains = _named_domains(data["domains"])
    factors = _factors(data["factors"])
    declared = {
        f"{table}.{name}": body for table, entry in data["tables"].items() for name, body in entry["columns"].items()
    }
    tables = {name: _table(name, entry, declared, domains, factors) for name, entry in data["tables"].items()}
    tables = {name: _with_same_children(each, data["tables"][name], tables) for name, each in tables.items()}
    tables = link_tables(tables, data["tables"])
    return Catalogue(MappingProxyType(tables), factors, digest_meaning(data, _geography()))


def _factors(declared: Mapping[str, Nature]) -> Mapping[str, Nature]:
    for name, nature in declared.items():
        if nature not in get_args(Nature):
            raise CatalogueInvalid(f"factor {name!r} must be one of {', '.join(get_args(Nature))}")
    return MappingProxyType(dict(declared))


def _named_domains(declared: Mapping[str, list[Category]]) -> Mapping[str, tuple[Category, ...]]:
    """The domains columns refer to by name: those of the file, and those of the country's geography."""
    return _geography() | {name: tuple(values) for name, values in declared.items()}


def _geography() -> dict[str, tuple[Category, ...]]:
    return {"authorities": tuple(load_authorities()), "former_authorities": former_authorities(), "regions": REGIONS}


def _table(
    name: str,
    entry: dict[str, Any],
    declared: Mapping[str, dict[str, Any]],
    domains: Mapping[str, tuple[Category, ...]],
    factors: Mapping[str, Nature],
) -> GovernedTable:
    where = f"table {name}"
    check_keys(where, entry, _TABLE_KEYS, {"child_columns", "same_children", "meaning", *LINK_KEYS})
    check_meaning(where, entry)
    bodies = {each: _likened(where, body, declared) for each, body in entry["columns"].items()}
    columns = {each: _column(where, each, body, domains, factors) for each, body in bodies.items()}
    keys = [each.name for each in columns.values() if each.role == "key"]
    if keys != [entry["child_key"]]:
        raise CatalogueInvalid(f"{where}: child_key must name the one column of role key, not {keys}")
    if entry["authority_column"] not in columns:
        raise CatalogueInvalid(f"{where}: authority_column names no column")
    if type(entry["rows_per_child_year"]) is not int or entry["rows_per_child_year"] < 1:
        raise CatalogueInvalid(f"{where}: rows_per_child_year must be a whole number of 1 or more")
    if any(each.former and each.name != entry["authority_column"] for each in columns.values()):
        raise CatalogueInvalid(f"{where}: only the authority column, which no plan reads, may have former values")
    own = _child_columns(where, entry, columns)
    return GovernedTable(
        name=name,
        child_columns=own,
        columns=MappingProxyType(columns),
        **{key: entry[key] for key in _TABLE_KEYS - {"columns"}},
    )


def _child_columns(where: str, entry: Mapping[str, Any], columns: Mapping[str, Column]) -> frozenset[str]:
    """The columns that say the same in all rows of a child in a year."""
    if entry["rows_per_child_year"] == 1:
        if "child_columns" in entry:
            raise CatalogueInvalid(f"{where}: with one row for a child every column is the child's: name none")
        return frozenset(columns)
    named = entry.get("child_columns", ())
    if wrong := [each for each in named if each not in columns]:
        raise CatalogueInvalid(f"{where}: child_columns names no column: {', '.join(wrong)}")
    return frozenset(named)


def _with_same_children(
    table: GovernedTable, entry: Mapping[str, Any], tables: Mapping[str, GovernedTable]
) -> GovernedTable:
    """A table with what it declares of children whom another table has too. Raises `CatalogueInvalid`."""
    if "same_children" not in entry:
        return table
    stated, where = entry["same_children"], f"table {table.name}, same_children"
    check_keys(where, stated, {"table", "column", "groups", "alike"})
    other, column = tables.get(stated["table"]), table.columns.get(stated["column"])
    if other is None or column is None or table.rows_per_child_year != 1 or other.rows_per_child_year != 1:
        raise CatalogueInvalid(f"{where}: name a column, and another table; both tables have one row for each child")
    for name in stated["alike"]:
        own, others = table.columns.get(name), other.columns.get(name)
        if (
            own is None
            or others is None
            or (own.domain, own.bounds, own.codes)
            != (
                others.domain,
                others.bounds,
                others.codes,
            )
        ):
            raise CatalogueInvalid(f"{where}: {name} has not the same values in both tables")
    for group, values in stated["groups"].items():
        said = {name: other.columns[name].code(value) for name, value in values.items() if name in other.columns}
        if column.code(group) is None or len(said) < len(values) or None in said.values():
            raise CatalogueInvalid(f"{where}: {group} must be a category, and say values of columns of {other.name}")
    found = SameChildren(
        other.child_key, column.name, MappingProxyType(stated["groups"]), frozenset(stated["alike"]), other.columns
    )
    return replace(table, same_children=found)


def _likened(where: str, body: dict[str, Any], declared: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A column's body, with what it does not say itself taken from the column that it is declared to be like."""
    if "like" not in body:
        return body
    model = declared.get(body["like"])
    if model is None or "like" in model:
        raise CatalogueInvalid(f"{where}: like must name a column, as table.column, that is declared in full")
    return model | {key: value for key, value in body.items() if key != "like"}


def _column(
    table: str,
    name: str,
    body: dict[str, Any],
    domains: Mapping[str, tuple[Category, ...]],
    factors: Mapping[str, Nature],
) -> Column:
    where = f"{table}, column {name}"
    role: Role = body.get("role", "")
    if role not in get_args(Role):
        raise CatalogueInvalid(f"{where}: role must be one of {', '.join(get_args(Role))}")
    check_keys(where, body, _COLUMN_KEYS | _KEYS_BY_ROLE[role], _OPTIONAL_KEYS)
    check_meaning(where, body)
    body = {"audience": "researcher"} | body
    for key, allowed in (("type", ColumnType), ("sensitivity", Sensitivity), ("audience", Audience)):
        if body[key] not in get_args(allowed):
            raise CatalogueInvalid(f"{where}: {key} must be one of {', '.join(get_args(allowed))}")
    if body["factor"] not in factors:
        raise CatalogueInvalid(f"{where}: {body['factor']!r} is not among the factors")
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
        nature=factors[body["factor"]],
        audience=body["audience"],
        first_year=body.get("from", _FIRST_YEAR),
        last_year=body.get("to"),
        former=domains[body["former"]] if "former" in body else (),
        bins=tuple(map(Decimal, body.get("bins", ()))),
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
    check_keys("bounds", stated, {"from", "to"})
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
    if column.last_year is not None and column.last_year < column.first_year:
        raise CatalogueInvalid(f"{where}: the years are the wrong way round")
    if column.domain is not None:
        _check_domain(where, column, column.domain)
    if column.bounds is not None:
        _check_bins(where, column, column.bounds[0])


def _check_bins(where: str, column: Column, least: Decimal) -> None:
    if any(column.code(edge) is None for edge in column.bins) or list(column.bins) != sorted(set(column.bins)):
        raise CatalogueInvalid(f"{where}: bins must be values of the measure, each greater than the one before")
    if len(column.bins) < 2 or column.bins[0] != least:
        raise CatalogueInvalid(f"{where}: there must be two bins at least, the first from the least value")


def _check_domain(where: str, column: Column, domain: tuple[Category, ...]) -> None:
    kind: type = {"category": str, "integer": int, "boolean": bool}[column.type]
    if not domain or any(type(each) is not kind for each in domain):
        raise CatalogueInvalid(f"{where}: the domain must be a non-empty list of type {column.type}")
    if len(set(domain)) != len(domain):
        raise CatalogueInvalid(f"{where}: a category is listed twice")
    if column.type == "integer" and sorted(domain) != list(domain):
        raise CatalogueInvalid(f"{where}: whole numbers must be listed in order")
