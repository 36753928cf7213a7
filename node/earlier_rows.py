"""What left this node before: its own rows of one snapshot, beside which further rows are protected.

What counts is what was signed, whether or not the hub released it: what has left is out of our hands. A reply never
changes, so that each is decoded once and kept at hand; who asks again gets the same rows, so that each question is
looked at once however often it was asked.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from disclosure_control.linked.companions import Published
from disclosure_control.linked.related import find_related
from disclosure_control.presets import Preset
from disclosure_control.row_protection import Neighbours, imply_counts
from disclosure_control.tables import ProtectedTable, Row, read_protected
from federation.envelope import read_envelope
from federation.manifest import REPLY_TYPE, Manifest, Outcome, Path, Reply
from federation.plans import derive_plan
from federation.recent import Recent
from federation.wire import decode_document
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

__all__ = ["EarlierRows", "Question", "keep_implied", "record_sql"]

MOST_ROWS = 200_000
"""Rows of replies that are kept at hand: about fifty questions of the largest kind, or two thousand of 100 cells."""


@dataclass(frozen=True)
class Question:
    """What is asked, what it is about (tables and year), the snapshot it is asked of, and the preset it is under."""

    plan: QueryPlan
    subject: str
    snapshot: str
    preset: Preset


def record_sql(connection: sqlite3.Connection, digest: str, manifest: Manifest) -> None:
    """Keep what was asked, in the caller's transaction: of a reply it is known then what its figures are of."""
    if manifest.path is Path.PER_AUTHORITY:
        connection.execute("INSERT OR IGNORE INTO rows_asked VALUES (?, ?, '[]')", (digest, manifest.sql))


def keep_implied(connection: sqlite3.Connection, digest: str, raw: RawTable, preset: Preset) -> None:
    """Keep how many children are behind the figures that are no counts, rounded as they would be if they were shown."""
    implied = [[*place, count] for place, count in imply_counts(raw, preset).items()]
    connection.execute("UPDATE rows_asked SET implied = ? WHERE digest = ?", (json.dumps(implied), digest))


@dataclass(frozen=True)
class _Answered:
    """A reply: the table, and what it published."""

    table: ProtectedTable
    published: Published


@dataclass(frozen=True, eq=False)
class EarlierRows:
    """The replies of a node."""

    _replies: Recent[tuple[str, str], _Answered | None] = field(default_factory=lambda: Recent(MOST_ROWS, _weigh))

    def find_repeated(self, connection: sqlite3.Connection, question: Question) -> ProtectedTable | None:
        """The table that answered the same question before: who asks again is told nothing else."""
        for each in self._answered(connection, question, question.plan.plan_id):
            if each.published.plan.outputs == question.plan.outputs:
                return each.table
        return None

    def find_neighbours(self, connection: sqlite3.Connection, question: Question, secret: bytes) -> Neighbours:
        """The tables that have left and count rows which this one counts too, oldest first.

        `secret` is what ties are broken by.
        """
        found = dict[tuple[str, tuple[Row, ...]], Published]()
        for each in self._answered(connection, question):
            own = each.published
            if own.plan.table == question.plan.table:
                key = (own.plan.plan_id, each.table.rows)
                found[key] = _join(found[key], own) if key in found else own
        related = find_related(question.plan, (each.plan for each in found.values()))
        return Neighbours(tuple(each for each in found.values() if each.plan.plan_id in related), secret)

    def _answered(
        self, connection: sqlite3.Connection, question: Question, plan_id: str | None = None
    ) -> Iterator[_Answered]:
        """What was answered about the same, in whatever words, once each: all of it, or one plan's."""
        # Of what was asked several times in the same words, the first time; with what was implied, which is kept once.
        rows = connection.execute(
            "SELECT digest, min(reserved_at || ' ' || digest) AS at FROM manifests JOIN rows_asked USING (digest) "
            "WHERE subject = ? AND snapshot = ? AND preset = ? AND plan_id = ifnull(?, plan_id) AND reply IS NOT NULL "
            "GROUP BY plan_id, sql, implied ORDER BY at",
            (question.subject, question.snapshot, question.preset.name, plan_id),
        ).fetchall()
        for row in rows:
            read = partial(_read, connection, row["digest"], question.preset)
            if (answered := self._replies.get((row["digest"], question.preset.version), read)) is not None:
                yield answered


def _weigh(answered: _Answered | None) -> int:
    return 1 + (len(answered.table.rows) if answered is not None else 0)


def _read(connection: sqlite3.Connection, digest: str, preset: Preset) -> _Answered | None:
    """A reply; None where it is a refusal."""
    row = connection.execute(
        "SELECT sql, implied, reply FROM manifests JOIN rows_asked USING (digest) WHERE digest = ?", (digest,)
    ).fetchone()
    reply = decode_document(read_envelope(row["reply"], REPLY_TYPE).body, Reply)
    if reply.outcome is not Outcome.ANSWERED:
        return None
    plan = derive_plan(row["sql"], Path.PER_AUTHORITY)
    implied: Mapping[tuple[int, str], int] = {
        (place, label): count for place, label, count in json.loads(row["implied"])
    }
    table = read_protected(reply.table, plan, preset)
    return _Answered(table, Published(reply.query_id, plan, table.rows, implied=implied))


def _join(one: Published, other: Published) -> Published:
    """The same rows, of which either may know what they imply."""
    return replace(one, implied={**other.implied, **one.implied})
