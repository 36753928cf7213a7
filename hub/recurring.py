"""Recurring queries: a standing question whose asker ran it about one snapshot is drafted by itself about the next.

Once every node of its roster has announced a snapshot of a later term, the hub drafts the run that follows: the same
choices, with the year moved on as far as the snapshot's, where the template lists it. A draft binds nobody. Its asker
reads and signs it like any run, and every node puts it together again from the template and compares byte for byte; so
nothing runs that was not approved, and a node that announces what it has not got refuses.

Each is drafted once, however many workers look: the table of runs has one place for it. A question whose asker signed
no run of the last term is not followed any more.
"""

import logging
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit.connection import Row
from federation.envelope import Envelope, read_envelope
from federation.exchange import QueryState, RunDraft
from federation.manifest import ApprovalError, Choice, Manifest
from federation.problems import ProblemRaised
from federation.register import RegisterError
from federation.template import TEMPLATE_TYPE, Template, read_template, template_digest
from hub.manifests import read_stored
from hub.repeating import keep_doing
from hub.runs import PreparedRun, choose_standing_roster, name_choices, prepare_run, store_run
from hub.service import Hub

__all__ = ["announced_terms", "draft_next_runs", "keep_drafting"]

log = logging.getLogger("circe.hub")

EVERY_SECONDS = 60.0
"""How often the hub looks whether a question recurs: nodes load a snapshot a few times a year."""

_SNAPSHOT = re.compile(r"(20[0-9]{4}-(?:autumn|spring|summer))-[0-9a-f]{4,64}")
"""A snapshot's name begins with its term. Terms sort as they follow each other, since autumn < spring < summer."""


@dataclass(frozen=True)
class _Followed:
    """A run that its asker signed, and the template that it is of."""

    manifest: Manifest
    envelope: Envelope
    template: Template


def draft_next_runs(hub: Hub, now: datetime) -> tuple[str, ...]:
    """Draft every run that follows now; return the ids of the queries that were drafted here."""
    announced = announced_terms(hub)
    drafted = (_draft_next(hub, run, announced) for run in _list_followed(hub, now)) if announced else ()
    return tuple(query_id for query_id in drafted if query_id)


def announced_terms(hub: Hub) -> dict[str, str]:
    """Return the term of the snapshot that each node announced last, of those that announced one."""
    rows = hub.database.connection.execute("SELECT node, snapshot FROM sightings")
    named = ((row["node"], _SNAPSHOT.fullmatch(row["snapshot"])) for row in rows)
    return {node: found[1] for node, found in named if found}


def _draft_next(hub: Hub, run: _Followed, announced: dict[str, str]) -> str:
    """Draft the run that follows one, about the newest term that its roster has reached; return its id, or nothing.

    Whatever would have it refused if its asker drafted it leaves it undrafted: they hear of it when they do.
    """
    with suppress(ProblemRaised, RegisterError):
        term = _find_next_term(hub, run, announced)
        choices = _choose_next(run.manifest, term)
        if term and not _is_drafted(hub, run.manifest.template, choices, term):
            return store_run(hub, _prepare_next(hub, run, term, choices), recurring=True)
    return ""


def _find_next_term(hub: Hub, run: _Followed, announced: dict[str, str]) -> str:
    """Return the newest term after a run's that every node of the roster has announced; empty for none."""
    for term in reversed(run.template.snapshot_terms):
        # Looked at first, since it costs nothing: a term that no node has reached is reached by no roster.
        if term <= run.manifest.snapshot_term or all(reached < term for reached in announced.values()):
            continue
        year = _move_year(run.manifest, term)
        roster = choose_standing_roster(hub, run.template, term, year, hub.clock())
        if all(announced.get(node, "") >= term for node in roster):
            return term
    return ""


def _choose_next(manifest: Manifest, term: str) -> tuple[Choice, ...]:
    """Return a run's choices for a later term: the same, but for the year that moves with the snapshot."""
    year = _move_year(manifest, term) if term else manifest.academic_year
    return tuple(
        Choice(parameter=each.parameter, value=year if each.value == manifest.academic_year else each.value)
        for each in manifest.choices
    )


def _prepare_next(hub: Hub, run: _Followed, term: str, choices: tuple[Choice, ...]) -> PreparedRun:
    """Return the run that follows one about a term. Raises problems where there can be none."""
    manifest = run.manifest
    hours = max(1, (manifest.expires_at - manifest.issued_at) // timedelta(hours=1))
    draft = RunDraft(template=run.envelope, choices=choices, snapshot_term=term, valid_hours=hours)
    prepared = prepare_run(hub, draft, hub.register().find(manifest.asker, hub.clock()))
    if prepared.manifest.academic_year != _move_year(manifest, term):
        raise ProblemRaised(422, "year_differs", "the template is not about the year of that snapshot")
    return prepared


def _move_year(manifest: Manifest, term: str) -> str:
    """Return the year that the next run is about: as far from its snapshot's as this run's was."""
    first = int(manifest.academic_year[:4]) + int(term[:4]) - int(manifest.snapshot_term[:4])
    return f"{first}{(first + 1) % 100:02}"


def _is_drafted(hub: Hub, template: str, choices: tuple[Choice, ...], term: str) -> bool:
    row = (template, name_choices(choices), term)
    sql = "SELECT 1 FROM template_runs WHERE template = ? AND choices = ? AND term = ?"
    return hub.database.connection.execute(sql, row).fetchone() is not None


def _list_followed(hub: Hub, now: datetime) -> Iterator[_Followed]:
    """Every run that may be followed: those of a good template's last term that was run, while runs are left."""
    connection = hub.database.connection
    for row in connection.execute("SELECT envelope FROM templates ORDER BY digest").fetchall():
        envelope = read_envelope(bytes(row["envelope"]), TEMPLATE_TYPE)
        try:
            template = read_template(envelope)
        except ApprovalError as error:
            # Kept by an older version, which allowed what this one does not.
            log.info("a template is not followed: %s", error.code)
            continue
        if template.expires_at <= now:
            continue
        runs = connection.execute(
            "SELECT queries.state, queries.envelope, template_runs.term FROM template_runs "
            "JOIN queries ON queries.query_id = template_runs.query_id WHERE template_runs.template = ?",
            (template_digest(envelope),),
        ).fetchall()
        for run in _signed_last(runs, template.most_runs):
            _, manifest = read_stored(bytes(run["envelope"]))
            yield _Followed(manifest, envelope, template)


def _signed_last(runs: Iterable[Row], most: int) -> list[Row]:
    """Return the runs of the last term that any was signed of; none once as many are signed or drafted as may be."""
    live = [run for run in runs if run["state"] != QueryState.EXPIRED]
    signed = [run for run in live if run["state"] not in (QueryState.DRAFTED, QueryState.WITHDRAWN)]
    if len(live) >= most:
        return []
    last = max((run["term"] for run in signed), default="")
    return [run for run in signed if run["term"] == last]


def keep_drafting(hub: Hub, stop: threading.Event) -> threading.Thread:
    """Look every minute whether a question recurs, in a thread of its own, until told to stop."""
    return keep_doing("recurring queries", lambda: draft_next_runs(hub, hub.clock()), EVERY_SECONDS, stop)
