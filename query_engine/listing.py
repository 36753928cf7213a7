"""The catalogue as text: a table to read, CSV or JSON."""

import csv
import io
import json
from textwrap import wrap

from query_engine.catalogue import Catalogue, Column, GovernedTable

_LISTED = 16
_WIDTH = 100


def list_catalogue(catalogue: Catalogue, tables: list[GovernedTable], style: str) -> str:
    """The tables in one of the styles `table`, `csv` and `json`."""
    match style:
        case "csv":
            return _csv(tables)
        case "json":
            return json.dumps(_json(catalogue, tables), indent=2)
        case _:
            return "\n\n".join(map(_overview if len(tables) > 1 else _page, tables))


def values_of(column: Column) -> str:
    """The public values of a column in a few words."""
    if column.bounds is not None:
        return f"{column.bounds[0]} to {column.bounds[1]}"
    if column.domain is None:
        return "counted only"
    if column.role == "flag":
        return "yes, no"
    if column.ordered or len(column.domain) > _LISTED:
        return f"{column.domain[0]} to {column.domain[-1]} ({len(column.domain)})"
    return ", ".join(map(str, column.domain))


def bins_of(column: Column) -> str:
    """The least value of each bin of a measure; nothing for other columns."""
    return ", ".join(map(str, column.bins))


def years_of(column: Column) -> str:
    """The academic years in which the source asks, in a few words."""
    return f"{column.first_year} on" if column.last_year is None else f"{column.first_year} to {column.last_year}"


def _overview(table: GovernedTable) -> str:
    names = wrap(", ".join(table.columns), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join([*_heading(table), *names])


def _page(table: GovernedTable) -> str:
    lines = _heading(table)
    for column in table.columns.values():
        lines += ["", f"{column.name}  ({', '.join(filter(None, (column.role, column.type, column.unit)))})"]
        for text in (
            column.definition,
            f"Values: {values_of(column)}" + (f"; bins from {bins_of(column)}" if column.bins else ""),
            f"Source: {column.source}",
            f"Factor: {column.factor} ({column.nature}); {years_of(column)}; asked by: {column.audience}; "
            f"sensitivity: {column.sensitivity}",
        ):
            lines += wrap(text, _WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def _heading(table: GovernedTable) -> list[str]:
    return [f"{table.name}: {table.grain}", *wrap(table.description, _WIDTH)]


def _csv(tables: list[GovernedTable]) -> str:
    text = io.StringIO()
    records = [_record(table, each) for table in tables for each in table.columns.values()]
    rows = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    rows.writeheader()
    rows.writerows(records)
    return text.getvalue().rstrip("\n")


def _record(table: GovernedTable, column: Column) -> dict[str, str | int]:
    return {
        "table": table.name,
        "column": column.name,
        "role": column.role,
        "type": column.type,
        "scale": column.scale,
        "unit": column.unit or "",
        "nullable": "yes" if column.nullable else "no",
        "values": values_of(column),
        "bins": bins_of(column),
        "factor": column.factor,
        "nature": column.nature,
        "sensitivity": column.sensitivity,
        "audience": column.audience,
        "years": years_of(column),
        "source": column.source,
        "definition": column.definition,
    }


def _json(catalogue: Catalogue, tables: list[GovernedTable]) -> dict[str, object]:
    return {"version": catalogue.version, "tables": [_table_json(each) for each in tables]}


def _table_json(table: GovernedTable) -> dict[str, object]:
    return {
        "name": table.name,
        "grain": table.grain,
        "description": table.description,
        "authority_column": table.authority_column,
        "child_key": table.child_key,
        "rows_per_child_year": table.rows_per_child_year,
        "columns": [_column_json(each) for each in table.columns.values()],
    }


def _column_json(column: Column) -> dict[str, object]:
    return {
        "name": column.name,
        "role": column.role,
        "type": column.type,
        "domain": list(column.domain) if column.domain is not None else None,
        "bounds": [str(end) for end in column.bounds] if column.bounds is not None else None,
        "bins": [str(least) for least in column.bins],
        "scale": column.scale,
        "unit": column.unit,
        "nullable": column.nullable,
        "former": list(column.former),
        "factor": column.factor,
        "nature": column.nature,
        "sensitivity": column.sensitivity,
        "audience": column.audience,
        "from": column.first_year,
        "to": column.last_year,
        "source": column.source,
        "definition": column.definition,
    }
