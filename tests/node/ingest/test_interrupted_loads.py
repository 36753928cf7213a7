"""A load killed with SIGKILL, at seeded moments: the node serves the old snapshot or the new one, never a mix."""

import random
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.ingest.load import load_files
from node.snapshots import SnapshotStore, verify_snapshot
from tests.node.ingest.small_returns import TOKEN_KEY, clock, write_table

LOADER = """
import os, signal, sys
from pathlib import Path
from node.ingest.load import load_files
from node.snapshots import SnapshotStore
from tests.node.ingest.small_returns import TOKEN_KEY, clock

moment = int(sys.argv[3])
def count(_=None):
    global moment
    moment -= 1
    if moment < 0:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(function):
    def call(*arguments, **named):
        count()
        return function(*arguments, **named)
    return call

for name in ("fsync", "rename", "replace", "chmod"):
    setattr(os, name, counted(getattr(os, name)))
load_files([Path(sys.argv[1])], store=SnapshotStore(Path(sys.argv[2])), authority="301", token_key=TOKEN_KEY,
           clock=clock, progress=count)
"""
"""Loads, and kills itself at the given one of its steps and of its calls that touch the disk."""

MOST_MOMENTS = 75
FEW = sorted(random.Random(2025).sample(range(MOST_MOMENTS), 8))
MANY = sorted(random.Random(2026).sample(range(MOST_MOMENTS), 50))


def _write_return(directory: Path, sex: str) -> Path:
    write_table(directory, "header", f"CHILD | SEX\n1 | {sex}\n2 | {sex}")
    write_table(directory, "episodes", "CHILD | DECOM\n1 | 01/05/2024\n2 | 01/05/2024")
    write_table(directory, "2025_spring_pupilonroll", "upn\nA\nB")
    return directory


def _load(directory: Path, store: SnapshotStore) -> str | None:
    return load_files([directory], store=store, authority="301", token_key=TOKEN_KEY, clock=clock).snapshot


@dataclass(frozen=True)
class Change:
    """A store with a snapshot in it, files that lead to another, and the ids of both."""

    store: Path
    files: Path
    old: str | None
    new: str | None


@pytest.fixture(scope="module")
def change(tmp_path_factory: pytest.TempPathFactory) -> Change:
    root = tmp_path_factory.mktemp("change")
    old = _load(_write_return(root / "old", "M"), SnapshotStore(root / "snapshots"))
    files = _write_return(root / "new", "F")
    return Change(root / "snapshots", files, old, _load(files, SnapshotStore(root / "elsewhere")))


def _load_killed_at(moment: int, change: Change, root: Path) -> bool:
    """Whether a load was killed before it finished; either way the store must be whole."""
    store = SnapshotStore(Path(shutil.copytree(change.store, root)))
    arguments = [sys.executable, "-c", LOADER, str(change.files), str(root), str(moment)]
    ended = subprocess.run(arguments, check=False, cwd=Path(__file__).parents[3]).returncode
    assert ended in (0, -signal.SIGKILL)
    current = store.current()
    assert current is not None
    assert current.id in ({change.old, change.new} if ended else {change.new})
    verify_snapshot(current)
    assert (current.path / "report.json").exists()
    assert _load(change.files, store) == change.new
    assert not list(store.root.glob("staging-*"))
    return ended != 0


@pytest.mark.parametrize("moment", FEW)
def test_a_killed_load_leaves_the_old_snapshot_or_the_new_one(moment: int, change: Change, tmp_path: Path) -> None:
    _load_killed_at(moment, change, tmp_path / "snapshots")


@pytest.mark.deep
@pytest.mark.parametrize("moment", MANY)
def test_fifty_killed_loads_leave_the_old_snapshot_or_the_new_one(moment: int, change: Change, tmp_path: Path) -> None:
    _load_killed_at(moment, change, tmp_path / "snapshots")


def test_the_moments_reach_from_the_first_file_to_past_the_switch(change: Change, tmp_path: Path) -> None:
    """So that no moment of a load goes untried when it grows longer."""
    assert _load_killed_at(0, change, tmp_path / "first")
    assert not _load_killed_at(MOST_MOMENTS, change, tmp_path / "past")
