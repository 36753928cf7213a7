"""Lists of members, invitations and what a key touched, for people and for programs to read."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import click

from audit.event import Action
from federation.ceremony import RootLedger
from federation.drill import Touch
from federation.enrolment import describe_passkeys, fingerprint
from federation.register import Entry, Member, Register
from federation.register_changes import list_changes
from federation.terminal import inert_cell, plain_text

Row = Mapping[str, str | int]

SAID = {
    Action.MEMBER_ENROLLED: "enrolled",
    Action.MEMBER_ROTATED: "given other keys",
    Action.MEMBER_REVOKED: "revoked",
}
"""What is said of a member whose keys changed."""


def list_register(register: Register, now: datetime) -> list[Row]:
    """Return a row for each member, in the register's order."""
    return [
        {
            **_describe_entry(member),
            "standing": _say_standing(member, now),
            "passkeys": len(member.passkeys),
            "key": fingerprint(member.public_signing_key),
            "title": member.title,
        }
        for member in register.members
    ]


def list_invited(ledger: RootLedger, now: datetime) -> list[Row]:
    """Return a row for each invitation that can still be used."""
    return [
        {
            **_describe_entry(given.entry),
            "standing": f"invited, until {given.expires_at:%Y-%m-%d}",
            "passkeys": 0,
            "key": "",
            "title": given.entry.title,
        }
        for given in ledger.invitations
        if not given.used_by and now < given.expires_at
    ]


def _describe_entry(entry: Entry) -> Row:
    return {
        "id": entry.id,
        "kind": entry.kind,
        "organisation": entry.organisation,
        "operator": entry.operator,
        "authorities": " ".join(served.code for served in entry.authorities),
    }


def _say_standing(member: Member, now: datetime) -> str:
    if member.revoked:
        return "revoked"
    if now >= member.valid_to:
        return f"ended {member.valid_to:%Y-%m-%d}"
    return f"until {member.valid_to:%Y-%m-%d}"


def describe_changes(before: Register | None, after: Register) -> Iterator[str]:
    """Yield what was signed, for its keeper to compare: how long it is good for, and each key that came or went."""
    yield (
        f"register version {after.version}, {len(after.members)} members, "
        f"good until {after.expires_at:%Y-%m-%d %H:%M} UTC"
    )
    if before is not None and after.issued_at < before.issued_at:
        yield "look again: the last register was signed later than this one, so a clock was wrong then or is now"
    for change in list_changes(before, after):
        yield f"{change.member.id} is {SAID[change.action]}, key {change.key}"
        for passkey in describe_passkeys(() if change.member.revoked else change.member.passkeys):
            yield f"  {passkey}"


def list_touched(touched: Iterable[Touch]) -> list[Row]:
    """Return a row for each entry of a log that a key has to do with."""
    return [{**asdict(touch), "at": f"{touch.at:%Y-%m-%dT%H:%M:%SZ}"} for touch in touched]


def print_rows(rows: Sequence[Row], form: str) -> None:
    """Print rows as an aligned table, CSV or JSON; other people's words cannot steer the terminal."""
    if form == "json":
        click.echo(json.dumps([dict(row) for row in rows], ensure_ascii=False))
        return
    headings = list(rows[0]) if rows else []
    if form == "csv":
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows([headings, *(map(inert_cell, row.values()) for row in rows)])
        click.echo(out.getvalue(), nl=False)
        return
    shown = [headings, *([plain_text(str(cell)) or "-" for cell in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for line in shown if rows else []:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
