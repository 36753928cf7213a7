"""`circe node delegation`: naming children of ours to somebody for a time; `circe lookup --named`: reading them."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from node.lookups.errand import LookupResult
    from node.people import Person
    from node.service import Node

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="The node's own directory."
)
PERSON = click.option("--as", "person_id", required=True, help="Who acts: one of the node's people.")
WAIT = click.option("--wait", "patience", type=click.IntRange(1, 300), default=10, show_default=True, help="Seconds.")
FORM = click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)


@click.group()
def delegation() -> None:
    """Children of ours named to another authority's virtual school head, or to one of our own people."""


@delegation.command()
@STATE
@PERSON
@click.option(
    "--children", type=click.File(encoding="utf-8"), required=True, help="Our numbers of them, one a line; - is stdin."
)
@click.option("--to", "authority", default="", help="The other authority, by code; one of our own people without it.")
@click.option("--person", default="", help="One person alone, by the name that their node has for them.")
@click.option("--fields", "groups", multiple=True, required=True, help="A group of fields; may be repeated.")
@click.option("--from", "first", required=True, help="The first day, as in 31/12/2025.")
@click.option("--until", "last", required=True, help="The last day.")
@click.option("--purpose", required=True, help="For the log, and for whoever receives it.")
@click.option(
    "--signer",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="The own directory of whoever gives it, as the register has them, with the key that signs.",
)
@WAIT
def give(
    state: Path,
    person_id: str,
    children: TextIO,
    authority: str,
    person: str,
    groups: tuple[str, ...],
    first: str,
    last: str,
    purpose: str,
    signer: Path,
    patience: int,
) -> None:
    """Sign a delegation with the giver's key file, tell the receiving node, and print its number."""
    from federation.state import open_party
    from node.lookups.delegation.drafts import read_draft
    from node.lookups.delegation.giving import sign_with_key, write_delegation
    from node.service import open_node

    draft = read_draft(
        authority=authority,
        person=person,
        children=children.read(),
        groups=groups,
        first=first,
        last=last,
        purpose=purpose,
    )
    node = open_node(state)
    giver = node.find_person(person_id)
    written = write_delegation(node, giver, draft).delegation
    given = sign_with_key(node, giver, written.delegation_id, open_party(signer))
    click.echo(given.delegation_id)
    _tell(node, patience)


def _tell(node: "Node", patience: int, *, anew: bool = False) -> None:
    """Tell whoever has not heard; who cannot be told now is said on standard error, and what was done stands."""
    from federation.hub_line import HubRefused, HubUnreachable
    from federation.transport import connect_party
    from node.lookups.delegation.telling import list_untold, tell_receivers
    from node.polling import refresh_register

    left = len(list_untold(node, anew=anew))
    if not left:
        return
    try:
        with closing(connect_party(node.party, clock=node.clock)) as hub:
            refresh_register(node, hub)
            left = tell_receivers(node, hub, patience=patience, anew=anew)
    except (HubUnreachable, HubRefused) as error:
        click.echo(f"the hub could not carry it: {error}", err=True)
    if left:
        click.echo(f"{left} not told yet; what was done here counts: circe node delegation tell", err=True)


@delegation.command("list")
@STATE
@PERSON
@FORM
def list_them(state: Path, person_id: str, form: str) -> None:
    """List what was given, the newest first; the children by how many they are."""
    from node.claim_commands import format_rows
    from node.lookups.delegation.givers import check_giver
    from node.lookups.delegation.shelf import list_given
    from node.service import open_node

    node = open_node(state)
    check_giver(node, node.find_person(person_id), ())
    rows = [
        (
            each.delegation.delegation_id,
            each.delegation.authority,
            each.delegation.person or each.delegation.role,
            len(each.delegation.children),
            ", ".join(each.delegation.field_groups),
            each.delegation.valid_from.isoformat(),
            each.delegation.valid_until.isoformat(),
            each.revoked_at,
            each.told,
        )
        for each in list_given(node)
    ]
    headings = ("number", "to", "whom", "children", "fields", "from", "until", "revoked", "told")
    click.echo(format_rows(headings, rows, form), nl=False)


@delegation.command()
@STATE
@PERSON
@click.argument("delegation_id")
@WAIT
def revoke(state: Path, person_id: str, delegation_id: str, patience: int) -> None:
    """End a delegation now: nothing is read by it any more, whether or not the receiving node hears of it."""
    from node.lookups.delegation.giving import revoke_delegation
    from node.service import open_node

    node = open_node(state)
    revoke_delegation(node, node.find_person(person_id), delegation_id)
    _tell(node, patience)


@delegation.command()
@STATE
@PERSON
@WAIT
def tell(state: Path, person_id: str, patience: int) -> None:
    """Tell the receiving nodes once more what they have not heard, or did not take."""
    from node.lookups.delegation.givers import check_giver
    from node.service import open_node

    node = open_node(state)
    check_giver(node, node.find_person(person_id), ())
    _tell(node, patience, anew=True)


def read_named(state: Path, person_id: str, purpose: str, at: str | None, patience: int, form: str) -> None:
    """Print whoever is named to a person: by our own authority, or by the one that is asked."""
    from node.claim_commands import format_rows
    from node.lookups.child_command import say_who_did_not_tell
    from node.lookups.file_fields import FILE_FIELDS
    from node.lookups.named_children import read_named_to
    from node.service import open_node

    node = open_node(state)
    if at is None or at == node.authority:
        files = read_named_to(node, person_id, purpose, copying=form != "table")
    else:
        found = _ask_named(node, node.find_person(person_id), purpose, at, patience, copying=form != "table")
        say_who_did_not_tell(found)
        files = tuple(file for answer in found.answers for file in answer.files)
    rows = [tuple(getattr(file, name) for name in FILE_FIELDS) for file in files]
    click.echo(format_rows(FILE_FIELDS, rows, form), nl=False)


def _ask_named(
    node: "Node", person: "Person", purpose: str, at: str, patience: int, *, copying: bool
) -> "LookupResult":
    from dataclasses import replace

    from federation.transport import connect_party
    from node.lookups.asking import ask_lookup
    from node.lookups.named_children import NAMED_TO_US
    from node.polling import refresh_register

    with closing(connect_party(node.party, clock=node.clock)) as hub:
        refresh_register(node, hub)
        return ask_lookup(node, hub, person, purpose, replace(NAMED_TO_US, copying=copying), at=at, patience=patience)
