"""`circe demo`: a whole federation on this machine, from return files to a released table.

It writes a synthetic England as real-format return files; sets up a hub and a node for each authority, each a process
of its own with its own directory; loads and enrols them; asks a question as a researcher; approves it as two officers
of two organisations; prints what is released, by authority and as sums that nobody could have opened for one authority;
looks up children across authorities; and verifies every audit log.
Each step is an ordinary `circe` command, printed as it runs: a real federation does the same, on many machines.
"""

import contextlib
import json
import shutil
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from federation.demo_cast import Cast
from federation.example_project import write_example
from federation.hub_line import current_time
from federation.processes import CommandFailed, Stagehands, end_descendants, interrupted_by_signals, wait_for

QUESTION = """SELECT sen_provision,
       COUNT(DISTINCT child) AS children,
       AVG(attendance_rate) AS attendance,
       AVG(persistent_absentee) AS persistent_absentees
FROM child_year
WHERE academic_year = 202425 AND population = 'looked_after' AND counted_here AND year_group BETWEEN 1 AND 11
GROUP BY sen_provision"""

STANDING_QUESTION = """SELECT in_touch, COUNT(*) AS care_leavers
FROM child_year
WHERE academic_year = 202425 AND population = 'care_leaver' AND counted_here
GROUP BY in_touch"""
"""About other children than the question above: one measure of one population leaves the nodes by one path."""

PURPOSE = "How attendance of children in care differs by special educational need"
ACADEMIC_YEAR = "202425"
TERM = f"{ACADEMIC_YEAR}-summer"
FEWEST_IN_A_SUM = 5
"""Operators that a secure sum takes at least; with fewer authorities the demo leaves sums out."""

MOST_TRIED_ON = 16
"""Authorities of the hub's copy: a question is tried on each, one after the other."""

FEW_AUTHORITIES = 16
"""Up to so many authorities, each node has a process of its own."""

SHOWN_ROWS = 60


@click.command()
@click.option("--authorities", type=click.IntRange(3, 153), default=8, show_default=True)
@click.option("--serve", is_flag=True, help="Leave it running and print addresses and sign-in links.")
@click.option("--nodes-per-process", type=click.IntRange(1, 153), help="Nodes that share a process.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another England.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), help="Keep the state here.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def demo(
    authorities: int, serve: bool, nodes_per_process: int | None, seed: int, directory: Path | None, form: str
) -> None:
    """Run a whole federation on this machine: synthetic England, a question asked, approved and released."""
    place = directory or Path(tempfile.mkdtemp(prefix="circe-demo-"))
    together = nodes_per_process or (1 if authorities <= FEW_AUTHORITIES else 8)
    hands, failed = Stagehands(), False
    with interrupted_by_signals():
        try:
            release, sums = perform(hands, place, authorities, seed, together)
            print_outcome(release, sums, hands, form)
            if serve:
                keep_serving(hands, place)
        except CommandFailed:
            failed = True
            raise
        except KeyboardInterrupt:
            end_descendants()
            raise
        finally:
            hands.stop_services(patience=1.0 if failed else 10.0)
            if directory is None:
                clear_away(place, keep_logs=failed)


def clear_away(place: Path, *, keep_logs: bool) -> None:
    """Delete the demo's state; of one that failed, leave the logs in which services may have said why."""
    for path in place.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix != ".log" or not keep_logs:
            path.unlink()
    with contextlib.suppress(OSError):  # Logs are left in it.
        place.rmdir()


def perform(hands: Stagehands, place: Path, authorities: int, seed: int, together: int) -> tuple[str, tuple[str, ...]]:
    """Play the whole story and return the release by authority and those of the sums, as JSON."""
    with hands.stage("synthetic England, as return files"):
        england = place / "england"
        hands.run("synth", england, "--authorities", str(authorities), "--seed", str(seed), "--format", "json")
        codes = sorted(path.name for path in england.iterdir() if path.name.isdigit())
    cast = Cast(place, tuple(codes), f"http://127.0.0.1:{hands.hold_port()}")
    with hands.stage("hub, nodes and people make their keys"):
        set_up(hands, cast)
    with hands.stage("each node loads its authority's files"):
        load = [("node", "load", "--state", cast.node(code), england / code, "--format", "json") for code in codes]
        hands.run_each(load)
    with hands.stage("the hub takes its copy of synthetic England, to try questions on"):
        # Taken while these nodes have joined nothing: of one that has, a hub takes no copy.
        hands.run("hub", "synthetic", "--state", cast.hub, *cast.nodes[:MOST_TRIED_ON])
    with hands.stage("the root invites them; each pins the root and asks; the root enrols them"):
        enrol(hands, cast)
    with hands.stage("hub and nodes start"):
        start(hands, cast, together)
    with hands.stage("a home authority claims the facts of its children educated elsewhere"):
        claim(hands, cast)
    with hands.stage("a researcher asks, two officers approve, nodes answer"):
        release = ask(hands, cast, "--path", "per_authority")
    sums = add_up(hands, cast) if len(codes) >= FEWEST_IN_A_SUM else ()
    with hands.stage("a virtual school head looks up children placed in her area"):
        look_up(hands, cast)
    with hands.stage("every audit log is verified"):
        for line in hands.run_each([("audit", "verify", "--state", state) for state in (cast.hub, *cast.nodes)]):
            click.echo(line.rstrip(), err=True)
    with hands.stage("a drill: what an officer's key touched, were it to be revoked"):
        drill(hands, cast)
    return release, sums


def set_up(hands: Stagehands, cast: Cast) -> None:
    """Everyone makes their own keys on their own machine."""
    hands.run("member", "root", "--state", cast.root, "--federation", "demo")
    hands.run("hub", "init", "--state", cast.hub)
    hands.run_each([("node", "init", "--state", cast.node(code), "--authority", code) for code in cast.authorities])
    for person, (kind, title, organisation, organisation_kind) in cast.people.items():
        who = ("--id", person, "--kind", kind, "--title", title)
        where = ("--organisation", organisation, "--organisation-kind", organisation_kind)
        hands.run("member", "init", "--state", cast.person(person), *who, *where)


def enrol(hands: Stagehands, cast: Cast) -> None:
    """The root invites; every member pins the root key and asks, as invited; the root signs the register."""
    register = cast.directory / "register.json"
    invitations = invite(hands, cast)
    where = ("--hub", cast.address, "--root-key", cast.root / "root.pub")
    joins = [("--state", state, *where, "--invitation", invitations[who]) for who, state in cast.members.items()]
    requests = [path.strip() for path in hands.run_each([("member", "join", *join) for join in joins])]
    hands.run("member", "enrol", "--root", cast.root, "--register", register, *requests)
    hands.run("hub", "adopt", "--state", cast.hub, register)
    project, today = cast.directory / "attendance.toml", current_time().date()
    made = write_example(project, "attendance", ["ana@ucl"], ["opensafely"], today)
    hands.run("hub", "project", "--state", cast.hub, made)
    head = ("--id", "vsh", "--role", "virtual_school_head", "--title", "Virtual school head")
    hands.run("node", "person", "--state", cast.busiest_host, *head)


def invite(hands: Stagehands, cast: Cast) -> dict[str, Path]:
    """Have the root invite everybody; return each one's invitation by id, handed over by a way that both trust."""
    what = ("member", "invite", "--root", cast.root, "--into", cast.directory / "invitations")
    nodes = [word for code in cast.authorities for word in ("--authority", code)]
    hub = ("hub", "The federation's hub", "hub-operator", "hub_operator")
    printed = hands.run(*what, "--kind", "node", *nodes)
    for who, (kind, title, organisation, organisation_kind) in {"hub": hub, **cast.people}.items():
        where = ("--organisation", organisation, "--organisation-kind", organisation_kind)
        printed += hands.run(*what, "--id", who, "--kind", kind, "--title", title, *where)
    return {Path(path).stem.removeprefix("invitation-"): Path(path) for path in printed.splitlines()}


def start(hands: Stagehands, cast: Cast, together: int) -> None:
    """Start the hub and the nodes, and wait until the hub answers."""
    bind, log = cast.address.removeprefix("http://"), cast.directory / "hub.log"
    hands.start(log, "hub", "serve", "--state", cast.hub, "--bind", bind)
    wait_for(cast.address, hands, log)
    for number in range(0, len(cast.nodes), together):
        states = [word for state in cast.nodes[number : number + together] for word in ("--state", state)]
        hands.start(cast.directory / f"nodes-{number}.log", "node", "serve", *states)


def claim(hands: Stagehands, cast: Cast) -> None:
    """Have one home authority claim, sealed, what the hosts of its children know; the others would do the same."""
    hands.run("node", "claim", "--state", cast.nodes[0], "--term", f"{ACADEMIC_YEAR}-summer")
    click.echo(hands.run("node", "claims", "--state", cast.busiest_host).rstrip(), err=True)


def ask(hands: Stagehands, cast: Cast, *path: str) -> str:
    """Ask the question by a path, have it approved by two organisations, and fetch what is released."""
    ana = ("--state", cast.person("ana@ucl"))
    what = ("--project", "attendance", "--purpose", PURPOSE, "--year", ACADEMIC_YEAR)
    query = hands.run("query", "run", *ana, *what, *path, QUESTION).strip()
    for officer in cast.approvers:
        hands.run("approve", "--state", cast.person(officer), "--yes", query)
    release = hands.run("query", "fetch", *ana, "--format", "json", query)
    hands.check_running()
    return release


def add_up(hands: Stagehands, cast: Cast) -> tuple[str, ...]:
    """Release two totals over all authorities that nobody could have opened for one of them."""
    with hands.stage("nodes agree on keys and deal for sums that nobody can open per authority"):
        click.echo(hands.run("hub", "sums", "--state", cast.hub, "--wait", "900").rstrip(), err=True)
    with hands.stage("the same question as a noised sum over all authorities"):
        noisy = ask(hands, cast, "--path", "noisy_sum")
    with hands.stage("a standing question, approved once as a template, as an exact sum protected by the hub"):
        exact = run_template(hands, cast)
    return noisy, exact


def run_template(hands: Stagehands, cast: Cast) -> str:
    """Make a template, have two officers approve it, run it, and fetch what is released."""
    ana, file = ("--state", cast.person("ana@ucl")), cast.directory / "care-leavers.template"
    purpose = "Care leavers with whom their authority is in touch, for the yearly statistics"
    what = ("--project", "attendance", "--purpose", purpose, "--preset", "opensafely", "--term", TERM)
    hands.run("query", "template", "make", *ana, *what, "--out", file, STANDING_QUESTION)
    for officer in cast.approvers:
        hands.run("query", "template", "approve", "--state", cast.person(officer), "--yes", file)
    query = hands.run("query", "template", "run", *ana, "--term", TERM, file).strip()
    release = hands.run("query", "fetch", *ana, "--format", "json", query)
    hands.check_running()
    return release


def look_up(hands: Stagehands, cast: Cast) -> None:
    """Ask every other node, sealed, for its children educated in one authority's area, to read on the screen.

    A file of them would be a copy, which takes the right to export.
    """
    who = ("--state", cast.busiest_host, "--as", "vsh", "--purpose", "Termly review of children placed here")
    found = hands.run("lookup", *who, "--placed-here").splitlines()
    click.echo(f"{len(found) - 1} children of other authorities are educated here", err=True)


def drill(hands: Stagehands, cast: Cast) -> None:
    """List what the key of the department's officer touched, from the logs of the hub and of one node."""
    whose = ("--root", cast.root, "--id", "officer@dfe", "--state", cast.hub, "--state", cast.nodes[0])
    touched = hands.run("member", "revoke", "--drill", *whose, "--format", "csv").splitlines()
    click.echo(f"{len(touched) - 1} entries of two logs have to do with it; nothing was signed", err=True)


def print_outcome(release: str, sums: Sequence[str], hands: Stagehands, form: str) -> None:
    """Print what was released, and how long each stage took."""
    if form == "json":
        stages = [asdict(stage) for stage in hands.stages]
        told = {"release": json.loads(release), "sums": [json.loads(each) for each in sums]}
        click.echo(json.dumps({**told, "stages": stages, "audit": "verified"}))
        return
    from federation.commands.fetch import format_release
    from federation.exchange import ReleaseDocument
    from federation.wire import decode_document

    for each in (release, *sums):
        document = decode_document(each.strip().encode(), ReleaseDocument)
        click.echo("\n".join(["", *_shorten(format_release(document, "table").splitlines())]))
    click.echo("\nEvery audit log is verified. Time and peak memory of each stage:", err=True)
    for stage in hands.stages:
        click.echo(f"  {stage.seconds:7.2f} s  {stage.peak_mib:6d} MiB  {stage.name}", err=True)
    click.echo(f"  {sum(stage.seconds for stage in hands.stages):7.2f} s              in all", err=True)


def _shorten(lines: Sequence[str]) -> Sequence[str]:
    """Leave out the middle of a table too long to read on a screen."""
    if len(lines) <= 2 * SHOWN_ROWS:
        return lines
    left_out = len(lines) - 2 * SHOWN_ROWS
    return [
        *lines[:SHOWN_ROWS],
        f"... {left_out} lines left out here; --format json has them all ...",
        *lines[-SHOWN_ROWS:],
    ]


def keep_serving(hands: Stagehands, place: Path) -> None:
    """Print where everything is and wait until interrupted."""
    address = tomllib.loads((place / "hub" / "member.toml").read_text())["hub"]
    click.echo(f"\nThe hub's pages: {address}/", err=True)
    for state in sorted((place / "people").iterdir()):
        link = hands.run("hub", "sign-in", "--state", place / "hub", "--member", state.name, quiet=True)
        click.echo(f"  sign in as {state.name}: {link.strip()}", err=True)
    with contextlib.suppress(KeyboardInterrupt):
        click.echo(f"State directories: {place}\nPress Ctrl-C to stop it all.", err=True)
        while True:
            time.sleep(1)
            hands.check_running()
