"""Proofs that an entry is in a log, in the C2SP format tlog-proof: one file, verified offline.

    c2sp.org/tlog-proof@v1
    extra 3q2+7wAAAAAAAAAAAAAAAHsiYWN0aW5nX2ZvciI6...
    index 73
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=

    hub
    109
    sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

    — hub hI2DJw...
    — node-203 mJirIk...

The index of the entry, the hashes that lead from it to the root (RFC 9162, 2.1.3), and a checkpoint with its witnesses'
cosignatures. `extra` is the entry itself, salt and body: whoever has the proof of an entry may read it, and the salt is
what makes its hash tell nothing to whoever has not.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from audit.checkpoint import (
    MAX_NOTE,
    Checkpoint,
    CheckpointError,
    VerifierKey,
    decode_base64,
    encode_base64,
    split_note,
    verify_checkpoint,
)
from audit.connection import Connection
from audit.cosignature import verify_quorum
from audit.entry import SALT_SIZE, Entry, hash_entry
from audit.event import MAX_BODY, AuditEvent, EventInvalid, parse_event
from audit.log import inclusion_proof, read_checkpoint
from audit.merkle import ProofError, verify_inclusion
from audit.witness import MOST_HASHES, read_hash
from audit.witness_store import best_cosigned

HEADER = "c2sp.org/tlog-proof@v1"
SUFFIX = ".tlog-proof"
"""How the name of a file with a proof ends."""

_EXTRA = re.compile(r"extra ([A-Za-z0-9+/]+={0,2})")
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


class ProofInvalid(Exception):
    """The file is no proof of an entry of that log, or not yet witnessed by enough."""


@dataclass(frozen=True)
class LogProof:
    """A proof as the file has it; nothing in it is to be believed before it is verified."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes = b""

    def to_text(self) -> str:
        """Return the content of the file."""
        extra = f"extra {encode_base64(self.extra)}\n" if self.extra else ""
        hashes = "".join(f"{encode_base64(digest)}\n" for digest in self.hashes)
        return f"{HEADER}\n{extra}index {self.index}\n{hashes}\n{self.note}"


@dataclass(frozen=True)
class ProvenEntry:
    """An entry that is in a log, the checkpoint that shows it, and the witnesses of that with their times."""

    index: int
    event: AuditEvent
    checkpoint: Checkpoint
    witnesses: Mapping[str, int]


def parse_proof(data: str | bytes) -> LogProof:
    """Read a proof. Raises ProofInvalid unless it is in its one accepted encoding."""
    text = _decode(data)
    head, gap, note = text.partition("\n\n")
    header, *lines = head.split("\n")
    if header != HEADER or not gap:
        raise ProofInvalid(f"a proof begins with the line {HEADER}, and has a blank line before its checkpoint")
    extra = _EXTRA.fullmatch(lines[0]) if lines else None
    index, *hashes = lines[1:] if extra else (lines or [""])
    number = _INDEX.fullmatch(index)
    if number is None or len(hashes) > MOST_HASHES:
        raise ProofInvalid(f"a proof names the index of its entry, and then has up to {MOST_HASHES} hashes")
    try:
        opaque = decode_base64(extra[1], "the extra data") if extra else b""
        return LogProof(int(number[1]), tuple(map(read_hash, hashes)), note, opaque)
    except CheckpointError as error:
        raise ProofInvalid(str(error)) from None


def _decode(data: str | bytes) -> str:
    if len(data) > 2 * MAX_NOTE:
        raise ProofInvalid("the proof is too long")
    try:
        return data.decode() if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        raise ProofInvalid("the proof is not UTF-8") from None


def name_origin(proof: LogProof) -> str:
    """Return the log that a proof says it is about: the name under which to look for the keys. Raises ProofInvalid."""
    try:
        return split_note(proof.note)[0].split("\n")[0]
    except CheckpointError as error:
        raise ProofInvalid(str(error)) from None


def verify_proof(proof: LogProof, log: VerifierKey, witnesses: Collection[VerifierKey], quorum: int) -> ProvenEntry:
    """Return the entry that a proof carries, once it is shown to be in the log, and the log to be witnessed.

    In order, each ending in ProofInvalid where it does not hold: the log's key signed the checkpoint; at least `quorum`
    of the witnesses cosigned it; the entry is a leaf of its tree, at that index; the entry is an event.
    """
    salt, body = proof.extra[:SALT_SIZE], proof.extra[SALT_SIZE:]
    if not SALT_SIZE < len(proof.extra) <= SALT_SIZE + MAX_BODY:
        raise ProofInvalid("the proof does not carry its entry: a salt and a body")
    try:
        checkpoint = verify_checkpoint(proof.note, log.name, log.public_key)
        found = verify_quorum(proof.note, witnesses, quorum)
        verify_inclusion(proof.index, checkpoint.size, hash_entry(salt, body), checkpoint.root, proof.hashes)
        return ProvenEntry(proof.index, parse_event(body), checkpoint, found)
    except (CheckpointError, ProofError, EventInvalid) as error:
        raise ProofInvalid(str(error)) from None


def prove_entry(connection: Connection, entry: Entry) -> LogProof:
    """Return the proof of an entry under the checkpoint that most witnesses have cosigned, of those that cover it.

    Where none does yet, it is under the newest, which the log alone has signed. Raises ProofInvalid for an entry whose
    body was deleted: proofs that were made before hold as they did, and no other can carry what is gone.
    """
    if entry.deleted_by is not None:
        raise ProofInvalid(
            f"the body of entry {entry.index} was deleted when its time was over, as entry {entry.deleted_by} says: "
            "there is nothing left to carry in a proof"
        )
    cosigned = best_cosigned(connection, beyond=entry.index)
    newest = read_checkpoint(connection)
    size, note = (cosigned.size, cosigned.note) if cosigned else (newest.size, newest.note.decode())
    hashes = tuple(inclusion_proof(connection, entry.index, size))
    return LogProof(entry.index, hashes, note, entry.salt + entry.body)
