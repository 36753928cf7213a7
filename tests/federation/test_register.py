"""All trust descends from the register: every way of its being wrong is an error, and nothing can take its place."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.enrolment import ENROLMENT_TYPE
from federation.envelope import Envelope, seal_envelope, write_envelope
from federation.register import (
    REGISTER_TYPE,
    FormerKey,
    MemberKind,
    OrganisationKind,
    Register,
    RegisterError,
    check_consistent,
    public_text,
    read_register,
    read_signed_register,
    sign_register,
)
from federation.wire import encode_document
from tests.federation.cast import (
    NOT_BASE64,
    NOW,
    OTHER_ROOT,
    PASSKEY,
    ROOT,
    flip_bit,
    make_keys,
    make_member,
    make_register,
    replace_member,
    serve,
    write_register,
)

FEW = settings(max_examples=50, derandomize=True, deadline=None)
SECOND = timedelta(seconds=1)
NODE_203, NODE_301 = make_keys("node-203"), make_keys("node-301")
LOW_ORDER = NODE_301.public_sealing_key[:1184] + bytes(32)
"""A sealing key whose X25519 half is the point at zero: everybody knows what would be agreed with it."""


def read(data: bytes, now: datetime = NOW, *, not_before: int = 0) -> Register:
    return read_register(data, ROOT.public_key, now, not_before=not_before)


# --- A good register -------------------------------------------------------------------------------------------------


def test_a_signed_register_comes_back_as_it_was() -> None:
    register = make_register()
    data = write_envelope(sign_register(register, ROOT))
    assert read(data) == read_signed_register(data, ROOT.public_key) == register


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(NOW - timedelta(days=1), id="when it is issued"),
        pytest.param(NOW - timedelta(days=1, minutes=5), id="five minutes earlier, by a clock that is behind"),
        pytest.param(NOW + timedelta(days=29) - SECOND, id="a second before it expires"),
    ],
)
def test_a_register_is_good_from_its_issue_to_its_expiry(now: datetime) -> None:
    assert read(write_register(make_register()), now) == make_register()


def test_the_version_last_seen_is_still_good() -> None:
    assert read(write_register(make_register(version=5)), not_before=5).version == 5


# --- Every way of being wrong ----------------------------------------------------------------------------------------


def seal(body: bytes, kind: str = REGISTER_TYPE) -> bytes:
    return write_envelope(seal_envelope(body, kind, ROOT))


def with_field(**fields: object) -> bytes:
    """A register with a field put in that no register has, signed by the root all the same."""
    return seal(msgspec.json.encode({**msgspec.to_builtins(make_register()), **fields}))


def signed_by_a_member_called_root() -> bytes:
    class Impostor:
        member_id = "root"
        sign = staticmethod(NODE_301.sign)

    return write_register(make_register(), Impostor())


def with_the_payload_of_another() -> bytes:
    one, other = (seal_envelope(encode_document(make_register(version=n)), REGISTER_TYPE, ROOT) for n in (5, 6))
    mixed = Envelope(payload=other.payload, payload_type=other.payload_type, signatures=one.signatures)
    return write_envelope(mixed)


WRONG: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing": (lambda: b"", "not a valid document"),
    "no envelope": (lambda: encode_document(make_register()), "Envelope"),
    "another type of document": (lambda: seal(encode_document(make_register()), ENROLMENT_TYPE), "another type"),
    "no register inside": (lambda: seal(b"{}"), "Register"),
    "spare white space inside": (lambda: seal(encode_document(make_register()) + b" "), "one accepted encoding"),
    "an unknown field": (lambda: with_field(trusted=True), "Register"),
    "an unknown kind of member": (lambda: replace_kind("governor"), r"\$\.members\[0\]\.kind"),
    "another root": (lambda: write_register(make_register(), OTHER_ROOT), "signature by root does not verify"),
    "a member of that name": (signed_by_a_member_called_root, "signature by root does not verify"),
    "a member": (lambda: write_register(make_register(), NODE_301), "expected one signature by root, found 0"),
    "nobody": (lambda: write_envelope(unsigned()), "expected one signature by root, found 0"),
    "another version's signature": (with_the_payload_of_another, "signature by root does not verify"),
    "version 0": (lambda: write_register(make_register(version=0)), r"wrong value at \$\.version"),
    "a version before the last one": (lambda: write_register(make_register(version=4)), "older than version 5"),
    "expired": (lambda: write_register(make_register(expires_at=NOW)), "not valid now"),
    "issued in the future": (
        lambda: write_register(make_register(issued_at=NOW + timedelta(minutes=5) + SECOND)),
        "not valid now",
    ),
    "two members of one id": (lambda: sharing("ana@ucl", "id"), "share one id"),
    "two members of one signing key": (lambda: sharing("ana@ucl", "signing_key"), "share one signing key"),
    "two members of one sealing key": (lambda: sharing("ana@ucl", "sealing_key"), "share one sealing key"),
    "two members of one log key": (lambda: sharing("ana@ucl", "log_key"), "share one signing key"),
    "a log key that is another's signing key": (
        lambda: with_key(log_key=make_member("hub").signing_key),
        "share one signing key",
    ),
    "two nodes of one authority": (
        lambda: sharing("node-203", "authorities"),
        "node-203 and node-317 serve one authority, 203, at a time",
    ),
    "a node of two authorities at a time": (
        lambda: with_key(authorities=serve("301") + serve("302")),
        "node-301 serves two authorities at a time: each has a node of its own",
    ),
    "a code that ends before it begins": (
        lambda: with_key(authorities=serve("301", NOW, NOW)),
        "code ends before it begins",
    ),
    "a node of no authority": (lambda: with_key(authorities=()), "a node serves an authority, and nobody else does"),
    "a person of an authority": (
        lambda: write_register(replace_member("officer@la-203", authorities=serve("304"))),
        "a node serves an authority, and nobody else does",
    ),
    "a node of a university": (
        lambda: with_key(organisation_kind=OrganisationKind.RESEARCH),
        "a node belongs to an organisation of kind authority",
    ),
    "an organisation of two kinds": (
        lambda: write_register(replace_member("ben@ucl", organisation_kind=OrganisationKind.AUTHORITY)),
        "ucl is of two kinds of organisation: ben@ucl says another",
    ),
    "a member that ends before it begins": (lambda: with_key(valid_to=NOW, valid_from=NOW), "ends before it begins"),
    "a former key of this very version": (lambda: with_key(former_keys=former(5)), "not those of earlier versions"),
    "former keys out of order": (lambda: with_key(former_keys=former(3, 2)), "not those of earlier versions"),
    "a former key that another has": (
        lambda: with_key(former_keys=(FormerKey(signing_key=make_member("hub").signing_key, last_version=1),)),
        "share one signing key",
    ),
    "a former key of low order": (
        lambda: with_key(former_keys=(FormerKey(signing_key=public_text(bytes(32)), last_version=1),)),
        "anybody could sign",
    ),
    "good for more than thirty days": (
        lambda: write_register(make_register(expires_at=NOW + timedelta(days=29) + SECOND)),
        "at most 30 days",
    ),
    "good for no time": (
        lambda: write_register(make_register(issued_at=NOW + SECOND, expires_at=NOW + SECOND)),
        "ends after it begins",
    ),
    "a signing key of low order": (lambda: with_key(signing_key=public_text(bytes(32))), "anybody could sign"),
    "a log key of low order": (lambda: with_key(log_key=public_text(b"\x01" + bytes(31))), "anybody could sign"),
    "a signing key in a second spelling": (
        lambda: with_key(signing_key=public_text((2**255 - 19 + 3).to_bytes(32, "little"))),
        "no Ed25519 key",
    ),
    "a passkey of a node": (lambda: with_key(passkeys=(PASSKEY,)), "approvers alone have passkeys"),
    "a passkey of two approvers": (
        lambda: write_register(
            make_register([make_member(each, passkeys=(PASSKEY,)) for each in ("officer@dfe", "officer@la-203")])
        ),
        "share one passkey",
    ),
    "a passkey whose key is none": (
        lambda: write_register(
            replace_member("officer@dfe", passkeys=(msgspec.structs.replace(PASSKEY, public_key="AAAA"),))
        ),
        "a key of officer@dfe cannot be used: .* canonical CBOR",
    ),
    "a member called root": (lambda: write_register(make_register([make_member("root")])), "share one id"),
    "a signing key too short": (lambda: with_key(signing_key=public_text(bytes(31))), "wrong length"),
    "a signing key too long": (lambda: with_key(signing_key=public_text(bytes(33))), "wrong length"),
    "a sealing key too short": (lambda: with_key(sealing_key=public_text(bytes(1215))), "wrong length"),
    "a sealing key too long": (lambda: with_key(sealing_key=public_text(bytes(1217))), "wrong length"),
    "keys in each other's place": (
        lambda: with_key(signing_key=make_member("node-301").sealing_key, sealing_key=public_text(bytes(32))),
        "wrong length",
    ),
}


def former(*versions: int) -> tuple[FormerKey, ...]:
    """Keys that were rotated out after these versions."""
    keys = {version: make_member(f"before-{version}").signing_key for version in versions}
    return tuple(FormerKey(signing_key=key, last_version=version) for version, key in keys.items())


def unsigned() -> Envelope:
    return seal_envelope(encode_document(make_register()), REGISTER_TYPE)


def replace_kind(kind: str) -> bytes:
    fields = msgspec.to_builtins(make_register())
    fields["members"][0]["kind"] = kind
    return seal(msgspec.json.encode(fields))


def sharing(member_id: str, field: str) -> bytes:
    """A register with a second entry for a member, which shares with the first the field named and no key besides."""
    other = make_member("node-317")
    fresh = {"id", "signing_key", "sealing_key", "log_key"} - {field}
    second = msgspec.structs.replace(make_member(member_id), **{name: getattr(other, name) for name in fresh})
    return write_register(make_register([*make_register().members, second]))


def with_key(**keys: object) -> bytes:
    return write_register(replace_member("node-301", **keys))


@pytest.mark.parametrize(("make", "reason"), WRONG.values(), ids=WRONG)
def test_a_register_that_is_wrong_in_one_way_is_refused(make: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(RegisterError, match=reason) as refused:
        read(make(), not_before=5)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("text", NOT_BASE64, ids=ascii)
def test_a_key_in_another_spelling_is_refused(text: str) -> None:
    for key in ({"signing_key": text}, {"sealing_key": text}):
        with pytest.raises(RegisterError, match="a key of node-301"):
            read(with_key(**key))


@FEW
@given(st.data())
def test_a_register_with_any_bit_flipped_is_refused(data: st.DataObject) -> None:
    """Whether the bit is in the payload, its type, the signer's name or the signature."""
    written = write_register(make_register([make_member("node-301")]))
    altered = flip_bit(written, data.draw(st.integers(0, 8 * len(written) - 1)))
    with pytest.raises(RegisterError):
        read(altered)


def test_what_members_would_refuse_is_not_signed() -> None:
    """The root's keeper hears of a mistake at the signing, not from 153 authorities."""
    for register in (
        make_register(federation="Not A Name"),
        make_register(version=0),
        replace_member("node-301", title="two\nlines"),
        replace_member("node-301", id="node-203"),
    ):
        with pytest.raises(RegisterError):
            sign_register(register, ROOT)


def test_an_authority_passes_to_another_node_by_revocation() -> None:
    members = [make_member("node-301", revoked=True), make_member("node-new", authorities=serve("301"))]
    check_consistent(make_register(members))


def test_an_authority_passes_to_another_node_on_a_day() -> None:
    """Where authorities are reorganised, codes end and begin; one node may go on under its successor's code."""
    day = NOW + timedelta(days=10)
    going_on = (*serve("301", end=day), *serve("302", day))
    taken_over = make_member("node-317", authorities=serve("301", day))
    register = make_register([make_member("node-301", authorities=going_on), taken_over])
    check_consistent(register)
    served = [(register.find_node(code, moment).id) for code, moment in (("301", NOW), ("301", day), ("302", day))]
    assert served == ["node-301", "node-317", "node-301"]
    with pytest.raises(RegisterError, match="no active node serves authority 302"):
        register.find_node("302", NOW)


def test_an_authority_passes_to_another_node_when_a_membership_ends() -> None:
    members = [make_member("node-301", valid_to=NOW), make_member("node-new", authorities=serve("301"), valid_from=NOW)]
    check_consistent(make_register(members))


def test_an_operator_of_several_authorities_is_counted_by_its_nodes_and_once() -> None:
    """Each authority has a node, with keys and an entry of its own; the operator is a word in the entries."""
    register = make_register([make_member(f"node-{code}", operator="consortium") for code in ("301", "302", "303")])
    check_consistent(register)
    nodes = list(register.active(MemberKind.NODE, NOW))
    assert (len(nodes), len({node.operator for node in nodes})) == (3, 1)


# --- Finding members -------------------------------------------------------------------------------------------------

INACTIVE: dict[str, tuple[dict[str, Any], str]] = {
    "revoked": ({"revoked": True}, "is revoked"),
    "not yet valid": ({"valid_from": NOW + SECOND}, "is outside its validity"),
    "no longer valid": ({"valid_to": NOW}, "is outside its validity"),
    "valid never": ({"valid_from": NOW, "valid_to": NOW}, "is outside its validity"),
}


@pytest.mark.parametrize(("changes", "reason"), INACTIVE.values(), ids=INACTIVE)
def test_an_inactive_member_is_found_by_nobody(changes: dict[str, Any], reason: str) -> None:
    register = replace_member("node-301", **changes)
    with pytest.raises(RegisterError, match=f"node-301 {reason}"):
        register.find("node-301", NOW)
    with pytest.raises(RegisterError, match="no active node serves authority 301"):
        register.find_node("301", NOW)
    assert [member.id for member in register.active(MemberKind.NODE, NOW)] == ["node-203"]


def test_an_active_member_is_found() -> None:
    register = make_register()
    assert register.find("ana@ucl", NOW) == make_member("ana@ucl")
    assert register.find_node("301", NOW) == make_member("node-301")
    assert [member.id for member in register.active(MemberKind.NODE, NOW)] == ["node-203", "node-301"]


@pytest.mark.parametrize("name", ["", "root", "nobody", "NODE-301", "node-301 "])
def test_an_unknown_member_is_not_found(name: str) -> None:
    with pytest.raises(RegisterError, match="is not in register version 5"):
        make_register().find(name, NOW)


def test_a_person_serves_no_authority() -> None:
    register = make_register([make_member("officer@la-203", authorities=serve("203"))])
    with pytest.raises(RegisterError, match="no active node"):
        register.find_node("203", NOW)
