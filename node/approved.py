"""A manifest that its own envelope has shown to be approved: what the rest of the checklist is about."""

from dataclasses import dataclass

from federation.manifest import Manifest
from federation.register import Member, Register
from federation.template import Template


@dataclass(frozen=True)
class Approved:
    """A manifest that has passed lines 1 to 5: what the envelope itself can show."""

    manifest: Manifest
    digest: str
    asker: Member
    register: Register
    template: Template | None = None
