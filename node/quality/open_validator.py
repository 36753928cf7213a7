"""The open SSDA903 rule set, run as its authors publish it, in an environment and a process of its own.

The package `csc-validator-be-903` (MIT) holds the department's validation rules as written by authorities' analysts. It
needs libraries of its own time (pandas below 2, numpy below 1.25, Python 3.11 at most), so it is never imported here: a
small script runs it with the interpreter of a virtual environment, within bounds of time and memory, and writes its
findings as JSON. Whatever the package prints is thrown away, for it may quote a child's row.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from federation.state import StateError
from node.lookups.reading_room import Listing
from policies.names import FieldGroup

PACKAGE = "csc-validator-be-903"
SCRIPT = Path(__file__).with_name("validator_script.py")
SECONDS = 600
MEMORY_MIB = 4096
_ENDINGS = (".csv", ".xml")
_MOST_SHOWN = 5


class ValidatorFailed(StateError):
    """The rule set could not be run to its end. The text says why, without a value of any row."""


@dataclass(frozen=True, slots=True)
class ValidatorFinding:
    """One rule of theirs that rows of a table break: each row, as a spreadsheet numbers it, with its child's id."""

    code: str
    text: str
    table: str
    fields: tuple[str, ...]
    rows: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class ValidatorReport:
    """What the rule set found, and which of its rules ran: `skipped` for want of a table, `failed` by their own fault.

    `tables` gives the file of each table; `unread` are files with the columns of none, or of one that has its file.
    """

    package: str
    ruleset: str
    done: int
    skipped: tuple[str, ...]
    failed: tuple[str, ...]
    tables: Mapping[str, str]
    unread: tuple[str, ...]
    findings: tuple[ValidatorFinding, ...]

    def to_json(self) -> str:
        """The report as JSON text."""
        return json.dumps(
            {
                "package": self.package,
                "ruleset": self.ruleset,
                "rules_done": self.done,
                "rules_skipped": list(self.skipped),
                "rules_failed": list(self.failed),
                "tables": dict(self.tables),
                "unread": list(self.unread),
                "rules": [
                    {
                        "code": each.code,
                        "text": each.text,
                        "table": each.table,
                        "fields": list(each.fields),
                        "findings": len(each.rows),
                        "locators": [{"row": row, "la_child_id": child} for row, child in each.rows],
                    }
                    for each in self.findings
                ],
            }
        )

    def to_rows(self) -> list[tuple[object, ...]]:
        """Every finding as a row of the CSV."""
        return [
            (self.package, self.ruleset, each.code, each.text, self.tables.get(each.table, each.table), row, child)
            for each in self.findings
            for row, child in each.rows
        ]

    def to_text(self) -> str:
        """The report for reading."""
        lines = [
            f"Rules of {self.package}, set {self.ruleset}: theirs, not Circe's",
            f"{self.done} rules ran, {len(self.skipped)} had not all their tables, {len(self.failed)} failed to run",
        ]
        lines += [f"not read: {name} is no table of theirs, or a second file of one" for name in self.unread]
        for each in self.findings:
            lines.append(f"{each.code} {each.table}: {len(each.rows):,}. {each.text}")
            shown = ", ".join(f"{row} (child {child})" for row, child in each.rows[:_MOST_SHOWN])
            lines.append(f"  rows {shown}{' and others' if len(each.rows) > _MOST_SHOWN else ''}")
        return "\n".join(lines if self.findings else [*lines, "No finding."]) + "\n"


CSV_HEADINGS = ("package", "ruleset", "code", "text", "file", "row", "la_child_id")
LISTING = Listing("validate", CSV_HEADINGS, (FieldGroup.IDENTITY, FieldGroup.CARE))
"""What the findings show, and what the access matrix is asked for it."""


def run_validator(
    environment: Path,
    paths: Iterable[Path],
    *,
    year: int,
    area_code: str,
    seconds: int = SECONDS,
    memory_mib: int = MEMORY_MIB,
) -> ValidatorReport:
    """Hold the files of one return, ending on 31 March of `year`, against the rule set of that year.

    `area_code` is the authority's code with the Office for National Statistics. Raises `StateError` where there is no
    such environment or no file, and `ValidatorFailed`.
    """
    python = _find_python(environment)
    files = _find_files(paths)
    order = {
        "year": str(year),
        "area_code": area_code,
        "memory_mib": memory_mib,
        "seconds": seconds,
        "files": [str(path.resolve()) for path in files],
    }
    return _read_report(_run(python, order, seconds))


def _find_python(environment: Path) -> Path:
    python = environment.absolute() / "bin" / "python"
    if not python.exists() or not list(environment.glob("lib/python3*/site-packages/lac_validator")):
        raise StateError(
            f"{environment} is no environment with the open SSDA903 rules; make it with Python 3.11: "
            f"python3.11 -m venv {environment} && {environment}/bin/pip install {PACKAGE}"
        )
    return python


def _find_files(paths: Iterable[Path]) -> list[Path]:
    """The CSV and XML files that are named, or lie under a directory that is."""
    found = [
        each
        for path in paths
        for each in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if each.is_file() and each.suffix.lower() in _ENDINGS
    ]
    if not found:
        raise StateError("there is no CSV or XML file among these paths; name the files of one SSDA903 return")
    return found


def _run(python: Path, order: Mapping[str, object], seconds: int) -> bytes:
    """Run the script in an empty directory, with nothing of this process's environment but the language."""
    with tempfile.TemporaryDirectory(prefix="circe-validate-") as scratch:
        try:
            done = subprocess.run(  # noqa: S603 - the interpreter that was named, and our own script
                [str(python), "-I", "-B", str(SCRIPT)],
                input=json.dumps(order).encode(),
                capture_output=True,
                cwd=scratch,
                env={"LANG": "C.UTF-8", "PATH": os.defpath, "TMPDIR": scratch},
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ValidatorFailed(f"the rules did not come to an end in {seconds} seconds and were stopped") from None
    if done.returncode:
        raise ValidatorFailed(
            f"the rules stopped with exit code {done.returncode}; the time or the memory allowed may be too little"
        )
    return done.stdout


def _read_report(output: bytes) -> ValidatorReport:
    try:
        told: dict[str, Any] = json.loads(output)
        if "error" in told:
            raise ValidatorFailed(f"the rule set could not read the return ({told['error']}); check the files and year")
        return ValidatorReport(
            package=f"{PACKAGE} {told['version']}",
            ruleset=told["ruleset"],
            done=told["done"],
            skipped=tuple(told["skipped"]),
            failed=tuple(told["failed"]),
            tables=told["tables"],
            unread=tuple(told["unread"]),
            findings=tuple(_finding(entry) for entry in told["findings"]),
        )
    except (KeyError, TypeError, ValueError):
        raise ValidatorFailed("the rules wrote something else than their findings; install the package again") from None


def _finding(entry: Mapping[str, Any]) -> ValidatorFinding:
    rows: Sequence[Sequence[Any]] = entry["rows"]
    return ValidatorFinding(
        entry["code"],
        entry["text"],
        entry["table"],
        tuple(entry["fields"]),
        tuple((int(row), str(child)) for row, child in rows),
    )
