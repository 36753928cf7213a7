"""A member's keys as they change on its disk: rotated, renewed from week to week, and destroyed when they have ended.

    key.json         the keys in use (`federation.keys`)
    key-next.json    those that wait for the register to name them
    sealing/         the private half of a sealing key in each file, named after the moment from which it is good

Whoever changes a file here holds the directory (`federation.state.hold_directory`). To destroy a file is to overwrite
it where it lies and then to remove it. What a copy-on-write file system, a worn disk or a backup keeps besides is out
of reach; docs/trust.md says so.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from federation.envelope import EnvelopeError, decode_base64
from federation.keys import (
    KEY_FILE,
    NEXT_KEY_FILE,
    SEALING_SEED_BYTES,
    KeyFileError,
    MemberKeys,
    load_keys,
    publish_sealing_seed,
    read_secret,
    rewrite_secret,
    sync_directory,
    to_text,
    write_secret,
)
from federation.wire import Document, Instant, WireError, decode_document, encode_document

SEALING_DIRECTORY = "sealing"


class HeldSealingKey(Document, frozen=True):
    """The seed of one of our own sealing keys, and the span for which others may seal to it."""

    seed: str
    valid_from: Instant
    valid_to: Instant

    @property
    def secret(self) -> bytes:
        """The seed itself."""
        return decode_base64(self.seed)

    @property
    def public_key(self) -> bytes:
        """The public half."""
        return publish_sealing_seed(self.secret)


class KeyRing:
    """A member's keys as they stand in its directory: read again, by whoever holds the ring, when they have changed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._read: tuple[tuple[int, ...], MemberKeys] | None = None

    def current(self) -> MemberKeys:
        """Return the keys in use now, with every sealing key that is still held. Raises `KeyFileError`."""
        # The files are identified before they are read: changed in between, they are read once more the next time.
        identity, read = self._identify(), self._read
        if read is None or read[0] != identity:
            seeds = tuple(held.secret for held in self.list_sealing_keys())
            read = self._read = (identity, replace(load_keys(self._directory), held_seeds=seeds))
        return read[1]

    def _identify(self) -> tuple[int, ...]:
        return (*_identify(self._directory / KEY_FILE), *_identify(self._directory / SEALING_DIRECTORY))

    def take_up_next(self) -> None:
        """Put the keys that wait in the place of those in use, which are destroyed. Raises `KeyFileError`.

        The caller has seen that the register names the new ones.
        """
        load_keys(self._directory, NEXT_KEY_FILE)
        _replace_secret(self._directory / KEY_FILE, self._directory / NEXT_KEY_FILE)

    def list_sealing_keys(self) -> tuple[HeldSealingKey, ...]:
        """Return the sealing keys in files of their own, the newest first. Raises `KeyFileError`."""
        paths = sorted((self._directory / SEALING_DIRECTORY).glob("*.key"), reverse=True)
        return tuple(held for path in paths if (held := _read_held(path)) is not None)

    def add_sealing_key(self, held: HeldSealingKey) -> None:
        """Keep a fresh sealing key. Raises `KeyFileError` where one of the same moment is kept."""
        directory = self._directory / SEALING_DIRECTORY
        directory.mkdir(mode=0o700, exist_ok=True)
        write_secret(directory / f"{held.valid_from:%Y%m%dT%H%M%SZ}.key", encode_document(held))

    def destroy_sealing_keys(self, has_ended: Callable[[datetime, datetime], bool]) -> int:
        """Destroy the sealing keys of whose span that is said, and return how many. Raises `KeyFileError`."""
        ended = 0
        for path in (self._directory / SEALING_DIRECTORY).glob("*.key"):
            held = _read_held(path)
            if held is None or has_ended(held.valid_from, held.valid_to):
                destroy_file(path)
                ended += 1
        return ended

    def destroy_first_sealing_key(self) -> None:
        """Take the first sealing key out of the key file, and overwrite where it stood. Raises `KeyFileError`."""
        path = self._directory / KEY_FILE
        keys = load_keys(self._directory)
        if keys.sealing_seed:
            beside = path.with_name(f".{KEY_FILE}.new")
            beside.unlink(missing_ok=True)  # left by one who was interrupted; what it holds stands in the key file too
            rewrite_secret(beside, replace(keys, sealing_seed=b""))
            _replace_secret(path, beside)
        _finish_replacing(path)


def _identify(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0, 0)
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read_held(path: Path) -> HeldSealingKey | None:
    """Read a sealing key; None for one whose destruction was broken off. Raises `KeyFileError`."""
    try:
        data = read_secret(path)
    except KeyFileError:
        if not path.exists():  # destroyed while we looked
            return None
        raise
    if not data.strip(b"\0"):
        return None
    try:
        held = decode_document(data, HeldSealingKey)
        length = len(held.secret)
    except (WireError, EnvelopeError) as error:
        raise KeyFileError(f"{path} is damaged ({error}): remove it, what was sealed to it is lost") from None
    if length != SEALING_SEED_BYTES:
        raise KeyFileError(f"{path} is damaged (its seed has the wrong length): remove it")
    return held


def hold_fresh_key(seed: bytes, valid_from: datetime, valid_to: datetime) -> HeldSealingKey:
    """Return a sealing key of our own as it is kept."""
    return HeldSealingKey(seed=to_text(seed), valid_from=valid_from, valid_to=valid_to)


def _replace_secret(path: Path, replacement: Path) -> None:
    """Give a file's name to another in one step, and destroy what it named before.

    The old content keeps a name until it is overwritten, so that whoever was interrupted finds it again.
    """
    _finish_replacing(path)
    ended = _name_ended(path)
    os.link(path, ended)
    replacement.replace(path)
    sync_directory(path.parent)
    destroy_file(ended)


def _finish_replacing(path: Path) -> None:
    """Destroy what somebody who was interrupted left of a file that was replaced."""
    ended = _name_ended(path)
    if ended.exists():
        if ended.samefile(path):  # Interrupted before the name was given away: this is the content in use.
            ended.unlink()
        else:
            destroy_file(ended)


def _name_ended(path: Path) -> Path:
    return path.with_name(f".{path.name}.ended")


def destroy_file(path: Path) -> None:
    """Overwrite a file where it lies, and then remove it."""
    with path.open("r+b") as file:
        file.write(bytes(os.fstat(file.fileno()).st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync_directory(path.parent)
