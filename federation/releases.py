"""Releases: how the nodes' signed replies become one table, the same way at the hub and for whoever reads it.

A release carries the replies themselves, so its reader need not believe the hub: every reply is verified under its
node's key and for this manifest, every table is held to plan and preset, and the whole is put together again and
compared with what the hub handed out. A hub can still leave a reply out, which shows as an authority that is late or
whose answer was malformed. A malformed answer has to be left out: what it holds may not have been protected.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from types import MappingProxyType

from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.release.gate import ReleasedTable, ReleaseRefused, release_tables
from disclosure_control.rows.protected_table import ProtectedTable, TableMalformed, read_protected
from federation.envelope import Envelope
from federation.exchange import ReleaseDocument
from federation.http_signatures import MAX_AGE
from federation.manifest import Manifest, Outcome, Reply, manifest_digest, read_manifest
from federation.preset_terms import check_stated
from federation.register import Register
from federation.replies import ReplyMismatch, verify_reply
from query_engine.planning.plan import QueryPlan

LATE = "late"
"""Why an authority is absent from a release when its node had not answered in time."""

MALFORMED = "malformed_answer"
"""Why an authority is absent when what its node sent was no protected table of this plan and preset."""

TOLD = "told_together"
"""Why an authority is left out when its rows would have told too much beside those of earlier releases."""

HELD_BACK = frozenset({MALFORMED, TOLD})
"""Reasons for which the hub hands out nothing that a node answered."""

MISNAMED = "the release has another id than what was asked and what is released give it: cite it by no other"

TOO_EARLY = "the release says that it was made before the last of the answers in it was signed: cite it by no such date"


ANOTHER_TABLE = "the table of the release is not the one that the nodes' signed replies give"


class ReleaseMismatch(Exception):
    """A release is not what the nodes signed in answer to its manifest."""


def combine_tables(
    plan: QueryPlan,
    preset: Preset,
    replies: Mapping[str, Reply],
    authorities: Mapping[str, str],
    held_back: Mapping[str, str] = MappingProxyType({}),
) -> ReleasedTable:
    """Put the nodes' protected tables side by side, each held to plan and preset.

    `authorities` is the roster: each node with the authority that it serves. `held_back` are nodes whose answer is
    not to be released, each with the reason. Raises `ReleaseRefused` where they cannot be released together.
    """
    tables: dict[str, ProtectedTable] = {}
    absent: dict[str, str] = {}
    for node, authority in authorities.items():
        if why := held_back.get(node) or why_absent(replies.get(node)):
            absent[authority] = why
            continue
        try:
            tables[authority] = read_protected(replies[node].table, plan, preset)
        except TableMalformed:
            absent[authority] = MALFORMED
    return release_tables(tables, absent, plan, preset)


def why_absent(reply: Reply | None) -> str:
    """Return why an authority is not in a release by what its node signed; nothing where it answered."""
    if reply is None:
        return LATE
    return "" if reply.outcome is Outcome.ANSWERED else reply.code or "refused"


def load_approved_preset(manifest: Manifest, presets: PresetShelf = SHIPPED) -> Preset:
    """Return the preset that a manifest names, in the version that was approved. Raises `ReleaseRefused`."""
    try:
        preset = presets.find(manifest.preset, manifest.preset_version)
        check_stated(manifest, preset)
    except PresetInvalid as error:
        raise ReleaseRefused(str(error)) from None
    return preset


@dataclass(frozen=True)
class Answers:
    """What the nodes signed in answer to a manifest, as a release carries it: each verified, and who was asked."""

    replies: Mapping[str, Reply]
    authorities: Mapping[str, str]
    held_back: Mapping[str, str]


def verify_release(
    document: ReleaseDocument,
    envelope: Envelope,
    plan: QueryPlan,
    register: Register,
    presets: PresetShelf = SHIPPED,
    *,
    in_our_words: bool = True,
) -> ReleasedTable:
    """Return the table that the nodes' signed replies give, having checked that the release says nothing else.

    `envelope` holds the manifest, and `plan` is derived from it by the reader. With `in_our_words` the method is in the
    words of this software, too; that of another version may have others. Raises `ReleaseMismatch`.
    """
    answers = open_answers(document, envelope, register)
    try:
        preset = load_approved_preset(read_manifest(envelope), presets)
        table = combine_tables(plan, preset, answers.replies, answers.authorities, answers.held_back)
    except ReleaseRefused as error:
        raise ReleaseMismatch(f"the replies cannot be put together: {error}") from None
    given = table.to_json() if in_our_words else {**table.to_json(), "method": document.table.get("method")}
    if given != document.table:
        raise ReleaseMismatch(ANOTHER_TABLE)
    check_cited(document, answers)
    return table


def open_answers(document: ReleaseDocument, envelope: Envelope, register: Register) -> Answers:
    """Return the replies that a release carries, having verified each for its manifest. Raises `ReleaseMismatch`."""
    manifest, digest = read_manifest(envelope), manifest_digest(envelope)
    if not is_of(document, envelope):
        raise ReleaseMismatch("the release is of another query than was asked for, or states another question")
    replies: dict[str, Reply] = {}
    for signed in document.replies:
        try:
            reply = verify_reply(signed, manifest, digest, register)
        except ReplyMismatch as error:
            raise ReleaseMismatch(f"a reply in the release does not hold: {error}") from None
        if reply.node in replies:
            raise ReleaseMismatch(f"the release carries two replies of {reply.node}")
        replies[reply.node] = reply
    # Whom a node answers for it signed itself; of one that has not answered, the register says whom it serves.
    served = {member.id: member.authority(manifest.issued_at) for member in register.members}
    authorities = {
        node: replies[node].authority if node in replies else served.get(node, "") for node in manifest.roster
    }
    if unknown := [node for node, authority in authorities.items() if not authority]:
        raise ReleaseMismatch(f"the register does not say whom {', '.join(unknown)} serves")
    said = document.table.get("absent")
    reasons = said if isinstance(said, dict) else {}
    held_back = {
        node: reason
        for node in manifest.roster
        if node not in replies and (reason := reasons.get(authorities[node])) in HELD_BACK
    }
    return Answers(replies, authorities, held_back)


def check_cited(document: ReleaseDocument, answers: Answers) -> None:
    """Check the id and the moment by which a release is cited. Raises `ReleaseMismatch`."""
    if not is_named(document):
        raise ReleaseMismatch(MISNAMED)
    if not is_after(document, (reply.answered_at for reply in answers.replies.values())):
        raise ReleaseMismatch(TOO_EARLY)


def is_of(document: ReleaseDocument, envelope: Envelope) -> bool:
    """Whether a release states the query, the question and the purpose of a manifest: what its reader cites."""
    manifest = read_manifest(envelope)
    said = (document.query_id, document.manifest_digest, document.sql, document.purpose)
    return said == (manifest.query_id, manifest_digest(envelope), manifest.sql, manifest.purpose)


def name_release(digest: str, table: Mapping[str, object]) -> str:
    """Return a release's citable id, made from what was asked, by its manifest's digest, and what is released."""
    content = digest.encode() + b"\n" + json.dumps(table, sort_keys=True).encode()
    return f"R-{sha256(content).hexdigest()[:16]}"


def is_release_id(cited: str) -> bool:
    """Whether somebody cites a release by its own id, and not by its query's."""
    return cited.startswith("R-")


def is_named(document: ReleaseDocument) -> bool:
    """Whether a release has the id that what was asked and what is released give it: by it its reader cites it."""
    return document.release_id == name_release(document.manifest_digest, document.table)


def is_after(document: ReleaseDocument, answered: Iterable[datetime]) -> bool:
    """Whether a release states a moment after the answers in it, as far apart as clocks may be."""
    return all(moment - document.released_at <= MAX_AGE for moment in answered)


def check_not_later(document: ReleaseDocument, now: datetime) -> None:
    """Check that a release was made by now, as far apart as clocks may be. Raises `ReleaseMismatch`."""
    if document.released_at - now > MAX_AGE:
        said = f"{document.released_at:%Y-%m-%d %H:%M} UTC"
        raise ReleaseMismatch(f"the release says that it is of {said}, which is yet to come by this machine's clock")
