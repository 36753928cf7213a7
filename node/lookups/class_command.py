"""`circe lookup --class-list`: children in care at the school that a designated teacher works for."""

from contextlib import closing
from pathlib import Path

import click


def read_class_list(state: Path, person_id: str, purpose: str, patience: int, form: str) -> None:
    """Print the children in care at a person's school, ours and others'; who did not tell is said on standard error."""
    from federation.transport import connect_party
    from node.claim_commands import format_rows
    from node.lookups.child_command import say_who_did_not_tell
    from node.lookups.class_list import read_class
    from node.lookups.file_fields import FILE_FIELDS
    from node.polling import refresh_register
    from node.service import open_node

    node = open_node(state)
    person = node.find_person(person_id)
    with closing(connect_party(node.party, clock=node.clock)) as hub:
        refresh_register(node, hub)
        found = read_class(node, hub, person, purpose, patience=patience, copying=form != "table")
    say_who_did_not_tell(found.others)
    click.echo(format_rows(("home", *FILE_FIELDS), found.rows, form), nl=False)
