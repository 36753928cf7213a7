"""Invitations from what the root's keeper types: entries described, what looks like a slip pointed out, files written.

A slip here becomes an entry of the register, so what can be known is not asked for, and what is new is said to be: an
organisation or an operator that nobody else names is more often misspelt than new.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from federation.ceremony import invite_member, read_last
from federation.keys import write_secret
from federation.passkeys import Passkey
from federation.register import Entry, MemberKind, Register, RegisterError, Served
from federation.root import open_root
from federation.state import StateError
from federation.wire import convert_value, encode_document, whole_seconds
from query_engine.geography import load_every_authority

MEMBERSHIP = timedelta(days=365)
"""How long a member is invited for, unless its inviter says otherwise."""

_CODES = re.compile(r"(?P<code>[0-9]{3})(?:\+(?P<next>[0-9]{3}),(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2}))?")


def describe_entries(
    kind: str, until: datetime | None, now: datetime, authorities: Sequence[str], described: Mapping[str, str | None]
) -> list[Entry]:
    """Return the entries that were described: of a node for each authority, or of one other member.

    Raises `StateError` saying what is missing, superfluous or unknown.
    """
    end = whole_seconds(now) + MEMBERSHIP if until is None else end_of(until)
    if kind != MemberKind.NODE:
        if authorities:
            raise StateError(f"a {kind} serves no authority: leave --authority out")
        return [_make_entry(kind, end, (), described)]
    if not authorities:
        raise StateError("a node serves an authority: give its code with --authority")
    if len(authorities) > 1 and any(described.get(name) for name in ("member_id", "title", "organisation")):
        raise StateError("id, title and organisation are each node's own: invite them one at a time, or leave them out")
    return [_describe_node(text, end, now, described) for text in authorities]


def _describe_node(text: str, end: datetime, now: datetime, described: Mapping[str, str | None]) -> Entry:
    found = _CODES.fullmatch(text)
    if found is None:
        raise StateError("an authority is its code, 301, or with that of its successor and the day, 301+302,2028-04-01")
    served = _serve(found, now)
    usual = {
        "member_id": f"node-{found['code']}",
        "title": _find_name(found["code"]),
        "organisation": f"la-{found['code']}",
        "organisation_kind": "authority",
    }
    return _make_entry("node", end, served, {**usual, **{name: given for name, given in described.items() if given}})


def _serve(found: re.Match[str], now: datetime) -> tuple[Served, ...]:
    start = whole_seconds(now)
    if found["next"] is None:
        return (Served(code=found["code"], valid_from=start, valid_to=None),)
    _find_name(found["next"])
    try:
        day = datetime.fromisoformat(found["day"]).replace(tzinfo=UTC)
    except ValueError:
        raise StateError(f"{found['day']} is no day: write it as 2028-04-01") from None
    before = Served(code=found["code"], valid_from=start, valid_to=day)
    return (before, Served(code=found["next"], valid_from=day, valid_to=None))


def _find_name(code: str) -> str:
    names = [authority.name for authority in load_every_authority() if authority.code == code]
    if not names:
        raise StateError(f"{code} is no authority's code: give the three digits, such as 301")
    return names[-1]


def _make_entry(kind: str, end: datetime, served: tuple[Served, ...], described: Mapping[str, str | None]) -> Entry:
    fields = {
        "id": described.get("member_id"),
        "kind": kind,
        "title": described.get("title"),
        "organisation": described.get("organisation"),
        "organisation_kind": described.get("organisation_kind"),
        "operator": described.get("operator") or described.get("organisation"),
        "authorities": served,
        "valid_to": end,
    }
    if missing := [name.replace("_", "-") for name, value in fields.items() if value is None]:
        raise StateError(f"a {kind} is invited with --{', --'.join(missing)}")
    try:
        return convert_value(fields, Entry)
    except (msgspec.ValidationError, ValueError):
        raise StateError(
            "the entry cannot be: ids and organisations are 1 to 64 of a-z, 0-9 and . _ @ -, a title is one line"
        ) from None


def end_of(day: datetime) -> datetime:
    """Return the moment at which a last day ends, in UTC."""
    return day.replace(tzinfo=UTC) + timedelta(days=1)


def write_invitations(
    root: Path, entries: Sequence[Entry], into: Path, days: int, now: datetime
) -> Iterator[tuple[Path, list[str]]]:
    """Invite each, and yield the invitation's file and what its inviter should look at again.

    Raises `StateError` or `KeyFileError` where a file cannot be made, and `RegisterError` for an entry that cannot be.
    """
    last = read_last(root, open_root(root))
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    paths = [into / f"invitation-{entry.id}.json" for entry in entries]
    if there := [path for path in paths if path.exists()]:
        raise StateError(f"{there[0]} is there already: hand it over, or remove it")
    for entry, path in zip(entries, paths, strict=True):
        invitation = invite_member(root, entry, days, now)
        write_secret(path, encode_document(invitation))
        yield path, list(_point_out(entry, last))


def _point_out(entry: Entry, last: Register | None) -> Iterator[str]:
    members = last.members if last else ()
    kind, end = entry.organisation_kind, f"{entry.valid_to:%Y-%m-%d}"
    yield f"{entry.id}: {entry.kind} of {entry.organisation} ({kind}), run by {entry.operator}, until {end}"
    if members and all(entry.organisation != member.organisation for member in members):
        yield f"  look again: nobody else is of the organisation {entry.organisation}"
    if entry.operator != entry.organisation and all(entry.operator != member.operator for member in members):
        yield f"  look again: nobody else is run by {entry.operator}"
    if any(member.organisation == entry.organisation and member.operator != entry.operator for member in members):
        yield f"  look again: other members of {entry.organisation} are run by somebody else"


def read_passkeys(given: Sequence[tuple[str, str, str]]) -> list[Passkey]:
    """Return passkeys of what was typed. Raises `RegisterError` for a domain that is none."""
    try:
        return [convert_value(dict(zip(Passkey.__struct_fields__, each, strict=True)), Passkey) for each in given]
    except msgspec.ValidationError:
        raise RegisterError(
            "a passkey is a host such as node.example or node.example:8401, the credential's id and its COSE key"
        ) from None
