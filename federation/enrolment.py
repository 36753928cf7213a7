"""How keys enter the register: by an invitation that the root's keeper gave, or by the keys that they replace.

    invitation   root -> member   who the member is to be, and a code that serves once and not for long
    enrolment    member -> root   the code, and the entry with the member's keys, signed by the new key
    rotation     member -> root   the entry with other keys, signed by the new key and over that by the registered one

All three travel as files. The keys are made on the member's own machine, and what is not a key is the root's to say: an
entry that differs from the invitation in anything but keys is refused. Of the code the root's machine keeps the hash.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signer,
    read_envelope,
    seal_envelope,
    verify_signature,
    write_envelope,
)
from federation.passkeys import Passkey
from federation.register import CLOCK_SKEW, Entry, Member, Register, RegisterError, check_entry
from federation.sealing import SealError, check_sealing_key
from federation.wire import Digest, Document, Instant, Name, WireError, decode_document, encode_document, whole_seconds

ENROLMENT_TYPE = "application/vnd.circe.enrolment+json"
NEW_KEYS_TYPE = "application/vnd.circe.new-keys+json"
ROTATION_TYPE = "application/vnd.circe.rotation+json"

LONGEST_INVITATION = timedelta(days=31)
"""How long an invitation can be good for; a fortnight unless its giver says otherwise."""

LONGEST_MEMBERSHIP = timedelta(days=3 * 366)
"""How long an entry can run; whoever types another century is asked again."""


class Invitation(Document, frozen=True):
    """What a new member is handed by a way that both sides trust: whoever has the code can be enrolled in its place."""

    federation: Name
    code: Digest
    expires_at: Instant
    entry: Entry


class Enrolment(Document, frozen=True):
    """A member's request to be enrolled under the invitation whose code it has."""

    code: Digest
    member: Member


def make_invitation(federation: str, entry: Entry, days: int, now: datetime) -> Invitation:
    """Return a fresh invitation. Raises `RegisterError` for an entry that no register could hold."""
    check_entry(entry)
    check_membership(entry.id, entry.valid_to, now)
    expires = whole_seconds(now) + timedelta(days=days)
    if expires > now + LONGEST_INVITATION:
        raise RegisterError(f"an invitation is good for at most {LONGEST_INVITATION.days} days")
    return Invitation(federation=federation, code=secrets.token_hex(32), expires_at=expires, entry=entry)


def check_membership(member_id: str, end: datetime, now: datetime) -> None:
    """Raise `RegisterError` for a membership that is over, or would outlast whoever grants it."""
    if not now < end <= now + LONGEST_MEMBERSHIP:
        raise RegisterError(f"{member_id}: a membership ends in the future, and within three years")


def read_invitation(data: bytes, now: datetime) -> Invitation:
    """Read an invitation on the invited member's machine. Raises `RegisterError` for none, and for one run out."""
    try:
        invitation = decode_document(data, Invitation)
    except WireError as error:
        raise RegisterError(f"invitation: {error}") from None
    if now >= invitation.expires_at:
        raise RegisterError(f"the invitation of {invitation.entry.id} has run out: ask the root's keeper for another")
    return invitation


def hash_code(code: str) -> str:
    """Return what the root's machine keeps of an invitation's code."""
    return hashlib.sha256(f"circe/invitation/1\n{code}".encode()).hexdigest()


def fingerprint(public_key: bytes) -> str:
    """Return a public key's fingerprint, for two people to read to each other: eight groups of four letters."""
    digest = hashlib.sha256(public_key).hexdigest()[:32]
    return " ".join(digest[place : place + 4] for place in range(0, 32, 4))


def describe_passkeys(passkeys: Iterable[Passkey]) -> Iterator[str]:
    """Yield where each passkey signs with a fingerprint of all that the register has of it, for the same two people."""
    for passkey in passkeys:
        yield f"passkey at {passkey.relying_party}: {fingerprint(encode_document(passkey))}"


def list_differences(entry: Entry, other: Entry) -> list[str]:
    """Return the names of what one entry says and the other does not, keys apart."""
    return [name for name in Entry.__struct_fields__ if getattr(entry, name) != getattr(other, name)]


def write_enrolment(code: str, member: Member, keys: Signer) -> Envelope:
    """Return a member's request to be enrolled, signed with its own key as proof that it holds it."""
    return seal_envelope(encode_document(Enrolment(code=code, member=member)), ENROLMENT_TYPE, keys)


def read_enrolment(data: bytes) -> Enrolment:
    """Read an enrolment request; check that the signing key is held and that pages can be sealed to the other.

    Raises `RegisterError`. Whether the member was invited is for `federation.ceremony` to say.
    """
    try:
        envelope = read_envelope(data, ENROLMENT_TYPE)
        enrolment = decode_document(envelope.body, Enrolment)
        _check_held(envelope, enrolment.member)
    except (EnvelopeError, SealError, WireError) as error:
        raise RegisterError(f"enrolment request: {error}") from None
    return enrolment


def write_rotation(member: Member, new: Signer, old: Signer) -> Envelope:
    """Return a member's request to have its keys replaced: the new key signs first, and the registered one over it."""
    inner = seal_envelope(encode_document(member), NEW_KEYS_TYPE, new)
    return seal_envelope(write_envelope(inner), ROTATION_TYPE, old)


def read_rotation(data: bytes, register: Register, now: datetime) -> Member:
    """Return the entry with other keys that a registered member asks for, signed by the new key and by the old.

    Raises `RegisterError`, also for a member who is not active: whoever was revoked cannot come back by this way.
    """
    try:
        outer = read_envelope(data, ROTATION_TYPE)
        inner = read_envelope(outer.body, NEW_KEYS_TYPE)
        member = decode_document(inner.body, Member)
        known = register.find(member.id, now)
        verify_signature(outer, known.id, known.public_signing_key)
        _check_held(inner, member)
    except (EnvelopeError, SealError, WireError) as error:
        raise RegisterError(f"rotation request: {error}") from None
    if changed := list_differences(known, member):
        raise RegisterError(f"rotation request: {known.id} may change its keys alone, and not its {', '.join(changed)}")
    if (member.log_key, member.former_keys, member.revoked) != (known.log_key, known.former_keys, False):
        raise RegisterError(f"rotation request: {known.id}'s log key stays, and its former keys are the root's to say")
    if not known.valid_from <= member.valid_from <= now + CLOCK_SKEW:
        raise RegisterError(
            f"rotation request: {known.id} made it in the future, or before the keys that are registered"
        )
    return member


def _check_held(envelope: Envelope, member: Member) -> None:
    verify_signature(envelope, member.id, member.public_signing_key)
    check_sealing_key(member.public_sealing_key)
