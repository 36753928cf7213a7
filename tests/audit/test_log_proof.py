"""Proofs keep to the C2SP format, and show an entry in a witnessed log or nothing."""

from __future__ import annotations

from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import KeyKind, VerifierKey, parse_checkpoint, split_note
from audit.cosignature import cosign
from audit.log import read_entries, read_head
from audit.proof import HEADER, LogProof, ProofInvalid, name_origin, parse_proof, prove_entry, verify_proof
from audit.witness_store import SCHEMA, add_to_round, find_round

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.audit.conftest import Party, SeedSigner

FEW = settings(max_examples=60, derandomize=True, deadline=None)
NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)

ONE, TWO = (sha256(text).digest() for text in (b"hash1", b"hash2"))
ONE_TEXT, TWO_TEXT = (b64encode(digest).decode() for digest in (ONE, TWO))


# --- Known answers: those of transparency-dev/formats, the format's other implementation -----------------------------


@pytest.mark.parametrize(
    ("proof", "text"),
    [
        (
            LogProof(5, (ONE, TWO), "test checkpoint\n"),
            f"c2sp.org/tlog-proof@v1\nindex 5\n{ONE_TEXT}\n{TWO_TEXT}\n\ntest checkpoint\n",
        ),
        (
            LogProof(10, (ONE,), "checkpoint data\n", b"extra information"),
            f"c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n{ONE_TEXT}\n\ncheckpoint data\n",
        ),
        (LogProof(0, (), "checkpoint\n"), "c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n"),
    ],
    ids=["without extra data", "with extra data", "with no hashes"],
)
def test_a_proof_is_written_and_read_as_the_format_says(proof: LogProof, text: str) -> None:
    assert proof.to_text() == text
    assert parse_proof(text) == proof


@pytest.mark.parametrize(
    "text",
    [
        "wrong-header\nindex 0\n\ncheckpoint\n",
        f"{HEADER}\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n",
        f"{HEADER}\n\n\ncheckpoint\n",
        f"{HEADER}\nindex notanumber\n\ncheckpoint\n",
        f"{HEADER}\nindex -5\n\ncheckpoint\n",
        f"{HEADER}\nindex 05\n\ncheckpoint\n",
        f"{HEADER}\nindex 0\n!!notbase64!!\n\ncheckpoint\n",
        f"{HEADER}\nindex 0\n{b64encode(bytes(64)).decode()}\n\ncheckpoint\n",
        f"{HEADER}\nindex 0\n{'a' * 65 * 1024}\n",
        f"{HEADER}\nindex 0\n" + f"{ONE_TEXT}\n" * 64 + "\ncheckpoint\n",
        f"{HEADER}\nindex 0\nextra AAAA\n\ncheckpoint\n",
        HEADER,
        "",
        b"\xff\xfe",
        "x" * 300_000,
    ],
)
def test_anything_else_is_no_proof(text: str | bytes) -> None:
    with pytest.raises(ProofInvalid):
        parse_proof(text)


@FEW
@given(
    index=st.integers(0, 10**19 - 1),
    hashes=st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    note=st.text(max_size=200),
    extra=st.binary(max_size=100),
)
def test_a_proof_is_read_back(index: int, hashes: list[bytes], note: str, extra: bytes) -> None:
    proof = LogProof(index, tuple(hashes), note, extra)
    with suppress(UnicodeEncodeError):
        assert parse_proof(proof.to_text().encode()) == proof


@FEW
@given(data=st.binary(max_size=300), text=st.text(max_size=200))
def test_any_bytes_give_a_proof_or_our_own_error(data: bytes, text: str) -> None:
    for hostile in (
        data,
        text,
        f"{HEADER}\n{text}",
        f"{HEADER}\nindex 0\n\n{text}",
        f"{HEADER}\nextra {text}\nindex 0",
    ):
        with suppress(ProofInvalid):
            proof = parse_proof(hostile)
            assert proof.to_text() == (hostile.decode() if isinstance(hostile, bytes) else hostile)
            name_origin(proof)


# --- What is shown ---------------------------------------------------------------------------------------------------


@pytest.fixture
def witnesses(make_signer: Callable[[str, int], SeedSigner]) -> list[SeedSigner]:
    return [make_signer(f"node-{number}", number) for number in (11, 12, 13)]


def key_of(signer: SeedSigner, kind: KeyKind = KeyKind.COSIGNATURE) -> VerifierKey:
    return VerifierKey(signer.name, signer.public_key, kind)


@pytest.fixture
def witnessed(filled: Party, witnesses: list[SeedSigner]) -> Party:
    """A log of which two of three witnesses have signed ten entries, and that has one more since."""
    filled.connection.executescript(SCHEMA.read_text())
    current = find_round(filled.connection, 2, NOW)
    checkpoint = parse_checkpoint(split_note(current.note)[0])
    for witness in witnesses[:2]:
        add_to_round(filled.connection, current.size, cosign(checkpoint, witness, 1), key_of(witness))
    return filled


def prove(party: Party, index: int) -> LogProof:
    (entry,) = read_entries(party.connection, index=index)
    return prove_entry(party.connection, entry)


def test_every_entry_is_proven_under_what_was_witnessed(witnessed: Party, witnesses: list[SeedSigner]) -> None:
    keys, log = [key_of(witness) for witness in witnesses], key_of(witnessed.signer, KeyKind.CHECKPOINT)
    for index in range(10):
        proof = parse_proof(prove(witnessed, index).to_text())
        proven = verify_proof(proof, log, keys, 2)
        assert (proven.index, proven.event.reference, proven.checkpoint.size) == (index, f"lookup-{index}", 10)
        assert proven.witnesses == {witnesses[0].name: 1, witnesses[1].name: 1}
        assert name_origin(proof) == witnessed.signer.name


def test_an_entry_that_is_too_young_is_proven_by_the_log_alone(
    witnessed: Party, witnesses: list[SeedSigner], make_event: Callable[..., object]
) -> None:
    index = witnessed.record(make_event(11))  # type: ignore[arg-type]
    keys, log = [key_of(witness) for witness in witnesses], key_of(witnessed.signer, KeyKind.CHECKPOINT)
    proof = prove(witnessed, index)
    assert verify_proof(proof, log, keys, 0).checkpoint.size == read_head(witnessed.connection)[1] == 11
    with pytest.raises(ProofInvalid, match="0 of the witnesses have cosigned it, and 2 have to"):
        verify_proof(proof, log, keys, 2)


def test_a_quorum_takes_as_many_as_it_says(witnessed: Party, witnesses: list[SeedSigner]) -> None:
    keys, log = [key_of(witness) for witness in witnesses], key_of(witnessed.signer, KeyKind.CHECKPOINT)
    with pytest.raises(ProofInvalid, match="2 of the witnesses have cosigned it, and 3 have to"):
        verify_proof(prove(witnessed, 3), log, keys, 3)
    with pytest.raises(ProofInvalid, match="1 of the witnesses"):
        verify_proof(prove(witnessed, 3), log, keys[1:], 2)


def test_no_part_of_a_proof_can_be_exchanged(
    witnessed: Party, witnesses: list[SeedSigner], make_signer: Callable[[str, int], SeedSigner]
) -> None:
    keys, log = [key_of(witness) for witness in witnesses], key_of(witnessed.signer, KeyKind.CHECKPOINT)
    proof, other = prove(witnessed, 3), prove(witnessed, 4)
    for wrong in (
        replace(proof, index=4),
        replace(proof, index=10),
        replace(proof, extra=other.extra),
        replace(proof, extra=b"\0" + proof.extra[1:]),
        replace(proof, extra=b""),
        replace(proof, extra=proof.extra[:16]),
        replace(proof, hashes=other.hashes),
        replace(proof, hashes=()),
        replace(proof, note=proof.note.replace("\n10\n", "\n11\n")),
        replace(proof, note="nothing"),
    ):
        with pytest.raises(ProofInvalid):
            verify_proof(wrong, log, keys, 2)
    with pytest.raises(ProofInvalid):
        verify_proof(proof, key_of(make_signer(witnessed.signer.name, 99), KeyKind.CHECKPOINT), keys, 2)
