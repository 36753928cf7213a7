"""`circe hub`: make the hub, give it a register and projects, and run it."""

from contextlib import closing
from pathlib import Path

import click

from federation.service_log import LOG, announce
from hub.keeping_commands import backup, metrics, restore

PEM = click.Path(path_type=Path, dir_okay=False, exists=True)
STATE = click.option("--state", type=click.Path(path_type=Path, file_okay=False), required=True)


@click.group()
def hub() -> None:
    """Make and run the hub: it carries approved queries and releases safe tables."""


for command in (metrics, backup, restore):
    hub.add_command(command)


@hub.command()
@STATE
@click.option("--id", "member_id", default="hub", show_default=True, help="The hub's id in the register.")
@click.option("--organisation", default="hub-operator", show_default=True)
@click.option("--title", default="The federation's hub", show_default=True)
@click.option("--database", default="", help="postgresql://USER@HOST/NAME for several workers; else a file.")
def init(state: Path, member_id: str, organisation: str, title: str, database: str) -> None:
    """Make the hub's keys; `circe member join` asks for its enrolment."""
    from audit.event import Action
    from audit.state import check_address
    from federation.database import keep_address
    from federation.state import create_party, make_profile, publish_log_key
    from hub.service import open_hub

    profile = make_profile(
        member_id=member_id,
        kind="hub",
        title=title,
        organisation=organisation,
        organisation_kind="hub_operator",
        operator=organisation,
        authorities=(),
    )
    if database:
        check_address(database, "--database")
    party = create_party(state, profile)
    publish_log_key(party)
    if database:
        keep_address(state, database)
    # Opened now, so that an address that is of no use is not found out by the first member.
    with closing(open_hub(state)) as opened, opened.database.transaction() as connection:
        opened.database.log.append(connection, opened.event(Action.PARTY_INITIALISED, member_id, ""))
    click.echo(state)


@hub.command()
@STATE
@click.argument("register_file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def adopt(state: Path, register_file: Path) -> None:
    """Take a newly signed register into use, and log whose keys came and went; a running hub hands it out at once."""
    from federation.register_changes import adopt_and_record
    from hub.service import open_hub

    opened = open_hub(state)
    register = adopt_and_record(opened.party, opened.database, register_file.read_bytes(), opened.clock())
    click.echo(f"register version {register.version}, {len(register.members)} members", err=True)


@hub.command()
@STATE
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def project(state: Path, file: Path) -> None:
    """Open the project that FILE describes, or amend it: `circe project new` writes a file to begin with."""
    from federation.project_file import read_project
    from hub.projects import keep_project
    from hub.service import open_hub

    with closing(open_hub(state)) as opened:
        keep_project(opened, read_project(file))


@hub.command()
@STATE
@click.argument("nodes", nargs=-1, required=True, type=click.Path(path_type=Path, file_okay=False, exists=True))
def synthetic(state: Path, nodes: tuple[Path, ...]) -> None:
    """Take the hub's dry-run copy from made-up NODES: their directories, loaded with what circe synth has written.

    A node that has joined a federation is refused, since its data may be of children.
    """
    from federation.hub_line import current_time
    from federation.register import MemberKind
    from federation.state import open_party
    from hub.synthetic import take_copy

    party = open_party(state, MemberKind.HUB)
    authorities = take_copy(party.directory, nodes, current_time())
    click.echo(f"synthetic tables of {len(authorities)} authorities: {', '.join(authorities)}", err=True)


@hub.command("sign-in")
@STATE
@click.option("--member", required=True, help="Id of the member who is to sign in.")
@click.option("--address", default="", help="Address of the hub's pages, when it is not the one that members joined.")
def sign_in(state: Path, member: str, address: str) -> None:
    """Print a link that signs a member in once, within a quarter of an hour."""
    from hub.service import open_hub
    from hub.sign_in import issue_code

    opened = open_hub(state)
    place = address or opened.party.profile.hub or "http://127.0.0.1:8400"
    click.echo(f"{place.rstrip('/')}/sign-in#{issue_code(opened, member)}")


@hub.command()
@STATE
@click.option("--wait", "patience", type=click.IntRange(0), default=0, help="Seconds to wait for England to be ready.")
def sums(state: Path, patience: int) -> None:
    """Print this week's rosters of secure sums, and how many slots are dealt for each and not yet used."""
    from federation.problems import ProblemRaised
    from hub.service import open_hub
    from hub.sums.readiness import list_readiness, wait_for_england

    opened = open_hub(state)
    try:
        wait_for_england(opened, patience)
    except ProblemRaised as raised:
        raise click.ClickException(raised.problem.detail) from None
    click.echo("roster           nodes  threshold  ready")
    for ready in list_readiness(opened, opened.clock()):
        click.echo(f"{ready.name:<15}  {ready.nodes:5d}  {ready.threshold:9d}  {ready.slots:5d}")


@hub.command()
@STATE
@click.option("--bind", default="127.0.0.1:8400", show_default=True, help="Address and port to listen on.")
@click.option("--tls-cert", type=PEM, help="The hub's certificate, with those that lead to its authority.")
@click.option("--tls-key", type=PEM, help="Its private key, without a passphrase.")
@click.option("--behind-tls-proxy", is_flag=True, help="A proxy in front speaks TLS; the hub itself does not.")
@click.option(
    "--room",
    type=click.IntRange(0, 4096),
    default=512,
    show_default=True,
    help="For how many members there is room, however few there are at the start.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="More need PostgreSQL.")
@LOG
def serve(
    state: Path, bind: str, tls_cert: Path | None, tls_key: Path | None, behind_tls_proxy: bool, room: int, workers: int
) -> None:
    """Run the hub until it is stopped. Members may be enrolled meanwhile: each can hold a line, up to --room of them.

    It speaks TLS 1.3 with a certificate, or stands behind a proxy that speaks TLS; else it serves this machine alone.
    """
    from audit.state import read_address
    from federation.hub_line import current_time
    from federation.register import MemberKind
    from federation.state import open_party
    from federation.web.listening import Listening
    from hub.server import HubServer

    if workers > 1 and not read_address(state):
        raise click.UsageError("several workers share a PostgreSQL server: circe hub init --database, or --workers 1")
    party = open_party(state, MemberKind.HUB)
    members = max(room, len(party.register(current_time()).members))
    announce(f"{party.member_id} at {bind}", member=party.member_id, bind=bind)
    HubServer(state, members, Listening(bind, tls_cert, tls_key, behind_tls_proxy), {"workers": workers}).run()
