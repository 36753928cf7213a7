"""Six authorities that add up together, in one process, and the same rows in one place.

What the hub opens is in its memory alone, so it is looked at there, before it is protected; and each node's share of
the noise is drawn from bits that the test knows, so that it can be taken off again. Everything else is as it always is.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pytest

from disclosure_control.noise.shares import add_noise_share, read_vector
from disclosure_control.noise.terms import Mechanism, NoiseTerms
from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.totals import (
    release_changed_total,
    release_exact_total,
    release_noisy_model,
    release_noisy_total,
)
from disclosure_control.rows.others import Capped, Others, cap_counts
from federation.exchange import QueryDraft, QueryState, ReleaseDocument, RunDraft
from federation.manifest import Path as LeavingPath
from federation.preset_terms import state_preset
from federation.standing_rosters import ENGLAND
from federation.sum_terms import SumTerms
from hub.query_states import UNDER_WAY
from hub.settling import keep_up
from hub.sums import totals
from hub.sums.readiness import list_readiness
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.end_to_end.one_process import OneProcess, answering_at_once
from tests.node.sums.standing import Standing
from tests.small_federation import SmallFederation, copy_federation

TERM, PRESET = "202425-summer", "ons_10_5"

ASKER = "rae@la-316"
"""Of an authority: some of the questions use columns that authorities alone may ask about."""

RULES = {
    '"pupil_year"]': '"pupil_year", "placements", "school_moves", "support"]',
    'most_epsilon_per_year = "10"': 'most_epsilon_per_year = "1000"',
    'most_epsilon_per_project = "5"': 'most_epsilon_per_project = "1000"',
}
"""What each authority allows beside what it always does: every table of the questions, and so many of them."""


class KnownBits:
    """Bits that come again for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def draw(self, number: int) -> int:
        return self._chance.getrandbits(number) if number else 0


@dataclass
class Opened:
    """What the hub opened, before anything was done with it, and the seeds of the noise in it, node by node."""

    figures: Mapping[str, Sequence[int]] = field(default_factory=dict)
    others: Others | None = None
    terms: NoiseTerms | None = None
    seeds: list[int] = field(default_factory=list)

    def noise(self, plan: QueryPlan) -> Mapping[str, Sequence[int]]:
        """The noise of all nodes together: their shares again, added to a table of nothing."""
        assert self.terms is not None
        nothing = RawTable(plan, {each.name: [0] * plan.cells for each in plan.statistics})
        shares = [add_noise_share(nothing, self.terms, KnownBits(seed)).values for seed in self.seeds]
        return read_vector(plan, [sum(each) % 2**64 for each in zip(*shares, strict=True)])


@contextmanager
def looking_at(opened: Opened) -> Iterator[None]:
    """Keep what the hub opens meanwhile as it hands it to the gate, and draw noise from bits that are known."""

    def look_at_exact(plan: QueryPlan, raw: RawTable, others: Others, *rest: object) -> object:
        opened.figures = {each.name: raw.statistic(each.name) for each in plan.statistics}
        opened.others = others
        return release_exact_total(plan, raw, others, *rest)  # type: ignore[arg-type]

    def look_at_changed(plan: QueryPlan, raw: RawTable, *rest: object) -> object:
        opened.figures = {each.name: raw.statistic(each.name) for each in plan.statistics}
        return release_changed_total(plan, raw, *rest)  # type: ignore[arg-type]

    def look_at_noisy(plan: QueryPlan, values: list[int], terms: NoiseTerms, *rest: object) -> object:
        opened.figures, opened.terms = read_vector(plan, values), terms
        release = release_noisy_total if plan.model is None else release_noisy_model
        return release(plan, values, terms, *rest)  # type: ignore[arg-type]

    def know_bits() -> KnownBits:
        opened.seeds.append(len(opened.seeds))
        return KnownBits(opened.seeds[-1])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(totals, "release_exact_total", look_at_exact)
        patched.setattr(totals, "release_changed_total", look_at_changed)
        patched.setattr(totals, "release_noisy_total", look_at_noisy)
        patched.setattr(totals, "release_noisy_model", look_at_noisy)
        patched.setattr("disclosure_control.noise.shares.SystemBits", know_bits)
        yield


class AddingUp(OneProcess):
    """The federation, which answers by sums."""

    def __init__(self, federation: SmallFederation, preset: str = PRESET, rules: Mapping[str, str] = RULES) -> None:
        for code in federation.authorities:
            for old, new in rules.items():
                federation.change_rule(code, old, new)
        super().__init__(federation, (preset,))
        self.preset = preset
        self.opened = Opened()
        self._settle(
            lambda: any(each.name == ENGLAND and each.slots for each in list_readiness(self.hub, self.clock()))
        )

    def _settle(self, holds: Callable[[], bool]) -> None:
        for _ in range(60):
            keep_up(self.hub, self.clock())
            if holds():
                return
            self.poll(*self.nodes)
        raise AssertionError("the nodes never came so far")

    def ask(self, sql: str, path: LeavingPath, mechanism: Mechanism = "polya") -> ReleaseDocument:
        """Have a question answered by a sum, and return its release."""
        noisy = path is LeavingPath.NOISY_SUM
        return self._release(lambda: self._submit_noisy(sql, mechanism) if noisy else self._submit_standing(sql))

    def run_standing(self, sql: str, terms: SumTerms) -> ReleaseDocument:
        """Have a template of noisy sums approved and run, and return the release."""
        return self._release(lambda: self._submit_standing(sql, path=LeavingPath.NOISY_SUM, terms=terms))

    def _release(self, submit: Callable[[], str]) -> ReleaseDocument:
        self.opened = Opened()
        query_id = submit()
        with looking_at(self.opened):
            self._settle(lambda: self.state(query_id, ASKER) not in UNDER_WAY)
        with self.client(ASKER) as rae:
            status = rae.status(query_id)
            assert status.state is QueryState.RELEASED, {(node.code, node.text) for node in status.nodes}
            return rae.fetch(query_id)

    def _submit_noisy(self, sql: str, mechanism: Mechanism) -> str:
        draft = QueryDraft(
            project="attendance",
            purpose="A golden question",
            sql=sql,
            academic_year="202425",
            preset=self.preset,
            roster=None,
            valid_hours=24,
            path=LeavingPath.NOISY_SUM,
            epsilon="1",
            dropouts=1,
            colluders=1,
            mechanism=mechanism,
        )
        return self.submit(draft, ASKER)

    def _submit_standing(self, sql: str, **changes: object) -> str:
        rules = load_preset(self.preset)
        protection = state_preset(rules)
        standing = Standing(self.federation, asker=ASKER, sql=sql, parameters=(), most_runs=1, **protection, **changes)
        template = standing.sign_template(ASKER, "officer@la-203", "officer@dfe")
        with self.client(ASKER) as rae:
            return rae.submit_run(RunDraft(template=template, choices=(), snapshot_term=TERM, valid_hours=24)).query_id

    def pool(self, directory: Path) -> Mapping[str, Path]:
        """Put the rows of all authorities into one file for each table."""
        found: dict[str, list[Path]] = {}
        for node in self.nodes.values():
            snapshot = node.store.newest(TERM)
            assert snapshot is not None
            for table, path in snapshot.tables.items():
                found.setdefault(table, []).append(path)
        with duckdb.connect(":memory:") as connection:
            for table, paths in found.items():
                assert len(paths) == len(self.nodes)
                listed = ", ".join(f"'{path}'" for path in paths)
                pooled = directory / f"{table}.parquet"
                connection.execute(f"COPY (SELECT * FROM read_parquet([{listed}])) TO '{pooled}' (FORMAT parquet)")
        return {table: directory / f"{table}.parquet" for table in found}

    def run_apart(self, plan: QueryPlan) -> list[RawTable]:
        """A plan's figures over the rows of each node by itself."""
        snapshots = (node.store.newest(TERM) for node in self.nodes.values())
        return [run_pooled(plan, each.tables) for each in snapshots if each is not None]

    def cap(self, plan: QueryPlan) -> Capped:
        """The capped counts of a plan, from each node's own rows, added up beside the protocol."""
        parts = [cap_counts(each) for each in self.run_apart(plan)]
        return {each: [sum(few) for few in zip(*(part[each] for part in parts), strict=True)] for each in parts[0]}


def run_pooled(plan: QueryPlan, tables: Mapping[str, Path]) -> RawTable:
    """A plan's figures over all rows in one place."""
    with DuckDBEngine({table: tables[table] for table in plan.tables}) as engine:
        return engine.run(plan)


@contextmanager
def adding_up(
    pristine: SmallFederation, directory: Path, preset: str = PRESET, rules: Mapping[str, str] = RULES
) -> Iterator[AddingUp]:
    """A federation of one's own whose sums and whose noise can be looked at."""
    with answering_at_once():
        found = AddingUp(copy_federation(pristine, directory), preset, rules)
        yield found
        found.close()
