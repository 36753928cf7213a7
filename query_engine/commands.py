"""The command `circe catalogue`, and how a command reads SQL and shows a refusal. No node and no hub is needed."""

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from query_engine.refusal import QueryRefused

REFUSED = 4
"""The exit code of a refused query."""

_SHOWN = 100


@click.command("catalogue")
@click.argument("table", required=False)
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def catalogue(table: str | None, style: str) -> None:
    """List the governed tables, or every column of one TABLE."""
    from query_engine.catalogue import load_catalogue
    from query_engine.listing import list_catalogue

    governed = load_catalogue()
    if table is not None and table not in governed.tables:
        raise click.BadParameter(f"choose one of {', '.join(governed.tables)}.", param_hint="TABLE")
    chosen = [governed.table(table)] if table is not None else list(governed.tables.values())
    click.echo(list_catalogue(governed, chosen, style))


def read_sql(argument: str) -> str:
    """The text that a SQL argument means: itself, `@FILE`'s, or that of standard input. Raises a usage error."""
    from query_engine.language.text import TEXT_LIMIT

    if argument != "-" and not argument.startswith("@"):
        return argument
    try:
        with click.open_file(argument if argument == "-" else str(Path(argument[1:])), encoding="utf-8") as lines:
            return str(lines.read(TEXT_LIMIT + 1))
    except OSError as error:
        raise click.BadParameter(f"cannot read the file: {error.strerror}.", param_hint="SQL") from None
    except UnicodeDecodeError:
        raise click.BadParameter("the file is not text in UTF-8.", param_hint="SQL") from None


def show_refusal(refusal: "QueryRefused", sql: str) -> str:
    """A refusal for the terminal: the line of the text, a caret under the place, and the reason."""
    heading = f"Refused ({refusal.code})"
    reason = fill(refusal.text, _SHOWN, initial_indent="  ", subsequent_indent="  ")
    if refusal.at is None:
        return f"{heading}\n{reason}"
    line, column = refusal.at
    lines = sql.split("\n")
    whole = "".join(each if each.isascii() and each.isprintable() else " " for each in lines[line - 1])
    start = max(0, column - 1 - _SHOWN // 2)
    caret = " " * (column - 1 - start) + "^"
    place = f"{heading} at line {line}, column {column}"
    return f"{place}\n\n  {whole[start : start + _SHOWN]}\n  {caret}\n{reason}"
