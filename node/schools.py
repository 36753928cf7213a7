"""Schools by their names: the register of establishments (GIAS) has them, where it was loaded.

A return names a school by number alone, and so do records, lookups and policies; whoever reads a page knows it by name.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from node.ingest.staged import find_staged
from node.snapshots import Snapshot
from node.vault import read_vault

REGISTER = "gias"

NO_NAMES: Mapping[int, str] = MappingProxyType({})
"""What is known of schools where no register was loaded."""


def read_school_names(snapshot: Snapshot | None) -> Mapping[int, str]:
    """The name of each school by its unique reference number, as far as a snapshot has them."""
    staged = find_staged(snapshot.staged) if snapshot else {}
    register = next((path for (table, _), path in staged.items() if table == REGISTER), None)
    return _read_register(register) if register else NO_NAMES


@lru_cache(maxsize=4)
def _read_register(path: Path) -> Mapping[int, str]:
    # A register is read once: a snapshot's files never change, and no two have the same path.
    sql = f"SELECT urn, any_value(establishmentname) FROM {REGISTER} WHERE establishmentname IS NOT NULL GROUP BY urn"  # noqa: S608
    return MappingProxyType(dict(read_vault({REGISTER: path}, sql)))


def name_school(names: Mapping[int, str], urn: object) -> str:
    """A school as people know it, "Name (URN)"; the bare number where no name is known, and what is none as it is."""
    text = str(urn)
    known = names.get(int(text)) if text.isascii() and text.isdecimal() and len(text) < 10 else None
    return f"{known} ({text})" if known else text
