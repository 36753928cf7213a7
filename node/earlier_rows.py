"""What left this node before: its own rows of one snapshot, beside which further rows are protected.

What counts is what was signed, whether or not the hub released it: what has left is out of our hands. So is what our
own people were shown (`figures`). A reply never changes, so that each is decoded once and kept at hand; who asks again
gets the same rows, so that each question is looked at once however often it was asked.

Rows of all our children are attacked with all others of that kind. Figures of schools cut our children into those at
each school and the rest, and everything together takes too long; so they are attacked with each other, with what was
shown of all our children unsplit, and with what left by columns that they were made of or that tell of schools.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path as FilePath

from audit.connection import Connection
from disclosure_control.linked.children.related import find_related
from disclosure_control.linked.published import Published
from disclosure_control.presets.preset import Preset
from disclosure_control.presets.shelf import PresetShelf
from disclosure_control.rows.protected_table import ProtectedTable, Row, read_protected
from disclosure_control.rows.secondary import Neighbours, imply_counts
from federation.envelope import read_envelope
from federation.manifest import REPLY_TYPE, Manifest, Outcome, Path, Reply
from federation.plans import derive_plan
from federation.recent import Recent
from federation.state import hold_directory
from federation.wire import decode_document
from node.figures.ledger import ShownTable, list_shown, name_roster, read_shown
from query_engine.planning.plan import QueryPlan
from query_engine.planning.region import columns_of
from query_engine.tables import RawTable

__all__ = [
    "EarlierRows",
    "Question",
    "find_fixed",
    "find_last",
    "hold_rows",
    "keep_implied",
    "list_terms",
    "record_sql",
]

MOST_ROWS = 200_000
"""Rows of replies that are kept at hand: about fifty questions of the largest kind, or two thousand of 100 cells."""

MOST_FIGURES = 2_000
"""Tables of figures that are kept at hand."""


OF_SCHOOLS = frozenset(
    {
        "school_type",
        "school_phase",
        "ofsted_framework",
        "ofsted_grade",
        "school_in_area",
        "host_authority",
        "host_region",
    }
)
"""Columns that are alike for all who go to one school."""


@dataclass(frozen=True)
class Question:
    """What is asked, the academic year that it is about, the snapshot it is asked of, and the preset it is under.

    With `schools`, it is about those of our children alone who are at one of them.
    """

    plan: QueryPlan
    year: str
    snapshot: str
    preset: Preset
    schools: frozenset[int] = frozenset()


def hold_rows(snapshots: FilePath) -> AbstractContextManager[None]:
    """Keep every other process from protecting rows of a node, given where its snapshots are: one sees all others'."""
    return hold_directory(snapshots)


def record_sql(connection: sqlite3.Connection, digest: str, manifest: Manifest) -> None:
    """Keep what was asked, in the caller's transaction: of a reply it is known then what its figures are of."""
    if manifest.path is Path.PER_AUTHORITY:
        connection.execute("INSERT OR IGNORE INTO rows_asked VALUES (?, ?, '[]')", (digest, manifest.sql))


_LEFT = (
    "SELECT snapshot, min(at) AS first FROM ("
    "SELECT snapshot, reserved_at || manifests.rowid AS at FROM manifests JOIN rows_asked USING (digest) "
    "WHERE subject GLOB ? AND snapshot GLOB ? "
    "UNION ALL SELECT snapshot, shown_at FROM figures_shown WHERE subject GLOB ? AND snapshot GLOB ?"
    ") GROUP BY snapshot ORDER BY first"
)
"""The snapshots that rows about a year have left from, or that figures of it were shown from, in that order."""


def _list_left(connection: Connection, year: str, term: str = "*") -> list[str]:
    about, of_term = f"*/{year}", f"{term}-*"
    rows = connection.execute(_LEFT, (about, of_term, about, of_term)).fetchall()
    return [str(row["snapshot"]) for row in rows]


def find_fixed(connection: Connection, year: str, term: str, snapshots_per_term: int) -> str | None:
    """The snapshot that rows of a year leave from, of a term of which no further one is used; None while one may be.

    A record that is mended between two loads would otherwise be what two answers differ by, or what figures at our own
    pages differ by from them.
    """
    left = _list_left(connection, year, term)
    return left[-1] if len(left) >= snapshots_per_term else None


def find_last(connection: Connection, year: str) -> str:
    """The snapshot that rows of a year have left from last, or figures of it were shown from, of whatever term."""
    return _list_left(connection, year)[-1]


def list_terms(connection: Connection, year: str) -> frozenset[str]:
    """The terms of which rows about a year have left, or figures of it were shown."""
    return frozenset(each.rpartition("-")[0] for each in _list_left(connection, year))


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
    """The replies of a node, each read by the rules that it was protected by: those of the version of then."""

    presets: PresetShelf
    _replies: Recent[str, _Answered | None] = field(default_factory=lambda: Recent(MOST_ROWS, _weigh))
    _figures: Recent[str, ShownTable] = field(default_factory=lambda: Recent(MOST_FIGURES))

    def find_repeated(self, connection: sqlite3.Connection, question: Question) -> ProtectedTable | None:
        """The table that answered the same question before: who asks again is told nothing else.

        Under a preset that has changed it is another question. Raises `PresetInvalid` where old rules are not here.
        """
        plan = question.plan
        if not question.schools:
            for each in self._answered(connection, question, plan.plan_id):
                if _answers(each.published, question):
                    return each.table
        for shown in self.list_figures(connection, question):
            same = shown.published.plan.plan_id == plan.plan_id and _answers(shown.published, question)
            if same and shown.schools == question.schools:
                return shown.table
        return None

    def list_figures(self, connection: sqlite3.Connection, question: Question) -> tuple[ShownTable, ...]:
        """The figures about the same that our own people were shown, the oldest first. Raises `PresetInvalid`."""
        numbers = list_shown(connection, question.year, question.snapshot)
        return tuple(
            self._figures.get(number, partial(read_shown, connection, number, self.presets)) for number in numbers
        )

    def find_neighbours(self, connection: sqlite3.Connection, question: Question, secret: bytes) -> Neighbours:
        """The tables that have left and count children whom this one counts too, oldest first.

        `secret` is what ties are broken by. Raises `PresetInvalid` where the rules that protected one are not here.
        """
        figures = self.list_figures(connection, question)
        of_schools = [each for each in figures if each.schools and each.tells]
        named = question.schools.union(*(each.schools for each in of_schools))
        rosters = name_roster(question.schools, named), name_roster(frozenset(), named)
        whole = [replace(each, roster=rosters[1]) for each in self._find_whole(connection, question)]
        unsplit = [each.published.name for each in figures if not each.schools and not each.is_split]
        beside = tuple(
            [each for each in whole if each.name in unsplit or _tells_of_schools(each.plan, question.plan)]
            + [each.published for each in of_schools]
        )
        if question.schools:
            return Neighbours(beside, secret, roster=rosters[0])
        related = find_related(question.plan, (each.plan for each in whole))
        earlier = tuple(each for each in whole if each.plan.plan_id in related)
        return Neighbours(earlier, secret, roster=rosters[0], further=(beside,) if of_schools else ())

    def _find_whole(self, connection: sqlite3.Connection, question: Question) -> list[Published]:
        """What left and was shown of all our children, each table once."""
        found = dict[tuple[str, Preset, tuple[Row, ...]], Published]()
        left = [each.published for each in self._answered(connection, question)]
        left += [each.published for each in self.list_figures(connection, question) if not each.schools]
        for own in left:
            key = (own.plan.plan_id, own.preset, tuple(own.rows))
            found[key] = _join(found[key], own) if key in found else own
        return list(found.values())

    def _answered(
        self, connection: sqlite3.Connection, question: Question, plan_id: str | None = None
    ) -> Iterator[_Answered]:
        """What was answered about the same year, in whatever words, once each: all of it, or one plan's.

        Whatever its tables were: they can be about the same children.
        """
        # Of what was asked several times in the same words, the first time; with what was implied, which is kept once.
        rows = connection.execute(
            "SELECT digest, min(reserved_at || ' ' || digest) AS at FROM manifests JOIN rows_asked USING (digest) "
            "WHERE subject GLOB ? AND snapshot = ? AND plan_id = ifnull(?, plan_id) "
            "AND reply IS NOT NULL GROUP BY plan_id, sql, implied, preset ORDER BY at",
            (f"*/{question.year}", question.snapshot, plan_id),
        ).fetchall()
        for row in rows:
            read = partial(_read, connection, row["digest"], self.presets)
            if (answered := self._replies.get(row["digest"], read)) is not None:
                yield answered


def _answers(own: Published, question: Question) -> bool:
    """Whether a table of the same plan has just the columns that are asked for, under the preset as it is."""
    return (own.plan.outputs, own.preset) == (question.plan.outputs, question.preset)


def _tells_of_schools(plan: QueryPlan, question: QueryPlan) -> bool:
    """Whether a table beside which figures of schools stand is by columns of theirs, or by such as tell of schools."""
    return not plan.columns.isdisjoint(OF_SCHOOLS | {each.name for each in question.dimensions} | _told_apart(question))


def _told_apart(plan: QueryPlan) -> frozenset[str]:
    """The columns by which a plan tells children apart."""
    return frozenset[str]().union(*(columns_of(region) for each in plan.dimensions for region in each.regions))


def _weigh(answered: _Answered | None) -> int:
    return 1 + (len(answered.table.rows) if answered is not None else 0)


def _read(connection: sqlite3.Connection, digest: str, presets: PresetShelf) -> _Answered | None:
    """A reply; None where it is a refusal. Raises `PresetInvalid`."""
    row = connection.execute(
        "SELECT sql, implied, reply FROM manifests JOIN rows_asked USING (digest) WHERE digest = ?", (digest,)
    ).fetchone()
    reply = decode_document(read_envelope(row["reply"], REPLY_TYPE).body, Reply)
    if reply.outcome is not Outcome.ANSWERED or reply.table is None:
        return None
    plan = derive_plan(row["sql"], Path.PER_AUTHORITY)
    implied: Mapping[tuple[int, str], int] = {
        (place, label): count for place, label, count in json.loads(row["implied"])
    }
    preset = presets.find(reply.table["preset"], reply.table["preset_version"])
    table = read_protected(reply.table, plan, preset)
    return _Answered(table, Published(reply.query_id, plan, preset, table.rows, implied=implied))


def _join(one: Published, other: Published) -> Published:
    """The same rows, of which either may know what they imply."""
    return replace(one, implied={**other.implied, **one.implied})
