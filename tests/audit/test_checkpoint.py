"""Checkpoints keep to the C2SP formats, have one encoding each, and hold only under the log's own signature."""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import (
    MAX_LOG_SIZE,
    MAX_NOTE,
    Checkpoint,
    CheckpointError,
    VerifierKey,
    parse_checkpoint,
    parse_verifier_key,
    sign_checkpoint,
    verify_checkpoint,
)

if TYPE_CHECKING:
    from tests.audit.conftest import SeedSigner

ORIGIN = "circe.example/node/301"
ROOT = bytes(range(32))
ROOT_TEXT = base64.b64encode(ROOT).decode()
BODY = f"{ORIGIN}\n7\n{ROOT_TEXT}\n"
CHECKPOINT = Checkpoint(ORIGIN, 7, ROOT)
FEW = settings(max_examples=50, derandomize=True, deadline=None)

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="+"), min_size=1, max_size=200
)
hashes = st.binary(min_size=32, max_size=32)
checkpoints = st.builds(Checkpoint, names, st.integers(0, MAX_LOG_SIZE), hashes)


@pytest.fixture(scope="module")
def note(signer: SeedSigner) -> str:
    return sign_checkpoint(CHECKPOINT, signer)


# --- Known answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
    ids=["Go's checksum database", "the example of Go's note package"],
)
def test_published_verifier_keys_have_the_key_ids_they_name(text: str) -> None:
    key = parse_verifier_key(text)
    assert key.to_text() == text
    assert key.key_id.hex() == text.split("+")[1]


def test_the_example_of_the_format_is_read() -> None:
    body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = parse_checkpoint(body)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex().startswith("0ac5186a9186")


def test_a_signed_checkpoint_is_written_as_the_format_says(signer: SeedSigner, note: str) -> None:
    """Three lines, a blank one, and: em dash, key name, base64 of key id and signature over the three lines."""
    blob = VerifierKey(ORIGIN, signer.public_key).key_id + signer.sign(BODY.encode())
    assert note == f"{BODY}\n— {ORIGIN} {base64.b64encode(blob).decode()}\n"


# --- Round trips -----------------------------------------------------------------------------------------------------


@FEW
@given(checkpoints)
def test_a_checkpoint_survives_its_text(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(checkpoint.to_text()) == checkpoint


@FEW
@given(names, hashes)
def test_a_verifier_key_survives_its_text(name: str, public_key: bytes) -> None:
    key = VerifierKey(name, public_key)
    assert parse_verifier_key(key.to_text()) == key


@FEW
@given(checkpoints)
def test_a_checkpoint_survives_being_signed_and_verified(
    make_signer: Callable[[str, int], SeedSigner], checkpoint: Checkpoint
) -> None:
    signer = make_signer(checkpoint.origin, 3)
    note = sign_checkpoint(checkpoint, signer)
    assert verify_checkpoint(note, checkpoint.origin, signer.public_key) == checkpoint
    assert verify_checkpoint(note.encode(), checkpoint.origin, signer.public_key) == checkpoint


# --- Any text gives a value or our own error -------------------------------------------------------------------------


@FEW
@given(st.one_of(st.text(), st.text(alphabet="0123456789\n+/=AaZz— \u2028", max_size=80)))
def test_any_text_is_read_or_refused(signer: SeedSigner, text: str) -> None:
    with suppress(CheckpointError):
        assert parse_checkpoint(text).to_text() == text
    with suppress(CheckpointError):
        assert parse_verifier_key(text).to_text() == text
    with pytest.raises(CheckpointError):
        verify_checkpoint(text, ORIGIN, signer.public_key)


@FEW
@given(st.binary())
def test_any_bytes_are_refused(signer: SeedSigner, data: bytes) -> None:
    with pytest.raises(CheckpointError):
        verify_checkpoint(data, ORIGIN, signer.public_key)


def test_a_note_with_any_bit_flipped_is_refused(signer: SeedSigner, note: str) -> None:
    for place, byte in enumerate(note.encode()):
        for bit in range(8):
            flipped = bytearray(note.encode())
            flipped[place] = byte ^ 1 << bit
            with pytest.raises(CheckpointError):
                verify_checkpoint(bytes(flipped), ORIGIN, signer.public_key)


MALFORMED_BODIES = {
    "nothing": "",
    "no final newline": BODY[:-1],
    "a fourth line": BODY + "extension\n",
    "a blank line": BODY + "\n",
    "two lines": f"{ORIGIN}\n7\n",
    "an empty origin": f"\n7\n{ROOT_TEXT}\n",
    "an origin of two words": f"circe example\n7\n{ROOT_TEXT}\n",
    "an origin with a plus": f"circe+example\n7\n{ROOT_TEXT}\n",
    "an origin with a control character": f"circe\x7f\n7\n{ROOT_TEXT}\n",
    "an origin that never ends": f"{'c' * 201}\n7\n{ROOT_TEXT}\n",
    "a leading zero": f"{ORIGIN}\n07\n{ROOT_TEXT}\n",
    "a sign": f"{ORIGIN}\n+7\n{ROOT_TEXT}\n",
    "a negative size": f"{ORIGIN}\n-7\n{ROOT_TEXT}\n",
    "a size in other digits": f"{ORIGIN}\n\N{ARABIC-INDIC DIGIT SEVEN}\n{ROOT_TEXT}\n",
    "a size with an underscore": f"{ORIGIN}\n1_0\n{ROOT_TEXT}\n",
    "no size": f"{ORIGIN}\n\n{ROOT_TEXT}\n",
    "a size that is too large": f"{ORIGIN}\n{2**63}\n{ROOT_TEXT}\n",
    "a size that never ends": f"{ORIGIN}\n{'9' * 5000}\n{ROOT_TEXT}\n",
    "a carriage return": f"{ORIGIN}\r\n7\r\n{ROOT_TEXT}\r\n",
    "no root": f"{ORIGIN}\n7\n\n",
    "a root without padding": f"{ORIGIN}\n7\n{ROOT_TEXT[:-1]}\n",
    "a root with stray bits": f"{ORIGIN}\n7\n{ROOT_TEXT[:-2]}9=\n",
    "a root in the URL alphabet": f"{ORIGIN}\n7\n{'_' * 43}=\n",
    "a root with a space": f"{ORIGIN}\n7\n {ROOT_TEXT}\n",
    "a short root": f"{ORIGIN}\n7\n{base64.b64encode(ROOT[:31]).decode()}\n",
}


@pytest.mark.parametrize("body", MALFORMED_BODIES.values(), ids=MALFORMED_BODIES.keys())
def test_a_malformed_body_is_refused_even_when_signed(signer: SeedSigner, body: str) -> None:
    with pytest.raises(CheckpointError):
        parse_checkpoint(body)
    with pytest.raises(CheckpointError):
        verify_checkpoint(body + sign_line(signer, body), ORIGIN, signer.public_key)


def sign_line(signer: SeedSigner, body: str) -> str:
    """The blank line and the signature line of a note."""
    blob = VerifierKey(signer.name, signer.public_key).key_id + signer.sign(body.encode())
    return f"\n— {signer.name} {base64.b64encode(blob).decode()}\n"


MALFORMED_LINES = {
    "no signature": "\n",
    "no signature and no blank line": "",
    "a hyphen for the dash": f"\n- {ORIGIN} AAAAAAAA\n",
    "no key name": "\n— AAAAAAAA\n",
    "an empty key name": "\n—  AAAAAAAA\n",
    "a key name with a plus": "\n— a+b AAAAAAAA\n",
    "no base64": f"\n— {ORIGIN} !!!!\n",
    "a key id without a signature": f"\n— {ORIGIN} AAAAAA==\n",
    "a third word": f"\n— {ORIGIN} AAAAAAAA more\n",
    "no final newline": f"\n— {ORIGIN} AAAAAAAA",
    "a line after it": f"\n— {ORIGIN} AAAAAAAA\nmore\n",
}


@pytest.mark.parametrize("lines", MALFORMED_LINES.values(), ids=MALFORMED_LINES.keys())
def test_malformed_signature_lines_are_refused(signer: SeedSigner, note: str, lines: str) -> None:
    with pytest.raises(CheckpointError):
        verify_checkpoint(BODY + lines, ORIGIN, signer.public_key)
    extra = lines.removeprefix("\n")
    if extra:
        with pytest.raises(CheckpointError):
            verify_checkpoint(note + extra, ORIGIN, signer.public_key)


@pytest.mark.parametrize(
    "text",
    ["", "name", "name+0a0b0c0d", "name+033de0ae+", "name+00000000+AQ==", "+00000000+" + "A" * 44],
    ids=["nothing", "a name", "a key id", "no key", "a short key", "no name"],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_verifier_key(text)


def test_a_verifier_key_with_another_key_id_is_refused(signer: SeedSigner) -> None:
    text = VerifierKey("other", signer.public_key).to_text().replace("other", ORIGIN)
    with pytest.raises(CheckpointError):
        parse_verifier_key(text)


@pytest.mark.parametrize(
    ("size", "root"), [(-1, ROOT), (2**63, ROOT), (True, ROOT), (1.0, ROOT), (1, ROOT[:31]), (1, ROOT.hex())]
)
def test_a_checkpoint_that_cannot_be_written_cannot_be_made(size: Any, root: Any) -> None:
    with pytest.raises(CheckpointError):
        Checkpoint(ORIGIN, size, root)


def test_a_note_beyond_the_bound_is_refused(signer: SeedSigner, note: str) -> None:
    line = "— witness.example AAAAAAAA\n"
    lines = line * (MAX_NOTE // len(line))
    with pytest.raises(CheckpointError, match="longer than"):
        verify_checkpoint(note + lines, ORIGIN, signer.public_key)


# --- Whose signature it is -------------------------------------------------------------------------------------------


def test_signatures_by_unknown_keys_are_passed_over(
    signer: SeedSigner, make_signer: Callable[[str, int], SeedSigner], note: str
) -> None:
    """A witness may add its line, before or after ours, even under our name or with our key id."""
    witness = sign_line(make_signer("witness.example/7", 9), BODY).removeprefix("\n")
    namesake = sign_line(make_signer(ORIGIN, 9), BODY).removeprefix("\n")
    ours = sign_line(signer, BODY).removeprefix("\n")
    same_id = ours.replace(ORIGIN, "else.example")
    for lines in (ours + witness, witness + ours, namesake + ours + witness + same_id):
        assert verify_checkpoint(f"{BODY}\n{lines}", ORIGIN, signer.public_key) == CHECKPOINT


def test_a_checkpoint_signed_by_others_alone_is_refused(
    signer: SeedSigner, make_signer: Callable[[str, int], SeedSigner]
) -> None:
    with pytest.raises(CheckpointError, match="0 signatures"):
        verify_checkpoint(sign_checkpoint(CHECKPOINT, make_signer(ORIGIN, 9)), ORIGIN, signer.public_key)


def test_a_second_line_by_the_same_key_is_refused(signer: SeedSigner, note: str) -> None:
    with pytest.raises(CheckpointError, match="2 signatures"):
        verify_checkpoint(note + note.rpartition("\n\n")[2], ORIGIN, signer.public_key)


def test_a_checkpoint_of_another_log_is_refused(
    signer: SeedSigner, make_signer: Callable[[str, int], SeedSigner], note: str
) -> None:
    with pytest.raises(CheckpointError):
        verify_checkpoint(note, "circe.example/node/302", signer.public_key)
    body = BODY.replace("301", "302")
    with pytest.raises(CheckpointError, match="another origin"):
        verify_checkpoint(body + sign_line(signer, body), ORIGIN, signer.public_key)


def test_nobody_signs_for_another_origin(make_signer: Callable[[str, int], SeedSigner]) -> None:
    with pytest.raises(CheckpointError):
        sign_checkpoint(CHECKPOINT, make_signer("circe.example/node/302", 1))
