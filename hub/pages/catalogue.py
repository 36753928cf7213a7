"""The catalogue of governed tables, open to everybody: what may be asked about, and every value it can take."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, render_template

from federation.problems import ProblemRaised
from query_engine.catalogue import Column, GovernedTable, Role, load_catalogue
from query_engine.geography import load_authorities

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

SENSITIVITIES = {
    "ordinary": "",
    "care_record": "from the record of a child's care",
    "special_category": "special category data (UK GDPR Article 9)",
}


@dataclass(frozen=True)
class ColumnEntry:
    """One column as the page shows it; `categories` has code and name of each where there are many."""

    name: str
    definition: str
    source: str
    uses: str
    sensitivity: str
    values: str
    categories: tuple[tuple[str, str], ...]


@catalogue.get("/catalogue")
def show_tables() -> str:
    """List the governed tables."""
    return render_template("catalogue.html", tables=load_catalogue().tables.values())


@catalogue.get("/catalogue/<name>")
def show_table(name: str) -> str:
    """Show the columns of one table by the factor that they report on."""
    found = load_catalogue().tables.get(name)
    if found is None:
        raise ProblemRaised(404, "table_unknown", "there is no governed table of that name: see the catalogue")
    return render_template("catalogue_table.html", table=found, factors=group_columns(found))


def group_columns(table: GovernedTable) -> Mapping[str, tuple[ColumnEntry, ...]]:
    """Return a table's columns by factor, in the catalogue's order."""
    columns = table.columns.values()
    return {
        factor: tuple(describe_column(column) for column in columns if column.factor == factor)
        for factor in dict.fromkeys(column.factor for column in columns)
    }


def describe_column(column: Column) -> ColumnEntry:
    """Return a column as the page shows it."""
    return ColumnEntry(
        name=column.name,
        definition=column.definition,
        source=column.source,
        uses=USES[column.role],
        sensitivity=SENSITIVITIES[column.sensitivity],
        values=describe_values(column),
        categories=list_categories(column),
    )


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
