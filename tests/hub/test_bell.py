"""Lines that are held open: nobody is left waiting who need not be, and nobody's waiting keeps others out.

No test sleeps: threads signal that they have looked, and are joined with far more patience than they should need. A
line is held for longer than that, so that none ends by itself before its test has failed.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from werkzeug.test import TestResponse

from federation.exchange import Inbox, LookupBatch, LookupProgress, QueryStatus
from federation.problems import ProblemRaised
from federation.sealing import SEALED_BYTES, SealedRecords
from federation.transport import encode_records
from federation.wire import D, decode_document
from hub import bell as bells
from hub.bell import Bell
from hub.relay import accept_answer, close_lookup, open_lookup
from tests.hub.callers import Callers, assert_problem, gather
from tests.hub.played_federation import PlayedFederation

PATIENCE = 20.0
HELD = 3 * PATIENCE


@pytest.fixture(autouse=True)
def lines_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no line end by itself: one that ends was rung for, or looked and was done."""
    monkeypatch.setattr(bells, "MOST_WAIT_SECONDS", HELD)


class Waiter:
    """A thread that holds a line until `free` is set, and says each time that it has looked."""

    def __init__(self, bell: Bell, topic: str = "topic", holder: str = "holder") -> None:
        self.free, self.looks = False, 0
        self._looked = threading.Semaphore(0)
        whose = {"topic": topic, "holder": holder}
        self._thread = threading.Thread(target=bell.wait_until, args=(self._look, HELD), kwargs=whose, daemon=True)
        self._thread.start()
        # Once before the line is taken, and once after it.
        self.await_look()
        self.await_look()

    def _look(self) -> bool:
        self.looks += 1
        self._looked.release()
        return self.free

    def await_look(self) -> None:
        assert self.has_looked(PATIENCE)

    def has_looked(self, patience: float) -> bool:
        """Whether it has looked once more, or does so before patience ends."""
        return self._looked.acquire(timeout=patience)

    def is_waiting(self) -> bool:
        return self._thread.is_alive()

    def end(self, ring: Callable[[], object]) -> None:
        """Have it be woken by a ring, and find that it is free."""
        self.free = True
        ring()
        self.join()

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert not self.is_waiting()


def hold(bell: Bell, seconds: float, ready: Callable[[], bool] = lambda: False, holder: str = "holder") -> None:
    bell.wait_until(ready, seconds, topic="topic", holder=holder)


def test_a_ring_wakes_whoever_waits_for_its_topic() -> None:
    """And nobody else: the other looks once more, when its own topic is rung for."""
    bell = Bell()
    mine, other = Waiter(bell, "mine"), Waiter(bell, "other")
    mine.end(lambda: bell.ring("mine"))
    assert other.is_waiting()
    other.end(lambda: bell.ring("nothing", "other"))
    assert (mine.looks, other.looks) == (3, 3)


def test_a_ring_without_reason_wakes_nobody_for_good() -> None:
    """Whoever is woken looks for itself, and waits on."""
    bell = Bell()
    waiter = Waiter(bell)
    bell.ring("topic")
    waiter.await_look()
    assert waiter.is_waiting()
    waiter.end(lambda: bell.ring("topic"))


def test_no_ring_is_missed_between_looking_and_waiting() -> None:
    """The bell rings while the waiter looks, after it has seen nothing: it looks again, and does not sleep over it."""
    bell, answers = Bell(), [False, False, True]

    def look() -> bool:
        bell.ring("topic")
        return answers.pop(0)

    thread = threading.Thread(target=hold, args=(bell, HELD, look), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert answers == []


@pytest.mark.parametrize("seconds", [0.01, 0.0, -1.0])
def test_nobody_waits_for_longer_than_asked(seconds: float) -> None:
    """The line is free again afterwards."""
    bell = Bell(lines=1)
    for _ in range(3):
        hold(bell, seconds)


@pytest.mark.parametrize("seconds", [3600.0, float("inf")])
def test_nobody_waits_for_longer_than_the_hub_lets_them(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(bells, "MOST_WAIT_SECONDS", 0.01)
    thread = threading.Thread(target=hold, args=(Bell(), seconds), daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_whoever_need_not_wait_takes_no_line() -> None:
    """With no line free, what is there already is still handed out."""
    bell = Bell(lines=0)
    hold(bell, HELD, lambda: True)
    hold(bell, 0)


def test_past_the_last_line_the_hub_is_busy() -> None:
    bell = Bell(lines=2)
    waiters = [Waiter(bell, holder=holder) for holder in ("node-301", "node-302")]
    with pytest.raises(ProblemRaised) as refused:
        hold(bell, HELD, holder="node-303")
    assert (refused.value.problem.status, refused.value.problem.code) == (503, "busy")
    waiters.pop(0).end(lambda: bell.ring("topic"))
    waiters.append(Waiter(bell, holder="node-303"))
    for waiter in waiters:
        waiter.end(lambda: bell.ring("topic"))


def test_nobody_takes_everybodys_lines() -> None:
    """One member holds a few lines, and others still find some."""
    bell = Bell(lines=10, each=2)
    waiters = [Waiter(bell, holder="greedy"), Waiter(bell, holder="greedy")]
    with pytest.raises(ProblemRaised) as refused:
        hold(bell, HELD, holder="greedy")
    assert (refused.value.problem.status, refused.value.problem.code) == (429, "too_many_lines")
    waiters.append(Waiter(bell, holder="modest"))
    for waiter in waiters:
        waiter.end(lambda: bell.ring("topic"))


def test_a_line_is_given_back_when_looking_fails() -> None:
    bell = Bell(lines=1)
    for _ in range(2):
        looks = iter([False])
        with pytest.raises(StopIteration):
            hold(bell, HELD, looks.__next__)
    hold(bell, 0.01)


# --- At the doors --------------------------------------------------------------------------------------------------


class Watched(Bell):
    """A bell that says when a line is held."""

    def __init__(self, lines: int = 8) -> None:
        super().__init__(lines)
        self.held = threading.Semaphore(0)

    def wait_until(self, ready: Callable[[], bool], seconds: float, *, topic: str, holder: str) -> None:
        looks = iter(("without a line", "with the line in hand"))

        def look() -> bool:
            found = ready()
            if next(looks, "") == "with the line in hand":
                self.held.release()
            return found

        super().wait_until(look, seconds, topic=topic, holder=holder)


@pytest.fixture
def callers(federation: PlayedFederation) -> Callers:
    """Everybody in front of a hub whose bell can be watched."""
    hang_bell(federation, Watched())
    return gather(federation)


def hang_bell(federation: PlayedFederation, bell: Bell) -> None:
    """Give the hub another bell; the one that it had stops listening."""
    federation.hub.bell.close()
    object.__setattr__(federation.hub, "bell", bell)


def poll(callers: Callers, pool: ThreadPoolExecutor, member: str, path: str) -> "Future[TestResponse]":
    """Hold a line in another thread, and return once it is held."""

    def call() -> TestResponse:
        response = callers.call(member, "GET", f"{path}?wait={HELD:.0f}")
        callers.federation.hub.database.close()
        return response

    held = pool.submit(call)
    bell = callers.federation.hub.bell
    assert isinstance(bell, Watched)
    assert bell.held.acquire(timeout=PATIENCE)
    return held


def read(held: "Future[TestResponse]", kind: type[D]) -> D:
    response = held.result(PATIENCE)
    assert response.status_code == 200, response.text
    return decode_document(response.data, kind)


def test_a_held_inbox_is_answered_when_something_comes_in(callers: Callers) -> None:
    with ThreadPoolExecutor() as pool:
        held = poll(callers, pool, "node-302", "/federation/inbox")
        callers.federation.start()
        assert len(read(held, Inbox).deliveries) == 1


def test_a_held_status_is_answered_at_each_step(callers: Callers) -> None:
    """A signature, a reply, the release: whoever follows a query hears of each at once.

    Approved, it is sent out by whoever looks next, which is the one who follows it.
    """
    federation = callers.federation
    query_id = federation.draft()
    steps: list[tuple[Callable[[], object], str]] = [
        (lambda: federation.sign(query_id, "ana"), "submitted"),
        (lambda: federation.sign(query_id, "cho"), "submitted"),
        (lambda: federation.sign(query_id, "dev", starts=False), "approved"),
        (lambda: federation.answer(query_id, "node-301"), "running"),
        (lambda: federation.answer(query_id, "node-302"), "running"),
    ]
    with ThreadPoolExecutor() as pool:
        for step, state in steps:
            held = poll(callers, pool, "ana", f"/api/queries/{query_id}")
            step()
            assert read(held, QueryStatus).state == state
    federation.answer(query_id, "node-303")
    hang_bell(federation, Bell(lines=0))
    assert callers.call("ana", "GET", f"/api/queries/{query_id}?wait=25").status_code == 200, "nothing more can move"


def test_whoever_watches_a_query_misses_nothing_between_two_requests(callers: Callers) -> None:
    """No line is held for one who has not seen where it stands; and one is for whoever has."""
    federation = callers.federation
    query_id = federation.draft()

    def look(seen: str) -> TestResponse:
        return callers.call("ana", "GET", f"/api/queries/{query_id}?wait=25&seen={seen}")

    hang_bell(federation, Bell(lines=0))
    drafted = decode_document(look("").data, QueryStatus)
    assert drafted.state == "drafted"
    assert_problem(look(drafted.progress), 503, "busy")
    federation.sign(query_id, "ana")
    assert decode_document(look(drafted.progress).data, QueryStatus).state == "submitted"


def test_a_held_lookup_is_answered_when_it_is_complete(callers: Callers) -> None:
    hub, member, lookup_id = callers.federation.hub, callers.federation.member, f"L-{'5a' * 16}"
    page = SealedRecords(b"s" * SEALED_BYTES)
    nodes = ("node-302", "node-303")
    batch = LookupBatch(lookup_id=lookup_id, pages={node: encode_records(page) for node in nodes})
    open_lookup(hub, member("node-301"), batch)
    with ThreadPoolExecutor() as pool:
        held = poll(callers, pool, "node-301", f"/federation/lookups/{lookup_id}")
        for node in nodes:
            accept_answer(hub, member(node), lookup_id, page.data)
        progress = read(held, LookupProgress)
    assert set(progress.answers) == set(nodes)
    assert progress.awaited == ()


def test_a_held_lookup_that_is_closed_is_over(callers: Callers) -> None:
    hub, asker, lookup_id = callers.federation.hub, callers.federation.member("node-301"), f"L-{'5a' * 16}"
    page = encode_records(SealedRecords(b"s" * SEALED_BYTES))
    open_lookup(hub, asker, LookupBatch(lookup_id=lookup_id, pages={"node-302": page}))
    with ThreadPoolExecutor() as pool:
        held = poll(callers, pool, "node-301", f"/federation/lookups/{lookup_id}")
        close_lookup(hub, asker, lookup_id)
        assert_problem(held.result(PATIENCE), 404, "lookup_unknown")


def test_a_member_revoked_while_waiting_gets_nothing(callers: Callers) -> None:
    with ThreadPoolExecutor() as pool:
        held = poll(callers, pool, "node-302", "/federation/inbox")
        query_id = callers.federation.sign(callers.federation.draft(), "ana", "cho")
        callers.federation.revoke("node-302")
        callers.federation.sign(query_id, "dev")
        assert_problem(held.result(PATIENCE), 401, "unsigned")


def test_a_busy_hub_says_when_to_come_back(callers: Callers) -> None:
    hang_bell(callers.federation, Bell(lines=0))
    response = callers.call("node-301", "GET", "/federation/inbox?wait=25")
    assert_problem(response, 503, "busy")
    assert int(response.headers["Retry-After"]) > 0
    assert callers.call("node-301", "GET", "/federation/inbox?wait=0").status_code == 200
