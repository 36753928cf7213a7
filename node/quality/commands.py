"""`circe node returns`, `quality`, `validate` and `retire`: what is wrong with what was loaded, and what to keep."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from node.claim_commands import FORM, STATE, format_rows

OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file, readable by its owner alone, instead of standard output.",
)


def _show(text: str, output: Path | None) -> None:
    """Write a result out: to standard output, or whole or not at all to a file of the owner's alone."""
    from federation.state import write_file

    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text.encode())


def _to_csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return rows as CSV that a spreadsheet shows and never runs: names of schools and files are others' own."""
    return format_rows(headings, [[_without_formula(cell) for cell in row] for row in rows], "csv")


def _without_formula(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def _check_private(form: str, output: Path | None) -> None:
    """A list of children goes to a private file, never down a pipe."""
    if form == "csv" and output is None:
        raise click.UsageError("the CSV lists children: give --output FILE, which its owner alone can read")


@click.command()
@STATE
@click.option("--year", type=int, help="The academic year, for example 202425; the latest loaded, when not given.")
@click.option("--ours", is_flag=True, help="Only what is about children of this authority's own return.")
@FORM
@OUTPUT
def returns(state: Path, year: int | None, ours: bool, form: str, output: Path | None) -> None:
    """Set what schools returned against what the authority knows, so that a return can be corrected in time."""
    _check_private(form, output)
    from node.quality.returns import CSV_HEADINGS, check_returns
    from node.service import open_node

    report = check_returns(open_node(state), year, only_ours=ours)
    match form:
        case "json":
            _show(report.to_json() + "\n", output)
        case "csv":
            _show(_to_csv(CSV_HEADINGS, report.rows()), output)
        case _:
            _show(report.to_text(), output)


@click.command()
@STATE
@FORM
@OUTPUT
def quality(state: Path, form: str, output: Path | None) -> None:
    """List the rules that rows of the loaded files break, by file: how many rows, and the first of them."""
    from node.quality import file_quality
    from node.service import open_node

    found = file_quality.list_file_rules(open_node(state))
    match form:
        case "json":
            _show(file_quality.to_json(found) + "\n", output)
        case "csv":
            _show(_to_csv(file_quality.HEADINGS, file_quality.to_rows(found)), output)
        case _:
            _show(file_quality.to_text(found), output)


@click.command()
@STATE
@click.option(
    "--environment",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The virtual environment that csc-validator-be-903 is installed in.",
)
@click.option("--year", type=click.IntRange(2023, 2100), help="Year in which the return ends; else the latest loaded.")
@FORM
@OUTPUT
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def validate(
    state: Path, environment: Path, year: int | None, form: str, output: Path | None, paths: tuple[Path, ...]
) -> None:
    """Hold the files of an SSDA903 return against the open rule set of analysts, in an environment of its own."""
    _check_private(form, output)
    from node.quality.open_validator import CSV_HEADINGS, run_validator
    from node.quality.return_year import find_area_code, find_return_year
    from node.service import open_node

    node = open_node(state)
    report = run_validator(
        environment, paths, year=year or find_return_year(node), area_code=find_area_code(node.authority)
    )
    match form:
        case "json":
            _show(report.to_json() + "\n", output)
        case "csv":
            _show(_to_csv(CSV_HEADINGS, report.to_rows()), output)
        case _:
            _show(report.to_text(), output)


@click.command()
@STATE
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many of the newest snapshots to keep.")
def retire(state: Path, keep: int) -> None:
    """Destroy old snapshots and log it; never the current one, nor one for which a query has no answer yet."""
    from node.quality.retention import retire_snapshots

    retired = retire_snapshots(state, keep)
    for identifier in retired.destroyed:
        click.echo(f"destroyed {identifier}")
    for identifier in retired.kept:
        click.echo(f"kept {identifier}: it is current, or a query that has no answer yet is for it", err=True)
