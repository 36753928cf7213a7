"""The presets that Circe ships, read strictly from their files.

The files in `presets/` are the reference: each says in comments what it takes from its source and what it decides
where the source is silent. `docs/presets.md` is written from them.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, get_args

from disclosure_control.cell_key.ptable import KEY_RANGES
from disclosure_control.presets.preset import LEVELS, ByLevel, CellKeyRule, Dominance, Preset, PresetInvalid, Zero
from disclosure_control.symbols import Symbol

__all__ = ["Preset", "PresetInvalid", "list_presets", "load_preset", "parse_entries", "parse_preset"]

FOLDER = Path(__file__).parent
DIGEST = re.compile(r"[0-9a-f]{64}")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
VERSION = re.compile(r"[0-9a-z][0-9a-z.]{0,15}")
WANTED = frozenset(each.name for each in fields(Preset)) - {"level"}
"""The keys of a file. A preset is read at the level of an authority, and taken to another from there."""


def list_presets() -> tuple[str, ...]:
    """The names of the presets that Circe ships, in alphabetical order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def load_preset(name: str) -> Preset:
    """The shipped preset of that name. Raises `PresetInvalid` where there is none."""
    if name not in list_presets():
        raise PresetInvalid(f"there is no preset of that name; choose one of: {', '.join(list_presets())}")
    return parse_preset((FOLDER / f"{name}.toml").read_bytes(), name)


def parse_preset(content: bytes, name: str) -> Preset:
    """The preset in a file's bytes, which must call itself `name`. Raises `PresetInvalid`."""
    try:
        entries = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PresetInvalid(f"{name}: is not TOML: {error}") from None
    return parse_entries(entries, name)


def parse_entries(entries: Mapping[str, Any], name: str) -> Preset:
    """The preset of a file's entries. Raises `PresetInvalid`."""
    if problems := sorted(WANTED ^ entries.keys()):
        raise PresetInvalid(f"{name}: keys missing or unknown: {', '.join(problems)}")
    if entries["name"] != name or not NAME.fullmatch(name):
        raise PresetInvalid(f"{name}: name must be the file's own, in lower case")
    read = {key: _read_entry(f"{name}: {key}", key, value) for key, value in entries.items()}
    return Preset(**read, level="authority")


_NUMBERS: Mapping[str, tuple[int, int]] = {
    "smallest_count_shown": (2, 1000),
    "minimum_n_mean": (2, 1000),
    "minimum_n_spread": (2, 1000),
    "minimum_n_correlation": (3, 1000),
    "minimum_n_model": (2, 1000),
    "minimum_residual_df": (1, 1000),
    "proportion_decimals": (0, 4),
    "mean_decimals": (0, 4),
}
"""The least and the greatest value of each rule that is a number."""

_DOMINANCE: Mapping[str, tuple[int, int]] = {
    "largest": (1, 10),
    "most_per_cent": (1, 99),
    "rest_per_cent": (1, 100),
}

_CELL_KEY: Mapping[str, tuple[int, int]] = {"most": (1, 100), "answers": (1, 1000)}
_CELL_KEY_ENTRIES = frozenset({"keys", "table", *_CELL_KEY})


def _read_entry(where: str, key: str, value: Any) -> Any:
    """One entry in its own type. Raises `PresetInvalid`."""
    if key in _NUMBERS:
        return _read_number(where, value, *_NUMBERS[key])
    match key:
        case "rounding_bases":
            return _read_levels(where, value, lambda place, each: _read_number(place, each, 1, 1000))
        case "claims":
            return _read_levels(where, value, _read_text)
        case "dominance":
            return _read_dominance(where, value)
        case "cell_key":
            return _read_cell_key(where, value)
        case "symbols":
            return _read_symbols(where, value)
        case "version" if not isinstance(value, str) or not VERSION.fullmatch(value):
            raise PresetInvalid(f'{where} must be a number in quotation marks, such as "2"')
        case "zero" if value not in get_args(Zero):
            raise PresetInvalid(f"{where} must be one of: {', '.join(get_args(Zero))}")
        case _:
            return _read_text(where, value)


def _read_number(where: str, value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise PresetInvalid(f"{where} must be a whole number from {low} to {high}")
    return value


def _read_text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise PresetInvalid(f"{where} must be a text that is not empty")
    return value


def _read_levels(where: str, value: Any, read: Callable[[str, Any], Any]) -> ByLevel[Any]:
    """A table with an entry for each level and no other."""
    if not isinstance(value, dict) or value.keys() != set(LEVELS):
        raise PresetInvalid(f"{where} must have an entry for each of: {', '.join(LEVELS)}")
    return ByLevel(*(read(f"{where}.{level}", value[level]) for level in LEVELS))


def _read_dominance(where: str, value: Any) -> Dominance | None:
    if value == "none":
        return None
    if not isinstance(value, dict) or value.keys() != _DOMINANCE.keys():
        raise PresetInvalid(f'{where} must be "none" or have: {", ".join(_DOMINANCE)}')
    return Dominance(*(_read_number(f"{where}.{key}", value[key], *ends) for key, ends in _DOMINANCE.items()))


def _read_cell_key(where: str, value: Any) -> CellKeyRule | None:
    if value == "none":
        return None
    if not isinstance(value, dict) or value.keys() != _CELL_KEY_ENTRIES:
        raise PresetInvalid(f'{where} must be "none" or have: {", ".join(sorted(_CELL_KEY_ENTRIES))}')
    keys, table = value["keys"], value["table"]
    if type(keys) is not int or keys not in KEY_RANGES:
        raise PresetInvalid(f"{where}.keys must be one of: {', '.join(map(str, KEY_RANGES))}")
    if not isinstance(table, str) or not DIGEST.fullmatch(table):
        raise PresetInvalid(f"{where}.table must be the SHA-256 digest of the table's file: 64 figures, base 16")
    numbers = {key: _read_number(f"{where}.{key}", value[key], *ends) for key, ends in _CELL_KEY.items()}
    return CellKeyRule(keys=keys, table=table, **numbers)


def _read_symbols(where: str, value: Any) -> frozenset[Symbol]:
    if not isinstance(value, list) or any(each not in list(Symbol) for each in value):
        raise PresetInvalid(f"{where} must be a list of: {', '.join(Symbol)}")
    return frozenset(Symbol(each) for each in value)
