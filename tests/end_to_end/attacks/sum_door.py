"""The front door of sums: the same researcher at a federation that adds up, with noise or under a standing template.

Nothing of it is known or looked at: the noise is drawn as it always is, and what the hub opens stays with the hub.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from federation.exchange import QueryDraft, QueryState, ReleaseDocument, RunDraft
from federation.hub_line import HubRefused
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from hub.query_states import UNDER_WAY
from query_engine.tables import RawTable
from tests.end_to_end.adding_up import ASKER, AddingUp, run_pooled
from tests.end_to_end.attacks.front_door import TERM, Refusal
from tests.node.sums.standing import Standing

Answer = ReleaseDocument | Refusal


class SumDoor(AddingUp):
    """A federation whose figures are added up over all authorities, as an attacker with a project comes to it."""

    directory: Path
    """Where the rows of all authorities are put together, for attacks to be scored by."""

    def fetch(self, sql: str, *, epsilon: str = "1", roster: Sequence[str] | None = None) -> Answer:
        """The release of a noised sum, over all authorities or some."""
        return self._await(lambda: self.submit(self.draft(sql, LeavingPath.NOISY_SUM, epsilon, roster), ASKER))

    def fetch_exact(self, sql: str) -> Answer:
        """The release of an exact sum, by a template that was approved for it."""
        standing = Standing(self.federation, asker=ASKER, sql=sql, parameters=(), most_runs=1, preset=self.preset)
        template = standing.sign_template(ASKER, "officer@la-203", "officer@dfe")
        run = RunDraft(template=template, choices=(), snapshot_term=TERM, valid_hours=24)

        def submit() -> str:
            with self.client(ASKER) as rae:
                return rae.submit_run(run).query_id

        return self._await(submit)

    def draft(self, sql: str, path: LeavingPath, epsilon: str = "1", roster: Sequence[str] | None = None) -> QueryDraft:
        """A question as a researcher writes it."""
        return QueryDraft(
            project="attendance",
            purpose="An attack",
            sql=sql,
            academic_year="202425",
            preset=self.preset,
            roster=None if roster is None else tuple(f"node-{code}" for code in roster),
            valid_hours=24,
            path=path,
            epsilon=epsilon,
            dropouts=1,
            colluders=1,
        )

    def truth(self, sql: str) -> RawTable:
        """The true figures, over all authorities."""
        return run_pooled(derive_plan(sql, LeavingPath.NOISY_SUM), self._pooled)

    def truth_of(self, sql: str, authority: str) -> RawTable:
        """The true figures of one authority."""
        snapshot = self.nodes[authority].store.newest(TERM)
        assert snapshot is not None
        return run_pooled(derive_plan(sql, LeavingPath.NOISY_SUM), snapshot.tables)

    @cached_property
    def _pooled(self) -> Mapping[str, Path]:
        return self.pool(self.directory)

    def _await(self, submit: Callable[[], str]) -> Answer:
        try:
            query_id = submit()
        except HubRefused as refused:
            return Refusal(refused.problem.code)
        self._settle(lambda: self.state(query_id, ASKER) not in UNDER_WAY)
        with self.client(ASKER) as rae:
            status = rae.status(query_id)
            if status.state is QueryState.RELEASED:
                return rae.fetch(query_id)
            return Refusal(next((node.code for node in status.nodes if node.code), status.state.value))
