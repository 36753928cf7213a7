"""Presets: the rules of disclosure control as named, versioned, documented files.

The files in `presets/` are the reference: each says in comments what it takes from its source and what it decides
where the source is silent. A preset never prints a blank, and never prints 0 for a figure it hides.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from disclosure_control.symbols import Symbol

__all__ = ["Preset", "PresetInvalid", "Zero", "list_presets", "load_preset", "parse_preset"]

Zero = Literal["shown", "withheld"]

FOLDER = Path(__file__).with_name("presets")
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
ALWAYS_USED = frozenset({Symbol.CONFIDENTIAL, Symbol.UNAVAILABLE})


class PresetInvalid(Exception):
    """A preset does not exist, or its file is not as it must be; the text says which key and what belongs there."""


@dataclass(frozen=True)
class Preset:
    """One set of rules. Raises `PresetInvalid` where two of them contradict each other.

    `smallest_count_shown`, `minimum_n_mean` and `minimum_n_correlation` (of figures of two measures) are numbers of
    children; `rounding_base` is in units of a count;
    `proportion_decimals` are places of a share from 0 to 1, so that 2 means whole per cents.
    """

    name: str
    version: str
    title: str
    source: str
    smallest_count_shown: int
    zero: Zero
    rounding_base: int
    minimum_n_mean: int
    minimum_n_correlation: int
    proportion_decimals: int
    mean_decimals: int
    symbols: frozenset[Symbol]
    claim: str

    def __post_init__(self) -> None:
        """Refuse contradictions that would print what is meant to be hidden."""
        if round(self.smallest_count_shown / self.rounding_base) == 0:
            raise PresetInvalid(f"{self.name}: smallest_count_shown would round to 0; raise it or lower rounding_base")
        if not self.smallest_count_shown <= self.minimum_n_mean <= self.minimum_n_correlation:
            raise PresetInvalid(
                f"{self.name}: minimum_n_mean must be at least smallest_count_shown, "
                "and minimum_n_correlation at least that"
            )
        if not self.symbols >= ALWAYS_USED | ({Symbol.NOT_APPLICABLE} if self.shows_zero else set()):
            raise PresetInvalid(f"{self.name}: symbols must hold c and x, and z where zero is shown")
        if Symbol.NOT_APPLICABLE in self.symbols and not self.shows_zero:
            raise PresetInvalid(f"{self.name}: z says that a count is 0; remove it where zero is withheld")

    @property
    def shows_zero(self) -> bool:
        """Whether a true 0 is printed; if not, it is withheld like a small count and looks the same."""
        return self.zero == "shown"

    @property
    def method(self) -> str:
        """What the preset does and what it claims, as a paragraph for a reader of a released table."""
        zero = "a true zero is shown" if self.shows_zero else "zero is withheld in the same way"
        return " ".join(
            (
                f"{self.title} (preset {self.name}, version {self.version}).",
                f"Counts under {self.smallest_count_shown} are withheld (c) and so is every figure that rests on one;",
                f"{zero}.",
                *self._rounding_sentences(),
                self.claim,
            )
        )

    def _rounding_sentences(self) -> tuple[str, ...]:
        shares = f"Shares run from 0 to 1 and have {_places(self.proportion_decimals)}"
        averages = (
            f"Averages and spreads rest on at least {self.minimum_n_mean} children, and figures of two measures on "
            f"{self.minimum_n_correlation}; averages have {_places(self.mean_decimals)}."
        )
        if self.rounding_base == 1:
            return ("Counts and sums are not rounded.", f"{shares}.", averages)
        return (
            f"Counts are rounded to the nearest {self.rounding_base}.",
            f"{shares}; shares of children come from the rounded counts.",
            averages,
            "A sum is the released average per child times the released number of children, rounded in the same way.",
        )


def _places(decimals: int) -> str:
    return {0: "no decimal places", 1: "1 decimal place"}.get(decimals, f"{decimals} decimal places")


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
    wanted = {each.name for each in fields(Preset)}
    if problems := sorted(wanted ^ entries.keys()):
        raise PresetInvalid(f"{name}: keys missing or unknown: {', '.join(problems)}")
    if entries["name"] != name or not NAME.fullmatch(name):
        raise PresetInvalid(f"{name}: name must be the file's own, in lower case")
    return Preset(**{key: _read_entry(f"{name}: {key}", key, value) for key, value in entries.items()})


_LOWEST: Mapping[str, int] = {
    "smallest_count_shown": 2,
    "rounding_base": 1,
    "minimum_n_mean": 2,
    "minimum_n_correlation": 3,
    "proportion_decimals": 0,
    "mean_decimals": 0,
}
_HIGHEST: Mapping[str, int] = {"proportion_decimals": 4, "mean_decimals": 4}


def _read_entry(where: str, key: str, value: Any) -> Any:
    """One entry in its own type. Raises `PresetInvalid`."""
    if key in _LOWEST:
        low, high = _LOWEST[key], _HIGHEST.get(key, 1000)
        if type(value) is not int or not low <= value <= high:
            raise PresetInvalid(f"{where} must be a whole number from {low} to {high}")
        return value
    if key == "symbols":
        if not isinstance(value, list) or any(each not in list(Symbol) for each in value):
            raise PresetInvalid(f"{where} must be a list of: {', '.join(Symbol)}")
        return frozenset(Symbol(each) for each in value)
    if not isinstance(value, str) or not value.strip():
        raise PresetInvalid(f"{where} must be a text that is not empty")
    if key == "zero" and value not in get_args(Zero):
        raise PresetInvalid(f"{where} must be one of: {', '.join(get_args(Zero))}")
    return value
