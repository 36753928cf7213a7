"""`circe audit subject` and `circe audit mark`: one child's record of disclosures, for a subject access request.

Numbers are read from a file or standard input: arguments are shown to everybody on the machine who lists its processes.
"""

from contextlib import closing
from datetime import datetime
from pathlib import Path

import click

LONGEST = 1_000
"""Characters of a file with numbers."""

STATE = click.option(
    "--state",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="The node's directory.",
)
PERSON = click.option("--as", "person_id", required=True, help="The officer: one of the node's people.")


@click.command()
@STATE
@PERSON
@click.option(
    "--officer",
    "officer_state",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="The officer's own member directory, whose key signs.",
)
@click.option("--child", "child_file", required=True, help="A file with the child's numbers, one a line; - for input.")
@click.option("--reason", required=True, help="The request's own number, for every log. Name no child.")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option("--patience", default=30, show_default=True, help="Seconds to wait for each round of answers.")
def subject(
    state: Path, person_id: str, officer_state: Path, child_file: str, reason: str, form: str, patience: int
) -> None:
    """Gather one child's record of disclosures, and print what of it may be given out.

    Our own log's entries about the child, and what the counterparties that it names have: asked sealed, under a mandate
    that the officer signs, answered to the home authority's information governance officer alone. What is about safety
    is held back until it has been reviewed: circe audit mark. The node's page "Disclosures" has the record to print.
    """
    from federation.disclosures import MANDATE_TYPE
    from federation.envelope import sign_body
    from federation.state import open_party
    from federation.transport import connect_party
    from node.disclosures.copies import write_copy
    from node.disclosures.gathering import send_gathering, what_is_open
    from node.disclosures.mandates import draft_gathering
    from node.polling import refresh_register
    from node.service import open_node

    node = open_node(state)
    officer = node.find_person(person_id)
    with click.open_file(child_file, encoding="utf-8") as file:
        numbers = file.read(LONGEST).split("\n")
    draft = draft_gathering(node, officer, numbers, reason)
    signature = sign_body(draft.envelope.body, MANDATE_TYPE, open_party(officer_state).keys)
    with closing(connect_party(node.party, clock=node.clock)) as hub:
        refresh_register(node, hub)
        record = send_gathering(node, hub, officer, draft.draft_id, signature, patience=patience)
    given, held = what_is_open(node, record)
    tells = node.rules().subjects.tell_held_back
    click.echo(write_copy(record, given, form, len(held) if tells else None), nl=False)
    for each in record.unheard:
        click.echo(f"not complete: {each.authority}, {each.lookups} lookups: {each.reason}", err=True)
    names = sorted({each.marked_by for each in held})
    if names:
        click.echo(f"held back until reviewed: {', '.join(names)}", err=True)
    click.echo(f"kept as {record.record_id} for three months", err=True)


@click.command("lookup-proof")
@STATE
@click.option("--of", "authority", required=True, help="The authority whose answer it came with: three figures.")
@click.argument("lookup_id")
def lookup_proof(state: Path, authority: str, lookup_id: str) -> None:
    """Print the proof that came with an authority's answer to a lookup of ours: that its log has an entry of it.

    `circe audit verify-proof --witnesses 0` verifies it: it was made before its log's witnesses could sign.
    """
    from node.lookups.kept_proofs import find_proof
    from node.service import open_node

    click.echo(find_proof(open_node(state), lookup_id, authority), nl=False)


@click.command()
@STATE
@PERSON
@click.argument("name")
@click.option("--standing", type=click.Choice(["open", "delayed", "sealed"]), required=True)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="The day on which what is delayed opens.")
@click.option("--reason", required=True, help="For the log. Name no child.")
def mark(state: Path, person_id: str, name: str, standing: str, until: datetime | None, reason: str) -> None:
    """Say whether a record given out may have a disclosure: NAME is a lookup's id, or an entry as in entry-17."""
    from node.disclosures.marks import mark_disclosure
    from node.lookups.officers import admit_officer
    from node.service import open_node

    node = open_node(state)
    officer = admit_officer(node, person_id)
    mark_disclosure(node, officer, name, standing, reason=reason, until=until.date() if until else None)
