"""What was released before, for what comes next to be set against: read once, and kept at hand.

A release never changes, nor does a total that waits for an output checker, so that each is decoded once; what each
question is about is kept apart from it, and tells which releases there is anything to read of.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from audit.connection import Connection
from disclosure_control.linked.children.related import find_related
from disclosure_control.models.reading import read_release
from disclosure_control.models.release import ReleasedModel
from disclosure_control.models.row_count import count_rows, plan_rows
from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shelf import PresetShelf
from disclosure_control.release.released import ReleasedTable
from disclosure_control.rows.protected_table import Row
from federation.envelope import read_envelope
from federation.exchange import QueryState, ReleaseDocument
from federation.manifest import MANIFEST_TYPE, Manifest, Path, Reply, read_manifest
from federation.plans import derive_plan
from federation.recent import Recent
from federation.wire import MAX_BATCH_BYTES, decode_document
from hub.query_states import UNDER_WAY
from query_engine.planning.plan import QueryPlan

__all__ = ["TOTAL", "Asked", "EarlierReleases", "Release", "decode_release"]

TOTAL = ""
"""Whose rows those of a total are."""

MOST_SUBJECTS = 20_000
"""Questions of which it is kept what they are about."""

MOST_LOOKS = 256
"""Questions of which it is kept what has to do with them: it is asked again in the transaction that releases one."""

MOST_ROWS = 1_000_000
"""Rows of releases that are kept at hand: about 50 releases of 100 cells over all of England."""

ANSWERED = (*UNDER_WAY, QueryState.CHECKING, QueryState.RELEASED)
"""Where a question stands that was or may yet be answered."""


@dataclass(frozen=True)
class Subject:
    """What a question is about; questions that differ in any of this are not attacked together.

    Counts that cell keys change do not add up. Whatever else protects two questions about the same, their counts do,
    under whichever preset, in whichever version.
    """

    path: Path
    academic_year: str
    changes_counts: bool

    @classmethod
    def of(cls, manifest: Manifest) -> "Subject":
        """What a manifest's question is about."""
        return cls(manifest.path, manifest.academic_year, manifest.cell_key is not None)


@dataclass(frozen=True)
class Release:
    """A release as a reader has it: each authority's rows, or those of a total by no name at all.

    `preset` is what protected it, in the version of then: by it the rows are read.
    `snapshots` are those that authorities answered from, each at its moment; none for a total, whose snapshots are
    those of its term.
    """

    name: str
    plan: QueryPlan
    preset: Preset
    rows: Mapping[str, Sequence[Row]]
    answered: tuple[str, ...]
    snapshots: Mapping[str, str]
    moments: Mapping[str, datetime]

    @classmethod
    def of(
        cls, name: str, plan: QueryPlan, preset: Preset, table: ReleasedTable, replies: Iterable[Reply]
    ) -> "Release":
        """A released table, with what the authorities that it has rows of have replied."""
        said = tuple(replies)
        snapshots = {each.authority: each.snapshot for each in said}
        moments = {each.authority: each.answered_at for each in said}
        if table.is_total:
            return cls(name, plan, preset, {TOTAL: table.rows}, table.answered, snapshots, moments)
        rows: dict[str, list[Row]] = {}
        for authority, *row in table.rows:
            rows.setdefault(str(authority), []).append(tuple(row))
        return cls(name, plan, preset, rows, table.answered, snapshots, moments)

    @property
    def size(self) -> int:
        """How many rows it has."""
        return sum(map(len, self.rows.values()))


@dataclass(frozen=True)
class Asked:
    """A question: what it is about, of which term, its SQL and its plan."""

    subject: Subject
    term: str
    sql: str
    plan_id: str


@dataclass(frozen=True, eq=False)
class EarlierReleases:
    """The releases of a hub, each read by the rules that it was protected by."""

    presets: PresetShelf
    _asked: Recent[str, Asked] = field(default_factory=lambda: Recent(MOST_SUBJECTS))
    _found: Recent[tuple[object, ...], Mapping[str, QueryPlan]] = field(default_factory=lambda: Recent(MOST_LOOKS))
    _releases: Recent[str, Release] = field(default_factory=lambda: Recent(MOST_ROWS, lambda release: release.size))

    def find_asked(self, connection: Connection, query_id: str) -> Asked:
        """What a query asks."""
        return self._asked.get(query_id, partial(_read_question, connection, query_id))

    def related(self, connection: Connection, manifest: Manifest, plan: QueryPlan, term: str = "") -> list[Release]:
        """The releases, of a term or any, that count children whom a question counts too, near or far; oldest first.

        Totals that wait for an output checker are among them: they cannot be protected again beside what comes next, so
        that is protected beside them. Raises `PresetInvalid` where the rules of one are not here any more.
        """
        found = list[Release]()
        for query_id, other in self._related(connection, manifest, plan, term).items():
            with suppress(_NotReleased):
                found.append(self._releases.get(query_id, partial(_read, connection, query_id, other, self.presets)))
        return found

    def related_names(
        self, connection: Connection, manifest: Manifest, plan: QueryPlan, term: str = ""
    ) -> tuple[str, ...]:
        """The ids of the queries that those answer."""
        return tuple(self._related(connection, manifest, plan, term))

    def _related(
        self, connection: Connection, manifest: Manifest, plan: QueryPlan, term: str
    ) -> Mapping[str, QueryPlan]:
        # In one statement: between two, one total can be refused and another held, and be taken for each other.
        there = connection.execute(
            "SELECT query_id, query_id IN (SELECT query_id FROM held_totals) AS is_held FROM queries "
            "WHERE query_id IN (SELECT query_id FROM releases) OR query_id IN (SELECT query_id FROM held_totals) "
            "ORDER BY drafted_at, query_id"
        ).fetchall()
        others = [row["query_id"] for row in there if row["query_id"] != manifest.query_id]
        held = [row["query_id"] for row in there if row["is_held"]]

        def find() -> Mapping[str, QueryPlan]:
            plans = dict(self._same(connection, others, manifest, term))
            related = find_related(plan, plans.values())
            return {query_id: other for query_id, other in plans.items() if other.plan_id in related}

        # No release is taken back, so that where as many are there as before, and the same wait, they are the same.
        return self._found.get((manifest.query_id, term, len(others), *held), find)

    def related_plans(self, connection: Connection, manifest: Manifest, plan: QueryPlan) -> list[QueryPlan]:
        """The plans of questions that were or may yet be answered and count children whom this one counts too."""
        names = connection.execute("SELECT query_id FROM queries WHERE state IN (?, ?, ?, ?)", ANSWERED).fetchall()
        found = {each.plan_id: each for _, each in self._same(connection, [row[0] for row in names], manifest)}
        related = find_related(plan, found.values())
        return [each for each in found.values() if each.plan_id in related]

    def _same(
        self, connection: Connection, names: Sequence[str], manifest: Manifest, term: str = ""
    ) -> Iterator[tuple[str, QueryPlan]]:
        """Those of these questions that are about the same, each with its plan."""
        subject = Subject.of(manifest)
        for query_id in names:
            asked = self.find_asked(connection, query_id)
            if asked.subject == subject and term in ("", asked.term):
                # Whatever its tables are: they can be about the same children, and `find_related` tells.
                yield query_id, plan_rows(derive_plan(asked.sql, asked.subject.path))


class _NotReleased(Exception):
    """A total that waited when it was named has been refused meanwhile."""


def _read_question(connection: Connection, query_id: str) -> Asked:
    row = connection.execute("SELECT envelope FROM queries WHERE query_id = ?", (query_id,)).fetchone()
    assert row is not None  # Queries are never deleted.
    manifest = read_manifest(read_envelope(row["envelope"], MANIFEST_TYPE))
    return Asked(Subject.of(manifest), manifest.snapshot_term, manifest.sql, manifest.plan_id)


def _read(connection: Connection, query_id: str, plan: QueryPlan, presets: PresetShelf) -> Release:
    row = connection.execute(
        "SELECT document FROM releases WHERE query_id = ? "
        "UNION ALL SELECT document FROM held_totals WHERE query_id = ?",
        (query_id, query_id),
    ).fetchone()
    if row is None:
        raise _NotReleased
    return decode_release(bytes(row["document"]), plan, presets)


def decode_release(data: bytes, plan: QueryPlan, presets: PresetShelf) -> Release:
    """The release in a document. Raises `PresetInvalid` where the rules that protected it are not here."""
    document = decode_document(data, ReleaseDocument, limit=MAX_BATCH_BYTES)
    # What nodes signed for a sum says nothing of figures: its snapshots are those of the term.
    replies = [decode_document(each.body, Reply) for each in document.replies if plan.path == "per_authority"]
    table = read_release(document.table)
    preset = presets.find(table.preset, table.preset_version)
    if isinstance(table, ReleasedModel):
        return Release(document.release_id, plan, preset, {TOTAL: [count_rows(table)]}, table.answered, {}, {})
    return Release.of(document.release_id, plan, preset, table, replies)
