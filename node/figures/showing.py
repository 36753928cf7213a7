"""Showing a figure to one of our own people, in the order in which nothing can be had around it.

     1  the access matrix lets their role see aggregates of whom they ask about, and of schools if they ask about those
     2  a purpose is stated, and that they ask is in the log
     3  nobody else protects rows of this node until all is done
     4  our rules show figures of the year, and nothing of what they measure has left by an exact sum; what they are
        counted from and protected by is what rows of the year leave from and under, of no more snapshots and terms
     5  what was shown or has left before is shown again as it was; what is new is protected beside all of that
     6  line 4 still holds, which is looked at in the transaction that keeps a new figure and the path that it took
     7  it is in the log, and only then shown

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
from node.earlier_rows import Question, hold_rows
from node.figures.basis import Basis, check_basis, choose_basis
from node.figures.counting import count_children
from node.figures.declared import Breakdown, Measure, load_declared, write_sql
from node.figures.ledger import Kept, keep_figure
from node.figures.remainder import Group, leaves_enough
from node.figures.scope import ALL_OURS, Scope, find_scope
from node.lookups.purpose import PurposeMissing
from node.people import Person
from node.refusal import Refused
from node.service import Node
from node.sums.allowances import take_path
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


def check_visit(node: Node, person: Person, purpose: str, wish: Wish) -> None:
    """Let somebody in who may see a figure, before several are shown. Raises as `show_figure`, and logs who may not."""
    _Visit(node, person, purpose, read_wish(person, wish)).check_policy()


def show_figure(node: Node, person: Person, purpose: str, wish: Wish) -> Shown:
    """Tick off the list and return the figure.

    Raises `StateError` for a wish that is none, `AccessDenied`, `PurposeMissing`, and `Refused` with the reason.
    """
    visit = _Visit(node, person, purpose, read_wish(person, wish))
    visit.check_policy()  # 1
    visit.log(Outcome.INTENDED)  # 2
    try:
        with hold_rows(node.store.root):  # 3
            return visit.show()  # 4 to 7
    except Refused as refused:
        visit.log(Outcome.REFUSED, code=refused.code)
        raise


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

    def show(self) -> Shown:
        """Return the table that was shown before, or protect and keep a new one; the log has it first."""
        asked, node = self.asked, self.node
        basis = choose_basis(node, node.database.connection, asked.year, asked.sql)  # 4
        try:
            if asked.scope.schools:
                self._find_or_keep(replace(asked, scope=ALL_OURS), basis)
            shown = Shown(asked, self._find_or_keep(asked, basis), basis.preset, basis.snapshot.id)  # 5 and 6
        except PresetInvalid as lost:
            raise Refused("preset_lost", str(lost)) from None
        told = {"snapshot": basis.snapshot.id, "preset": basis.preset.name}
        counted = {"cells": len(shown.table.rows), "withheld": shown.withheld}
        node.record(self.event(Outcome.DONE, {**told, **counted}))  # 7
        return shown

    def _find_or_keep(self, asked: Asked, basis: Basis) -> ProtectedTable:
        node, plan = self.node, derive_plan(asked.sql, Path.PER_AUTHORITY)
        question = Question(plan, str(asked.year), basis.snapshot.id, basis.preset, asked.scope.schools)
        kept = None
        if (table := node.earlier.find_repeated(node.database.connection, question)) is None:
            kept = self._protect(asked, question, basis)
            table = kept.table
        with node.database.transaction() as connection:
            check_basis(node, connection, asked.year, asked.sql, basis)
            take_path(connection, asked.sql, Path.PER_AUTHORITY, plan.plan_id)
            if kept is not None:
                keep_figure(connection, kept)
        return table

    def _protect(self, asked: Asked, question: Question, basis: Basis) -> Kept:
        """Count and protect a figure beside everything that was shown or has left."""
        node, plan, preset = self.node, question.plan, basis.preset
        try:
            raw = count_children(node, basis.snapshot, plan, asked.scope.schools)
        except EngineFailed:
            raise Refused(
                "not_run", "the figures could not be worked out here: tell the node's administrator"
            ) from None
        table = protect(raw, preset, self._find_neighbours(question))
        if not self._leaves_enough(question, table):
            table = withhold_all(plan, preset)
        return Kept(
            f"F-{secrets.token_hex(8)}",
            asked.measure.name,
            asked.by.name if asked.by else "",
            asked.scope.key,
            asked.sql,
            self.subject,
            basis.snapshot.id,
            table,
            imply_counts(raw, preset),
            stamp(node.clock()),
        )

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
