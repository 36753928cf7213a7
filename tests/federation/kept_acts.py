"""Acts that a database keeps together with their entries in its log: what tests of databases do, and count."""

import threading
from collections.abc import Callable
from pathlib import Path

from audit.connection import Connection
from audit.event import Action, AuditEvent
from audit.log import read_entries
from federation.database import Database
from federation.state import Party, create_party, make_profile, publish_log_key
from tests.federation.cast import NOW

COUNTS = """
CREATE TABLE IF NOT EXISTS counts (number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, count INTEGER, data BLOB)
"""
"""A table, in SQL that a file and a server both understand."""


def make_party(directory: Path, name: str = "hub") -> Party:
    profile = make_profile(
        member_id=name,
        kind="hub",
        title="The hub",
        organisation="hub-operator",
        organisation_kind="hub_operator",
        operator="hub-operator",
        authorities=(),
    )
    party = create_party(directory, profile)
    publish_log_key(party)
    return party


def act(database: Database, connection: Connection, name: str = "done") -> None:
    """Do something and log it."""
    connection.execute("INSERT INTO counts (name, count, data) VALUES (?, 1, ?)", (name, b"\0\xff"))
    database.log.append(connection, AuditEvent(at=NOW, actor=name, action=Action.QUERY_RELEASED, reference="Q-1"))


def standing(database: Database) -> tuple[int, int]:
    """How many acts stand in the database, and how many entries in its log."""
    (acts,) = database.connection.execute("SELECT count(*) FROM counts").fetchone()
    return acts, sum(1 for _ in read_entries(database.connection))


def in_threads(count: int, work: Callable[[], None]) -> None:
    """Do some work in several threads at once, and fail if one of them does."""
    failures: list[BaseException] = []
    start = threading.Barrier(count)

    def attempt() -> None:
        try:
            start.wait(10)
            work()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=attempt) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
