"""`circe audit retain` and `circe audit hold`: what leaves a party's log when its time is over, and what must not."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit.commands import audit

if TYPE_CHECKING:
    from audit.event import AuditEvent
    from federation.database import Database
    from federation.state import Party

STATE = click.option(
    "--state",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The state directory of a node or hub.",
)
OFFICER = click.option("--as", "officer", required=True, help="Who acts: an information governance officer.")
REASON = click.option("--reason", required=True, help="For the log. Name no child.")


@contextmanager
def open_log_of(state: Path, officer: str, action: str) -> "Iterator[tuple[Database, datetime]]":
    """Open the database that has a party's log, to write to it by the party's own key, and say what time it is.

    Raises `AccessDenied`, once that is logged, unless the access matrix lets the officer do this to the log; and
    `StateError` or `RegisterError` for somebody whom the party does not know.
    """
    from federation.database import open_shared_database
    from federation.hub_line import current_time
    from federation.state import open_party
    from policies.access_policy import AccessDenied

    party, now = open_party(state), current_time()
    database = open_shared_database(party)
    try:
        _admit(party, officer, action)
        yield database, now
    except AccessDenied:
        _record(database, _refused(officer, now))
        raise
    finally:
        database.close()


def _admit(party: "Party", officer: str, action: str) -> None:
    """Have the party's own room say whether this officer may; the command line's root knows where that is."""
    click.get_current_context().find_root().obj(party.profile.kind, party.directory, officer, action)


def _refused(officer: str, now: datetime) -> "AuditEvent":
    from audit.event import Action, AuditEvent, Outcome

    command = click.get_current_context().info_name or ""
    return AuditEvent(
        at=now, actor=officer, action=Action.AUDIT_READ, outcome=Outcome.REFUSED, details={"command": command}
    )


@audit.command()
@STATE
@click.option("--as", "officer", default="", help="Who acts; without it, whom retention.toml names for every night.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
def retain(state: Path, officer: str, dry_run: bool) -> None:
    """Delete the bodies of entries whose time is over; their hashes stay, so every proof still holds.

    Periods are stated in retention.toml in the state directory; without it, 25 years for what is about children, 6 for
    queries, members and policy, 2 for signing in. What a legal hold covers stays. Each batch is one transaction with
    its own entry in the log: a run that is stopped is simply run again. A timer runs it every night for the officer
    whom retention.toml names: docs/systemd.
    """
    from audit.retention import check_clock, count_due, delete_due, read_rules

    rules = read_rules(state)
    periods, officer = rules.periods, officer or rules.ordered_by()
    with open_log_of(state, officer, "audit") as (database, now):
        check_clock(database.connection, now)
        if dry_run:
            due, held = count_due(database.connection, periods, now)
            click.echo(f"{due} entries would be deleted, and {held} are on hold")
            return
        deleted = 0
        while True:
            with database.transaction() as connection:
                done = delete_due(connection, database.log, periods, actor=officer, now=now)
            if not done.entries:
                break
            deleted += done.entries
            click.echo(f"deleted {done.entries}, logged as entry {done.logged_by}", err=True)
        database.erase_deleted()
    click.echo(f"{deleted} entries deleted, and {done.held} on hold")


@audit.group()
def hold() -> None:
    """Legal holds: entries that stay when their time is over."""


@hold.command()
@STATE
@OFFICER
@REASON
@click.option("--subject", default="", help="Entries about the child with this log token.")
@click.option("--person", default="", help="Entries of what this person did.")
@click.option("--reference", default="", help="Entries with this query, release or lookup id.")
@click.option("--first", type=click.IntRange(min=0), help="Entries from this number on, with --last.")
@click.option("--last", type=click.IntRange(min=0), help="Entries up to this number, with --first.")
def place(
    state: Path,
    officer: str,
    reason: str,
    subject: str,
    person: str,
    reference: str,
    first: int | None,
    last: int | None,
) -> None:
    """Place a hold on one child's entries, one person's, one query's or lookup's, or a range; print its number."""
    from audit.holds import Scope, write_hold

    scope = Scope(subject=subject, person=person, reference=reference, first=first, last=last)
    with open_log_of(state, officer, "audit") as (database, now):
        event = write_hold(scope, actor=officer, reason=reason, now=now)
        _record(database, event)
    click.echo(event.reference)


@hold.command("list")
@STATE
def list_holds(state: Path) -> None:
    """List the holds that stand."""
    from contextlib import closing

    from audit.holds import read_holds
    from audit.state import open_state_log
    from federation.terminal import plain_text

    with closing(open_state_log(state)) as connection:
        holds = read_holds(connection)
    for each in holds:
        line = f"{each.hold_id}  {each.placed_at:%Y-%m-%d}  {each.placed_by}  {each.scope.describe()}: {each.reason}"
        click.echo(plain_text(line))


@hold.command()
@STATE
@OFFICER
@REASON
@click.argument("hold_id")
def lift(state: Path, officer: str, reason: str, hold_id: str) -> None:
    """Lift a hold: what it covered is deleted when its time is over."""
    from audit.holds import find_hold, read_holds, write_lifting

    with open_log_of(state, officer, "audit") as (database, now), database.transaction() as connection:
        found = find_hold(read_holds(connection), hold_id)
        database.log.append(connection, write_lifting(found, actor=officer, reason=reason, now=now))


def _record(database: "Database", event: "AuditEvent") -> None:
    with database.transaction() as connection:
        database.log.append(connection, event)
