"""Researchers who are played: each asks questions, one after another, which two approvers sign at once."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TypeVar

from federation.envelope import read_envelope, sign_body
from federation.exchange import QueryDraft
from federation.manifest import MANIFEST_TYPE
from federation.state import Party
from federation.transport import connect_party
from hub.bench.played_england import PRESET, PROJECT
from hub.bench.played_nodes import persist

__all__ = ["Question", "Researcher", "Timings", "list_questions"]

T = TypeVar("T")

GROUPINGS = ("key_stage", "sex")
YEARS = range(201415, 202728, 101)

QUESTION = (
    "SELECT {column}, COUNT(DISTINCT child) AS children, AVG(attendance_rate) AS attendance FROM child_year "
    "WHERE academic_year = {year} AND counted_here AND population = 'looked_after' GROUP BY {column}"
)

Question = tuple[str, str]
"""An academic year and the SQL about it."""

Timings = list[tuple[str, float]]
"""What was done, and the seconds that it took."""


def list_questions() -> list[Question]:
    """Every question that is asked. Researchers ask the same of each other's, as they do in life."""
    return [(str(year), QUESTION.format(column=column, year=year)) for column in GROUPINGS for year in YEARS]


@dataclass
class Researcher:
    """Asks so many questions. `asked` are the queries that the hub has acknowledged whole, signatures included."""

    party: Party
    approvers: Sequence[Party]
    stop: threading.Event
    timings: Timings
    asked: list[str] = field(default_factory=list)

    def ask(self, questions: Sequence[Question]) -> None:
        """Ask, and have approved."""
        for number, (year, sql) in enumerate(questions, 1):
            query_id = self._draft(year, sql, f"Attendance, question {number} of {self.party.member_id}")
            for signer in (self.party, *self.approvers):
                self._sign(query_id, signer)
            self.asked.append(query_id)

    def _draft(self, year: str, sql: str, purpose: str) -> str:
        draft = QueryDraft(
            project=PROJECT,
            purpose=purpose,
            sql=sql,
            academic_year=year,
            preset=PRESET,
            roster=None,
            valid_hours=24,
        )
        with closing(connect_party(self.party)) as hub:
            return self._time("draft", lambda: hub.draft_query(draft)).query_id

    def _sign(self, query_id: str, signer: Party) -> None:
        with closing(connect_party(signer)) as hub:
            manifest = persist(self.stop, lambda: hub.fetch_manifest(query_id))
            signature = sign_body(read_envelope(manifest, MANIFEST_TYPE).body, MANIFEST_TYPE, signer.keys)
            self._time("sign", lambda: hub.send_signature(query_id, signature))

    def _time(self, work: str, attempt: Callable[[], T]) -> T:
        begun = time.monotonic()
        done = persist(self.stop, attempt)
        self.timings.append((work, time.monotonic() - begun))
        return done
