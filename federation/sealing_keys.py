"""Sealing keys for a week: what a member publishes for others to seal to, and destroys once nothing needs it.

A page about a child stays sensitive for a lifetime, and a key that is kept for years opens years of recorded pages. So
the register vouches for who a member is, and the member for what to seal to: a signed, dated key, good for a week at
most. The hub carries it, and can neither make one nor make an old one last.

A sender seals to the newest key of its receiver that is good now:

     1  the receiver is active in the register that is valid now
     2  the key is signed by the receiver's registered signing key, and is for no longer than a week
     3  it is good now: not from the future, and not ended
     4  of several, the one that is good since the latest moment; one seen earlier counts, whatever the hub shows now

The register's own sealing key is the first of them, good for a week from the moment at which the member made it, and no
fallback after that. Were it one, a hub that held every later key back could have everything sealed, for as long as the
register has the key, to one that the receiver keeps as long. Without a key that is good now nothing is sealed, and
whoever asked is told which node could not be asked.

A receiver makes its next key a day before the last one ends, and destroys each once it has ended and whatever was
sealed to it in its last moment must have arrived or be out of date.
"""

import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signer,
    check_payload_type,
    decode_base64,
    seal_envelope,
    verify_signature,
)
from federation.key_ring import HeldSealingKey, hold_fresh_key
from federation.keys import SEALING_SEED_BYTES
from federation.register import CLOCK_SKEW, Member, Register, RegisterError, public_text
from federation.sealing import SealError, check_sealing_key
from federation.state import Party, StateError, hold_directory
from federation.wire import Document, Instant, Name, WireError, decode_document, encode_document, whole_seconds

SEALING_KEY_TYPE = "application/vnd.circe.sealing-key+json"

WEEK = timedelta(days=7)
"""How long a sealing key is good for, at most."""

RENEWED_BEFORE = timedelta(days=1)
"""How long before a key ends the next one is made: so long may a member's publication be delayed."""

VERIFIED_AT_HAND = 1024
"""How many published keys are verified once for all: that takes longer than to seal to one."""

IN_FLIGHT = 4 * CLOCK_SKEW
"""How long after its end a key is kept: three times the skew a request counts as fresh, and clocks differ by one."""


class SealingKey(Document, frozen=True):
    """What a member publishes: the key that pages for it are sealed to, and for how long."""

    member: Name
    public_key: str
    valid_from: Instant
    valid_to: Instant


def sign_sealing_key(member_id: str, held: HeldSealingKey, signer: Signer) -> Envelope:
    """Return a sealing key of one's own as it is published."""
    published = SealingKey(
        member=member_id,
        public_key=public_text(held.public_key),
        valid_from=held.valid_from,
        valid_to=held.valid_to,
    )
    return seal_envelope(encode_document(published), SEALING_KEY_TYPE, signer)


def name_publisher(envelope: Envelope) -> str:
    """Return whose sealing key an envelope claims to hold, for `read_sealing_key` to verify. Raises `SealError`."""
    try:
        return decode_document(envelope.body, SealingKey).member
    except (EnvelopeError, WireError) as error:
        raise SealError(f"sealing key: {error}") from None


def read_sealing_key(envelope: Envelope, member: Member, now: datetime) -> SealingKey:
    """Return the sealing key that a member published, good now. Raises `SealError`."""
    key = _verify_published(envelope, member.id, member.public_signing_key)
    if not _is_good(key.valid_from, key.valid_to, now):
        raise SealError(f"the sealing key of {member.id} is not good now")
    return key


@lru_cache(VERIFIED_AT_HAND)
def _verify_published(envelope: Envelope, member_id: str, signing_key: bytes) -> SealingKey:
    """Return the key in an envelope that a member signed by this key of its own, whenever it is good."""
    try:
        check_payload_type(envelope, SEALING_KEY_TYPE)
        verify_signature(envelope, member_id, signing_key)
        key = decode_document(envelope.body, SealingKey)
        raw = decode_base64(key.public_key)
    except (EnvelopeError, WireError) as error:
        raise SealError(f"the sealing key of {member_id}: {error}") from None
    if key.member != member_id or envelope.signers != (member_id,):
        raise SealError(f"the sealing key of {member_id} is another's, or signed by others as well")
    if not timedelta(0) < key.valid_to - key.valid_from <= WEEK:
        raise SealError(f"the sealing key of {member_id} is for longer than a week, or for no time")
    check_sealing_key(raw)
    return key


def choose_sealing_key(member: Member, published: Iterable[Envelope], now: datetime) -> bytes:
    """Return the public key to seal to: the newest that is good now, of those published and the register's first.

    Raises `SealError` where there is none; what does not verify is passed over.
    """
    found: list[tuple[datetime, bytes]] = []
    if _is_good(member.valid_from, member.valid_from + WEEK, now):
        found.append((member.valid_from, member.public_sealing_key))
    for envelope in published:
        try:
            key = read_sealing_key(envelope, member, now)
        except SealError:
            continue
        found.append((key.valid_from, decode_base64(key.public_key)))
    if not found:
        raise SealError(f"{member.id} has published no sealing key that is good now")
    return max(found)[1]


def _is_good(valid_from: datetime, valid_to: datetime, now: datetime) -> bool:
    return valid_from <= now + CLOCK_SKEW and now < valid_to


def renew_sealing_key(
    party: Party, now: datetime, read_register: Callable[[datetime], Register] | None = None
) -> HeldSealingKey:
    """Return our newest sealing key, made now where none is good for a day longer; destroy those that have ended.

    Whoever has verified the register lately passes what returns it. Raises `KeyFileError` and `StateError`.
    """
    with hold_directory(party.directory):
        _destroy_ended(party, read_register or party.register, now)
        for held in party.ring.list_sealing_keys():
            if held.valid_from <= now + CLOCK_SKEW and now < held.valid_to - RENEWED_BEFORE:
                return held
        start = whole_seconds(now)
        fresh = hold_fresh_key(secrets.token_bytes(SEALING_SEED_BYTES), start, start + WEEK)
        party.ring.add_sealing_key(fresh)
    return fresh


def _destroy_ended(party: Party, read_register: Callable[[datetime], Register], now: datetime) -> None:
    """Destroy what nothing can have been sealed to any more, and what a clock that was wrong made for later."""
    party.ring.destroy_sealing_keys(lambda start, end: now >= end + IN_FLIGHT or start > now + WEEK)
    if not party.keys.sealing_seed:
        return
    try:
        entry = read_register(now).find(party.member_id, now)
    except (RegisterError, StateError):
        return  # Whoever is in no register has been sealed nothing.
    if now >= entry.valid_from + WEEK + IN_FLIGHT:
        party.ring.destroy_first_sealing_key()
