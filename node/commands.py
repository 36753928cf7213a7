"""`circe node`: make an authority's node, load its files, look at what it holds, and run it."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import click

from federation.service_log import LOG, announce, told
from node.budget_command import budget
from node.claim_commands import FORM, claim, claims, incomplete
from node.figures.commands import figures
from node.keeping_commands import backup, metrics, restore, restored
from node.lookups.delegation.commands import delegation
from node.lookups.handover.commands import handover
from node.lookups.officer_commands import held, notices
from node.policy_commands import policy
from node.quality.commands import quality, retire, returns, validate
from node.tracking.commands import track

if TYPE_CHECKING:
    from datetime import date

    from node.service import Node

STATE = click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), required=True, help="The node's own directory."
)
PEM = click.Path(path_type=Path, dir_okay=False, exists=True)
TABLE_OR_JSON = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)


@click.group()
def node() -> None:
    """Make, load, check and run an authority's node."""


ABOUT_KEEPING = (metrics, backup, restore, restored)
ABOUT_DATA = (budget, claim, claims, incomplete, returns, quality, validate, retire)
ABOUT_ACCESS = (policy, held, notices, delegation, handover, figures)
for command in (*ABOUT_KEEPING, *ABOUT_DATA, *ABOUT_ACCESS, track):
    node.add_command(command)


def warn_of_policy(opened: "Node") -> None:
    """Say at the start where no policy is in force: everything runs, and nobody sees anything."""
    from node.own_policy import find_trouble

    if trouble := find_trouble(opened):
        text = f"Warning: {opened.party.member_id} shows nobody anything: {trouble}"
        logging.getLogger("circe.node").warning(text, extra=told(member=opened.party.member_id))


@node.command()
@STATE
@click.option("--authority", required=True, help="The authority's three-digit code, for example 301.")
@click.option("--operator", default="", help="Who runs the node, when it is not the authority itself.")
def init(state: Path, authority: str, operator: str) -> None:
    """Make a node's directory: keys, enrolment request, rules to edit, an empty log."""
    from node.setting_up import create_node

    create_node(state, authority, operator)


@node.command()
@STATE
@click.option("--id", "person_id", required=True, help="Who, for example vsh@301.")
@click.option("--role", required=True, help="A role of the access matrix, for example virtual_school_head.")
@click.option("--title", required=True, help="How others are told who this is.")
@click.option("--school", "schools", type=int, multiple=True, help="A teacher's school, or each of several: its URN.")
@click.option("--until", default="", help="The last day of an account, as in 31/12/2026; an inspector has one.")
def person(state: Path, person_id: str, role: str, title: str, schools: tuple[int, ...], until: str) -> None:
    """Add one of the authority's people, or change their role."""
    from node.people import BY_SCHOOLS
    from node.setting_up import enter_person

    last = _read_last_day(until)
    if role not in BY_SCHOOLS and len(schools) == 1:
        enter_person(state, person_id, role, title, schools[0], until=last)
    else:
        enter_person(state, person_id, role, title, schools=schools, until=last)


def _read_last_day(typed: str) -> "date | None":
    from federation.typed_days import read_day

    try:
        return read_day(typed) if typed else None
    except ValueError as unreadable:
        raise click.BadParameter(str(unreadable), param_hint="--until") from None


@node.command()
@STATE
@FORM
def people(state: Path, form: str) -> None:
    """List the authority's people who use this node, with the last day of an account that has one."""
    from node.claim_commands import format_rows
    from node.people import list_people

    rows = [
        (each.id, each.role, each.title, " ".join(map(str, each.works_at)), each.until and each.until.isoformat())
        for each in list_people(state)
    ]
    click.echo(format_rows(("id", "role", "title", "schools", "until"), rows, form), nl=False)


@node.command("sign-in")
@STATE
@click.option("--person", "person_id", required=True, help="Who is to sign in: one of the node's people.")
@click.option("--address", default="", help="Where the pages are opened, when it is not what the node's rules say.")
def sign_in(state: Path, person_id: str, address: str) -> None:
    """Print a link by which one of the node's people enrols a passkey: good once, within a quarter of an hour."""
    from node.service import open_node
    from node.sign_in import issue_code

    opened = open_node(state)
    place = address.rstrip("/") or opened.rules().pages.address
    # What stands after # is sent nowhere: no proxy, no log and no history has the code.
    click.echo(f"{place}/sign-in#{issue_code(opened, person_id)}")


@node.command()
@STATE
@click.option("--person", "person_id", required=True, help="Whose passkeys: one of the node's people.")
@click.option("--remove", "removed", metavar="ID", help="Take one away, by the id that the list has for it.")
def passkeys(state: Path, person_id: str, removed: str | None) -> None:
    """List the passkeys by which one of the node's people signs in, or take one away that was lost."""
    from node.passkeys import describe_passkeys, take_passkey_away
    from node.service import open_node

    opened = open_node(state)
    if removed:
        take_passkey_away(opened, person_id, removed)
    click.echo(describe_passkeys(opened, person_id))


@node.command()
@STATE
@click.option("--bind", default="127.0.0.1:8401", show_default=True, help="Address and port to listen on.")
@click.option("--tls-cert", type=PEM, help="The certificate of the pages, with those that lead to its authority.")
@click.option("--tls-key", type=PEM, help="Its private key, without a passphrase.")
@click.option("--behind-tls-proxy", is_flag=True, help="A proxy in front speaks TLS; the node itself does not.")
@LOG
def pages(state: Path, bind: str, tls_cert: Path | None, tls_key: Path | None, behind_tls_proxy: bool) -> None:
    """Serve the node's pages to the authority's own people until it is stopped, beside `circe node serve`."""
    from federation.web.listening import Listening
    from node.server import PagesServer
    from node.service import open_node

    opened, listening = open_node(state), Listening(bind, tls_cert, tls_key, behind_tls_proxy)
    warn_of_policy(opened)
    announce(f"pages of {opened.party.member_id} at {bind}", member=opened.party.member_id, bind=bind)
    address = opened.rules().pages.address
    if listening.is_secure and not address.startswith("https:"):
        announce(f"note: rules.toml says under [pages] that they are opened at {address}, and links and")
        announce("  passkeys are made for that. Write the https:// address there, and start again.")
    PagesServer(state, listening).run()


@node.command()
@STATE
@click.option("--year", type=click.IntRange(2015, 2100), help="Year in which the SSDA903 return ends; else detected.")
@click.option(
    "--mapping",
    "mappings",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A TOML file that says which column of an export is which; see docs/loading.md.",
)
@TABLE_OR_JSON
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.pass_context
def load(
    context: click.Context,
    state: Path,
    year: int | None,
    mappings: tuple[Path, ...],
    form: str,
    paths: tuple[Path, ...],
) -> None:
    """Load files, directories and zips of every kind that docs/loading.md lists; says what was not loaded and why."""
    from node.ingest.report import NothingUsable
    from node.loading import load_into

    try:
        report = load_into(state, paths, year, lambda line: click.echo(line, err=True), mappings)
    except NothingUsable as nothing:
        click.echo(nothing.report.to_json() if form == "json" else nothing.report.to_text())
        click.echo(f"Error: {nothing}", err=True)
        context.exit(3)
    click.echo(report.to_json() if form == "json" else report.to_text())


@node.command()
@STATE
@click.option("--against", metavar="SNAPSHOT", help="Say what changed since this snapshot instead, and by which files.")
@click.option("--hub", "look_at_hub", is_flag=True, help="Look at the connection to the hub instead.")
@click.option(
    "--health", "whether_well", is_flag=True, help="Say ok, or in a word what fails, the hub too: exit code 1."
)
@TABLE_OR_JSON
@click.pass_context
def check(
    context: click.Context, state: Path, against: str | None, look_at_hub: bool, whether_well: bool, form: str
) -> None:
    """Say which snapshot the node serves, which factors its files can fill, and which file would help most next."""
    from node.hub_check import check_hub
    from node.loading import compare_with, describe_snapshot

    if whether_well:
        from node.health import find_failing_with_hub
        from node.service import open_node

        failing = find_failing_with_hub(open_node(state))
        click.echo(failing or "ok")
        context.exit(1 if failing else 0)
    if look_at_hub:
        click.echo(check_hub(state, form))
    else:
        click.echo(compare_with(state, against, form) if against else describe_snapshot(state, form))


@node.command()
@click.option(
    "--state",
    "states",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    multiple=True,
    help="A node's own directory; several to serve several nodes.",
)
@LOG
def serve(states: tuple[Path, ...]) -> None:
    """Run the node until it is stopped: it asks the hub what is waiting, and listens on no port."""
    import signal
    import threading

    from federation.transport import connect_party
    from node.polling import serve_node
    from node.service import open_node
    from node.worker import Worker

    stop, worker = threading.Event(), Worker()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    nodes = [open_node(state) for state in states]
    for opened in nodes:
        warn_of_policy(opened)
    # Here, where an address or a certificate file that is of no use ends the command with a word about it.
    hubs = [connect_party(opened.party, clock=opened.clock, pause=stop.wait) for opened in nodes]
    pairs = zip(nodes, hubs, strict=True)
    threads = [threading.Thread(target=serve_node, args=(*pair, stop, worker.answer)) for pair in pairs]
    for thread in threads:
        thread.start()
    announce(f"serving {', '.join(opened.party.member_id for opened in nodes)}")
    # Signals reach the main thread alone, and a plain wait would hold them back; polls end by themselves.
    while not stop.wait(0.5):
        pass
    worker.close()
    for thread in threads:
        thread.join(timeout=1)
