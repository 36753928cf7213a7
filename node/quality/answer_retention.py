"""Retention of what hosts have told: an answer is destroyed with the last snapshot that was built from it.

A snapshot is built from the answers that had come in by then, about its academic years; of several tellings of a child
the latest counts. So an answer stays as long as a snapshot that is kept has a child by its word, or no snapshot has
been built since it came in. One that is needed for a single child stays whole: answers are never changed.

An authority may set an end besides: answers about academic years before the newest so many are destroyed whatever was
built from them. A snapshot keeps what it was built from; the next one has those years without them.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from audit.event import Action, Outcome
from federation.keys import sync_directory
from node.host_facts import clear_unfinished, find_facts
from node.quality.destruction import make_entry, record_unfinished
from node.service import Node
from node.snapshots import Snapshot
from node.vault import read_vault

_LONGEST_KEEPING = timedelta(days=1)
"""For how long a half-written answer may still be about to be finished."""

_BUILT_FROM = """
SELECT DISTINCT answer
FROM (
    FROM told
    WHERE received_at <= $created AND list_contains($years, academic_year)
    QUALIFY row_number() OVER (PARTITION BY academic_year, upn ORDER BY as_of DESC, host_authority) = 1
)
"""
_SINCE = "SELECT DISTINCT answer FROM told WHERE received_at > $created"


def retire_answers(node: Node, years: int | None = None) -> tuple[str, ...]:
    """Destroy every answer that no snapshot here was built from, and those before the newest `years` academic years.

    Returns their names. Whoever calls is holding the store.
    """
    clear_unfinished(node.party.directory, node.clock() - _LONGEST_KEEPING)
    answers = find_facts(node.party.directory)
    record_unfinished(node, Action.CLAIM_DESTROYED, {path.stem for path in answers})
    snapshots = node.store.all()
    if not answers or not snapshots:
        return ()
    first, needed = find_first_year(snapshots, years), find_needed(answers, snapshots)
    unneeded = [path for path in answers if path not in needed or _read_year(path) < first]
    for path in unneeded:
        node.record(make_entry(node, Action.CLAIM_DESTROYED, path.stem, Outcome.INTENDED))
        path.unlink()
        sync_directory(path.parent)
        node.record(make_entry(node, Action.CLAIM_DESTROYED, path.stem, Outcome.DONE))
    return tuple(path.stem for path in unneeded)


def find_first_year(snapshots: Sequence[Snapshot], years: int | None) -> int:
    """The first of the newest so many academic years that the snapshots cover; 0 where no number is given."""
    covered = sorted({year for snapshot in snapshots for year in snapshot.academic_years})
    return covered[-min(years, len(covered))] if years is not None and covered else 0


def _read_year(answer: Path) -> int:
    """The academic year that an answer is about: its name begins with the term."""
    return int(answer.name[:6])


def find_needed(answers: Sequence[Path], snapshots: Sequence[Snapshot]) -> frozenset[Path]:
    """The answers that some of the snapshots were built from, and those that have come in since the newest of them."""
    newest = max(snapshot.created for snapshot in snapshots)
    needed = set(_ask(answers, _SINCE, created=_naive(newest)))
    for snapshot in snapshots:
        needed.update(_ask(answers, _BUILT_FROM, created=_naive(snapshot.created), years=list(snapshot.academic_years)))
    return frozenset(answers[number] for number in needed)


def _ask(answers: Sequence[Path], sql: str, **parameters: object) -> Iterator[int]:
    """Yield the places in the list of the answers that a statement about all that they tell finds."""
    tables = {f"answer_{number}": path for number, path in enumerate(answers)}
    columns = "academic_year, upn, as_of, host_authority, received_at"
    parts = (f"SELECT {number} AS answer, {columns} FROM {name}" for number, name in enumerate(tables))  # noqa: S608 - ours
    told = f"WITH told AS ({' UNION ALL '.join(parts)}) {sql}"
    yield from (number for (number,) in read_vault(tables, told, parameters))


def _naive(moment: datetime) -> datetime:
    """A moment in UTC as the files keep it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
