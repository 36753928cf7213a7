"""A member asks from its own directory, as invited; its new keys wait there, and come into use with the register."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from federation.ceremony import enrol_members, revoke_member
from federation.enrolment import make_invitation, read_enrolment
from federation.envelope import EnvelopeError, seal_envelope, verify_signature
from federation.joining import ENROLMENT_FILE, request_enrolment, request_rotation
from federation.keys import KEY_FILE, NEXT_KEY_FILE
from federation.one_sitting import describe_entry, enrol_parties
from federation.passkeys import Passkey
from federation.register import Register, RegisterError, public_text
from federation.root import create_root
from federation.state import Party, StateError, create_party, join_federation, load_root_key, open_party
from tests.federation.cast import HUB, NOW, PASSKEY, contents, describe_party

DAY = timedelta(days=1)
APPROVER = describe_party(
    member_id="officer@la-301",
    kind="approver",
    title="Officer",
    organisation="la-301",
    organisation_kind="authority",
    operator="la-301",
    authorities=(),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_root(tmp_path / "root", "circe-test")
    return tmp_path / "root"


@pytest.fixture
def joined(party: Party, root: Path) -> Party:
    """A node that has joined, is enrolled and has the register."""
    joined = join_federation(party, load_root_key(root / "root.pub"), HUB)
    enrol_parties(root, root.parent / "register.json", [joined], 30, NOW)
    return adopt(joined)


def adopt(party: Party, days: int = 0) -> Party:
    """Have a party look at the newest register, so many days on."""
    party.adopt_register((party.directory.parent / "register.json").read_bytes(), NOW + days * DAY)
    return party


def grant(root: Path, request: Path, moment: timedelta = DAY) -> Register:
    return enrol_members(root, root.parent / "register.json", [request], 30, NOW + moment)


# --- Asking to be enrolled -------------------------------------------------------------------------------------------


def test_the_request_has_the_invited_entry_and_the_members_own_keys(party: Party) -> None:
    invitation = make_invitation("circe-test", describe_entry(party.profile, NOW), 14, NOW)
    path = request_enrolment(party, invitation, (), NOW)
    request = read_enrolment(path.read_bytes())
    assert path == party.directory / ENROLMENT_FILE
    assert path.stat().st_mode & 0o077 == 0
    assert (request.code, request.member.valid_from) == (invitation.code, NOW)
    keys = (request.member.public_signing_key, request.member.public_sealing_key, request.member.public_log_key)
    assert keys == (party.keys.public_signing_key, party.keys.public_sealing_key, party.keys.public_log_key)


def test_no_private_key_is_in_a_request(joined: Party) -> None:
    request_rotation(joined, None, NOW + DAY)
    keys = joined.keys
    for seed in (keys.signing_seed, keys.sealing_seed, keys.log_seed, keys.row_secret, keys.log_secret):
        for path in joined.directory.glob("*.json"):
            assert path.name.startswith("key") or public_text(seed) not in path.read_text()


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("id", "node-302", "id"),
        ("kind", "witness", "kind"),
        ("organisation", "la-302", "organisation"),
        ("operator", "consortium", "operator"),
        ("authorities", (), "authority"),
    ],
)
def test_an_invitation_for_somebody_else_is_not_used(party: Party, field: str, value: object, named: str) -> None:
    entry = msgspec.structs.replace(describe_entry(party.profile, NOW), **{field: value})
    invitation = msgspec.structs.replace(
        make_invitation("circe-test", describe_entry(party.profile, NOW), 14, NOW), entry=entry
    )
    with pytest.raises(StateError, match=rf"differs from {party.directory} in {named}: ask for another"):
        request_enrolment(party, invitation, (), NOW)
    assert not (party.directory / ENROLMENT_FILE).exists()


def test_an_approver_asks_with_passkeys_and_nobody_else_does(party: Party, tmp_path: Path) -> None:
    approver = create_party(tmp_path / "officer", APPROVER)
    invitation = make_invitation("circe-test", describe_entry(APPROVER, NOW), 14, NOW)
    path = request_enrolment(approver, invitation, (PASSKEY,), NOW)
    assert read_enrolment(path.read_bytes()).member.passkeys == (PASSKEY,)
    with pytest.raises(RegisterError, match="node-301 is a node: approvers alone have passkeys"):
        request_enrolment(
            party, make_invitation("circe-test", describe_entry(party.profile, NOW), 14, NOW), (PASSKEY,), NOW
        )


def test_a_passkey_that_no_register_would_hold_is_found_out_at_home(tmp_path: Path) -> None:
    approver = create_party(tmp_path / "officer", APPROVER)
    invitation = make_invitation("circe-test", describe_entry(APPROVER, NOW), 14, NOW)
    wrong = Passkey(relying_party="node.example", credential=PASSKEY.credential, public_key=public_text(bytes(42)))
    with pytest.raises(RegisterError, match=r"officer@la-301: a passkey's public key is a COSE_Key"):
        request_enrolment(approver, invitation, (wrong,), NOW)


# --- Rotating --------------------------------------------------------------------------------------------------------


def test_new_keys_wait_until_the_register_names_them(joined: Party, root: Path) -> None:
    """Whoever holds the party goes on with the old ones till then, and has the new ones at once."""
    old = joined.keys
    request = request_rotation(joined, None, NOW + DAY)
    assert joined.awaits_rotation
    assert adopt(joined).keys == old
    register = grant(root, request)
    assert joined.keys == old
    adopt(joined, 1)
    entry = register.find("node-301", NOW + DAY)
    assert joined.keys.public_signing_key == entry.public_signing_key != old.public_signing_key
    assert open_party(joined.directory).keys == joined.keys
    assert not joined.awaits_rotation
    assert joined.keys.log_token("x") == old.log_token("x")


def test_a_signature_counts_under_the_register_that_is_valid_now(joined: Party, root: Path) -> None:
    """What was signed before a rotation counts until the register names the other key, and no longer."""
    signed = seal_envelope(b"{}", "application/vnd.circe.manifest+json", joined.keys)
    before = joined.register(NOW).find("node-301", NOW)
    verify_signature(signed, "node-301", before.public_signing_key)
    after = grant(root, request_rotation(joined, None, NOW + DAY)).find("node-301", NOW + DAY)
    with pytest.raises(EnvelopeError, match="does not verify"):
        verify_signature(signed, "node-301", after.public_signing_key)


def test_the_same_keys_wait_when_rotation_is_asked_for_again(joined: Party, root: Path) -> None:
    request_rotation(joined, None, NOW + DAY)
    waiting = (joined.directory / NEXT_KEY_FILE).read_bytes()
    request = request_rotation(joined, None, NOW + DAY)
    assert (joined.directory / NEXT_KEY_FILE).read_bytes() == waiting
    grant(root, request)
    adopt(joined, 1)
    assert (joined.directory / KEY_FILE).read_bytes() == waiting


def test_a_rotation_interrupted_after_the_register_came_is_finished_with_the_next_look(
    joined: Party, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant(root, request_rotation(joined, None, NOW + DAY))

    def fail(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr("federation.key_ring.KeyRing.take_up_next", fail)
        with pytest.raises(KeyboardInterrupt):
            adopt(joined, 1)
    assert joined.awaits_rotation
    assert not adopt(joined, 1).awaits_rotation


def test_passkeys_stay_when_keys_rotate_unless_others_are_given(root: Path, tmp_path: Path) -> None:
    officer = join_federation(create_party(tmp_path / "officer", APPROVER), load_root_key(root / "root.pub"), HUB)
    enrol_parties(root, tmp_path / "register.json", [officer], 30, NOW)
    adopt(officer)
    grant(root, request_rotation(officer, [PASSKEY], NOW + DAY))
    kept = grant(root, request_rotation(adopt(officer, 1), None, NOW + 2 * DAY), 2 * DAY)
    assert kept.find("officer@la-301", NOW + 2 * DAY).passkeys == (PASSKEY,)
    gone = grant(root, request_rotation(adopt(officer, 2), [], NOW + 3 * DAY), 3 * DAY)
    assert gone.find("officer@la-301", NOW + 3 * DAY).passkeys == ()


def test_a_revoked_member_does_not_rotate(joined: Party, root: Path) -> None:
    revoke_member(root, root.parent / "register.json", "node-301", 30, NOW)
    with pytest.raises(RegisterError, match="node-301 is revoked"):
        request_rotation(adopt(joined), None, NOW + DAY)
    assert contents(joined.directory).keys() & {NEXT_KEY_FILE, "rotation.json"} == set()


def test_a_directory_whose_keys_are_not_registered_does_not_rotate(joined: Party, root: Path) -> None:
    """Restored from a copy older than the last rotation, it has keys that have ended."""
    old = (joined.directory / KEY_FILE).read_bytes()
    grant(root, request_rotation(joined, None, NOW + DAY))
    adopt(joined, 1)
    (joined.directory / KEY_FILE).write_bytes(old)
    with pytest.raises(RegisterError, match="the register has other keys of node-301 than this directory"):
        request_rotation(joined, None, NOW + 2 * DAY)
