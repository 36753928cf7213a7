"""The front door, as an attacker with a project comes to it: approved questions, a budget of them, and released tables.

The federation behind it is real but for the wire. What nobody outside has, the true figures, is looked up past the door
to score an attack, never to help it. Beside it stands an open door: the same figures, each cell protected by itself
alone, as tools do that look at nothing else. An attack that gets nowhere there shows nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.rounding import release_figure
from disclosure_control.suppression.cell_rules import SuppressionRules
from federation.exchange import QueryDraft, QueryState, ReleaseDocument
from federation.hub_line import HubRefused
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from node.engines import open_engine
from node.service import Node
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.end_to_end.attacks.known import Known
from tests.end_to_end.one_process import OneProcess
from tests.small_federation import SmallFederation

TERM = "202425-summer"

CHILDREN = "FROM child_year WHERE academic_year = 202425 AND counted_here"
"""The children that the attacks are about."""

ROSTER = ("203", "301", "316")
"""As few authorities as may be asked."""

Table = Mapping[tuple[Any, ...], Mapping[str, Any]]
"""Rows of a release by their categories, the authority first; of a figure the number, or the symbol."""


class BudgetSpent(Exception):
    """The attacker has asked as often as they may."""


@dataclass(frozen=True)
class Refusal:
    """A question that was not answered, by the code of whoever refused it."""

    code: str


class Door(Protocol):
    """Where questions are answered, under a preset."""

    preset: str

    def ask(self, sql: str) -> Table:
        """The released rows; none where the question is refused."""


class FrontDoor(OneProcess):
    """A researcher with a project, and so many questions; officers approve whatever is asked."""

    def __init__(self, federation: SmallFederation, preset: str, budget: int = 20) -> None:
        for code in federation.authorities:
            federation.change_rule(
                code, 'presets = ["opensafely"]\n\n# Nothing', f'presets = ["{preset}"]\n\n# Nothing'
            )
            federation.change_rule(code, 'floor = "ofqual"', 'floor = ""')
            federation.change_rule(code, '"pupil_year"]', '"pupil_year", "placements", "exclusions"]')
        super().__init__(federation, (preset,))
        self.preset, self.left = preset, budget

    def ask(self, sql: str) -> Table:
        """The released rows; none where the question is refused. Raises `BudgetSpent`."""
        document = self.fetch(sql)
        return {} if isinstance(document, Refusal) else read_rows(document)

    def fetch(self, sql: str, roster: Sequence[str] = ROSTER) -> ReleaseDocument | Refusal:
        """The release of a question. Raises `BudgetSpent`."""
        if not self.left:
            raise BudgetSpent
        self.left -= 1
        draft = QueryDraft(
            project="attendance",
            purpose="An attack",
            sql=sql,
            academic_year="202425",
            preset=self.preset,
            roster=tuple(f"node-{code}" for code in roster),
            valid_hours=24,
            path=LeavingPath.PER_AUTHORITY,
        )
        try:
            query_id = self.submit(draft)
        except HubRefused as refused:
            return Refusal(refused.problem.code)
        self.poll(*roster)
        with self.client("ana@ucl") as ana:
            status = ana.status(query_id)
            if status.state is QueryState.RELEASED:
                return ana.fetch(query_id)
            return Refusal(next((node.code for node in status.nodes if node.code), status.state.value))


class OpenDoor:
    """The same figures, protected cell by cell and no further."""

    def __init__(self, nodes: Mapping[str, Node], preset: str) -> None:
        self._nodes, self.preset = {code: nodes[code] for code in ROSTER}, preset
        self.truth = cache(self._truth)

    def ask(self, sql: str) -> Table:
        """The rows of every authority."""
        plan, preset = derive_plan(sql, LeavingPath.PER_AUTHORITY), load_preset(self.preset)
        rules = SuppressionRules.for_plan(plan, preset)
        found = {}
        for code, raw in self.truth(sql).items():
            for place, cell in enumerate(plan.iter_cells()):
                figures = {each.name: raw.statistic(each.name)[place] for each in plan.statistics}
                hidden = rules.withheld(figures)
                found[code, *cell] = {
                    each.label: "c" if each.label in hidden else release_figure(each, figures, preset)
                    for each in rules.outputs
                }
        return found

    def _truth(self, sql: str) -> Mapping[str, RawTable]:
        return self.run(derive_plan(sql, LeavingPath.PER_AUTHORITY))

    def run(self, plan: QueryPlan) -> Mapping[str, RawTable]:
        """The true figures of a plan, authority by authority."""
        found = {}
        for code, node in self._nodes.items():
            snapshot = node.store.newest(TERM)
            assert snapshot is not None
            with open_engine(node, snapshot) as engine:
                found[code] = engine.run(plan)
        return found

    def count(self, where: str) -> Mapping[str, int]:
        """How many children there are in truth, authority by authority."""
        sql = f"SELECT COUNT(*) AS n {CHILDREN} AND {where}"
        return {code: raw.statistic("rows")[0] for code, raw in self.truth(sql).items()}


def read_rows(document: ReleaseDocument) -> Table:
    """A release's rows by their categories."""
    columns, figures = document.table["columns"], document.table["decimals"]
    return {
        tuple(entry for column, entry in zip(columns, row, strict=True) if column not in figures): {
            column: entry for column, entry in zip(columns, row, strict=True) if column in figures
        }
        for row in document.table["rows"]
    }


def printed(door: Door, table: Table, label: str, *at: Any) -> Known | None:
    """What a printed count says, or None where a symbol stands for it."""
    entry = table.get(at, {}).get(label)
    return Known(*load_preset(door.preset).printed_range(entry)) if isinstance(entry, int) else None


def every(*lists: Sequence[str]) -> list[str]:
    """Conditions that are each one of each list."""
    joined = [""]
    for several in lists:
        joined = [f"{before} AND {each}" if before else each for before in joined for each in several]
    return joined
