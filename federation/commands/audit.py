"""`circe audit`: what the log's own room offers, and what needs the register beside it: proofs, whose keys it has."""

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit.commands import audit
from audit.moments import END, MOMENT
from federation.commands import retention

if TYPE_CHECKING:
    from audit.proof import ProvenEntry
    from federation.register import Register

__all__ = ["audit"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


@audit.command("verify-proof")
@click.option("--state", type=_DIRECTORY, help="Your own member directory: its pinned root and its register.")
@click.option("--root", "root_file", type=_FILE, help="The federation's root key, where you are no member.")
@click.option("--register", "register_file", type=_FILE, help="A register that the root signed: that of then, say.")
@click.option("--release", type=_FILE, help="The release document that the proof is to be of.")
@click.option("--witnesses", type=click.IntRange(min=0), help="So many cosignatures are enough: 0 for a lookup's.")
@click.argument("proof", type=_FILE)
def verify_proof(
    state: Path | None,
    root_file: Path | None,
    register_file: Path | None,
    release: Path | None,
    witnesses: int | None,
    proof: Path,
) -> None:
    """Verify offline that an entry is in a member's log, and that enough members have witnessed the log.

    Whose log it is, by which keys, and how many cosignatures it takes, the register says, as it stands now; with
    --register, as it stood when that was signed. Exit 7 where the proof does not hold.
    """
    from federation.exchange import ReleaseDocument
    from federation.log_proofs import verify_log_proof, verify_release_proof
    from federation.wire import MAX_BATCH_BYTES, decode_document

    register, at = _read_register(state, root_file, register_file)
    data = proof.read_bytes()
    if release is None:
        proven = verify_log_proof(data, register, at, witnesses)
    else:
        document = decode_document(release.read_bytes().rstrip(b"\n"), ReleaseDocument, limit=MAX_BATCH_BYTES)
        proven = verify_release_proof(data, document, register, at, witnesses)
    click.echo(_describe(proven), nl=False)


def _read_register(
    state: Path | None, root_file: Path | None, register_file: Path | None
) -> "tuple[Register, datetime]":
    """Return the register to verify by, and the moment at which its members count."""
    from federation.hub_line import current_time
    from federation.register import read_signed_register
    from federation.state import load_root_key, open_party

    if (state is None) == (root_file is None) or (root_file is not None and register_file is None):
        raise click.UsageError("give --state DIR, or --root FILE with --register FILE")
    party = open_party(state) if state is not None else None
    if party is not None and register_file is None:
        now = current_time()
        return party.register(now), now
    assert register_file is not None
    root_key = party.root_key if party is not None else load_root_key(root_file or Path())
    register = read_signed_register(register_file.read_bytes(), root_key)
    return register, register.issued_at


def _describe(proven: "ProvenEntry") -> str:
    from federation.terminal import plain_text

    event, checkpoint = proven.event, proven.checkpoint
    lines = [
        f"proven: entry {proven.index} of the log of {checkpoint.origin}, which had {checkpoint.size} entries",
        f"  {event.at:%Y-%m-%dT%H:%M:%SZ} {event.actor}: {event.action} ({event.outcome}) {event.reference}",
        *(f"  {name} {value}" for name, value in event.details.items()),
        f"  witnessed by {_count(sorted(proven.witnesses))}",
    ]
    return "".join(plain_text(line) + "\n" for line in lines)


def _count(witnesses: list[str]) -> str:
    return f"{len(witnesses)}: {', '.join(witnesses)}" if witnesses else "nobody yet"


@audit.command()
@retention.STATE
@retention.OFFICER
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(state: Path, officer: str, file: Path) -> None:
    """Write the whole log to a file that `circe audit verify` verifies anywhere, once that is logged.

    The file holds every event in full: it is for those who may read the log. `circe audit show --format csv` takes away
    a part of it.
    """
    from audit.event import Action, AuditEvent
    from audit.export import write_export
    from audit.state import open_state_log

    with retention.open_log_of(state, officer, "export") as (database, now), file.open("xb") as target:
        file.chmod(0o600)
        event = AuditEvent(at=now, actor=officer, action=Action.AUDIT_EXPORTED, details={"form": "whole"})
        with database.transaction() as connection:
            database.log.append(connection, event)
        with closing(open_state_log(state)) as log:
            entries = write_export(log, target)
    click.echo(f"{entries} entries written to {file}", err=True)


@audit.command()
@click.option("--state", required=True, type=_DIRECTORY, help="The state directory of a node or hub.")
@click.option("--reference", help="The newest entry with this query, release or lookup id.")
@click.option("--entry", type=click.IntRange(min=0), help="The entry of this number.")
def prove(state: Path, reference: str | None, entry: int | None) -> None:
    """Print the proof of an entry of a party's own log, witnessed as far as it is by now, for whoever may read it.

    It carries the entry itself. `circe audit verify-proof` verifies it anywhere.
    """
    from audit.log import read_entries
    from audit.proof import prove_entry
    from audit.state import open_state_log

    if (reference is None) == (entry is None):
        raise click.UsageError("give --reference ID or --entry NUMBER")
    with closing(open_state_log(state)) as connection:
        found = next(read_entries(connection, reference=reference, index=entry, limit=1), None)
        if found is None:
            raise click.UsageError("there is no such entry in the log")
        click.echo(prove_entry(connection, found).to_text(), nl=False)


@audit.command()
@click.option("--state", "states", required=True, multiple=True, type=_DIRECTORY, help="A party's directory and log.")
@click.option("--member", default="", help="The member whose keys were stolen.")
@click.option("--key", default="", help="The stolen key or passkey, as the register has it.")
@click.option("--person", default="", help="The person at the node whose account was stolen.")
@click.option("--since", type=MOMENT, required=True, help="From when it may have been used (UTC).")
@click.option("--until", type=END, help="The last day, all of it, or the second until which; otherwise until now.")
@click.option("--aware", type=MOMENT, help="When you became aware of it; otherwise now. 72 hours run from there.")
@click.option(
    "--notice", type=click.Path(dir_okay=False, path_type=Path), help="Where to write the draft of the notice."
)
@click.option("--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def breach(
    states: tuple[Path, ...],
    since: datetime,
    until: datetime | None,
    aware: datetime | None,
    notice: Path | None,
    form: str,
    **what: str,
) -> None:
    """List what a stolen key or account touched, say how to end it, and draft the notice for the 72 hours.

    The logs are verified first. Nothing is signed, sent or changed: rehearse it.
    """
    from datetime import UTC

    from federation.breach import Span, find_reach, find_stolen
    from federation.breach_notice import Notifier, list_steps, write_notice
    from federation.drill import open_verified
    from federation.hub_line import current_time
    from federation.listing import list_touched, print_rows
    from federation.state import open_party

    now, party = current_time(), open_party(states[0])
    register = party.register(now)
    stolen = find_stolen(register, at=party.member_id, **what)
    moments = [moment.replace(tzinfo=UTC) if moment else now for moment in (since, until, aware)]
    span = Span(moments[0], moments[1])
    with open_verified(states) as logged:
        reach = find_reach(logged, stolen, span, register.members)
    print_rows(list_touched(reach.touched), form)
    click.echo(f"{len(reach.touched)} entries, {reach.children} children, {reach.copies} copies", err=True)
    click.echo("to do, in order:", err=True)
    for why, command in list_steps(stolen, reach):
        click.echo(f"  {why}:\n    {command}", err=True)
    if notice is not None:
        notifier = Notifier(party.profile.title, "[contact]")
        notice.write_text(write_notice(reach, stolen, span, notifier, aware_at=moments[2], now=now), encoding="utf-8")
        click.echo(f"draft of the notice: {notice}", err=True)
