"""Whom we seal to, and with what: the newest sealing key of every other node, and our own, published.

The hub carries these keys, and each is verified here (`federation.sealing_keys`). The newest that was ever seen is
kept, so that the hub cannot go back behind it; when it ends, and the hub shows none that is newer, nothing is sealed to
that node.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from federation.envelope import Envelope, read_envelope, write_envelope
from federation.exchange import SealingKeyList
from federation.register import Member, RegisterError
from federation.sealing import SealError
from federation.sealing_keys import (
    SEALING_KEY_TYPE,
    choose_sealing_key,
    name_publisher,
    read_sealing_key,
    renew_sealing_key,
    sign_sealing_key,
)
from node.service import Node

log = logging.getLogger("circe.node")


class Noticeboard(Protocol):
    """Where nodes publish their sealing keys and find those of others: the hub."""

    def publish_sealing_key(self, key: Envelope) -> None:
        """Hand in our own newest sealing key."""

    def fetch_sealing_keys(self) -> SealingKeyList:
        """Return the newest sealing key of each node."""


LOOKED_AT_EVERY = timedelta(minutes=1)
"""How often a running node looks whether a sealing key of its own is to be renewed or destroyed."""


class Publication:
    """Our own sealing key: renewed, and published whenever it or the key that signs it has changed."""

    def __init__(self) -> None:
        self._published: tuple[datetime, bytes] | None = None
        self._looked_at: datetime | None = None

    def renew(self, node: Node, hub: Noticeboard) -> None:
        """Renew the key if that is due, destroy those that have ended, and publish it unless it has been."""
        now, signing = node.clock(), node.party.keys.public_signing_key
        has_rotated = self._published is None or self._published[1] != signing
        if not has_rotated and self._looked_at and timedelta(0) <= now - self._looked_at < LOOKED_AT_EVERY:
            return
        held = renew_sealing_key(node.party, now, node.registers.read)
        if self._published != (held.valid_from, signing):
            hub.publish_sealing_key(sign_sealing_key(node.party.member_id, held, node.party.keys))
        self._published, self._looked_at = (held.valid_from, signing), now


def exchange_keys(node: Node, hub: Noticeboard) -> None:
    """Publish our own sealing key and take in those of others, before anything is sealed."""
    Publication().renew(node, hub)
    take_in_keys(node, hub.fetch_sealing_keys().keys)


def take_in_keys(node: Node, keys: Iterable[Envelope]) -> None:
    """Keep each sealing key that verifies, unless a newer one of its member is kept; others are passed over."""
    fresh = {}
    for envelope in keys:
        try:
            member = node.register().find(name_publisher(envelope), node.clock())
            if _is_news(node, member, envelope):
                fresh[member.id] = write_envelope(envelope)
        except (SealError, RegisterError) as error:
            log.warning("%s: %s", node.party.member_id, error)
    if fresh:
        with node.database.transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO sealing_keys VALUES (?, ?)", fresh.items())


def _is_news(node: Node, member: Member, envelope: Envelope) -> bool:
    """Whether a sealing key is to be kept in the place of the one that is. Raises `SealError` for one not good now."""
    kept = _find_kept(node, member)
    if kept == envelope:
        return False
    key = read_sealing_key(envelope, member, node.clock())
    try:
        # One that does not verify any more, since its member has other keys now, stands in nobody's way.
        return kept is None or read_sealing_key(kept, member, node.clock()).valid_from <= key.valid_from
    except SealError:
        return True


def _find_kept(node: Node, member: Member) -> Envelope | None:
    row = node.database.connection.execute(
        "SELECT envelope FROM sealing_keys WHERE member = ?", (member.id,)
    ).fetchone()
    return None if row is None else read_envelope(bytes(row["envelope"]), SEALING_KEY_TYPE)


def receiving_key(node: Node, member: Member) -> bytes:
    """Return the public key that a page for this member is sealed to now. Raises `SealError` where there is none."""
    kept = _find_kept(node, member)
    return choose_sealing_key(member, [] if kept is None else [kept], node.clock())


def split_reachable(node: Node, others: Iterable[Member]) -> tuple[list[Member], list[tuple[Member, str]]]:
    """Return those to whom a page can be sealed now, and the others, each with the reason why none can be."""
    reachable, unreachable = [], []
    for other in others:
        try:
            receiving_key(node, other)
        except SealError as error:
            unreachable.append((other, str(error)))
        else:
            reachable.append(other)
    return reachable, unreachable
