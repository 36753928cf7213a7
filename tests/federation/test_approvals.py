"""Approvals by passkey: one counts for these exact bytes, by this approver, at their own organisation's page, or not.

Whoever speaks for the hub can carry an answer anywhere and alter what it likes. None of that makes an approval.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from federation.approvals import LONGEST_ANSWER, challenge_of, verify_approval, write_approval
from federation.envelope import Envelope, EnvelopeError, Signature, add_signature, seal_envelope
from federation.manifest import MANIFEST_TYPE, ApprovalError, check_approvals, check_asker, read_manifest
from federation.passkeys import Passkey
from federation.register import Member, public_text
from federation.template import TEMPLATE_TYPE
from federation.webauthn import Assertion, Flags
from tests.federation.cast import NOW, make_manifest, make_member, replace_member, sign_manifest
from tests.node.pages.soft_passkey import VERIFIED, SoftPasskey

OFFICER, DEPUTY = "officer@la-203", "deputy@la-203"
DOMAIN = "node.la-203.example"
HUB = "https://hub.example"


def plug(origin: str = f"https://{DOMAIN}", domain: str = DOMAIN, flags: Flags = VERIFIED) -> SoftPasskey:
    """A device of the officer's, used at the pages of their own node."""
    return SoftPasskey(origin, domain, flags)


def enrolled(*passkeys: SoftPasskey) -> Member:
    """The officer's entry in the register, with passkeys."""
    return make_member(OFFICER, passkeys=tuple(each.registered for each in passkeys))


def approve(envelope: Envelope, passkey: SoftPasskey, approver: str = OFFICER) -> Envelope:
    """Add what a device answers to the challenge of an envelope's bytes."""
    return add_signature(envelope, write_approval(approver, passkey.id, passkey.answer(challenge_of(envelope))))


def submit(**changes: object) -> Envelope:
    """A manifest that its asker alone has signed."""
    return sign_manifest(make_manifest(**changes), "ana@ucl")


def code_of(envelope: Envelope, member_id: str, passkeys: Sequence[Passkey]) -> str:
    """Do what hub and nodes do under a register where one approver has these passkeys; return the refusal's code."""
    register = replace_member(member_id, passkeys=tuple(passkeys))
    with pytest.raises(ApprovalError) as refused:
        check_approvals(envelope, check_asker(read_manifest(envelope), envelope, register, NOW), register, NOW)
    return refused.value.code


def test_a_passkey_approves_beside_a_key_file() -> None:
    passkey = plug()
    envelope = approve(sign_manifest(make_manifest(), "ana@ucl", "officer@dfe"), passkey)
    register = replace_member(OFFICER, passkeys=(passkey.registered,))
    asker = check_asker(read_manifest(envelope), envelope, register, NOW)
    assert {member.id for member in check_approvals(envelope, asker, register, NOW)} == {"officer@dfe", OFFICER}


def test_a_key_file_still_approves_for_whoever_has_a_passkey_too() -> None:
    verify_approval(sign_manifest(make_manifest(), OFFICER), enrolled(plug()))


def test_any_of_an_approvers_passkeys_approves() -> None:
    first, second = plug(), plug()
    for passkey in (first, second):
        verify_approval(approve(submit(), passkey), enrolled(first, second))


def test_a_passkey_on_p256_approves() -> None:
    soft, key = plug(), ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_numbers()
    cose = bytes.fromhex("a5010203262001215820") + point.x.to_bytes(32) + bytes.fromhex("225820") + point.y.to_bytes(32)
    registered = msgspec.structs.replace(soft.registered, public_key=public_text(cose))
    envelope = submit()
    said = soft.answer(challenge_of(envelope))
    from hashlib import sha256

    signature = key.sign(said.authenticator_data + sha256(said.client_data).digest(), ec.ECDSA(SHA256()))
    approved = add_signature(envelope, write_approval(OFFICER, soft.id, replace(said, signature=signature)))
    verify_approval(approved, make_member(OFFICER, passkeys=(registered,)))


# --- What a dishonest hub can try ------------------------------------------------------------------------------------


def test_an_answer_for_one_manifest_is_none_for_another() -> None:
    """Swapped bytes, and the answer replayed: under the same type, and under another with the same payload."""
    passkey = plug()
    approved, other = approve(submit(), passkey), submit(purpose="Another question")
    replayed = add_signature(other, approved.signatures[-1])
    retyped = add_signature(seal_envelope(approved.body, TEMPLATE_TYPE), approved.signatures[-1])
    for envelope in (replayed, retyped, msgspec.structs.replace(approved, payload=other.payload)):
        with pytest.raises(EnvelopeError, match="another challenge"):
            verify_approval(envelope, enrolled(passkey))


WRONG: dict[str, tuple[SoftPasskey, str]] = {
    "a page of the hub": (plug(origin=HUB), "another site"),
    "a page of the hub for the hub's own domain": (plug(origin=HUB, domain="hub.example"), "another site"),
    "our origin for the hub's domain": (plug(domain="hub.example"), "another domain"),
    "a page at another port of the same machine": (plug(origin=f"https://{DOMAIN}:8400"), "another site"),
    "a page without TLS": (plug(origin=f"http://{DOMAIN}"), "another site"),
    "a subdomain": (plug(origin=f"https://hub.{DOMAIN}"), "another site"),
    "a device that has not verified its user": (plug(flags=Flags.USER_PRESENT), "not verified its user"),
    "nobody there": (plug(flags=Flags.USER_VERIFIED), "not verified its user"),
}


@pytest.mark.parametrize(("passkey", "reason"), WRONG.values(), ids=WRONG)
def test_an_answer_collected_elsewhere_or_otherwise_does_not_count(passkey: SoftPasskey, reason: str) -> None:
    registered = replace(passkey, origin=f"https://{DOMAIN}").registered
    with pytest.raises(EnvelopeError, match=reason):
        verify_approval(approve(submit(), passkey), make_member(OFFICER, passkeys=(registered,)))


def test_the_port_of_the_pages_belongs_to_the_passkey() -> None:
    passkey = plug(origin=f"https://{DOMAIN}:8401")
    assert passkey.registered.relying_party == f"{DOMAIN}:8401"
    verify_approval(approve(submit(), passkey), enrolled(passkey))


def test_a_passkey_that_the_register_has_not_got_or_no_longer_has() -> None:
    passkey, other = plug(), plug()
    envelope = approve(sign_manifest(make_manifest(), "ana@ucl", "officer@dfe"), passkey)
    assert code_of(envelope, OFFICER, ()) == "signature_invalid"
    assert code_of(envelope, OFFICER, (other.registered,)) == "signature_invalid"


def test_a_passkey_of_another_approver_or_another_kind_of_member() -> None:
    """The deputy's device does not approve in the officer's name, nor the other way round, nor an asker's at all."""
    passkey = plug()
    envelope = approve(sign_manifest(make_manifest(), "ana@ucl", "officer@dfe"), passkey, OFFICER)
    assert code_of(envelope, DEPUTY, (passkey.registered,)) == "signature_invalid"
    with pytest.raises(EnvelopeError, match="no such passkey"):
        verify_approval(approve(submit(), passkey, "ben@ucl"), make_member("ben@ucl"))
    asked = approve(seal_envelope(submit().body, MANIFEST_TYPE), passkey, "ana@ucl")
    with pytest.raises(ApprovalError, match="does not verify"):
        check_asker(read_manifest(asked), asked, replace_member("ana@ucl", passkeys=(passkey.registered,)), NOW)


def test_the_askers_own_organisation_approves_nothing_by_passkey_either() -> None:
    passkey = plug()
    envelope = approve(sign_manifest(make_manifest(), "ana@ucl", "officer@dfe", OFFICER), passkey, "ben@ucl")
    assert code_of(envelope, "ben@ucl", (passkey.registered,)) == "approved_by_own"


def test_a_revoked_approver_approves_nothing() -> None:
    passkey = plug()
    envelope = approve(sign_manifest(make_manifest(), "ana@ucl", "officer@dfe"), passkey)
    register = replace_member(OFFICER, passkeys=(passkey.registered,), revoked=True)
    asker = check_asker(read_manifest(envelope), envelope, register, NOW)
    with pytest.raises(ApprovalError, match="revoked"):
        check_approvals(envelope, asker, register, NOW)


def _alter(part: str) -> Callable[[Assertion], Assertion]:
    def flip(said: Assertion) -> Assertion:
        data: bytes = getattr(said, part)
        return replace(said, **{part: data[:-1] + bytes([data[-1] ^ 1])})

    return flip


@pytest.mark.parametrize("part", ["client_data", "authenticator_data", "signature"])
def test_an_answer_of_which_one_bit_is_altered(part: str) -> None:
    passkey, envelope = plug(), submit()
    altered = _alter(part)(passkey.answer(challenge_of(envelope)))
    with pytest.raises(EnvelopeError):
        verify_approval(add_signature(envelope, write_approval(OFFICER, passkey.id, altered)), enrolled(passkey))


@pytest.mark.parametrize(
    "sig", [b"", b"short", bytes(64), bytes(65), b"{}" + b" " * 70, b'{"credential":"' + b"A" * LONGEST_ANSWER]
)
def test_what_is_neither_a_keys_nor_a_passkeys(sig: bytes) -> None:
    signature = Signature(keyid=OFFICER, sig=base64.b64encode(sig).decode())
    with pytest.raises(EnvelopeError):
        verify_approval(add_signature(submit(), signature), enrolled(plug()))
