"""Replies to manifests as their nodes signed them, for whoever reads them and need not believe the hub.

A hub that carries a refusal cannot make it up, nor change its reason. It can keep one back: then its node looks as if
it were silent.
"""

from collections.abc import Iterable

from federation.envelope import Envelope, EnvelopeError, check_payload_type, verify_signature
from federation.exchange import NodeProgress, QueryStatus
from federation.manifest import REPLY_TYPE, Manifest, Outcome, Reply, manifest_digest, read_manifest
from federation.register import Member, Register
from federation.wire import WireError, decode_document

LONGEST_TEXT = 500
"""Characters of a node's own words that are shown to the asker."""


class ReplyMismatch(Exception):
    """A reply is not what a node signed in answer to the manifest."""


class RefusalMismatch(Exception):
    """What the hub says of who refused a query, or why, is not what the nodes signed."""


def verify_reply(signed: Envelope, manifest: Manifest, digest: str, register: Register) -> Reply:
    """Return a reply by a node of the roster, verified under its key and for this manifest. Raises `ReplyMismatch`."""
    try:
        check_payload_type(signed, REPLY_TYPE)
        reply = decode_document(signed.body, Reply)
        found = [member for member in register.members if member.id == reply.node]
        if len(found) != 1 or reply.node not in manifest.roster:
            raise ReplyMismatch("it is by somebody who was not asked, or whom the register does not know")
        verify_node(signed, found[0], reply.register_version)
    except (EnvelopeError, WireError) as error:
        raise ReplyMismatch(str(error)) from None
    if reply.manifest_digest != digest:
        raise ReplyMismatch(f"that of {reply.node} answers another manifest")
    if found[0].authority(reply.answered_at) != reply.authority:
        raise ReplyMismatch(f"that of {reply.node} is for an authority that it did not serve then")
    return reply


def verify_node(signed: Envelope, node: Member, version: int) -> None:
    """Check that a node signed something: under its key of now or, since this is a record, of the version it states."""
    try:
        verify_signature(signed, node.id, node.public_signing_key)
    except EnvelopeError:
        verify_signature(signed, node.id, node.signing_key_in(version))


def clean_text(text: str) -> str:
    """Return a node's own words as they may be shown: not too long, and on one line."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:LONGEST_TEXT])


def verify_refusals(
    signed: Iterable[Envelope], envelope: Envelope, status: QueryStatus, register: Register
) -> tuple[Reply, ...]:
    """Return who refused a query and why, as they signed it, in the order of the roster.

    `envelope` holds the manifest, and `status` is what the hub says of its nodes. Raises `RefusalMismatch`.

    1. each is a reply of a node of the roster to this manifest, under the node's own key, and no node's twice;
    2. each refuses;
    3. whoever the hub says has refused has signed it, with the reason that the hub tells.
    """
    manifest, digest = read_manifest(envelope), manifest_digest(envelope)
    refusals: dict[str, Reply] = {}
    for each in signed:
        try:
            reply = verify_reply(each, manifest, digest, register)
        except ReplyMismatch as error:
            raise RefusalMismatch(f"a refusal that the hub hands out does not hold: {error}") from None
        if reply.outcome is not Outcome.REFUSED or reply.node in refusals:
            raise RefusalMismatch(f"the hub hands out as a refusal what is none, or a second one of {reply.node}")
        refusals[reply.node] = reply
    for told in status.nodes:
        if told.outcome == Outcome.REFUSED:
            _check_told(told, refusals.get(told.node))
    return tuple(refusals[node] for node in manifest.roster if node in refusals)


def _check_told(told: NodeProgress, reply: Reply | None) -> None:
    if reply is None:
        raise RefusalMismatch(f"the hub says that {told.node} has refused, and has no refusal that it signed")
    if (told.authority, told.code, told.text) != (reply.authority, reply.code, clean_text(reply.text)):
        raise RefusalMismatch(f"the hub tells another reason of {told.node} than it signed: {reply.code}")
