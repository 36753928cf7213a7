"""A file of a state directory is the old one or the new one, whole and private, whatever happens meanwhile."""

import os
import stat
from pathlib import Path

import pytest

from federation.keys import write_secret
from federation.state import REGISTER_FILE, Party, hold_directory, open_party, write_file
from tests.federation.cast import NOW, contents, make_register, write_register


class PowerCut(BaseException):
    """Stops everything, as nothing that could be caught would."""


@pytest.mark.parametrize("before", [None, b"old"], ids=["a new file", "an old file"])
@pytest.mark.parametrize(
    "failure", [OSError(28, "No space left on device"), PowerCut()], ids=["full disk", "power cut"]
)
@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace", "os.fdopen"])
def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: BaseException, before: bytes | None
) -> None:
    path = tmp_path / "file"
    if before is not None:
        write_file(path, before)
    here = contents(tmp_path)

    def fail(*_arguments: object) -> None:
        raise failure

    with monkeypatch.context() as breaking:
        breaking.setattr(step, fail)
        with pytest.raises(type(failure)):
            write_file(path, b"new")
    assert contents(tmp_path) == here
    write_file(path, b"new")
    assert contents(tmp_path) == {"file": b"new"}


def test_a_file_is_private_whatever_was_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o666)
    write_file(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One writes while the other is halfway: the file is one's or the other's, whole, and both succeed."""
    path, sync = tmp_path / "file", os.fsync
    others = iter([b"other"])

    def sync_after_another(descriptor: int) -> None:
        for data in others:
            write_file(path, data)
        sync(descriptor)

    monkeypatch.setattr("os.fsync", sync_after_another)
    write_file(path, b"one")
    assert contents(tmp_path) == {"file": b"one"}


def test_what_a_crash_left_beside_a_file_is_in_nobodys_way(member: Party) -> None:
    (member.directory / f".{REGISTER_FILE}.abc.new").write_bytes(b"half a reg")
    assert member.adopt_register(write_register(make_register(version=6)), NOW).version == 6
    assert open_party(member.directory).member_id == "node-301"


def test_a_held_directory_is_let_go_after_a_failure(tmp_path: Path) -> None:
    def fail() -> None:
        with hold_directory(tmp_path):
            raise PowerCut

    for _ in range(2):
        with pytest.raises(PowerCut):
            fail()


def test_a_secret_is_written_with_its_directory_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rename is kept by a crash only once the directory itself is on disk."""
    synced: list[bool] = []
    monkeypatch.setattr("os.fsync", lambda descriptor: synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    write_file(tmp_path / "file", b"new")
    write_secret(tmp_path / "secret", b"new")
    assert synced == [False, True] * 2
