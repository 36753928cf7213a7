"""Prekeys (P1, P2): the public keys that a node publishes for one epoch, signed with its identity.

Every other node verifies them under the register for itself, so the hub that carries them cannot swap one.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from federation.envelope import Envelope, Signer
from federation.register import CLOCK_SKEW, MemberKind, Register
from federation.secure_sum.digests import digest_of
from federation.secure_sum.epochs import epoch_end
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import PREKEY_TYPE, Prekey
from federation.secure_sum.rosters import check_epoch
from federation.secure_sum.signing import check_signed, read_bytes, read_payload, sign_document
from federation.wire import encode_document, whole_seconds

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey


@dataclass(frozen=True, repr=False)
class SecretPrekey:
    """The private half of a prekey, as 32 and 64 bytes of seed; kept by the node alone and erased with its epoch."""

    prekey: Prekey
    x25519_seed: bytes
    ml_kem_seed: bytes

    def __repr__(self) -> str:
        return f"SecretPrekey({self.prekey.node!r}, {self.prekey.epoch!r}, secret)"

    @property
    def x25519(self) -> "X25519PrivateKey":
        """The classical private key."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        return X25519PrivateKey.from_private_bytes(self.x25519_seed)

    @property
    def ml_kem(self) -> "MLKEM768PrivateKey":
        """The post-quantum private key."""
        from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey

        return MLKEM768PrivateKey.from_seed_bytes(self.ml_kem_seed)


def make_prekey(signer: Signer, epoch: str, now: datetime) -> tuple[SecretPrekey, Envelope]:
    """Make fresh keys for an epoch, and the signed document that publishes their public halves (P1)."""
    from secrets import token_bytes

    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    x25519_seed, ml_kem_seed = token_bytes(32), token_bytes(64)
    x25519 = X25519PrivateKey.from_private_bytes(x25519_seed).public_key()
    ml_kem = MLKEM768PrivateKey.from_seed_bytes(ml_kem_seed).public_key()
    prekey = Prekey(
        node=signer.member_id,
        epoch=epoch,
        x25519=b64encode(x25519.public_bytes_raw()).decode(),
        ml_kem_768=b64encode(ml_kem.public_bytes_raw()).decode(),
        valid_from=whole_seconds(now),
        valid_to=epoch_end(epoch),
    )
    return SecretPrekey(prekey, x25519_seed, ml_kem_seed), sign_document(prekey, PREKEY_TYPE, signer)


def read_prekey(envelope: Envelope, register: Register, now: datetime) -> Prekey:
    """Read a prekey and verify it under the register, whoever handed it over (P2). Raises `SumRefused`."""
    prekey = read_payload(envelope, PREKEY_TYPE, Prekey)
    check_signed(envelope, prekey.node, MemberKind.NODE, register, now)
    check_epoch(prekey.epoch, now)
    if not prekey.valid_from <= now + CLOCK_SKEW or not now < prekey.valid_to <= epoch_end(prekey.epoch):
        raise SumRefused("prekey_over", f"the prekey of {prekey.node} is not valid now, or for longer than its epoch")
    load_public_keys(prekey)
    return prekey


def prekey_digest(prekey: Prekey) -> str:
    """Return the digest by which a pairing names a prekey."""
    return digest_of(encode_document(prekey))


def load_public_keys(prekey: Prekey) -> "tuple[X25519PublicKey, MLKEM768PublicKey]":
    """Return the public keys of a prekey. Raises `SumRefused` for bytes that are none."""
    from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    what = f"prekey of {prekey.node}"
    x25519, ml_kem = read_bytes(prekey.x25519, what, 32), read_bytes(prekey.ml_kem_768, what, 1184)
    try:
        return X25519PublicKey.from_public_bytes(x25519), MLKEM768PublicKey.from_public_bytes(ml_kem)
    except ValueError:
        raise SumRefused("malformed", f"{what}: not a public key") from None
