"""The worker: a process of its own, in which the questions of a node are answered.

To protect rows keeps a processor busy for up to a minute. In the process that answers lookups it would make those late,
and the later the more children match: whoever sees when an answer leaves could tell. So a question is answered here. In
go the bytes of a manifest, out come those of the signed reply; rows that are not protected never leave this process,
which opens the node's directory itself, as the process of the node's pages does.

What takes long gives way to everything else on the machine, and nothing else does: a transaction keeps lookups out, and
one that gave way to others would keep them out for as long as those are busy.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from federation.hub_line import Clock, current_time
from federation.service_log import Form, begin_log, is_structured, told
from node.answering import Pace, T, answer_manifest, at_once
from node.attempts import NotAnswered, lengthen
from node.service import Node, open_node

NICENESS = 10
"""By how much what takes long gives way to everything else that runs on the machine."""

TELLING_SECONDS = 600.0
"""After how long, and how often from then on, it is told that the worker is at one question: it may be stuck."""

log = logging.getLogger("circe.node")

_SPAWN = get_context("spawn")  # A fork would have the locks and connections of every other thread in it.


class Worker:
    """Answers the questions of all nodes that one process serves, one at a time; it is started at the first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._turn, self._closed, self._now = threading.Lock(), False, now
        self._started: tuple[SpawnProcess, Connection] | None = None
        self._pause, self._rests_until = 0.0, 0.0

    def answer(self, node: Node, manifest: bytes) -> bytes | None:
        """Return the node's signed reply to a manifest (see `answer_manifest`). Raises `NotAnswered`.

        Whatever was begun goes on where it was, when it is asked for again.
        """
        with self._turn:
            try:
                reply, failure = self._ask(node, manifest)
            except (EOFError, OSError):
                self._end()
                # To start one takes a second of a processor: one that falls each time is not started all the time.
                self._rests_until = self._now() + self._pause
                self._pause = lengthen(self._pause)
                raise NotAnswered("the process that answers it was stopped") from None
            except BaseException:
                self._end()  # What it may still answer would be read as the answer to what is asked next.
                raise
            self._pause = 0.0
        if failure:
            raise NotAnswered(failure)
        return reply

    def close(self) -> None:
        """Stop whatever is at work, and take nothing more."""
        self._closed = True
        if started := self._started:
            started[0].kill()

    def _ask(self, node: Node, manifest: bytes) -> tuple[bytes | None, str]:
        if self._closed:
            raise EOFError
        if self._started is None:
            if self._now() < self._rests_until:
                raise NotAnswered("the process that answers it was stopped each time, and is started again in a while")
            ours, theirs = _SPAWN.Pipe()
            process = _SPAWN.Process(target=_work, args=(theirs, is_structured()), name="worker", daemon=True)
            with _uninterrupted():
                process.start()
            theirs.close()
            self._started = process, ours
        if self._closed:  # Since we looked: whoever closed it may not have found what has just been started.
            raise EOFError
        process, pipe = self._started
        pipe.send((node.party.directory, manifest))
        while not pipe.poll(TELLING_SECONDS):
            text = "%s: a query is still worked on; unless the machine is busy, end process %d, and it is begun again"
            log.warning(text, node.party.member_id, process.pid, extra=told(member=node.party.member_id))
        answered: tuple[bytes | None, str] = pipe.recv()
        return answered

    def _end(self) -> None:
        if self._started is not None:
            process, pipe = self._started
            pipe.close()
            process.kill()
            process.join()
            self._started = None


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach, from their first instruction on: whoever starts them ends them."""
    resource_tracker.ensure_running()  # Once it runs it leaves signals as they are; when it starts it lets them in.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, structured: bool) -> None:
    """Answer what comes in until the process that asks is gone."""
    begin_log(Form.JSON if structured else Form.PLAIN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    nodes = dict[Path, Node]()
    # Under Linux each thread has a priority of its own; threads that it starts, as an engine's, have the same.
    slow = ThreadPoolExecutor(1, initializer=os.nice, initargs=(NICENESS,))

    def give_way(work: Callable[[], T], /) -> T:
        return slow.submit(work).result()

    with slow, suppress(EOFError, OSError):
        while True:
            directory, manifest = pipe.recv()
            pipe.send(answer_in(nodes, directory, manifest, pace=give_way))


def answer_in(
    nodes: dict[Path, Node], directory: Path, manifest: bytes, clock: Clock = current_time, pace: Pace = at_once
) -> tuple[bytes | None, str]:
    """Return the reply of the node in a directory, or the kind of error for which there is none."""
    try:
        if directory not in nodes:
            nodes[directory] = open_node(directory, clock)
        return answer_manifest(nodes[directory], manifest, pace), ""
    except Exception as error:
        return None, type(error).__name__


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
