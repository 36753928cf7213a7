"""Reading a party's last good register often: its file is verified again only when it has been replaced.

Every request at the hub and every delivery at a node asks for the register, and verifying one of a few hundred members
takes a hundred times as long as everything else that a request does.
"""

from datetime import datetime
from pathlib import Path

from federation.register import Register, check_current
from federation.state import REGISTER_FILE, Party


def identify_file(path: Path) -> tuple[int, ...]:
    """What tells whether a file is still the one it was: edited or exchanged, it is another. Empty where none is."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class RegisterReader:
    """Keeps the register that was verified last, and which file it was."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._verified: tuple[tuple[int, ...], Register] | None = None

    def read(self, now: datetime) -> Register:
        """Return the register, valid now. Raises `RegisterError` or `StateError` as `Party.register` does."""
        # The file is identified before it is read: replaced in between, it is read once more the next time.
        identity, verified = identify_file(self._party.directory / REGISTER_FILE), self._verified
        if verified is None or verified[0] != identity:
            verified = self._verified = (identity, self._party.register(now))
        check_current(verified[1], now)
        return verified[1]
