"""The hub as one value: its identity, database, policy and clock, and the bell that wakes whoever waits on it."""

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
from hub.bell import Bell
from hub.earlier_releases import EarlierReleases
from hub.nonces import FileNonces, Nonces, SharedNonces
from hub.reports.kept import KeptReleases
from hub.settling_turn import SharedTurn, Turn
from hub.sums.memory import SumMemory
from policies.access_policy import AccessDenied, AccessPolicy, AccessRequest

SCHEMA = Path(__file__).with_name("schema.sql")


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
