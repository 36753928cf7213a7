"""`circe lookup`: children across authorities, asked from one's own node."""

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.lookups.area_command import read_area
from node.lookups.child_command import find_one
from node.lookups.class_command import read_class_list
from node.lookups.delegation.commands import read_named
from policies.names import BY_AREA

if TYPE_CHECKING:
    from federation.lookups import ChildRecord
    from node.lookups.errand import LookupResult

HEADINGS = ("home", "child", "UPN", "born", "school", "placement", "legal status", "in care since", "school told by")


@click.command()
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="Your own node's.")
@click.option("--as", "person_id", required=True, help="Who asks: one of the node's people.")
@click.option("--purpose", required=True, help="Why; it is logged here and at every node that answers.")
@click.option("--placed-here", "asked", flag_value="placed_here", help="Others' children educated in our area.")
@click.option("--on-our-rolls", "asked", flag_value="on_our_rolls", help="Others' children whom our own files tell of.")
@click.option("--mine", "asked", flag_value="mine", help="Our own children, wherever educated; asks no other node.")
@click.option("--class-list", "asked", flag_value="class_list", help="Children in care at the school one works for.")
@click.option("--named", "asked", flag_value="named", help="Children named to you by us, or with --at by another.")
@click.option(
    "--child",
    "child_file",
    is_flag=False,
    flag_value="?",
    help="One child, described in FILE, - for standard input, or by answering questions; never on the command line.",
)
@click.option(
    "--area",
    "status",
    type=click.Choice([status.value for status in BY_AREA.values()]),
    help="Children of our schools who are not in care, of this status; with --child, one of them.",
)
@click.option("--at", help="With --child or --named: the one other authority to ask, by code; else it is our own.")
@click.option("--whose", type=click.Choice(["ours", "theirs"]), default="theirs", show_default=True, help="With --at.")
@click.option("--wait", "patience", type=click.IntRange(1, 300), default=20, show_default=True, help="Seconds.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def lookup(
    state: Path,
    person_id: str,
    purpose: str,
    asked: str | None,
    child_file: str | None,
    status: str | None,
    at: str | None,
    whose: str,
    patience: int,
    form: str,
) -> None:
    """List our own children in care, or children of other authorities who are educated in our area; or find one child.

    Of others' children each home authority decides what we see. A child is described by lines such as upn: A8..., or
    la_child_id:, or forename:, surname:, date_of_birth: 2015-12-31 and, for names that are nearly right, loosely: true.
    """
    if [asked, child_file or status].count(None) != 1:
        raise click.UsageError(
            "say whom you look for: --mine or --placed-here, --class-list, --named or --child, or --area"
        )
    if status is not None:
        read_area(state, person_id, purpose, status, child_file, at, form)
    elif child_file is not None:
        find_one(state, person_id, purpose, child_file, at, whose, patience, form)
    elif asked == "named":
        read_named(state, person_id, purpose, at, patience, form)
    elif asked == "class_list":
        read_class_list(state, person_id, purpose, patience, form)
    elif asked == "on_our_rolls":
        _list_on_our_rolls(state, person_id, purpose, form)
    elif asked == "mine":
        _list_mine(state, person_id, purpose, form)
    else:
        _list_placed_here(state, person_id, purpose, patience, form)


def _list_mine(state: Path, person_id: str, purpose: str, form: str) -> None:
    from node.claim_commands import format_rows
    from node.lookups.own_children import LISTING, list_own_children
    from node.lookups.reading_room import admit_reader
    from node.service import open_node

    node = open_node(state)
    snapshot = node.store.current()
    if snapshot is None:
        raise click.UsageError("nothing is loaded yet: circe node load")
    reader = admit_reader(node, person_id, purpose, LISTING, copying=form != "table")
    found = list_own_children(node, snapshot, reader.person.role)
    reader.sign_for(number for number, *_ in found.rows)
    click.echo(format_rows(LISTING.columns, found.rows, form), nl=False)
    click.echo(f"{len(found)} children in care, from snapshot {snapshot.id}", err=True)


def _list_on_our_rolls(state: Path, person_id: str, purpose: str, form: str) -> None:
    from node.claim_commands import format_rows
    from node.lookups.on_our_rolls import COLUMNS, list_on_our_rolls
    from node.service import open_node

    found = list_on_our_rolls(open_node(state), person_id, purpose, copying=form != "table")
    click.echo(format_rows(COLUMNS, [child.row for child in found], form), nl=False)
    unknown = sum(not child.homes for child in found)
    click.echo(f"{len(found)} children in others' care on our rolls, {unknown} of an authority not known", err=True)


def _list_placed_here(state: Path, person_id: str, purpose: str, patience: int, form: str) -> None:
    from federation.terminal import plain_text
    from federation.transport import connect_party
    from node.lookups.asking import ask_placed_here
    from node.polling import refresh_register
    from node.service import open_node

    node = open_node(state)
    person = node.find_person(person_id)
    with closing(connect_party(node.party, clock=node.clock)) as hub:
        refresh_register(node, hub)
        result = ask_placed_here(node, hub, person, purpose, patience=patience, copying=form != "table")
    click.echo(format_result(result, form), nl=False)
    for missing in result.missing:
        click.echo(f"missing: {missing.node} ({missing.authority}) {missing.reason}", err=True)
    for answer in result.answers:
        if answer.code:
            click.echo(plain_text(f"refused by {answer.sender}: {answer.text}; call {answer.contact}"), err=True)


def format_result(result: "LookupResult", form: str) -> str:
    """Return the children found as an aligned table, CSV or JSON."""
    from federation.wire import encode_document
    from node.claim_commands import format_rows

    if form == "json":
        answers = ",".join(encode_document(answer).decode() for answer in result.answers)
        missing = ",".join(f'"{missing.node}"' for missing in result.missing)
        schools = json.dumps(dict(result.schools_here))
        head = f'"lookup_id":"{result.lookup_id}","answers":[{answers}],"missing":[{missing}]'
        return f'{{{head},"schools_here":{schools}}}\n'
    return format_rows(HEADINGS, list_rows(result), form)


def list_rows(result: "LookupResult") -> list[tuple[str, ...]]:
    """Return a row for each child; a field that may not be seen, or is not known, shows as a dash."""
    return [
        (
            answer.authority,
            *(
                value or "-"
                for value in (
                    child.la_child_id,
                    child.upn,
                    child.date_of_birth,
                    child.school or result.schools_here.get(child.upn or ""),
                    child.placement_type,
                    child.legal_status,
                    child.care_start,
                    _tell_source(child, result),
                )
            ),
        )
        for answer in result.answers
        for child in answer.children
    ]


def _tell_source(child: "ChildRecord", result: "LookupResult") -> str | None:
    """Whose word the school is: the home authority's, or that of our own roll."""
    if child.school:
        return "home"
    return "our own roll" if child.upn in result.schools_here else None
