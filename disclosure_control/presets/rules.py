"""The rules of a preset as bytes: what tells one version of a preset from another, and what a version is kept as.

A file can be laid out and commented in many ways and say the same. Its rules have one encoding, JSON with sorted keys,
and one digest, which manifests state and everybody compares. Where a preset stands at a level is no rule of it.
"""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.shipped import parse_entries

__all__ = ["digest_rules", "name_added", "number_of", "read_rules", "write_rules"]

DIGITS = 12
"""Figures of the digest at the end of an added preset's version, for people to tell two apart."""


def write_rules(preset: Preset) -> bytes:
    """The one encoding of a preset's rules."""
    entries: dict[str, Any] = asdict(preset)
    del entries["level"]
    entries |= {"version": number_of(preset.version), "symbols": sorted(preset.symbols)}
    for rule in ("dominance", "cell_key"):
        entries[rule] = entries[rule] or "none"
    return json.dumps(entries, sort_keys=True, separators=(",", ":")).encode()


def read_rules(content: bytes, name: str) -> Preset:
    """The preset that some rules are of. Raises `PresetInvalid` for anything but their one encoding."""
    try:
        entries = json.loads(content)
    except ValueError:
        entries = None
    if not isinstance(entries, dict):
        raise PresetInvalid(f"{name}: what was kept of it are no rules")
    preset = parse_entries(entries, name)
    if write_rules(preset) != content:
        raise PresetInvalid(f"{name}: what was kept of it is not as it was written")
    return preset


def digest_rules(preset: Preset) -> str:
    """The SHA-256 digest of a preset's rules, in base 16."""
    return hashlib.sha256(write_rules(preset)).hexdigest()


def name_added(preset: Preset) -> str:
    """The version of an added preset: the number that its file has, and the beginning of its digest."""
    return f"{number_of(preset.version)}-{digest_rules(preset)[:DIGITS]}"


def number_of(version: str) -> str:
    """The version as the file has it."""
    return version.partition("-")[0]
