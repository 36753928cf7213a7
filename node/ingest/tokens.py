"""Row tokens: what stands for a child or pupil inside one node's snapshots, and means nothing anywhere else.

A token is the first half of a SHA-256 over the node's key and then the identifier. The key comes first and always has
one length, and half of the digest is kept back, so that nobody can go on from a token to that of a longer identifier:
what HMAC hashes a second time for (Coron, Dodis, Malinaud and Puniya, CRYPTO 2005, on chopped digests). A roll has a
token for every pupil, and each of theirs fits into one block of SHA-256 where HMAC needs four.
"""

import hashlib

TOKEN_LENGTH = 32


def row_token(token_key: bytes, identifier: str) -> str:
    """The token of an identifier (a CHILD or a UPN) under the node's key, 32 hex figures."""
    return hashlib.sha256(token_prefix(token_key) + identifier.encode()).hexdigest()[:TOKEN_LENGTH]


def token_prefix(token_key: bytes) -> bytes:
    """What is hashed before every identifier: the node's key, brought to 32 bytes whatever its length."""
    return hashlib.sha256(token_key).digest()
