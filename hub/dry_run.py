"""A dry run: a question answered on the hub's made-up copy, through the gates that a real answer goes through.

Each made-up authority protects its own rows, or adds its share of the noise, as a node would. So what comes out looks
as the release will, symbols and margins included, and says nothing about any child. No node is asked.
"""

from collections.abc import Iterator
from threading import Lock

from disclosure_control.models.release import ReleasedModel
from disclosure_control.noise.shares import MODULUS, add_noise_share
from disclosure_control.noise.terms import NoiseRefused, NoiseTerms
from disclosure_control.presets.preset import Preset
from disclosure_control.release.gate import ReleasedTable, ReleaseRefused, release_tables
from disclosure_control.release.totals import release_noisy_model, release_noisy_total
from disclosure_control.rows.protection import protect
from federation.exchange import QueryDraft, TriedOut
from federation.manifest import Path
from federation.problems import ProblemRaised
from federation.register import Member
from federation.sum_terms import TermsInvalid, make_noisy_terms, noise_terms
from hub.drafting import choose_preset
from hub.planning import plan_draft
from hub.projects import find_project
from hub.service import Hub
from hub.synthetic import SyntheticCopy, find_copy
from query_engine.engines import EngineFailed
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable

__all__ = ["require_copy", "run_dry", "try_draft"]

MOST_ROWS = 20_000
"""Rows of a dry run: beyond these the page would wait too long, and nobody reads them."""


_TURN = Lock()
"""Dry runs take turns: however many visitors try something, the hub has one engine open for it."""


def try_draft(hub: Hub, draft: QueryDraft, asker: Member) -> TriedOut:
    """Answer a member on the made-up copy, within a project of theirs. Raises problems that say what to mend."""
    hub.check_access(asker.kind, "federation", "submit", "manifest")
    project = find_project(hub, draft.project, asker.id)
    preset = choose_preset(draft, project, hub.party.presets)
    plan = plan_draft(draft.sql, draft.path, preset.record_keys)
    copy = require_copy(hub)
    found = run_dry(copy, draft, plan, preset)
    return TriedOut(synthetic=True, sql=draft.sql, authorities=copy.authorities, table=found.to_json())


def require_copy(hub: Hub) -> SyntheticCopy:
    """The hub's copy. Raises a 404 problem where it has none."""
    copy = find_copy(hub)
    if copy is None:
        raise ProblemRaised(404, "no_copy", "this hub has no synthetic England to try a question on: check it instead")
    return copy


def run_dry(copy: SyntheticCopy, draft: QueryDraft, plan: QueryPlan, preset: Preset) -> ReleasedTable | ReleasedModel:
    """Answer a planned question on the made-up copy. Raises 422 problems that say why it cannot be tried."""
    _check_tried(copy, plan, preset)
    try:
        with _TURN:
            return _answer(copy, draft, plan, preset)
    except (EngineFailed, ReleaseRefused, NoiseRefused, TermsInvalid) as error:
        raise ProblemRaised(422, "dry_run_failed", f"it cannot be tried on synthetic England: {error}") from None


def _answer(copy: SyntheticCopy, draft: QueryDraft, plan: QueryPlan, preset: Preset) -> ReleasedTable | ReleasedModel:
    if draft.path is Path.NOISY_SUM:
        return _add_up(copy, draft, plan, preset)
    tables = {authority: protect(raw, preset) for authority, raw in _answers(copy, plan)}
    return release_tables(tables, {}, plan, preset)


def _check_tried(copy: SyntheticCopy, plan: QueryPlan, preset: Preset) -> None:
    if missing := sorted({str(year) for year in plan.academic_years} - {str(year) for year in copy.years}):
        known = ", ".join(map(str, copy.years))
        text = f"the synthetic copy has the years {known}, and none of {', '.join(missing)}: ask about one of them"
        raise ProblemRaised(422, "year_unknown", text)
    if preset.cell_key is not None:
        text = f"{preset.name} changes counts by keys that nodes alone hold, so that it cannot be tried beforehand"
        raise ProblemRaised(422, "dry_run_failed", text)
    if plan.cells * len(copy.tables) > MOST_ROWS:
        raise ProblemRaised(422, "too_many_rows", f"a dry run has at most {MOST_ROWS:,} rows: group by fewer columns")


def _answers(copy: SyntheticCopy, plan: QueryPlan) -> Iterator[tuple[str, RawTable]]:
    """Yield each made-up authority's exact figures, one after the other."""
    from query_engine.engines.duckdb import DuckDBEngine

    for authority, tables in copy.tables:
        with DuckDBEngine(dict(tables)) as engine:
            yield authority, engine.run(plan)


def _add_up(copy: SyntheticCopy, draft: QueryDraft, plan: QueryPlan, preset: Preset) -> ReleasedTable | ReleasedModel:
    """The noised sum over the made-up authorities, on the terms that as many nodes would have."""
    terms = _choose_terms(draft, len(copy.tables))
    shares = [add_noise_share(raw, terms).values for _, raw in _answers(copy, plan)]
    values = [sum(figures) % MODULUS for figures in zip(*shares, strict=True)]
    gate = release_noisy_total if plan.model is None else release_noisy_model
    return gate(plan, values, terms, copy.authorities, {}, preset)


def _choose_terms(draft: QueryDraft, nodes: int) -> NoiseTerms:
    """The draft's privacy loss, with a tenth of the made-up nodes missing and a tenth colluding at most."""
    return noise_terms(make_noisy_terms(nodes, draft.epsilon, mechanism=draft.mechanism), nodes)
