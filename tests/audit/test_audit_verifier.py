"""Whatever is changed in a log afterwards, the verifier says at which entry it stopped being what was signed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.entry import Entry, hash_entry
from audit.event import AuditEvent
from audit.log import LogUnreadable
from audit.merkle import EMPTY_ROOT, Frontier, hash_tree
from audit.verifier import LogBroken, LogSummary, verify_log

if TYPE_CHECKING:
    from tests.audit.conftest import Party, SeedSigner

MakeEvent = Callable[..., AuditEvent]


def verify(party: Party) -> LogSummary:
    return verify_log(party.connection, party.signer.name, party.signer.public_key)


# --- A whole log -----------------------------------------------------------------------------------------------------


def test_a_whole_log_is_summarised(filled: Party, make_event: MakeEvent) -> None:
    start = make_event().at
    leaves = [entry.leaf_hash for entry in filled.log.entries(filled.connection)][::-1]
    assert verify(filled) == LogSummary(
        origin=filled.signer.name,
        entries=10,
        root=hash_tree(leaves),
        checkpoints=8,
        first=start,
        last=start + timedelta(minutes=9),
    )


def test_an_empty_log_is_whole(party: Party) -> None:
    assert verify(party) == LogSummary(party.signer.name, 0, EMPTY_ROOT, 1, None, None)


def test_a_log_cut_back_with_its_checkpoints_is_a_true_log_of_that_moment(filled: Party) -> None:
    """What the verifier cannot see, and says so: only a later checkpoint kept elsewhere tells."""
    change(filled, "DELETE FROM audit_checkpoints WHERE size > 5")
    change(filled, "DELETE FROM audit_entries WHERE idx >= 5")
    change(filled, "UPDATE audit_head SET size = 5")
    assert verify(filled).entries == 5


# --- Changed in its database -----------------------------------------------------------------------------------------
# The log of `filled` has entries 0 to 9 and checkpoints at the sizes 0 to 6 and 10.


def change(party: Party, statement: str, *values: Any) -> None:
    """Write around the log, as somebody with the file could."""
    party.connection.execute("PRAGMA ignore_check_constraints = ON")
    party.connection.execute(statement, values)


def flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def flip_column(party: Party, table: str, column: str, key: str, place: int) -> None:
    (old,) = party.connection.execute(f"SELECT {column} FROM {table} WHERE {key}").fetchone()
    change(party, f"UPDATE {table} SET {column} = ? WHERE {key}", flip(old, place % len(old)))


@pytest.mark.parametrize("index", [0, 3, 7, 9])
@pytest.mark.parametrize("column", ["salt", "hashes"])
def test_any_byte_of_a_salt_or_hash(filled: Party, column: str, index: int) -> None:
    (length,) = filled.connection.execute(
        f"SELECT length({column}) FROM audit_entries WHERE idx = ?", (index,)
    ).fetchone()
    for place in range(length):
        flip_column(filled, "audit_entries", column, f"idx = {index}", place)
        with pytest.raises(LogBroken) as broken:
            verify(filled)
        assert broken.value.entry == index
        flip_column(filled, "audit_entries", column, f"idx = {index}", place)
    assert verify(filled).entries == 10


@pytest.mark.parametrize("index", [0, 3, 9])
def test_any_byte_of_a_body(filled: Party, index: int) -> None:
    (body,) = filled.connection.execute("SELECT body FROM audit_entries WHERE idx = ?", (index,)).fetchone()
    for place in range(len(body)):
        change(filled, "UPDATE audit_entries SET body = ? WHERE idx = ?", flip(body, place), index)
        with pytest.raises(LogBroken) as broken:
            verify(filled)
        assert broken.value.entry == index


@pytest.mark.parametrize(("size", "entry"), [(0, 0), (1, 0), (4, 3), (10, 6)])
def test_any_byte_of_a_checkpoint_or_its_signature(filled: Party, size: int, entry: int) -> None:
    """The entry named is the first that the checkpoints before it do not cover."""
    (note,) = filled.connection.execute("SELECT note FROM audit_checkpoints WHERE size = ?", (size,)).fetchone()
    for place in range(len(note)):
        change(filled, "UPDATE audit_checkpoints SET note = ? WHERE size = ?", flip(note, place), size)
        with pytest.raises(LogBroken) as broken:
            verify(filled)
        assert broken.value.entry == entry


def replace_body(party: Party, index: int) -> None:
    """Change an entry and make its own hashes fit again."""
    edited = list(party.log.entries(party.connection))[::-1]
    body = edited[index].body.replace(b"vsh@", b"dcs@")
    edited[index] = Entry(index, edited[index].salt, body, b"")
    rewrite(party, edited)


def rewrite(party: Party, entries: list[Entry]) -> None:
    """Store these entries instead, with every hash as it should be for them."""
    tree = Frontier()
    change(party, "DELETE FROM audit_entries")
    for index, entry in enumerate(entries):
        (hashes,) = tree.extend([hash_entry(entry.salt, entry.body)])
        row = (index, entry.salt, hashes, entry.body)
        change(party, "INSERT INTO audit_entries (idx, salt, hashes, body) VALUES (?, ?, ?, ?)", *row)
    change(party, "UPDATE audit_head SET size = ?", len(entries))


def swap(party: Party, one: int, other: int) -> None:
    entries = list(party.log.entries(party.connection))[::-1]
    entries[one], entries[other] = entries[other], entries[one]
    rewrite(party, entries)


def insert(party: Party, index: int) -> None:
    entries = list(party.log.entries(party.connection))[::-1]
    rewrite(party, [*entries[:index], Entry(index, bytes(16), entries[0].body, b""), *entries[index:]])


def delete_and_close_up(party: Party, index: int) -> None:
    entries = list(party.log.entries(party.connection))[::-1]
    rewrite(party, entries[:index] + entries[index + 1 :])


def forge_checkpoint(party: Party, size: int, root: bytes, signer: SeedSigner | None = None) -> None:
    note = sign_checkpoint(Checkpoint(party.signer.name, size, root), signer or party.signer)
    change(party, "INSERT OR REPLACE INTO audit_checkpoints (size, note) VALUES (?, ?)", size, note.encode())


Edit = Callable[["Party"], None]

# What is done to the log, and the entry at which it must be found.
EDITS: dict[str, tuple[Edit, int]] = {
    "an entry deleted": (lambda p: change(p, "DELETE FROM audit_entries WHERE idx = 4"), 4),
    "the first entry deleted": (lambda p: change(p, "DELETE FROM audit_entries WHERE idx = 0"), 0),
    "the last entry deleted": (lambda p: change(p, "DELETE FROM audit_entries WHERE idx = 9"), 9),
    "every entry deleted": (lambda p: change(p, "DELETE FROM audit_entries"), 0),
    "an entry deleted and the rest closed up": (lambda p: delete_and_close_up(p, 4), 4),
    "an entry rewritten, its hashes too": (lambda p: replace_body(p, 2), 2),
    "an entry rewritten among four that were signed together": (lambda p: replace_body(p, 8), 6),
    "two entries swapped": (lambda p: swap(p, 3, 5), 3),
    "two entries swapped that were signed together": (lambda p: swap(p, 7, 9), 6),
    "an entry inserted": (lambda p: insert(p, 5), 5),
    "an entry put before the first": (lambda p: insert(p, 0), 0),
    "an entry put after the last": (lambda p: insert(p, 10), 10),
    "an entry renumbered": (lambda p: change(p, "UPDATE audit_entries SET idx = 30 WHERE idx = 9"), 9),
    "an entry with a negative number": (lambda p: change(p, "UPDATE audit_entries SET idx = -1 WHERE idx = 9"), 0),
    "a longer salt": (lambda p: change(p, "UPDATE audit_entries SET salt = salt || x'00' WHERE idx = 2"), 2),
    "no salt": (lambda p: change(p, "UPDATE audit_entries SET salt = x'' WHERE idx = 2"), 2),
    "a hash too many": (
        lambda p: change(p, "UPDATE audit_entries SET hashes = hashes || zeroblob(32) WHERE idx = 2"),
        2,
    ),
    "a hash too few": (lambda p: change(p, "UPDATE audit_entries SET hashes = substr(hashes, 1, 32) WHERE idx = 3"), 3),
    "the size rolled back": (lambda p: change(p, "UPDATE audit_head SET size = 7"), 7),
    "the size moved on": (lambda p: change(p, "UPDATE audit_head SET size = 12"), 10),
    "the size lost": (lambda p: change(p, "DELETE FROM audit_head"), 0),
    "an origin that is not text": (lambda p: change(p, "UPDATE audit_head SET origin = x'ff'"), 0),
    "another origin": (lambda p: change(p, "UPDATE audit_head SET origin = 'circe.example/node/302'"), 0),
    "the last checkpoint deleted": (lambda p: change(p, "DELETE FROM audit_checkpoints WHERE size = 10"), 6),
    "every checkpoint deleted": (lambda p: change(p, "DELETE FROM audit_checkpoints"), 0),
    "a checkpoint filed elsewhere": (lambda p: change(p, "UPDATE audit_checkpoints SET size = 8 WHERE size = 5"), 6),
    "a checkpoint of another root": (lambda p: forge_checkpoint(p, 4, bytes(32)), 3),
    "a checkpoint ahead of the entries": (lambda p: forge_checkpoint(p, 12, bytes(32)), 10),
}


@pytest.mark.parametrize(("edit", "entry"), EDITS.values(), ids=EDITS.keys())
def test_every_edit_is_found_at_its_entry(filled: Party, edit: Edit, entry: int) -> None:
    assert verify(filled).entries == 10
    edit(filled)
    with pytest.raises(LogBroken) as broken:
        verify(filled)
    assert broken.value.entry == entry
    assert str(broken.value) == f"entry {entry}: {broken.value.reason}"


def test_a_past_rewritten_with_another_key_is_found(
    filled: Party, make_signer: Callable[[str, int], SeedSigner]
) -> None:
    """Somebody without the log's key makes the whole log fit again, and signs it with a key of their own."""
    replace_body(filled, 2)
    leaves = [entry.leaf_hash for entry in filled.log.entries(filled.connection)][::-1]
    for size in (0, 1, 2, 3, 4, 5, 6, 10):
        forge_checkpoint(filled, size, hash_tree(leaves[:size]), make_signer(filled.signer.name, 2))
    with pytest.raises(LogBroken) as broken:
        verify(filled)
    assert broken.value.entry == 0


def test_an_entry_that_is_no_event_is_found_at_either_end(filled: Party) -> None:
    entries = list(filled.log.entries(filled.connection))[::-1]
    entries[0] = Entry(0, bytes(16), b"not an event", b"")
    rewrite(filled, entries)
    change(filled, "DELETE FROM audit_checkpoints")
    leaves = [hash_entry(entry.salt, entry.body) for entry in entries]
    forge_checkpoint(filled, 10, hash_tree(leaves))
    with pytest.raises(LogBroken, match="not an event") as broken:
        verify(filled)
    assert broken.value.entry == 0


def test_a_log_is_not_verified_with_another_key_or_name(
    filled: Party, make_signer: Callable[[str, int], SeedSigner]
) -> None:
    with pytest.raises(LogBroken):
        verify_log(filled.connection, filled.signer.name, make_signer("other", 2).public_key)
    with pytest.raises(LogBroken):
        verify_log(filled.connection, "circe.example/node/302", filled.signer.public_key)


def test_a_flipped_byte_anywhere_in_the_file_is_found_or_changes_nothing(filled: Party, tmp_path: Path) -> None:
    """No damage to the file is taken for a whole log with other content, and none ends in a strange exception."""
    whole = verify(filled)
    filled.connection.close()
    data = filled.database.read_bytes()
    path = tmp_path / "damaged.sqlite"
    for place in range(0, len(data), 37):
        path.write_bytes(flip(data, place))
        with (
            suppress(LogBroken, LogUnreadable),
            closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection,
        ):
            assert verify_log(connection, filled.signer.name, filled.signer.public_key) == whole


def test_a_database_without_a_log_is_not_called_broken(signer: SeedSigner) -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(LogUnreadable):
        verify_log(connection, signer.name, signer.public_key)


DOCTORED = {
    "a view in place of the entries": (
        "ALTER TABLE audit_entries RENAME TO hidden",
        "CREATE VIEW audit_entries AS SELECT * FROM hidden",
    ),
    "a trigger that drops what is added": (
        "CREATE TRIGGER quiet BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(IGNORE); END",
    ),
    "search columns with a life of their own": (
        "ALTER TABLE audit_entries RENAME TO hidden",
        "CREATE TABLE audit_entries AS SELECT * FROM hidden",
    ),
    "an index that somebody added": ("CREATE INDEX own ON audit_entries (idx)",),
}


@pytest.mark.parametrize("doctored", DOCTORED)
def test_tables_that_are_not_the_logs_own_are_found(filled: Party, doctored: str) -> None:
    """Whole entries under tables that show a searcher something else are no whole log."""
    with closing(filled.connect()) as connection:
        for statement in DOCTORED[doctored]:
            connection.execute(statement)
        connection.commit()
    with pytest.raises(LogBroken, match="not as the log's schema has it"):
        verify(filled)
