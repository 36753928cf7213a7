"""The node's budget as others see it: printed for its own people, and stated and signed for the hub."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from disclosure_control.budget.price import PrivacyLoss, write_epsilon
from federation.budgets import COUNTED, BudgetStatement, sign_statement, state_budget
from federation.envelope import Envelope
from federation.hub_line import HubRefused
from federation.wire import whole_seconds
from node.budget import read_account
from node.service import Node

log = logging.getLogger("circe.node")

STATED_EVERY = timedelta(minutes=1)
"""How often a running node looks whether there is something new to state; what it sent since, the hub counts itself."""

RESTATED_EVERY = timedelta(days=1)
"""How often it is stated although nothing changed, so that what is over and never came here is held against nobody."""

DELTA = 1e-6
"""The chance but for which a combined loss is told beside the certain one: less than one in all children in care."""


class BudgetBoard(Protocol):
    """Where nodes state what is left of their budgets: the hub."""

    def publish_budget(self, statement: Envelope) -> None:
        """Hand in our own newest statement."""


class StatedBudget:
    """What this node has stated of its budget, and when it last looked whether that still holds."""

    def __init__(self) -> None:
        self._stated: tuple[BudgetStatement, bytes] | None = None
        self._looked_at: datetime | None = None

    def renew(self, node: Node, hub: BudgetBoard) -> None:
        """State the budget where it, or the key that signs it, has changed since the last time, and once a day."""
        now, signing = node.clock(), node.party.keys.public_signing_key
        if self._looked_at and timedelta(0) <= now - self._looked_at < STATED_EVERY:
            return
        statement = make_statement(node)
        self._looked_at = now
        if self._stated is not None and _still_holds(self._stated, (statement, signing)):
            return
        try:
            hub.publish_budget(sign_statement(statement, node.party.keys))
        except HubRefused as refused:
            # Whoever asks is told less; nothing that the node does waits for it.
            log.warning("%s: the hub does not take what is stated of the budget: %s", node.party.member_id, refused)
            return
        self._stated = (statement, signing)


def _still_holds(stated: tuple[BudgetStatement, bytes], now: tuple[BudgetStatement, bytes]) -> bool:
    """Whether what was stated is still so, is not old, and is signed by the key of now."""
    at = now[0].stated_at
    is_young = timedelta(0) <= at - stated[0].stated_at < RESTATED_EVERY
    return is_young and (msgspec.structs.replace(stated[0], stated_at=at), stated[1]) == now


def make_statement(node: Node) -> BudgetStatement:
    """The account as it stands, as the hub is told of it."""
    account = read_account(node.database.connection, node.rules().sums)
    newest = node.database.connection.execute(
        "SELECT DISTINCT digest, reserved_at FROM privacy_losses ORDER BY reserved_at DESC, digest LIMIT ?", (COUNTED,)
    )
    digests = sorted(row["digest"] for row in newest)
    return state_budget(node.party.member_id, account, digests, whole_seconds(node.clock()))


@dataclass(frozen=True)
class BudgetLine:
    """One line of the account: of an academic year, by one project or (`all`) by every one."""

    academic_year: int
    project: str
    questions: int
    epsilon: str
    rho: str
    epsilon_at_delta: str
    cap: str
    left: str


def list_budget(node: Node) -> Iterator[BudgetLine]:
    """The account line by line: each academic year as a whole, then each project's part in it."""
    account, counts = read_account(node.database.connection, node.rules().sums), _count_questions(node)
    for year in account.academic_years:
        projects = sorted(project for of_year, project in account.taken if of_year == year)
        for project in (None, *projects):
            spent = account.spent(year, project)
            cap = account.caps.year if project is None else account.caps.project
            number = sum(counts[year, each] for each in projects if project in (None, each))
            left = max(cap - spent.epsilon, cap - cap)
            yield BudgetLine(
                year, project or "all", number, *_write_loss(spent), write_epsilon(cap), write_epsilon(left)
            )


def _write_loss(spent: PrivacyLoss) -> tuple[str, str, str]:
    return write_epsilon(spent.epsilon), f"{float(spent.rho):.4g}", f"{spent.epsilon_but_for(DELTA):.4g}"


def _count_questions(node: Node) -> dict[tuple[int, str], int]:
    rows = node.database.connection.execute(
        "SELECT academic_year, project, count(*) AS questions FROM privacy_losses GROUP BY academic_year, project"
    )
    return {(row["academic_year"], row["project"]): row["questions"] for row in rows}
