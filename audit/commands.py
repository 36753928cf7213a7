"""`circe audit`: verify logs and show what is in them, on any machine that has the files.

Results go to standard output alone. Exit codes: 0 done, 2 bad arguments or no log there, 7 a log is broken.
"""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audit.moments import END, MOMENT

if TYPE_CHECKING:
    from audit.checkpoint import Checkpoint, VerifierKey
    from audit.verifier import LogSummary

BROKEN = 7
"""The exit code for a log that is not whole."""

_SQLITE_MARK = b"SQLite format 3\x00"
_PLACE = click.Path(exists=True, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)


class _BadInput(click.ClickException):
    exit_code = 2


class _Broken(click.ClickException):
    exit_code = BROKEN


@click.group()
def audit() -> None:
    """Verify and read audit logs."""


@audit.command()
@click.argument("logs", nargs=-1, type=_PLACE)
@click.option("--state", "states", multiple=True, type=_DIRECTORY, help="A party's state directory.")
@click.option("--key", help="The log's verifier key, instead of the log.pub beside it.")
@click.option("--kept", type=_FILE, help="A checkpoint of the log that was kept elsewhere: it must still hold.")
def verify(logs: tuple[Path, ...], states: tuple[Path, ...], key: str | None, kept: Path | None) -> None:
    """Recompute whole logs and print one line for each; exit 7 if one is broken, saying at which entry.

    A log is a state directory, an SQLite database or an exported file.

    A log cut back to an earlier state with its checkpoints is a true log of that moment: give a later checkpoint that
    somebody else kept, a witness or the reader of a release, with --kept. A log.pub from the same place as the log
    shows only that the two fit; where that matters, give the key you know with --key.
    """
    places = (*states, *logs)
    if not places:
        raise click.UsageError("name a log: --state DIR, or an exported log file.")
    if (key or kept) and len(places) > 1:
        raise click.UsageError("--key and --kept are of one log: verify one at a time.")
    verdicts = [_verify_place(place, key, kept) for place in places]
    if not all(verdicts):
        raise click.exceptions.Exit(BROKEN)


def _verify_place(place: Path, key_text: str | None, kept: Path | None) -> bool:
    """Verify one log and print its line; tell whether it is whole."""
    from audit.log import LogUnreadable
    from audit.verifier import LogBroken

    try:
        key = _choose_key(place, key_text)
        summary = _verify(place, key, _read_kept(kept, key) if kept else None)
    except LogUnreadable as error:
        raise _BadInput(str(error)) from None
    except LogBroken as error:
        click.echo(f"broken {place}: {error}")
        return False
    click.echo(_describe(summary))
    return True


def _choose_key(place: Path, text: str | None) -> "VerifierKey":
    from audit.checkpoint import CheckpointError, parse_verifier_key
    from audit.state import read_key

    if text is None:
        return read_key(place if place.is_dir() else place.parent)
    try:
        return parse_verifier_key(text)
    except CheckpointError as error:
        raise _BadInput(f"--key: {error}") from None


def _read_kept(path: Path, key: "VerifierKey") -> "Checkpoint":
    from audit.checkpoint import MAX_NOTE, CheckpointError, verify_checkpoint

    try:
        with path.open("rb") as file:
            return verify_checkpoint(file.read(MAX_NOTE + 1), key.name, key.public_key)
    except CheckpointError as error:
        raise _BadInput(f"--kept: {path} is no checkpoint of this log: {error}") from None


def _verify(place: Path, key: "VerifierKey", kept: "Checkpoint | None") -> "LogSummary":
    from audit.log import open_log
    from audit.state import open_state_log
    from audit.verifier import verify_export, verify_log

    if place.is_file() and not _is_database(place):
        return verify_export(place, key.name, key.public_key, kept)
    with closing(open_state_log(place) if place.is_dir() else open_log(place)) as connection:
        return verify_log(connection, key.name, key.public_key, kept)


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_SQLITE_MARK)) == _SQLITE_MARK


def _describe(summary: "LogSummary") -> str:
    from base64 import b64encode

    line = f"verified {summary.origin}: {summary.entries} entries, {summary.checkpoints} checkpoints"
    line += f", root {b64encode(summary.root).decode()}"
    if summary.deleted:
        line += f", {summary.deleted} deleted when their time was over"
    if summary.first and summary.last:
        line += f", {summary.first:%Y-%m-%dT%H:%M:%SZ} to {summary.last:%Y-%m-%dT%H:%M:%SZ}"
    return line


@audit.command()
@click.option("--state", required=True, type=_DIRECTORY, help="A party's state directory.")
@click.option("--action", default="", help="Only this action, such as query.released.")
@click.option("--actor", default="", help="Only what this person or member did, in whatever role.")
@click.option("--outcome", default="", help="Only this outcome, such as refused.")
@click.option("--acting-for", default="", help="Only what was done for this organisation.")
@click.option("--purpose", default="", help="Only entries whose purpose has these words in it.")
@click.option("--policy-version", default="", help="Only what was decided under this version of the policy.")
@click.option("--subject", "subjects", multiple=True, help="Only about the child with this log token; may be repeated.")
@click.option("--reference", default="", help="Only entries with this query, release or lookup id.")
@click.option("--since", type=MOMENT, help="Only from this day or second (UTC) on.")
@click.option("--until", type=END, help="Only up to this day, all of it, or from before this second (UTC).")
@click.option("--before", type=click.IntRange(min=0), help="Only entries of smaller numbers: go on from there.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many entries.")
@click.option("--format", "style", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
def show(
    state: Path,
    action: str,
    outcome: str,
    since: datetime | None,
    until: datetime | None,
    before: int | None,
    limit: int,
    style: str,
    **exactly: Any,
) -> None:
    """Print entries, newest first, as they are stored: `circe audit verify` tells whether to believe them."""
    from audit.event import EventInvalid, parse_action, parse_outcome
    from audit.listing import EntryUnreadable, list_entries
    from audit.log import LogUnreadable
    from audit.search import Search, find_entries
    from audit.state import open_state_log

    try:
        search = Search(
            action=parse_action(action) if action else None,
            outcome=parse_outcome(outcome) if outcome else None,
            since=since.replace(tzinfo=UTC) if since else None,
            until=until.replace(tzinfo=UTC) if until else None,
            **exactly,
        )
        with closing(open_state_log(state)) as connection:
            listing = list_entries(find_entries(connection, search, before=before, most=limit), style)
    except (EventInvalid, LogUnreadable) as error:
        raise _BadInput(str(error)) from None
    except EntryUnreadable as error:
        raise _Broken(f"{error}: run circe audit verify") from None
    click.echo(listing, nl=False)


@audit.command()
@click.option("--state", required=True, type=_DIRECTORY, help="A party's state directory.")
@click.option("--evidence", is_flag=True, help="Print the two notes of each dispute as well.")
def witnesses(state: Path, evidence: bool) -> None:
    """Say what this party has witnessed, who has witnessed its own log, and what it disputes; exit 7 if anything.

    The two notes of a dispute are signed by the log that it is about: whoever has that log's key can verify them.
    """
    from audit.log import LogUnreadable
    from audit.state import open_state_log
    from audit.witness_listing import list_disputes, list_witnessing

    try:
        with closing(open_state_log(state)) as connection:
            lines, disputes = list_witnessing(connection), list_disputes(connection, with_notes=evidence)
    except LogUnreadable as error:
        raise _BadInput(str(error)) from None
    click.echo("".join((*lines, *disputes)), nl=False)
    if disputes:
        raise click.exceptions.Exit(BROKEN)


@audit.command()
@click.option("--state", type=_DIRECTORY, help="A party's state directory.")
@click.option("--since", type=MOMENT, help="Only entries from this day or second (UTC) on.")
@click.option("--pattern", "wanted", multiple=True, help="Only this pattern, such as bulk; may be given again.")
@click.option("--explain", is_flag=True, help="List the patterns with what each means, and read no log.")
@click.option("--format", "style", type=click.Choice(["table", "json"]), default="table", show_default=True)
def patterns(state: Path | None, since: datetime | None, wanted: tuple[str, ...], explain: bool, style: str) -> None:
    """Print what is unusual in a party's log, newest first: for an officer to ask about, no proof of anything."""
    from audit.listing import EntryUnreadable, list_findings
    from audit.log import LogUnreadable
    from audit.pattern_reading import read_findings
    from audit.patterns import PATTERNS
    from audit.state import open_state_log

    known = {pattern.name: pattern for pattern in PATTERNS}
    if unknown := set(wanted) - set(known):
        raise _BadInput(f"there is no pattern {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if explain:
        click.echo("".join(f"{name:<22} {pattern.meaning}\n" for name, pattern in known.items()), nl=False)
        return
    if state is None:
        raise click.UsageError("name a log: --state DIR.")
    try:
        with closing(open_state_log(state)) as connection:
            found = read_findings(connection, since=since.replace(tzinfo=UTC) if since else None)
    except LogUnreadable as error:
        raise _BadInput(str(error)) from None
    except EntryUnreadable as error:
        raise _Broken(f"{error}: run circe audit verify") from None
    shown = [finding for finding in found if not wanted or finding.pattern in wanted]
    click.echo(list_findings(shown, style), nl=False)
