"""A noisy sum and an exact one at the hub: prepared ahead, gathered, opened, released, and forgotten."""

import sqlite3
from datetime import timedelta

import msgspec
import pytest

from audit.connection import Row
from audit.event import Action
from federation.exchange import DeliveryKind, QueryState
from federation.problems import ProblemRaised
from federation.secure_sum.epochs import name_epoch
from federation.secure_sum.rosters import make_roster
from federation.sum_terms import GATHER_SECONDS
from federation.sums_exchange import ContributionHandedIn
from federation.wire import decode_document
from hub import queries
from hub.endings import withdraw_query
from hub.queries import StoredQuery, find_query, read_query
from hub.settling import keep_up, settle_due, start_query
from hub.sums import advancing, arrivals
from hub.sums.advancing import SLOW
from hub.sums.beginning import MOST_ATTEMPTS, OPENING_TIME, begin_attempt
from hub.sums.left_out import leave_out
from hub.sums.prekeys import PATIENCE
from hub.sums.rosters import ASKED, keep_roster
from hub.sums.slots import STOCK, SlotState
from tests.hub.replies import count_of, released, status_of
from tests.hub.sums.played_sums import KeptReveals, PlayedSums

GATHER = timedelta(seconds=GATHER_SECONDS + 1)


def rows_of(sums: PlayedSums, sql: str) -> list[sqlite3.Row]:
    """What stands in the hub's database."""
    return sums.federation.hub.database.connection.execute(sql).fetchall()


def slots_in(sums: PlayedSums, state: SlotState) -> int:
    return len(rows_of(sums, f"SELECT 1 FROM sum_slots WHERE state = '{state}'"))


def test_slots_are_dealt_before_anything_is_asked(sums: PlayedSums) -> None:
    sums.settle()
    assert slots_in(sums, SlotState.READY) >= 4
    assert slots_in(sums, SlotState.SPOILED) == 0


def test_nodes_deal_one_slot_at_a_time(sums: PlayedSums) -> None:
    """However many are wanting: else a roster of 153 has so much before it that its nodes seem silent."""
    under_way = []
    for _ in range(40):
        keep_up(sums.federation.hub, sums.federation.clock())
        under_way.append(slots_in(sums, SlotState.DEALING) + slots_in(sums, SlotState.OFFERED))
        for node in sums.nodes.values():
            node.poll()
    assert max(under_way) == 1
    assert slots_in(sums, SlotState.READY) == STOCK


def test_a_node_of_two_rosters_deals_for_one_at_a_time(sums: PlayedSums) -> None:
    """A roster that was formed for a question has nothing in stock while England deals its second slot: it waits."""
    hub, under_way = sums.federation.hub, []
    for _ in range(60):
        keep_up(hub, sums.federation.clock())
        if slots_in(sums, SlotState.READY) == 1 and len(rows_of(sums, "SELECT 1 FROM sum_rosters")) == 1:
            six = make_roster(name_epoch(sums.federation.clock()), sorted(sums.nodes)[:-1])
            with hub.database.transaction() as connection:
                keep_roster(connection, ASKED, six, sums.federation.clock())
            keep_up(hub, sums.federation.clock())
        under_way.append(slots_in(sums, SlotState.DEALING) + slots_in(sums, SlotState.OFFERED))
        for node in sums.nodes.values():
            node.poll()
    assert max(under_way) == 1
    assert slots_in(sums, SlotState.READY) == 2 * STOCK


def test_nothing_is_dealt_beside_a_sum_while_some_of_the_stock_is_left(sums: PlayedSums) -> None:
    sums.settle()
    sums.ask()
    keep_up(sums.federation.hub, sums.federation.clock())
    assert slots_in(sums, SlotState.READY) == STOCK - 1
    assert slots_in(sums, SlotState.DEALING) == 0
    sums.settle()
    assert slots_in(sums, SlotState.READY) == STOCK


def test_a_slot_is_dealt_beside_a_sum_when_nothing_of_the_stock_is_left(sums: PlayedSums) -> None:
    sums.settle()
    for _ in range(STOCK):
        sums.ask()
    keep_up(sums.federation.hub, sums.federation.clock())
    assert slots_in(sums, SlotState.READY) == 0
    assert slots_in(sums, SlotState.DEALING) == 1


def test_a_sum_that_waits_is_read_once_however_many_polls_come_by(
    sums: PlayedSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds may wait to be sent out. What else is due is found all the same; of what has ended nothing is kept."""
    sums.settle()
    federation, waiting, read = sums.federation, sums.ask(starts=False), list[str]()

    def note(row: Row) -> StoredQuery:
        read.append(row["query_id"])
        return read_query(row)

    monkeypatch.setattr(queries, "read_query", note)
    for _ in range(3):
        settle_due(federation.hub, federation.clock())
    assert read == [waiting]
    left = federation.sign(federation.draft(), "ana", "cho", "dev", starts=False)
    settle_due(federation.hub, federation.clock())
    assert status_of(federation, left).state is QueryState.RUNNING
    assert federation.hub.sums.passed_over == {status_of(federation, waiting).manifest_digest}
    withdraw_query(federation.hub, waiting, "It was a mistake", federation.member("ana"))
    settle_due(federation.hub, federation.clock())
    assert federation.hub.sums.passed_over == set()


def test_a_noisy_sum_is_released(sums: PlayedSums) -> None:
    """What is released is what the nodes added up: seven times one child in each cell, as nobody added noise here."""
    sums.settle()
    query_id = sums.ask()
    sums.settle()
    assert status_of(sums.federation, query_id).state is QueryState.RELEASED
    document = released(sums.federation, query_id)
    assert document.opening is not None
    assert len(document.replies) == 7
    assert {row[-1] for row in sums.table(query_id)} == {7}


def test_a_sum_is_approved_until_its_nodes_are_ready_for_it(sums: PlayedSums) -> None:
    """With nothing left in stock it waits, and can be taken back; from when the nodes are asked, it is running."""
    sums.settle()
    for _ in range(STOCK):
        sums.ask()
    waiting, taken_back = sums.ask(), sums.ask()
    assert {status_of(sums.federation, each).state for each in (waiting, taken_back)} == {QueryState.APPROVED}
    withdraw_query(sums.federation.hub, taken_back, "It was a mistake", sums.federation.member("ana"))
    offered = count_of(sums.federation, Action.QUERY_OFFERED)
    sums.settle()
    assert status_of(sums.federation, waiting).state is QueryState.RELEASED
    assert count_of(sums.federation, Action.QUERY_OFFERED) == offered + 1


def test_a_sum_that_is_withdrawn_while_it_is_begun_takes_no_slot(sums: PlayedSums) -> None:
    """Whoever begins it had looked it up before."""
    sums.settle()
    query_id, ana = sums.ask(starts=False), sums.federation.member("ana")
    found = find_query(sums.federation.hub, query_id, ana)
    withdraw_query(sums.federation.hub, query_id, "It was a mistake", ana)
    assert not begin_attempt(sums.federation.hub, found, sums.federation.clock())
    assert slots_in(sums, SlotState.READY) == STOCK


def test_a_sum_that_the_version_before_called_running_is_begun(sums: PlayedSums) -> None:
    """That version set a sum running with its second approval, whether or not its nodes were ready."""
    sums.settle()
    query_id = sums.ask(starts=False)
    with sums.federation.hub.database.transaction() as connection:
        connection.execute("UPDATE queries SET state = 'running' WHERE query_id = ?", (query_id,))
    sums.settle()
    assert status_of(sums.federation, query_id).state is QueryState.RELEASED


# --- Nodes that are missing ------------------------------------------------------------------------------------------


def test_two_nodes_may_be_missing_where_the_terms_allow_for_two(sums: PlayedSums) -> None:
    """The sum is over those that answered, and says who is not in it and why."""
    sums.settle()
    query_id = sums.ask(dropouts=2, colluders=1)
    here = sorted(sums.nodes)[:-2]
    sums.settle(*here)
    assert status_of(sums.federation, query_id).state is QueryState.RUNNING
    sums.federation.clock.advance(GATHER)
    sums.settle(*here)
    document = released(sums.federation, query_id)
    assert {row[-1] for row in sums.table(query_id)} == {5}
    assert document.table["absent"] == {"815": "late", "886": "late"}
    assert [envelope.signers[0] for envelope in document.replies] == here


def test_a_refusal_is_not_waited_for(sums: PlayedSums) -> None:
    """Six answer and one refuses: the sum goes on at once, without it."""
    sums.settle()
    query_id = sums.ask()
    sums.nodes["node-886"].deaf_to = frozenset({DeliveryKind.SUM})
    sums.settle(*sorted(sums.nodes)[:-1])
    sums.federation.refuse(query_id, "node-886", "path_barred")
    sums.settle()
    assert released(sums.federation, query_id).table["absent"] == {"886": "path_barred"}
    assert {row[-1] for row in sums.table(query_id)} == {6}


def test_the_quickest_are_asked_for_their_shares_and_the_rest_when_those_are_slow(
    sums: PlayedSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five open a sum of seven. Two of the first five keep silent: two seconds later the other two are asked."""
    monkeypatch.setattr(advancing, "FEWEST_SPARE", 0)
    sums.settle()
    query_id = sums.ask()
    names = sorted(sums.nodes, reverse=True)
    for name in names:
        sums.nodes[name].poll()
    asked = "SELECT receiver FROM deliveries WHERE kind = 'opening'"
    assert {row["receiver"] for row in rows_of(sums, asked)} == set(names[:5])
    for name in names[:2]:
        sums.nodes[name].deaf_to = frozenset({DeliveryKind.OPENING})
    sums.settle(*names[2:])
    assert status_of(sums.federation, query_id).state is QueryState.RUNNING
    sums.federation.clock.advance(SLOW)
    sums.settle(*names[2:])
    assert {row[-1] for row in sums.table(query_id)} == {7}


def test_too_many_missing_end_the_attempt_and_begin_another(sums: PlayedSums) -> None:
    """Nodes that were away for the first attempt are there for the second, which takes a fresh slot."""
    sums.settle()
    query_id = sums.ask(dropouts=1, colluders=1)
    here, away = sorted(sums.nodes)[:-2], sorted(sums.nodes)[-2:]
    sums.settle(*here)
    sums.federation.clock.advance(GATHER)
    sums.settle(*here)
    assert status_of(sums.federation, query_id).state is QueryState.RUNNING
    sums.settle(*here, *away)
    assert {row[-1] for row in sums.table(query_id)} == {7}
    attempts = rows_of(sums, "SELECT number, state, slot FROM sum_attempts ORDER BY number")
    assert [row["state"] for row in attempts] == ["aborting", "opened"]
    assert len({row["slot"] for row in attempts}) == 2
    assert count_of(sums.federation, Action.SUM_FAILED) == 1


def test_refusals_that_leave_too_few_end_the_query_at_once(sums: PlayedSums) -> None:
    """A refusal is final, so no further attempt is made, and nobody waits for the time to run out: it is refused."""
    sums.settle()
    query_id = sums.ask(dropouts=1, colluders=1)
    for node in sorted(sums.nodes)[:2]:
        sums.federation.refuse(query_id, node, "path_barred")
    status = status_of(sums.federation, query_id)
    assert status.state is QueryState.REFUSED
    assert status.ending is not None
    assert status.ending.reason == (
        "too many authorities refused it for the others to be added up: path_barred at authorities 201, 301"
    )
    assert count_of(sums.federation, Action.SUM_FAILED) == 1


def test_an_attempt_fails_together_with_its_query(sums: PlayedSums, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub that is killed as it ends the query has not given the attempt up: once it is up again, it ends both."""

    def be_killed(*_: object) -> None:
        raise SystemExit

    sums.settle()
    query_id = sums.ask(dropouts=1, colluders=1)
    first, last = sorted(sums.nodes)[:2]
    sums.federation.refuse(query_id, first, "path_barred")
    with monkeypatch.context() as stopped:
        stopped.setattr(advancing, "end_refused", be_killed)
        with pytest.raises(SystemExit):
            sums.federation.refuse(query_id, last, "path_barred")
    assert status_of(sums.federation, query_id).state is QueryState.RUNNING
    assert count_of(sums.federation, Action.SUM_FAILED) == 0
    keep_up(sums.federation.hub, sums.federation.clock())
    assert status_of(sums.federation, query_id).state is QueryState.REFUSED
    assert count_of(sums.federation, Action.SUM_FAILED) == 1


def test_a_sum_that_nobody_opens_was_not_refused(sums: PlayedSums) -> None:
    """One refused, which it can do without; the others contributed, and keep silent when they are asked to open it."""
    sums.settle()
    query_id = sums.ask(dropouts=2, colluders=1)
    refuses, *others = sorted(sums.nodes)
    sums.federation.refuse(query_id, refuses, "path_barred")
    for name in others:
        sums.nodes[name].deaf_to = frozenset({DeliveryKind.OPENING})
    sums.settle(*others)
    sums.federation.clock.advance(GATHER + OPENING_TIME)
    sums.settle(*others)
    status = status_of(sums.federation, query_id)
    assert (status.state, status.ending) == (QueryState.UNFINISHED, None)
    assert [node.outcome for node in status.nodes].count("answered") == len(others)
    assert count_of(sums.federation, Action.SUM_FAILED) == 1


def test_a_sum_that_is_short_of_more_than_refused_it_is_unfinished(sums: PlayedSums) -> None:
    """One refused, and the others it is short of kept silent: nobody says that the authorities refused it."""
    sums.settle()
    query_id = sums.ask(dropouts=1, colluders=1)
    refuses, *others = sorted(sums.nodes)
    sums.federation.refuse(query_id, refuses, "path_barred")
    for _ in range(MOST_ATTEMPTS):
        sums.settle(*others[:-2])
        sums.federation.clock.advance(GATHER)
    sums.federation.clock.advance(timedelta(hours=25))
    sums.settle(*others[:-2])
    status = status_of(sums.federation, query_id)
    assert (status.state, status.ending) == (QueryState.UNFINISHED, None)


def test_nothing_is_released_when_too_few_ever_answer(sums: PlayedSums) -> None:
    sums.settle()
    query_id = sums.ask()
    sums.federation.clock.advance(timedelta(hours=25))
    sums.settle()
    assert status_of(sums.federation, query_id).state is QueryState.UNFINISHED


def test_masked_vectors_of_what_failed_are_not_kept(sums: PlayedSums) -> None:
    """Neither those of an attempt that is followed by another, nor those of a query that ends without a release."""
    sums.settle()
    sums.ask(dropouts=1, colluders=1)
    here, first = sorted(sums.nodes)[:-2], "SELECT 1 FROM sum_arrivals WHERE number = 1 AND kind != 'abort'"
    sums.settle(*here)
    assert rows_of(sums, first)
    sums.federation.clock.advance(GATHER)
    sums.settle(*here, sorted(sums.nodes)[-1])
    assert not rows_of(sums, first)
    sums.settle()
    sums.ask()
    sums.settle(*here[:3])
    assert rows_of(sums, "SELECT 1 FROM sum_arrivals")
    sums.federation.clock.advance(timedelta(hours=25))
    sums.settle()
    assert not rows_of(sums, "SELECT 1 FROM sum_arrivals")


# --- A hub that is stopped -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("polls", range(8))
def test_a_hub_that_is_stopped_goes_on_where_it_was(sums: PlayedSums, polls: int) -> None:
    """After so many polls the hub loses its memory: the same sum is released all the same, once."""
    sums.settle()
    query_id = sums.ask()
    names = sorted(sums.nodes)
    for name in [*names, *names][: 2 * polls]:
        sums.nodes[name].poll()
    sums.reopen_hub()
    sums.settle()
    assert {row[-1] for row in sums.table(query_id)} == {7}
    assert count_of(sums.federation, Action.QUERY_RELEASED) == 1


def test_reveals_that_meet_a_hub_just_started_are_taken(sums: PlayedSums) -> None:
    """Nodes that were asked before it stopped reveal before it has looked what is next: none of that is lost."""
    sums.settle()
    query_id = sums.ask()
    for name in sums.nodes:
        sums.nodes[name].poll()
    sums.reopen_hub()
    for name in sums.nodes:
        sums.nodes[name].poll()
    assert {row[-1] for row in sums.table(query_id)} == {7}


# --- What the hub keeps ----------------------------------------------------------------------------------------------


def test_reveals_are_kept_sealed_and_go_when_the_sum_is_open(sums: PlayedSums) -> None:
    """No share stands in the hub's files in the clear, before the opening or after it, nor any masked vector after."""
    sums.settle()
    query_id = sums.ask()
    for name in sorted(sums.nodes):
        sums.nodes[name].poll()
    kept = KeptReveals(sums)
    for name in sorted(sums.nodes)[:3]:
        sums.nodes[name].poll()
    assert kept.shares
    assert not kept.found_in_files()
    assert rows_of(sums, "SELECT 1 FROM sum_arrivals WHERE kind = 'reveal'")
    sums.settle()
    assert status_of(sums.federation, query_id).state is QueryState.RELEASED
    assert not rows_of(sums, "SELECT 1 FROM sum_arrivals")
    assert not kept.found_in_files()


# --- Nodes that do not keep to the protocol --------------------------------------------------------------------------


def test_another_contribution_is_refused_and_logged(sums: PlayedSums) -> None:
    """The same bytes again are no error; other bytes are, and the log says whose they were, once."""
    sums.settle()
    digest = status_of(sums.federation, sums.ask()).manifest_digest
    node = sums.nodes["node-301"]
    node.poll()
    hub, me = sums.federation.hub, sums.federation.member("node-301")
    kept = rows_of(sums, "SELECT body FROM sum_arrivals WHERE node = 'node-301'")[0]["body"]
    sent = decode_document(kept, ContributionHandedIn)
    arrivals.accept_contribution(hub, me, digest, sent)
    other = msgspec.structs.replace(sent, vector=bytes(len(sent.vector)))
    for _ in range(2):
        with pytest.raises(ProblemRaised) as refused:
            arrivals.accept_contribution(hub, me, digest, other)
        assert refused.value.problem.status == 409
    assert count_of(sums.federation, Action.SUM_REJECTED) == 1


def test_a_dealer_that_lies_is_left_out(sums: PlayedSums) -> None:
    """Six complain of one: the slot is spoiled, rosters are formed anew without it, and sums go on."""
    liar = sums.nodes["node-886"]
    liar.lies = True
    sums.settle()
    query_id = sums.ask(dropouts=1, colluders=1)
    sums.settle()
    assert [envelope.signers[0] for envelope in released(sums.federation, query_id).replies] == sorted(sums.nodes)[:-1]
    assert slots_in(sums, SlotState.SPOILED) > 0
    assert count_of(sums.federation, Action.SUM_REJECTED) >= 6


def test_a_node_that_deals_nothing_is_not_waited_for_long(sums: PlayedSums) -> None:
    sums.nodes["node-886"].deaf_to = frozenset({DeliveryKind.DEAL})
    sums.settle()
    assert slots_in(sums, SlotState.READY) == 0
    sums.federation.clock.advance(PATIENCE + timedelta(seconds=1))
    sums.settle()
    query_id = sums.ask(dropouts=1, colluders=1)
    sums.settle()
    assert len(released(sums.federation, query_id).replies) == 6


def test_a_node_that_gives_no_prekey_is_asked_again_in_a_while(sums: PlayedSums) -> None:
    """Its rules may bar sums, and it is done with the question: it hears of it again when patience is over."""
    sums.nodes["node-886"].gives_prekeys = False
    sums.settle()
    asked = "SELECT 1 FROM deliveries WHERE receiver = 'node-886' AND kind = 'prekeys_wanted'"
    for wait in (timedelta(0), timedelta(seconds=1), PATIENCE - timedelta(seconds=2)):
        sums.federation.clock.advance(wait)
        keep_up(sums.federation.hub, sums.federation.clock())
        assert not rows_of(sums, asked)
    sums.federation.clock.advance(timedelta(seconds=2))
    keep_up(sums.federation.hub, sums.federation.clock())
    assert len(rows_of(sums, asked)) == 1
    sums.nodes["node-886"].gives_prekeys = True
    sums.settle()
    assert len(rows_of(sums, "SELECT 1 FROM sum_prekeys")) == 7


def test_a_sum_begins_without_a_look_at_any_other(sums: PlayedSums, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are running: only its own manifest is read."""
    sums.settle()
    sums.ask()
    read: list[str] = []

    def count(row: Row) -> StoredQuery:
        read.append(row["query_id"])
        return read_query(row)

    monkeypatch.setattr(queries, "read_query", count)
    query_id = sums.ask(starts=False)
    read.clear()
    start_query(sums.federation.hub, query_id)
    assert read == [query_id]


@pytest.mark.parametrize(
    ("complaints", "left_out"),
    [
        pytest.param([], set(), id="nobody complains"),
        pytest.param([("a", "z"), ("b", "z"), ("c", "z")], {"z"}, id="many complain of one"),
        pytest.param([("z", "a"), ("z", "b"), ("z", "c")], {"z"}, id="one complains of many"),
        pytest.param([("a", "b")], {"b"}, id="one complains of one"),
        pytest.param([("a", "b"), ("b", "a")], {"a"}, id="two of each other"),
        pytest.param([("a", "z"), ("b", "z"), ("y", "c"), ("y", "d")], {"y", "z"}, id="a liar on either side"),
        pytest.param([("a", "a")], set(), id="of oneself"),
    ],
)
def test_who_is_left_out_for_complaints(complaints: list[tuple[str, str]], left_out: set[str]) -> None:
    assert leave_out(complaints) == left_out
