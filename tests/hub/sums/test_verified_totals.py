"""What the reader of a released total holds against what the nodes signed: each way in which a hub could lie of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from federation.envelope import Envelope
from federation.exchange import ReleaseDocument
from federation.manifest import MANIFEST_TYPE
from federation.plans import derive_plan
from federation.total_releases import TotalMismatch, verify_total
from hub.queries import StoredQuery, find_query
from query_engine.planning.capped_counts import figures_carried
from query_engine.planning.plan import QueryPlan
from tests.hub.replies import released
from tests.hub.sums.conftest import open_sums
from tests.hub.sums.played_sums import PlayedSums

Change = Callable[["Told", "Told"], ReleaseDocument]


@dataclass(frozen=True)
class Told:
    """A released total, and the query that it is of."""

    query: StoredQuery
    document: ReleaseDocument

    def with_table(self, **changes: object) -> ReleaseDocument:
        table: Mapping[str, Any] = {**self.document.table, **changes}
        return msgspec.structs.replace(self.document, table=dict(table))

    def with_opening(self, opening: Envelope | None) -> ReleaseDocument:
        return msgspec.structs.replace(self.document, opening=opening)

    @property
    def opening(self) -> Envelope:
        assert self.document.opening is not None
        return self.document.opening


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlayedSums]:
    """A federation that all tests here only read of: a lie is a document of the test's own."""
    with open_sums(tmp_path_factory.mktemp("sums")) as opened:
        yield opened


@pytest.fixture(scope="module")
def told(sums: PlayedSums) -> tuple[Told, Told]:
    """Two totals of two questions."""
    sums.settle()
    query_ids = [sums.ask(), sums.ask(dropouts=1)]
    sums.settle()
    first, second = (
        Told(
            find_query(sums.federation.hub, query_id, sums.federation.member("ana")),
            released(sums.federation, query_id),
        )
        for query_id in query_ids
    )
    return first, second


def verify(sums: PlayedSums, query: StoredQuery, document: ReleaseDocument) -> None:
    assert query.envelope.payload_type == MANIFEST_TYPE
    plan = derive_plan(query.manifest.sql, query.manifest.path)
    verify_total(document, query.envelope, plan, sums.federation.hub.register())


def test_what_a_plan_carries_is_worked_out_once_for_all_contributions(
    sums: PlayedSums, told: tuple[Told, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes a second where many counts are one within the other, and England has 153 authorities."""
    asked = list[str]()

    def carry(plan: QueryPlan) -> int:
        asked.append(plan.plan_id)
        return figures_carried(plan)

    monkeypatch.setattr("federation.total_releases.figures_carried", carry)
    verify(sums, told[0].query, told[0].document)
    assert len(told[0].document.replies) > len(asked) == 1


def test_an_honest_total_is_accepted(sums: PlayedSums, told: tuple[Told, Told]) -> None:
    for each in told:
        verify(sums, each.query, each.document)


LIES: Mapping[str, Change] = {
    "no opening": lambda one, _: one.with_opening(None),
    "the opening of another sum": lambda one, other: one.with_opening(other.opening),
    "an opening that too few agreed to": lambda one, _: one.with_opening(
        msgspec.structs.replace(one.opening, signatures=one.opening.signatures[:4])
    ),
    "an opening with a signature twice": lambda one, _: one.with_opening(
        msgspec.structs.replace(one.opening, signatures=(*one.opening.signatures[:4], one.opening.signatures[0]))
    ),
    "an opening with a false signature": lambda one, other: one.with_opening(
        msgspec.structs.replace(one.opening, signatures=(*one.opening.signatures[1:], other.opening.signatures[0]))
    ),
    "a contribution left out": lambda one, _: msgspec.structs.replace(one.document, replies=one.document.replies[1:]),
    "a contribution twice": lambda one, _: msgspec.structs.replace(
        one.document, replies=(one.document.replies[0], *one.document.replies)
    ),
    "a contribution to another sum": lambda one, other: msgspec.structs.replace(
        one.document, replies=(other.document.replies[0], *one.document.replies[1:])
    ),
    "an authority that did not answer": lambda one, _: one.with_table(answered=one.document.table["answered"][1:]),
    "an authority that is absent and is not": lambda one, _: one.with_table(absent={"201": "late"}),
    "another plan": lambda one, _: one.with_table(plan_id="plan-" + "0" * 32),
    "another preset": lambda one, _: one.with_table(preset={"name": "dfe_cla", "version": "1"}),
    "another question": lambda one, _: msgspec.structs.replace(one.document, sql="SELECT 1"),
    "another purpose": lambda one, _: msgspec.structs.replace(one.document, purpose="What nobody approved"),
    "another query": lambda one, other: msgspec.structs.replace(one.document, query_id=other.query.query_id),
    "another id": lambda one, other: msgspec.structs.replace(one.document, release_id=other.document.release_id),
    "a moment before the sum": lambda one, _: msgspec.structs.replace(
        one.document, released_at=one.document.released_at - timedelta(minutes=6)
    ),
    "another path": lambda one, _: one.with_table(path="exact_sum"),
    "less noise than was approved": lambda one, _: one.with_table(
        noise={**one.document.table["noise"], "epsilon": "0.1"}
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_hub_that_lies_about_a_total_is_found_out(sums: PlayedSums, told: tuple[Told, Told], lie: str) -> None:
    one, other = told
    with pytest.raises(TotalMismatch):
        verify(sums, one.query, LIES[lie](one, other))
