"""Perturbation tables by their files' digest, which is how a preset names its own.

The files are those of Circe in `tables/`, or a party's own beside its presets, in either shape that `ptable_files`
reads. Nodes and hub need the file, who change counts by it; whoever asks, approves or reads a release does not.
"""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from disclosure_control.cell_key.ptable import PTable, PTableInvalid
from disclosure_control.cell_key.ptable_files import read_ons, read_r
from disclosure_control.presets.preset import CellKeyRule

__all__ = ["FOLDER", "find_table"]

FOLDER = Path(__file__).with_name("tables")


def find_table(rule: CellKeyRule, own: Path | None = None) -> PTable:
    """The table that a preset names, from `own` or from those of Circe.

    Raises `PTableInvalid` where no file has its digest, or the file is not as the preset says.
    """
    for path in _files(own):
        if _digest(path, _identity(path)) == rule.table:
            table = _read(path, rule)
            if (table.keys, table.most) != (rule.keys, rule.most):
                raise PTableInvalid(f"{table.name}: has {table.keys} keys and changes to {table.most}, not as stated")
            return table
    raise PTableInvalid(f"there is no perturbation table of digest {rule.table[:12]}: put its file beside the presets")


def _files(own: Path | None) -> Iterator[Path]:
    for folder in (FOLDER, own):
        if folder is not None:
            yield from sorted(folder.glob("*.csv"))


def _identity(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


@lru_cache(maxsize=64)
def _digest(path: Path, _identity: tuple[int, ...]) -> str:
    # A large table has 36 MB: each version of a file is read once.
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=8)
def _read(path: Path, rule: CellKeyRule) -> PTable:
    """The table in a file whose bytes are still those of the digest. Raises `PTableInvalid`."""
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != rule.table:
        raise PTableInvalid(f"{path.stem}: was changed while it was read")
    if content.lstrip(b"\xef\xbb\xbf").startswith(b"i;"):
        return read_r(content, path.stem, rule.keys)
    return read_ons(content, path.stem)
