"""Totals (S11): an opened sum becomes a release, and is gone.

What was opened lives in this call alone. An exact sum is protected under the preset before anything else is done with
it; a noised one is worked out. Only what may be shown is stored, together with what the nodes signed: as a release, or
for an output checker to decide on.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from audit.connection import Connection
from audit.event import Action
from disclosure_control.models.release import ReleasedModel
from disclosure_control.models.withholding import ModelWithheld
from disclosure_control.noise.shares import capped_from_vector, raw_from_vector
from disclosure_control.release.gate import ReleaseRefused
from disclosure_control.release.released import ReleasedTable
from disclosure_control.release.totals import (
    release_changed_total,
    release_exact_total,
    release_noisy_model,
    release_noisy_total,
)
from disclosure_control.rows.others import reckon_others
from federation.exchange import QueryState
from federation.manifest import Path
from federation.releases import LATE, load_approved_preset
from federation.secure_sum.collector import Collector
from federation.sum_terms import noise_terms
from federation.wire import encode_document
from hub.cell_keys import open_cell_keys
from hub.checks import hold_release
from hub.dispatch import read_signed_replies
from hub.endings import close_query
from hub.gate import MOST_TRIES, SAFE, Verdict, find_totals, judge_total, name_beside
from hub.queries import StoredQuery
from hub.release import describe_release, find_authorities, keep_release
from hub.service import Hub
from hub.sums.attempts import AttemptState, StoredAttempt, move_attempt
from query_engine.models.failures import ModelUndetermined

if TYPE_CHECKING:
    from federation.secure_sum.vectors import Vector

log = logging.getLogger("circe.hub")


def release_total(hub: Hub, query: StoredQuery, attempt: StoredAttempt, collector: Collector, vector: "Vector") -> None:
    """Protect an opened sum, and store the release with the statement that opened it.

    One that was protected beside earlier ones in groups waits for an output checker. A sum that the release gate
    refuses is withheld for good, and so is one that others overtake again and again.
    """
    served = find_authorities(hub, query)
    answered = tuple(sorted(served[node] for node in collector.survivors))
    missing = [node for node in attempt.roster.members if node not in collector.survivors]
    absent = {served[node]: collector.missing.get(node, LATE) for node in missing}
    for _ in range(MOST_TRIES):
        beside = name_beside(hub, hub.database.connection, query.manifest)
        try:
            table, verdict = _protect(hub, query, vector, answered, absent)
        except (ReleaseRefused, ModelWithheld, ModelUndetermined) as error:
            log.warning("%s is withheld: %s", query.query_id, type(error).__name__)
            break
        if _keep(hub, query, attempt, collector, table, verdict, beside):
            return
    _withhold(hub, query, attempt, collector)


def _keep(
    hub: Hub,
    query: StoredQuery,
    attempt: StoredAttempt,
    collector: Collector,
    table: ReleasedTable | ReleasedModel,
    verdict: Verdict,
    beside: tuple[str, ...],
) -> bool:
    """Store the release, unless others that it has to be protected beside are no longer those that it was."""
    signed = read_signed_replies(hub, query.digest)
    shown = tuple(signed[node] for node in sorted(collector.survivors))
    document = describe_release(hub, query, table, shown, collector.opening)
    with hub.database.transaction() as connection:
        if name_beside(hub, connection, query.manifest) != beside:
            return False
        if not move_attempt(connection, attempt, AttemptState.OPENED):
            return True
        _keep_certificate(connection, query, collector)
        connection.execute("DELETE FROM sum_arrivals WHERE digest = ?", (query.digest,))
        if verdict.is_safe:
            keep_release(hub, connection, query, document)
        else:
            hold_release(hub, connection, query, verdict, beside, total=document)
    hub.database.erase_deleted()
    hub.bell.ring(query.query_id)
    return True


def _protect(
    hub: Hub, query: StoredQuery, vector: "Vector", answered: tuple[str, ...], absent: Mapping[str, str]
) -> tuple[ReleasedTable | ReleasedModel, Verdict]:
    """Return what may be shown of an opened sum, and what an output checker is told of it first, if anything."""
    manifest, plan, preset = query.manifest, query.plan, load_approved_preset(query.manifest, hub.party.presets)
    values = vector.tolist()
    if preset.cell_key is not None:
        keys = open_cell_keys(hub, preset)
        return release_changed_total(plan, raw_from_vector(plan, values), answered, absent, keys), SAFE
    if manifest.path is Path.EXACT_SUM:
        raw, earlier = raw_from_vector(plan, values), find_totals(hub, manifest, plan)
        others = reckon_others(raw, capped_from_vector(plan, values), _most_together(hub, query, answered))
        verdict = judge_total(earlier, plan)
        return release_exact_total(plan, raw, others, answered, absent, preset, earlier), verdict
    assert manifest.sum is not None  # read_manifest holds the path to it
    release = release_noisy_total if plan.model is None else release_noisy_model
    terms = noise_terms(manifest.sum, len(manifest.roster))
    return release(plan, values, terms, answered, absent, preset), SAFE


def _most_together(hub: Hub, query: StoredQuery, answered: Collection[str]) -> int:
    """How many of these authorities' rows one operator has at most."""
    members, asked_at = hub.register().members, query.manifest.issued_at
    nodes = (each for each in members if each.id in query.manifest.roster and each.authority(asked_at) in answered)
    return max(Counter(each.operator for each in nodes).values())


def _withhold(hub: Hub, query: StoredQuery, attempt: StoredAttempt, collector: Collector) -> None:
    with hub.database.transaction() as connection:
        move_attempt(connection, attempt, AttemptState.OPENED)
        _keep_certificate(connection, query, collector)  # It was opened, and the nodes hold to its survivors.
        connection.execute("DELETE FROM sum_arrivals WHERE digest = ?", (query.digest,))
    hub.database.erase_deleted()
    close_query(hub, query, QueryState.UNFINISHED, Action.QUERY_WITHHELD)


def _keep_certificate(connection: Connection, query: StoredQuery, collector: Collector) -> None:
    """Keep the word of those who opened a term's first exact sum: it fixes the survivors of all that follow."""
    if query.manifest.path is Path.EXACT_SUM:
        row = (query.manifest.snapshot_term, encode_document(collector.certificate()))
        connection.execute("INSERT INTO sum_certificates VALUES (?, ?) ON CONFLICT DO NOTHING", row)
