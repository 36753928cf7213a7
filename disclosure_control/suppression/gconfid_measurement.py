"""The same table through G-Confid. A script for a Python that has `gconfid`; it imports nothing of ours.

Reads a table as JSON from standard input and prints the cells withheld and the CPU seconds that it took. A small count
is sensitive by what it lacks to the least that is shown; G-Confid never asks for more than the count itself.
"""

import json
import sys
from time import process_time
from typing import Any

import gconfid
import pandas as pd


def suppress(table: dict[str, Any]) -> dict[str, Any]:
    """Have G-Confid choose a pattern."""
    figures, least = table["figures"], table["least"]
    cells = pd.DataFrame(
        {
            "CellId": range(1, len(figures) + 1),
            "TotalNoise": [float(max(each, 1e-6)) for each in figures],
            "Sensitivity": [float(least - each if 0 < each < least else -1) for each in figures],
            "Status": ["S" if 0 < each < least else "V" if each else "P" for each in figures],
            "Type": "C",
        }
    )
    cells["Total"] = cells["TotalNoise"]
    terms = [
        (number, cell + 1, sign)
        for number, (total, parts) in enumerate(table["relations"], start=1)
        for cell, sign in ((total, -1), *((part, 1) for part in parts))
    ]
    constraints = pd.DataFrame(terms, columns=["ConstraintId", "CellId", "Coefficient"])
    begun = process_time()
    found = gconfid.Suppression(incell=cells, inconstraint=constraints).outsuppress
    seconds = process_time() - begun
    pattern = found if isinstance(found, pd.DataFrame) else found.to_pandas()
    withheld = pattern.loc[pattern["OutStatus"] == "X", "CellId"]
    return {"seconds": seconds, "withheld": [int(each) - 1 for each in withheld]}


if __name__ == "__main__":
    print("\n" + json.dumps(suppress(json.load(sys.stdin))))
