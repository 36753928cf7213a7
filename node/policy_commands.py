"""`circe node policy`: what the access policy permits, what a new one would change, and who could see one child."""

from pathlib import Path

import click

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="The node's own directory."
)


@click.group()
def policy() -> None:
    """Who may see and do what here: the policy in force, a new one before it takes effect, one child's readers."""


@policy.command()
@STATE
@click.option("--role", help="One role alone, for example designated_teacher.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def show(state: Path, role: str | None, form: str) -> None:
    """Print every right that the policy in force gives."""
    from node.claim_commands import format_rows
    from node.service import open_node
    from policies.names import Role
    from policies.rules import list_rights

    if role is not None and role not in frozenset(Role):
        raise click.BadParameter(f"use one of: {', '.join(Role)}", param_hint="--role")
    in_force = open_node(state).policy()
    rights = sorted(list_rights(in_force.rules))
    rows = [
        (right.role, right.relation, right.action, right.field_group) for right in rights if role in (None, right.role)
    ]
    click.echo(format_rows(("role", "relation", "action", "field_group"), rows, form), nl=False)
    click.echo(f"policy {in_force.version}", err=True)


@policy.command()
@STATE
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--adopt", is_flag=True, help="Put the file into effect, and log it.")
def compare(state: Path, file: Path, adopt: bool) -> None:
    """Say in plain English what a new policy would change, for whom; with --adopt, put it into effect."""
    from node.own_policy import adopt_policy, propose_policy
    from node.service import open_node

    node = open_node(state)
    proposed = propose_policy(node, file)
    for sentence in (*proposed.change.sentences(), *proposed.duties):
        click.echo(sentence)
    if adopt:
        adopt_policy(node, proposed)
        click.echo(f"policy {proposed.version} is in force", err=True)


@policy.command()
@STATE
@click.option("--child", "number", required=True, help="The authority's own number of the child, or the pupil number.")
@click.option("--as", "person_id", required=True, help="Who reads: one of the node's people.")
@click.option("--purpose", required=True, help="Why; it is logged.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def who(state: Path, number: str, person_id: str, purpose: str, form: str) -> None:
    """List everybody who could see one of our children today, how much, and why."""
    from node.claim_commands import format_rows
    from node.disclosures.numbers import spell_number
    from node.lookups.child_sight import LISTING, list_sights, list_untold
    from node.lookups.reading_room import admit_reader
    from node.service import open_node
    from policies.names import RELATION_MEANINGS

    node, number = open_node(state), spell_number(number)
    reader = admit_reader(node, person_id, purpose, LISTING, copying=form != "table")
    sights = list_sights(node, number, reader.person.role)
    reader.sign_for([number])
    rows = [
        (sight.asker.name, sight.asker.role, sight.relation, sight.action, ", ".join(sight.field_groups))
        for sight in sights
    ]
    click.echo(format_rows(LISTING.columns, rows, form), nl=False)
    for relation in dict.fromkeys(sight.relation for sight in sights):
        click.echo(f"{relation}: {RELATION_MEANINGS[relation]}", err=True)
    untold = list_untold(node, reader.person.role)
    for relation in untold:
        click.echo(f"not told to your role: who could see {RELATION_MEANINGS[relation]}", err=True)
    click.echo(f"nobody else{' of whom your role is told' if untold else ''}, by this policy", err=True)
