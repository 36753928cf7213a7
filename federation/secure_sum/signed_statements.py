"""Statements that many nodes sign in the same bytes, and the signatures on one so far (S6, S9, S12)."""

from base64 import b64encode
from datetime import datetime

from federation.envelope import Envelope, Signature, pre_authentication_encoding
from federation.register import Register
from federation.secure_sum.errors import SumFailed, SumRefused
from federation.secure_sum.signing import check_statement
from federation.wire import Document, encode_document


class Statement:
    """A statement and the signatures on it so far, by node."""

    def __init__(self, document: Document, payload_type: str) -> None:
        self.body = encode_document(document)
        self.payload_type = payload_type
        self.signatures: dict[str, Signature] = {}
        self._message = pre_authentication_encoding(payload_type, self.body)

    def take(self, signature: Signature, register: Register, now: datetime) -> None:
        """Verify one node's signature and keep it; the first one stays. Raises `SumFailed`."""
        try:
            check_statement(self._message, signature.keyid, signature.sig, register, now)
        except SumRefused as refused:
            raise SumFailed(refused.code, refused.text, (signature.keyid,)) from None
        self.signatures.setdefault(signature.keyid, signature)

    def envelope(self, threshold: int) -> Envelope:
        """Return the statement with the first `threshold` signatures in order of their signers."""
        signatures = tuple(self.signatures[node] for node in sorted(self.signatures)[:threshold])
        return Envelope(payload=b64encode(self.body).decode(), payload_type=self.payload_type, signatures=signatures)
