"""What is taken away from a log's page: what was found, the log whole, and whether the log is whole.

A copy is logged before it leaves, by whoever calls. It is read from the party's directory by a connection of its own,
so that one state of the log is seen from its first entry to its last.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from flask import Response

from audit.connection import Connection
from audit.export import write_export
from audit.listing import EntryUnreadable, list_entries
from audit.log import read_head
from audit.search import find_entries
from audit.state import open_state_log
from audit.verifier import LogBroken, verify_log
from federation.problems import ProblemRaised
from federation.state import Party
from federation.web.attachment import attach
from federation.web.log_search import LogQuery

MOST_TAKEN = 10_000
"""Entries of a search that are taken away as one file from a page; the log whole has no limit."""

MOST_VERIFIED = 2_000_000
"""Entries of a log that a page verifies while somebody waits for it: some seconds. A longer one is for the command."""

FORMS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
"""The forms in which what was found can be taken away."""

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Verdict:
    """Whether a log is whole, in a sentence."""

    is_whole: bool
    text: str


def verify_party_log(party: Party) -> Verdict:
    """Recompute a party's log whole, by its own key."""
    with closing(open_state_log(party.directory)) as connection:
        if read_head(connection)[1] > MOST_VERIFIED:
            text = f"more than {MOST_VERIFIED:,} entries take longer than a page should: run circe audit verify"
            return Verdict(is_whole=False, text=f"Not verified: {text}.")
        try:
            found = verify_log(connection, party.member_id, party.keys.public_log_key)
        except LogBroken as broken:
            return Verdict(
                is_whole=False, text=f"The log is broken at {broken}. Keep it as it is, and tell the others."
            )
    gone = f" Of {found.deleted} the hash alone is left, since their time was over." if found.deleted else ""
    return Verdict(
        is_whole=True,
        text=f"The log is whole: {found.entries} entries and {found.checkpoints} checkpoints fit together.{gone}",
    )


def take_found(connection: Connection, query: LogQuery, form: str) -> Response:
    """Return what was found as a file, as much of it as one may have. Raises a 400 and a 409 problem."""
    if form not in FORMS:
        raise ProblemRaised(400, "malformed", f"entries are taken away as one of {', '.join(FORMS)}")
    try:
        text = list_entries(find_entries(connection, query.search, most=MOST_TAKEN), form)
    except EntryUnreadable as error:
        raise ProblemRaised(409, "log_broken", f"{error}: verify the log") from None
    return attach(text.encode(), FORMS[form], f"audit-log.{form}")


def take_whole(directory: Path) -> Response:
    """Return the whole log as the file that `circe audit verify` verifies anywhere."""
    file = TemporaryFile()  # noqa: SIM115 - closed when the last of it has been sent
    with closing(open_state_log(directory)) as connection:
        write_export(connection, file)
    return attach(_read_out(file), "application/octet-stream", "audit-log.circe")


def _read_out(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk
