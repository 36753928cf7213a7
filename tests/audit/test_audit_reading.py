"""The log is searched, proves what it holds, and is read beside its writer without a trace."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from audit.checkpoint import verify_checkpoint
from audit.event import Action, AuditEvent
from audit.log import LogUnreadable, one_view, open_log, read_checkpoint, read_head, read_history
from audit.merkle import ProofError, verify_consistency, verify_inclusion
from audit.tables import LATER_INDEXES
from audit.verifier import verify_log

if TYPE_CHECKING:
    from tests.audit.conftest import Party

MakeEvent = Callable[..., AuditEvent]


# --- Proofs ----------------------------------------------------------------------------------------------------------


def test_proofs_from_the_log_hold(filled: Party) -> None:
    """Every entry is shown to be in the log at every size, and every size to continue every smaller one."""
    history = list(read_history(filled.connection))
    leaves = [entry.leaf_hash for entry in filled.log.entries(filled.connection)][::-1]
    roots = {}
    for record in history:
        if note := getattr(record, "note", None):
            signed = verify_checkpoint(note, filled.signer.name, filled.signer.public_key)
            roots[signed.size] = signed.root
    for size, root in roots.items():
        for index in range(size):
            proof = filled.log.inclusion_proof(filled.connection, index, size)
            verify_inclusion(index, size, leaves[index], root, proof)
        for older in range(1, size):
            if older in roots:
                proof = filled.log.consistency_proof(filled.connection, older, size)
                verify_consistency(older, size, roots[older], root, proof)


@pytest.mark.parametrize(("index", "size"), [(0, 11), (10, 10), (-1, 10), (0, 0)])
def test_there_is_no_proof_of_what_is_not_in_the_log(filled: Party, index: int, size: int) -> None:
    with pytest.raises(ProofError):
        filled.log.inclusion_proof(filled.connection, index, size)


@pytest.mark.parametrize(("size1", "size2"), [(1, 11), (0, 10), (10, 9)])
def test_there_is_no_proof_between_sizes_that_were_not(filled: Party, size1: int, size2: int) -> None:
    with pytest.raises(ProofError):
        filled.log.consistency_proof(filled.connection, size1, size2)


def test_a_log_of_an_older_circe_is_whole_and_gets_the_later_indexes_when_it_is_opened(filled: Party) -> None:
    """They make searching quick and say nothing, so that a log without them is no other log."""
    for name in LATER_INDEXES:
        filled.connection.execute(f"DROP INDEX {name}")
    assert verify_log(filled.connection, filled.signer.name, filled.signer.public_key).entries == 10
    filled.connection.execute("BEGIN IMMEDIATE")
    filled.log.create(filled.connection)
    filled.connection.execute("COMMIT")
    made = {name for (name,) in filled.connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert made >= LATER_INDEXES
    assert verify_log(filled.connection, filled.signer.name, filled.signer.public_key).entries == 10


# --- Searching -------------------------------------------------------------------------------------------------------

SUBJECT = "5eed" * 8


@pytest.fixture
def mixed(party: Party, make_event: MakeEvent) -> Party:
    """Five entries, at minutes 0 to 4 of the same morning."""
    party.record(
        make_event(0),
        make_event(1, actor="dcs@301.example"),
        make_event(2, action=Action.LOOKUP_ANSWERED, subject=SUBJECT, reference="lookup-x"),
        make_event(3, actor="dcs@301.example", subject=SUBJECT),
        make_event(4, action=Action.QUERY_RELEASED, reference="release-1"),
    )
    return party


SEARCHES: list[Any] = [
    pytest.param({}, [4, 3, 2, 1, 0], id="everything, newest first"),
    pytest.param({"limit": 2}, [4, 3], id="the newest two"),
    pytest.param({"action": Action.QUERY_RELEASED}, [4], id="one action"),
    pytest.param({"actor": "dcs@301.example"}, [3, 1], id="one actor"),
    pytest.param({"actor": "dcs"}, [], id="not part of a name"),
    pytest.param({"actor": "' OR 1=1 --"}, [], id="not SQL"),
    pytest.param({"subject": SUBJECT}, [3, 2], id="one child"),
    pytest.param({"reference": "release-1"}, [4], id="one release"),
    pytest.param({"subject": SUBJECT, "actor": "dcs@301.example"}, [3], id="both"),
    pytest.param({"since": 3}, [4, 3], id="since a time, that time included"),
    pytest.param({"until": 2}, [1, 0], id="until a time, that time left out"),
    pytest.param({"since": 1, "until": 4, "limit": 2}, [3, 2], id="between two times"),
]


@pytest.mark.parametrize(("wanted", "found"), SEARCHES)
def test_searching(mixed: Party, make_event: MakeEvent, wanted: dict[str, Any], found: list[int]) -> None:
    start = make_event().at
    wanted = {k: start + timedelta(minutes=v) if k in ("since", "until") else v for k, v in wanted.items()}
    assert [entry.index for entry in mixed.log.entries(mixed.connection, **wanted)] == found


def test_searching_says_so_when_the_log_is_damaged(filled: Party) -> None:
    filled.connection.execute("DROP TABLE audit_entries")
    with pytest.raises(LogUnreadable, match="verify it"):
        list(filled.log.entries(filled.connection))


def test_what_the_caller_set_on_the_connection_does_not_matter(filled: Party, make_event: MakeEvent) -> None:
    filled.connection.row_factory = lambda cursor, row: {"row": row}
    filled.record(make_event(10))
    assert len(list(filled.log.entries(filled.connection))) == 11


# --- Reading beside a writer -----------------------------------------------------------------------------------------


def test_one_view_does_not_see_what_is_written_meanwhile(filled: Party, make_event: MakeEvent) -> None:
    reader = filled.connect()
    with one_view(reader):
        assert read_head(reader)[1] == 10
        filled.record(make_event(10))
        assert read_head(reader)[1] == 10
        assert verify_log(reader, filled.signer.name, filled.signer.public_key).entries == 10
    assert read_checkpoint(reader).size == 11
    reader.close()


def test_a_log_opened_for_reading_cannot_be_written(filled: Party) -> None:
    reader = open_log(filled.database)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM audit_entries")
    reader.close()


def test_a_reader_sees_what_a_live_writer_has_not_yet_moved_out_of_its_wal(filled: Party) -> None:
    assert filled.database.with_name("node.sqlite-wal").stat().st_size > 0
    reader = open_log(filled.database)
    assert read_head(reader)[1] == 10
    reader.close()


def test_a_reader_leaves_no_files_beside_a_log_that_nobody_has_open(filled: Party) -> None:
    filled.connection.close()
    before = sorted(path.name for path in filled.directory.iterdir())
    reader = open_log(filled.database)
    assert len(list(filled.log.entries(reader))) == 10
    reader.close()
    assert sorted(path.name for path in filled.directory.iterdir()) == before == ["log.pub", "node.sqlite"]


def test_a_schema_that_is_not_text_is_not_a_log(filled: Party) -> None:
    filled.connection.close()
    data = filled.database.read_bytes()
    filled.database.write_bytes(data.replace(b"ON audit_entries (actor)", b"ON \xffudit_entries (actor)"))
    with pytest.raises(LogUnreadable):
        open_log(filled.database)
