"""`circe query`: check a query, run it across the federation, follow it, and fetch what was released."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from federation.commands.check import check
from federation.commands.template import template
from federation.terminal import plain_text

if TYPE_CHECKING:
    from disclosure_control.preset_shelf import PresetShelf
    from disclosure_control.released import ReleasedTable
    from federation.exchange import QueryStatus, ReleaseDocument

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own member directory."
)
FORMAT = click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True
)


@click.group()
def query() -> None:
    """Ask aggregate questions; only safe tables come back."""


query.add_command(check)
query.add_command(template)


@query.command()
@STATE
@click.option("--project", required=True, help="The project this question belongs to.")
@click.option("--purpose", required=True, help="Why it is asked, in a sentence that approvers will read.")
@click.option("--year", "academic_year", required=True, help="Academic year of the snapshots, for example 202425.")
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
    from federation.exchange import QueryDraft
    from federation.manifest import Path as LeavingPath

    chosen = leaves_by or _choose_path(sql)
    draft = QueryDraft(
        project=project,
        purpose=purpose,
        sql=sql,
        academic_year=academic_year,
        preset=preset,
        roster=tuple(sorted(roster.split(","))) if roster else None,
        valid_hours=valid_hours,
        path=LeavingPath(chosen),
        snapshot_term=term,
        epsilon=epsilon,
        dropouts=dropouts,
        colluders=colluders,
        mechanism=mechanism,
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
    from federation.reading import describe_manifest

    with connect(state) as client:
        draft = client.review_own(query_id)
        click.echo(describe_manifest(draft.manifest, draft.digest, draft.plan, draft.asker), err=True)
        click.confirm("Submit it?", abort=True, err=True)
        click.echo(f"{client.sign(draft).query_id} is submitted")


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
            lines = list(describe_status(client.status(query_id)))
    for line in lines:
        click.echo(line)


@query.command()
@STATE
@FORMAT
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow the query until it is settled.")
@click.option(
    "--whole/--view",
    default=None,
    help="Every row as released, or those that HAVING and LIMIT choose, in the order of ORDER BY. A table is the view, "
    "CSV is whole, and the JSON document always is.",
)
@click.option("--margins", is_flag=True, help="Margins of error in CSV and JSON too; a table always has them.")
@click.option("--consistent", is_flag=True, help="Beside noised counts, the nearest that add up and are not negative.")
@click.option(
    "--open-data",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the Department for Education's pair of open data files into this directory, with a provenance sheet "
    "and the release document, and print their paths alone.",
)
@click.option(
    "--proof",
    "proof_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the proof that the release stands in the hub's log to this file, for circe audit verify-proof.",
)
@click.argument("query_id")
def fetch(
    state: Path,
    form: str,
    wait: bool,
    whole: bool | None,
    margins: bool,
    consistent: bool,
    folder: Path | None,
    proof_file: Path | None,
    query_id: str,
) -> None:
    """Print a query's released table or model, with its symbols, margins of error and method."""
    from federation.client import connect
    from federation.state import write_file

    if form == "json" and whole is False:
        raise click.UsageError("a release document is whole: leave --view out, or ask for a table or CSV")
    if form == "json" and consistent:
        raise click.UsageError("a release document is as released: ask for --consistent as a table or CSV")
    with connect(state) as client:
        if wait:
            for moved in client.watch(query_id):
                answered = sum(node.outcome != "awaited" for node in moved.nodes)
                click.echo(f"{moved.state}: {answered} of {len(moved.nodes)} nodes have answered", err=True)
        release, presets = client.fetch(query_id), client.presets
        if proof_file is not None:
            proof, told = client.fetch_proof(release)
            write_file(proof_file, proof)
            click.echo(told, err=True)
    if folder is not None:
        for path in _write_folder(folder, release, presets):
            click.echo(path)
        return
    shown = format_release(
        release,
        form,
        whole=form == "csv" if whole is None else whole,
        margins=margins,
        presets=presets,
        consistent=consistent,
    )
    click.echo(shown, nl=False)


def _write_folder(folder: Path, release: "ReleaseDocument", presets: "PresetShelf") -> list[Path]:
    """Write a release's open data files, each whole or not at all; return their paths. Raises `OpenDataUnfit`."""
    from federation.release_files.folder import gather_files
    from federation.state import write_file

    files = gather_files(release, presets)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_file(folder / name, content)
    return [folder / name for name in files]


def describe_status(status: "QueryStatus") -> Iterable[str]:
    """Yield the lines that say where a query stands."""
    yield f"{status.query_id}  {status.state}"
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


def format_release(
    release: "ReleaseDocument",
    form: str,
    *,
    whole: bool = False,
    margins: bool = False,
    presets: "PresetShelf | None" = None,
    consistent: bool = False,
) -> str:
    """Return a release as text for people, as CSV, or as its JSON document.

    Text and CSV are of the rows that the query asks to see, unless `whole`. With `margins` CSV has two columns more
    for each figure, and the JSON object a key `margins` more, which is no part of the release document. A model is
    always whole, and has its intervals in it.
    """
    from disclosure_control.models.reading import read_release
    from disclosure_control.models.release import ReleasedModel
    from federation.wire import encode_document

    released = read_release(release.table)
    if form == "json" and (not margins or isinstance(released, ReleasedModel)):
        return encode_document(release).decode() + "\n"
    head = [f"Release {plain_text(release.release_id)} of query {plain_text(release.query_id)}"]
    if isinstance(released, ReleasedModel):
        return released.to_csv() if form == "csv" else _print_release(head, released.to_text())
    return _format_table(
        release, released, form, head, whole=whole, margins=margins, presets=presets, consistent=consistent
    )


def _format_table(
    release: "ReleaseDocument",
    table: "ReleasedTable",
    form: str,
    head: list[str],
    *,
    whole: bool,
    margins: bool,
    presets: "PresetShelf | None",
    consistent: bool,
) -> str:
    from disclosure_control.preset_shelf import SHIPPED
    from disclosure_control.showing import show_table
    from federation.wire import encode_document

    shown = show_table(
        table, release.sql, whole=whole or form == "json", presets=presets or SHIPPED, consistent=consistent
    )
    if form == "json":
        document = {**json.loads(encode_document(release)), "margins": shown.margins_to_json()}
        return json.dumps(document, ensure_ascii=False) + "\n"
    if form == "csv":
        return shown.to_csv(margins=margins)
    head += [f"{shown.chosen}; --whole shows all as released."] if shown.chosen else []
    return _print_release(head, shown.to_text())


def _print_release(head: list[str], text: str) -> str:
    return plain_text("\n".join([*head, "", text]), limit=10_000_000) + "\n"
