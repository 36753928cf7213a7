"""The root key is made once, read by its keeper alone, and signs registers that every member can read."""

import stat
from pathlib import Path

import pytest

from federation.keys import KeyFileError
from federation.register import public_text
from federation.root import NAME_FILE, SEED_FILE, create_root, open_root
from federation.state import ROOT_FILE, StateError, read_root_key
from tests.federation.cast import NOT_BASE64


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_root(tmp_path / "root", "circe-test")
    return tmp_path / "root"


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
