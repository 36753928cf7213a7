"""Two workers of one hub, in this process: each has threads and connections of its own, and they share a server."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from audit.event import Action
from audit.log import read_entries
from federation.postgres import LONGEST_NOTICE, MOST_CONNECTIONS, PostgresDatabase
from federation.problems import ProblemRaised
from hub import settling
from hub.dispatch import has_deliveries
from hub.nonces import SharedNonces
from hub.service import Hub, open_hub
from hub.shared_bell import CHANNEL, SharedBell
from tests.hub.played_federation import NODES, START, PlayedFederation
from tests.hub.test_bell import HELD, PATIENCE, Waiter, lines_are_held
from tests.postgres_server import PostgresServer

__all__ = ["lines_are_held"]

pytestmark = pytest.mark.parametrize("storage", ["postgres"], indirect=True)


@pytest.fixture
def other(federation: PlayedFederation) -> Iterator[Hub]:
    """Another worker."""
    with closing(open_hub(federation.hub.party.directory, federation.clock)) as opened:
        yield opened


def hold_line(hub: Hub, topic: str) -> Waiter:
    """Hold a line at a worker, in a thread."""
    return Waiter(hub.bell, topic, holder=topic)


def await_listening(hub: Hub) -> None:
    """Return once a worker hears its own ring by way of the server: it listens."""
    assert isinstance(hub.bell, SharedBell)
    assert isinstance(hub.database, PostgresDatabase)
    waiter = hold_line(hub, "listening")
    while not waiter.has_looked(0.05):
        assert waiter.is_waiting(), "it does not listen"
        hub.database.announce(CHANNEL, ("listening",))
    waiter.end(lambda: hub.bell.ring("listening"))


def test_a_ring_is_heard_in_every_worker(federation: PlayedFederation, other: Hub) -> None:
    """Either way, and by whoever waits for that topic alone."""
    await_listening(other)
    await_listening(federation.hub)
    for here, there in ((federation.hub, other), (other, federation.hub)):
        waiter, stranger = hold_line(there, "node-301"), hold_line(there, "node-302")
        waiter.end(lambda here=here: here.bell.ring("node-301"))  # type: ignore[misc]
        assert stranger.is_waiting()
        stranger.end(lambda here=here: here.bell.ring("node-302"))  # type: ignore[misc]
        assert (waiter.looks, stranger.looks) == (3, 3)


def test_what_is_done_in_one_worker_wakes_who_waits_on_another(federation: PlayedFederation, other: Hub) -> None:
    """A query that is approved here is found by a node that polls there."""
    await_listening(other)
    node, looked, found = federation.member("node-301"), threading.Semaphore(0), threading.Event()

    def poll() -> None:
        def ready() -> bool:
            looked.release()
            return has_deliveries(other, node, federation.clock())

        other.bell.wait_until(ready, HELD, topic=node.id, holder=node.id)
        if ready():
            found.set()

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    for _ in ("without a line", "with the line in hand"):
        assert looked.acquire(timeout=PATIENCE)
    federation.start()
    thread.join(PATIENCE)
    assert found.is_set()


def test_a_ring_for_many_is_heard_by_all(federation: PlayedFederation, other: Hub) -> None:
    """More topics than one notice holds."""
    await_listening(other)
    topics = [f"node-{number:059d}" for number in range(3 * LONGEST_NOTICE // 64)]
    first, last = hold_line(other, topics[0]), hold_line(other, topics[-1])
    first.free = True
    last.end(lambda: federation.hub.bell.ring(*topics))
    first.end(lambda: None)


def test_a_bell_listens_again_when_the_server_is_back(
    federation: PlayedFederation, other: Hub, postgres: PostgresServer
) -> None:
    """Every waiter looks then, since rings may have been missed meanwhile."""
    await_listening(other)
    waiter = hold_line(other, "node-301")
    waiter.free = True
    postgres.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    waiter.end(lambda: None)
    await_listening(other)


def test_a_request_is_good_once_at_all_workers_together(federation: PlayedFederation, other: Hub) -> None:
    federation.hub.nonces.spend("ana 1", START)
    with pytest.raises(ProblemRaised) as refused:
        other.nonces.spend("ana 1", START)
    assert refused.value.problem.code == "replayed"
    other.nonces.spend("ana 2", START)
    assert isinstance(other.nonces, SharedNonces)


def test_many_threads_share_few_connections(federation: PlayedFederation, postgres: PostgresServer) -> None:
    """Readers and writers, more of them than there are connections: all get their turn."""
    done: list[int] = []

    def work(number: int) -> None:
        federation.hub.nonces.spend(f"n-{number}", START)
        with federation.hub.database.transaction() as connection:
            connection.execute("UPDATE projects SET document = ?", (str(number).encode(),))
        for _ in range(5):
            federation.hub.database.connection.execute("SELECT count(*) FROM queries").fetchone()
        done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3 * MOST_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(done) == 3 * MOST_CONNECTIONS


def test_two_workers_settle_a_query_once(federation: PlayedFederation, other: Hub) -> None:
    """Both find it due at the same moment: it is released once, and logged once."""
    query_id = federation.start()
    for node in NODES[:-1]:
        federation.answer(query_id, node)
    federation.clock.advance(timedelta(hours=169))
    start = threading.Barrier(2)

    def settle(hub: Hub) -> None:
        start.wait(PATIENCE)
        settling.settle_due(hub, hub.clock())

    threads = [threading.Thread(target=settle, args=(hub,)) for hub in (federation.hub, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    ends = [
        entry
        for action in (Action.QUERY_RELEASED, Action.QUERY_UNFINISHED)
        for entry in read_entries(other.database.connection, action=action)
    ]
    assert len(ends) == 1


def test_one_worker_at_a_time_has_the_turn_to_settle(federation: PlayedFederation, other: Hub) -> None:
    """Nobody waits for it, and whoever comes after it is over has it."""
    for first, second in ((federation.hub, other), (other, federation.hub)):
        with first.settling.take() as taken, second.settling.take() as taken_too:
            assert (taken, taken_too) == (True, False)
