"""What a question costs when it fans out to every node and back: the stages of a sum, and of the same unmasked.

The stages are read from the hub's own database while it works, by a connection that can only read.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from federation.client import connect
from federation.exchange import QueryDraft
from federation.manifest import Path as LeavingPath
from federation.processes import CommandFailed, Stagehands
from federation.rehearsal import PROJECT, Rehearsal
from federation.state import DATABASE_FILE

QUESTION = """SELECT age, sen_provision, sex, COUNT(*) AS children FROM child_year
WHERE academic_year = 202425 AND counted_here AND population = 'looked_after' AND age BETWEEN 4 AND 16
GROUP BY age, sen_provision, sex"""
"""Some two hundred cells of one statistic."""

LOOKS_EVERY = 0.01
"""Seconds between two looks into the hub's database."""

Look = Callable[[sqlite3.Connection], bool]

PREPARING: Mapping[str, str] = {
    "prekeys": "SELECT count(*) >= :nodes FROM sum_prekeys",
    "pairings": "SELECT count(*) >= :nodes * (:nodes - 1) / 2 FROM sum_pairings WHERE offered = 1",
    "first slot": "SELECT count(*) FROM sum_slots WHERE state IN ('ready', 'used')",
    "stock of slots": """SELECT min(ready) >= 4 FROM (
        SELECT count(slot) AS ready FROM sum_rosters AS formed
        LEFT JOIN sum_slots ON sum_slots.roster = formed.roster AND state = 'ready'
        WHERE turn = (SELECT max(turn) FROM sum_rosters WHERE name = formed.name) GROUP BY formed.roster)""",
}
"""What is done ahead of questions, and when it is done. Slots that were used are made up for meanwhile."""

MASKED: Mapping[str, str] = {
    "delivered": "SELECT count(*) FROM sum_attempts WHERE digest = :digest",
    "first contribution": "SELECT count(*) FROM sum_arrivals WHERE digest = :digest AND kind = 'contribution'",
    "contributions in": "SELECT count(*) = :nodes FROM sum_arrivals WHERE digest = :digest AND kind = 'contribution'",
    "opening asked": "SELECT count(*) FROM deliveries WHERE kind = 'opening'",
    "reveals in": "SELECT 3 * count(*) >= 2 * :nodes FROM sum_arrivals WHERE digest = :digest AND kind = 'reveal'",
}
UNMASKED: Mapping[str, str] = {
    "delivered": "SELECT count(*) FROM deliveries WHERE kind = 'manifest'",
    "first reply": "SELECT count(*) FROM replies WHERE digest = :digest",
    "replies in": "SELECT count(*) = :nodes FROM replies WHERE digest = :digest",
}
RELEASED = "SELECT state NOT IN ('drafted', 'submitted', 'approved', 'running') FROM queries WHERE digest = :digest"
"""When a query has come to an end, whichever."""


def watch_preparing(hands: Stagehands, rehearsal: Rehearsal, patience: float) -> Iterator[tuple[str, float]]:
    """Yield how long each stage ahead of questions takes. Raises `CommandFailed` when one takes too long."""
    with _open_read_only(rehearsal.hub) as connection:
        yield from _watch(connection, PREPARING, {"nodes": len(rehearsal.nodes)}, hands, patience)


def ask(
    hands: Stagehands, rehearsal: Rehearsal, path: LeavingPath, patience: float
) -> tuple[int, list[tuple[str, float]]]:
    """Ask the question by one path; return its cells and how long each stage took from the last approval on."""
    draft = QueryDraft(
        project=PROJECT,
        purpose="To see how long an answer takes",
        sql=QUESTION,
        academic_year="202425",
        preset="opensafely",
        roster=None,
        valid_hours=24,
        path=path,
    )
    with connect(rehearsal.person("ana")) as ana:
        status = ana.submit(draft)
    with connect(rehearsal.person("cho")) as cho:
        cho.sign(cho.review(status.query_id))
    with connect(rehearsal.person("dev")) as dev, _open_read_only(rehearsal.hub) as connection:
        review = dev.review(status.query_id)
        stages = MASKED if path is LeavingPath.NOISY_SUM else UNMASKED
        known: dict[str, int | str] = {"nodes": len(rehearsal.nodes), "digest": review.digest}
        began = time.monotonic()
        if dev.sign(review).state == "submitted":
            raise CommandFailed("the question waits for other approvers still")
        timed = list(_watch(connection, {**stages, "released": RELEASED}, known, hands, patience, began))
        if dev.status(status.query_id).state != "released":
            raise CommandFailed(f"the question by {path} was not released: see the logs in {rehearsal.directory}")
    return status.cells, timed


def _watch(
    connection: sqlite3.Connection,
    stages: Mapping[str, str],
    known: Mapping[str, int | str],
    hands: Stagehands,
    patience: float,
    began: float | None = None,
) -> Iterator[tuple[str, float]]:
    """Yield each stage with the seconds since the one before; one that nobody saw by itself takes no time."""
    last = began = time.monotonic() if began is None else began
    for place, stage in enumerate(stages):
        while not any(_holds(connection, later, known) for later in list(stages.values())[place:]):
            hands.check_running()
            if time.monotonic() > began + patience:
                raise CommandFailed(f"after {patience:.0f} s the stage {stage!r} is not over: see the logs")
            time.sleep(LOOKS_EVERY)
        now = time.monotonic()
        yield stage, now - last
        last = now


def _holds(connection: sqlite3.Connection, query: str, known: Mapping[str, int | str]) -> bool:
    row = connection.execute(query, known).fetchone()
    return bool(row is not None and row[0])


@contextmanager
def _open_read_only(hub: Path) -> Iterator[sqlite3.Connection]:
    address = f"{(hub / DATABASE_FILE).as_uri()}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as connection:
        yield connection
