"""The pages of docs/ that are written from the declarations they describe; `make docs` writes them anew."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from query_engine.catalogue import Column, load_catalogue

HOUSE = Path(__file__).parents[2]
GENERATED = "<!-- Written by `make docs`; edit the declaration it comes from instead. -->"
MOST_SHOWN = 15
"""How many categories of a column are written out."""


def write_loading_page() -> str:
    """The input tables that a node recognises and the rules that rows are held to."""
    formats = tomllib.loads((HOUSE / "node" / "ingest" / "formats.toml").read_text())
    rules = tomllib.loads((HOUSE / "node" / "ingest" / "rules.toml").read_text())["rules"]
    return "\n".join(_loading_lines(formats["tables"], rules)) + "\n"


def _loading_lines(tables: Mapping[str, Mapping[str, object]], rules: list[Mapping[str, str]]) -> Iterator[str]:
    yield from (
        "# Loading files",
        "",
        GENERATED,
        "",
        "`circe node load` takes files and directories as they are. A file is recognised by the columns of its",
        "header, in any case and order, whatever it is called; further columns are welcome. UTF-8, with or without a",
        "byte order mark, and Windows-1252 are read. Every row is loaded or reported, so rows in = rows loaded +",
        "rows reported; a row may also be loaded with a remark. The report names files, rules and row numbers, and",
        "never a value.",
        "",
        "A load is kept with those before it: a file of the same table and return year or term replaces the earlier",
        "one, and everything else stays. The result is a new snapshot, switched to when it is whole.",
        "",
        "## Tables",
        "",
        "| table | recognised by |",
        "|---|---|",
    )
    for name, table in tables.items():
        columns = table["identified_by"]
        assert isinstance(columns, list)
        yield f"| {name} | {', '.join(columns)} |"
    yield from ("", "## Rules", "", "| rule | what becomes of the row | meaning |", "|---|---|---|")
    for rule in rules:
        fate = "not loaded" if rule["severity"] == "rejected" else "loaded, with a remark"
        yield f"| `{rule['name']}` | {fate} | {rule['text']} |"


def write_catalogue_page() -> str:
    """Every governed column, with its definition and source."""
    return "\n".join(_catalogue_lines()) + "\n"


def _catalogue_lines() -> Iterator[str]:
    yield from ("# The catalogue", "", GENERATED, "", "What can be asked about. `circe catalogue` prints the same.")
    for table in load_catalogue().tables.values():
        yield from ("", f"## {table.name}", "", f"{table.grain}", "")
        yield from ("| column | definition | values | source | factor |", "|---|---|---|---|---|")
        for column in table.columns.values():
            cells = (f"`{column.name}`", column.definition, _values(column), column.source, column.factor or "")
            yield f"| {' | '.join(cells)} |"


def _values(column: Column) -> str:
    if column.bounds is not None:
        low, high = column.bounds
        return f"{low} to {high}" + (f" {column.unit}" if column.unit else "")
    if not column.domain:
        return column.role
    if len(column.domain) > MOST_SHOWN:
        return f"{column.domain[0]} to {column.domain[-1]}, {len(column.domain)} values"
    return ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in column.domain)


PAGES: Mapping[str, Callable[[], str]] = {"loading.md": write_loading_page, "catalogue.md": write_catalogue_page}

if __name__ == "__main__":
    for name, write in PAGES.items():
        (HOUSE / "docs" / name).write_text(write())
