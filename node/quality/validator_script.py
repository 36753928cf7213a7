"""Runs the open SSDA903 rules inside their own environment: an order in as JSON, their findings out as JSON.

This file is run by path with another interpreter (Python 3.9 to 3.11) and imports nothing of Circe. It sets its own
limits before it imports anything large. Its answer holds row numbers and the authority's own child ids, no other value.
"""

from __future__ import annotations

import csv
import importlib
import json
import logging
import os
import resource
import sys
from pathlib import Path
from typing import Any

MIB = 1 << 20


def limit(memory_mib: int, seconds: int) -> None:
    """Bound the memory and the processor time of this process."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_mib * MIB, memory_mib * MIB))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def choose_files(paths: list[str], tables: dict[str, list[str]]) -> tuple[list[str], dict[str, str], list[str]]:
    """Those of the files that the rules can read, the file of each table, and the others, by name."""
    chosen, named, unread = [], {}, []
    for path in map(Path, paths):
        if path.suffix.lower() == ".xml":
            chosen.append(str(path))
            continue
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            header = {name.strip().upper() for name in next(csv.reader(stream), [])}
        table = next((name for name, columns in tables.items() if header == set(columns) and name not in named), None)
        if table is None:
            unread.append(path.name)
        else:
            named[table] = path.name
            chosen.append(str(path))
    return chosen, named, unread


def collect_findings(results: dict[str, Any], registry: dict[str, Any]) -> list[dict[str, Any]]:
    """Each rule and table with rows that the rule marks: the first row of a CSV under its header is row 2."""
    found = []
    for table, frame in results.items():
        if table == "metadata" or "CHILD" not in frame.columns:
            continue
        for column in sorted(name for name in frame.columns if name.startswith("ERR_")):
            marked = frame.loc[frame[column] == True, "CHILD"]  # noqa: E712 - a column of a data frame
            rule = registry[column[len("ERR_") :]]
            found.append(
                {
                    "code": str(rule.code),
                    "text": str(rule.message),
                    "table": table,
                    "fields": [str(name) for name in rule.affected_fields],
                    "rows": [[int(place) + 2, str(child)] for place, child in marked.items()],
                }
            )
    return sorted(found, key=lambda each: (each["code"], each["table"]))


def validate(order: dict[str, Any]) -> dict[str, Any]:
    """Run the rules of the order's year over its files."""
    logging.disable(logging.CRITICAL)
    validator = importlib.import_module("lac_validator.lac_validator")
    utils = importlib.import_module("lac_validator.utils")
    rulesets = importlib.import_module("lac_validator.rules.ruleset_utils")
    config = importlib.import_module("lac_validator.config")
    version = importlib.import_module("importlib.metadata").version("csc-validator-be-903")
    registry = rulesets.get_year_ruleset(order["year"])
    chosen, named, unread = choose_files(order["files"], config.column_names)
    metadata = {"collectionYear": order["year"], "localAuthority": order["area_code"]}
    files = utils.process_uploaded_files({"This year": chosen})
    ran = validator.LacValidator(metadata=metadata, files=files, registry=registry)
    return {
        "version": version,
        "ruleset": f"lac{int(order['year']) - 1}_{order['year'][2:4]}",
        "done": len(ran.dones),
        "skipped": [str(code) for code in ran.skips],
        "failed": [str(code) for code in ran.fails],
        "tables": named,
        "unread": unread,
        "findings": collect_findings(ran.ds_results, registry),
    }


def main() -> None:
    """Read the order, run the rules with everything they print thrown away, and write the findings."""
    order = json.load(sys.stdin)
    limit(order["memory_mib"], order["seconds"])
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - a device
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        try:
            told = validate(order)
        except Exception as error:  # Its text may quote a row.
            told = {"error": type(error).__name__}
    with answer:
        json.dump(told, answer)


if __name__ == "__main__":
    main()
