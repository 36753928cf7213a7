"""The presets that were in use at a party: kept before anything is protected by them, and never changed again.

Whoever reads what others asked may lack the rules that protect it. They are lent to read by, and to nothing else: they
are those whose digest was signed, but nobody here has held them to a floor.
"""

from dataclasses import dataclass, replace
from hashlib import sha256

from disclosure_control.presets.preset import Preset, PresetInvalid
from disclosure_control.presets.rules import name_added, read_rules, write_rules
from disclosure_control.presets.shelf import PresetShelf
from disclosure_control.presets.shipped import list_presets
from federation.preset_terms import Protected, check_stated
from federation.state import hold_directory, write_file

__all__ = ["ReadingShelf", "keep_version", "read_stated"]


@dataclass(frozen=True)
class ReadingShelf(PresetShelf):
    """A party's presets, and beside them rules that it was lent to read releases by."""

    lent: tuple[Preset, ...] = ()

    def load(self, name: str) -> Preset:
        """The preset of that name, the party's own before one that it was lent. Raises `PresetInvalid`."""
        try:
            return super().load(name)
        except PresetInvalid:
            for preset in self.lent:
                if preset.name == name:
                    return preset
            raise

    def find(self, name: str, version: str) -> Preset:
        """A preset in the version that protected something once, the same. Raises `PresetInvalid`."""
        try:
            return super().find(name, version)
        except PresetInvalid:
            for preset in self.lent:
                if (preset.name, preset.version) == (name, version):
                    return preset
            raise


def read_stated(asked: Protected, content: bytes) -> Preset:
    """Return the preset whose rules something signed states by their digest, whoever handed them over.

    Raises `PresetInvalid` for any other bytes, of which nothing is read.
    """
    if sha256(content).hexdigest() != asked.preset_digest:
        raise PresetInvalid(f"{asked.preset}: the rules that were handed over are not those that were approved")
    preset = read_rules(content, asked.preset)
    if asked.preset not in list_presets():
        preset = replace(preset, version=name_added(preset))
    check_stated(asked, preset)
    return preset


def keep_version(presets: PresetShelf, preset: Preset) -> None:
    """Keep the rules of a version that is about to be used, for what it protects to be read by them later.

    Raises `PresetInvalid` where the version was in use with other rules: then the file was changed under its name.
    """
    presets.check_unchanged(preset)
    place = presets.place(preset.name, preset.version)
    if place is None or place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with hold_directory(place.parent):
        if not place.exists():
            write_file(place, write_rules(preset))
    presets.check_unchanged(preset)
