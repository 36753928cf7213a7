"""`circe member`: the register's root, invitations, enrolment, rotation and revocation, and joining a federation.

The root key is made and used on a machine of its own: its commands read and write files and reach for no network.
Invitations, requests and registers travel as files. Members make their keys on their own machines.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from federation.passkeys import Passkey
    from federation.register import Register

DIRECTORY = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
NEW_FILE = click.Path(path_type=Path, dir_okay=False)
STATE = click.option("--state", type=DIRECTORY, required=True, help="The member's own directory.")
ROOT = click.option("--root", "root_state", type=DIRECTORY, required=True, help="Directory of the root key.")
REGISTER = click.option(
    "--register", "register_file", type=NEW_FILE, required=True, help="Where to write the register."
)
DAYS = click.option(
    "--days", type=click.IntRange(1, 30), default=30, show_default=True, help="How long the register is good for."
)
DATE = click.DateTime(["%Y-%m-%d"])
PASSKEY = click.option(
    "--passkey",
    "passkeys",
    multiple=True,
    nargs=3,
    metavar="DOMAIN CREDENTIAL KEY",
    help="An approver's passkey: host of their node's pages, with its port; id and COSE key in base64.",
)
KINDS = ("node", "hub", "approver", "researcher", "dfe_analyst", "ig_officer", "output_checker", "witness")
PEOPLE = ("approver", "researcher", "dfe_analyst", "ig_officer", "output_checker", "witness")
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


@member.command()
@ROOT
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--authority", "authorities", multiple=True, metavar="CODE[+CODE,FROM]", help="For each node to invite.")
@click.option("--id", "member_id", help="Id in the register; a node's follows from its authority.")
@click.option("--title", help="How people are told who this is; a node's is its authority's name.")
@click.option("--organisation", help="A node's is that of its authority.")
@click.option("--organisation-kind", type=click.Choice(ORGANISATION_KINDS))
@click.option("--operator", help="Who runs it; the organisation itself unless it says otherwise.")
@click.option("--until", type=DATE, help="Last day of the membership; a year from now unless given.")
@click.option(
    "--days", type=click.IntRange(1, 31), default=14, show_default=True, help="How long the invitation holds."
)
@click.option("--into", type=DIRECTORY, required=True, help="Directory for the invitations, which are secret.")
def invite(
    root_state: Path,
    into: Path,
    kind: str,
    days: int,
    until: datetime | None,
    authorities: tuple[str, ...],
    **described: str | None,
) -> None:
    """Invite members: a node for each --authority, or one other member. Prints the path of each invitation.

    An invitation serves once. Whoever has it can be enrolled as the member, so hand it over by a way you trust.
    """
    from federation.hub_line import current_time
    from federation.invitations import describe_entries, write_invitations

    now = current_time()
    entries = describe_entries(kind, until, now, authorities, described)
    for path, notes in write_invitations(root_state, entries, into, days, now):
        click.echo(path)
        for note in notes:
            click.echo(note, err=True)


@member.command("init")
@click.option("--state", type=DIRECTORY, required=True, help="Directory to make.")
@click.option("--id", "member_id", required=True, help="Id in the register, for example ana@ucl.")
@click.option("--kind", type=click.Choice(PEOPLE), required=True)
@click.option("--title", required=True, help="How people are told who this is.")
@click.option("--organisation", required=True)
@click.option("--organisation-kind", type=click.Choice(ORGANISATION_KINDS), required=True)
def init(state: Path, member_id: str, kind: str, title: str, organisation: str, organisation_kind: str) -> None:
    """Make a person's keys on their own machine; `circe member join` asks for their enrolment."""
    from federation.state import create_party, make_profile

    profile = make_profile(
        member_id=member_id,
        kind=kind,
        title=title,
        organisation=organisation,
        organisation_kind=organisation_kind,
        operator=organisation,
        authorities=(),
    )
    create_party(state, profile)
    click.echo(state)


@member.command()
@STATE
@click.option("--hub", required=True, help="Address of the hub.")
@click.option("--root-key", type=FILE, required=True, help="The federation's root.pub, received by a trusted way.")
@click.option("--hub-ca", default="", help="Certificate authority of the hub, when it is not a public one.")
@click.option("--invitation", type=FILE, help="The invitation; writes the enrolment request and prints its path.")
@click.option("--register", "register_file", type=FILE, help="A register that came by another way than the hub's.")
@PASSKEY
def join(
    state: Path,
    hub: str,
    root_key: Path,
    hub_ca: str,
    invitation: Path | None,
    register_file: Path | None,
    passkeys: tuple[tuple[str, str, str], ...],
) -> None:
    """Pin the root key, note where the hub is, and ask to be enrolled as invited."""
    from federation.enrolment import describe_passkeys, fingerprint, read_invitation
    from federation.hub_line import current_time
    from federation.joining import request_enrolment
    from federation.register_changes import adopt_handed_over
    from federation.state import join_federation, load_root_key, open_party

    now = current_time()
    if passkeys and invitation is None:
        raise click.UsageError("--passkey is asked for with an --invitation; later, circe member rotate changes them.")
    party = join_federation(open_party(state), load_root_key(root_key), hub, hub_ca)
    if register_file is not None:
        register = adopt_handed_over(party, register_file.read_bytes(), now)
        click.echo(f"register version {register.version}", err=True)
    if invitation is not None:
        invited = read_invitation(invitation.read_bytes(), now)
        asked = _read_passkeys(passkeys)
        click.echo(request_enrolment(party, invited, asked, now))
        click.echo(f"tell the root's keeper your key: {fingerprint(party.keys.public_signing_key)}", err=True)
        for passkey in describe_passkeys(asked):
            click.echo(f"tell the root's keeper of your {passkey}", err=True)


@member.command()
@ROOT
@REGISTER
@DAYS
@click.option("--until", type=DATE, help="Last day of the memberships whose keys are rotated; as before unless given.")
@click.argument("requests", type=FILE, nargs=-1)
def enrol(root_state: Path, register_file: Path, days: int, until: datetime | None, requests: tuple[Path, ...]) -> None:
    """Sign the next register, granting the REQUESTS of invited members and of members who rotate their keys.

    Without a request the register is renewed. Compare each key printed with what its member tells you it is.
    """
    from federation.ceremony import enrol_members, read_last
    from federation.hub_line import current_time
    from federation.invitations import end_of
    from federation.listing import describe_changes
    from federation.root import open_root

    before = read_last(root_state, open_root(root_state))
    ends = None if until is None else end_of(until)
    register = enrol_members(root_state, register_file, requests, days, current_time(), until=ends)
    for line in describe_changes(before, register):
        click.echo(line, err=True)


@member.command()
@STATE
@PASSKEY
@click.option("--no-passkeys", is_flag=True, help="Have the passkeys of the register taken out.")
def rotate(state: Path, passkeys: tuple[tuple[str, str, str], ...], no_passkeys: bool) -> None:
    """Make fresh keys, and ask the root to put them in the place of the old; prints the path of the request.

    They come into use by themselves with the first register that names them, and the old ones are destroyed then.
    """
    from federation.enrolment import describe_passkeys, fingerprint
    from federation.hub_line import current_time
    from federation.joining import request_rotation
    from federation.keys import NEXT_KEY_FILE, load_keys
    from federation.state import open_party

    asked = _read_passkeys(passkeys) if passkeys or no_passkeys else None
    click.echo(request_rotation(open_party(state), asked, current_time()))
    following = load_keys(state, NEXT_KEY_FILE).public_signing_key
    click.echo(f"tell the root's keeper your new key: {fingerprint(following)}", err=True)
    for passkey in describe_passkeys(asked or ()):
        click.echo(f"tell the root's keeper of your {passkey}", err=True)


@member.command()
@click.option("--root", "root_state", type=DIRECTORY, help="Directory of the root key.")
@click.option("--register", "register_file", type=NEW_FILE, help="Where to write the register.")
@DAYS
@click.option("--id", "member_id", required=True, help="The member whose keys are to end.")
@click.option("--drill", is_flag=True, help="Sign nothing: list what the key touched, and what its end would leave.")
@click.option("--state", "states", type=DIRECTORY, multiple=True, help="For the drill: a party's directory and log.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def revoke(
    root_state: Path | None,
    register_file: Path | None,
    days: int,
    member_id: str,
    drill: bool,
    states: tuple[Path, ...],
    form: str,
) -> None:
    """Sign the next register, in which a member is revoked; or rehearse that with --drill."""
    from federation.ceremony import read_last, revoke_member
    from federation.hub_line import current_time
    from federation.listing import describe_changes
    from federation.root import open_root

    if drill:
        _rehearse(root_state, states, member_id, form)
        return
    if root_state is None or register_file is None or states:
        raise click.UsageError("revoking takes --root and --register, and no --state: that is for --drill.")
    before = read_last(root_state, open_root(root_state))
    register = revoke_member(root_state, register_file, member_id, days, current_time())
    for line in describe_changes(before, register):
        click.echo(line, err=True)


@member.command("list")
@click.option("--state", type=DIRECTORY, help="Any member's directory.")
@click.option("--root", "root_state", type=DIRECTORY, help="The root's directory; invitations are listed too.")
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def list_members(state: Path | None, root_state: Path | None, form: str) -> None:
    """Print the members of the last good register."""
    from federation.hub_line import current_time
    from federation.listing import list_invited, list_register, print_rows
    from federation.state import open_party

    now = current_time()
    if (state is None) == (root_state is None):
        raise click.UsageError("give --state, a member's directory, or --root, the root's.")
    if state is not None:
        register: Register | None = open_party(state).register(now)
        invited = []
    else:
        from federation.ceremony import read_last, read_ledger
        from federation.root import open_root

        assert root_state is not None
        register = read_last(root_state, open_root(root_state))
        invited = list_invited(read_ledger(root_state), now)
    print_rows([*(list_register(register, now) if register else []), *invited], form)
    if register:
        click.echo(
            f"register version {register.version}, good until {register.expires_at:%Y-%m-%d %H:%M} UTC", err=True
        )


def _rehearse(root_state: Path | None, states: tuple[Path, ...], member_id: str, form: str) -> None:
    """List what a key touched, by the root's own register or else by that of the first party given."""
    from federation.ceremony import read_last
    from federation.drill import rehearse_revocation
    from federation.hub_line import current_time
    from federation.listing import list_touched, print_rows
    from federation.register import RegisterError
    from federation.root import open_root
    from federation.state import open_party

    now = current_time()
    if not states:
        raise click.UsageError("--drill reads the logs of parties: give their directories with --state.")
    register = read_last(root_state, open_root(root_state)) if root_state else open_party(states[0]).register(now)
    entry = next((each for each in register.members if each.id == member_id), None) if register else None
    if register is None or entry is None:
        raise RegisterError(f"{member_id} is in no register here: circe member list shows who is")
    drill = rehearse_revocation(entry, register, states, now)
    print_rows(list_touched(drill.touched), form)
    for line in (
        *drill.consequences,
        *(f"{query} is on its way, and is looked at again" for query in drill.open_queries),
    ):
        click.echo(line, err=True)


def _read_passkeys(given: tuple[tuple[str, str, str], ...]) -> "list[Passkey]":
    from federation.invitations import read_passkeys

    return read_passkeys(given)
