"""The caseload: every child whose record somebody may read, what each calls for, and the same school by school."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from node.tracking.children import is_of_school_age
from node.tracking.flags import URGENT, Flag, Flagged, find_flags
from node.tracking.known import KnownChild
from node.tracking.visit import Visit


@dataclass(frozen=True)
class Case:
    """One child, and what their record calls for."""

    child: KnownChild
    flags: tuple[Flagged, ...]

    @property
    def urgent(self) -> int:
        """How much is going wrong now."""
        return sum(each.flag in URGENT for each in self.flags)

    def has(self, flag: Flag) -> bool:
        """Whether a flag is raised for the child."""
        return any(each.flag is flag for each in self.flags)


@dataclass(frozen=True)
class School:
    """The children of one school, and how often each flag is raised for one of them; None for no school known."""

    urn: int | None
    cases: tuple[Case, ...]
    flags: tuple[tuple[Flag, int], ...]


def list_caseload(visit: Visit) -> tuple[Case, ...]:
    """The children of an age for a personal education plan, those with most to attend to first."""
    records, watch = visit.records(), visit.watch
    cases = [
        Case(child, find_flags(records[child.token], child, watch))
        for child in visit.children
        if is_of_school_age(child, watch.today)
    ]
    return tuple(sorted(cases, key=lambda case: (-case.urgent, -len(case.flags))))


def count_flags(cases: Sequence[Case]) -> tuple[tuple[Flag, int], ...]:
    """For how many children each flag is raised, of those that are."""
    counts = ((flag, sum(case.has(flag) for case in cases)) for flag in Flag)
    return tuple((flag, count) for flag, count in counts if count)


def list_schools(visit: Visit) -> tuple[School, ...]:
    """The same caseload, school by school, those with most children first."""
    cases = list_caseload(visit)
    urns = Counter(case.child.school_urn for case in cases)
    return tuple(_gather(urn, cases) for urn, _ in urns.most_common())


def _gather(urn: int | None, cases: Sequence[Case]) -> School:
    here = tuple(case for case in cases if case.child.school_urn == urn)
    return School(urn, here, count_flags(here))
