"""Zip archives: their members as sources, each taken out under a name of ours into the load's own directory.

Nothing in an archive is believed. A member's name is only ever shown, never used as a path; what a member holds is
counted as it is unpacked, whatever the archive's directory says; and an archive inside an archive stays closed.
"""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from node.ingest.sources import Source

MOST_MEMBERS = 2_000
MOST_BYTES = 4 << 30
"""Bytes that the members of one archive may come to."""

MOST_RATIO = 300
"""How many times its packed size a member may come to. Return files pack to a fifth or a twentieth."""

_ALWAYS_ALLOWED = 1 << 20
_CHUNK = 1 << 20
_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_OFFICE = "[Content_Types].xml"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip archive, or calls itself one and begins like one. Spreadsheets are not archives."""
    try:
        with path.open("rb") as stream:
            if not stream.read(4).startswith(_SIGNATURES):
                return False
    except OSError:
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return _OFFICE not in archive.namelist()
    except _BROKEN:
        return path.suffix.lower() == ".zip"


def open_archive(source: Source, scratch: Path) -> Iterator[Source]:
    """The members of an archive, unpacked into `scratch`, in the order of their names.

    A member that is not to be unpacked comes with its fault; so does the archive, where it cannot be opened.
    """
    try:
        with zipfile.ZipFile(source.path) as archive:
            members = sorted((each for each in archive.infolist() if _is_wanted(each)), key=lambda each: each.filename)
            if not members or len(members) > MOST_MEMBERS:
                yield replace(source, fault="oversized_archive" if members else "empty_file")
                return
            yield from _Unpacking(archive, source, scratch).take(members)
    except _BROKEN:
        yield replace(source, fault="broken_archive")


@dataclass
class _Unpacking:
    """An archive being unpacked, and the bytes that it may still come to."""

    archive: zipfile.ZipFile
    source: Source
    scratch: Path
    left: int = field(default_factory=lambda: MOST_BYTES)

    def take(self, members: list[zipfile.ZipInfo]) -> Iterator[Source]:
        seen: set[str] = set()
        for number, member in enumerate(members):
            name = member.filename
            fault = "unsafe_member" if name in seen else _fault_of(member)
            seen.add(name)
            content = self.scratch / f"member{number}"
            fault = fault or self._unpack(member, content)
            yield replace(self.source, member=_shown(name), content=None if fault else content, fault=fault)

    def _unpack(self, member: zipfile.ZipInfo, content: Path) -> str | None:
        """Write a member out. Returns the rule it breaks, having left nothing of it behind."""
        allowed = min(self.left, max(_ALWAYS_ALLOWED, MOST_RATIO * member.compress_size))
        try:
            fault = self._copy(member, content, allowed)
        except _BROKEN:
            fault = "broken_member"
        if fault is None and is_archive(content):
            fault = "nested_archive"
        if fault is not None:
            content.unlink(missing_ok=True)
        return fault

    def _copy(self, member: zipfile.ZipInfo, content: Path, allowed: int) -> str | None:
        with self.archive.open(member) as packed, content.open("xb") as stream:
            while chunk := packed.read(_CHUNK):
                allowed -= len(chunk)
                self.left -= len(chunk)
                if allowed < 0:
                    return "oversized_archive"
                stream.write(chunk)
        return None


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    """Directories and hidden files are passed over, as on disk, and so is what macOS adds."""
    parts = PurePosixPath(member.filename.replace("\\", "/")).parts
    hidden = any(part.startswith(".") and part not in (".", "..") for part in parts)
    return not (member.is_dir() or hidden or "__MACOSX" in parts)


def _fault_of(member: zipfile.ZipInfo) -> str | None:
    name, mode = member.filename, member.external_attr >> 16
    climbs = name.startswith("/") or ":" in name or "\\" in name or ".." in PurePosixPath(name).parts
    if climbs or not _shown(name) or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)):
        return "unsafe_member"
    return "encrypted_member" if member.flag_bits & 1 else None


def _shown(name: str) -> str:
    """A member's name as a report may print it."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
