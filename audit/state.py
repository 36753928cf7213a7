"""How a state directory shows its audit log: one SQLite database that has it, and the verifier key in log.pub.

A party that keeps its state on a PostgreSQL server has the server's address in `database.url` instead.
"""

import re
from pathlib import Path

from audit.checkpoint import CheckpointError, VerifierKey, parse_verifier_key
from audit.connection import Connection, DatabaseUnavailable
from audit.log import LogUnreadable, open_log
from audit.tables import has_log

KEY_FILE = "log.pub"
"""The file beside a log that holds its verifier key, on one line."""

ADDRESS_FILE = "database.url"
"""The file that holds the address of the server with the party's database, on one line; readable by its owner alone."""

MISSING_DRIVER = "psycopg is not installed, by which PostgreSQL is reached: install Circe with its extra `postgres`"

_MAX_KEY_FILE = 1024
_ADDRESS = re.compile(r"postgres(ql)?://[!-~]{0,900}")


def find_log(directory: Path) -> Path:
    """Return the database in a state directory that has an audit log. Raises LogUnreadable unless there is just one."""
    found = [path for path in sorted(directory.glob("*.sqlite")) if _holds_log(path)]
    if not found:
        raise LogUnreadable(f"{directory} is no state directory: it has no *.sqlite file with an audit log in it")
    if len(found) > 1:
        raise LogUnreadable(f"{directory} has {len(found)} *.sqlite files with an audit log in them: keep one there")
    return found[0]


def read_address(directory: Path) -> str:
    """Return the address of the server with the party's database; empty where it is in the directory itself.

    Raises LogUnreadable where there is something else in its place.
    """
    path = directory / ADDRESS_FILE
    if not path.exists():
        return ""
    address = path.read_bytes()[:_MAX_KEY_FILE].decode("ascii", errors="replace").strip()
    check_address(address, str(path))
    return address


def check_address(address: str, place: str) -> None:
    """Raise LogUnreadable unless this is the address of a PostgreSQL server; a password in it is not repeated."""
    if not _ADDRESS.fullmatch(address):
        raise LogUnreadable(f"{place} holds no address like postgresql://user@host/database, on one line")


def open_state_log(directory: Path) -> Connection:
    """Open the log of a state directory for reading alone, wherever it is. Raises LogUnreadable."""
    address = read_address(directory)
    if not address:
        return open_log(find_log(directory))
    try:
        from audit.postgres import connect

        connection = connect(address)
    except ImportError:
        raise LogUnreadable(MISSING_DRIVER) from None
    except DatabaseUnavailable as error:
        raise LogUnreadable(str(error)) from None
    if not has_log(connection):
        connection.close()
        raise LogUnreadable(f"the database that {directory / ADDRESS_FILE} names has no audit log in it")
    return connection


def _holds_log(path: Path) -> bool:
    try:
        open_log(path).close()
    except LogUnreadable:
        return False
    return True


def read_key(directory: Path) -> VerifierKey:
    """Read the verifier key beside a log. Raises LogUnreadable if it is not there or malformed."""
    path = directory / KEY_FILE
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(_MAX_KEY_FILE)
    except (OSError, UnicodeDecodeError):
        raise LogUnreadable(f"{path} cannot be read: name the log's verifier key with --key") from None
    try:
        return parse_verifier_key(text.removesuffix("\n"))
    except CheckpointError as error:
        raise LogUnreadable(f"{path} holds no verifier key: {error}") from None
