"""Showing a figure to one of our own people, in the order in which nothing can be had around it.

     1  the access matrix lets their role see aggregates of whom they ask about, and of schools if they ask about those
     2  a purpose is stated, and that they ask is in the log
     3  our rules show figures, under a preset that we accept and that no rows about the year have left without
     4  for whoever gathers figures of several authorities: nothing of what it measures has left by an exact sum
     5  the snapshot covers the year
     6  what was shown or has left before is shown again as it was; what is new is protected beside all of that
     7  it is kept with its entry in the log, and only then shown

Of what was shown the log has how many cells there were and how many were withheld; never a figure.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from audit.event import Action, AuditEvent, EventInvalid, Outcome
from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.rows.protected_table import ProtectedTable
from disclosure_control.rows.protection import protect, withhold_all
from disclosure_control.rows.secondary import Neighbours, imply_counts
from disclosure_control.suppression.deadline import Deadline
from disclosure_control.symbols import Symbol
from federation.database import stamp
from federation.manifest import Path
from federation.plans import derive_plan
from federation.state import StateError
from node.checklist import find_accepted
from node.earlier_rows import Question, find_fixed, hold_rows
from node.figures.counting import count_children
from node.figures.declared import Breakdown, Measure, load_declared, write_sql
from node.figures.ledger import Kept, keep_figure
from node.figures.remainder import Group, leaves_enough
from node.figures.scope import ALL_OURS, Scope, find_scope, may_be_gathered
from node.lookups.purpose import PurposeMissing
from node.people import Person
from node.refusal import Refused
from node.service import Node
from node.snapshots import Snapshot, SnapshotDamaged, SnapshotMissing
from node.sums.allowances import check_path, take_path
from policies.access_policy import AccessDenied
from query_engine.engines import EngineFailed


@dataclass(frozen=True)
class Wish:
    """What somebody asks to see: which figure, split by what, of which academic year, and of whose children."""

    measure: str
    by: str
    year: int
    whose: str


@dataclass(frozen=True)
class Asked:
    """A wish as the declaration knows it."""

    measure: Measure
    by: Breakdown | None
    year: int
    scope: Scope

    @property
    def sql(self) -> str:
        """The query of the figure."""
        return write_sql(self.measure, self.by, self.year)


@dataclass(frozen=True)
class Shown:
    """A figure as it is shown."""

    asked: Asked
    table: ProtectedTable
    preset: Preset
    snapshot: str

    @property
    def withheld(self) -> int:
        """How many figures are withheld."""
        return sum(row[-1] == Symbol.CONFIDENTIAL for row in self.table.rows)


def read_wish(person: Person, wish: Wish) -> Asked:
    """Return what somebody means. Raises `StateError` for what is not there."""
    declared = load_declared()
    scope = find_scope(person, wish.whose)
    if wish.by and scope.schools:
        raise StateError("figures of schools are not split: hardly one has as many children in care as are ever shown")
    return Asked(declared.find_measure(wish.measure), declared.find_breakdown(wish.by), wish.year, scope)


def show_figure(node: Node, person: Person, purpose: str, wish: Wish) -> Shown:
    """Tick off the list and return the figure.

    Raises `StateError` for a wish that is none, `AccessDenied`, `PurposeMissing`, and `Refused` with the reason.
    """
    visit = _Visit(node, person, purpose, read_wish(person, wish))
    visit.check_policy()  # 1
    visit.log(Outcome.INTENDED)  # 2
    try:
        snapshot = find_snapshot(node, visit.asked.year)  # 5
        preset = choose_preset(node, visit.asked.year)  # 3
        if may_be_gathered(person.role):  # 4
            check_path(node.database.connection, visit.asked.sql, Path.PER_AUTHORITY)
        with hold_rows(node.store.root):
            return visit.show(snapshot, preset)  # 6 and 7
    except Refused as refused:
        visit.log(Outcome.REFUSED, code=refused.code)
        raise


def find_snapshot(node: Node, year: int) -> Snapshot:
    """Return the snapshot in use, or the one that the year's rows of its term leave from.

    Raises `Refused` where it does not cover an academic year, or is here no more.
    """
    snapshot = node.store.current()
    if snapshot is not None:
        allowed = node.rules().snapshots_per_term
        fixed = find_fixed(node.database.connection, str(year), snapshot.term, allowed)
        try:
            snapshot = node.store.get(fixed) if fixed else snapshot
        except (SnapshotMissing, SnapshotDamaged) as error:
            raise Refused("snapshot_absent", str(error)) from None
    if snapshot is None or year not in snapshot.academic_years:
        raise Refused("snapshot_absent", "nothing that was loaded here covers that academic year")
    return snapshot


def choose_preset(node: Node, year: int) -> Preset:
    """Return the preset of the year's rows, or of the rules where none have left. Raises `Refused`."""
    rules = node.rules()
    if not rules.figures.shown or Path.PER_AUTHORITY not in rules.paths:
        raise Refused("figures_barred", "this authority shows no figures at its pages: its rules say so")
    row = node.database.connection.execute(
        "SELECT preset FROM manifests JOIN rows_asked USING (digest) WHERE subject GLOB ? "
        "UNION SELECT preset FROM figures_shown WHERE subject GLOB ? LIMIT 1",
        (f"*/{year}", f"*/{year}"),
    ).fetchone()
    preset = find_accepted(node, rules.figures.preset if row is None else row["preset"], rules.presets)
    if preset.cell_key is not None:
        raise Refused("preset_barred", "figures at our pages are rounded and withheld, and not changed by cell keys")
    return preset


@dataclass(frozen=True)
class _Visit:
    """One of our people, asking for one figure for a purpose."""

    node: Node
    person: Person
    purpose: str
    asked: Asked

    @property
    def subject(self) -> str:
        """What the figure is about, as the history of what left has it."""
        return f"child_year/{self.asked.year}"

    def check_policy(self) -> None:
        """Raise `AccessDenied`, logged, or `PurposeMissing`."""
        if not self.purpose.strip():
            raise PurposeMissing("say why the figures are read: it is logged")
        try:
            self.node.policy().check(self.asked.scope.request(self.person.role))
        except AccessDenied as denied:
            self.log(Outcome.REFUSED, code=denied.code.value)
            raise

    def show(self, snapshot: Snapshot, preset: Preset) -> Shown:
        """Return the table that was shown before, or protect and keep a new one; the log has it first."""
        asked = self.asked
        try:
            if asked.scope.schools:
                self._find_or_keep(replace(asked, scope=ALL_OURS), snapshot, preset)
            shown = Shown(asked, self._find_or_keep(asked, snapshot, preset), preset, snapshot.id)
        except PresetInvalid as lost:
            raise Refused("preset_lost", str(lost)) from None
        with self.node.database.transaction() as connection:
            if may_be_gathered(self.person.role):
                take_path(connection, asked.sql, Path.PER_AUTHORITY, shown.table.plan_id)
            told = {"snapshot": snapshot.id, "preset": preset.name}
            counted = {"cells": len(shown.table.rows), "withheld": shown.withheld}
            self.node.database.log.append(connection, self.event(Outcome.DONE, {**told, **counted}))
        return shown

    def _find_or_keep(self, asked: Asked, snapshot: Snapshot, preset: Preset) -> ProtectedTable:
        node, plan = self.node, derive_plan(asked.sql, Path.PER_AUTHORITY)
        question = Question(plan, str(asked.year), snapshot.id, preset, asked.scope.schools)
        if (repeated := node.earlier.find_repeated(node.database.connection, question)) is not None:
            return repeated
        try:
            raw = count_children(node, snapshot, plan, asked.scope.schools)
        except EngineFailed:
            raise Refused(
                "not_run", "the figures could not be worked out here: tell the node's administrator"
            ) from None
        table = protect(raw, preset, self._find_neighbours(question))
        if not self._leaves_enough(question, table):
            table = withhold_all(plan, preset)
        kept = Kept(
            f"F-{secrets.token_hex(8)}",
            asked.measure.name,
            asked.by.name if asked.by else "",
            asked.scope.key,
            asked.sql,
            self.subject,
            snapshot.id,
            table,
            imply_counts(raw, preset),
            stamp(node.clock()),
        )
        with node.database.transaction() as connection:
            keep_figure(connection, kept)
        return table

    def _find_neighbours(self, question: Question) -> Neighbours:
        node = self.node
        beside = node.earlier.find_neighbours(node.database.connection, question, node.party.keys.row_secret)
        return replace(beside, deadline=Deadline(time.monotonic, time.monotonic() + node.rules().figures.seconds))

    def _leaves_enough(self, question: Question, table: ProtectedTable) -> bool:
        if not question.schools:
            return True
        earlier = [
            Group(each.schools, each.table.rows, each.preset)
            for each in self.node.earlier.list_figures(self.node.database.connection, question)
            if each.table.plan_id == table.plan_id
        ]
        return leaves_enough(question.plan, Group(question.schools, table.rows, question.preset), earlier)

    def log(self, outcome: Outcome, code: str = "") -> None:
        """Write an entry."""
        self.node.record(self.event(outcome, {"code": code} if code else {}))

    def event(self, outcome: Outcome, details: Mapping[str, Any]) -> AuditEvent:
        """An entry about this visit. Raises `PurposeMissing` for a purpose that the log must not keep."""
        asked = self.asked
        figure: dict[str, Any] = {"figure": asked.measure.name, "by": asked.by.name if asked.by else ""}
        about = {**figure, "academic_year": asked.year, "schools": len(asked.scope.schools)}
        try:
            return self.node.event(
                Action.FIGURES_SHOWN,
                f"{self.person.id} ({self.person.role})",
                "",
                outcome=outcome,
                acting_for=self.node.authority,
                purpose=self.purpose,
                relationship=asked.scope.relation,
                policy_version=self.node.policy().version,
                **about,
                **details,
            )
        except EventInvalid as error:
            raise PurposeMissing(f"the purpose cannot be logged: {error}") from None
