"""`circe member`: the register's root, a person's keys, enrolment, and joining a federation.

The root key is made and used on a machine of its own; enrolment requests and registers travel as files.
"""

from pathlib import Path

import click

DIRECTORY = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
KINDS = ("approver", "researcher", "dfe_analyst", "ig_officer", "output_checker")
ORGANISATION_KINDS = ("authority", "department", "research", "hub_operator")


@click.group()
def member() -> None:
    """Keep the register of members: who they are and which keys are theirs."""


@member.command()
@click.option("--state", type=DIRECTORY, required=True, help="Directory for the root key; keep it offline.")
@click.option("--federation", default="circe", show_default=True, help="Short name of the federation.")
def root(state: Path, federation: str) -> None:
    """Make the federation's root key; prints the path of the public half that every member pins."""
    from federation.root import create_root

    click.echo(create_root(state, federation))


@member.command("init")
@click.option("--state", type=DIRECTORY, required=True, help="Directory to make.")
@click.option("--id", "member_id", required=True, help="Id in the register, for example ana@ucl.")
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--title", required=True, help="How people are told who this is.")
@click.option("--organisation", required=True)
@click.option("--organisation-kind", type=click.Choice(ORGANISATION_KINDS), required=True)
def init(state: Path, member_id: str, kind: str, title: str, organisation: str, organisation_kind: str) -> None:
    """Make a person's keys on their own machine, and the request to enrol them."""
    from federation.state import ENROLMENT_FILE, create_party, make_profile
    from federation.transport import current_time

    profile = make_profile(
        member_id=member_id,
        kind=kind,
        title=title,
        organisation=organisation,
        organisation_kind=organisation_kind,
        operator=organisation,
        authorities=(),
    )
    create_party(state, profile, current_time())
    click.echo(state / ENROLMENT_FILE)


@member.command()
@click.option("--root", "root_state", type=DIRECTORY, required=True, help="Directory of the root key.")
@click.option("--register", "register_file", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--days", type=click.IntRange(1, 30), default=7, show_default=True, help="How long it is good for.")
@click.argument("requests", type=FILE, nargs=-1)
def enrol(root_state: Path, register_file: Path, days: int, requests: tuple[Path, ...]) -> None:
    """Sign the next version of the register, with the members of the REQUESTS added."""
    from federation.root import enrol_members
    from federation.transport import current_time

    register = enrol_members(root_state, register_file, requests, days, current_time())
    click.echo(f"register version {register.version}, {len(register.members)} members", err=True)


@member.command()
@click.option("--state", type=DIRECTORY, required=True)
@click.option("--hub", required=True, help="Address of the hub.")
@click.option("--root-key", type=FILE, required=True, help="The federation's root.pub, received by a trusted way.")
@click.option("--hub-ca", default="", help="Certificate authority of the hub, when it is not a public one.")
def join(state: Path, hub: str, root_key: Path, hub_ca: str) -> None:
    """Pin the root key and note where the hub is."""
    from federation.state import join_federation, load_root_key, open_party

    join_federation(open_party(state), load_root_key(root_key), hub, hub_ca)


@member.command("list")
@click.option("--state", type=DIRECTORY, required=True, help="Any member's directory.")
def list_members(state: Path) -> None:
    """Print the members of the last good register."""
    from federation.state import open_party
    from federation.transport import current_time

    register = open_party(state).register(current_time())
    for entry in register.members:
        standing = "revoked" if entry.revoked else f"until {entry.valid_to:%Y-%m-%d}"
        click.echo(f"{entry.id:<24} {entry.kind:<14} {entry.organisation:<20} {standing}  {entry.title}")
