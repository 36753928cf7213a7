"""Cosignatures: what witnesses add to a checkpoint, in the C2SP format tlog-cosignature (Ed25519, `cosignature/v1`).

    — node-203 yTjAywAAAABqE5rgA0mB1gUhJ6tF1QyZrYhU0u...

The line carries base64 of a 4-byte key id, 8 bytes of POSIX seconds, and a signature over

    cosignature/v1
    time 1779669728
    circe.example/node/301
    1742
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

It says: at this time, the largest tree that I have seen of this log has this root, and it continues all that I have
signed of the log before. Whoever asks for the cosignatures of many has a history that all of them were shown.

A member cosigns with the key of its own log. The two cannot be mistaken for each other: the body of a checkpoint has a
number in its second line, and what is signed here has `time` there; and the key ids differ by the type byte.
"""

from collections.abc import Collection, Mapping
from struct import Struct

from cryptography.exceptions import InvalidSignature

from audit.checkpoint import (
    KEY_ID_SIZE,
    MAX_NOTE,
    Checkpoint,
    CheckpointError,
    KeyKind,
    Signer,
    VerifierKey,
    encode_base64,
    load_key,
    parse_checkpoint,
    read_signature,
    split_note,
)

MAX_TIME = 2**63 - 1
"""The latest time that a cosignature may state."""

_TIMED = Struct(">Q64s")


def cosign(checkpoint: Checkpoint, signer: Signer, at: int) -> str:
    """Return a witness's signature line over a checkpoint, at a time in POSIX seconds.

    Whether the log did continue is for the caller to know (audit/witness.py). Raises CheckpointError on a time that
    cannot be.
    """
    if not 0 <= at <= MAX_TIME:
        raise CheckpointError("the time of a cosignature is a number of seconds from 0 to 2**63 - 1")
    key = VerifierKey(signer.name, signer.public_key, KeyKind.COSIGNATURE)
    signature = signer.sign(_write_message(checkpoint.to_text(), at))
    return f"— {signer.name} {encode_base64(key.key_id + _TIMED.pack(at, signature))}\n"


def verify_cosignature(line: str, checkpoint: Checkpoint, witness: VerifierKey) -> int:
    """Return the time that a witness's line states, once its signature on the checkpoint holds.

    Raises CheckpointError on anything else, a line by another key included.
    """
    name, blob = read_signature(line.removesuffix("\n"))
    if not _is_by(name, blob, witness):
        raise CheckpointError(f"the line is no cosignature by {witness.name}")
    return _verify_blob(checkpoint.to_text(), blob, witness)


def read_cosignatures(note: str | bytes, witnesses: Collection[VerifierKey]) -> Mapping[str, int]:
    """Return the witnesses that cosigned a note, by name, each with the latest time that it states.

    Lines by others are passed over, as the format wants it. Raises CheckpointError on a malformed note, and where a
    line that names one of these keys does not hold.
    """
    body, signatures = split_note(note)
    parse_checkpoint(body)
    found: dict[str, int] = {}
    for witness in witnesses:
        for name, blob in signatures:
            if _is_by(name, blob, witness):
                found[witness.name] = max(_verify_blob(body, blob, witness), found.get(witness.name, 0))
    return found


def verify_quorum(note: str | bytes, witnesses: Collection[VerifierKey], quorum: int) -> Mapping[str, int]:
    """Return what `read_cosignatures` does, once at least `quorum` of these witnesses have cosigned.

    Raises CheckpointError, also where two of them share one key: then one could count for two.
    """
    if len({witness.public_key for witness in witnesses}) != len(witnesses):
        raise CheckpointError("two witnesses have one key")
    found = read_cosignatures(note, witnesses)
    if len(found) < quorum:
        raise CheckpointError(f"{len(found)} of the witnesses have cosigned it, and {quorum} have to")
    return found


def add_cosignature(note: str, line: str) -> str:
    """Return a note with a signature line added. Raises CheckpointError where it would become too long."""
    longer = note + line
    if len(longer.encode()) > MAX_NOTE:
        raise CheckpointError(f"with this signature the note would be longer than {MAX_NOTE} bytes")
    return longer


def _is_by(name: str, blob: bytes, witness: VerifierKey) -> bool:
    return name == witness.name and blob.startswith(witness.key_id)


def _verify_blob(body: str, blob: bytes, witness: VerifierKey) -> int:
    timed = blob[KEY_ID_SIZE:]
    if len(timed) != _TIMED.size:
        raise CheckpointError(f"the cosignature by {witness.name} is not a time and a signature")
    at, signature = _TIMED.unpack(timed)
    if at > MAX_TIME:
        raise CheckpointError(f"the cosignature by {witness.name} states a time that is none")
    try:
        load_key(witness.public_key).verify(signature, _write_message(body, at))
    except InvalidSignature:
        raise CheckpointError(f"the cosignature by {witness.name} does not fit its key") from None
    return int(at)


def _write_message(body: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{body}".encode()
