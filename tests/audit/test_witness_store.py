"""What a witness signed is kept before it leaves; a dispute is kept as evidence; cosignatures of our own log add up."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from audit.checkpoint import CheckpointError, KeyKind, VerifierKey, parse_checkpoint, split_note
from audit.cosignature import cosign, verify_cosignature
from audit.log import read_head
from audit.witness import Offer, Refusal, WitnessRefused, verify_evidence
from audit.witness_store import (
    LONGEST_ROUND,
    MOST_EVIDENCE,
    SCHEMA,
    Evidence,
    add_to_round,
    answer_offer,
    best_cosigned,
    find_round,
    keep_evidence,
    list_witnessed,
    newest_cosigned,
    newest_round,
    read_evidence,
)
from tests.audit.test_witness import PlayedLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.audit.conftest import Party, SeedSigner

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)


@pytest.fixture
def connection(party: Party) -> Iterator[sqlite3.Connection]:
    """The database of a party that is a witness, with its transaction left to the test."""
    with closing(party.connect()) as connection:
        connection.executescript(SCHEMA.read_text())
        yield connection


@pytest.fixture
def witness(make_signer: Callable[[str, int], SeedSigner]) -> SeedSigner:
    return make_signer("node-203", 7)


def answer(connection: sqlite3.Connection, log: SeedSigner, witness: SeedSigner, offer: Offer) -> str:
    return answer_offer(connection, offer, log.name, log.public_key, witness, NOW)


def key_of(witness: SeedSigner) -> VerifierKey:
    return VerifierKey(witness.name, witness.public_key, KeyKind.COSIGNATURE)


def test_what_is_signed_is_kept_and_signed_once(
    connection: sqlite3.Connection, signer: SeedSigner, witness: SeedSigner
) -> None:
    log = PlayedLog(signer)
    line = answer(connection, signer, witness, log.offer(0, 5))
    assert verify_cosignature(line, log.checkpoint(5), key_of(witness)) == int(NOW.timestamp())
    assert list_witnessed(connection) == {signer.name: 5}
    assert answer(connection, signer, witness, log.offer(5, 5)) == line
    answer(connection, signer, witness, log.offer(5, 9))
    assert list_witnessed(connection) == {signer.name: 9}


def test_a_signature_that_was_not_kept_did_not_leave(
    connection: sqlite3.Connection, signer: SeedSigner, witness: SeedSigner
) -> None:
    """Rolled back, as after a crash: the next offer is judged as if there had been none, and no line was handed out."""
    log = PlayedLog(signer)
    connection.execute("BEGIN IMMEDIATE")
    answer(connection, signer, witness, log.offer(0, 5))
    connection.rollback()
    assert list_witnessed(connection) == {}


def test_logs_are_kept_apart(
    connection: sqlite3.Connection,
    signer: SeedSigner,
    witness: SeedSigner,
    make_signer: Callable[[str, int], SeedSigner],
) -> None:
    hub = make_signer("hub", 3)
    answer(connection, signer, witness, PlayedLog(signer).offer(0, 9))
    answer(connection, hub, witness, PlayedLog(hub).offer(0, 4))
    assert list_witnessed(connection) == {signer.name: 9, "hub": 4}


def refuse(connection: sqlite3.Connection, log: SeedSigner, witness: SeedSigner, offer: Offer) -> WitnessRefused:
    with pytest.raises(WitnessRefused) as refused:
        answer(connection, log, witness, offer)
    return refused.value


def test_a_split_view_is_kept_as_evidence_that_anyone_can_verify(
    connection: sqlite3.Connection, signer: SeedSigner, witness: SeedSigner
) -> None:
    log, other = PlayedLog(signer), PlayedLog(signer, fork_at=3)
    answer(connection, signer, witness, log.offer(0, 5))
    offer = other.offer(5, 5)
    refused = refuse(connection, signer, witness, offer)
    evidence = keep_evidence(connection, offer, signer.name, refused, NOW)
    assert evidence is not None
    (kept,) = read_evidence(connection)
    assert kept == evidence
    assert verify_evidence(kept.kept, kept.offered, signer.name, signer.public_key) is Refusal.SPLIT
    assert list_witnessed(connection) == {signer.name: 5}


def test_evidence_is_kept_once_and_not_without_end(
    connection: sqlite3.Connection, signer: SeedSigner, witness: SeedSigner
) -> None:
    log = PlayedLog(signer)
    answer(connection, signer, witness, log.offer(0, 30))
    kept: list[Evidence | None] = []
    for size in (1, 1, *range(1, 2 * MOST_EVIDENCE)):
        offer = log.offer(0, min(size, 29))
        refused = refuse(connection, signer, witness, offer)
        kept.append(keep_evidence(connection, offer, signer.name, refused, NOW + timedelta(seconds=len(kept))))
    assert kept[0] is not None
    assert kept[1:3] == [None, None]
    assert sum(each is not None for each in kept) == MOST_EVIDENCE == len(list(read_evidence(connection)))


def test_an_offer_that_is_only_stale_leaves_no_evidence(
    connection: sqlite3.Connection, signer: SeedSigner, witness: SeedSigner
) -> None:
    log = PlayedLog(signer)
    answer(connection, signer, witness, log.offer(0, 5))
    offer = log.offer(4, 9)
    refused = refuse(connection, signer, witness, offer)
    assert keep_evidence(connection, offer, signer.name, refused, NOW) is None
    assert list(read_evidence(connection)) == []


# --- The witnesses of our own log ------------------------------------------------------------------------------------


def test_cosignatures_of_our_own_log_add_up(
    filled: Party, witness: SeedSigner, make_signer: Callable[[str, int], SeedSigner]
) -> None:
    connection, second = filled.connection, make_signer("node-316", 8)
    connection.executescript(SCHEMA.read_text())
    opened = find_round(connection, 2, NOW)
    assert (opened.size, opened.cosignatures) == (read_head(connection)[1], 0)
    checkpoint = parse_checkpoint(split_note(opened.note)[0])
    for signer, count in ((witness, 1), (second, 2)):
        assert newest_cosigned(connection, count) is None
        assert add_to_round(connection, opened.size, cosign(checkpoint, signer, 1), key_of(signer))
    found = newest_cosigned(connection, 2)
    assert found is not None
    assert found.note.count("\n— ") == 3
    assert best_cosigned(connection, beyond=opened.size - 1) == found
    assert best_cosigned(connection, beyond=opened.size) is None


def test_a_cosignature_counts_once_and_must_hold(filled: Party, witness: SeedSigner) -> None:
    connection = filled.connection
    connection.executescript(SCHEMA.read_text())
    opened = find_round(connection, 2, NOW)
    checkpoint = parse_checkpoint(split_note(opened.note)[0])
    assert add_to_round(connection, opened.size, cosign(checkpoint, witness, 1), key_of(witness))
    assert not add_to_round(connection, opened.size, cosign(checkpoint, witness, 2), key_of(witness))
    assert not add_to_round(connection, opened.size + 1, cosign(checkpoint, witness, 2), key_of(witness))
    with pytest.raises(CheckpointError):
        add_to_round(connection, opened.size, "— node-203 AAAA\n", key_of(witness))
    current = newest_round(connection)
    assert current is not None
    assert current.cosignatures == 1


def test_a_round_is_opened_once_for_a_size(filled: Party, make_event: Callable[..., object]) -> None:
    connection = filled.connection
    connection.executescript(SCHEMA.read_text())
    first = find_round(connection, 2, NOW)
    assert find_round(connection, 2, NOW + timedelta(hours=1)) == first
    filled.record(make_event(11))  # type: ignore[arg-type]
    assert find_round(connection, 2, NOW + LONGEST_ROUND) == first
    assert find_round(connection, 2, NOW + LONGEST_ROUND + timedelta(seconds=1)).size == first.size + 1


def test_rounds_that_a_later_one_makes_needless_are_dropped(
    filled: Party, witness: SeedSigner, make_event: Callable[..., object]
) -> None:
    connection = filled.connection
    connection.executescript(SCHEMA.read_text())
    for number in range(4):
        current = find_round(connection, 1, NOW)
        checkpoint = parse_checkpoint(split_note(current.note)[0])
        add_to_round(connection, current.size, cosign(checkpoint, witness, number), key_of(witness))
        filled.record(make_event(20 + number))  # type: ignore[arg-type]
    find_round(connection, 1, NOW)
    sizes = [size for (size,) in connection.execute("SELECT size FROM audit_cosigned ORDER BY size")]
    assert sizes == [13, 14]
