"""The rules of the returns check, read from `rules.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

Mender = Literal["school", "authority"]
_FILE = Path(__file__).with_name("rules.toml")


@dataclass(frozen=True, slots=True)
class ReturnsRule:
    """One rule: `text` says what is wrong, `action` what to do, `mender` who does it, `affects` in which return.

    A row of `about` of which `where` is true is a finding. Where `reported` is given instead, the findings are the rows
    that the load turned away: `reported` names the load's rule and the input table.
    """

    name: str
    area: str
    text: str
    action: str
    mender: Mender
    affects: str
    about: str = ""
    where: str = ""
    reported: tuple[str, str] | None = None


@cache
def load_returns_rules() -> Mapping[str, ReturnsRule]:
    """Every rule by name, in the order of `rules.toml`."""
    declared = _declared()
    return MappingProxyType({entry["name"]: _rule(entry, declared["affects"]) for entry in declared["rules"]})


def load_areas() -> tuple[str, ...]:
    """What the rules are about."""
    return tuple(_declared()["areas"])


def _declared() -> dict[str, Any]:
    with _FILE.open("rb") as stream:
        return tomllib.load(stream)


def _rule(entry: dict[str, Any], affects: Mapping[str, str]) -> ReturnsRule:
    reported = entry.get("reported")
    facts = {"affects": affects[entry.get("about", "reported")]} | entry
    return ReturnsRule(**facts | {"reported": (reported["rule"], reported["table"]) if reported else None})
