"""HTTP/1.1 from a member to its hub: a few connections that are kept, and answers bounded in size and time.

The standard library's client reads for as long as the other side sends a byte now and then. Here a deadline lies over
a whole exchange, from the connection to the last byte of the answer, headers included.
"""

import io
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, IncompleteRead
from typing import Any
from urllib.parse import urlsplit

CONNECT_SECONDS = 10.0
"""How long it may take to be connected, and as long again until TLS is spoken, where the exchange has as long."""

IDLE_SECONDS = 50.0
"""How long an idle connection is kept for the next request: less than the hub keeps it, so that it is still good."""

_PIECE = 64 * 1024


class AnswerTooLarge(Exception):
    """An answer is larger than any that is read."""


@dataclass(frozen=True)
class Answer:
    """What came back. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Bounds:
    """What one exchange may take: seconds for all of it, seconds without a byte, bytes of the answer."""

    seconds: float
    silence: float
    size: int


class Lines:
    """The connections of one member to one server; threads take turns at none of them."""

    def __init__(self, url: str, context: ssl.SSLContext | None) -> None:
        place = urlsplit(url)
        self._host, self._port, self._prefix = place.hostname or "", place.port, place.path
        self._context = context
        self._lock, self._idle = threading.Lock(), list[_Line]()

    def send(self, method: str, path: str, body: bytes, headers: Mapping[str, str], bounds: Bounds) -> Answer:
        """Send a request and return the answer.

        Raises `OSError`, `HTTPException` or `ValueError` where none comes within bounds, and `AnswerTooLarge`.
        """
        line = self._take()
        try:
            answer, keep = line.exchange(method, self._prefix + path, body, headers, bounds)
        except BaseException:
            line.close()
            raise
        if keep:
            self._give_back(line)
        else:
            line.close()
        return answer

    def _take(self) -> "_Line":
        while True:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None:
                return _Line(self._host, self._port, self._context)
            if line.is_good():
                return line
            line.close()

    def _give_back(self, line: "_Line") -> None:
        line.idle_since = time.monotonic()
        with self._lock:
            self._idle.append(line)

    def close(self) -> None:
        """Close the connections that lie idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.close()


class _Line(HTTPConnection):
    """One connection, for one exchange after another."""

    def __init__(self, host: str, port: int | None, context: ssl.SSLContext | None) -> None:
        # The library leaves the port out of the Host header where it is the default one, as signatures do.
        self.default_port = 443 if context else 80
        super().__init__(host, port or self.default_port)
        self._context, self.idle_since = context, 0.0

    def connect(self) -> None:
        """Connect, and speak TLS where that is asked for."""
        end: socket.socket = socket.create_connection((self.host, self.port), timeout=self.timeout)
        try:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context:
                end = self._context.wrap_socket(end, server_hostname=self.host)
        except BaseException:
            end.close()
            raise
        self.sock: Any = _TimedSocket(end)

    def is_good(self) -> bool:
        """Whether the connection may carry another request: not idle for too long, and not closed by the server."""
        idle = time.monotonic() - self.idle_since
        return idle < IDLE_SECONDS and self.sock is not None and not select.select([self.sock], [], [], 0)[0]

    def exchange(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], bounds: Bounds
    ) -> tuple[Answer, bool]:
        """Send a request, and return the answer and whether the connection is good for another."""
        deadline = time.monotonic() + bounds.seconds
        if bounds.seconds <= 0:
            raise TimeoutError("the deadline is over")
        if self.sock is None:
            self.timeout = min(CONNECT_SECONDS, bounds.seconds)
            self.connect()
        self.sock.bound(deadline, bounds.silence)
        self.request(method, path, body, dict(headers))
        with self.getresponse() as response:
            data = bytearray()
            while piece := response.read(_PIECE):
                data += piece
                if len(data) > bounds.size:
                    raise AnswerTooLarge(f"more than {bounds.size} bytes")
            # The library takes an end that comes too soon for the end, when it is read piece by piece.
            if response.length:
                raise IncompleteRead(b"", response.length)
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, bytes(data)), not response.will_close


class _TimedSocket:
    """As much of a socket as `HTTPConnection` uses, each operation of which ends by the deadline.

    Like any socket it stays open while a file of what comes in is: the library closes it before it has read the last
    answer.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end, self._files, self._closed = end, 0, False
        self._deadline, self._silence = 0.0, 0.0

    def bound(self, deadline: float, silence: float) -> None:
        """Set by when everything is to be over, and how long the other side may say nothing."""
        self._deadline, self._silence = deadline, silence

    def _limit(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline is over")
        self._end.settimeout(min(left, self._silence))

    def sendall(self, data: bytes) -> None:
        self._limit()
        self._end.sendall(data)

    def recv_into(self, buffer: Any) -> int:
        self._limit()
        return self._end.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        self._files += 1
        return io.BufferedReader(_Incoming(self))

    def file_closed(self) -> None:
        self._files -= 1
        if self._closed and not self._files:
            self._end.close()

    def fileno(self) -> int:
        return self._end.fileno()

    def close(self) -> None:
        self._closed = True
        if not self._files:
            self._end.close()


class _Incoming(io.RawIOBase):
    """What comes in on a socket, as a file."""

    def __init__(self, socket: _TimedSocket) -> None:
        super().__init__()
        self._socket = socket

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._socket.recv_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._socket.file_closed()


NO_ANSWER = (OSError, HTTPException, ValueError)
"""What `Lines.send` raises where no answer came that can be read; a `ValueError` for a host or header that is none."""
