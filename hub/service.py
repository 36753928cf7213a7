"""The hub as one value: its identity, database, policy and clock, and the bell that wakes whoever waits on it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from audit.event import Action, AuditEvent, Detail, EventInvalid, Outcome
from audit.witness_store import SCHEMA as WITNESS_SCHEMA
from federation.database import Database, SqliteDatabase, open_shared_database
from federation.hub_line import Clock, current_time
from federation.problems import ProblemRaised
from federation.register import MemberKind, Register
from federation.register_reader import RegisterReader
from federation.state import Party, open_party
from hub.earlier_releases import EarlierReleases
from hub.nonces import FileNonces, Nonces, SharedNonces
from hub.reports.kept import KeptReleases
from hub.settling_turn import SharedTurn, Turn
from hub.sums.memory import SumMemory
from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest

SCHEMA = Path(__file__).with_name("schema.sql")

MOST_WAIT_SECONDS = 25
"""The longest that a request is held open."""

MOST_LINES_EACH = 8
"""How many requests of one member are held open at a time: a node needs one, a person one for each query watched."""


@dataclass(frozen=True, eq=False)
class _Line:
    """One request that is held open: by whom, for what, and the event that wakes it."""

    topic: str
    holder: str
    rung: threading.Event


class Bell:
    """Wakes the threads that hold a line open. It carries no content: whoever is woken looks for itself.

    A line waits for one topic (a node's id, a query's, a lookup's), and a ring wakes the lines of its topics alone. At
    most `lines` are held at a time, so that polls never starve the pages beside them, and at most `each` by one member,
    so that no member starves the others.
    """

    def __init__(self, lines: int = 64, each: int = MOST_LINES_EACH) -> None:
        self._lock = threading.Lock()
        self._held: set[_Line] = set()
        self._most, self._most_each = lines, each

    def ring(self, *topics: str) -> None:
        """Wake everyone who waits for one of these topics."""
        rung = frozenset(topics)
        with self._lock:
            for line in self._held:
                if line.topic in rung:
                    line.rung.set()

    def ring_all(self) -> None:
        """Wake everyone."""
        with self._lock:
            for line in self._held:
                line.rung.set()

    def close(self) -> None:
        """Nothing is open."""

    def wait_until(self, ready: Callable[[], bool], seconds: float, *, topic: str, holder: str) -> None:
        """Return when `ready` holds, looking again at each ring for `topic`, or when `seconds` have passed.

        `holder` is the member who waits. Raises a 503 problem when every line is taken, and a 429 problem when the
        holder has taken too many.
        """
        if seconds <= 0 or ready():
            return
        line = self._take_line(topic, holder)
        try:
            _wait(line.rung, ready, time.monotonic() + min(seconds, MOST_WAIT_SECONDS))
        finally:
            with self._lock:
                self._held.discard(line)

    def _take_line(self, topic: str, holder: str) -> _Line:
        with self._lock:
            if len(self._held) >= self._most:
                raise ProblemRaised(503, "busy", "too many members are waiting on the hub: try again in a few seconds")
            if sum(line.holder == holder for line in self._held) >= self._most_each:
                raise ProblemRaised(429, "too_many_lines", f"{self._most_each} of your requests are waiting already")
            line = _Line(topic, holder, threading.Event())
            self._held.add(line)
        return line


def _wait(rung: threading.Event, ready: Callable[[], bool], deadline: float) -> None:
    while True:
        # Cleared before `ready` looks, so a ring in between is not missed.
        rung.clear()
        left = deadline - time.monotonic()
        if ready() or left <= 0:
            return
        rung.wait(left)


@dataclass(frozen=True)
class Hub:
    """Everything that the hub's rooms share."""

    party: Party
    database: Database
    policy: AccessPolicy
    clock: Clock
    nonces: Nonces
    bell: Bell = field(default_factory=Bell)
    settling: Turn = field(default_factory=Turn)
    """Taken by the one thread that settles queries, of whichever worker."""
    sums: SumMemory = field(default_factory=SumMemory)
    """What is held of secure sums in memory alone."""

    stopwatch: Callable[[], float] = time.monotonic
    """Seconds since whenever: how long an attack on a release has taken."""

    @cached_property
    def released(self) -> EarlierReleases:
        """What was released before, as far as it has been read."""
        return EarlierReleases(self.party.presets)

    @cached_property
    def kept(self) -> KeptReleases:
        """What reports have read of releases."""
        return KeptReleases(self.party.presets)

    @cached_property
    def _registers(self) -> RegisterReader:
        return RegisterReader(self.party)

    def close(self) -> None:
        """Close what this thread has open, and what all threads share."""
        self.bell.close()
        self.nonces.close()
        self.database.close()

    def register(self) -> Register:
        """Return the register, valid now. Raises `RegisterError` or `StateError`."""
        return self._registers.read(self.clock())

    def check_access(self, role: str, relation: str, action: str, field_group: str) -> None:
        """Raise a 403 problem unless the access matrix allows this."""
        try:
            self.policy.check(AccessRequest(role, relation, action, field_group))
        except AccessDenied as denied:
            raise ProblemRaised(403, denied.code, denied.text) from None

    def allows(self, role: str, relation: str, action: str, field_group: str) -> bool:
        """Whether the access matrix allows this."""
        try:
            self.check_access(role, relation, action, field_group)
        except ProblemRaised:
            return False
        return True

    def refused_page(self, member: str, page: str, code: str) -> AuditEvent:
        """Return the entry for a page that was refused to a member."""
        return self.event(Action.PAGE_REFUSED, member, "", outcome=Outcome.REFUSED, page=page, code=code)

    def event(
        self,
        action: Action,
        actor: str,
        reference: str,
        *,
        outcome: Outcome = Outcome.DONE,
        purpose: str = "",
        acting_for: str = "",
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
                acting_for=acting_for,
                purpose=purpose,
                reference=reference,
                policy_version=self.policy.version,
                details=details,
            )
        except EventInvalid as error:
            raise ProblemRaised(422, "not_loggable", f"this cannot be recorded, so it is not done: {error}") from None


def open_hub(directory: Path, clock: Clock = current_time, lines: int = 64, memory_key: bytes | None = None) -> Hub:
    """Open the hub whose state directory this is; `lines` members at most may wait on it at a time.

    Workers that share the hub's state are given one `memory_key`, made before they were forked.
    """
    party = open_party(directory, MemberKind.HUB)
    database, sums = open_shared_database(party, SCHEMA, WITNESS_SCHEMA), SumMemory(memory_key)
    if isinstance(database, SqliteDatabase):
        return Hub(party, database, AccessPolicy.load(), clock, FileNonces(directory), Bell(lines), sums=sums)
    from hub.shared_bell import SharedBell

    bell, turn = SharedBell(database, lines), SharedTurn(database)
    return Hub(party, database, AccessPolicy.load(), clock, SharedNonces(database), bell, turn, sums)


def describe_error(error: Exception) -> str:
    """Return the kind of an error and where it was raised, for the hub's messages: never its text, never a value."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown place"
    return f"{type(error).__name__} at {place}"
