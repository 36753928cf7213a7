"""The catalogue of governed tables, open to everybody: what may be asked about, and every value it can take.

A page may be narrowed to one of the policy paper's factors by `?factor=`; what the page says is the same without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, render_template, request

from federation.papers.words import SENSITIVITIES
from federation.problems import ProblemRaised
from federation.reports.written import name_year
from query_engine.catalogue import Column, GovernedTable, Role, load_catalogue
from query_engine.columns import Audience, ColumnType, Nature
from query_engine.geography import load_authorities
from query_engine.listing import bins_of

catalogue = Blueprint("catalogue", __name__)

SHOWN_CATEGORIES = 20
"""A column of more categories than this has them folded away."""

USES: Mapping[Role, str] = {
    "key": "count only",
    "dimension": "group by, filter",
    "flag": "group by, filter, sum, average",
    "measure": "filter, sum, average",
}
"""What a query can do with a column of each role."""

TYPES: Mapping[ColumnType, str] = {
    "category": "Category",
    "integer": "Whole number",
    "decimal": "Decimal number",
    "boolean": "True or false",
}

NATURES: Mapping[Nature, str] = {
    "fixed": "nobody who works with the child can change it any more",
    "variable": "those who work with the child can change it",
    "hybrid": "part of it can be changed by those who work with the child",
}
"""What the policy paper means by the nature of a factor."""

AUDIENCES: Mapping[Audience, str] = {
    "researcher": "Anybody with an approved query",
    "authority": "Authorities alone",
}


@dataclass(frozen=True)
class ColumnEntry:
    """One column as the page shows it; `categories` has code and name of each where there are many.

    `bins` are the least values of the ranges by which a measure is grouped.
    """

    name: str
    definition: str
    source: str
    uses: str
    type: str
    nature: str
    audience: str
    years: str
    sensitivity: str
    values: str
    bins: str
    categories: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Factor:
    """One of the policy paper's factors, its nature, and the columns of a table that report on it."""

    name: str
    nature: Nature
    columns: tuple[ColumnEntry, ...]


@catalogue.get("/catalogue")
def show_tables() -> str:
    """List the governed tables, those alone that report on a factor where one is chosen."""
    factor, tables = chosen_factor(), load_catalogue().tables.values()
    counted = [(table, sum(factor in ("", each.factor) for each in table.columns.values())) for table in tables]
    shown = [(table, columns) for table, columns in counted if columns]
    return render_template("catalogue.html", tables=shown, factor=factor, factors=list_factors())


@catalogue.get("/catalogue/<name>")
def show_table(name: str) -> str:
    """Show the columns of one table by the factor that they report on."""
    found = load_catalogue().tables.get(name)
    if found is None:
        raise ProblemRaised(404, "table_unknown", "there is no governed table of that name: see the catalogue")
    factor = chosen_factor()
    shown = [each for each in group_columns(found) if factor in ("", each.name)]
    return render_template(
        "catalogue_table.html", table=found, shown=shown, factor=factor, factors=list_factors(), natures=NATURES
    )


def chosen_factor() -> str:
    """The factor that the address asks for; empty for all. Raises a 404 problem for one that is none."""
    factor = request.args.get("factor", "")
    if factor and factor not in load_catalogue().factors:
        raise ProblemRaised(404, "factor_unknown", "there is no factor of that name: choose one in the catalogue")
    return factor


def list_factors() -> list[tuple[str, str]]:
    """The factors to choose from, as a form takes them: the value, and what is shown."""
    return [(name, name[:1].upper() + name[1:]) for name in load_catalogue().factors]


def group_columns(table: GovernedTable) -> list[Factor]:
    """Return a table's columns by factor, in the catalogue's order."""
    columns, natures = table.columns.values(), load_catalogue().factors
    return [
        Factor(name, natures[name], tuple(describe_column(column) for column in columns if column.factor == name))
        for name in dict.fromkeys(column.factor for column in columns)
    ]


def describe_column(column: Column) -> ColumnEntry:
    """Return a column as the page shows it."""
    return ColumnEntry(
        name=column.name,
        definition=column.definition,
        source=column.source,
        uses=USES[column.role],
        type=TYPES[column.type],
        nature=column.nature.capitalize(),
        audience=AUDIENCES[column.audience],
        years=describe_years(column),
        sensitivity=SENSITIVITIES[column.sensitivity],
        values=describe_values(column),
        bins=bins_of(column),
        categories=list_categories(column),
    )


def describe_years(column: Column) -> str:
    """Return the academic years in which the source asks, as people write them."""
    first = name_year(column.first_year)
    return f"{first} onwards" if column.last_year is None else f"{first} to {name_year(column.last_year)}"


def describe_values(column: Column) -> str:
    """Return every value that a column can take, in words."""
    return _describe_present(column) + (", or missing" if column.nullable else "")


def _describe_present(column: Column) -> str:
    if column.role == "flag":
        return "true or false"
    if column.bounds is not None:
        return f"{column.bounds[0]} to {column.bounds[1]} ({column.unit})"
    if column.domain is None:
        return "tokens, never shown"
    if column.type == "integer":
        return f"{column.domain[0]} to {column.domain[-1]}"
    if len(column.domain) > SHOWN_CATEGORIES:
        return f"{len(column.domain)} codes"
    return ", ".join(map(str, column.domain))


def list_categories(column: Column) -> tuple[tuple[str, str], ...]:
    """Return code and name of each category where there are too many for a line."""
    if column.domain is None or column.type != "category" or len(column.domain) <= SHOWN_CATEGORIES:
        return ()
    authorities = load_authorities()
    codes = [str(code) for code in column.domain]
    return tuple((code, authorities[code].name if code in authorities else "") for code in codes)
