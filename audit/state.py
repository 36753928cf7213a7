"""How a state directory shows its audit log: one SQLite database that has it, and the verifier key in log.pub."""

from pathlib import Path

from audit.checkpoint import CheckpointError, VerifierKey, parse_verifier_key
from audit.log import LogUnreadable, open_log

KEY_FILE = "log.pub"
"""The file beside a log that holds its verifier key, on one line."""

_MAX_KEY_FILE = 1024


def find_log(directory: Path) -> Path:
    """Return the database in a state directory that has an audit log. Raises LogUnreadable unless there is just one."""
    found = [path for path in sorted(directory.glob("*.sqlite")) if _holds_log(path)]
    if not found:
        raise LogUnreadable(f"{directory} is no state directory: it has no *.sqlite file with an audit log in it")
    if len(found) > 1:
        raise LogUnreadable(f"{directory} has {len(found)} *.sqlite files with an audit log in them: keep one there")
    return found[0]


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
