"""The log joins its caller's transaction, keeps one history, and never extends what it did not sign."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from audit.checkpoint import Checkpoint, CheckpointError, verify_checkpoint
from audit.event import AuditEvent, EventInvalid
from audit.log import AuditLog, LogError, LogUnreadable, read_head
from audit.tables import INSERTED_AT_ONCE
from audit.verifier import verify_log

if TYPE_CHECKING:
    from tests.audit.conftest import Party, SeedSigner

MakeEvent = Callable[..., AuditEvent]


def count(connection: sqlite3.Connection, table: str) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


# --- Appending -------------------------------------------------------------------------------------------------------


def test_an_empty_log_has_a_signed_checkpoint(party: Party) -> None:
    note = party.log.latest_checkpoint(party.connection)
    assert verify_checkpoint(note, party.signer.name, party.signer.public_key).size == 0
    assert list(party.log.entries(party.connection)) == []


def test_events_come_back_as_they_went_in(party: Party, make_event: MakeEvent) -> None:
    assert party.record(make_event(0)) == 0
    assert party.record(make_event(1), make_event(2)) == 1, "the index of the first of them"
    assert party.record(make_event(3)) == 3
    entries = list(party.log.entries(party.connection))
    assert [entry.index for entry in entries] == [3, 2, 1, 0]
    assert [entry.to_event() for entry in entries] == [make_event(n) for n in (3, 2, 1, 0)]


def test_each_append_leaves_one_checkpoint_of_its_size(filled: Party) -> None:
    sizes = [size for (size,) in filled.connection.execute("SELECT size FROM audit_checkpoints ORDER BY size")]
    assert sizes == [0, 1, 2, 3, 4, 5, 6, 10]
    signed = verify_checkpoint(
        filled.log.latest_checkpoint(filled.connection), filled.signer.name, filled.signer.public_key
    )
    assert signed.size == 10


def test_appending_nothing_changes_nothing(filled: Party) -> None:
    before = filled.log.latest_checkpoint(filled.connection)
    assert filled.record() == 10
    assert filled.log.latest_checkpoint(filled.connection) == before


def test_equal_events_have_unlike_hashes(party: Party, make_event: MakeEvent) -> None:
    """Whoever guesses an entry cannot confirm the guess from its hash: the salt is missing."""
    party.record(make_event(), make_event())
    first, second = party.log.entries(party.connection)
    assert first.body == second.body
    assert first.salt != second.salt
    assert first.leaf_hash != second.leaf_hash


def test_many_events_are_inserted_by_few_statements_in_their_order(filled: Party, make_event: MakeEvent) -> None:
    events = [make_event(n) for n in range(10, 20 + 2 * INSERTED_AT_ONCE)]
    ran: list[str] = []
    filled.connection.set_trace_callback(ran.append)
    assert filled.record(*events) == 10
    filled.connection.set_trace_callback(None)
    assert len([each for each in ran if each.startswith("INSERT INTO audit_entries")]) == 2 + 10
    stored = list(filled.log.entries(filled.connection))[::-1]
    assert [entry.index for entry in stored] == list(range(len(stored)))
    assert [entry.to_event() for entry in stored[10:]] == events
    assert all(type(value) is bytes for entry in stored for value in (entry.salt, entry.body, entry.hashes))
    assert len({entry.salt for entry in stored}) == len(stored) == 20 + 2 * INSERTED_AT_ONCE
    assert verify_log(filled.connection, filled.signer.name, filled.signer.public_key).entries == len(stored)


def test_a_rolled_back_append_leaves_nothing(filled: Party, make_event: MakeEvent) -> None:
    before = list(filled.connection.iterdump())
    filled.connection.execute("BEGIN IMMEDIATE")
    filled.log.append(filled.connection, make_event(10), make_event(11))
    assert count(filled.connection, "audit_entries") == 12
    filled.connection.execute("ROLLBACK")
    assert list(filled.connection.iterdump()) == before
    assert filled.record(make_event(10)) == 10


def test_a_creation_that_is_rolled_back_leaves_nothing(signer: SeedSigner) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        AuditLog(signer.name, signer).create(connection)
        connection.execute("ROLLBACK")
        assert list(connection.iterdump()) == ["BEGIN TRANSACTION;", "COMMIT;"]


def test_the_act_and_its_entry_are_kept_together(party: Party, make_event: MakeEvent) -> None:
    """The log neither begins nor commits: what its caller did before and does after is one transaction with it."""
    party.connection.execute("CREATE TABLE budget (spent INTEGER)")
    party.connection.execute("BEGIN IMMEDIATE")
    party.connection.execute("INSERT INTO budget VALUES (1)")
    party.log.append(party.connection, make_event())
    assert party.connection.in_transaction
    party.connection.execute("ROLLBACK")
    assert count(party.connection, "budget") == count(party.connection, "audit_entries") == 0


@pytest.mark.parametrize("act", ["create", "append"])
def test_without_a_transaction_nothing_is_written(party: Party, make_event: MakeEvent, act: str) -> None:
    arguments = [make_event()] if act == "append" else []
    with pytest.raises(LogError, match="no transaction is open"):
        getattr(party.log, act)(party.connection, *arguments)
    assert count(party.connection, "audit_entries") == 0


def test_an_event_that_is_too_long_is_refused_before_anything_is_written(filled: Party, make_event: MakeEvent) -> None:
    too_long = make_event(fields=("a" * 64,) * 200, details={f"n{n}": "é" * 200 for n in range(32)})
    filled.connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(EventInvalid):
        filled.log.append(filled.connection, make_event(10), too_long)
    filled.connection.execute("COMMIT")
    assert verify_log(filled.connection, filled.signer.name, filled.signer.public_key).entries == 10


# --- Creating --------------------------------------------------------------------------------------------------------


def test_creating_a_log_that_is_there_leaves_it_as_it_is(filled: Party) -> None:
    before = list(filled.connection.iterdump())
    filled.connection.execute("BEGIN IMMEDIATE")
    filled.log.create(filled.connection)
    filled.connection.execute("COMMIT")
    assert list(filled.connection.iterdump()) == before


def test_a_log_of_another_origin_is_neither_created_over_nor_extended(
    filled: Party, make_signer: Callable[[str, int], SeedSigner], make_event: MakeEvent
) -> None:
    other = AuditLog("circe.example/node/302", make_signer("circe.example/node/302", 1))
    filled.connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogError, match="another origin"):
        other.create(filled.connection)
    with pytest.raises(LogError, match="another origin"):
        other.append(filled.connection, make_event(10))


def test_a_database_without_a_log_is_said_to_have_none(signer: SeedSigner, make_event: MakeEvent) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("BEGIN")
        with pytest.raises(LogUnreadable, match="create it first"):
            AuditLog(signer.name, signer).append(connection, make_event())


def test_the_signer_is_named_after_the_log(signer: SeedSigner) -> None:
    with pytest.raises(CheckpointError):
        AuditLog("circe.example/node/302", signer)
    with pytest.raises(CheckpointError):
        AuditLog("two words", signer)


# --- Several writers -------------------------------------------------------------------------------------------------


def test_writers_on_their_own_connections_make_one_history(party: Party, make_event: MakeEvent) -> None:
    """Four writers of one WAL database, as threads with their own connections, lose and double nothing."""

    def write(writer: int) -> None:
        connection = party.connect()
        for n in range(15):
            connection.execute("BEGIN IMMEDIATE")
            party.log.append(connection, make_event(n, actor=f"writer-{writer}"))
            connection.execute("COMMIT")
        connection.close()

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    summary = verify_log(party.connection, party.signer.name, party.signer.public_key)
    assert (summary.entries, summary.checkpoints) == (60, 61)
    for writer in range(4):
        entries = party.log.entries(party.connection, actor=f"writer-{writer}")
        assert [entry.to_event().details["rows"] for entry in entries] == list(range(14, -1, -1))


def test_a_writer_with_an_old_view_fails_and_writes_nothing(party: Party, make_event: MakeEvent) -> None:
    """Without BEGIN IMMEDIATE a writer may have read before another wrote; it cannot build on what it read."""
    late = party.connect()
    late.execute("BEGIN")
    assert read_head(late)[1] == 0
    party.record(make_event(0))
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        party.log.append(late, make_event(1))
    late.execute("ROLLBACK")
    late.close()
    assert verify_log(party.connection, party.signer.name, party.signer.public_key).entries == 1


def test_the_head_moves_only_from_where_it_was_read(party: Party, make_event: MakeEvent) -> None:
    """The compare-and-set, alone: the head moves between reading and writing, so the append is refused."""

    class SlowSigner:
        name = party.signer.name
        public_key = party.signer.public_key

        def sign(self, message: bytes, /) -> bytes:
            party.connection.execute("UPDATE audit_head SET size = 5")
            return party.signer.sign(message)

    party.connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogError, match="another writer"):
        AuditLog(party.log.origin, SlowSigner()).append(party.connection, make_event())
    assert count(party.connection, "audit_entries") == 0


# --- What was edited is not extended ---------------------------------------------------------------------------------

EDITS = {
    "a hash of the tree": "UPDATE audit_entries SET hashes = zeroblob(length(hashes)) WHERE idx = 7",
    "an entry less": "DELETE FROM audit_entries WHERE idx = 9",
    "a smaller head": "UPDATE audit_head SET size = 9",
    "a larger head": "UPDATE audit_head SET size = 11",
    "a checkpoint less": "DELETE FROM audit_checkpoints WHERE size = 10",
    "no checkpoint": "DELETE FROM audit_checkpoints",
    "a forged checkpoint": "UPDATE audit_checkpoints SET note = replace(note, '10', '11') WHERE size = 10",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edited_log_is_not_extended(filled: Party, make_event: MakeEvent, edit: str) -> None:
    """To sign on top of an edit would make it good."""
    filled.connection.execute("BEGIN IMMEDIATE")
    filled.connection.execute(edit)
    with pytest.raises((LogError, LogUnreadable)):
        filled.log.append(filled.connection, make_event(10))


def test_a_checkpoint_is_verified_unless_this_log_signed_it_last(
    filled: Party, make_event: MakeEvent, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = list[bytes]()

    def note(text: bytes, origin: str, key: bytes) -> Checkpoint:
        seen.append(text)
        return verify_checkpoint(text, origin, key)

    monkeypatch.setattr("audit.log.verify_checkpoint", note)
    filled.record(make_event(10))
    assert seen == []
    fresh = AuditLog(filled.signer.name, filled.signer)
    for number in (11, 12):
        filled.connection.execute("BEGIN IMMEDIATE")
        fresh.append(filled.connection, make_event(number))
        filled.connection.execute("COMMIT")
    assert len(seen) == 1, "the first on top of another's, the second on top of its own"
    filled.record(make_event(13))
    assert len(seen) == 2


def test_a_log_is_not_extended_with_another_key(
    filled: Party, make_signer: Callable[[str, int], SeedSigner], make_event: MakeEvent
) -> None:
    filled.connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogError, match="not ours"):
        AuditLog(filled.log.origin, make_signer(filled.log.origin, 2)).append(filled.connection, make_event(10))
