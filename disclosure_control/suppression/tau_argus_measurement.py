"""The same table through tau-Argus. A script for a Python that has `pytauargus`; it imports nothing of ours.

    python tau_argus_measurement.py "MOD(1,5,1,0,0)"

Reads a table as JSON from standard input and prints the cells withheld and the CPU seconds that it took. Every child is
a respondent with the value 1, and the rule is one of frequency.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from pytauargus import protect

WITHHELD = {"U", "M"}
"""Unsafe by the rule, and withheld besides."""

SAFETY_RANGE = 100
"""Per cent by which a small count must be able to differ."""


def suppress(table: dict[str, Any], method: str, folder: Path) -> dict[str, Any]:
    """Have tau-Argus choose a pattern."""
    columns = table["columns"]
    children = [leaf[:-1] for leaf in table["leaves"] for _ in range(leaf[-1])]
    micro: dict[str, list[object]] = {name: [each[place] for each in children] for place, name in enumerate(columns)}
    micro["n"] = [1] * len(children)
    tree = folder / "areas.hrc"
    lines = [line for region, areas in table["regions"].items() for line in (region, *(f"@{each}" for each in areas))]
    tree.write_text("".join(f"{line}\n" for line in lines))
    begun = process_time()
    found = protect(
        micro,
        columns,
        response="n",
        safety_rules=f"FREQ({table['least']},{SAFETY_RANGE})",
        suppress=method,
        hrc={columns[0]: str(tree)} if lines else None,
        workdir=str(folder),
    ).tables[0]
    seconds = process_time() - begun
    root = table["rows"][0][0]
    cells = {tuple("Total" if code == root else code for code in row): cell for cell, row in enumerate(table["rows"])}
    named = zip(found.rows, found.status(), strict=True)
    withheld = [cells[tuple(str(row[name]) for name in columns)] for row, status in named if status in WITHHELD]
    return {"seconds": seconds, "withheld": withheld}


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        print("\n" + json.dumps(suppress(json.load(sys.stdin), sys.argv[1], Path(folder))))
