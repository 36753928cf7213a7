"""The presets that one party knows: those that Circe ships, and stricter ones that a federation or an authority adds.

An added preset is a file like the shipped ones, in a folder of the party's own, with one entry more:

    floor = "acro"

the shipped preset that it is stricter than. It is held to that floor rule by rule whenever it is read, so that no edit
can make it looser. Its version ends in the beginning of the digest of its rules: nodes, hub and clients that hold
different rules under one name and version notice, and refuse, as they do where a shipped preset is of another version.

A preset that is changed needs a new version. The rules of every version that was in use here are kept in a folder
beside the files, for good: what it protected is read by them, whatever the file says today.
"""

import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from disclosure_control.cell_key.ptable import PTable
from disclosure_control.cell_key.tables import find_table
from disclosure_control.presets.preset import CellKeyRule, Preset, PresetInvalid
from disclosure_control.presets.rules import name_added, number_of, read_rules, write_rules
from disclosure_control.presets.shipped import NAME, VERSION, list_presets, load_preset, parse_entries
from disclosure_control.presets.strictness import PresetLooser, check_stricter

__all__ = ["SHIPPED", "PresetShelf", "find_preset", "parse_added"]

KEPT = "kept"
"""The folder, among a party's own presets, of the rules of every version that was in use."""


@dataclass(frozen=True)
class PresetShelf:
    """Where a party's presets stand; without a folder of its own, it has the shipped ones."""

    own: Path | None = None

    def names(self) -> tuple[str, ...]:
        """The names of all presets, in alphabetical order; whether an added one is good is seen when it is loaded."""
        added = (path.stem for path in self.own.glob("*.toml")) if self.own is not None else ()
        return tuple(sorted({*list_presets(), *added}))

    def good(self) -> Iterator[Preset]:
        """All presets but added ones that are wrong, in alphabetical order."""
        for name in self.names():
            with suppress(PresetInvalid):
                yield self.load(name)

    def load(self, name: str) -> Preset:
        """The preset of that name; a shipped one is never replaced by an added one. Raises `PresetInvalid`."""
        if name in list_presets():
            return load_preset(name)
        if self.own is None or name not in self.names():
            raise PresetInvalid(f"there is no preset of that name; choose one of: {', '.join(self.names())}")
        try:
            content = (self.own / f"{name}.toml").read_bytes()
        except OSError:
            raise PresetInvalid(f"{name}: the file cannot be read") from None
        return parse_added(content, name)

    def find(self, name: str, version: str) -> Preset:
        """A preset in the version that protected something once: as it was kept, or as it stands here today.

        Raises `PresetInvalid` where that version is not here.
        """
        found = self._kept(name, version)
        if found is None and name in self.names():
            found = self.load(name)
        if found is None or found.version != version:
            where = f"{KEPT}/{name}-{number_of(version)}.json among the presets"
            raise PresetInvalid(f"{name}: version {version} is not here: copy {where} from where it was in use")
        return found

    def check_unchanged(self, preset: Preset) -> None:
        """Check that a version has the rules that it had whenever it was in use here. Raises `PresetInvalid`."""
        kept = self._kept(preset.name, preset.version)
        if kept is not None and write_rules(kept) != write_rules(preset):
            raise PresetInvalid(
                f"{preset.name}: version {number_of(preset.version)} was in use with other rules; a preset that is "
                "changed needs a new version"
            )

    def place(self, name: str, version: str) -> Path | None:
        """Where the rules of a version are kept; None where there is no folder, or no such version can be."""
        if self.own is None or not NAME.fullmatch(name) or not VERSION.fullmatch(number_of(version)):
            return None
        return self.own / KEPT / f"{name}-{number_of(version)}.json"

    def _kept(self, name: str, version: str) -> Preset | None:
        """What was kept under a name and the number of a version; None where nothing was."""
        if (place := self.place(name, version)) is None:
            return None
        try:
            preset = read_rules(place.read_bytes(), name)
        except FileNotFoundError:
            return None
        except OSError:
            raise PresetInvalid(f"{name}: what was kept of it cannot be read") from None
        return preset if name in list_presets() else replace(preset, version=name_added(preset))

    def find_table(self, rule: CellKeyRule) -> PTable:
        """The perturbation table that a preset names, from beside these presets. Raises `PTableInvalid`."""
        return find_table(rule, self.own)


SHIPPED = PresetShelf()
"""The presets that Circe ships, and no others."""


def find_preset(given: str) -> Preset:
    """The preset that a command is given: one that Circe ships by its name, an added one by its file.

    Raises `PresetInvalid`.
    """
    path = Path(given)
    if path.suffix != ".toml":
        return SHIPPED.load(given)
    if path.stem in list_presets():
        raise PresetInvalid(f"{path.stem}: a file of one's own must not have the name of a preset that Circe ships")
    if not path.is_file():
        raise PresetInvalid(f"{path.name}: there is no such file")
    return PresetShelf(path.parent).load(path.stem)


def parse_added(content: bytes, name: str) -> Preset:
    """The added preset in a file's bytes, held to the floor that it names. Raises `PresetInvalid`."""
    try:
        entries = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PresetInvalid(f"{name}: is not TOML: {error}") from None
    floor = entries.pop("floor", None)
    if floor not in list_presets():
        raise PresetInvalid(f"{name}: floor must name the preset that it is stricter than: {', '.join(list_presets())}")
    preset = parse_entries(entries, name)
    try:
        check_stricter(preset, load_preset(floor))
    except PresetLooser as looser:
        raise PresetInvalid(str(looser)) from None
    return replace(preset, version=name_added(preset))
