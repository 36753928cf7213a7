"""`circe lookup --child`: one child, in our own records or at one other authority's node.

Whom is sought is read from a file, standard input or the terminal: arguments are shown to everybody on the machine who
lists its processes, and kept in a shell's history.
"""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from federation.lookups import ChildSought
    from node.lookups.errand import LookupResult

ASK = "?"
"""Instead of a file: whoever sits at the terminal is asked."""

LONGEST = 10_000
"""Characters of a description: a name and a date need far fewer."""

SEARCHED = "nobody like that whom you may see; that you searched is logged"

QUESTIONS = {
    "upn": "Unique pupil number (empty: another way)",
    "la_child_id": "The home authority's own number (empty: another way)",
    "forename": "Forename",
    "surname": "Surname",
    "date_of_birth": "Date of birth (as in 31/12/2015)",
}


def find_one(
    state: Path, person_id: str, purpose: str, child_file: str, at: str | None, whose: str, patience: int, form: str
) -> None:
    """Find one child and print what may be read of them, field by field."""
    from node.claim_commands import format_rows
    from node.lookups.one_child import LISTING, find_own_child
    from node.service import open_node

    sought = read_description(child_file)
    if at is None:
        rows = [*find_own_child(open_node(state), person_id, purpose, sought, copying=form != "table")]
        columns = LISTING.columns
    else:
        columns, rows = _ask_one(state, person_id, purpose, sought, at, whose, patience, copying=form != "table")
    click.echo(format_rows(columns, rows, form), nl=False)
    if not rows:
        click.echo(SEARCHED, err=True)


def read_description(source: str) -> "ChildSought":
    """Return whom a file, standard input or answers describe. Raises `StateError`, which repeats nothing of it."""
    from node.lookups.sought_child import read_sought

    if source == ASK:
        return read_sought(_ask_at_terminal())
    with click.open_file(source, encoding="utf-8") as file:
        lines = file.read(LONGEST).splitlines()
    pairs = (line.partition(":") for line in lines if line.strip())
    return read_sought({name.strip().lower(): value.strip() for name, _, value in pairs})


def _ask_at_terminal() -> dict[str, str]:
    given: dict[str, str] = {}
    for name, question in QUESTIONS.items():
        given[name] = click.prompt(question, default="", show_default=False, err=True)
        if name in ("upn", "la_child_id") and given[name].strip():
            break
    return given


def _ask_one(
    state: Path,
    person_id: str,
    purpose: str,
    sought: "ChildSought",
    at: str,
    whose: str,
    patience: int,
    *,
    copying: bool,
) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    from federation.transport import connect_party
    from node.lookups.file_fields import FILE_FIELDS
    from node.lookups.one_child import ask_one_child
    from node.polling import refresh_register
    from node.service import open_node

    node = open_node(state)
    person = node.find_person(person_id)
    with closing(connect_party(node.party, clock=node.clock)) as hub:
        refresh_register(node, hub)
        found = ask_one_child(
            node, hub, person, purpose, sought, whose=whose, at=at, patience=patience, copying=copying
        )
    say_who_did_not_tell(found)
    files = [file for answer in found.answers for file in answer.files]
    return FILE_FIELDS, [tuple(getattr(file, name) for name in FILE_FIELDS) for file in files]


def say_who_did_not_tell(found: "LookupResult") -> None:
    """Say on standard error whose node is missing, held the request or refused it."""
    from federation.terminal import plain_text

    for missing in found.missing:
        click.echo(f"missing: {missing.node} ({missing.authority}) {missing.reason}", err=True)
    for answer in found.answers:
        if answer.code:
            told = f"{answer.outcome} by {answer.sender}: {answer.text}; call {answer.contact}"
            click.echo(plain_text(told), err=True)
