"""Locks on directories: when somebody finds one taken. What was held up by a lock is known so, and not by waiting."""

import fcntl
import threading

import pytest


def note_taken(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return what is set once somebody comes to a lock that another holds, before they wait for it."""
    found, lock = threading.Event(), fcntl.flock

    def try_first(descriptor: int, operation: int) -> None:
        try:
            lock(descriptor, operation | fcntl.LOCK_NB)
        except BlockingIOError:
            found.set()
            lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", try_first)
    return found
