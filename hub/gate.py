"""The gate between answers and release: what a reader of this release and of earlier ones together could work out.

Before rows of authorities are released, the table is attacked by itself and beside every earlier release of the same
snapshot that counts the same. An authority of which too much is told is left out whole, since its signed answer would
say what was withheld; who else is in it does not change. Such a release, and one that is too much to attack, waits for
an output checker: it is told what was found in words, which are kept until it has decided and are in no log.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from disclosure_control.linked.companions import Published, link_published
from disclosure_control.linked.links import Linked, link_plans
from disclosure_control.linked.parts import TooTangled
from disclosure_control.linked.words import tell_hits
from disclosure_control.preset import Preset
from disclosure_control.release import read_released
from disclosure_control.released import ReleasedTable
from disclosure_control.row_protection import Neighbours
from disclosure_control.suppression.reader import Contradiction
from disclosure_control.tables import Row
from federation.envelope import Envelope, read_envelope
from federation.exchange import QueryState, ReleaseDocument
from federation.manifest import MANIFEST_TYPE, Manifest, Path, Reply, read_manifest
from federation.plans import derive_plan
from federation.problems import ProblemRaised
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.service import Hub
from query_engine.planning.plan import QueryPlan

__all__ = ["LONGEST_SECONDS", "Verdict", "check_room", "find_totals", "judge_rows"]

MOST_CELLS = 50_000
"""Cells that questions about the same may make together; beyond, another is refused."""

LONGEST_SECONDS = 60.0
"""How long one release is attacked; one that takes longer waits for an output checker."""

MOST_WORDS = 50
"""Findings that are told; there is no more to learn from the rest."""


@dataclass(frozen=True)
class Verdict:
    """What is known of a release before it is made: who is told on, and what an output checker is told."""

    told: frozenset[str]
    words: tuple[str, ...]

    @property
    def is_safe(self) -> bool:
        """Whether it may be released by itself."""
        return not self.words


@dataclass(frozen=True)
class _Release:
    """A release: its manifest, plan and table, and the snapshots that authorities answered from."""

    name: str
    manifest: Manifest
    plan: QueryPlan
    table: ReleasedTable
    snapshots: Mapping[str, str]

    @cached_property
    def rows(self) -> Mapping[str, Sequence[Row]]:
        """Each authority's rows."""
        found: dict[str, list[Row]] = {}
        for authority, *row in self.table.rows:
            found.setdefault(str(authority), []).append(tuple(row))
        return found


def judge_rows(
    hub: Hub, manifest: Manifest, table: ReleasedTable, replies: Mapping[str, Reply], preset: Preset
) -> Verdict:
    """Attack the rows of each authority beside its earlier ones. What it finds depends on what is public alone."""
    plan = derive_plan(manifest.sql, manifest.path)
    if preset.cell_key is not None:  # Changed counts do not add up, and how many are given is counted.
        return Verdict(frozenset(), ())
    snapshots = {reply.authority: reply.snapshot for reply in replies.values()}
    newest = _Release("this release", manifest, plan, table, snapshots)
    earlier = list(_earlier(hub, manifest, plan))
    until = time.monotonic() + LONGEST_SECONDS
    told, words, links = set[str](), list[str](), dict[tuple[str, ...], Linked]()
    for authority in table.answered:
        if time.monotonic() > until:
            words.append(f"The time is up: {authority} and those after it were not attacked.")
            break
        own = _differing(authority, earlier, newest)
        if own[-1] is not newest:
            continue  # What was released before tells nothing more when it is released again.
        published = [Published(each.name, each.plan, each.rows[authority]) for each in own]
        try:
            if (names := tuple(each.name for each in own)) not in links:
                links[names] = link_published(published)
            found = tell_hits(authority, published, preset, links[names])
        except TooTangled as tangled:
            words.append(f"{authority}: not attacked beside earlier releases, since {tangled}.")
            continue
        except Contradiction:
            words.append(f"{authority}: its figures contradict earlier ones of the same snapshot.")
            continue
        if found:
            told.add(authority)
            words += found
    return Verdict(frozenset(told), tuple(words[:MOST_WORDS]))


def _differing(authority: str, earlier: Sequence[_Release], newest: _Release) -> list[_Release]:
    """The releases of an authority's snapshot, the newest last, each table of rows once."""
    found: dict[tuple[str, tuple[Row, ...]], _Release] = {}
    for each in (*earlier, newest):
        if each.snapshots.get(authority) == newest.snapshots[authority]:
            found.setdefault((each.plan.plan_id, tuple(each.rows[authority])), each)
    return list(found.values())


def find_totals(hub: Hub, manifest: Manifest, plan: QueryPlan) -> Neighbours:
    """The exact totals of the same term that were released before, for the next to be protected beside them."""
    earlier = (
        Published(each.name, each.plan, each.table.rows, each.table.answered)
        for each in _earlier(hub, manifest, plan)
        if each.manifest.snapshot_term == manifest.snapshot_term
    )
    return Neighbours(tuple(earlier), hub.party.keys.row_secret)


def check_room(hub: Hub, manifest: Manifest, plan: QueryPlan) -> None:
    """Check, before anybody is asked, that a release can be attacked beside those of the same year that count the same.

    It goes by what was asked alone. Raises a 422 problem that offers another path.
    """
    if manifest.path is Path.NOISY_SUM or manifest.cell_key is not None:
        return
    others = {each.plan_id: each for each in _asked(hub, manifest, plan)}
    try:
        link_plans([*others.values(), plan], most=MOST_CELLS)
    except TooTangled as tangled:
        text = f"its figures and those asked about {manifest.academic_year} before are too much to attack together"
        offer = "ask it by noisy_sum, whose promise holds whatever else is known"
        raise ProblemRaised(422, "overlap", f"{text} ({tangled}): {offer}") from None


def _asked(hub: Hub, manifest: Manifest, plan: QueryPlan) -> Iterator[QueryPlan]:
    """The plans of questions about the same that were or may yet be answered by the same path."""
    rows = hub.database.connection.execute(
        "SELECT envelope FROM queries WHERE state IN (?, ?, ?)",
        (QueryState.RUNNING, QueryState.CHECKING, QueryState.RELEASED),
    )
    for row in rows:
        other = read_manifest(read_envelope(row["envelope"], MANIFEST_TYPE))
        if (found := _same(other, manifest, plan)) is not None:
            yield found


def _same(other: Manifest, manifest: Manifest, plan: QueryPlan) -> QueryPlan | None:
    """The plan of another question, if it is of the same path, year, preset and table, and is answered by rows."""
    if any(getattr(other, each) != getattr(manifest, each) for each in ("path", "academic_year", "preset")):
        return None
    found = derive_plan(other.sql, other.path)
    return found if found.table == plan.table and found.model is None else None


def _earlier(hub: Hub, manifest: Manifest, plan: QueryPlan) -> Iterator[_Release]:
    """The releases of the same path, year and table, oldest first."""
    rows = hub.database.connection.execute(
        "SELECT envelope, document FROM releases JOIN queries USING (query_id) ORDER BY drafted_at, query_id"
    ).fetchall()
    for row in rows:
        other = read_manifest(read_envelope(row["envelope"], MANIFEST_TYPE))
        if other.query_id != manifest.query_id and (found := _same(other, manifest, plan)) is not None:
            document = decode_document(bytes(row["document"]), ReleaseDocument, limit=MAX_BATCH_BYTES)
            # What nodes signed for a sum says nothing of figures: its snapshots are those of the term.
            snapshots = dict(map(_snapshot, document.replies)) if manifest.path is Path.PER_AUTHORITY else {}
            yield _Release(document.release_id, other, found, read_released(document.table), snapshots)


def _snapshot(signed: Envelope) -> tuple[str, str]:
    reply = decode_document(signed.body, Reply)
    return reply.authority, reply.snapshot
