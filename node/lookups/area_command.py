"""`circe lookup --area`: children of our schools who are not in care, of one status; with `--child`, one of them."""

from pathlib import Path

import click

from node.lookups.child_command import SEARCHED, read_description
from policies.names import BY_AREA


def read_area(
    state: Path, person_id: str, purpose: str, status: str, child_file: str | None, at: str | None, form: str
) -> None:
    """Print those of one status, as far as our policy has it switched on, or whom of them a description finds."""
    from node.claim_commands import format_rows
    from node.lookups.area_children import FIELDS, find_area_child, list_area_children
    from node.service import open_node

    if at is not None:
        raise click.UsageError("no other authority is asked for children who are not in care: leave --at out")
    (relation,) = (relation for relation, known in BY_AREA.items() if known == status)
    node, copying = open_node(state), form != "table"
    if child_file is None:
        found = list_area_children(node, person_id, purpose, relation, copying=copying)
    else:
        sought = read_description(child_file)
        found = find_area_child(node, person_id, purpose, relation, sought, copying=copying)
    click.echo(format_rows(tuple(FIELDS), found.rows, form), nl=False)
    if child_file is None:
        click.echo(f"{len(found.rows)} children, from snapshot {found.snapshot.id}", err=True)
    elif not found.rows:
        click.echo(SEARCHED, err=True)
