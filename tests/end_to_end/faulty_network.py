"""A bad network on this machine: each node's way to the hub is a link that a test can slow down, thin out or cut."""

import contextlib
import random
import socket
import threading
from dataclasses import dataclass
from typing import Self

CHUNK = 4096


@dataclass(frozen=True)
class Weather:
    """What a link does to the bytes that pass."""

    delay: float = 0.0
    """Seconds that each piece is late by, at most."""
    loss: float = 0.0
    """The part of pieces that are cut short as chance has it, and their connection with them."""
    severed: bool = False
    """Nothing passes in either direction, and nobody is told: what was on its way arrives when it is mended."""
    reset: bool = False
    """Every connection is closed, and every new one at once."""


FAIR = Weather()


class Link:
    """One way to the hub, on a port of its own; a context manager that closes it and all that passes through it."""

    def __init__(self, hub_port: int, seed: int) -> None:
        self._hub, self._chance = ("127.0.0.1", hub_port), random.Random(seed)
        self._weather, self._changed, self._closed = FAIR, threading.Condition(), False
        self._open: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self.carried = 0
        """Bytes that have passed, both ways."""
        self.harmed = 0
        """Pieces that were held back or late, and connections that were dropped."""
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._drop_all()
        for thread in self._threads:
            thread.join(timeout=5)

    def become(self, weather: Weather) -> None:
        """Change the weather, also for what is on its way."""
        with self._changed:
            self._weather = weather
            self._changed.notify_all()
        if weather.reset:
            self._drop_all()

    def _drop_all(self) -> None:
        for one in tuple(self._open):
            self.harmed += 1
            _close(one)

    def _accept(self) -> None:
        while not self._closed:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._threads.append(threading.Thread(target=self._carry, args=(near,), daemon=True))
            self._threads[-1].start()

    def _carry(self, near: socket.socket) -> None:
        """Carry one connection, for as long as it is let live."""
        with near, contextlib.suppress(OSError):
            if self._weather.reset:
                self.harmed += 1
                return
            with socket.create_connection(self._hub, timeout=5) as far:
                far.settimeout(None)
                self._open |= {near, far}
                back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
                back.start()
                self._pump(near, far)
                back.join()
                self._open -= {near, far}

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        """Carry bytes one way until either end has had enough, or a piece is lost."""
        with contextlib.suppress(OSError):
            while piece := source.recv(CHUNK):
                self._hold()
                if self._chance.random() < self._weather.loss:
                    self.harmed += 1
                    target.sendall(piece[: self._chance.randrange(len(piece))])
                    break
                target.sendall(piece)
                self.carried += len(piece)
        _close(source)
        _close(target)

    def _hold(self) -> None:
        """Keep one piece back for as long as the weather says."""
        with self._changed:
            if self._weather.delay:
                self.harmed += 1
                self._changed.wait(self._chance.uniform(0, self._weather.delay))
            if self._weather.severed:
                self.harmed += 1
                self._changed.wait_for(lambda: self._closed or not self._weather.severed)


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
