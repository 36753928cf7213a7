"""Row tokens: what stands for a child or pupil inside one node's snapshots, and means nothing anywhere else."""

import hashlib
import hmac

_BLOCK = 64
TOKEN_LENGTH = 32


def row_token(token_key: bytes, identifier: str) -> str:
    """The token of an identifier (a CHILD or a UPN): HMAC-SHA256 under the node's key, 32 hex figures."""
    return hmac.new(token_key, identifier.encode(), hashlib.sha256).hexdigest()[:TOKEN_LENGTH]


def hmac_pads(token_key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer padded keys of RFC 2104, for the SQL that makes tokens by the million."""
    key = hashlib.sha256(token_key).digest() if len(token_key) > _BLOCK else token_key
    block = key.ljust(_BLOCK, b"\0")
    return bytes(each ^ 0x36 for each in block), bytes(each ^ 0x5C for each in block)
