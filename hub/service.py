"""The hub as one value: its identity, database, policy and clock, and the bell that wakes whoever waits on it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from audit.event import Action, AuditEvent, Detail, EventInvalid, Outcome
from federation.database import Database, open_database
from federation.problems import ProblemRaised
from federation.register import MemberKind, Register
from federation.state import Party, open_party
from federation.transport import Clock, current_time
from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest

SCHEMA = Path(__file__).with_name("schema.sql")

MOST_WAIT_SECONDS = 25
"""The longest that a request is held open."""


class Bell:
    """Wakes threads that hold a line open. It carries no content: whoever is woken looks for itself.

    At most `lines` threads may wait at a time, so that polls never starve the pages beside them.
    """

    def __init__(self, lines: int = 64) -> None:
        self._condition = threading.Condition()
        self._rung = 0
        self._lines = threading.BoundedSemaphore(lines)

    def ring(self) -> None:
        """Wake everyone who waits."""
        with self._condition:
            self._rung += 1
            self._condition.notify_all()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return when `ready` holds, looking again at each ring, or when `seconds` have passed.

        Raises a 503 problem when every line is taken.
        """
        if seconds <= 0 or ready():
            return
        if not self._lines.acquire(blocking=False):
            raise ProblemRaised(503, "busy", "too many members are waiting on the hub: try again in a few seconds")
        try:
            self._wait(ready, time.monotonic() + min(seconds, MOST_WAIT_SECONDS))
        finally:
            self._lines.release()

    def _wait(self, ready: Callable[[], bool], deadline: float) -> None:
        while True:
            # The count is read before `ready` looks, so a ring in between is not missed.
            rung = self._rung
            left = deadline - time.monotonic()
            if ready() or left <= 0:
                return
            with self._condition:
                self._condition.wait_for(lambda rung=rung: self._rung != rung, timeout=left)  # type: ignore[misc]


@dataclass(frozen=True)
class Hub:
    """Everything that the hub's rooms share."""

    party: Party
    database: Database
    policy: AccessPolicy
    clock: Clock
    bell: Bell = field(default_factory=Bell)

    def register(self) -> Register:
        """Return the register, valid now. Raises `RegisterError` or `StateError`."""
        return self.party.register(self.clock())

    def check_access(self, role: str, relation: str, action: str, field_group: str) -> None:
        """Raise a 403 problem unless the access matrix allows this."""
        try:
            self.policy.check(AccessRequest(role, relation, action, field_group))
        except AccessDenied as denied:
            raise ProblemRaised(403, denied.code, denied.text) from None

    def event(
        self,
        action: Action,
        actor: str,
        reference: str,
        *,
        outcome: Outcome = Outcome.DONE,
        purpose: str = "",
        **details: Detail,
    ) -> AuditEvent:
        """Return an entry for the audit log, made now under the present policy.

        Raises a 422 problem where the purpose cannot be logged, for instance since it holds a pupil number.
        """
        try:
            return AuditEvent(
                at=self.clock(),
                actor=actor,
                action=action,
                outcome=outcome,
                purpose=purpose,
                reference=reference,
                policy_version=self.policy.version,
                details=details,
            )
        except EventInvalid as error:
            raise ProblemRaised(422, "not_loggable", f"this cannot be recorded, so it is not done: {error}") from None


def open_hub(directory: Path, clock: Clock = current_time, lines: int = 64) -> Hub:
    """Open the hub whose state directory this is; `lines` members at most may wait on it at a time."""
    party = open_party(directory, MemberKind.HUB)
    return Hub(party, open_database(party, SCHEMA), AccessPolicy.load(), clock, Bell(lines))


def stamp(moment: datetime) -> str:
    """Return a moment as the database keeps it; texts compare as the moments do."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
