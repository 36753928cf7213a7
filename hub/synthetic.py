"""The hub's dry-run copy: made-up tables of some authorities, on which a question is tried before anybody is asked.

    state/synthetic/about.json               when it was taken, of which authorities and years
    state/synthetic/<authority>/<table>.parquet

It is taken from nodes that were made for it with `circe synth`, `circe node init` and `circe node load`, and that have
joined no federation. A node that has joined one may hold children's records, and is refused, whoever says otherwise.
Nothing is ever asked of a node for a dry run, and nothing of it is logged, stored or released.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from federation.state import Party, StateError, open_party
from hub.service import Hub

__all__ = ["GOVERNED", "SyntheticCopy", "find_copy", "find_current", "list_tables", "take_copy"]

FOLDER, ABOUT = "synthetic", "about.json"
GOVERNED, POINTER = "governed", "current"
SNAPSHOTS = "snapshots"


@dataclass(frozen=True)
class SyntheticCopy:
    """The copy: when it was taken, and the tables of each authority as files by their names."""

    taken_at: str
    years: tuple[int, ...]
    tables: tuple[tuple[str, tuple[tuple[str, Path], ...]], ...]

    @property
    def authorities(self) -> tuple[str, ...]:
        """Whose made-up tables it has."""
        return tuple(authority for authority, _ in self.tables)


def take_copy(directory: Path, nodes: Sequence[Path], now: datetime) -> tuple[str, ...]:
    """Copy the governed tables of made-up nodes into the hub's directory, in the place of those before.

    Returns whose they are. Raises `StateError` for a node that is not made for this.
    """
    parties = [open_party(node) for node in nodes]
    for party in parties:
        _check_made_up(party)
    stage = Path(tempfile.mkdtemp(prefix=f"{FOLDER}-", dir=directory))
    try:
        years = {year for party in parties for year in _copy_tables(party, stage / party.authority)}
        about = {"taken_at": now.isoformat(timespec="seconds"), "academic_years": sorted(years)}
        (stage / ABOUT).write_text(json.dumps(about) + "\n", encoding="utf-8")
        shutil.rmtree(directory / FOLDER, ignore_errors=True)
        stage.rename(directory / FOLDER)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return tuple(sorted(party.authority for party in parties))


def _check_made_up(party: Party) -> None:
    """Raise `StateError` for a node that could hold children's records: one that has joined a federation."""
    if party.profile.hub or (party.directory / "root.pub").exists():
        raise StateError(
            f"{party.directory} is a node that has joined a federation, whose data may be of children: make one for "
            "the dry run with circe node init, and load into it what circe synth has written"
        )


def _copy_tables(party: Party, place: Path) -> tuple[int, ...]:
    """Copy one node's newest snapshot; return its academic years. Raises `StateError`."""
    snapshot = find_current(party.directory / SNAPSHOTS)
    if snapshot is None:
        raise StateError(f"{party.directory} has loaded nothing: run circe node load on it first")
    shutil.copytree(snapshot / GOVERNED, place)
    years: list[int] = json.loads((snapshot / "snapshot.json").read_text(encoding="utf-8"))["academic_years"]
    return tuple(years)


def find_current(snapshots: Path) -> Path | None:
    """The snapshot in use of those in a made-up node's directory; None where it has loaded nothing."""
    pointer = snapshots / POINTER
    return snapshots / pointer.read_text(encoding="utf-8").strip() if pointer.exists() else None


def list_tables(place: Path) -> tuple[tuple[str, Path], ...]:
    """The tables in a directory, as files by their names."""
    return tuple((file.stem, file) for file in sorted(place.glob("*.parquet")))


def find_copy(hub: Hub) -> SyntheticCopy | None:
    """The hub's copy; None where it has none."""
    about = hub.party.directory / FOLDER / ABOUT
    try:
        return _read_copy(about, about.stat().st_mtime_ns)
    except FileNotFoundError:
        return None


@lru_cache(maxsize=4)
def _read_copy(about: Path, _changed: int) -> SyntheticCopy:
    told = json.loads(about.read_text(encoding="utf-8"))
    tables = tuple((place.name, list_tables(place)) for place in sorted(about.parent.iterdir()) if place.is_dir())
    return SyntheticCopy(told["taken_at"], tuple(told["academic_years"]), tables)
