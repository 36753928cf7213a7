"""`circe query`: check a query, run it across the federation, follow it, and fetch what was released."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from federation.commands.check import check
from federation.commands.compare import compare
from federation.commands.fetch import fetch
from federation.commands.report import report
from federation.commands.template import template
from federation.commands.trying import try_out
from federation.terminal import plain_text

if TYPE_CHECKING:
    from federation.exchange import QueryStatus

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own member directory."
)


@click.group()
def query() -> None:
    """Ask aggregate questions; only safe tables come back."""


query.add_command(check)
query.add_command(compare)
query.add_command(fetch)
query.add_command(report)
query.add_command(template)
query.add_command(try_out)


@query.command()
@STATE
@click.option("--project", required=True, help="The project this question belongs to.")
@click.option("--purpose", required=True, help="Why it is asked, in a sentence that approvers will read.")
@click.option(
    "--year", "academic_year", default="", help="Academic year of the snapshots, like 202425; that of the SQL."
)
@click.option("--preset", default="opensafely", show_default=True, help="Disclosure-control preset.")
@click.option(
    "--path",
    "leaves_by",
    type=click.Choice(["per_authority", "noisy_sum"]),
    help="The noised sum over all, and no authority's own; or rows of each authority, protected there. When left out, "
    "the sum, unless the question has a row for each authority.",
)
@click.option("--term", default="", help="Term of the snapshots; the summer of the academic year when left out.")
@click.option("--epsilon", default="1", show_default=True, help="Privacy loss of a noisy sum.")
@click.option(
    "--noise",
    "mechanism",
    type=click.Choice(["polya", "skellam"]),
    default="polya",
    show_default=True,
    help="What shares noise is made of: Skellam's are less of it in a model, and keep epsilon but for a tiny chance.",
)
@click.option("--dropouts", type=click.IntRange(0, 400), help="Nodes that may be missing from a noisy sum; a tenth.")
@click.option("--colluders", type=click.IntRange(0, 400), help="Nodes that may collude in a noisy sum; a tenth.")
@click.option("--roster", default="", help="Nodes to ask, separated by commas; every node when left out.")
@click.option("--valid-hours", type=click.IntRange(1, 720), default=168, show_default=True)
@click.argument("sql")
def run(
    state: Path,
    project: str,
    purpose: str,
    academic_year: str,
    preset: str,
    leaves_by: str | None,
    term: str,
    epsilon: str,
    mechanism: Literal["polya", "skellam"],
    dropouts: int | None,
    colluders: int | None,
    roster: str,
    valid_hours: int,
    sql: str,
) -> None:
    """Have SQL checked, sign its manifest and submit it for approval; prints the query's id."""
    from federation.client import connect
    from federation.client.asking import draft_question

    chosen = leaves_by or _choose_path(sql)
    draft = draft_question(
        sql,
        project,
        purpose,
        preset=preset,
        path=chosen,
        year=academic_year,
        term=term,
        epsilon=epsilon,
        mechanism=mechanism,
        dropouts=dropouts,
        colluders=colluders,
        roster=roster.split(",") if roster else None,
        valid_hours=valid_hours,
    )
    with connect(state) as client:
        status = client.submit(draft)
    each = " an authority" if chosen == "per_authority" else ""
    click.echo(f"{status.cells} cells{each}; waits for approvals by two organisations", err=True)
    for line in describe_budget(status):
        click.echo(plain_text(line), err=True)
    click.echo(status.query_id)


def _choose_path(sql: str) -> str:
    """Return the path of a question whose asker names none, and say which it is, why, and how to have the other.

    Raises `QueryRefused` for a question that has no plan.
    """
    from query_engine.planning.paths import default_path
    from query_engine.question import read_question

    path, why = default_path(read_question(sql).plan)
    other = "" if path == "per_authority" else " (--path per_authority has rows of each authority instead)"
    click.echo(f"leaves by {path}, since {why}{other}", err=True)
    return path


@query.command()
@STATE
@click.argument("query_id")
def sign(state: Path, query_id: str) -> None:
    """Read a query that you drafted on the hub's page, on your own machine, and submit it with your signature."""
    from federation.client import connect
    from federation.reading import describe_foreseen, describe_manifest

    with connect(state) as client:
        draft = client.review_own(query_id)
        click.echo(describe_manifest(draft.manifest, draft.digest, draft.plan, draft.asker), err=True)
        if foreseen := describe_foreseen(client.foresee_check(query_id)):
            click.echo(foreseen, err=True)
        click.confirm("Submit it?", abort=True, err=True)
        click.echo(f"{client.sign(draft).query_id} is submitted")


@query.command()
@STATE
@click.option("--reason", required=True, help="Why, in a sentence that others will read.")
@click.argument("query_id")
def withdraw(state: Path, reason: str, query_id: str) -> None:
    """Take back a query of yours before anything is released. What it has cost stays spent."""
    from federation.client import connect

    with connect(state) as client:
        click.echo(f"{query_id} is {client.withdraw(query_id, reason).state}")


@query.command()
@STATE
@click.argument("query_id", required=False)
def status(state: Path, query_id: str | None) -> None:
    """Print where a query stands, or all of yours."""
    from federation.client import connect

    with connect(state) as client:
        if query_id is None:
            lines = [
                plain_text(f"{entry.query_id}  {entry.state:<10} {entry.purpose}") for entry in client.list_queries()
            ]
        else:
            found = client.status(query_id)
            lines = list(describe_status(found, client.hub_id if found.ending else ""))
            if meaning := client.states.explain_later(found.state):
                lines.insert(1, plain_text(f"  meaning  {meaning}"))
            if found.state == "submitted" and (dead_end := client.dead_end(query_id)):
                lines.append(plain_text(f"  {dead_end}"))
    for line in lines:
        click.echo(line)


@query.command()
@STATE
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.argument("query_id")
def refusals(state: Path, form: str, query_id: str) -> None:
    """Print who refused a query and why, as each node signed it, verified on this machine."""
    from federation.client import connect
    from federation.listing import print_rows
    from federation.replies import clean_text

    with connect(state) as client:
        found = client.refusals(query_id)
    rows = [
        {
            "node": each.node,
            "authority": each.authority,
            "code": each.code,
            "signed": f"{each.answered_at:%Y-%m-%d %H:%M} UTC",
            "reason": clean_text(each.text),
        }
        for each in found
    ]
    print_rows(rows, form)
    click.echo(f"{len(found)} refusals, each signed by its node for this query", err=True)


def describe_status(status: "QueryStatus", hub: str = "") -> Iterable[str]:
    """Yield the lines that say where a query stands, at the hub of that id."""
    from federation.endings import describe_ending

    yield f"{status.query_id}  {status.state}"
    if status.ending is not None:
        yield plain_text(f"  ended    {describe_ending(status.ending, hub)}")
    yield f"  purpose  {plain_text(status.purpose)}"
    yield f"  digest   {status.manifest_digest}"
    yield f"  signed   {', '.join(status.signers) or 'by nobody yet'}"
    yield f"  expires  {status.expires_at:%Y-%m-%d %H:%M} UTC"
    for line in describe_budget(status):
        yield plain_text(f"  {line}")
    for node in status.nodes:
        yield plain_text(f"  {node.node:<12} {node.outcome:<9} {node.code} {node.text}".rstrip())


def describe_budget(status: "QueryStatus") -> Iterable[str]:
    """Yield what a query costs, and what is left for its project and year; nothing where it adds no noise."""
    budget = status.budget
    if budget is None:
        return
    yield f"price    epsilon {budget.epsilon} (rho {budget.rho}), once for all attempts"
    after = "" if budget.left == budget.left_after else f", {budget.left_after} once it is sent out"
    yield f"left     epsilon {budget.left}{after}, for the project and year at the authority with the least"
    if budget.short:
        yield f"short    {budget.short}"
