"""Snapshots: immutable, named, dated versions of a node's governed tables, and the switch from one to the next.

    root/current                 the id of the snapshot in use, one line
    root/lock                    held by the one load that may be writing
    root/staging-.../            a load under way; left behind by a dead one, it goes at the next load
    root/doomed-<id>/            a snapshot being destroyed; what is left of it goes at the next load, too
    root/<id>/snapshot.json      what the snapshot is, with the SHA-256 of every Parquet file
    root/<id>/report.json        the load report
    root/<id>/governed/          the tables that can be asked about
    root/<id>/identified/        the vault: whom the tokens stand for, and the rows as they were loaded

Everything is written, flushed and renamed before the pointer is replaced, so a power cut at any moment leaves the
old snapshot in use or the new one. Files are 0600 and directories 0700.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from federation.register_reader import identify_file

GOVERNED, IDENTIFIED, STAGED = "governed", "identified", "identified/staged"
_ID = re.compile(r"[0-9]{6}-(autumn|spring|summer)-[0-9a-f]{16}")
REPORT = "report.json"
_POINTER, _LOCK, _STAGING, _DOOMED, _MANIFEST = "current", "lock", "staging-", "doomed-", "snapshot.json"


class SnapshotMissing(Exception):
    """There is no snapshot of that name here."""


class SnapshotInUse(Exception):
    """The current snapshot is not to be destroyed."""


class SnapshotDamaged(Exception):
    """A snapshot's files are not those it was published with. The text names the file."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One published snapshot.

    `id` is its latest term and the first figures of a hash over all its Parquet files; `content_hash` is a SHA-256
    over the governed tables alone, so two snapshots that answer alike have the same. `tables` are the governed
    tables by name, `identified` the vault, which the query engine must never be given.
    """

    id: str
    path: Path
    academic_years: tuple[int, ...]
    tables: Mapping[str, Path]
    identified: Mapping[str, Path]
    content_hash: str
    created: datetime

    @property
    def term(self) -> str:
        """The latest term of what was loaded, such as 202425-summer."""
        return self.id.rpartition("-")[0]

    @property
    def staged(self) -> Path:
        """The directory of the rows as they were loaded, on which the next load builds."""
        return self.path / STAGED

    @property
    def hashes(self) -> Mapping[str, str]:
        """The SHA-256 of every Parquet file, by its place in the snapshot. Raises `SnapshotDamaged`."""
        return MappingProxyType(_read_manifest(self.path)["files"])


def seal_snapshot(stage: Path, *, term: str, academic_years: Sequence[int], created: datetime) -> str:
    """Name a finished staging directory by what it holds, and write its manifest. Returns the snapshot's id."""
    hashes = {str(path.relative_to(stage)): _sha256(path) for path in sorted(stage.rglob("*.parquet"))}
    identifier = f"{term}-{_hash_of(hashes)[:16]}"
    manifest = {
        "id": identifier,
        "academic_years": list(academic_years),
        "created": created.isoformat(),
        "content_hash": _hash_of({name: each for name, each in hashes.items() if name.startswith(GOVERNED)}),
        "files": hashes,
    }
    (stage / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return identifier


def verify_snapshot(snapshot: Snapshot) -> None:
    """Check every file of a snapshot against its manifest. Raises `SnapshotDamaged`."""
    for name, expected in snapshot.hashes.items():
        path = snapshot.path / name
        if not path.is_file() or _sha256(path) != expected:
            raise SnapshotDamaged(f"{path} is not the file that was published; restore it or load the files again")


class SnapshotStore:
    """The snapshots of one node, of which one is current."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> Snapshot | None:
        """The snapshot in use; None before the first load. Raises `SnapshotMissing`."""
        pointer = self.root / _POINTER
        return self.get(pointer.read_text(encoding="utf-8").strip()) if pointer.exists() else None

    def get(self, identifier: str) -> Snapshot:
        """The snapshot of that id. Raises `SnapshotMissing`."""
        path = self.root / identifier
        if not _ID.fullmatch(identifier) or not path.is_dir():
            raise SnapshotMissing(f"there is no snapshot {identifier!r} here; it was never loaded, or was destroyed")
        return _read_snapshot(path)

    def newest(self, term: str) -> Snapshot | None:
        """The newest snapshot of a term such as 202425-summer: the one in use, or else the last made; None without any.

        Raises `SnapshotMissing` and `SnapshotDamaged`.
        """
        current = self.current()
        if current is not None and current.term == term:
            return current
        return next((each for each in reversed(self.all()) if each.term == term), None)

    def all(self) -> list[Snapshot]:
        """Every snapshot here, the oldest first. Raises `SnapshotDamaged`."""
        found = (_read_snapshot(path) for path in self.root.glob("*") if path.is_dir() and _ID.fullmatch(path.name))
        return sorted(found, key=lambda snapshot: (snapshot.created, snapshot.id))

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold the store: nobody else loads or destroys meanwhile. What a dead holder left unfinished goes first."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(self.root / _LOCK):
            for dead in (*self.root.glob(f"{_STAGING}*"), *self.root.glob(f"{_DOOMED}*")):
                shutil.rmtree(dead)
            yield

    def destroy(self, identifier: str) -> None:
        """Delete a snapshot; whoever calls is holding the store. At any moment it is here whole, or not at all.

        Files that later snapshots share with it stay theirs. Raises `SnapshotMissing`, and `SnapshotInUse` for the
        current one.
        """
        snapshot, current = self.get(identifier), self.current()
        if current is not None and current.id == snapshot.id:
            raise SnapshotInUse(f"snapshot {identifier} is in use; load other files before it is destroyed")
        doomed = self.root / f"{_DOOMED}{snapshot.id}"
        snapshot.path.rename(doomed)
        _sync(self.root)
        shutil.rmtree(doomed)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A directory to prepare the next snapshot in. Only one load holds it at a time; others wait."""
        with self.holding():
            stage = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.root))
            try:
                yield stage
            finally:
                shutil.rmtree(stage, ignore_errors=True)

    def publish(self, stage: Path) -> Snapshot:
        """Make a sealed staging directory the current snapshot.

        Its id says all that it holds, so where that id is here already, the snapshot there is switched to.
        """
        target = self.root / str(_read_manifest(stage)["id"])
        if not target.exists():
            _make_durable(stage)
            stage.rename(target)
            _sync(self.root)
        self._switch(target.name)
        return _read_snapshot(target)

    def _switch(self, identifier: str) -> None:
        pointer, replacement = self.root / _POINTER, self.root / f"{_POINTER}.new"
        with os.fdopen(os.open(replacement, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(identifier + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        replacement.replace(pointer)
        _sync(self.root)


def _read_snapshot(path: Path) -> Snapshot:
    return _read_published(path, identify_file(path / _MANIFEST))


@lru_cache(maxsize=256)
def _read_published(path: Path, _identity: tuple[int, ...]) -> Snapshot:
    # What is published never changes, and every lookup asks for it: it is read once, and again if it were exchanged.
    manifest = _read_manifest(path)
    return Snapshot(
        id=manifest["id"],
        path=path,
        academic_years=tuple(manifest["academic_years"]),
        tables=_parquet_in(path / GOVERNED),
        identified=_parquet_in(path / IDENTIFIED),
        content_hash=manifest["content_hash"],
        created=datetime.fromisoformat(manifest["created"]),
    )


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        found = json.loads((path / _MANIFEST).read_bytes())
    except (OSError, ValueError):
        raise SnapshotDamaged(f"{path / _MANIFEST} cannot be read; restore it or load the files again") from None
    return cast("dict[str, Any]", found)


def _parquet_in(directory: Path) -> Mapping[str, Path]:
    return MappingProxyType({path.stem: path for path in sorted(directory.glob("*.parquet"))})


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file's lock. The kernel lets go of it when the process dies, however it dies."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_durable(stage: Path) -> None:
    """Flush every file and directory to disk, readable by its owner alone."""
    for path in sorted(stage.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
        _sync(path)
    _sync(stage)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hash_of(hashes: Mapping[str, str]) -> str:
    return hashlib.sha256("".join(f"{each}  {name}\n" for name, each in hashes.items()).encode()).hexdigest()
