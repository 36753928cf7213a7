"""What newly loaded files say of each child beside those that somebody last saw, as far as they may read it now.

Both snapshots are read under the policy of this moment. The earlier one may have been destroyed since: then that is
said. Whoever has left care is on no list any more, and is logged as shown here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from node.lookups.records import CHILDREN
from node.snapshots import Snapshot, SnapshotDamaged, SnapshotMissing
from node.tracking.children import find_children
from node.tracking.differences import Difference, compare_child, tell_arrival, tell_departure
from node.tracking.known import KnownChild
from node.tracking.visit import Visit
from node.vault import ask_vault

MOST_CHILDREN = 100
"""Of how many children one page tells; how many more there are, it says."""

NOT_NOTED = "It was not noted which files you last saw: from your next look on, what has changed in them is told here."
SAME = "No files have been loaded since."
GONE = "The files that you last saw are no longer kept, so what is loaded now cannot be held against them."


@dataclass(frozen=True, repr=False)
class ChildNews:
    """What is told otherwise of one child; `is_here` for one who is among the children in care still."""

    child: KnownChild
    differences: tuple[Difference, ...]
    is_here: bool = True


@dataclass(frozen=True, repr=False)
class FilesNews:
    """What newly loaded files tell: child by child, and of how many more; or else, in `why_not`, why nothing is told.

    `before` is when the files were loaded that it is held against.
    """

    children: tuple[ChildNews, ...] = ()
    more: int = 0
    before: datetime | None = None
    why_not: str = ""


def compare_files(visit: Visit, seen: str) -> FilesNews:
    """Hold the snapshot of a visit against the one that the visitor last saw, by its id, and log that they read both.

    Raises `PolicyChanged`.
    """
    if not seen or seen == visit.snapshot.id:
        return FilesNews(why_not=SAME if seen else NOT_NOTED)
    try:
        earlier = visit.node.store.get(seen)
        before = {child.token: child for child in _read_loaded(visit, earlier)}
    except (SnapshotMissing, SnapshotDamaged):
        return FilesNews(why_not=GONE)
    told = [*_tell_departures(visit, before), *_tell_others(visit, before)]
    shown = told[:MOST_CHILDREN]
    visit.sign_for([each.child for each in shown if not each.is_here], beside=earlier.id)
    return FilesNews(tuple(shown), len(told) - len(shown), earlier.created)


def _read_loaded(visit: Visit, snapshot: Snapshot) -> Sequence[KnownChild]:
    """Whom the visitor may read in a snapshot. Raises `SnapshotDamaged` where its files cannot be read as today's."""
    import duckdb

    try:
        found = find_children(visit.node, snapshot, visit.person)
    except (duckdb.Error, KeyError):
        raise SnapshotDamaged("an earlier snapshot cannot be read") from None
    return [child for child in found if not child.is_newcomer]


def _tell_others(visit: Visit, before: Mapping[str, KnownChild]) -> Iterator[ChildNews]:
    """Whoever has come, and whoever of those who were there is told of otherwise."""
    at_school = visit.person.school_urn is not None
    for child in visit.children:
        if child.is_newcomer:
            continue
        earlier = before.get(child.token)
        differences = compare_child(earlier, child) if earlier else (tell_arrival(child, at_school=at_school),)
        if differences:
            yield ChildNews(child, differences)


def _tell_departures(visit: Visit, before: Mapping[str, KnownChild]) -> Iterator[ChildNews]:
    """Whoever is in care no longer: for the virtual school alone, since a school reads of nobody who is not there."""
    here = {child.token for child in visit.children if not child.is_newcomer}
    gone = before.keys() - here
    if visit.person.school_urn is not None or not gone:
        return
    ends = _read_ends(visit.snapshot, sorted(gone))
    for token, child in before.items():
        if token in gone and (told := tell_departure(child, ends.get(token))):
            yield ChildNews(child, (told,), is_here=False)


def _read_ends(snapshot: Snapshot, tokens: Sequence[str]) -> Mapping[str, date | None]:
    """When some children left care, as far as a snapshot tells."""
    sql = (
        f"SELECT child, arg_max(care_end, academic_year) FROM {CHILDREN} WHERE list_contains($tokens, child) GROUP BY 1"  # noqa: S608
    )
    return dict(ask_vault({CHILDREN: snapshot.identified[CHILDREN]}, sql, {"tokens": list(tokens)}))
