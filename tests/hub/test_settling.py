"""When a table is released: once, with everything that came in in time, whatever happens to the hub meanwhile."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from audit.event import Action
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import ReleasedTable
from federation.exchange import QueryState
from federation.manifest import Outcome, Reply
from federation.problems import ProblemRaised
from federation.register import Served
from hub import queries, release, settling, standing
from hub.dispatch import accept_reply, offer_manifest, read_inbox
from hub.endings import withdraw_query
from hub.queries import find_query
from hub.service import open_hub
from hub.settling import settle_due, settle_query
from tests.hub.callers import gather
from tests.hub.played_federation import NODES, START, PlayedFederation
from tests.hub.replies import (
    accept,
    count_of,
    honest_table,
    released,
    rows_of,
    status_of,
    table_of,
    time_is_up,
    write_reply,
)


def test_two_last_replies_at_once_make_one_release(federation: PlayedFederation) -> None:
    """Whichever comes last, and though both look: one document, one entry in the log."""
    query_id = federation.answer(federation.start(), "node-301")
    replies = {node: write_reply(federation, query_id, node) for node in NODES[1:]}
    barrier = threading.Barrier(len(replies))

    def reply(node: str) -> None:
        barrier.wait()
        accept_reply(federation.hub, federation.member(node), replies[node])
        barrier.wait()
        settle_query(federation.hub, query_id)
        federation.hub.database.close()

    threads = [threading.Thread(target=reply, args=(node,)) for node in replies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert status_of(federation, query_id).state is QueryState.RELEASED
    assert count_of(federation, Action.QUERY_RELEASED) == 1
    assert table_of(federation, query_id).absent == {}


def start_anew(federation: PlayedFederation) -> None:
    """Stop the hub, and have it look what is due when it starts again."""
    federation.hub.database.close()
    reopened = open_hub(federation.hub.party.directory, federation.clock)
    settle_due(reopened, federation.clock())
    reopened.database.close()


def call(federation: PlayedFederation, member: str, door: str) -> None:
    assert gather(federation).call(member, "GET", door).status_code == 200


WAKERS: dict[str, Callable[[PlayedFederation, str], None]] = {
    "a node's poll": lambda federation, _: call(federation, "node-301", "/federation/inbox"),
    "a look at its status": lambda federation, query_id: call(federation, "ana", f"/api/queries/{query_id}"),
    "the hub's next start": lambda federation, _: start_anew(federation),
}
"""What has the hub look at what was left undone."""


@pytest.mark.parametrize("woken_by", WAKERS)
def test_a_hub_stopped_before_the_release_makes_it_later(federation: PlayedFederation, woken_by: str) -> None:
    """The last reply was stored and the hub killed; nobody replies again, since nobody needs to."""
    query_id = federation.start()
    for node in NODES:
        accept(federation, query_id, node)
    assert status_of(federation, query_id).state is QueryState.RUNNING
    WAKERS[woken_by](federation, query_id)
    assert status_of(federation, query_id).state is QueryState.RELEASED
    assert table_of(federation, query_id).absent == {}


@pytest.mark.parametrize("woken_by", WAKERS)
def test_a_hub_stopped_before_a_query_is_sent_out_sends_it_later(federation: PlayedFederation, woken_by: str) -> None:
    """The last approval was stored and the hub killed. Each node is offered it, once however many look."""
    query_id = federation.sign(federation.draft(), "ana", "cho", "dev", starts=False)
    assert status_of(federation, query_id).state is QueryState.APPROVED
    WAKERS[woken_by](federation, query_id)
    assert status_of(federation, query_id).state is QueryState.RUNNING
    settle_due(federation.hub, federation.clock())
    settling.start_query(federation.hub, query_id)
    assert count_of(federation, Action.QUERY_OFFERED) == 1
    for node in NODES:
        (offered,) = read_inbox(federation.hub, federation.member(node), federation.clock()).deliveries
        assert offered.lookup_id == status_of(federation, query_id).manifest_digest


def test_what_was_withdrawn_meanwhile_is_sent_to_nobody(federation: PlayedFederation) -> None:
    """Whoever sends it out had looked it up before."""
    query_id = federation.sign(federation.draft(), "ana", "cho", "dev", starts=False)
    found = find_query(federation.hub, query_id, federation.member("ana"))
    withdraw_query(federation.hub, query_id, "It was a mistake", federation.member("ana"))
    offer_manifest(federation.hub, found)
    assert status_of(federation, query_id).state is QueryState.WITHDRAWN
    assert not read_inbox(federation.hub, federation.member("node-301"), federation.clock()).deliveries
    assert count_of(federation, Action.QUERY_OFFERED) == 0


def test_settling_again_changes_nothing(federation: PlayedFederation) -> None:
    query_id = federation.answer(federation.start(), *NODES)
    document = released(federation, query_id)
    settle_query(federation.hub, query_id)
    time_is_up(federation)
    assert released(federation, query_id) == document
    assert count_of(federation, Action.QUERY_RELEASED) == 1


def test_a_reply_that_comes_in_meanwhile_is_not_left_out(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Combining takes a while; what is released is what had come in when it is released."""
    query_id = federation.answer(federation.start(), "node-301")
    query = find_query(federation.hub, query_id, federation.member("ana"))
    combine = release.combine_replies

    def combine_slowly(*arguments: Any) -> ReleasedTable:
        accept(federation, query_id, "node-302")
        monkeypatch.setattr(release, "combine_replies", combine)
        return combine(*arguments)

    monkeypatch.setattr(release, "combine_replies", combine_slowly)
    settling.finish_query(federation.hub, query)
    assert status_of(federation, query_id).state is QueryState.RUNNING
    time_is_up(federation)
    assert table_of(federation, query_id).absent == {"303": "late"}


def test_trouble_with_one_query_stays_with_it(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The polls of all nodes come by where queries are settled: none fails, and the other query is released."""
    spoilt, other = federation.start(), federation.start()
    combine = release.combine_replies

    def combine_one(hub: Any, query: queries.StoredQuery, replies: Mapping[str, Reply]) -> ReleasedTable:
        if query.query_id == spoilt:
            raise RuntimeError("SECRET-VALUE")
        return combine(hub, query, replies)

    monkeypatch.setattr(release, "combine_replies", combine_one)
    with caplog.at_level(logging.ERROR, "circe.hub"):
        for query_id in (spoilt, other):
            federation.answer(query_id, *NODES)
        assert gather(federation).call("node-301", "GET", "/federation/inbox").status_code == 200
    assert status_of(federation, spoilt).state is QueryState.RUNNING
    assert status_of(federation, other).state is QueryState.RELEASED
    assert f"{spoilt} cannot be settled now: RuntimeError at test_settling.py" in caplog.text
    assert "SECRET" not in caplog.text
    monkeypatch.setattr(release, "combine_replies", combine)
    settle_due(federation.hub, federation.clock())
    assert status_of(federation, spoilt).state is QueryState.RELEASED


# --- What the gate refuses -----------------------------------------------------------------------------------------


def assert_withheld(federation: PlayedFederation, query_id: str) -> None:
    """Nothing is released, for good, and the log says so."""
    assert status_of(federation, query_id).state is QueryState.UNFINISHED
    assert count_of(federation, Action.QUERY_WITHHELD) == 1
    assert count_of(federation, Action.QUERY_RELEASED) == 0
    with pytest.raises(ProblemRaised, match="nothing has been released"):
        released(federation, query_id)


def test_nothing_is_released_under_another_preset_than_was_approved(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hub whose software brings another version of the preset does not release what was approved under the old."""
    query_id = federation.start()
    kept = federation.hub.party.presets.place("ons_10_5", load_preset("ons_10_5").version)
    assert kept is not None
    kept.unlink()
    newer = replace(load_preset("ons_10_5"), version="99")
    monkeypatch.setattr("disclosure_control.presets.shelf.load_preset", lambda _: newer)
    assert_withheld(federation, federation.answer(query_id, *NODES))


def test_nothing_is_released_under_another_plan_than_was_approved(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor by a planner that makes another plan of the SQL, or none any more; what there is can still be listed."""
    query_id = federation.start()
    for node in NODES:
        accept(federation, query_id, node)

    def refuse(*_: object) -> None:
        raise ProblemRaised(422, "unknown_column", "there is no such column any more")

    monkeypatch.setattr(queries, "plan_draft", refuse)
    settle_due(federation.hub, federation.clock())
    assert_withheld(federation, query_id)
    assert [query.query_id for query in standing.list_queries(federation.hub, federation.member("ana"))] == [query_id]


LONG_AGO = START - timedelta(days=400)
NOBODYS = (Served(code="302", valid_from=LONG_AGO, valid_to=LONG_AGO + timedelta(days=1)),)
ANOTHERS = (Served(code="301", valid_from=LONG_AGO, valid_to=None),)


@pytest.mark.parametrize("authorities", [NOBODYS, ANOTHERS], ids=["nobody's", "another's"])
def test_nothing_is_released_without_a_place_for_every_node(
    federation: PlayedFederation, authorities: tuple[Served, ...]
) -> None:
    """A node of the roster that serves no authority of its own any more has no rows, and a row is never left out."""
    query_id = federation.answer(federation.start(), "node-301", "node-303")
    federation.change_member("node-301", revoked=True)
    federation.change_member("node-302", authorities=authorities)
    time_is_up(federation)
    assert_withheld(federation, query_id)


def test_an_answer_stays_its_authoritys_though_the_register_moves_on(federation: PlayedFederation) -> None:
    """A node that has answered and left the federation has its rows under the authority that it answered for."""
    query_id = federation.answer(federation.start(), "node-301", "node-302")
    before = honest_table(federation, query_id, "node-301")["rows"][0][1]
    federation.change_member("node-301", revoked=True)
    federation.refuse(query_id, "node-303")
    table = table_of(federation, query_id)
    assert rows_of(table, "301")[0][0] == before
    assert table.absent == {"303": "history_full"}


def test_outcomes_are_words_that_the_release_knows() -> None:
    """The hub compares them as texts where they stand beside the reply."""
    assert set(Outcome) == {"answered", "refused", "held"}
