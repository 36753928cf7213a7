"""The returns check: every row of what schools and the authority returned that breaks a rule of `rules.toml`.

A finding says where the row is, never what it holds: the file and row, the authority's own number of the child where
it is one of its children, and the school as the return names it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from federation.state import StateError
from node.host_facts import find_facts
from node.lookups.reading_room import Listing
from node.quality.evidence import open_evidence
from node.quality.places import Places, name_file
from node.quality.rules import ReturnsRule, load_returns_rules
from node.quality.schools import School, name_schools
from node.service import Node
from policies.names import FieldGroup

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_MOST_SHOWN = 5
FoundRow = tuple[str, int, str | None, str | None]
"""Where the node keeps a row (file, and row from 0), whom of its children it is about, and the school."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One row that breaks a rule, by where it is."""

    rule: str
    file: str
    row: int | None
    la_child_id: str | None = None
    school: str | None = None

    def __str__(self) -> str:
        places = {"row": self.row, "child": self.la_child_id, "school": self.school}
        return ", ".join([self.file, *(f"{name} {value}" for name, value in places.items() if value is not None)])


CSV_HEADINGS = ("rule", "area", "mender", "text", "action", "file", "row", "la_child_id", "school")
LISTING = Listing("returns", CSV_HEADINGS, (FieldGroup.IDENTITY, FieldGroup.CARE, FieldGroup.EDUCATION))
"""What the returns check shows, and what the access matrix is asked for it."""


@dataclass(frozen=True, slots=True)
class ReturnsReport:
    """The findings of each rule in one academic year. `counts` may be more than the findings that are located.

    `schools` has every school of the findings, by what the return calls it.
    """

    snapshot: str
    academic_year: int
    findings: Mapping[str, Sequence[Finding]]
    counts: Mapping[str, int]
    schools: Mapping[str, School]

    @property
    def children(self) -> frozenset[str]:
        """The children of this authority that the findings are about, by its own numbers."""
        found = (each.la_child_id for findings in self.findings.values() for each in findings)
        return frozenset(child for child in found if child is not None)

    def only_ours(self) -> ReturnsReport:
        """The findings about children of this authority alone."""
        ours = {name: [each for each in found if each.la_child_id is not None] for name, found in self.findings.items()}
        return replace(self, findings=ours, counts={name: len(found) for name, found in ours.items()})

    def to_json(self) -> str:
        """The report as JSON text."""
        rules = [
            {**_described(rule), "findings": self.counts[name], "locators": self._locators(name)}
            for name, rule in _rules()
        ]
        return json.dumps({"snapshot": self.snapshot, "academic_year": self.academic_year, "rules": rules})

    def _locators(self, name: str) -> list[dict[str, object]]:
        return [{key: value for key, value in asdict(each).items() if key != "rule"} for each in self.findings[name]]

    def rows(self) -> list[tuple[object, ...]]:
        """Every finding as a row of the CSV."""
        return [
            (name, rule.area, rule.mender, rule.text, rule.action, each.file, each.row, each.la_child_id, each.school)
            for name, rule in _rules()
            for each in self.findings[name]
        ]

    def to_text(self) -> str:
        """The report for reading: the rules that were broken, what to do about each, and the first places."""
        broken = [rule for name, rule in _rules() if self.counts[name]]
        lines = [f"Returns of {self.academic_year} in snapshot {self.snapshot}: {sum(self.counts.values()):,} findings"]
        for rule in broken:
            lines += ["", *self._paragraph(rule)]
        kept = ", ".join(name for name, _ in _rules() if not self.counts[name])
        return "\n".join([*lines, "", f"Nothing found by: {kept or 'no rule'}"]) + "\n"

    def _paragraph(self, rule: ReturnsRule) -> Iterator[str]:
        count, found = self.counts[rule.name], self.findings[rule.name]
        about = sum(each.la_child_id is not None for each in found)
        yield f"{rule.name} ({rule.area}), for the {rule.mender} to mend: {count:,}, {about:,} about our children"
        yield f"  {rule.text}"
        yield f"  {rule.action}"
        for each in found[:_MOST_SHOWN]:
            yield f"    {each}"
        if len(found) > _MOST_SHOWN:
            yield f"    and {len(found) - _MOST_SHOWN:,} more: --format csv --output FILE lists them"
        if count > len(found):
            yield f"    The load's report locates {len(found):,} of the {count:,} rows."


def check_returns(node: Node, academic_year: int | None = None, *, only_ours: bool = False) -> ReturnsReport:
    """Hold the returns of an academic year, the latest where none is given, against every rule.

    `only_ours` leaves out what is not about a child of this authority's own return. Raises `StateError`.
    """
    snapshot = node.store.current()
    if snapshot is None or academic_year not in (None, *snapshot.academic_years):
        raise StateError(f"{node.party.member_id} has loaded no data of that year: run circe node load")
    year = academic_year or max(snapshot.academic_years)
    places = Places(node.store, snapshot)
    facts = find_facts(node.party.directory)
    with open_evidence(snapshot, facts, authority=node.authority, today=node.clock().date()) as connection:
        found = {name: list(_find(connection, rule, year, places)) for name, rule in _rules() if not rule.reported}
        named = {each.school for findings in found.values() for each in findings if each.school is not None}
        schools = name_schools(connection, named)
    counts = {name: len(each) for name, each in found.items()}
    for name, rule in _rules():
        if rule.reported:
            found[name], counts[name] = _find_reported(rule, rule.reported, year, places)
    report = ReturnsReport(snapshot.id, year, found, counts, schools)
    return report.only_ours() if only_ours else report


def _rules() -> Sequence[tuple[str, ReturnsRule]]:
    return tuple(load_returns_rules().items())


def _described(rule: ReturnsRule) -> dict[str, str]:
    return {name: getattr(rule, name) for name in ("name", "area", "text", "action", "mender")}


def _find(connection: DuckDBPyConnection, rule: ReturnsRule, year: int, places: Places) -> Iterator[Finding]:
    for held, kept_row, child, school in find_rows(connection, rule, year):
        where = places.find(held, kept_row)
        yield Finding(rule.name, where.file, where.row, child, school)


def find_rows(connection: DuckDBPyConnection, rule: ReturnsRule, year: int) -> list[FoundRow]:
    """The rows of a year that break a rule, those about children of this authority first."""
    return connection.execute(
        f"FROM {rule.about} AS this SELECT DISTINCT held, kept_row, la_child_id, school "
        f"WHERE academic_year = $year AND ({rule.where}) "
        "ORDER BY la_child_id IS NULL, held, kept_row",
        {"year": year},
    ).fetchall()


def _find_reported(
    rule: ReturnsRule, reported: tuple[str, str], year: int, places: Places
) -> tuple[list[Finding], int]:
    """The rows that the loads turned away, the first of each file located, and how many there were."""
    load_rule, table = reported
    entries = [
        entry
        for entry in places.all_files()
        if entry["table"] == table and load_rule in entry["rules"] and (entry["period"] or "").startswith(str(year))
    ]
    rows = [Finding(rule.name, name_file(entry), row) for entry in entries for row in entry["locators"][load_rule]]
    return rows, sum(entry["rules"][load_rule] for entry in entries)
