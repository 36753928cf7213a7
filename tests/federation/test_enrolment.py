"""Keys enter the register by an invitation or by the keys they replace: each way of a request's being wrong."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from federation.enrolment import (
    LONGEST_MEMBERSHIP,
    Invitation,
    fingerprint,
    hash_code,
    list_differences,
    make_invitation,
    read_enrolment,
    read_invitation,
    read_rotation,
    write_enrolment,
    write_rotation,
)
from federation.envelope import seal_envelope, write_envelope
from federation.register import Entry, FormerKey, Member, MemberKind, RegisterError, public_text
from federation.wire import encode_document
from tests.federation.cast import (
    NOW,
    PASSKEY,
    make_keys,
    make_member,
    make_register,
    replace_member,
    serve,
    write_register,
)

CODE = "0123456789abcdef" * 4
SECOND = timedelta(seconds=1)
LOW_ORDER = make_keys("node-301").public_sealing_key[:1184] + bytes(32)
"""A sealing key whose X25519 half is the point at zero: everybody knows what would be agreed with it."""


def entry_of(member: Member) -> Entry:
    return Entry(**{name: getattr(member, name) for name in Entry.__struct_fields__})


# --- Invitations -----------------------------------------------------------------------------------------------------


def test_an_invitation_comes_back_as_it_was() -> None:
    invitation = make_invitation("circe-test", entry_of(make_member("node-301")), 14, NOW)
    assert read_invitation(encode_document(invitation), NOW) == invitation
    assert invitation.expires_at == NOW + timedelta(days=14)


def test_every_code_is_another_and_its_hash_does_not_tell_it() -> None:
    entry = entry_of(make_member("node-301"))
    codes = {make_invitation("circe-test", entry, 14, NOW).code for _ in range(10)}
    assert len(codes) == 10
    assert not codes & {hash_code(code) for code in codes}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"authorities": ()}, "a node serves an authority", id="a node of nobody"),
        pytest.param({"authorities": serve("301") + serve("302")}, "serves two authorities", id="a node of two"),
        pytest.param({"kind": MemberKind.HUB}, "belongs to an organisation of kind", id="a hub of an authority"),
        pytest.param({"valid_to": NOW}, "ends in the future", id="over already"),
        pytest.param({"valid_to": NOW + LONGEST_MEMBERSHIP + SECOND}, "within three years", id="for a century"),
    ],
)
def test_nobody_is_invited_whom_no_register_could_hold(changes: dict[str, object], reason: str) -> None:
    entry = msgspec.structs.replace(entry_of(make_member("node-301")), **changes)
    with pytest.raises(RegisterError, match=reason):
        make_invitation("circe-test", entry, 14, NOW)


def test_an_invitation_does_not_lie_about_for_long() -> None:
    with pytest.raises(RegisterError, match="at most 31 days"):
        make_invitation("circe-test", entry_of(make_member("node-301")), 32, NOW)
    invitation = make_invitation("circe-test", entry_of(make_member("node-301")), 1, NOW)
    with pytest.raises(RegisterError, match="has run out"):
        read_invitation(encode_document(invitation), invitation.expires_at)


@pytest.mark.parametrize(
    "data", [b"", b"{}", encode_document(make_member("node-301"))], ids=["empty", "object", "entry"]
)
def test_what_is_no_invitation_is_refused(data: bytes) -> None:
    with pytest.raises(RegisterError, match=r"^invitation: Invitation: "):
        read_invitation(data, NOW)


def test_no_repr_shows_the_code() -> None:
    invitation = make_invitation("circe-test", entry_of(make_member("node-301")), 14, NOW)
    assert repr(invitation) == "Invitation(…)"
    assert Invitation.__name__ in repr(invitation)


def test_a_fingerprint_can_be_read_out() -> None:
    words = fingerprint(make_keys("node-301").public_signing_key).split()
    assert [len(word) for word in words] == [4] * 8
    assert words != fingerprint(make_keys("node-203").public_signing_key).split()


# --- Enrolment -------------------------------------------------------------------------------------------------------


def enrol(member: Member, signer: str = "node-301") -> bytes:
    return write_envelope(write_enrolment(CODE, member, make_keys(signer)))


def test_an_enrolment_request_comes_back_as_it_was() -> None:
    enrolment = read_enrolment(enrol(make_member("node-301")))
    assert (enrolment.code, enrolment.member) == (CODE, make_member("node-301"))


WRONG_REQUESTS: dict[str, tuple[Callable[[], bytes], str]] = {
    "signed by another": (lambda: enrol(make_member("node-301"), "node-203"), "expected one signature by node-301"),
    "a key its sender does not hold": (
        lambda: enrol(make_member("node-301", signing_key=make_member("hub").signing_key)),
        "does not verify",
    ),
    "a name its sender did not sign": (
        lambda: enrol(make_member("node-301", id="hub")),
        "expected one signature by hub",
    ),
    "a register": (lambda: write_register(make_register()), "another type"),
    "a signing key that is none": (lambda: enrol(make_member("node-301", signing_key="AA==")), "does not verify"),
    "a sealing key that is none": (lambda: enrol(make_member("node-301", sealing_key="AA==")), "malformed"),
    "a sealing key off the lattice": (
        lambda: enrol(make_member("node-301", sealing_key=public_text(b"\xff" * 1216))),
        "malformed",
    ),
    "a sealing key of low order": (
        lambda: enrol(make_member("node-301", sealing_key=public_text(LOW_ORDER))),
        "malformed",
    ),
    "a title that hides another": (
        lambda: enrol(make_member("node-301", title="A\rB")),
        r"wrong value at \$\.member\.title",
    ),
    "no code": (
        lambda: write_envelope(write_enrolment("", make_member("node-301"), make_keys("node-301"))),
        r"\$\.code",
    ),
}


@pytest.mark.parametrize(("make", "reason"), WRONG_REQUESTS.values(), ids=WRONG_REQUESTS)
def test_an_enrolment_request_that_is_wrong_is_refused(make: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(RegisterError, match=f"enrolment request: .*{reason}"):
        read_enrolment(make())


def test_differences_are_named_and_keys_are_none_of_them() -> None:
    one, other = make_member("node-301"), make_member("hub")
    same = msgspec.structs.replace(one, signing_key=other.signing_key, passkeys=(PASSKEY,), valid_from=NOW)
    assert list_differences(one, same) == []
    changed = msgspec.structs.replace(one, title="Another", operator="another")
    assert list_differences(one, changed) == ["title", "operator"]


# --- Rotation --------------------------------------------------------------------------------------------------------


def rotated(**changes: object) -> Member:
    """The entry of node 301 with the keys of somebody called so, made now."""
    fresh = make_member("fresh")
    keys = {"signing_key": fresh.signing_key, "sealing_key": fresh.sealing_key, "valid_from": NOW}
    return make_member("node-301", **{**keys, **changes})


class Named:
    """Somebody's keys under the name of the member whose they are to be."""

    def __init__(self, name: str, keys: str) -> None:
        self.member_id, self._keys = name, make_keys(keys)

    def sign(self, message: bytes) -> bytes:
        return self._keys.sign(message)


def rotate(member: Member, *, new: str = "fresh", old: str = "node-301") -> bytes:
    return write_envelope(write_rotation(member, Named(member.id, new), Named(member.id, old)))


def test_a_rotation_request_comes_back_as_it_was() -> None:
    assert read_rotation(rotate(rotated()), make_register(), NOW) == rotated()


def test_an_approver_changes_passkeys_by_a_rotation() -> None:
    fresh = make_member("fresh")
    member = make_member(
        "officer@dfe",
        signing_key=fresh.signing_key,
        sealing_key=fresh.sealing_key,
        valid_from=NOW,
        passkeys=(PASSKEY,),
    )
    request = rotate(member, old="officer@dfe")
    assert read_rotation(request, make_register(), NOW).passkeys == (PASSKEY,)


WRONG_ROTATIONS: dict[str, tuple[Callable[[], bytes], str]] = {
    "not signed by the registered key": (lambda: rotate(rotated(), old="fresh"), "by node-301 does not verify"),
    "not signed by the new key": (lambda: rotate(rotated(), new="node-301"), "by node-301 does not verify"),
    "of somebody unknown": (lambda: rotate(rotated(id="nobody"), old="nobody"), "nobody is not in register"),
    "another title": (lambda: rotate(rotated(title="Department")), "keys alone, and not its title"),
    "another operator": (lambda: rotate(rotated(operator="consortium")), "keys alone, and not its operator"),
    "a longer membership": (
        lambda: rotate(rotated(valid_to=NOW + timedelta(days=900))),
        "keys alone, and not its valid_to",
    ),
    "another authority": (lambda: rotate(rotated(authorities=serve("302"))), "keys alone, and not its authorities"),
    "another log key": (
        lambda: rotate(rotated(log_key=make_member("fresh").log_key)),
        "node-301's log key stays",
    ),
    "a former key of its own choice": (
        lambda: rotate(rotated(former_keys=(FormerKey(signing_key=make_member("thief").signing_key, last_version=4),))),
        "its former keys are the root's to say",
    ),
    "made before the present keys": (
        lambda: rotate(rotated(valid_from=NOW - timedelta(days=30) - SECOND)),
        "or before the keys that are registered",
    ),
    "made in the future": (lambda: rotate(rotated(valid_from=NOW + timedelta(minutes=5) + SECOND)), "in the future"),
    "a sealing key of low order": (lambda: rotate(rotated(sealing_key=public_text(LOW_ORDER))), "malformed"),
    "an enrolment request": (lambda: enrol(make_member("node-301")), "another type"),
    "nothing inside": (
        lambda: write_envelope(seal_envelope(b"", "application/vnd.circe.rotation+json", make_keys("node-301"))),
        "Envelope",
    ),
}


@pytest.mark.parametrize(("make", "reason"), WRONG_ROTATIONS.values(), ids=WRONG_ROTATIONS)
def test_a_rotation_request_that_is_wrong_is_refused(make: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(RegisterError, match=reason):
        read_rotation(make(), make_register(), NOW)


def test_whoever_was_revoked_cannot_come_back_by_rotating() -> None:
    with pytest.raises(RegisterError, match="node-301 is revoked"):
        read_rotation(rotate(rotated()), replace_member("node-301", revoked=True), NOW)
