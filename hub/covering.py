"""Standing approval for what a report lacks: whether a template of the asker's has approved the question already.

A question that a template stands for needs no approval of its own. It is found by its plan, so that neither spaces nor
the names of columns matter; and it is offered only where a run of it would be drafted, about the newest snapshot that
every node of its roster has announced. Nothing is stored until the asker says so, and a draft binds nobody: its asker
reads and signs it like any run.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation.envelope import Envelope, read_envelope
from federation.exchange import QueryState, RunDraft
from federation.manifest import ApprovalError, Choice, read_record_keys
from federation.problems import ProblemRaised
from federation.register import Member
from federation.template import (
    TEMPLATE_TYPE,
    Template,
    list_choices,
    read_template,
    template_digest,
    write_question,
)
from hub.planning import plan_draft
from hub.recurring import announced_terms
from hub.runs import PreparedRun, choose_standing_roster, name_choices, prepare_run
from hub.service import Hub

LONGEST_HOURS = 168
"""How long a run that is drafted so waits for its asker and for answers: a week, or as long as its template is good."""

MOST_TRIED = 20
"""Choices of one template that are planned at most, of those whose every word stands in the question."""

_WORDS = re.compile(r"'[^']*'|[\w.-]+")

_OVER = (QueryState.EXPIRED, QueryState.WITHDRAWN, QueryState.REFUSED, QueryState.UNFINISHED)


@dataclass(frozen=True)
class Covered:
    """A run that would answer a question; or the query by which it is asked already."""

    template: Template
    run: PreparedRun
    asked_as: str = ""


def find_covering(hub: Hub, sql: str, year: str, asker: Member, now: datetime) -> Covered | None:
    """Return the run of one of the asker's templates that asks a question; None where none can be drafted now."""
    for template, envelope in _list_good(hub, asker, now):
        with suppress(ProblemRaised):
            if (found := _cover(hub, template, envelope, sql, year, asker, now)) is not None:
                return found
    return None


def _list_good(hub: Hub, asker: Member, now: datetime) -> Iterator[tuple[Template, Envelope]]:
    """Every template of an asker's that the hub knows, is good now, and has runs left; the newest first."""
    found = []
    for row in hub.database.connection.execute("SELECT envelope FROM templates ORDER BY digest").fetchall():
        envelope = read_envelope(bytes(row["envelope"]), TEMPLATE_TYPE)
        with suppress(ApprovalError):  # One kept by an older version, which allowed what this one does not.
            template = read_template(envelope)
            if template.asker == asker.id and template.expires_at > now and _has_runs_left(hub, template, envelope):
                found.append((template, envelope))
    return iter(sorted(found, key=lambda each: each[0].issued_at, reverse=True))


def _has_runs_left(hub: Hub, template: Template, envelope: Envelope) -> bool:
    (count,) = hub.database.connection.execute(
        "SELECT count(*) FROM template_runs JOIN queries ON queries.query_id = template_runs.query_id "
        "WHERE template_runs.template = ? AND queries.state != ?",
        (template_digest(envelope), QueryState.EXPIRED),
    ).fetchone()
    return int(count) < template.most_runs


def _cover(
    hub: Hub, template: Template, envelope: Envelope, sql: str, year: str, asker: Member, now: datetime
) -> Covered | None:
    choices = _find_choices(template, sql)
    term = _newest_term(hub, template, year, now) if choices is not None else ""
    if choices is None or not term:
        return None
    hours = min(LONGEST_HOURS, (template.expires_at - now) // timedelta(hours=1))
    draft = RunDraft(template=envelope, choices=choices, snapshot_term=term, valid_hours=hours)
    return Covered(template, prepare_run(hub, draft, asker), _find_asked(hub, envelope, choices, term))


def _find_choices(template: Template, sql: str) -> tuple[Choice, ...] | None:
    """Return the choices with which a template asks exactly this question; None where it does not."""
    keys = read_record_keys(template)
    wanted, words = plan_draft(sql, template.path, keys).plan_id, set(_WORDS.findall(sql))
    likely = (each for each in list_choices(template) if all(choice.value in words for choice in each))
    for _, choices in zip(range(MOST_TRIED), likely, strict=False):
        if plan_draft(write_question(template, choices), template.path, keys).plan_id == wanted:
            return choices
    return None


def _newest_term(hub: Hub, template: Template, year: str, now: datetime) -> str:
    """Return the newest term of a template's of which every node that would be asked has a snapshot; empty for none."""
    announced = announced_terms(hub)
    for term in reversed(template.snapshot_terms):
        roster = choose_standing_roster(hub, template, term, year, now)
        if roster and all(announced.get(node, "") >= term for node in roster):
            return term
    return ""


def _find_asked(hub: Hub, envelope: Envelope, choices: tuple[Choice, ...], term: str) -> str:
    """Return the query that is the same run, unless it came to nothing; empty where there is none."""
    rows = hub.database.connection.execute(
        "SELECT queries.query_id, queries.state FROM template_runs "
        "JOIN queries ON queries.query_id = template_runs.query_id "
        "WHERE template_runs.template = ? AND template_runs.choices = ? AND template_runs.term = ? "
        "ORDER BY queries.drafted_at DESC",
        (template_digest(envelope), name_choices(choices), term),
    ).fetchall()
    return next((row["query_id"] for row in rows if row["state"] not in _OVER), "")
