"""Manifests as they are stored, each read once: whatever a node hands in for a question asks what it is about."""

from functools import lru_cache

from federation.envelope import Envelope, read_envelope
from federation.manifest import MANIFEST_TYPE, Manifest, read_manifest

MOST_KEPT = 512
"""More than are ever in flight at once, so that none is read anew for each node that answers it."""


@lru_cache(MOST_KEPT)
def read_stored(data: bytes) -> tuple[Envelope, Manifest]:
    """Return a stored envelope and its manifest; verifies no signature. Raises `EnvelopeError` or `ApprovalError`."""
    envelope = read_envelope(data, MANIFEST_TYPE)
    return envelope, read_manifest(envelope)
