"""Receiving requests: gunicorn's threaded worker, made so that nobody keeps its threads busy by being slow.

gunicorn gives every connection a thread and lets that thread read and write for as long as the other side takes, so a
few hundred connections that say nothing, or a byte a minute, would stop the hub. Here:

  1. a connection gets a thread only once something has come in on it;
  2. a connection that a thread has waited for longer than `PATIENCE_SECONDS` is cut off, whether its request is on the
     way in or the answer on the way out; and after `HURRY_SECONDS`, beginning with the slowest, while more than
     `MOST_WAITED_FOR` threads wait;
  3. when no more connections are taken in, the one that has been silent for longest makes room.

What the hub does between request and answer, long polls included, is not counted: that takes as long as it takes.
"""

import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import IO, Any

from gunicorn.workers.gthread import TConn, ThreadWorker

PATIENCE_SECONDS = 60.0
"""Enough for the largest request on a line of 5 Mbit/s."""

HURRY_SECONDS = 3.0
MOST_WAITED_FOR = 16


class WaitingRoom:
    """Which connections threads are waiting for, and since when."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._since: dict[Any, float] = {}

    def enter(self, connection: Any, since: float | None = None) -> float:
        """Note that a thread waits for a connection, and return since when."""
        with self._lock:
            return self._since.setdefault(connection, self._clock() if since is None else since)

    def leave(self, connection: Any) -> None:
        """Note that nobody waits for a connection any more."""
        with self._lock:
            self._since.pop(connection, None)

    def cut_off_slow(self) -> None:
        """Cut off those that have been waited for too long: their threads find the connection closed."""
        with self._lock:
            waited_for = sorted(self._since.items(), key=lambda entry: entry[1])
            surplus, now = len(waited_for) - MOST_WAITED_FOR, self._clock()
            for place, (connection, since) in enumerate(waited_for):
                if now - since > (HURRY_SECONDS if place < surplus else PATIENCE_SECONDS):
                    with suppress(OSError):
                        # Not `shutdown` of a TLS socket, which would forget its state while a thread uses it.
                        socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


class Reception(ThreadWorker):  # type: ignore[misc]
    """The worker that serves the hub."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting = WaitingRoom()
        self._present = threading.local()

    def notify(self) -> None:
        """Tell the master that we are alive; called at least once a second, so the slow are looked for here."""
        super().notify()
        self._waiting.cut_off_slow()

    def enqueue_req(self, conn: TConn) -> None:
        """Give a connection a thread; a new one is watched until something comes in on it."""
        if conn.initialized or conn.data_ready:
            super().enqueue_req(conn)
            return
        if self.nr_conns >= self.worker_connections and self.pending_conns:
            self.pending_conns[0].timeout = 0
            self.murder_pending()
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: TConn) -> Any:
        """Read a request, answer it, and say what becomes of the connection; in a thread of its own."""
        self._present.conn = conn
        self._present.since = self._waiting.enter(conn)
        try:
            return super().handle(conn)
        finally:
            self._waiting.leave(conn)

    def load_wsgi(self) -> None:
        """Load the application, and note around it when we wait for the other side and when not."""
        self.wsgi = partial(self._answer, self.app.wsgi())

    def _answer(self, application: Callable[..., Any], environ: dict[str, Any], start_response: Any) -> Any:
        conn = self._present.conn
        self._waiting.leave(conn)
        environ["wsgi.input"] = _WatchedBody(environ["wsgi.input"], self._reading)
        try:
            return application(environ, start_response)
        finally:
            self._waiting.enter(conn)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """While a body is read we wait for the other side, and have since the request began."""
        self._waiting.enter(self._present.conn, self._present.since)
        try:
            yield
        finally:
            self._waiting.leave(self._present.conn)


class _WatchedBody:
    """A request's body; `reading` is entered whenever it is read."""

    def __init__(self, body: IO[bytes], reading: Callable[[], Any]) -> None:
        self._body, self._reading = body, reading

    def read(self, size: int = -1) -> bytes:
        with self._reading():
            return self._body.read(size)

    def readline(self, size: int = -1) -> bytes:
        with self._reading():
            return self._body.readline(size)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")
