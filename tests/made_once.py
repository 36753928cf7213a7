"""What takes seconds to make and is never changed: whichever process of a run needs it first makes it for all."""

import fcntl
import gc
import os
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Made = TypeVar("Made")


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """Make something in a directory of its own, or return what another process has made there. Both only read it."""
    place = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = place.parent
    told = place / f"{name}.pickle"
    with (place / f"{name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not told.exists():
            made = make(Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place)))
            # Connections that nobody holds any more are closed now, and not while another process copies their files.
            gc.collect()
            told.write_bytes(pickle.dumps(made))
    found: Made = pickle.loads(told.read_bytes())
    return found
