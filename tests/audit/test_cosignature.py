"""Cosignatures keep to the C2SP format, hold under the witness's key alone, and count once for each key."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import (
    MAX_NOTE,
    Checkpoint,
    CheckpointError,
    KeyKind,
    VerifierKey,
    encode_base64,
    parse_checkpoint,
    parse_verifier_key,
    sign_checkpoint,
    split_note,
    verify_checkpoint,
)
from audit.cosignature import (
    MAX_TIME,
    add_cosignature,
    cosign,
    read_cosignatures,
    verify_cosignature,
    verify_quorum,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.audit.conftest import SeedSigner

FEW = settings(max_examples=50, derandomize=True, deadline=None)
VECTORS = Path(__file__).with_name("vectors")
AT = 1_790_000_000
CHECKPOINT = Checkpoint("circe.example/node/301", 7, bytes(range(32)))

SPEC_EXAMPLE = (VECTORS / "tlog-cosignature.txt").read_text()
"""The example of c2sp.org/tlog-cosignature; the keys that signed it were not published."""

WITNESSED_LOG = (VECTORS / "witnessed-log.txt").read_text()
"""A checkpoint of a public certificate log, with the cosignatures of four public witnesses."""

LOG_KEY = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
WITNESS_KEYS = (
    "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
    "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
    "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
)
"""The keys that these witnesses publish."""


@pytest.fixture(scope="module")
def public_witnesses() -> list[VerifierKey]:
    return [parse_verifier_key(text, KeyKind.COSIGNATURE) for text in WITNESS_KEYS]


@pytest.fixture(scope="module")
def witnesses(make_signer: Callable[[str, int], SeedSigner]) -> list[SeedSigner]:
    return [make_signer(f"node-{number}", number) for number in range(2, 7)]


def key_of(signer: SeedSigner) -> VerifierKey:
    return VerifierKey(signer.name, signer.public_key, KeyKind.COSIGNATURE)


@pytest.fixture(scope="module")
def note(signer: SeedSigner, witnesses: list[SeedSigner]) -> str:
    """A checkpoint that three of five witnesses have cosigned."""
    text = sign_checkpoint(CHECKPOINT, signer)
    for witness in witnesses[:3]:
        text = add_cosignature(text, cosign(CHECKPOINT, witness, AT))
    return text


# --- Known answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", WITNESS_KEYS)
def test_published_keys_of_witnesses_have_the_key_ids_they_name(text: str) -> None:
    key = parse_verifier_key(text, KeyKind.COSIGNATURE)
    assert key.to_text() == text
    assert key.key_id.hex() == text.split("+")[1]


def test_the_cosignatures_of_public_witnesses_hold(public_witnesses: list[VerifierKey]) -> None:
    log = parse_verifier_key(LOG_KEY)
    assert verify_checkpoint(WITNESSED_LOG, log.name, log.public_key).size == 1432088532
    found = verify_quorum(WITNESSED_LOG, public_witnesses, 4)
    assert set(found) == {key.name for key in public_witnesses}
    assert set(found.values()) == {1_779_573_024}


def test_the_cosignatures_of_public_witnesses_hold_for_no_other_tree(public_witnesses: list[VerifierKey]) -> None:
    other = WITNESSED_LOG.replace("\n1432088532\n", "\n1432088533\n")
    for key in public_witnesses:
        with pytest.raises(CheckpointError, match="does not fit its key"):
            read_cosignatures(other, [key])


def test_the_example_of_the_format_is_read() -> None:
    """Its key is not published, so that only its form can be looked at: key id, time, signature."""
    _, signatures = split_note(SPEC_EXAMPLE)
    name, blob = signatures[1]
    assert (name, blob[:4].hex(), len(blob)) == ("witness.example.com/w1", "8d66cf3f", 76)
    assert int.from_bytes(blob[4:12]) == 1679315147


def test_what_is_signed_is_what_the_format_draws(witnesses: list[SeedSigner]) -> None:
    """Five lines: the header, the time, and the three of the checkpoint."""
    line = cosign(parse_checkpoint(split_note(SPEC_EXAMPLE)[0]), witnesses[0], 1679315147)
    message = (
        "cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    _, signatures = split_note(f"{CHECKPOINT.to_text()}\n{line}")
    assert signatures[0][1][12:] == witnesses[0].sign(message.encode())


# --- What holds and what does not ------------------------------------------------------------------------------------


@FEW
@given(size=st.integers(0, 2**63 - 1), root=st.binary(min_size=32, max_size=32), at=st.integers(0, MAX_TIME))
def test_a_cosignature_is_read_back(witnesses: list[SeedSigner], size: int, root: bytes, at: int) -> None:
    checkpoint = Checkpoint("hub", size, root)
    line = cosign(checkpoint, witnesses[0], at)
    assert verify_cosignature(line, checkpoint, key_of(witnesses[0])) == at


def test_a_cosignature_is_of_one_tree_by_one_witness(witnesses: list[SeedSigner]) -> None:
    line = cosign(CHECKPOINT, witnesses[0], AT)
    with pytest.raises(CheckpointError, match="does not fit"):
        verify_cosignature(line, Checkpoint("circe.example/node/301", 8, bytes(range(32))), key_of(witnesses[0]))
    with pytest.raises(CheckpointError, match="no cosignature by"):
        verify_cosignature(line, CHECKPOINT, key_of(witnesses[1]))


def test_the_signature_of_a_log_is_no_cosignature_of_it(signer: SeedSigner, note: str) -> None:
    """One key makes both, and neither passes for the other: a log is not its own witness by having signed."""
    own = key_of(signer)
    assert read_cosignatures(note, [own]) == {}
    line = sign_checkpoint(CHECKPOINT, signer).split("\n\n")[1]
    with pytest.raises(CheckpointError):
        verify_cosignature(line, CHECKPOINT, own)
    cosigned_only = CHECKPOINT.to_text() + "\n" + cosign(CHECKPOINT, signer, AT)
    with pytest.raises(CheckpointError, match="0 signatures"):
        verify_checkpoint(cosigned_only, signer.name, signer.public_key)


def test_a_time_changed_is_a_signature_broken(witnesses: list[SeedSigner]) -> None:
    early, late = (cosign(CHECKPOINT, witnesses[0], at) for at in (AT, AT + 1))
    blobs = [split_note(f"{CHECKPOINT.to_text()}\n{line}")[1][0][1] for line in (early, late)]
    mixed = f"— {witnesses[0].name} {encode_base64(blobs[0][:12] + blobs[1][12:])}\n"
    with pytest.raises(CheckpointError, match="does not fit"):
        verify_cosignature(mixed, CHECKPOINT, key_of(witnesses[0]))


@pytest.mark.parametrize("at", [-1, MAX_TIME + 1])
def test_no_time_is_signed_that_the_format_forbids(witnesses: list[SeedSigner], at: int) -> None:
    with pytest.raises(CheckpointError, match="number of seconds"):
        cosign(CHECKPOINT, witnesses[0], at)


def test_lines_by_others_are_passed_over_and_lines_by_known_keys_must_hold(
    note: str, witnesses: list[SeedSigner]
) -> None:
    stranger = cosign(CHECKPOINT, witnesses[4], AT)
    assert set(read_cosignatures(note + stranger, [key_of(witnesses[0])])) == {witnesses[0].name}
    forged = cosign(Checkpoint(CHECKPOINT.origin, 8, bytes(32)), witnesses[3], AT)
    with pytest.raises(CheckpointError, match=f"by {witnesses[3].name} does not fit"):
        read_cosignatures(note + forged, [key_of(witness) for witness in witnesses])


def test_a_quorum_counts_witnesses_and_not_lines(note: str, witnesses: list[SeedSigner]) -> None:
    keys = [key_of(witness) for witness in witnesses]
    again = note + cosign(CHECKPOINT, witnesses[0], AT + 60)
    assert verify_quorum(again, keys, 3) == {
        witnesses[0].name: AT + 60,
        witnesses[1].name: AT,
        witnesses[2].name: AT,
    }
    with pytest.raises(CheckpointError, match="3 of the witnesses have cosigned it, and 4 have to"):
        verify_quorum(again, keys, 4)


def test_one_key_under_two_names_is_no_two_witnesses(note: str, witnesses: list[SeedSigner]) -> None:
    first = key_of(witnesses[0])
    alias = VerifierKey("node-alias", first.public_key, KeyKind.COSIGNATURE)
    with pytest.raises(CheckpointError, match="one key"):
        verify_quorum(note, [first, alias], 1)


def test_a_note_stays_within_what_is_read(note: str) -> None:
    with pytest.raises(CheckpointError, match="longer than"):
        add_cosignature(note, "x" * MAX_NOTE)


def test_a_key_of_a_witness_is_none_of_a_log() -> None:
    with pytest.raises(CheckpointError):
        parse_verifier_key(WITNESS_KEYS[0])
    with pytest.raises(CheckpointError):
        parse_verifier_key(LOG_KEY, KeyKind.COSIGNATURE)


# --- Hostile lines ---------------------------------------------------------------------------------------------------


@FEW
@given(text=st.text(max_size=300), blob=st.binary(max_size=120))
def test_any_line_gives_a_time_or_our_own_error(witnesses: list[SeedSigner], text: str, blob: bytes) -> None:
    key = key_of(witnesses[0])
    lines = (text, f"— {key.name} {encode_base64(key.key_id + blob)}\n", f"— {key.name} {text}")
    for line in lines:
        with suppress(CheckpointError):
            verify_cosignature(line, CHECKPOINT, key)


@FEW
@given(data=st.data())
def test_no_bit_of_a_cosignature_may_change(witnesses: list[SeedSigner], data: Any) -> None:
    line = bytearray(cosign(CHECKPOINT, witnesses[0], AT).encode())
    place = data.draw(st.integers(0, len(line) - 2))
    line[place] ^= data.draw(st.sampled_from([1, 2, 4, 8]))
    with pytest.raises((CheckpointError, UnicodeDecodeError)):
        verify_cosignature(line.decode(), CHECKPOINT, key_of(witnesses[0]))
