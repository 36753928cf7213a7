"""A passkey in software, for tests without a browser: it does what a device and a browser do between two pages."""

import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_bytes

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from federation.passkeys import Passkey
from federation.register import public_text
from federation.webauthn import Assertion, Flags, encode_base64url

HEAD = bytes.fromhex("a4010103272006215820")
NOTHING = Flags(0)
VERIFIED = Flags.USER_PRESENT | Flags.USER_VERIFIED


@dataclass
class SoftPasskey:
    """One passkey; a test may change what it says before it says it."""

    origin: str = "http://localhost:8401"
    domain: str = "localhost"
    flags: Flags = VERIFIED
    count: int = 1
    handle: str = ""
    id: bytes = field(default_factory=lambda: token_bytes(16))
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def cose_key(self) -> bytes:
        """The public key as the device writes it."""
        return HEAD + self.key.public_key().public_bytes_raw()

    @property
    def registered(self) -> Passkey:
        """The passkey as a register has it, for the pages at its origin."""
        host = self.origin.partition("://")[2]
        return Passkey(relying_party=host, credential=public_text(self.id), public_key=public_text(self.cose_key))

    def answer(self, challenge: bytes) -> Assertion:
        """Return what device and browser answer to a challenge."""
        said, data = self._answer("webauthn.get", encode_base64url(challenge))
        return Assertion(said, data, self.key.sign(data + sha256(said).digest()))

    def enrol(self, client: FlaskClient, name: str = "Laptop") -> TestResponse:
        """Fill in and send the form of the page of passkeys."""
        page = client.get("/passkeys").text
        self.handle = read_data(page, "handle")
        new = bytes(16) + len(self.id).to_bytes(2) + self.id + self.cose_key
        said, data = self._answer("webauthn.create", read_data(page, "ticket"), Flags.CREDENTIAL, new)
        fields = {"client_data": encode_base64url(said), "authenticator_data": encode_base64url(data)}
        return client.post("/passkeys", data={**hidden_fields(page), **fields, "name": name})

    def fill_in(self, page: str) -> dict[str, str]:
        """Return the fields of the form to sign in with, as the page's script would fill them in."""
        said, data = self._answer("webauthn.get", read_data(page, "ticket"))
        filled = {
            "credential": encode_base64url(self.id),
            "client_data": encode_base64url(said),
            "authenticator_data": encode_base64url(data),
            "signature": encode_base64url(self.key.sign(data + sha256(said).digest())),
            "handle": self.handle,
        }
        return {**hidden_fields(page), **filled}

    def sign_in(self, client: FlaskClient) -> TestResponse:
        """Fill in and send the form of the page of signing in."""
        return client.post("/sign-in/passkey", data=self.fill_in(client.get("/sign-in").text))

    def _answer(self, kind: str, ticket: str, more: Flags = NOTHING, rest: bytes = b"") -> tuple[bytes, bytes]:
        said = json.dumps({"type": kind, "challenge": ticket, "origin": self.origin, "crossOrigin": False}).encode()
        head = sha256(self.domain.encode()).digest() + bytes([self.flags | more]) + self.count.to_bytes(4)
        self.count += bool(self.count)
        return said, head + rest


def read_data(page: str, name: str) -> str:
    """The value that a page's form gives its script."""
    found = re.search(rf'data-{name}="([^"]*)"', page)
    return found[1] if found else ""


def hidden_fields(page: str) -> dict[str, str]:
    """The token and the ticket of a page's form of passkeys."""
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    return {"form_token": token[1] if token else "", "ticket": read_data(page, "ticket")}
