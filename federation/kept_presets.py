"""The presets that were in use at a party: kept before anything is protected by them, and never changed again."""

from disclosure_control.presets.preset import Preset
from disclosure_control.presets.rules import write_rules
from disclosure_control.presets.shelf import PresetShelf
from federation.state import hold_directory, write_file

__all__ = ["keep_version"]


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
