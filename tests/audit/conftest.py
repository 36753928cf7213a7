"""A party with an audit log to write, break and verify."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.checkpoint import VerifierKey
from audit.event import Action, AuditEvent
from audit.log import AuditLog

ORIGIN = "circe.example/node/301"
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SUBJECT = "5eed" * 8


class SeedSigner:
    """A signer whose key follows from its seed, so that signatures are the same in every run."""

    def __init__(self, name: str = ORIGIN, seed: int = 1) -> None:
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes, /) -> bytes:
        return self._key.sign(message)


@dataclass
class Party:
    """A state directory with a log in it, as an application would leave it."""

    directory: Path
    signer: SeedSigner = field(default_factory=SeedSigner)

    def __post_init__(self) -> None:
        self.directory.mkdir(exist_ok=True)
        self.database = self.directory / "node.sqlite"
        self.connection = self.connect()
        self.log = AuditLog(self.signer.name, self.signer)
        self.connection.execute("BEGIN IMMEDIATE")
        self.log.create(self.connection)
        self.connection.execute("COMMIT")
        key = VerifierKey(self.signer.name, self.signer.public_key)
        (self.directory / "log.pub").write_text(key.to_text() + "\n", encoding="utf-8")

    def connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.database, isolation_level=None, timeout=30, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        return connection

    def record(self, *events: AuditEvent) -> int:
        """Append events in a transaction of their own."""
        self.connection.execute("BEGIN IMMEDIATE")
        index = self.log.append(self.connection, *events)
        self.connection.execute("COMMIT")
        return index


@pytest.fixture(scope="session")
def signer() -> SeedSigner:
    """The key of the log that most tests are about."""
    return SeedSigner()


@pytest.fixture(scope="session")
def make_signer() -> Callable[[str, int], SeedSigner]:
    """Make a signer with any name, and a key from any seed."""
    return SeedSigner


@pytest.fixture
def make_event() -> Callable[..., AuditEvent]:
    """Make the n-th event of a day: an event a minute, each with its own reference."""

    def make(n: int = 0, **members: object) -> AuditEvent:
        members = {
            "at": START + timedelta(minutes=n),
            "actor": "vsh@301.example",
            "action": Action.LOOKUP_ASKED,
            "reference": f"lookup-{n}",
            "details": {"rows": n},
            **members,
        }
        return AuditEvent(**members)  # type: ignore[arg-type]

    return make


@pytest.fixture
def party(tmp_path: Path) -> Iterator[Party]:
    """A party whose log is still empty."""
    party = Party(tmp_path / "state")
    yield party
    party.connection.close()


@pytest.fixture
def filled(party: Party, make_event: Callable[..., AuditEvent]) -> Party:
    """A party whose log has ten entries: six added one by one, then four at once."""
    for n in range(6):
        party.record(make_event(n))
    party.record(*(make_event(n) for n in range(6, 10)))
    return party
