"""The root key is made once, read by its keeper alone, and signs registers that every member can read."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from federation.envelope import write_envelope
from federation.keys import KeyFileError
from federation.register import RegisterError, public_text, read_register, write_enrolment
from federation.root import NAME_FILE, SEED_FILE, create_root, enrol_members, open_root
from federation.state import ROOT_FILE, StateError, read_root_key
from tests.federation.cast import NOT_BASE64, NOW, OTHER_ROOT, make_keys, make_member, make_register, write_register


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_root(tmp_path / "root", "circe-test")
    return tmp_path / "root"


@pytest.fixture
def register_file(tmp_path: Path) -> Path:
    return tmp_path / "register.json"


def ask(directory: Path, member_id: str, signer: str | None = None) -> Path:
    """A member's enrolment request, as a file."""
    path = directory / f"{member_id}.json"
    request = write_enrolment(make_member(member_id), make_keys(signer or member_id))
    path.write_bytes(write_envelope(request))
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- The key ---------------------------------------------------------------------------------------------------------


def test_the_key_is_its_keepers_alone_and_its_public_half_everyones(root: Path) -> None:
    assert {path.name: mode_of(path) for path in root.iterdir()} == {
        SEED_FILE: 0o600,
        NAME_FILE: 0o600,
        ROOT_FILE: 0o644,
    }
    assert mode_of(root) == 0o700


def test_the_public_half_belongs_to_the_key(root: Path) -> None:
    key = open_root(root)
    assert read_root_key((root / ROOT_FILE).read_text()) == key.public_key
    assert key.federation == "circe-test"
    assert key.member_id == "root"


def test_a_root_key_is_never_replaced(root: Path) -> None:
    before = {path.name: path.read_bytes() for path in root.iterdir()}
    with pytest.raises(StateError, match="already holds a root key: it is made once and never replaced"):
        create_root(root, "another")
    assert {path.name: path.read_bytes() for path in root.iterdir()} == before


def test_two_roots_differ(tmp_path: Path, root: Path) -> None:
    create_root(tmp_path / "other", "circe-test")
    assert open_root(tmp_path / "other").public_key != open_root(root).public_key


def test_no_repr_shows_the_key(root: Path) -> None:
    key = open_root(root)
    assert public_text(key.seed)[:12] not in repr(key)
    assert repr(key.seed)[2:-1] not in repr(key)


@pytest.mark.parametrize("step", ["write_secret", "write_file"])
def test_an_interrupted_ceremony_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The key comes last, so what is there when it is there is complete and belongs together."""

    def fail(path: Path, _data: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(f"federation.root.{step}", fail)
        with pytest.raises(KeyboardInterrupt):
            create_root(tmp_path / "root", "circe-test")
    with pytest.raises(StateError, match="holds no root key"):
        open_root(tmp_path / "root")
    public = create_root(tmp_path / "root", "circe-test")
    assert read_root_key(public.read_text()) == open_root(tmp_path / "root").public_key


@pytest.mark.parametrize("name", ["", "Circe", "two words", "a\n", "../x", "a" * 65], ids=ascii)
def test_a_federation_without_a_usable_name_is_not_made(tmp_path: Path, name: str) -> None:
    """Every register carries it, and no member would read one."""
    with pytest.raises(StateError, match="a federation's name is 1 to 64 of"):
        create_root(tmp_path / "root", name)
    assert not (tmp_path / "root").exists()


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="holds no root key: make one"):
        open_root(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644], ids=oct)
def test_a_key_open_to_others_is_refused(root: Path, mode: int) -> None:
    (root / SEED_FILE).chmod(mode)
    with pytest.raises(KeyFileError, match="open to other users"):
        open_root(root)


@pytest.mark.parametrize(
    ("name", "content"),
    [(SEED_FILE, b"\xff" * 44), (SEED_FILE, public_text(bytes(31)).encode()), (NAME_FILE, b"\xff"), (NAME_FILE, b"A b")]
    + [(SEED_FILE, text.encode()) for text in NOT_BASE64],
    ids=ascii,
)
def test_a_damaged_key_is_named_and_not_shown(root: Path, name: str, content: bytes) -> None:
    (root / name).write_bytes(content)
    with pytest.raises(StateError, match="is damaged: restore them from a copy") as error:
        open_root(root)
    assert str(root / SEED_FILE) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_name_is_damage(root: Path) -> None:
    (root / NAME_FILE).unlink()
    with pytest.raises(StateError, match="is damaged"):
        open_root(root)


# --- Registers -------------------------------------------------------------------------------------------------------


def test_members_are_enrolled_version_by_version(root: Path, register_file: Path, tmp_path: Path) -> None:
    first = enrol_members(root, register_file, [ask(tmp_path, "node-203")], 30, NOW)
    second = enrol_members(root, register_file, [ask(tmp_path, "node-301"), ask(tmp_path, "hub")], 7, NOW)
    assert [(each.version, len(each.members)) for each in (first, second)] == [(1, 1), (2, 3)]
    assert [member.id for member in second.members] == ["node-203", "node-301", "hub"]
    assert second.expires_at == NOW + timedelta(days=7)
    assert read_register(register_file.read_bytes(), open_root(root).public_key, NOW) == second


def test_an_expired_register_is_renewed(root: Path, register_file: Path, tmp_path: Path) -> None:
    enrol_members(root, register_file, [ask(tmp_path, "node-203")], 1, NOW)
    later = NOW + timedelta(days=9, microseconds=5)
    renewed = enrol_members(root, register_file, [], 30, later)
    assert (renewed.version, len(renewed.members)) == (2, 1)
    assert read_register(register_file.read_bytes(), open_root(root).public_key, later) == renewed


def test_a_request_that_is_refused_changes_nothing(root: Path, register_file: Path, tmp_path: Path) -> None:
    enrol_members(root, register_file, [ask(tmp_path, "node-203")], 30, NOW)
    before = register_file.read_bytes()
    wrong = {
        "share one id": [ask(tmp_path, "node-203")],
        f"{tmp_path}/hub.json: enrolment request: expected one signature by hub": [ask(tmp_path, "hub", "node-301")],
    }
    for reason, requests in wrong.items():
        with pytest.raises(RegisterError, match=reason):
            enrol_members(root, register_file, [ask(tmp_path, "ana@ucl"), *requests], 30, NOW)
        assert register_file.read_bytes() == before


@pytest.mark.parametrize(
    "content", [b"", b"{}", write_register(make_register(), OTHER_ROOT)], ids=["empty", "object", "forged"]
)
def test_a_register_that_is_not_the_last_one_is_not_built_upon(root: Path, register_file: Path, content: bytes) -> None:
    register_file.write_bytes(content)
    with pytest.raises(RegisterError, match=f"^{register_file}: register: "):
        enrol_members(root, register_file, [], 30, NOW)
    assert register_file.read_bytes() == content
