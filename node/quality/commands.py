"""`circe node returns`, `quality`, `validate` and `retire`: what is wrong with what was loaded, and what to keep."""

from pathlib import Path

import click

from node.claim_commands import FORM, PERSON, PURPOSE, STATE, format_rows

NEW_FILE = click.Path(path_type=Path, dir_okay=False)
YEAR = click.option("--year", type=int, help="The academic year, like 202425; else the latest that is loaded.")
OUTPUT = click.option(
    "--output",
    type=NEW_FILE,
    help="Write to this file, readable by its owner alone, instead of standard output.",
)


def _show(text: str, output: Path | None) -> None:
    """Write a result out: to standard output, or whole or not at all to a file of the owner's alone."""
    from federation.state import write_file

    if output is None:
        click.echo(text, nl=False)
    else:
        write_file(output, text.encode())


def _check_private(form: str, output: Path | None) -> None:
    """A list of children goes to a private file, never down a pipe."""
    if form == "csv" and output is None:
        raise click.UsageError("the CSV lists children: give --output FILE, which its owner alone can read")


@click.command()
@STATE
@PERSON
@PURPOSE
@YEAR
@click.option("--ours", is_flag=True, help="Only what is about children of this authority's own return.")
@FORM
@OUTPUT
def returns(
    state: Path, person_id: str, purpose: str, year: int | None, ours: bool, form: str, output: Path | None
) -> None:
    """Set what schools returned against what the authority knows, so that a return can be corrected in time."""
    _check_private(form, output)
    from node.lookups.reading_room import admit_reader
    from node.quality.returns import CSV_HEADINGS, LISTING, check_returns
    from node.service import open_node

    node = open_node(state)
    reader = admit_reader(node, person_id, purpose, LISTING, copying=output is not None or form != "table")
    report = check_returns(node, year, only_ours=ours)
    reader.sign_for(report.children)
    match form:
        case "json":
            _show(report.to_json() + "\n", output)
        case "csv":
            _show(format_rows(CSV_HEADINGS, [*report.rows()], "csv"), output)
        case _:
            _show(report.to_text(), output)


@click.command()
@STATE
@FORM
@OUTPUT
@click.option("--page", type=NEW_FILE, help="Write an HTML page instead, with findings in returns by school.")
@click.option("--csv", "table", type=NEW_FILE, help="Write files and rules of both checks as CSV instead.")
@click.option("--as", "person_id", help="Who reads the page or the CSV: one of the node's people.")
@click.option("--purpose", help="Why they read it; it is logged.")
@YEAR
def quality(
    state: Path,
    form: str,
    output: Path | None,
    page: Path | None,
    table: Path | None,
    person_id: str | None,
    purpose: str | None,
    year: int | None,
) -> None:
    """List the rules that rows of the loaded files break, by file: how many rows, and the first of them."""
    from node.quality import file_quality
    from node.service import open_node

    if page or table:
        if not person_id or purpose is None:
            raise click.UsageError("the page and the CSV tell of children: give --as PERSON and --purpose TEXT")
        return _write_overview(state, person_id, purpose, year, page, table)
    found = file_quality.list_file_rules(open_node(state))
    match form:
        case "json":
            _show(file_quality.to_json(found) + "\n", output)
        case "csv":
            _show(format_rows(file_quality.HEADINGS, [*file_quality.to_rows(found)], "csv"), output)
        case _:
            _show(file_quality.to_text(found), output)
    return None


def _write_overview(
    state: Path, person_id: str, purpose: str, year: int | None, page: Path | None, table: Path | None
) -> None:
    """Write what both checks found as a page, as a CSV, or as both; each readable by its owner alone."""
    from node.lookups.reading_room import admit_reader
    from node.quality.overview import CSV_HEADINGS, LISTING, gather_overview
    from node.quality.page import render_page
    from node.service import open_node

    node = open_node(state)
    reader = admit_reader(node, person_id, purpose, LISTING, copying=True)
    overview = gather_overview(node, year)
    reader.sign_for(overview.returns.children)
    if page:
        _show(render_page(overview, reader), page)
    if table:
        _show(format_rows(CSV_HEADINGS, [*overview.to_rows()], "csv"), table)


@click.command()
@STATE
@PERSON
@PURPOSE
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
    state: Path,
    person_id: str,
    purpose: str,
    environment: Path,
    year: int | None,
    form: str,
    output: Path | None,
    paths: tuple[Path, ...],
) -> None:
    """Hold the files of an SSDA903 return against the open rule set of analysts, in an environment of its own."""
    _check_private(form, output)
    from node.lookups.reading_room import admit_reader
    from node.quality.open_validator import CSV_HEADINGS, LISTING, run_validator
    from node.quality.return_year import find_area_code, find_return_year
    from node.service import open_node

    node = open_node(state)
    reader = admit_reader(node, person_id, purpose, LISTING, copying=output is not None or form != "table")
    report = run_validator(
        environment, paths, year=year or find_return_year(node), area_code=find_area_code(node.authority)
    )
    reader.sign_for(child for each in report.findings for _, child in each.rows)
    match form:
        case "json":
            _show(report.to_json() + "\n", output)
        case "csv":
            _show(format_rows(CSV_HEADINGS, [*report.to_rows()], "csv"), output)
        case _:
            _show(report.to_text(), output)


@click.command()
@STATE
@click.option("--keep", type=click.IntRange(min=1), required=True, help="How many of the newest snapshots to keep.")
@click.option("--years", type=click.IntRange(min=1), help="Of how many of the newest years to keep what hosts told.")
def retire(state: Path, keep: int, years: int | None) -> None:
    """Destroy old snapshots, and what hosts told for them, and log it.

    Never the current one, nor one for which a query has no answer yet, nor an answer that either was built from.
    """
    from node.quality.retention import retire_snapshots

    retired = retire_snapshots(state, keep, years)
    for identifier in retired.destroyed:
        click.echo(f"destroyed {identifier}")
    for answer in retired.answers:
        click.echo(f"destroyed answer {answer}")
    if not (retired.destroyed or retired.answers or retired.kept):
        click.echo("nothing was destroyed: there is no older snapshot, nor an answer for one", err=True)
    for identifier in retired.kept:
        click.echo(f"kept {identifier}: it is current, or a query that has no answer yet is for it", err=True)
