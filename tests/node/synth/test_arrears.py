"""A census tells of the attendance of the term before its own, and only of pupils that the school had then."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from tests.node.synth.conftest import England, Row

AUTUMN, SPRING, SUMMER = "2024_autumn", "2025_spring", "2025_summer"
SESSIONS = {AUTUMN: 116.0, SPRING: 140.0, SUMMER: 118.0}
"""The sessions of the term before each census: last summer's, autumn's and spring's."""


def test_the_sessions_are_those_of_the_term_before(estuary: England) -> None:
    """None for a pupil whom the school did not have then; those are few."""
    for term, sessions in SESSIONS.items():
        possible = [_possible(row) for row in _rolls(estuary, term)]
        assert set(possible) == {0.0, sessions}
        assert possible.count(0.0) < 0.25 * len(possible)


def test_a_school_tells_of_nobody_it_did_not_have(estuary: England) -> None:
    """Whoever was at another school a term before, or entered after last summer, has no sessions."""
    for before, term in ((AUTUMN, SPRING), (SPRING, SUMMER)):
        schools = _schools(estuary, before)
        rows = list(_rolls(estuary, term))
        assert all((_possible(row) > 0) == (row["NativeId"] == schools.get(row["upn"])) for row in rows)
        assert sum(row["NativeId"] != schools.get(row["upn"]) for row in rows) > 20
    entered = [row for row in _rolls(estuary, AUTUMN) if _entry(row) >= date(2024, 9, 2)]
    assert entered
    assert not any(map(_possible, entered))


def _rolls(england: England, term: str) -> Iterator[Row]:
    for code in england.codes:
        yield from england.census(code, term, "pupilonroll")


def _possible(row: Row) -> float:
    return float(row["termlysessionspossible"])


def _entry(row: Row) -> date:
    return datetime.strptime(row["entrydate"][:11], "%Y-%b-%d").date()


def _schools(england: England, term: str) -> Mapping[str, str]:
    """Where each pupil was on roll, by unique pupil number."""
    return {row["upn"]: row["NativeId"] for row in _rolls(england, term)}
