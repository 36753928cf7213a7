"""Backups: made while a party runs, put back whole or not at all, and with nothing that must not be used twice."""

import io
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.event import Action
from federation.backups import CONTENTS, LEFT_OUT, back_up, put_back, verify_restored
from federation.state import StateError
from node.service import open_node
from tests.small_federation import SmallFederation

NOW = datetime(2026, 11, 29, 2, 30, tzinfo=UTC)


@pytest.fixture
def state(federation: SmallFederation) -> Path:
    return federation.directory / "node-301"


@pytest.fixture
def backup(state: Path, tmp_path: Path) -> Path:
    target = tmp_path / "backup.tar"
    back_up(state, "node-301", target, NOW)
    return target


def files_of(directory: Path) -> dict[str, bytes]:
    """Every file that a backup should have, by its path; databases apart, which are compared by what is in them."""
    found = {path.relative_to(directory): path for path in directory.rglob("*") if path.is_file()}
    kept = {relative: path for relative, path in found.items() if relative.parts[0] not in LEFT_OUT}
    return {str(relative): path.read_bytes() for relative, path in kept.items() if ".sqlite" not in path.name}


def test_a_backup_put_back_is_the_directory_again(state: Path, backup: Path, tmp_path: Path) -> None:
    """With the log verified and the node able to open its snapshot; keys closed to everybody else."""
    again = tmp_path / "again"
    made = put_back(backup, again)
    assert files_of(again) == files_of(state)
    assert verify_restored(again, made).startswith("node-301 as of 2026-11-29 02:30 UTC: its log of ")
    node = open_node(again)
    assert node.store.current() is not None
    assert {stat.S_IMODE(path.stat().st_mode) for path in again.rglob("*") if path.is_file()} == {0o600}
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


def test_a_backup_is_made_while_the_node_writes(state: Path, tmp_path: Path) -> None:
    """An entry that is under way is not in it, and the log that is in it is whole."""
    node = open_node(state)
    with node.database.transaction() as connection:
        node.database.log.append(connection, node.event(Action.NODE_LOADED, "test", ""))
        back_up(state, "node-301", tmp_path / "during.tar", NOW)
    entries = node.database.connection.execute("SELECT count(*) AS found FROM audit_entries").fetchone()["found"]
    told = verify_restored(tmp_path / "again", put_back(tmp_path / "during.tar", tmp_path / "again"))
    assert f"its log of {entries - 1} entries is whole" in told


def test_what_must_not_outlive_its_week_is_not_in_it(state: Path, tmp_path: Path) -> None:
    for name in LEFT_OUT:
        if not (state / name).exists():
            (state / name).write_text("secret")
    target = tmp_path / "backup.tar"
    back_up(state, "node-301", target, NOW)
    with tarfile.open(target) as archive:
        tops = {name.split("/")[0] for name in archive.getnames()}
    assert tops.isdisjoint(LEFT_OUT)


def test_nothing_is_written_over(state: Path, backup: Path, tmp_path: Path) -> None:
    with pytest.raises(StateError, match="is there already"):
        back_up(state, "node-301", backup, NOW)
    with pytest.raises(StateError, match="is not empty"):
        put_back(backup, state)


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flip(data: bytes) -> bytes:
    """One bit of the last file that has any content."""
    place = len(data.rstrip(b"\0")) - 1
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def escape(data: bytes) -> bytes:
    """The same archive, one file of which is listed as lying outside."""
    return rewrite(data, lambda text: text.replace(b'"rules.toml"', b'"../rules.toml"'))


def drop(data: bytes) -> bytes:
    return rewrite(data, lambda text: text.replace(b'"member.toml"', b'"another.toml"'))


def rewrite(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(data)) as old, tarfile.open(fileobj=written, mode="w") as new:
        for member in old:
            file = old.extractfile(member)
            assert file is not None
            content = change(file.read()) if member.name == CONTENTS else file.read()
            member.size = len(content)
            new.addfile(member, io.BytesIO(content))
    return written.getvalue()


@pytest.mark.parametrize("spoil", [cut, flip, escape, drop, lambda _: b"", lambda _: b"nothing of the kind" * 100])
def test_a_backup_that_is_not_whole_puts_nothing_back(
    backup: Path, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    backup.write_bytes(spoil(backup.read_bytes()))
    with pytest.raises(StateError):
        put_back(backup, tmp_path / "again")
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "rules.toml").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".restore")] == []


def test_a_log_that_was_altered_in_the_backup_is_found_out(backup: Path, tmp_path: Path) -> None:
    from audit.verifier import LogBroken

    made = put_back(backup, tmp_path / "again")
    with closing(sqlite3.connect(tmp_path / "again" / "circe.sqlite")) as database:
        database.execute("UPDATE audit_entries SET salt = zeroblob(16) WHERE idx = 0")
        database.commit()
    with pytest.raises(LogBroken):
        verify_restored(tmp_path / "again", made)
