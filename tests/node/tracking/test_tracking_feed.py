"""What is tracked becomes a new snapshot, in the place of what was loaded, and is gone when it is taken back."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from audit.event import Action
from audit.log import read_entries
from federation.cli import run
from node.service import Node, open_node
from node.tracking.facts import (
    Admission,
    Attendance,
    Fact,
    Plan,
    StartingPoint,
    Step,
    Support,
    Target,
    Withdrawal,
)
from node.tracking.kinds import key_of
from node.tracking.store import add_entries, read_record
from node.tracking.visit import begin_visit
from tests.small_federation import SmallFederation

PLANS = tuple(
    Plan(term=f"202425-{term}", meeting_date=day, completed_date=day, quality="acceptable", sdq_strategies=True)
    for term, day in (
        ("autumn", date(2024, 11, 4)),
        ("spring", date(2025, 2, 3)),
        ("summer", date(2025, 6, 2)),
    )
)
END = date(2025, 2, 1)
FACTS: tuple[Fact, ...] = (
    StartingPoint(subject="english", grade="WTS", assessed_on=date(2024, 5, 1)),
    Target(term="202425-summer", subject="english", target="EXS"),
    *PLANS,
    Support(kind="therapy", start_date=date(2025, 1, 6), target_subject="social_and_emotional", cost=Decimal("120.00")),
    Admission(request_date=date(2024, 9, 2), on_roll_date=date(2024, 9, 30)),
    Attendance(term="202425-spring", possible=100, authorised=8, unauthorised=12),
    Step(
        topic="ambition", on=date(2025, 1, 6), step="challenged", owner="school", due=date(2025, 2, 1), note="Aurelia"
    ),
)


@pytest.fixture
def state(federation: SmallFederation) -> Path:
    return federation.directory / f"node-{federation.authorities[0]}"


def rows(node: Node, table: str, **where: object) -> list[dict[str, Any]]:
    snapshot = node.store.current()
    assert snapshot is not None
    found = duckdb.read_parquet(str(snapshot.tables[table]))
    every = [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]
    return [row for row in every if all(row[name] == value for name, value in where.items())]


def in_care(node: Node) -> str:
    """A child in care the whole year, of whom no roll here tells."""
    year = rows(node, "child_year", academic_year=202425, in_care_12_months=True, attendance_rate=None)
    return str(next(row["child"] for row in year if row["population"] == "looked_after" and row["key_stage"]))


def set_down(node: Node, child: str, *facts: Fact) -> None:
    with node.database.transaction() as connection:
        version = read_record(connection, child).version
        told = {"by": "vsh", "role": "virtual_school_head", "reason": "Review"}
        add_entries(connection, child, version, facts, at=node.clock(), **told)


def test_what_is_tracked_is_in_the_next_snapshot_and_gone_when_taken_back(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = open_node(state)
    child, before = in_care(node), rows(node, "child_year", academic_year=202425)
    set_down(node, child, *FACTS)
    assert run(["node", "track", "feed", "--state", str(state)]) == 0
    first = node.store.current()
    assert first is not None
    assert capsys.readouterr().out == f"snapshot {first.id}\n"
    (year,) = rows(node, "child_year", child=child, academic_year=202425)
    assert (year["pep_on_time"], year["pep_quality"], year["target_ambition"]) == (True, "acceptable", "above")
    assert year["days_request_to_roll"] == 28
    assert (float(year["attendance_rate"]), year["persistent_absentee"]) == (0.8, True)
    assert [row["term"] for row in rows(node, "pep", child=child, pep_quality="acceptable")] == [
        "autumn", "spring", "summer"
    ]  # fmt: skip
    (given,) = rows(node, "support", child=child, academic_year=202425)
    assert (given["support_kind"], given["target_subject"], given["cost"]) == ("therapy", "social_and_emotional", 120)
    loaded = begin_visit(node, "vsh", "Review").find(child).plans
    assert [(plan.term, plan.on_time, plan.quality) for plan in sorted(loaded, key=lambda plan: plan.term)] == [
        (f"202425-{term}", True, "acceptable") for term in ("autumn", "spring", "summer")
    ]
    others = [row for row in rows(node, "child_year", academic_year=202425) if row["child"] != child]
    assert others == [row for row in before if row["child"] != child]
    assert b"Aurelia" not in b"".join(path.read_bytes() for path in first.path.rglob("*.parquet"))

    set_down(node, child, *(Withdrawal(kind=key_of(fact)[0], key=key_of(fact)[1]) for fact in FACTS))
    assert run(["node", "track", "feed", "--state", str(state)]) == 0
    assert rows(node, "child_year", academic_year=202425) == before
    loads = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.NODE_LOADED)]
    assert len(loads) == 2
