"""The pages of docs/ that are written from the declarations they describe; `make docs` writes them anew."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from federation.exchange import QueryState
from hub.query_states import TRANSITIONS
from node.tracking.conversation import MAY_FOLLOW, MEANINGS, State
from node.tracking.kinds import KINDS
from node.tracking.values import Reading
from query_engine.catalogue import Column, load_catalogue
from query_engine.listing import bins_of, years_of
from query_engine.methodology.guards import Guard, load_guards
from tests.house.api_page import write_api_page
from tests.house.openapi import write_description
from tests.house.preset_page import GENERATED, write_presets_page
from tests.house.protection_picture import draw_level
from tests.node.ingest.factor_examples import EXAMPLES

HOUSE = Path(__file__).parents[2]
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
        "(`EXPSSDA903`), a children in need census (`Message`, each referral and plan of it a row) and a Common",
        "Transfer File (`CTfile`) are read table by table. Every row is loaded or reported, so rows in = rows loaded +",
        "rows reported; a row may also be loaded with a remark. The report names files, members of archives, tables,",
        "rules and row numbers, and never a value. Row 1 is the header; in XML the first record of a table is row 2.",
        "",
        "A load is kept with those before it: a file of the same table and return year or term replaces the earlier",
        "one, and everything else stays. Where the table below says so, it adds to the year instead, and replaces",
        "only the rows whose key it brings again. A register replaces the earlier register, and so do lists of who is",
        "in need or in kinship care. The result is a new snapshot, switched to when it is whole.",
        "",
        "A Header or a pupil roll may bring a column `consistent_identifier`, the child's consistent identifier under",
        "the Act of 2026. It is kept in the vault beside the unique pupil number, where no question reaches it, and",
        "nothing is matched by it yet.",
        "",
        "Schools tell of attendance one term late. The sessions of a spring census belong to the autumn term, those of",
        "a summer census to the spring term, and those of an autumn census to the summer term of the year before: load",
        "the next autumn's census too, and the year is whole.",
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


def write_methodology_page() -> str:
    """Every methodology guard, with a question that it stops or warns of and one that it lets pass."""
    return "\n".join(_methodology_lines()) + "\n"


def _methodology_lines() -> Iterator[str]:
    guards = load_guards()
    yield from ("# Methodology guards", "", GENERATED, "")
    yield "The policy paper says how figures on the education of children in care mislead. Each of its rules that a"
    yield "plan can show is a guard: `circe query check`, the hub and the asker's client hold every question to them."
    yield "A guard that refuses stops the question, with code `methodology`; one that warns lets it pass and says what"
    yield "would be sounder. Nodes take no part: no answer depends on a guard. The guards are declared in"
    yield "`query_engine/methodology/guards.toml`, and every example here is a test."
    yield from ("", "| guard | recommendation | | |", "|---|---|---|---|")
    for each in guards.rules:
        fate = "refuses" if each.severity == "refuse" else "warns"
        yield f"| `{each.name}` | {each.recommendation or ''} | {fate} | {each.title} |"
    yield from ("", "Outcomes are taken together in sets:", "", "| set | columns | what they say |", "|---|---|---|")
    for found in guards.sets.values():
        yield f"| {found.name} | {', '.join(f'`{name}`' for name in sorted(found.columns))} | {found.meaning} |"
    for each in guards.rules:
        yield from _guard_lines(each)
    yield from _foreseen_lines()


def _guard_lines(guard: Guard) -> Iterator[str]:
    stopped = "Refused" if guard.severity == "refuse" else "Warned of"
    where = "" if guard.path == "per_authority" else f", by the path `{guard.path}`"
    text = guard.text.format(years="several", cells="many", typical="few")
    yield from ("", f"## `{guard.name}`: {guard.title}", "", text, "", "Instead:", "")
    yield from (f"- {change}" for change in guard.instead)
    yield from ("", f"{stopped}{where}:", "", "```sql", *_broken(guard.stopped), "```")
    yield from ("", "Sound:", "", "```sql", *_broken(guard.sound), "```")


def _broken(sql: str) -> list[str]:
    """A statement with a line for each clause."""
    for clause in ("FROM", "WHERE", "GROUP BY", "ORDER BY", "LIMIT"):
        sql = sql.replace(f" {clause} ", f"\n{clause} ")
    return sql.splitlines()


def _foreseen_lines() -> Iterator[str]:
    yield from ("", "## What would be withheld", "")
    yield "The check and the hub's page also foresee which share of a table a preset would withhold, and where it is"
    yield "most, name nearby questions with their shares. Foreseeing touches no data: it goes by how often categories"
    yield "are in the synthetic England (`query_engine/domains/frequencies.csv`; `python -m node.synth.frequencies`),"
    yield "takes columns to be independent within a key stage and counts to be Poisson, and is of an authority of"
    yield "middling size. Figures of cells that hold no child are left out of the share."
    yield ""
    yield "They also say what is withheld whatever the figures come to, and what to ask instead: a sum, an average or"
    yield "a spread in a row that leaves so few values that it would count who has each (`AVG(age)` of whoever is 15"
    yield "or 16: ask for counts), and two quantiles in every row of fewer children than it takes for enough to lie"
    yield "between them. Not foreseen is what is withheld for what the figures come to (of 43 children of 15 or 16"
    yield "with 648 years three are sixteen), beside other questions about the same children (counts by what a sum"
    yield "adds up, a quantile near that of another question, three columns by each two of which tables count:"
    yield "`docs/linked-tables.md`), and of an exact total how much."
    yield ""
    yield "In place of ranks, `disclosure_control/funnel.py` gives the 95 and 99.8 per cent control limits of a figure"
    yield "around the figure of all, from released figures alone."


def write_tracking_page() -> str:
    """Every kind of fact of a tracking record, with its fields; and the path of a conversation with a school."""
    return "\n".join(_tracking_lines()) + "\n"


def _tracking_lines() -> Iterator[str]:
    yield from ("# What a tracking record holds", "", GENERATED, "")
    yield "Every fact that is set down is of one of these kinds. The access matrix knows it by its group."
    yield "A fact with the same key takes the place of an earlier one, which stays in the history."
    for kind in KINDS.values():
        yield from ("", f"## `{kind.name}`: {kind.title}", "", kind.meaning, "")
        yield f"Group `{kind.group}`; key {', '.join(f'`{name}`' for name in kind.key)}."
        yield from ("", "| field | meaning | how it is written | |", "|---|---|---|---|")
        for field in kind.fields:
            needed = "" if field.required else "may be empty"
            yield f"| `{field.name}` | {field.meaning} | {_written(field.reading)} | {needed} |"
    yield from ("", "## The path of a conversation", "", "```mermaid", "stateDiagram-v2")
    for before, follow in MAY_FOLLOW.items():
        yield from (f"    {before or '[*]'} --> {after}" for after in follow)
    yield from (
        "```",
        "",
        "| step | meaning |",
        "|---|---|",
        *(f"| `{state}` | {MEANINGS[state]} |" for state in State),
    )


def _written(reading: Reading) -> str:
    """How a value is written: its words for a closed kind."""
    return ", ".join(f"`{word}`" for word, _ in reading.options) if reading.options else reading.form


def write_query_states_page() -> str:
    """The state machine of a query."""
    return "\n".join(_query_states_lines()) + "\n"


def _query_states_lines() -> Iterator[str]:
    yield from ("# Where a query can stand", "", GENERATED, "")
    yield "A draft has been checked: what nobody may ask never becomes one. What is not drawn here cannot happen."
    yield from ("", "```mermaid", "stateDiagram-v2", f"    [*] --> {QueryState.DRAFTED}")
    for before, follow in TRANSITIONS.items():
        yield from (f"    {before} --> {after}" for after in [*map(str, sorted(follow))] or ["[*]"])
    yield from ("```", "", "| state | what it means | may become |", "|---|---|---|")
    for state in QueryState:
        after = ", ".join(f"`{each}`" for each in sorted(TRANSITIONS[state])) or "for good"
        yield f"| `{state}` | {state.meaning} | {after} |"
    yield from ("", *QUERY_ENDINGS)


QUERY_ENDINGS = (
    "An asker withdraws with `circe query withdraw`, an approver refuses with `circe approve --refuse` or at the page",
    '"What leaves" of their own node, and an output checker with `circe release refuse`. Each gives a reason, which',
    "everybody reads who may see the query. What it has cost in privacy stays spent.",
    "",
    "A release is never changed or taken away. One that should not have been made gets a notice, by an output checker",
    "with `circe release withdraw`: its page, `circe query status` and `circe query fetch` then say that it is",
    "withdrawn, by whom and why, and the hub's log has it. It is attacked together with later releases all the same,",
    "since it has been read.",
    "",
    "A hub of a later version can have a state that is not here. Software of this version shows it by its name, with",
    "what the hub says that it means (`GET /api/query-states`), and waits on unless the hub says that it is for good.",
)


PAGES: Mapping[str, Callable[[], str]] = {
    "api.md": write_api_page,
    "loading.md": write_loading_page,
    "catalogue.md": write_catalogue_page,
    "factors.md": write_factors_page,
    "methodology.md": write_methodology_page,
    "presets.md": write_presets_page,
    "query-states.md": write_query_states_page,
    "tracking-data.md": write_tracking_page,
    "protection-authority.svg": partial(draw_level, "authority"),
    "protection-region.svg": partial(draw_level, "region"),
    "protection-nation.svg": partial(draw_level, "nation"),
}

DESCRIPTIONS: Mapping[str, Callable[[], str]] = {
    "hub/openapi.json": partial(write_description, "hub"),
    "node/openapi.json": partial(write_description, "node"),
}
"""What the applications hand out of themselves."""

if __name__ == "__main__":
    for name, write in PAGES.items():
        (HOUSE / "docs" / name).write_text(write())
    for name, write in DESCRIPTIONS.items():
        (HOUSE / name).write_text(write())
