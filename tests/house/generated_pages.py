"""The pages of docs/ that are written from the declarations they describe; `make docs` writes them anew."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from query_engine.catalogue import Column, load_catalogue
from query_engine.listing import bins_of, years_of
from tests.node.ingest.factor_examples import EXAMPLES

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
        "`circe node load` takes files, zip archives and directories as they are. A CSV or tab-separated file is",
        "recognised by the columns of its header, in any case and order, whatever it is called; further columns are",
        "welcome. UTF-8, with or without a byte order mark, and Windows-1252 are read. An SSDA903 return in XML",
        "(`EXPSSDA903`) and a Common Transfer File (`CTfile`) are read table by table. Every row is loaded or",
        "reported, so rows in = rows loaded + rows reported; a row may also be loaded with a remark. The report names",
        "files, members of archives, tables, rules and row numbers, and never a value. Row 1 is the header; in XML",
        "the first record of a table is row 2.",
        "",
        "A load is kept with those before it: a file of the same table and return year or term replaces the earlier",
        "one, and everything else stays. Where the table below says so, it adds to the year instead, and replaces",
        "only the rows whose key it brings again. A register replaces the earlier register. The result is a new",
        "snapshot, switched to when it is whole.",
        "",
        "## Tables",
        "",
        "| table | recognised by | a later load |",
        "|---|---|---|",
    )
    for name, table in tables.items():
        columns = table["identified_by"]
        assert isinstance(columns, list)
        later = "adds to the year" if table.get("accumulates") else "replaces it"
        yield f"| {name} | {', '.join(columns)} | {later} |"
    yield from _mapping_lines()
    yield from ("", "## Rules", "", "| rule | what becomes of the row | meaning |", "|---|---|---|")
    for rule in rules:
        fate = "not loaded" if rule["severity"] == "rejected" else "loaded, with a remark"
        yield f"| `{rule['name']}` | {fate} | {rule['text']} |"


def _mapping_lines() -> Iterator[str]:
    yield from (
        "",
        "## Mappings",
        "",
        "Other systems' exports are read by a mapping: a small TOML file, given with `--mapping FILE.toml`, that says",
        "which column is what. Those that come with Circe are recognised by their headings and need not be given:",
        "",
        "| mapping | table | headings |",
        "|---|---|---|",
    )
    for path in sorted((HOUSE / "node" / "ingest" / "mappings").glob("*.toml")):
        mapping = tomllib.loads(path.read_text())
        yield f"| {path.name} | {mapping['table']} | {', '.join(mapping['columns'].values())} |"
    yield from (
        "",
        "A mapping of your own is written like them:",
        "",
        "```toml",
        'table = "attendance_daily"',
        'date_format = "%d %B %y"       # only where dates are written in an unusual way',
        "",
        "[columns]                      # our column = your heading",
        'upn = "Pupil UPN"',
        'date = "Day"',
        'code = "Mark"',
        "",
        "[codes.code]                   # your word = our code",
        'Present = "/"',
        "",
        "[constants]                    # our column = the same text in every row",
        'session = "AM"',
        "```",
    )


def write_catalogue_page() -> str:
    """Every governed column, with its definition and source."""
    return "\n".join(_catalogue_lines()) + "\n"


def _catalogue_lines() -> Iterator[str]:
    yield from ("# The catalogue", "", GENERATED, "", "What can be asked about. `circe catalogue` prints the same.")
    for table in load_catalogue().tables.values():
        yield from ("", f"## {table.name}", "", f"{table.grain}", "")
        yield "| column | definition | values | source | factor | nature | years | sensitivity | asked by |"
        yield "|---|---|---|---|---|---|---|---|---|"
        for column in table.columns.values():
            yield f"| {' | '.join(_cells(column))} |"


def _cells(column: Column) -> tuple[str, ...]:
    """What the page says of a column: everything the catalogue does."""
    return (
        f"`{column.name}`",
        column.definition,
        _values(column),
        column.source,
        column.factor,
        column.nature,
        years_of(column),
        column.sensitivity.replace("_", " "),
        column.audience,
    )


def _values(column: Column) -> str:
    if column.bounds is not None:
        low, high = column.bounds
        unit = f" {column.unit}" if column.unit else ""
        return f"{low} to {high}{unit}, in bins from {bins_of(column)}"
    if not column.domain:
        return column.role
    if len(column.domain) > MOST_SHOWN:
        return f"{column.domain[0]} to {column.domain[-1]}, {len(column.domain)} values"
    return ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in column.domain)


def write_factors_page() -> str:
    """Every factor of the policy paper: its columns, and a worked example that is also a test."""
    return "\n".join(_factors_lines()) + "\n"


def _factors_lines() -> Iterator[str]:
    yield from ("# The factors", "", GENERATED, "")
    yield "What the policy paper found to bear on the education of children in care, and the columns that report on it."
    yield "Every example is run by `tests/node/ingest/test_factors.py`: its files make the"
    yield "row of `child_year` under them. Columns that are not shown hold usual values; returns end on 31 March 2025."
    columns = load_catalogue().table("child_year").columns.values()
    for factor, nature in load_catalogue().factors.items():
        example = EXAMPLES[factor]
        yield from ("", f"## {factor[0].upper()}{factor[1:]}", "", f"{nature.capitalize()}.", "")
        yield from ("| column | definition | source |", "|---|---|---|")
        yield from (
            f"| `{each.name}` | {each.definition} | {each.source} |" for each in columns if each.factor == factor
        )
        yield from ("", example.shows)
        for name, text in (*example.tables.items(), ("child_year", example.record)):
            yield from ("", f"`{name}`:", "", *_table_lines(text))


def _table_lines(text: str) -> Iterator[str]:
    """A table of a test as one of a page."""
    header, *rows = ([cell.strip() for cell in line.split("|")] for line in text.splitlines())
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' * len(header)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


PAGES: Mapping[str, Callable[[], str]] = {
    "loading.md": write_loading_page,
    "catalogue.md": write_catalogue_page,
    "factors.md": write_factors_page,
}

if __name__ == "__main__":
    for name, write in PAGES.items():
        (HOUSE / "docs" / name).write_text(write())
