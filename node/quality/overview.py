"""Everything that is known of the quality of a node's files, gathered for one page and one CSV.

What the loads found is by file; what the returns check found is by school, so that a virtual school head can ring it.
Rows are told by file and number, our own children by the authority's own number, and nobody by anything else.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from federation.state import StateError
from node.lookups.reading_room import Listing
from node.quality.file_quality import FileQuality, list_files
from node.quality.readiness import Readiness, assess_readiness
from node.quality.returns import Finding, ReturnsReport, check_returns
from node.quality.rules import ReturnsRule, load_returns_rules
from node.quality.schools import School
from node.service import Node
from policies.names import FieldGroup
from query_engine.geography import Authority, load_authorities

CSV_HEADINGS = (
    *("check", "file", "table", "period", "affects", "rule", "severity", "mender", "rows", "of", "row_numbers"),
    *("text", "action"),
)
LISTING = Listing(
    "quality", ("file", "row", "la_child_id", "school"), (FieldGroup.IDENTITY, FieldGroup.CARE, FieldGroup.EDUCATION)
)
"""What the page shows of children, and what the access matrix is asked for it."""

_TOLD = re.compile(r"(?P<term>[0-9]{6}-[a-z]+)-L-[0-9a-f]+-(?P<host>.+)\.parquet")


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """A rule of the returns check and rows that break it: those about our own children, and those about other pupils.

    `unlocated` counts rows that the load turned away and whose numbers its report does not list.
    """

    rule: ReturnsRule
    ours: tuple[Finding, ...]
    others: tuple[Finding, ...]
    unlocated: int = 0


@dataclass(frozen=True, slots=True)
class SchoolFindings:
    """What the returns check found at one school; `school` is None for rows that name none."""

    school: School | None
    rules: tuple[RuleFindings, ...]

    @property
    def children(self) -> frozenset[str | None]:
        """Our children among those whom the findings are about, by the authority's own numbers."""
        return frozenset(each.la_child_id for rule in self.rules for each in rule.ours)

    @property
    def rows(self) -> int:
        """How many findings there are."""
        return sum(len(rule.ours) + len(rule.others) + rule.unlocated for rule in self.rules)


@dataclass(frozen=True, slots=True)
class Overview:
    """The quality of a node's files at one moment."""

    authority: Authority
    made_at: datetime
    files: Sequence[FileQuality]
    returns: ReturnsReport
    readiness: Readiness

    @property
    def schools(self) -> list[SchoolFindings]:
        """The findings by school: those about most children of ours first, and by name among equals.

        A school is one, whatever the returns call it.
        """
        named = {each.school for found in self.returns.findings.values() for each in found if each.school is not None}
        names: dict[int | str, list[str]] = {}
        for name in sorted(named):
            names.setdefault(self.returns.schools[name].key, []).append(name)
        schools = [self._find_at(same) for same in names.values()]
        return sorted(schools, key=lambda each: (-len(each.children), each.school.title if each.school else ""))

    @property
    def elsewhere(self) -> SchoolFindings:
        """The findings that name no school: the authority's own return, and rows that the load turned away."""
        return self._find_at(())

    @property
    def kept_rules(self) -> list[ReturnsRule]:
        """The rules of the returns check that no row breaks."""
        return [rule for name, rule in load_returns_rules().items() if not self.returns.counts[name]]

    def _find_at(self, names: Sequence[str]) -> SchoolFindings:
        """The findings at the school that the returns call by these names; of none, those that name no school."""
        rules, wanted = [], names or (None,)
        for name, rule in load_returns_rules().items():
            found = [each for each in self.returns.findings[name] if each.school in wanted]
            ours = tuple(each for each in found if each.la_child_id is not None)
            others = tuple(each for each in found if each.la_child_id is None)
            unlocated = 0 if names else self.returns.counts[name] - len(self.returns.findings[name])
            if found or unlocated:
                rules.append(RuleFindings(rule, ours, others, unlocated))
        # A name of the return's own comes after the reference number.
        return SchoolFindings(self.returns.schools[names[-1]] if names else None, tuple(rules))

    def to_rows(self) -> list[tuple[object, ...]]:
        """A row for every file and rule of both checks, with counts and row numbers."""
        return [*self._load_rows(), *self._returns_rows()]

    def _load_rows(self) -> Iterable[tuple[object, ...]]:
        for file in self.files:
            for rule in file.rules:
                what = (file.name, file.table, file.period, file.affects, rule.rule, rule.severity, "")
                yield ("load", *what, rule.rows, rule.of, _join(rule.first_rows), rule.text, rule.action)

    def _returns_rows(self) -> Iterable[tuple[object, ...]]:
        known = {file.name: file for file in self.files}
        for name, rule in load_returns_rules().items():
            for told, found in group_by_file(self.returns.findings[name]).items():
                file = known.get(told)
                where = (file.table, file.period) if file else ("", "")
                numbers = _join(each.row for each in found if each.row is not None)
                what = (told, *where, rule.affects, name, "finding", rule.mender, len(found))
                yield ("returns", *what, file.rows_in if file else "", numbers, rule.text, rule.action)


def gather_overview(node: Node, academic_year: int | None = None) -> Overview:
    """Look at every file in use and at the returns of one year, the latest where none is given. Raises `StateError`."""
    snapshot = node.store.current()
    if snapshot is None:
        raise StateError(f"{node.party.member_id} has loaded no data yet: run circe node load")
    return Overview(
        load_authorities()[node.authority],
        node.clock(),
        list_files(node),
        check_returns(node, academic_year),
        assess_readiness(snapshot),
    )


def group_by_file(found: Iterable[Finding]) -> Mapping[str, list[Finding]]:
    """Findings by the file they are in, in words for an officer."""
    grouped: dict[str, list[Finding]] = {}
    for each in found:
        grouped.setdefault(name_source(each.file), []).append(each)
    return grouped


def name_source(file: str) -> str:
    """What to call a file: an answer that a host gave has a name only the node's own directory knows."""
    told = _TOLD.fullmatch(file)
    return f"answer of {told['host']} for {told['term']}" if told else file


def _join(rows: Iterable[int]) -> str:
    return " ".join(map(str, rows))
