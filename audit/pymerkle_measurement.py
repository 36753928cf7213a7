"""The same work by pymerkle 7, run by a Python of its own: `python -I pymerkle_measurement.py SINGLY BATCHED LARGE`.

Nothing of ours is imported here. Its SQLite tree is opened as it opens it. What it has for a verifier is the root of a
tree in memory, grown from the entries; signatures, salts and numbers of entries it has none to check.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from random import Random

from pymerkle import InmemoryTree, SqliteTree  # type: ignore[import-not-found,unused-ignore]

PROOFS = 20


def main(singly: int, batched: int, large: int) -> None:
    """Measure and print rows as JSON, one to a line."""
    with tempfile.TemporaryDirectory() as directory:
        tree = SqliteTree(f"{directory}/singly.db")
        measure("append", singly, lambda: [tree.append_entry(b"entry %d" % number) for number in range(singly)])
        tree = SqliteTree(f"{directory}/batch.db")
        measure("batch", batched, lambda: tree.append_entries([b"entry %d" % number for number in range(batched)]))
        tree = SqliteTree(f"{directory}/large.db")
        tree.append_entries([b"entry %d" % number for number in range(large)])
        indices = Random(7).choices(range(1, large), k=PROOFS)  # noqa: S311
        measure("proof", PROOFS, lambda: [tree.prove_inclusion(index, large) for index in indices])
        measure("verify", large, lambda: grow(large))


def grow(entries: int) -> bytes:
    """Return the root over entries, as somebody who has them all works it out."""
    tree = InmemoryTree()
    for number in range(entries):
        tree.append_entry(b"entry %d" % number)
    root: bytes = tree.get_state()
    return root


def measure(work: str, entries: int, act: Callable[[], object]) -> None:
    """Time one piece of work and print its row."""
    begun, used = time.perf_counter(), time.process_time()
    act()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    row = {
        "tool": "pymerkle",
        "work": work,
        "entries": entries,
        "seconds": round(seconds, 4),
        "per_second": round(entries / seconds, 1),
        "cpu_seconds": round(cpu, 4),
        "per_cpu_second": round(entries / max(cpu, 1e-9), 1),
    }
    print(json.dumps(row))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
