"""`circe node claim`, `claims` and `incomplete`: host facts, from the home's side and from the host's."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="The node's own directory."
)
FORM = click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
PERSON = click.option("--as", "person_id", required=True, help="Who reads: one of the node's people.")
PURPOSE = click.option("--purpose", required=True, help="Why; it is logged.")
CLAIMS_HEADINGS = (
    *("authority", "received_in", "about", "claims", "matched", "refused", "children", "contested"),
    *("most_in_term",),
)
CHILDREN_HEADINGS = ("authority", "about", "child", "day", "contested")


@click.command()
@STATE
@click.option("--term", required=True, help="The academic year and term, for example 202425-summer.")
@click.option("--again", is_flag=True, help="Also repeat claims whose child was not found, to the same host.")
@click.option("--wait", "patience", type=click.IntRange(1, 300), default=20, show_default=True, help="Seconds.")
def claim(state: Path, term: str, again: bool, patience: int) -> None:
    """Claim education facts of our children placed elsewhere from the authority of their school, and build them in."""
    from federation.transport import connect_party
    from node.claims import claim_host_facts
    from node.loading import rebuild_snapshot
    from node.polling import refresh_register
    from node.service import open_node
    from node.terms import parse_term

    node, period = open_node(state), parse_term(term)
    with closing(connect_party(node.party, clock=node.clock)) as hub:
        refresh_register(node, hub)
        report = claim_host_facts(node, hub, period, patience=patience, again=again)
    for host, code in report.refused.items():
        click.echo(f"refused by {host}: {code}", err=True)
    for host, text in report.failed.items():
        click.echo(f"missing: {host} {text}", err=True)
    click.echo(f"{report.claimed} children claimed, {report.found} found, {report.not_found} not found")
    if report.found:
        click.echo(f"snapshot {rebuild_snapshot(state, lambda line: click.echo(line, err=True)).snapshot}")


@click.command()
@STATE
@click.option("--children", is_flag=True, help="The children who were found instead, by our own log tokens.")
@click.option("--as", "person_id", help="Who reads of the children: one of the node's people who may read its log.")
@FORM
def claims(state: Path, children: bool, person_id: str | None, form: str) -> None:
    """Say who claimed children here. Every claim counts, found or not; two authorities contest a child both claim.

    With --children there is a row for each child who was found, as in the log; whoever may read the log may read it.
    """
    from dataclasses import astuple

    from node.claim_counts import admit_officer, list_children, list_counts
    from node.service import open_node

    node = open_node(state)
    if children:
        if person_id is None:
            raise click.UsageError("--children lists single children: say who reads with --as PERSON")
        admit_officer(node, person_id, copying=form != "table")
        click.echo(format_rows(CHILDREN_HEADINGS, [astuple(child) for child in list_children(node)], form), nl=False)
        return
    most = node.rules().claims.most_children_per_authority
    click.echo(format_rows(CLAIMS_HEADINGS, [(*astuple(count), most) for count in list_counts(node)], form), nl=False)


@click.command()
@STATE
@PERSON
@PURPOSE
@click.option("--term", help="The term of the claims; the one claimed last, when not given.")
@FORM
def incomplete(state: Path, person_id: str, purpose: str, term: str | None, form: str) -> None:
    """List our children of school age of whom no school roll tells, here or at a host, and why."""
    from node.incomplete import LISTING, list_incomplete, usual_term
    from node.lookups.reading_room import admit_reader
    from node.service import open_node
    from node.terms import parse_term

    node = open_node(state)
    reader = admit_reader(node, person_id, purpose, LISTING, copying=form != "table")
    found = list(list_incomplete(node, parse_term(term) if term else usual_term(node)))
    reader.sign_for(child.la_child_id for child in found)
    rows = [(child.la_child_id, child.year_group, child.host, child.reason.value, child.code) for child in found]
    click.echo(format_rows(LISTING.columns, rows, form), nl=False)
    for reason in dict.fromkeys(child.reason for child in found):
        click.echo(f"{reason.value}: {reason.meaning}", err=True)


def format_rows(headings: Sequence[str], rows: Sequence[Sequence[object]], form: str) -> str:
    """Return rows as an aligned table, CSV or JSON; in a table, what is not known shows as a dash.

    Names and numbers are others' own: in no form do they steer a terminal, or run in a spreadsheet.
    """
    import csv
    import io
    import json

    from federation.terminal import inert_cell, plain_cell

    if form == "json":
        return json.dumps([dict(zip(headings, row, strict=True)) for row in rows]) + "\n"
    if form == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([headings, *(map(inert_cell, row) for row in rows)])
        return out.getvalue()
    shown = [headings, *([("-" if cell in (None, "") else plain_cell(cell)) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown)
    return "\n".join(lines) + "\n"
