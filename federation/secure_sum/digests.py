"""Hashes and keys, each under a label of its own, so that bytes made for one purpose never serve another.

`derive_key` is HKDF-SHA256 (RFC 5869) for one block of output. A context is written one part to a line; parts are ids,
digests and numbers, none of which can hold a line break, so two contexts never write the same bytes.
"""

import hashlib
import hmac

_NO_SALT = bytes(32)


def derive_key(secret: bytes, label: str, *context: str | int) -> bytes:
    """Return the 32-byte key that belongs to a label and a context (extract, then expand)."""
    return expand_key(extract_key(secret), label, *context)


def extract_key(secret: bytes) -> bytes:
    """Return the pseudorandom key of input that is secret but not uniform (HKDF-Extract without salt)."""
    return hmac.digest(_NO_SALT, secret, "sha256")


def expand_key(key: bytes, label: str, *context: str | int) -> bytes:
    """Return the 32-byte key under a uniform key (HKDF-Expand, first block, which is all that 32 bytes need)."""
    return hmac.digest(key, write_context(label, *context) + b"\x01", "sha256")


def commit_to(secret: bytes, label: str, *context: str | int) -> str:
    """Return the hash that commits to a secret of at least 256 bits of its own, which the hash therefore hides."""
    return hashlib.sha256(write_context(label, *context) + b"\n" + secret).hexdigest()


def write_context(label: str, *context: str | int) -> bytes:
    """Return a label and its context as bytes, in one spelling."""
    parts = [label, *map(str, context)]
    if any("\n" in part for part in parts):
        raise ValueError("a part of a context is one word")
    return "\n".join(parts).encode()


def digest_of(data: bytes) -> str:
    """Return the SHA-256 digest of public bytes, as documents carry it."""
    return hashlib.sha256(data).hexdigest()
