"""`circe release`: check the certificate of a release, and decide on releases that wait for an output checker."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.terminal import plain_text

if TYPE_CHECKING:
    from federation.exchange import PendingCheck

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own member directory."
)
REASON = click.option("--reason", required=True, help="Why, in a sentence that the asker and others will read.")
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)


@click.group()
def release() -> None:
    """Check what was released, and decide what waits to be."""


@release.command()
@click.option("--preset", help="An added preset that protects it, as `circe attack` takes one.")
@click.argument("file", metavar="RELEASE", type=FILE)
def verify(file: Path, preset: str | None) -> None:
    """Check the certificate that a release carries, by adding up: no data, no solver and no hub.

    The release is the document that `circe query fetch --format json` prints.
    """
    from disclosure_control.presets.shelf import find_preset
    from disclosure_control.suppression.certificate import CertificateInvalid
    from disclosure_control.suppression.release_attack import verify_release_certificate
    from federation.exchange import ReleaseDocument
    from federation.manifest import Path as LeavingPath
    from federation.plans import derive_plan
    from federation.wire import MAX_BATCH_BYTES, decode_document

    text = file.read_bytes().rstrip(b"\n")
    document = decode_document(text, ReleaseDocument, limit=MAX_BATCH_BYTES)
    path = LeavingPath(document.table.get("path", ""))
    if path is LeavingPath.NOISY_SUM:
        click.echo("Noise protects this release: it withholds nothing, and has no certificate.")
        return
    if not document.certificate:
        raise CertificateInvalid("the release carries no certificate; where cell keys change its counts none is made")
    plan = derive_plan(document.sql, path)
    given = None if preset is None else find_preset(preset)
    verify_release_certificate(document.certificate.encode(), document.table, plan, given)
    click.echo("The certificate holds: no withheld count can be worked out from the others of this table.")


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
