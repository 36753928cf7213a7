"""Attempts at the hub: one is called off by the whole roster, and nobody is blamed for what comes after that."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from audit.event import Action
from federation.exchange import DeliveryKind, QueryState
from federation.problems import ProblemRaised
from federation.secure_sum.digests import digest_of
from federation.secure_sum.facts import name_abort
from federation.secure_sum.messages import Abort
from federation.sum_terms import GATHER_SECONDS
from federation.sums_exchange import AbortWanted, ContributionHandedIn, StatementSigned
from federation.wire import decode_document, encode_document
from hub.settling import keep_up
from hub.sums import arrivals
from hub.sums.attempts import StoredAttempt, find_attempt
from tests.hub.replies import count_of, status_of
from tests.hub.sums.played_sums import PlayedSums

GATHER = timedelta(seconds=GATHER_SECONDS + 1)


def fail_for_want_of_nodes(sums: PlayedSums, here: list[str]) -> str:
    """Ask a sum that these nodes alone contribute to in time; returns the query's id."""
    sums.settle()
    query_id = sums.ask(dropouts=1, colluders=1)
    for name in here:
        sums.nodes[name].poll()
    sums.federation.clock.advance(GATHER)
    keep_up(sums.federation.hub, sums.federation.clock())
    return query_id


def newest(sums: PlayedSums, query_id: str) -> StoredAttempt:
    found = find_attempt(sums.federation.hub, status_of(sums.federation, query_id).manifest_digest)
    assert found is not None
    return found


@pytest.mark.parametrize("contributed", [0, 1, 4])
def test_the_whole_roster_calls_an_attempt_off(sums: PlayedSums, contributed: int) -> None:
    """Five of seven must, and fewer contributed: those that were away give their word, and nobody waits for the end."""
    query_id = fail_for_want_of_nodes(sums, sorted(sums.nodes)[:contributed])
    began = newest(sums, query_id)
    sums.settle()
    assert sums.federation.clock() < began.attempt.expires_at
    assert newest(sums, query_id).number == 2
    assert {row[-1] for row in sums.table(query_id)} == {7}
    assert count_of(sums.federation, Action.SUM_REJECTED) == 0
    assert sums.federation.hub.database.connection.execute("SELECT 1 FROM sum_arrivals").fetchone() is None


def test_a_hub_stopped_before_it_asks_for_aborts_asks_when_it_is_back(sums: PlayedSums) -> None:
    """What it decided stands in its database, and what it was about to ask goes out again."""
    query_id = fail_for_want_of_nodes(sums, sorted(sums.nodes)[:2])
    with sums.federation.hub.database.transaction() as connection:
        assert connection.execute("DELETE FROM deliveries WHERE kind = ?", (DeliveryKind.ABORT,)).rowcount == 7
    sums.reopen_hub()
    sums.settle()
    assert {row[-1] for row in sums.table(query_id)} == {7}


def test_nobody_is_asked_to_give_up_what_is_followed(sums: PlayedSums) -> None:
    """The abort goes from the inboxes of those that were away, and the next attempt is what they find."""
    names = sorted(sums.nodes)
    fail_for_want_of_nodes(sums, names[:2])
    sums.settle(*names[:-1])
    rows = sums.federation.hub.database.connection.execute(
        "SELECT kind FROM deliveries WHERE receiver = ?", (names[-1],)
    )
    found = {row["kind"] for row in rows}
    assert DeliveryKind.SUM in found
    assert DeliveryKind.ABORT not in found


def test_whoever_is_asked_to_give_up_the_second_attempt_is_shown_the_aborts_of_the_first(sums: PlayedSums) -> None:
    """A node that missed the second, and still has the first open, gives its word on nothing without them."""
    names = sorted(sums.nodes)
    query_id = fail_for_want_of_nodes(sums, names[:4])
    sums.settle(*names[:5])
    sums.federation.clock.advance(GATHER)
    keep_up(sums.federation.hub, sums.federation.clock())
    assert newest(sums, query_id).number == 2
    row = sums.federation.hub.database.connection.execute(
        "SELECT body FROM deliveries WHERE kind = ? AND receiver = ?", (DeliveryKind.ABORT, names[-1])
    ).fetchone()
    wanted = decode_document(row["body"], AbortWanted)
    assert wanted.aborts is not None
    assert decode_document(wanted.aborts.body, Abort).attempt == 1
    assert wanted.aborts.signers == tuple(names[:5])


# --- What comes too late ---------------------------------------------------------------------------------------------


Late = Callable[[PlayedSums, str], Callable[[], None]]


def late_contribution(sums: PlayedSums, name: str) -> Callable[[], None]:
    """What a node handed in for the first attempt, on its way once more."""
    hub, me = sums.federation.hub, sums.federation.member(name)
    row = hub.database.connection.execute(
        "SELECT digest, body FROM sum_arrivals WHERE node = ? AND kind = 'contribution'", (name,)
    ).fetchone()
    sent = decode_document(row["body"], ContributionHandedIn)
    return lambda: arrivals.accept_contribution(hub, me, row["digest"], sent)


def late_abort(sums: PlayedSums, name: str) -> Callable[[], None]:
    """A node's word that the first attempt is over, on its way once more."""
    hub, me, node = sums.federation.hub, sums.federation.member(name), sums.nodes[name]
    ((digest, query),) = node.asked.items()
    signed = StatementSigned(
        statement_digest=digest_of(encode_document(name_abort(query.attempt))),
        signature=node.contributor.abort(query, hub.register(), sums.federation.clock()),
    )
    return lambda: arrivals.accept_abort(hub, me, digest, signed)


@pytest.mark.parametrize("late", [late_contribution, late_abort])
def test_what_is_of_the_attempt_before_is_nobodys_fault(sums: PlayedSums, late: Late) -> None:
    """It is not taken, it is not held against its sender, and the sum goes on with the sender in it."""
    query_id = fail_for_want_of_nodes(sums, sorted(sums.nodes)[:2])
    hand_in = late(sums, "node-201")
    for name in sorted(sums.nodes)[:5]:
        sums.nodes[name].poll()
    assert newest(sums, query_id).number == 2
    with pytest.raises(ProblemRaised) as refused:
        hand_in()
    assert (refused.value.problem.status, refused.value.problem.code) == (409, "attempt_over")
    assert count_of(sums.federation, Action.SUM_REJECTED) == 0
    sums.settle()
    assert status_of(sums.federation, query_id).state is QueryState.RELEASED
    assert {row[-1] for row in sums.table(query_id)} == {7}


def test_an_attempt_that_is_followed_while_something_waits_its_turn(
    sums: PlayedSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was awaited when it came in is looked at again when its turn has come, and goes into no other attempt."""
    query_id = fail_for_want_of_nodes(sums, sorted(sums.nodes)[:2])
    hub, names = sums.federation.hub, sorted(sums.nodes)
    for name in names[:4]:
        sums.nodes[name].poll()
    before = newest(sums, query_id)
    hand_in = late_abort(sums, names[0])
    lock, turns = hub.sums.lock, iter([lambda: sums.nodes[names[4]].poll()])

    class Turn:
        """The lock, which somebody else gets first."""

        def __enter__(self) -> None:
            next(turns, lambda: None)()
            lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    monkeypatch.setattr(hub.sums, "lock", Turn())
    with pytest.raises(ProblemRaised) as refused:
        hand_in()
    assert refused.value.problem.code == "attempt_over"
    after = newest(sums, query_id)
    assert (before.number, after.number) == (1, 2)
    kept = hub.database.connection.execute("SELECT 1 FROM sum_arrivals WHERE number = 2 AND node = ?", (names[0],))
    assert kept.fetchone() is None
