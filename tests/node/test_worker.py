"""The worker: what it answers is what the node would, and it outlives nobody."""

import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from sqlite3 import Connection
from typing import cast

import pytest

from audit.event import Action
from audit.log import read_entries
from audit.verifier import verify_log
from federation.database import SqliteDatabase
from federation.manifest import Manifest
from node import worker as worker_room
from node.answering import T, answer_manifest
from node.attempts import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, NotAnswered
from node.service import Node
from node.worker import NICENESS, Worker, answer_in
from query_engine.planning.plan import QueryPlan
from tests.small_federation import SmallFederation, read_reply

CODE = "203"
PATIENCE = 60

STARTS_A_WORKER = """
import sys
from pathlib import Path
from node.service import open_node
from node.worker import Worker
if __name__ == "__main__":
    worker = Worker()
    worker.answer(open_node(Path(sys.argv[1])), b"no manifest")
    print(worker._started[0].pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker that is stopped in the end."""
    with closing(Worker()) as opened:
        yield opened


@pytest.fixture
def node(federation: SmallFederation) -> Node:
    """A node by the clock of everybody."""
    federation.clock.now = datetime.now(UTC)
    return federation.node(CODE)


def answers_logged(node: Node) -> int:
    entries = read_entries(node.database.connection)
    return sum(entry.to_event().action is Action.QUERY_ANSWERED for entry in entries)


@pytest.mark.processes
def test_a_worker_answers_as_the_node_does(federation: SmallFederation, node: Node, worker: Worker) -> None:
    """Signed by the node and logged by it; and who asks again, here or there, gets the same bytes."""
    manifest = federation.sign(federation.manifest())
    reply = worker.answer(node, manifest)
    assert reply is not None
    assert read_reply(reply).outcome == "answered"
    assert reply == worker.answer(node, manifest) == answer_manifest(node, manifest)
    assert answers_logged(node) == 1
    verify_log(node.database.connection, node.party.member_id, node.party.keys.public_log_key)


@pytest.mark.processes
def test_a_worker_gives_way_and_one_that_fell_is_replaced(
    federation: SmallFederation, node: Node, worker: Worker
) -> None:
    """What it was asked when it fell is not answered, and is when it is asked again."""
    first, manifest = (federation.sign(federation.manifest()) for _ in range(2))
    assert worker.answer(node, first) is not None
    pid, own = process_of(worker), os.getpriority(os.PRIO_PROCESS, 0)
    priorities = {os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in Path(f"/proc/{pid}/task").iterdir()}
    assert os.getpriority(os.PRIO_PROCESS, pid) == own
    assert priorities == {own, min(19, own + NICENESS)}
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(NotAnswered, match="was stopped"):
        worker.answer(node, manifest)
    reply = worker.answer(node, manifest)
    assert reply is not None
    assert read_reply(reply).outcome == "answered"
    assert process_of(worker) != pid


def process_of(worker: Worker) -> int:
    assert worker._started is not None
    pid = worker._started[0].pid
    assert pid is not None
    return pid


@pytest.mark.processes
def test_ctrl_c_ends_no_worker_not_even_one_that_is_just_starting(node: Node, worker: Worker) -> None:
    """It reaches every process of a terminal, and whoever started this one ends it: with no traceback."""
    with ThreadPoolExecutor(1) as other:
        answered = other.submit(worker.answer, node, b"no manifest")
        while worker._started is None and not answered.done():
            time.sleep(0.001)
        os.kill(process_of(worker), signal.SIGINT)
        assert answered.result(PATIENCE) is None


@pytest.mark.processes
def test_an_answer_that_was_not_read_is_not_taken_for_the_next(
    federation: SmallFederation, node: Node, worker: Worker
) -> None:
    """It could be another node's."""
    assert worker.answer(node, b"no manifest") is None
    assert worker._started is not None
    process, pipe = worker._started
    worker._started = process, cast("Pipe", ForgetfulPipe(pipe))
    with pytest.raises(MemoryError):
        worker.answer(node, federation.sign(federation.manifest()))
    assert worker.answer(node, b"no manifest") is None


class ForgetfulPipe:
    """Has no room for the first answer that comes."""

    def __init__(self, pipe: Pipe) -> None:
        self.send, self.poll, self.close = pipe.send, pipe.poll, pipe.close
        self._pipe, self._is_first = pipe, True

    def recv(self) -> object:
        if self._is_first:
            self._is_first = False
            raise MemoryError
        return self._pipe.recv()


@pytest.mark.processes
def test_a_worker_that_falls_each_time_is_not_started_all_the_time(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ever later, until it has answered something: it takes a processor from lookups while it starts."""
    begun, seconds = list[float](), [0.0]

    def fall() -> None:
        begun.append(seconds[0])
        raise OSError

    with closing(Worker(lambda: seconds[0])) as worker:
        with monkeypatch.context() as patch:
            patch.setattr(worker_room._SPAWN, "Pipe", fall)
            for _ in range(400):
                with pytest.raises(NotAnswered, match="was stopped"):
                    worker.answer(node, b"no manifest")
                seconds[0] += FIRST_PAUSE_SECONDS
        times = [later - earlier for earlier, later in pairwise(begun)]
        assert times[:4] == [FIRST_PAUSE_SECONDS * each for each in (1, 1, 2, 4)]
        assert times[-1] == LONGEST_PAUSE_SECONDS
        seconds[0] += LONGEST_PAUSE_SECONDS
        assert worker.answer(node, b"no manifest") is None
        for _ in range(2):
            os.kill(process_of(worker), signal.SIGKILL)
            with pytest.raises(NotAnswered, match="was stopped"):
                worker.answer(node, b"no manifest")
            assert worker.answer(node, b"no manifest") is None


@pytest.mark.processes
def test_of_a_worker_that_is_stuck_is_told(
    node: Node, worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Again and again, with what to do; nothing else would say why no query is answered."""
    assert worker.answer(node, b"no manifest") is None
    monkeypatch.setattr(worker_room, "TELLING_SECONDS", 0.05)
    pid = process_of(worker)
    os.kill(pid, signal.SIGSTOP)
    with caplog.at_level(logging.WARNING, "circe.node"), ThreadPoolExecutor(1) as other:
        answered = other.submit(worker.answer, node, b"no manifest")
        deadline = time.monotonic() + PATIENCE
        while len(caplog.messages) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(NotAnswered, match="was stopped"):
            answered.result(PATIENCE)
    assert f"end process {pid}, and it is begun again" in caplog.messages[1]
    assert worker.answer(node, b"no manifest") is None


@pytest.mark.processes
def test_a_worker_that_was_closed_takes_nothing_more(node: Node, worker: Worker) -> None:
    assert worker.answer(node, b"no manifest") is None
    worker.close()
    for _ in range(2):
        with pytest.raises(NotAnswered, match="was stopped"):
            worker.answer(node, b"no manifest")


@pytest.mark.processes
def test_a_worker_ends_with_whoever_started_it(node: Node) -> None:
    """However that came to its end: it would otherwise answer beside the worker of the node that is started next."""
    words = [sys.executable, "-c", STARTS_A_WORKER, str(node.party.directory)]
    starter = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        ended = os.pidfd_open(pid)
        starter.kill()
        assert is_ready(ended), "the worker is still there"
    os.close(ended)


def is_ready(descriptor: int) -> bool:
    """Whether a process has ended, given some time."""
    return bool(select.select([descriptor], [], [], PATIENCE)[0])


def test_what_gives_way_keeps_nobody_out(
    federation: SmallFederation, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes long is done at a pace of its own, and outside of every transaction: a lookup would wait for it."""
    from node import answering, checklist

    gives_way, done, planned = [False], list[str](), list[bool]()
    transaction, derive = SqliteDatabase.transaction, checklist.derive_plan

    def pace(work: Callable[[], T], /) -> T:
        gives_way[0] = True
        try:
            return work()
        finally:
            gives_way[0] = False

    def enter(database: SqliteDatabase, *, durable: bool = True) -> AbstractContextManager[Connection]:
        assert not gives_way[0], "a transaction gives way to others"
        return transaction(database, durable=durable)

    def derive_noted(manifest: Manifest) -> QueryPlan:
        planned.append(node.database.connection.in_transaction)
        return derive(manifest)

    def noted(name: str) -> Callable[..., object]:
        act: Callable[..., object] = getattr(answering, name)

        def run(*given: object) -> object:
            assert gives_way[0], f"{name} gives way to nobody"
            done.append(name)
            return act(*given)

        return run

    monkeypatch.setattr(SqliteDatabase, "transaction", enter)
    monkeypatch.setattr(answering, "derive_plan", derive_noted)
    for name in ("run_plan", "protect"):
        monkeypatch.setattr(answering, name, noted(name))
    data, failure = answer_in(
        {node.party.directory: node}, node.party.directory, federation.sign(federation.manifest()), pace=pace
    )
    assert failure == ""
    assert read_reply(data or b"").outcome == "answered"
    assert done == ["run_plan", "protect"]
    assert planned[0] is False, "a plan is made for the first time where others wait"


def test_of_what_goes_wrong_there_the_kind_alone_is_told(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("SECRET-VALUE")

    monkeypatch.setattr(worker_room, "answer_manifest", fail)
    assert answer_in({}, node.party.directory, b"", node.clock) == (None, "RuntimeError")
    assert answer_in({}, Path("nowhere"), b"", node.clock) == (None, "StateError")


def test_a_reply_that_was_recorded_meanwhile_is_the_reply(
    federation: SmallFederation, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by a process that was not told to stop: it is logged once, and one answer leaves."""
    from node import answering

    manifest, first = federation.sign(federation.manifest()), list[bytes | None]()
    run = answering.run_plan

    def run_after_another(at: Node, reserved: answering.Reserved) -> object:
        if not first:
            first.append(b"")
            first[0] = answer_manifest(federation.node(CODE), manifest)
        return run(at, reserved)

    monkeypatch.setattr(answering, "run_plan", run_after_another)
    monkeypatch.setattr(answering, "hold_rows", lambda _: closing(open(os.devnull)))  # noqa: SIM115, PTH123
    assert answer_manifest(node, manifest) == first[0] is not None
    assert answers_logged(node) == 1
