"""Releases of sums that this authority was asked for, fetched from the hub to stand beside its own figures.

A release is kept only if it answers one of the questions whose figures our pages show, and if it is, by the manifest in
our own ledger, what the nodes signed.
"""

from collections.abc import Iterator
from typing import Protocol

from audit.event import Action, Outcome
from disclosure_control.presets.preset import PresetInvalid
from federation.database import stamp
from federation.exchange import ReleaseDocument
from federation.hub_line import HubRefused
from federation.manifest import SUM_PATHS
from federation.plans import derive_plan
from federation.total_releases import TotalMismatch, verify_total
from federation.wire import encode_document
from node.figures.comparing import list_every_plan
from node.leaving.ledger import ComeQuery, list_come
from node.people import Person
from node.service import Node
from policies.access_policy import AccessRequest


class Shelf(Protocol):
    """Where releases are fetched from: the hub."""

    def fetch_release(self, query_id: str) -> ReleaseDocument:
        """Return the release of a query. Raises `HubRefused` where there is none."""


def fetch_releases(node: Node, hub: Shelf, person: Person) -> int:
    """Fetch and keep what has been released since; return how many were new.

    Raises `AccessDenied` for somebody who may not see what is released, and `HubUnreachable`.
    """
    node.policy().check(AccessRequest(person.role, "federation", "aggregate", "aggregates"))
    new = 0
    for come in _list_open(node):
        try:
            document = hub.fetch_release(come.manifest.query_id)
        except HubRefused:
            continue  # It is not released yet, or never will be.
        new += _keep(node, person, come, document)
    return new


def _list_open(node: Node) -> Iterator[ComeQuery]:
    """The queries that our figures could stand beside, and whose release is not kept."""
    snapshot = node.store.current()
    plans = list_every_plan(snapshot.academic_years) if snapshot is not None else frozenset()
    kept = {row["query_id"] for row in node.database.connection.execute("SELECT query_id FROM figures_released")}
    for come in list_come(node):
        manifest = come.manifest
        if manifest.path in SUM_PATHS and manifest.plan_id in plans and manifest.query_id not in kept:
            yield come


def _keep(node: Node, person: Person, come: ComeQuery, document: ReleaseDocument) -> bool:
    manifest, code = come.manifest, ""
    try:
        plan = derive_plan(manifest.sql, manifest.path)
        verify_total(document, come.envelope, plan, node.register(), node.party.presets)
    except (TotalMismatch, PresetInvalid):
        code = "release_mismatch"
    row = (manifest.query_id, manifest.plan_id, encode_document(document), stamp(node.clock()))
    event = node.event(
        Action.FIGURES_FETCHED,
        f"{person.id} ({person.role})",
        manifest.query_id,
        outcome=Outcome.REFUSED if code else Outcome.DONE,
        code=code,
    )
    with node.database.transaction() as connection:
        if not code:
            connection.execute("INSERT OR IGNORE INTO figures_released VALUES (?, ?, ?, ?)", row)
        node.database.log.append(connection, event)
    return not code
