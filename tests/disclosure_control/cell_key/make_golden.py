"""Makes the golden vectors: what the Office for National Statistics' own package prints of these records.

Run where `cell-key-perturbation` (PyPI, 3.1.0, MIT licence) and pandas are installed, with this repository on the path:

    python -m tests.disclosure_control.cell_key.make_golden > tests/disclosure_control/cell_key/golden/ons_3_1_0.json

The records are drawn here with a seed; the tables are the package's own 10-5 rule and one of ours in its shape.
"""

import contextlib
import io
import json
import random
import sys
from typing import Any

from disclosure_control.cell_key.entropy import Shape, make_table
from disclosure_control.cell_key.ptable_files import write_ons

SIZES = (1, 2, 5, 9, 10, 12, 13, 40, 249, 250, 251, 500, 501, 749, 750, 751, 752, 999, 1000, 1001, 1250, 1251)
OURS = Shape(5, 3.0)


def draw_records() -> list[tuple[str, int]]:
    """The cell and the record key of each record."""
    source = random.Random(20261128)
    return [(f"{place:02d}", source.randrange(256)) for place, size in enumerate(SIZES) for _ in range(size)]


def main() -> None:
    """Print the vectors as JSON: for each table and cell, what the package has for it."""
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from cell_key_perturbation.create_perturbed_table import (  # type: ignore[import-not-found, unused-ignore]
        create_perturbed_table,
    )
    from cell_key_perturbation.utils.generate_test_ptable import (  # type: ignore[import-not-found, unused-ignore]
        generate_ptable_10_5_rule,
    )

    records = pd.DataFrame(draw_records(), columns=["cell", "record_key"])
    ours = pd.read_csv(io.BytesIO(write_ons(make_table("ours", OURS, 256))))
    tables: dict[str, Any] = {"rule_10_5": generate_ptable_10_5_rule(), "ours": ours}
    found: dict[str, list[list[int | None]]] = {}
    for name, table in tables.items():
        with contextlib.redirect_stdout(io.StringIO()):
            printed = create_perturbed_table(records, table, [], ["cell"], "record_key", threshold=10)
        columns = ("pre_sdc_count", "ckey", "pcv", "pvalue", "count")
        found[name] = [
            [None if pd.isna(row[column]) else int(row[column]) for column in columns] for _, row in printed.iterrows()
        ]
    json.dump(found, sys.stdout, indent=1)
    tables_drawn = (
        f' "{name}": [\n' + ",\n".join(f"  {json.dumps(line)}" for line in lines) + "\n ]"
        for name, lines in found.items()
    )
    sys.stdout.write("{\n" + ",\n".join(tables_drawn) + "\n}\n")


if __name__ == "__main__":
    main()
