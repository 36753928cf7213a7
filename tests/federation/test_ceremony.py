"""The root's ceremonies: who was invited is enrolled, once; and no slip of its keeper starts a second register."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from federation import ceremony
from federation.ceremony import LEDGER_FILE, enrol_members, invite_member, read_ledger, revoke_member
from federation.enrolment import Invitation, make_invitation, write_enrolment, write_rotation
from federation.envelope import read_envelope, write_envelope
from federation.keys import KeyFileError
from federation.register import (
    REGISTER_TYPE,
    FormerKey,
    Member,
    Register,
    RegisterError,
    read_register,
    read_signed_register,
)
from federation.root import SEED_FILE, create_root, open_root
from federation.state import REGISTER_FILE, StateError, write_file
from federation.wire import encode_document
from tests.federation.cast import (
    NOW,
    OTHER_ROOT,
    contents,
    make_keys,
    make_member,
    make_register,
    serve,
    write_register,
)
from tests.federation.test_enrolment import Named, entry_of

DAY = timedelta(days=1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_root(tmp_path / "root", "circe-test")
    return tmp_path / "root"


@pytest.fixture
def register_file(tmp_path: Path) -> Path:
    return tmp_path / "register.json"


def invite(root: Path, member_id: str) -> Invitation:
    return invite_member(root, entry_of(make_member(member_id)), 14, NOW)


def write_request(root: Path, member: Member, code: str, signer: str = "") -> Path:
    path = root.parent / f"request-{member.id}.json"
    path.write_bytes(write_envelope(write_enrolment(code, member, Named(member.id, signer or member.id))))
    return path


def ask(root: Path, member_id: str, **changes: object) -> Path:
    """Have a member invited, and return its request, made now, with some fields changed since."""
    member = make_member(member_id, **{"valid_from": NOW, **changes})
    return write_request(root, member, invite(root, member_id).code)


def rotate(root: Path, member_id: str, new: str, old: str = "", **changes: object) -> Path:
    fresh = make_member(new)
    keys = {"signing_key": fresh.signing_key, "sealing_key": fresh.sealing_key, "valid_from": NOW + DAY}
    member = make_member(member_id, **{**keys, **changes})
    path = root.parent / f"rotation-{member_id}-{new}.json"
    path.write_bytes(write_envelope(write_rotation(member, Named(member_id, new), Named(member_id, old or member_id))))
    return path


def enrol(root: Path, register_file: Path, *members: str) -> Register:
    return enrol_members(root, register_file, [ask(root, member) for member in members], 30, NOW)


# --- Registers that follow one another -------------------------------------------------------------------------------


def test_members_are_enrolled_version_by_version(root: Path, register_file: Path) -> None:
    first = enrol(root, register_file, "node-203")
    second = enrol_members(root, register_file, [ask(root, "node-301"), ask(root, "hub")], 7, NOW)
    assert [(each.version, len(each.members)) for each in (first, second)] == [(1, 1), (2, 3)]
    assert [member.id for member in second.members] == ["node-203", "node-301", "hub"]
    assert second.expires_at == NOW + timedelta(days=7)
    assert read_register(register_file.read_bytes(), open_root(root).public_key, NOW) == second
    assert (root / REGISTER_FILE).read_bytes() == register_file.read_bytes()


def test_an_expired_register_is_renewed(root: Path, register_file: Path) -> None:
    enrol(root, register_file, "node-203")
    later = NOW + timedelta(days=39, microseconds=5)
    renewed = enrol_members(root, register_file, [], 30, later)
    assert (renewed.version, len(renewed.members)) == (2, 1)
    assert read_register(register_file.read_bytes(), open_root(root).public_key, later) == renewed


def test_a_register_file_that_was_mistyped_starts_no_second_line(
    root: Path, register_file: Path, tmp_path: Path
) -> None:
    enrol(root, register_file, "node-203")
    elsewhere = enrol_members(root, tmp_path / "regsiter.json", [ask(root, "node-301")], 30, NOW)
    assert (elsewhere.version, len(elsewhere.members)) == (2, 2)
    assert enrol_members(root, register_file, [], 30, NOW).version == 3


def test_an_older_file_is_replaced_and_not_built_upon(root: Path, register_file: Path) -> None:
    """What is carried about may come back old; members know newer ones."""
    enrol(root, register_file, "node-203")
    old = register_file.read_bytes()
    enrol(root, register_file, "node-301")
    register_file.write_bytes(old)
    assert enrol_members(root, register_file, [], 30, NOW).version == 3


def test_a_root_restored_from_an_old_copy_goes_on_from_the_newer_register(root: Path, register_file: Path) -> None:
    """Otherwise it would sign a second version 2, and members that have the first would refuse it for ever."""
    enrol(root, register_file, "node-203")
    old = contents(root)
    enrol(root, register_file, "node-301")
    for name, content in old.items():
        (root / name).write_bytes(content)
    third = enrol_members(root, register_file, [], 30, NOW)
    assert (third.version, len(third.members)) == (3, 2)


def test_two_registers_of_one_version_stop_the_ceremony(root: Path, register_file: Path) -> None:
    enrol(root, register_file, "node-203")
    other = make_register([make_member("node-301")], version=1, issued_at=NOW, expires_at=NOW + DAY)
    register_file.write_bytes(write_register(other, open_root(root)))
    with pytest.raises(
        RegisterError, match=f"{register_file} is another register of version 1: find out who signed it"
    ):
        enrol_members(root, register_file, [], 30, NOW)


@pytest.mark.parametrize(
    "content", [b"", b"{}", write_register(make_register(), OTHER_ROOT)], ids=["empty", "object", "forged"]
)
def test_a_register_that_is_not_the_last_one_is_not_built_upon(root: Path, register_file: Path, content: bytes) -> None:
    for path in (register_file, root / REGISTER_FILE):
        path.write_bytes(content)
        with pytest.raises(RegisterError, match=f"^{path}: register: "):
            enrol_members(root, register_file, [], 30, NOW)
        assert path.read_bytes() == content
        path.unlink()


@pytest.mark.parametrize("name", ["nowhere/register.json", "root"])
def test_a_place_that_cannot_be_written_is_found_out_first(root: Path, name: str) -> None:
    request = ask(root, "node-203")
    with pytest.raises(StateError, match="cannot be written: name a file in a directory that exists"):
        enrol_members(root, root.parent / name, [request], 30, NOW)
    assert enrol_members(root, root.parent / "register.json", [request], 30, NOW).version == 1


def test_a_register_for_longer_than_thirty_days_is_not_signed(root: Path, register_file: Path) -> None:
    with pytest.raises(RegisterError, match="at most 30 days"):
        enrol_members(root, register_file, [ask(root, "node-203")], 31, NOW)
    assert not register_file.exists()


# --- Invitations -----------------------------------------------------------------------------------------------------


def test_the_code_of_an_invitation_is_not_kept(root: Path) -> None:
    invitation = invite(root, "node-301")
    assert all(invitation.code.encode() not in content for content in contents(root).values())
    assert (root / LEDGER_FILE).stat().st_mode & 0o077 == 0


def test_an_invitation_serves_once(root: Path, register_file: Path) -> None:
    """Also for the same member with other keys, once it has been revoked."""
    code = invite(root, "node-301").code
    enrol_members(root, register_file, [write_request(root, make_member("node-301", valid_from=NOW), code)], 30, NOW)
    revoke_member(root, register_file, "node-301", 30, NOW)
    fresh = make_member("fresh")
    member = make_member(
        "node-301",
        signing_key=fresh.signing_key,
        sealing_key=fresh.sealing_key,
        log_key=fresh.log_key,
        valid_from=NOW,
    )
    with pytest.raises(RegisterError, match="the invitation of node-301 has been used already"):
        enrol_members(root, register_file, [write_request(root, member, code, "fresh")], 30, NOW)


def test_of_two_requests_under_one_invitation_the_ceremony_takes_neither(root: Path, register_file: Path) -> None:
    """Somebody who saw the invitation asks too: the keeper has to find out who is who."""
    code = invite(root, "node-301").code
    honest = write_request(root, make_member("node-301", valid_from=NOW), code).rename(root.parent / "honest.json")
    thief = make_member(
        "node-301",
        valid_from=NOW,
        **{name: getattr(make_member("thief"), name) for name in ("signing_key", "sealing_key", "log_key")},
    )
    with pytest.raises(RegisterError, match="the invitation of node-301 has been used already"):
        enrol_members(root, register_file, [honest, write_request(root, thief, code, "thief")], 30, NOW)
    assert not register_file.exists()
    assert not any(given.used_by for given in read_ledger(root).invitations)


def test_inviting_anew_ends_the_earlier_invitation(root: Path, register_file: Path) -> None:
    lost = ask(root, "node-301")
    invite(root, "node-301")
    with pytest.raises(RegisterError, match="node-301 was not invited, or was invited anew since"):
        enrol_members(root, register_file, [lost], 30, NOW)


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "not invited": (
        lambda root: write_request(root, make_member("node-301", valid_from=NOW), "f" * 64),
        "node-301 was not invited",
    ),
    "a code of another federation": (
        lambda root: write_request(
            root,
            make_member("node-301", valid_from=NOW),
            make_invitation("elsewhere", entry_of(make_member("node-301")), 14, NOW).code,
        ),
        "node-301 was not invited",
    ),
    "somebody else's invitation": (
        lambda root: write_request(root, make_member("node-203", valid_from=NOW), invite(root, "node-301").code),
        "not as node-301 was invited, in id, title, organisation, operator, authorities",
    ),
    "another title": (lambda root: ask(root, "node-301", title="The department"), "not as .* invited, in title"),
    "another operator": (lambda root: ask(root, "node-301", operator="consortium"), "not as .* invited, in operator"),
    "another authority": (lambda root: ask(root, "node-301", authorities=serve("302")), "invited, in authorities"),
    "a longer membership": (
        lambda root: ask(root, "node-301", valid_to=NOW + timedelta(days=900)),
        "not as .* invited, in valid_to",
    ),
    "keys older than the invitation": (
        lambda root: ask(root, "node-301", valid_from=NOW - timedelta(minutes=6)),
        "made it before it was invited",
    ),
    "keys from the future": (
        lambda root: ask(root, "node-301", valid_from=NOW + timedelta(minutes=6)),
        "or in the future",
    ),
    "with former keys": (
        lambda root: ask(
            root, "node-301", former_keys=(FormerKey(signing_key=make_member("hub").signing_key, last_version=1),)
        ),
        "made it before it was invited",
    ),
    "revoked by itself": (lambda root: ask(root, "node-301", revoked=True), "made it before it was invited"),
    "a key that it does not hold": (
        lambda root: write_request(
            root, make_member("node-301", valid_from=NOW), invite(root, "node-301").code, "node-203"
        ),
        "the signature by node-301 does not verify",
    ),
    "keys that another member has": (
        lambda root: write_request(
            root,
            make_member("node-301", valid_from=NOW, signing_key=make_member("hub").signing_key),
            invite(root, "node-301").code,
            "hub",
        ),
        "share one signing key",
    ),
    "no request": (lambda root: write_bytes(root.parent / "x.json", b"{}"), "^.*x.json: request: Envelope"),
    "a register": (
        lambda root: write_bytes(root.parent / "x.json", write_register(make_register())),
        "neither an enrolment request nor a rotation request",
    ),
    "a rotation of nobody": (lambda root: rotate(root, "node-301", "fresh"), "node-301 is not in register version 1"),
}


def write_bytes(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_request_that_is_refused_changes_nothing(
    root: Path, register_file: Path, make: Callable[[Path], Path], reason: str
) -> None:
    """Nor does it use up the invitation, nor are the requests beside it granted."""
    enrol(root, register_file, "hub")
    requests = [ask(root, "ana@ucl"), make(root)]
    before, signed = contents(root), register_file.read_bytes()
    with pytest.raises(RegisterError, match=reason) as refused:
        enrol_members(root, register_file, requests, 30, NOW)
    assert (contents(root), register_file.read_bytes()) == (before, signed)
    assert "\n" not in str(refused.value)


def test_an_invitation_that_has_run_out_is_refused(root: Path, register_file: Path) -> None:
    request = ask(root, "node-301")
    with pytest.raises(RegisterError, match="has run out"):
        enrol_members(root, register_file, [request], 30, NOW + timedelta(days=14))


def test_nobody_is_invited_who_is_a_member(root: Path, register_file: Path) -> None:
    enrol(root, register_file, "node-301")
    with pytest.raises(RegisterError, match="node-301 is a member already: its keys are rotated, or revoked first"):
        invite(root, "node-301")
    revoke_member(root, register_file, "node-301", 30, NOW)
    assert invite(root, "node-301").entry.id == "node-301"


def test_whose_membership_has_ended_is_invited_again(root: Path, register_file: Path) -> None:
    """And comes back with other keys, since those that it had have been ended with it."""
    enrol(root, register_file, "node-301")
    later = make_member("node-301").valid_to
    renewed = msgspec.structs.replace(entry_of(make_member("node-301")), valid_to=later + DAY)
    fresh = {name: getattr(make_member("fresh"), name) for name in ("signing_key", "sealing_key", "log_key")}
    member = make_member("node-301", valid_from=later, valid_to=renewed.valid_to, **fresh)
    request = write_request(root, member, invite_member(root, renewed, 14, later).code, "fresh")
    assert enrol_members(root, register_file, [request], 30, later).members == (member,)
    other = make_member("node-203", signing_key=make_member("node-301").signing_key, valid_from=later)
    invited = msgspec.structs.replace(entry_of(other), valid_to=later + DAY)
    other = msgspec.structs.replace(other, valid_to=later + DAY)
    request = write_request(root, other, invite_member(root, invited, 14, later).code, "node-301")
    with pytest.raises(RegisterError, match="node-203 asks for a key that has been ended"):
        enrol_members(root, register_file, [request], 30, later)


# --- Rotation and revocation -----------------------------------------------------------------------------------------


def test_a_member_keeps_its_place_and_all_but_its_keys_when_it_rotates(root: Path, register_file: Path) -> None:
    enrol(root, register_file, "node-301", "hub")
    register = enrol_members(root, register_file, [rotate(root, "node-301", "fresh")], 30, NOW + DAY)
    fresh = make_member("fresh")
    expected = make_member(
        "node-301",
        signing_key=fresh.signing_key,
        sealing_key=fresh.sealing_key,
        valid_from=NOW + DAY,
        former_keys=(FormerKey(signing_key=make_member("node-301").signing_key, last_version=1),),
    )
    assert register.members == (expected, make_member("hub", valid_from=NOW))


def test_a_membership_is_renewed_when_its_keys_are(root: Path, register_file: Path) -> None:
    enrol(root, register_file, "node-301")
    end = NOW + timedelta(days=700)
    register = enrol_members(root, register_file, [rotate(root, "node-301", "fresh")], 30, NOW + DAY, until=end)
    assert register.members[0].valid_to == end


@pytest.mark.parametrize("days", [-1, 4000], ids=["over", "for ever"])
def test_an_end_that_was_mistyped_is_granted_to_nobody(root: Path, register_file: Path, days: int) -> None:
    enrol(root, register_file, "node-301")
    request = rotate(root, "node-301", "fresh")
    with pytest.raises(RegisterError, match="node-301: a membership ends in the future, and within three years"):
        enrol_members(root, register_file, [request], 30, NOW + DAY, until=NOW + days * DAY)


def test_keys_that_were_rotated_out_never_come_back(root: Path, register_file: Path) -> None:
    """Whoever has them signs a request to return to them, or has itself invited with them: both are refused."""
    enrol(root, register_file, "node-301")
    register = enrol_members(root, register_file, [rotate(root, "node-301", "fresh")], 30, NOW + DAY)
    former = register.members[0].former_keys
    back = rotate(root, "node-301", "node-301", "fresh", valid_from=NOW + 2 * DAY, former_keys=former)
    with pytest.raises(RegisterError, match="node-301 asks for a key that has been ended: make new ones"):
        enrol_members(root, register_file, [back], 30, NOW + 2 * DAY)
    other = make_member("node-203", signing_key=make_member("node-301").signing_key, valid_from=NOW)
    request = write_request(root, other, invite(root, "node-203").code, "node-301")
    with pytest.raises(RegisterError, match="node-203 asks for a key that has been ended"):
        enrol_members(root, register_file, [request], 30, NOW + DAY)


def test_former_keys_are_remembered_for_as_many_rotations_as_fit(
    root: Path, register_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ceremony, "MOST_FORMER", 2)
    register, names = enrol(root, register_file, "node-301"), ["node-301", "first", "second", "third"]
    for day, (old, new) in enumerate(pairwise(names), start=1):
        known = register.members[0].former_keys
        request = rotate(root, "node-301", new, old, valid_from=NOW + day * DAY, former_keys=known)
        register = enrol_members(root, register_file, [request], 30, NOW + day * DAY)
    member = register.members[0]
    assert [former.last_version for former in member.former_keys] == [2, 3]
    keys = [make_keys(name).public_signing_key for name in names]
    assert [member.signing_key_in(version) for version in (2, 3, 4, 5)] == [*keys[1:], keys[3]]


def test_a_rotation_is_not_granted_a_second_time(root: Path, register_file: Path) -> None:
    """The registered key is another by then, and the old one signs for nothing."""
    enrol(root, register_file, "node-301")
    request = rotate(root, "node-301", "fresh")
    enrol_members(root, register_file, [request], 30, NOW + DAY)
    with pytest.raises(RegisterError, match="does not verify"):
        enrol_members(root, register_file, [request], 30, NOW + DAY)


def test_two_rotations_of_one_member_stop_the_ceremony(root: Path, register_file: Path) -> None:
    """Whoever stole a key may have asked too, and the last to be named must not win."""
    enrol(root, register_file, "node-301")
    requests = [rotate(root, "node-301", "fresh"), rotate(root, "node-301", "thief")]
    with pytest.raises(RegisterError, match="another request in this ceremony: find out which one is meant"):
        enrol_members(root, register_file, requests, 30, NOW + DAY)


def test_a_revoked_member_stays_in_the_register_and_its_keys_are_ended(root: Path, register_file: Path) -> None:
    enrol(root, register_file, "node-301", "hub")
    register = revoke_member(root, register_file, "node-301", 30, NOW)
    assert [(member.id, member.revoked) for member in register.members] == [("node-301", True), ("hub", False)]
    with pytest.raises(RegisterError, match="node-301 is revoked"):
        register.find("node-301", NOW)
    with pytest.raises(RegisterError, match="node-301 is revoked"):
        enrol_members(root, register_file, [rotate(root, "node-301", "fresh")], 30, NOW + DAY)


def test_a_member_who_was_revoked_comes_back_with_other_keys_by_invitation(root: Path, register_file: Path) -> None:
    enrol(root, register_file, "node-301")
    revoke_member(root, register_file, "node-301", 30, NOW)
    with pytest.raises(RegisterError, match="asks for a key that has been ended"):
        enrol_members(root, register_file, [ask(root, "node-301")], 30, NOW)
    fresh = {name: getattr(make_member("fresh"), name) for name in ("signing_key", "sealing_key", "log_key")}
    member = make_member("node-301", valid_from=NOW, **fresh)
    request = write_request(root, member, invite(root, "node-301").code, "fresh")
    assert enrol_members(root, register_file, [request], 30, NOW).members == (member,)


@pytest.mark.parametrize("name", ["node-203", "Node-301", "root", ""])
def test_a_name_that_was_mistyped_revokes_nobody(root: Path, register_file: Path, name: str) -> None:
    enrol(root, register_file, "node-301")
    before = register_file.read_bytes()
    with pytest.raises(RegisterError, match="is no member, or revoked already: circe member list shows who is"):
        revoke_member(root, register_file, name, 30, NOW)
    assert register_file.read_bytes() == before


# --- The root's own files --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["write_ledger", "write_file"])
def test_a_ceremony_that_was_broken_off_is_begun_again(
    root: Path, register_file: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The same request is granted then, although its invitation may have been noted as used."""
    request = ask(root, "node-301")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(ceremony, step, fail)
        with pytest.raises(KeyboardInterrupt):
            enrol_members(root, register_file, [request], 30, NOW)
    assert enrol_members(root, register_file, [request], 30, NOW).version == 1


def test_a_ceremony_broken_off_before_the_copy_is_finished_without_requests(
    root: Path, register_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, written = ask(root, "node-301"), write_file

    def fail_outside(path: Path, data: bytes) -> None:
        if path == register_file:
            raise OSError(28, "No space left on device")
        written(path, data)

    with monkeypatch.context() as full:
        full.setattr(ceremony, "write_file", fail_outside)
        with pytest.raises(OSError, match="No space"):
            enrol_members(root, register_file, [request], 30, NOW)
    with pytest.raises(RegisterError, match="node-301 is a member already: leave its request out"):
        enrol_members(root, register_file, [request], 30, NOW)
    register = enrol_members(root, register_file, [], 30, NOW)
    assert (register.version, [member.id for member in register.members]) == (2, ["node-301"])


@pytest.mark.parametrize("content", [b"", b"{}", b'{"invitations":[],"ended_keys":[],"more":1}'], ids=ascii)
def test_a_damaged_ledger_is_named_and_not_replaced(root: Path, register_file: Path, content: bytes) -> None:
    """Without it, invitations that were used and keys that were ended could serve again."""
    (root / LEDGER_FILE).write_bytes(content)
    for act in (lambda: invite(root, "node-301"), lambda: enrol_members(root, register_file, [], 30, NOW)):
        with pytest.raises(StateError, match=rf"{LEDGER_FILE} is damaged .*: restore it from a copy"):
            act()
    assert (root / LEDGER_FILE).read_bytes() == content


def test_a_root_key_open_to_others_signs_nothing(root: Path, register_file: Path) -> None:
    (root / SEED_FILE).chmod(0o644)
    with pytest.raises(KeyFileError, match="open to other users"):
        enrol_members(root, register_file, [], 30, NOW)


def test_what_is_signed_is_signed_by_the_root_alone(root: Path, register_file: Path) -> None:
    enrol(root, register_file, "node-301")
    assert read_envelope(register_file.read_bytes(), REGISTER_TYPE).signers == ("root",)
    assert read_signed_register(register_file.read_bytes(), open_root(root).public_key).federation == "circe-test"
    assert encode_document(read_ledger(root)) == (root / LEDGER_FILE).read_bytes()
    assert make_keys("node-301").signing_seed not in (root / LEDGER_FILE).read_bytes()
