"""Backups of a party's directory while it runs, and putting one back: one file, whole or not there at all.

Databases are copied by SQLite's own online backup, so that each is as it was at one moment; every other file as it is.
Left out is what must not outlive its week (`sealing/`) and what makes itself anew (nonces, locks). The archive says of
each file what its SHA-256 is, and nothing is put back of one that is not whole.

A backup holds the party's private keys and everything that it keeps. It is written for its owner alone (0600); keep it
as you keep the directory itself.
"""

import hashlib
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec

from audit.state import open_state_log, read_key
from audit.verifier import verify_log
from federation.database import copy_database
from federation.software import own_version
from federation.state import DATABASE_FILE, PROFILE_FILE, StateError
from federation.wire import Digest, Document, Instant, WireError, decode_document, encode_document, whole_seconds

CONTENTS = "contents.json"
"""The first member of the archive: what is in it."""

LEFT_OUT = frozenset({"sealing", "nonces.db", "session.key"})
"""What stands at the top of a directory and is not copied: it is destroyed week by week, or made anew."""

_BESIDE = ("-wal", "-shm", "-journal", ".lock", ".new")
_MOST_FILES = 100_000
_LONGEST_CONTENTS = 32 * 1024 * 1024


class BackedUpFile(Document, frozen=True):
    """One file of a backup, by its path below the directory."""

    path: str
    size: int
    sha256: Digest


class Contents(Document, frozen=True):
    """Whose backup it is, of when, made by which software, and what is in it."""

    member: str
    made_at: Instant
    version: str
    files: tuple[BackedUpFile, ...]


def back_up(directory: Path, member: str, target: Path, now: datetime) -> Contents:
    """Write a backup of a directory, whose party may be running. Raises `StateError` where a file is there already."""
    if target.exists():
        raise StateError(f"{target.name} is there already: backups are not written over")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=target.parent) as place:
        # What can change goes first, the pointer to the snapshot in use among it; snapshots are never changed.
        copied = {**_copy_databases(directory, Path(place)), **_copy_changing(directory, Path(place))}
        sources = {path: copied.get(path, directory / path) for path in sorted({*copied, *_list_files(directory)})}
        try:
            files = tuple(_describe(path, source) for path, source in sources.items())
        except FileNotFoundError:
            raise StateError("something was destroyed while it was copied: make the backup again") from None
        contents = Contents(member=member, made_at=whole_seconds(now), version=own_version(), files=files)
        archive = Path(place, "archive")
        archive.touch(mode=0o600)
        with tarfile.open(archive, "w") as writer:
            listing = Path(place, "listing")
            listing.write_bytes(encode_document(contents))
            writer.add(listing, CONTENTS, filter=_own)
            for path, source in sources.items():
                writer.add(source, path, filter=_own)
        archive.replace(target)
    return contents


def put_back(backup: Path, directory: Path) -> Contents:
    """Put a backup back into a directory that is not there yet, or is empty.

    Raises `StateError` where it is neither, and for a backup that is not whole; then nothing has been put back.
    """
    if directory.exists() and any(directory.iterdir()):
        raise StateError(f"{directory.name} is not empty: a backup is put back into a directory of its own")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=directory.parent) as place:
        made = Path(place, "directory")
        made.mkdir(mode=0o700)
        try:
            with tarfile.open(backup, "r:") as reader:
                contents = _read_contents(reader)
                for file in contents.files:
                    _put_back(reader, file, made)
        except (tarfile.TarError, OSError, KeyError) as error:
            raise StateError(f"{backup.name} cannot be read as a backup ({type(error).__name__})") from None
        with suppress(FileNotFoundError):
            directory.rmdir()
        made.replace(directory)
    return contents


def verify_restored(directory: Path, contents: Contents) -> str:
    """Verify the log of a directory that was put back, and say what it is now. Raises `LogBroken`."""
    key = read_key(directory)
    with closing(open_state_log(directory)) as connection:
        entries = verify_log(connection, key.name, key.public_key).entries
    return f"{contents.member} as of {contents.made_at:%Y-%m-%d %H:%M} UTC: its log of {entries} entries is whole"


def _list_files(directory: Path) -> Iterator[str]:
    for path in directory.rglob("*"):
        relative = path.relative_to(directory)
        temporary = path.name.endswith(_BESIDE)
        if relative.parts[0] not in LEFT_OUT and not temporary and path.is_file() and not path.is_symlink():
            yield relative.as_posix()


def _copy_databases(directory: Path, place: Path) -> dict[str, Path]:
    """Copy each database as it is at one moment, and return where, by its path below the directory."""
    copied = {}
    for number, path in enumerate(sorted(directory.glob("*.sqlite"))):
        target = place / f"database-{number}"
        copy_database(path, target)
        copied[path.name] = target
    return copied


def _copy_changing(directory: Path, place: Path) -> dict[str, Path]:
    """Copy the files that are replaced now and then, which stand at the top and right below; and return where."""
    copied = {}
    for number, path in enumerate(sorted(_list_files(directory))):
        if path.count("/") < 2 and not path.endswith(".sqlite"):
            copied[path] = Path(shutil.copyfile(directory / path, place / f"file-{number}"))
    return copied


def _describe(path: str, source: Path) -> BackedUpFile:
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return BackedUpFile(path=path, size=source.stat().st_size, sha256=digest)


def _own(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _read_contents(reader: tarfile.TarFile) -> Contents:
    first = reader.next()
    file = reader.extractfile(first) if first is not None and first.name == CONTENTS else None
    if file is None:
        raise StateError("this is no backup: it does not begin with what is in it")
    try:
        contents = decode_document(file.read(_LONGEST_CONTENTS), Contents, limit=_LONGEST_CONTENTS)
    except (WireError, msgspec.MsgspecError) as error:
        raise StateError(f"this is no backup: {error}") from None
    paths = [each.path for each in contents.files]
    if len(set(paths)) < len(paths) or len(paths) > _MOST_FILES or not {PROFILE_FILE, DATABASE_FILE} <= set(paths):
        raise StateError("this is no backup of a party's directory: files are missing or there twice")
    return contents


def _put_back(reader: tarfile.TarFile, listed: BackedUpFile, directory: Path) -> None:
    """Put one file back, below the directory and nowhere else, and check that it is what was copied."""
    path = PurePosixPath(listed.path)
    if path.is_absolute() or ".." in path.parts or path.parts[0] in LEFT_OUT:
        raise StateError("this is no backup: a file in it lies outside the directory")
    file = reader.extractfile(listed.path)
    if file is None:
        raise StateError(f"the backup is not whole: {listed.path} is not in it")
    target = directory.joinpath(*path.parts)
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("xb") as written:
        target.chmod(0o600)
        while chunk := file.read(1 << 20):
            digest.update(chunk)
            written.write(chunk)
    if digest.hexdigest() != listed.sha256:
        raise StateError(f"the backup is not whole: {listed.path} is not what was copied")
