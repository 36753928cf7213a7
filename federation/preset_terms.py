"""Which version of which preset protects, as a manifest and a template state it.

A name is not enough, nor a number beside it: a file can be changed under both. So the bytes that are signed hold the
digest of the rules, and whoever acts on them compares it with the rules that they have.
"""

from typing import Any, Protocol

from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.rules import digest_rules
from federation.cell_key_terms import CellKeyTerms, state_cell_keys

__all__ = ["Protected", "check_stated", "state_preset"]


class Protected(Protocol):
    """What states its protection: a manifest or a template."""

    @property
    def preset(self) -> str:
        """Its name."""

    @property
    def preset_version(self) -> str:
        """Its version."""

    @property
    def preset_digest(self) -> str:
        """The digest of its rules."""

    @property
    def cell_key(self) -> CellKeyTerms | None:
        """How it changes counts by cell keys; None where it changes none."""


def state_preset(preset: Preset) -> dict[str, Any]:
    """The fields of a manifest or a template that say which preset protects."""
    return {
        "preset": preset.name,
        "preset_version": preset.version,
        "preset_digest": digest_rules(preset),
        "cell_key": state_cell_keys(preset),
    }


def check_stated(asked: Protected, preset: Preset) -> None:
    """Check that a preset is the one that something states, rule by rule. Raises `PresetInvalid`."""
    stated = {
        "preset": asked.preset,
        "preset_version": asked.preset_version,
        "preset_digest": asked.preset_digest,
        "cell_key": asked.cell_key,
    }
    if stated != state_preset(preset):
        raise PresetInvalid(f"the preset {asked.preset} is another version here than was approved")
