"""`circe query compare`: two releases side by side, with what makes them no measures of the same thing said first."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.terminal import plain_text

if TYPE_CHECKING:
    from disclosure_control.release.shown_entry import ShownEntry
    from federation.client import FederationClient
    from federation.comparison import Comparison
    from federation.listing import Row


@click.command()
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own member directory."
)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.argument("first")
@click.argument("second")
def compare(state: Path, form: str, first: str, second: str) -> None:
    """Print two releases side by side: SECOND less FIRST, only where both show a figure.

    Each is cited by its id (R-) or its query's (Q-), whoever asked for it, and verified on this machine.

    What has to be minded before a difference is read is said first, on standard error.
    """
    from federation.client import connect
    from federation.listing import print_rows

    with connect(state) as client:
        found, withdrawn = client.compare(first, second), list(_tell_withdrawn(client, first, second))
    for line in (*withdrawn, *tell_beforehand(found)):
        click.echo(plain_text(line), err=True)
    print_rows(list(list_compared(found, plain=form != "table")), form)


def _tell_withdrawn(client: "FederationClient", *cited: str) -> Iterator[str]:
    from federation.endings import describe_notice

    for standing in map(client.standing, cited):
        if notice := standing.notice:
            yield describe_notice(f"The release of {standing.query_id}", notice)


def tell_beforehand(found: "Comparison") -> Iterator[str]:
    """Yield what has to be minded, and what was left out."""
    yield from (f"Before you read a difference: {warning}." for warning in found.warnings)
    if not found.labels or not found.rows:
        yield "The two have no row and figure in common by name."
    elif found.alone:
        yield f"{found.alone:,} rows of either have no counterpart and are left out."


def list_compared(found: "Comparison", *, plain: bool) -> Iterator["Row"]:
    """Yield a row for each row of both; `plain` figures have no thousands marked, and margins columns of their own."""
    for row in found.rows if found.labels else ():
        shown: dict[str, str | int] = dict(zip(found.categories, row.name, strict=True))
        for label, (first, second, between) in zip(found.labels, row.figures, strict=True):
            sides = {f"{label}_first": first, f"{label}_second": second, f"{label}_difference": between}
            for name, entry in sides.items():
                shown |= _write_plain(name, entry) if plain else {name: _write_shown(entry)}
        yield shown


def _write_shown(entry: "ShownEntry") -> str:
    return f"{entry.text} ({entry.margin})" if entry.margin else entry.text


def _write_plain(name: str, entry: "ShownEntry") -> dict[str, str | int]:
    return {name: entry.text.replace(",", ""), f"{name}_margin": entry.margin.replace(",", "")}
