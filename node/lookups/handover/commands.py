"""`circe node handover`: one child's record offered to another authority, and what others offer us."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from federation.transport import HubConnection
    from node.lookups.handover.shelf import Handover
    from node.people import Person
    from node.service import Node

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="The node's own directory."
)
PERSON = click.option("--as", "person_id", required=True, help="Who acts: one of the node's people.")
FORM = click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
WAIT = click.option("--wait", "patience", type=click.IntRange(1, 300), default=20, show_default=True, help="Seconds.")


@click.group()
def handover() -> None:
    """One child's record, sealed, to the authority that is to care for, or educate, the child."""


def _open(state: Path, person_id: str) -> "tuple[Node, Person]":
    from node.service import open_node

    node = open_node(state)
    return node, node.find_person(person_id)


@contextmanager
def _reach(node: "Node") -> "Iterator[HubConnection]":
    from federation.transport import connect_party
    from node.polling import refresh_register

    with closing(connect_party(node.party, clock=node.clock)) as hub:
        refresh_register(node, hub)
        yield hub


@handover.command()
@STATE
@PERSON
@click.option(
    "--child",
    "description",
    type=click.File(encoding="utf-8"),
    required=True,
    help="Our number of the child, on a line of its own; - is standard input.",
)
@click.option("--to", "authority", required=True, help="The other authority, by code.")
@click.option(
    "--occasion", required=True, type=click.Choice(["new_home", "new_host"]), help="Into its care, or to its schools."
)
@click.option("--purpose", required=True, help="For both logs, and for whoever receives it. Name no child.")
@click.option("--withhold", "withheld", multiple=True, help="A group of fields that stays; may be repeated.")
@click.option(
    "--signer",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    required=True,
    help="The own directory of the head, as the register has them, with the key that signs.",
)
@WAIT
def offer(
    state: Path,
    person_id: str,
    description: TextIO,
    authority: str,
    occasion: str,
    purpose: str,
    withheld: tuple[str, ...],
    signer: Path,
    patience: int,
) -> None:
    """Write an offer, sign it with the head's key file, and send it; print its number and where it stands."""
    from federation.state import open_party
    from node.ingest.tokens import row_token
    from node.lookups.handover.offering import Wish, send_offer, sign_with_key, write_offer

    node, person = _open(state, person_id)
    child = row_token(node.party.keys.row_secret, description.read(1000).strip())
    with _reach(node) as hub:
        written = write_offer(node, person, Wish(child, authority, occasion, purpose, withheld))
        sign_with_key(node, person, written.offer.handover_id, open_party(signer))
        sent = send_offer(node, hub, person, written.offer.handover_id, patience=patience)
    click.echo(f"{sent.offer.handover_id} {sent.state}{f' ({sent.code})' if sent.code else ''}")


@handover.command()
@STATE
@PERSON
@click.argument("handover_id")
@WAIT
def send(state: Path, person_id: str, handover_id: str, patience: int) -> None:
    """Send a signed offer once more, which the other node has not confirmed."""
    from node.lookups.handover.offering import send_offer

    node, person = _open(state, person_id)
    with _reach(node) as hub:
        click.echo(send_offer(node, hub, person, handover_id, patience=patience).state)


@handover.command()
@STATE
@PERSON
@click.argument("handover_id")
def withdraw(state: Path, person_id: str, handover_id: str) -> None:
    """Take an offer back that nobody has collected."""
    from node.lookups.handover.offering import withdraw_offer

    node, person = _open(state, person_id)
    withdraw_offer(node, person, handover_id)


@handover.command("list")
@STATE
@PERSON
@FORM
def list_them(state: Path, person_id: str, form: str) -> None:
    """List what we offered and what is offered to us, and where each stands. Whose records they are the page shows."""
    from node.claim_commands import format_rows
    from node.lookups.handover.packing import check_giver
    from node.lookups.handover.shelf import clear, list_come, list_given

    node, person = _open(state, person_id)
    check_giver(node, person)
    clear(node)
    rows = [*map(_describe_given, list_given(node)), *map(_describe_come, list_come(node))]
    headings = ("number", "way", "authority", "occasion", "state", "reason", "since", "until")
    click.echo(format_rows(headings, rows, form), nl=False)


def _describe_given(each: "Handover") -> tuple[str, ...]:
    return _describe(each, "to", each.offer.authority)


def _describe_come(each: "Handover") -> tuple[str, ...]:
    return _describe(each, "from", each.offer.home)


def _describe(each: "Handover", way: str, authority: str) -> tuple[str, ...]:
    stands = (each.offer.occasion.value, each.state.value, each.code, each.changed_at, each.expires_at)
    return (each.offer.handover_id, way, authority, *stands)


@handover.command()
@STATE
@PERSON
@click.argument("handover_id")
@click.option("--number", default="", help="The number by which we know the child, where no return has the child yet.")
@WAIT
def accept(state: Path, person_id: str, handover_id: str, number: str, patience: int) -> None:
    """Collect a record that is offered to us, and set it down as history; of a child educated here, keep a copy."""
    from node.lookups.handover.deciding import accept as accept_offer
    from node.lookups.handover.deciding import find_place_for

    node, person = _open(state, person_id)
    with _reach(node) as hub:
        place = find_place_for(node, handover_id, number)
        done = accept_offer(node, hub, person, handover_id, place, patience=patience)
    click.echo(f"{done.state}: {done.offer.entries} entries")


@handover.command()
@STATE
@PERSON
@click.argument("handover_id")
@click.option(
    "--reason",
    required=True,
    type=click.Choice(["not_ours", "not_yet", "held_already", "call_first"]),
    help="What the other head is told.",
)
@WAIT
def decline(state: Path, person_id: str, handover_id: str, reason: str, patience: int) -> None:
    """Do not accept a record that is offered to us."""
    from node.lookups.handover.deciding import decline as decline_offer

    node, person = _open(state, person_id)
    with _reach(node) as hub:
        decline_offer(node, hub, person, handover_id, reason, patience=patience)
