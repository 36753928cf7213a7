"""Small boxes of AES-256-GCM: a random nonce, then the ciphertext with its tag.

Every box has a key of its own. The nonce is random all the same, so that a node that crashes while it deals, and deals
again, never seals two texts under one key and nonce.
"""

import os

NONCE_BYTES = 12
OVERHEAD = NONCE_BYTES + 16


class BoxClosed(Exception):
    """A box does not open with this key in this place."""


def seal_box(key: bytes, content: bytes, place: bytes) -> bytes:
    """Return `content` sealed under a key, bound to a place."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, place)


def open_box(key: bytes, box: bytes, place: bytes) -> bytes:
    """Return the content of a box. Raises `BoxClosed`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], place)
    except (InvalidTag, ValueError):
        raise BoxClosed("the box was altered, or is for another place") from None
