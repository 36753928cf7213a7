"""A hand-over's pack as it travels: compressed, so that a childhood fits on a page, and named by its digest."""

import base64
import hashlib
import hmac
import zlib

from federation.envelope import EnvelopeError, decode_base64
from federation.handovers import HandoverAnswer, HandoverOffer, HandoverPack
from federation.wire import MAX_DOCUMENT_BYTES, WireError, decode_document, encode_document

MOST_PACKED = 34_000
"""The most bytes of a pack as it travels: with its signature and in base64, twice, it fits in one page of an answer."""


class PackUnusable(Exception):
    """A pack is too long, malformed, or not the one that was offered. Repeats nothing of it."""


def write_pack(pack: HandoverPack) -> bytes:
    """Return a pack as it travels. Raises `PackUnusable` for one that is too long for a page."""
    packed = zlib.compress(encode_document(pack), 9)
    if len(packed) > MOST_PACKED:
        raise PackUnusable(f"the record takes {len(packed)} bytes and a pack {MOST_PACKED}: leave a group out")
    return packed


def digest_pack(packed: bytes) -> str:
    """Return the digest by which an offer names a pack."""
    return hashlib.sha256(packed).hexdigest()


def read_pack(packed: bytes, offer: HandoverOffer) -> HandoverPack:
    """Read the pack that an offer names, and no other. Raises `PackUnusable`."""
    if not hmac.compare_digest(digest_pack(packed), offer.pack_digest):
        raise PackUnusable("this is not the pack that was offered")
    try:
        reading = zlib.decompressobj()
        data = reading.decompress(packed, MAX_DOCUMENT_BYTES)
        if not reading.eof or reading.unused_data:
            raise PackUnusable("the pack is not one that can be read")
        pack = decode_document(data, HandoverPack)
    except (zlib.error, WireError):
        raise PackUnusable("the pack is not one that can be read") from None
    if (pack.handover_id, pack.home, pack.child) != (offer.handover_id, offer.home, offer.child):
        raise PackUnusable("the pack is of another child, or of another hand-over, than was offered")
    return pack


def open_answer_pack(answer: HandoverAnswer, offer: HandoverOffer) -> tuple[bytes, HandoverPack]:
    """Return the pack of an answer, as it travelled and as it reads. Raises `PackUnusable`."""
    try:
        packed = decode_base64(answer.pack)
    except EnvelopeError:
        raise PackUnusable("the pack is not one that can be read") from None
    return packed, read_pack(packed, offer)


def encode_pack(packed: bytes) -> str:
    """Return a pack as an answer has it."""
    return base64.b64encode(packed).decode()
