"""Pairing (P3): two nodes agree on a root that nobody else can know, not even with a quantum computer.

The node with the lower id encapsulates to the other's ML-KEM key; both mix that secret with the X25519 one. The root
is bound to the epoch, both ids, both prekeys and the ciphertext. Roots are never sent, revealed or logged: slot keys
are derived from them, and they are erased when their epoch is over.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime

from federation.envelope import Envelope, Signer
from federation.register import MemberKind, Register
from federation.secure_sum.digests import derive_key, digest_of, expand_key
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import PAIRING_TYPE, Pairing, Prekey, SumRoster
from federation.secure_sum.prekeys import SecretPrekey, load_public_keys, prekey_digest
from federation.secure_sum.rosters import roster_digest
from federation.secure_sum.signing import check_signed, read_bytes, read_payload, sign_document

CIPHERTEXT_BYTES = 1088


def pair_up(
    own: SecretPrekey, peers: Mapping[str, Prekey], signer: Signer
) -> tuple[dict[str, bytes], dict[str, Envelope]]:
    """Pair with every peer above this node: return the roots, and what to send each of them. Raises `SumRefused`."""
    roots, outgoing = {}, {}
    for name in sorted(name for name in peers if name > own.prekey.node):
        roots[name], pairing = _pair_with(own, peers[name])
        outgoing[name] = sign_document(pairing, PAIRING_TYPE, signer)
    return roots, outgoing


def accept_pairing(own: SecretPrekey, peer: Prekey, envelope: Envelope, register: Register, now: datetime) -> bytes:
    """Return the root shared with a peer below this node, from the pairing that it signed. Raises `SumRefused`."""
    pairing = read_payload(envelope, PAIRING_TYPE, Pairing)
    check_signed(envelope, peer.node, MemberKind.NODE, register, now)
    expected = _describe_pairing(peer, own.prekey, pairing.ciphertext)
    if pairing != expected or not peer.node < own.prekey.node:
        raise SumRefused("pairing_mismatch", f"the pairing by {peer.node} is for other nodes, prekeys or another epoch")
    ciphertext = read_bytes(pairing.ciphertext, f"pairing by {peer.node}", CIPHERTEXT_BYTES)
    return _mix_root(agree(own, peer), own.ml_kem.decapsulate(ciphertext), pairing)


def derive_slot_keys(roots: Mapping[str, bytes], roster: SumRoster, slot: int, me: str) -> dict[str, bytes]:
    """Return k_uv for every other member: keys of one slot, from which masks come. Raises `SumRefused`."""
    digest = roster_digest(roster)
    others = [name for name in roster.members if name != me]
    missing = [name for name in others if name not in roots]
    if missing:
        raise SumRefused("root_missing", f"not paired with {missing[0]} in {roster.epoch}")
    return {name: expand_key(roots[name], "circe/slot-key/1", digest, slot) for name in others}


def _pair_with(own: SecretPrekey, peer: Prekey) -> tuple[bytes, Pairing]:
    _, ml_kem = load_public_keys(peer)
    secret, ciphertext = ml_kem.encapsulate()
    pairing = _describe_pairing(own.prekey, peer, b64encode(ciphertext).decode())
    return _mix_root(agree(own, peer), secret, pairing), pairing


def _describe_pairing(sender: Prekey, receiver: Prekey, ciphertext: str) -> Pairing:
    if sender.epoch != receiver.epoch:
        raise SumRefused("pairing_mismatch", f"the prekeys of {sender.node} and {receiver.node} are of two epochs")
    return Pairing(
        sender=sender.node,
        receiver=receiver.node,
        epoch=sender.epoch,
        ciphertext=ciphertext,
        sender_prekey_digest=prekey_digest(sender),
        receiver_prekey_digest=prekey_digest(receiver),
    )


def agree(own: SecretPrekey, peer: Prekey) -> bytes:
    """Return the classical secret of two nodes (RFC 7748). Raises `SumRefused`."""
    x25519, _ = load_public_keys(peer)
    try:
        return own.x25519.exchange(x25519)
    except ValueError:
        # A point of low order, with which anybody could work out the secret.
        raise SumRefused("malformed", f"prekey of {peer.node}: not a usable public key") from None


def _mix_root(classical: bytes, post_quantum: bytes, pairing: Pairing) -> bytes:
    """Both secrets have 32 bytes, so joining them is unambiguous; either alone keeps the root secret."""
    return derive_key(
        classical + post_quantum,
        "circe/pair-root/1",
        pairing.epoch,
        pairing.sender,
        pairing.receiver,
        pairing.sender_prekey_digest,
        pairing.receiver_prekey_digest,
        digest_of(read_bytes(pairing.ciphertext, "pairing", CIPHERTEXT_BYTES)),
    )
