"""A node as one value: its identity, database, snapshots, policy and clock."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from audit.event import Action, AuditEvent, Detail, Outcome
from audit.witness_store import SCHEMA as WITNESS_SCHEMA
from federation.database import SqliteDatabase, open_database
from federation.hub_line import Clock, current_time
from federation.register import MemberKind, Register
from federation.register_reader import RegisterReader, identify_file
from federation.secure_sum.contributor import Contributor
from federation.state import Party, hold_directory, open_party
from node.adopted_policy import digest_policy, find_adopted, read_adopted
from node.earlier_rows import EarlierRows
from node.people import Person, find_person
from node.rules import NodeRules, load_rules
from node.snapshots import SnapshotStore
from node.sums.store import SumStore
from policies.access_policy import MATRIX, AccessPolicy
from policies.linter import Finding, PolicyInvalid

HERE = Path(__file__).parent
ROOMS = ("", "disclosures", "figures", "leaving", "lookups", "sums", "tracking")
SCHEMAS = (*(HERE / room / "schema.sql" for room in ROOMS), WITNESS_SCHEMA)
POLICY_FILE = "policy.csv"
"""The authority's own policy, to be edited; what counts is what was adopted (`node.adopted_policy`)."""
NOT_ADOPTED = Finding(
    POLICY_FILE,
    0,
    "is not what was adopted, and not in force: until it is, or is put back, nobody sees anything",
    "circe node policy compare tells what it changes and, with --adopt, puts it into effect",
)
SNAPSHOTS = "snapshots"


@lru_cache(maxsize=64)
def _load_policy(path: Path | None, _identity: tuple[int, ...]) -> AccessPolicy:
    # Linting a policy takes longer than everything else that a lookup does, so each version of a file is read once. It
    # is identified before it is read: exchanged in between, it is read once more the next time.
    return AccessPolicy.load(path)


@lru_cache(maxsize=64)
def _parse_policy(text: bytes) -> AccessPolicy:
    return AccessPolicy.parse(text, POLICY_FILE)


@lru_cache(maxsize=64)
def _digest_file(path: Path, _identity: tuple[int, ...]) -> str | None:
    return digest_policy(path.read_bytes()) if path.exists() else None


@dataclass(frozen=True)
class Node:
    """Everything that the node's rooms share."""

    party: Party
    database: SqliteDatabase
    store: SnapshotStore
    clock: Clock

    @property
    def authority(self) -> str:
        """The code of the authority whose node this is."""
        return self.party.authority

    @cached_property
    def sums(self) -> SumStore:
        """What the node remembers of secure sums."""
        return SumStore(self.database, self.party.member_id)

    @cached_property
    def earlier(self) -> EarlierRows:
        """What left the node before, as far as it has been read."""
        return EarlierRows(self.party.presets)

    @property
    def contributor(self) -> Contributor:
        """The node's part in secure sums, under the floors of its rules as they stand now."""
        return Contributor(self.party.member_id, self.party.keys, self.sums, self.rules().sums.floors)

    def find_person(self, person_id: str) -> Person:
        """Return one of our people whose account is in force now. Raises `StateError` for anybody else."""
        return find_person(self.party.directory, person_id, self.clock().date())

    def rules(self) -> NodeRules:
        """Return the authority's own rules as they stand now."""
        return load_rules(self.party.directory)

    def policy(self) -> AccessPolicy:
        """Return the authority's access policy as it stands now: its own, or the packaged matrix.

        Raises `PolicyInvalid` where its file is another than what the log says was adopted. What a change comes to is
        told before it takes effect: until somebody has read it, nobody sees anything, by the old file or the new.
        """
        if not self._is_as_adopted():
            with hold_directory(self.party.directory):  # Somebody may be adopting one at this moment.
                if not self._is_as_adopted():
                    raise PolicyInvalid((NOT_ADOPTED,))
        return self.adopted_policy()

    def adopted_policy(self) -> AccessPolicy:
        """Return the policy that was adopted last, whatever its file says now. Raises `PolicyInvalid`."""
        connection = self.database.connection
        if (digest := find_adopted(connection)) is None:
            return _load_policy(None, identify_file(MATRIX))
        return _parse_policy(read_adopted(connection, digest))

    def _is_as_adopted(self) -> bool:
        path = self.party.directory / POLICY_FILE
        return _digest_file(path, identify_file(path)) == find_adopted(self.database.connection)

    @cached_property
    def registers(self) -> RegisterReader:
        """The register as it was verified last."""
        return RegisterReader(self.party)

    def register(self) -> Register:
        """Return the last good register, valid now. Raises `RegisterError` or `StateError`."""
        return self.registers.read(self.clock())

    def event(
        self,
        action: Action,
        actor: str,
        reference: str,
        *,
        outcome: Outcome = Outcome.DONE,
        acting_for: str = "",
        purpose: str = "",
        subject: str = "",
        relationship: str = "",
        fields: tuple[str, ...] = (),
        policy_version: str = "",
        **details: Detail,
    ) -> AuditEvent:
        """Return an entry for the audit log, made now."""
        return AuditEvent(
            at=self.clock(),
            actor=actor,
            action=action,
            outcome=outcome,
            acting_for=acting_for,
            purpose=purpose,
            subject=subject,
            relationship=relationship,
            fields=fields,
            policy_version=policy_version,
            reference=reference,
            details=details,
        )

    def refused_page(self, member: str, page: str, code: str) -> AuditEvent:
        """Return the entry for a page that was refused to one of our people."""
        try:
            version = self.adopted_policy().version
        except PolicyInvalid:
            version = ""
        return self.event(
            Action.PAGE_REFUSED, member, "", outcome=Outcome.REFUSED, policy_version=version, page=page, code=code
        )

    def record(self, *events: AuditEvent) -> None:
        """Write entries to the audit log in a transaction of their own."""
        with self.database.transaction() as connection:
            self.database.log.append(connection, *events)


def open_node(directory: Path, clock: Clock = current_time) -> Node:
    """Open the node whose state directory this is."""
    party = open_party(directory, MemberKind.NODE)
    return Node(party, open_database(party, *SCHEMAS), SnapshotStore(directory / SNAPSHOTS), clock)
