"""`circe release`: verify a release that one was handed, and decide on those that wait for an output checker."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.commands.release_verify import verify
from federation.terminal import plain_text

if TYPE_CHECKING:
    from federation.exchange import PendingCheck

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own member directory."
)
REASON = click.option("--reason", required=True, help="Why, in a sentence that the asker and others will read.")


@click.group()
def release() -> None:
    """Check what was released, and decide what waits to be."""


release.add_command(verify)


@release.command()
@STATE
def checks(state: Path) -> None:
    """Print the releases that wait for an output checker, and what was found of each, in words."""
    from federation.client import connect

    with connect(state) as client:
        waiting = client.list_checks()
    for each in waiting:
        click.echo(_describe(each))
    if not waiting:
        click.echo("Nothing waits.", err=True)


def _describe(check: "PendingCheck") -> str:
    lines = [f"{check.query_id}  {plain_text(check.purpose)}", f"  {plain_text(check.sql)}"]
    lines += [f"  {plain_text(found)}" for found in check.found]
    lines.append(f"  left out: {', '.join(check.withheld) or 'nobody'}")
    return "\n".join(lines)


@release.command()
@STATE
@click.option("--withhold", multiple=True, metavar="CODE", help="Leave out the rows of this authority as well.")
@click.argument("query_id")
def approve(state: Path, withhold: tuple[str, ...], query_id: str) -> None:
    """Release what is left of a release that waits. What is withheld stays so; nobody can release more."""
    from federation.client import connect

    with connect(state) as client:
        client.release_checked(query_id, withhold)
    click.echo(f"{query_id} is released")


@release.command()
@STATE
@REASON
@click.argument("query_id")
def refuse(state: Path, reason: str, query_id: str) -> None:
    """Release nothing of a release that waits, and say why."""
    from federation.client import connect

    with connect(state) as client:
        client.refuse_checked(query_id, reason)
    click.echo(f"{query_id} is not released")


@release.command()
@STATE
@REASON
@click.argument("query_id")
def withdraw(state: Path, reason: str, query_id: str) -> None:
    """Give notice that a release is withdrawn, and why. It stays as it is, for whoever has cited it."""
    from federation.client import connect

    with connect(state) as client:
        client.give_notice(query_id, reason)
    click.echo(f"the release of {query_id} has a notice that it is withdrawn")
