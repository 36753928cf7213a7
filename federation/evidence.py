"""The evidence of a release: all that its reader holds it against, for whoever has no hub to ask, and maybe no more.

It has the manifest as asker and approvers signed it, the rules of the preset that the manifest names by their digest,
and the register as the root signed it when the file was made, with the keys of all who signed. Nothing in it is
believed: of each part it is verified who signed it, and the root's key is the reader's own.
"""

from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.rules import write_rules
from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from federation.envelope import Envelope, read_envelope, write_envelope
from federation.kept_presets import ReadingShelf, read_stated
from federation.manifest import MANIFEST_TYPE, read_manifest
from federation.register import REGISTER_TYPE
from federation.wire import MAX_BATCH_BYTES, Document, decode_document, encode_document

__all__ = ["Evidence", "read_evidence", "shelve_rules", "write_evidence"]


class Evidence(Document, frozen=True):
    """A release's manifest, the rules that protect it, and the register under whose keys it was signed."""

    manifest: Envelope
    rules: str
    register: Envelope


def write_evidence(manifest: Envelope, preset: Preset, register: bytes) -> bytes:
    """Return the file of a release's evidence; `register` is as the root signed it."""
    rules = write_rules(preset).decode()
    signed = read_envelope(register, REGISTER_TYPE)
    return encode_document(Evidence(manifest=manifest, rules=rules, register=signed)) + b"\n"


def read_evidence(content: bytes) -> Evidence:
    """Return the evidence in a file, of which nothing is verified yet. Raises `WireError` or `EnvelopeError`."""
    evidence = decode_document(content, Evidence, limit=MAX_BATCH_BYTES)
    for envelope, kind in ((evidence.manifest, MANIFEST_TYPE), (evidence.register, REGISTER_TYPE)):
        read_envelope(write_envelope(envelope), kind)
    return evidence


def shelve_rules(evidence: Evidence) -> PresetShelf:
    """Return the presets to read a release by: those that Circe ships, and the rules that its manifest states.

    Rules that this software cannot read, or that are not those which were signed, are none.
    """
    try:
        stated = read_stated(read_manifest(evidence.manifest), evidence.rules.encode())
    except PresetInvalid:
        return SHIPPED
    return ReadingShelf(lent=(stated,))
