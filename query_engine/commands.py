"""The commands `circe catalogue` and `circe query check`. Both need nothing but this installation: no node, no hub."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from query_engine.methodology import Caution
    from query_engine.plan import QueryPlan
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


@click.command("check")
@click.argument("sql")
@click.option("--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True)
def check(sql: str, style: str) -> None:
    """Say how a query would be answered, or why it is refused, without running it.

    SQL is the query's text, @FILE to read it from a file, or - to read it from standard input.
    """
    from query_engine.catalogue import load_catalogue
    from query_engine.methodology import cautions
    from query_engine.parser import parse_query
    from query_engine.planner import plan_query
    from query_engine.refusal import QueryRefused

    text = read_sql(sql)
    governed = load_catalogue()
    try:
        plan = plan_query(parse_query(text, governed), governed)
    except QueryRefused as refusal:
        click.echo(json.dumps(_refusal_json(refusal)) if style == "json" else show_refusal(refusal, text))
        click.get_current_context().exit(REFUSED)
    found = cautions(plan)
    click.echo(json.dumps(_plan_json(plan, found)) if style == "json" else _show_plan(plan, found))


def read_sql(argument: str) -> str:
    """The text that a SQL argument means: itself, `@FILE`'s, or that of standard input. Raises a usage error."""
    from query_engine.text import TEXT_LIMIT

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
    if refusal.at is None:
        return f"{heading}\n  {refusal.text}"
    line, column = refusal.at
    lines = sql.split("\n")
    whole = "".join(each if each.isascii() and each.isprintable() else " " for each in lines[line - 1])
    start = max(0, column - 1 - _SHOWN // 2)
    caret = " " * (column - 1 - start) + "^"
    place = f"{heading} at line {line}, column {column}"
    return f"{place}\n\n  {whole[start : start + _SHOWN]}\n  {caret}\n  {refusal.text}"


def _refusal_json(refusal: "QueryRefused") -> dict[str, object]:
    return {"plan_id": None, "cells": None, "statistics": [], "warnings": [], "refused": refusal.to_json()}


def _plan_json(plan: "QueryPlan", found: "tuple[Caution, ...]") -> dict[str, object]:
    return {
        "plan_id": plan.plan_id,
        "cells": plan.cells,
        "statistics": [each.name for each in plan.statistics],
        "warnings": [each._asdict() for each in found],
        "refused": None,
    }


def _show_plan(plan: "QueryPlan", found: "tuple[Caution, ...]") -> str:
    from textwrap import wrap

    from query_engine.wording import describe_plan

    paragraphs = describe_plan(plan)
    if found:
        paragraphs.append(("Warnings", [f"{each.rule}: {each.text}" for each in found]))
    lines: list[str] = []
    for heading, texts in paragraphs:
        body = [line for text in texts for line in wrap(text, _SHOWN, subsequent_indent="  ")]
        lines += [f"{heading:<12}{body[0]}", *(" " * 12 + line for line in body[1:])]
    return "\n".join(lines)
