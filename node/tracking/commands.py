"""`circe node track`: the tracking records from the command line, and the dataset of plans out and in."""

from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from node.tracking.visit import Visit

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="The node's own directory."
)
PERSON = click.option("--as", "person_id", required=True, help="Who reads or changes: one of the node's people.")
PURPOSE = click.option("--purpose", required=True, help="Why; it is logged.")


@click.group()
def track() -> None:
    """The tracking records of our children in care: what they call for, what they hold, and the dataset of plans."""


def _visit(state: Path, person_id: str, purpose: str) -> "Visit":
    from node.service import open_node
    from node.tracking.visit import begin_visit

    return begin_visit(open_node(state), person_id, purpose)


@track.command("list")
@STATE
@PERSON
@PURPOSE
def list_(state: Path, person_id: str, purpose: str) -> None:
    """List the caseload, the most urgent first, with what each record calls for."""
    from node.claim_commands import format_rows
    from node.tracking.caseload import list_caseload

    visit = _visit(state, person_id, purpose)
    cases = list_caseload(visit)
    visit.sign_for([case.child for case in cases])
    rows = [
        (case.child.number, case.child.year_group, case.child.school_urn, "; ".join(f.sentence() for f in case.flags))
        for case in cases
    ]
    click.echo(format_rows(("child", "year_group", "school", "calls_for"), rows, "table"), nl=False)


@track.command()
@STATE
@PERSON
@PURPOSE
@click.option("--child", "number", required=True, help="The authority's own number of the child.")
def show(state: Path, person_id: str, purpose: str, number: str) -> None:
    """Print what one child's record holds now, with the history of how it came to."""
    from node.claim_commands import format_rows
    from node.tracking.summary import tell_entry
    from node.tracking.visit import NoSuchChild

    visit = _visit(state, person_id, purpose)
    child = next((each for each in visit.children if each.number == number), None)
    if child is None:
        raise NoSuchChild("no child of that number whose record you may read: give the authority's own child id")
    visit.sign_for([child])
    lines = [tell_entry(entry) for entry in visit.record_of(child).entries]
    rows = [(line.version, line.when, line.who, line.what, line.reason) for line in lines]
    click.echo(format_rows(("version", "when", "who", "what", "why"), rows, "table"), nl=False)


@track.command("export")
@STATE
@PERSON
@PURPOSE
@click.argument("target", type=click.Path(path_type=Path))
def export(state: Path, person_id: str, purpose: str, target: Path) -> None:
    """Write the dataset of plans to TARGET: one file that ends in .xlsx, or a directory of CSV files."""
    from node.tracking.exchange import export_dataset

    facts = export_dataset(_visit(state, person_id, purpose), target)
    click.echo(f"{facts} facts written to {target}: a copy of pupil data, to be kept and deleted as such", err=True)


@track.command("import")
@STATE
@PERSON
@click.option("--reason", required=True, help="Why the records are changed; it is kept with each change and logged.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_context
def import_(context: click.Context, state: Path, person_id: str, reason: str, paths: tuple[Path, ...]) -> None:
    """Set down what files of the dataset tell, all of it or nothing; lines that are wrong are listed."""
    from node.tracking.importing import ImportRefused, import_dataset

    try:
        done = import_dataset(_visit(state, person_id, reason), paths, reason)
    except ImportRefused as refused:
        for fault in refused.faults:
            click.echo(fault.sentence(), err=True)
        click.echo(f"Error: {refused}", err=True)
        context.exit(3)
    click.echo(f"{done.lines} lines read, {done.facts} facts set down, {done.children} records changed")


@track.command()
@STATE
@PERSON
@click.option("--reason", required=True, help="Why; it is logged.")
@click.option(
    "--child",
    "description",
    type=click.File(encoding="utf-8"),
    required=True,
    help="Lines such as `number: 4711`, `date_of_birth: 2015-12-31`, `care_start: ...`; - is standard input.",
)
def enter(state: Path, person_id: str, reason: str, description: TextIO) -> None:
    """Enter a child who came into our care after the last load, so that the record can begin."""
    from node.service import open_node
    from node.tracking.newcomers import enter_newcomer, read_newcomer

    pairs = (line.partition(":") for line in description.read(10_000).splitlines() if line.strip())
    newcomer = read_newcomer({name.strip().lower(): value for name, _, value in pairs})
    node = open_node(state)
    enter_newcomer(node, node.find_person(person_id), newcomer, reason)
    click.echo("entered: the next load that has the child takes the record over", err=True)


@track.command()
@STATE
def feed(state: Path) -> None:
    """Build a new snapshot, so that the reporting tables tell what the tracking records do now."""
    from node.loading import rebuild_snapshot

    report = rebuild_snapshot(state, lambda line: click.echo(line, err=True))
    click.echo(f"snapshot {report.snapshot}")
