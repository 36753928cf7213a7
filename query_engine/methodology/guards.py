"""The methodology guards: named rules of the policy paper, read from one declarative file.

The file is `guards.toml`, which says at its head what its words mean. Like the catalogue it is held to what it may say:
a word it does not know is an error, so that a misspelt rule cannot be silently ignored.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from query_engine.catalogue import Catalogue, load_catalogue

Severity = Literal["refuse", "warn"]
Condition = Mapping[str, Any]
"""What must all hold, word by word."""

_FILE = Path(__file__).with_name("guards.toml")
_RECOMMENDATIONS = range(1, 19)
_COLUMN_WORDS = ("has", "separates", "keeps_apart", "uses", "filters", "groups")
WORDS = frozenset({"tables", "about", "keeps", "years", "single_year", "levels", "ranks", "crowded", *_COLUMN_WORDS})
"""Every word of a condition."""

_REQUIRED = {"name", "title", "severity", "when", "text", "instead", "stopped", "sound"}
_OPTIONAL = {"recommendation", "unless", "path"}
_SET_KEYS = {"meaning", "factors", "columns", "except"}


class GuardsInvalid(Exception):
    """The file of guards is not as it should be. The text says where and what to do."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One rule: what it looks at, how hard it is, and what it has to say.

    It fires where one of `when` holds and none of `unless`. `recommendation` is the policy paper's number, or None for
    a rule of good practice that the paper does not state. `stopped` and `sound` are examples, planned for `path`.
    """

    name: str
    title: str
    severity: Severity
    recommendation: int | None
    when: tuple[Condition, ...]
    unless: tuple[Condition, ...]
    text: str
    instead: tuple[str, ...]
    stopped: str
    sound: str
    path: str


@dataclass(frozen=True, slots=True)
class OutcomeSet:
    """Outcomes that a rule treats alike, by the names of their columns in any table."""

    name: str
    meaning: str
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Guards:
    """Every guard, in the order of the file, and the sets of outcomes that they speak of."""

    rules: tuple[Guard, ...]
    sets: Mapping[str, OutcomeSet]


@cache
def load_guards() -> Guards:
    """The guards of this installation. Raises `GuardsInvalid`."""
    return parse_guards(_FILE.read_bytes(), load_catalogue())


def parse_guards(content: bytes, catalogue: Catalogue) -> Guards:
    """Guards from the bytes of their file. Raises `GuardsInvalid`."""
    try:
        data = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GuardsInvalid(f"the guards are not TOML: {error}") from None
    _check_keys("the file", data, {"sets", "guards"}, set())
    columns = frozenset(name for table in catalogue.tables.values() for name in table.columns)
    sets = {name: _outcome_set(name, body, catalogue, columns) for name, body in data["sets"].items()}
    rules = tuple(_guard(body, catalogue, columns, sets) for body in data["guards"])
    names = [each.name for each in rules]
    if len(set(names)) != len(names):
        raise GuardsInvalid("two guards have one name")
    return Guards(rules, MappingProxyType(sets))


def _outcome_set(name: str, body: Mapping[str, Any], catalogue: Catalogue, columns: frozenset[str]) -> OutcomeSet:
    where = f"set {name}"
    _check_keys(where, body, {"meaning"}, _SET_KEYS)
    named, left_out = set(body.get("columns", ())), set(body.get("except", ()))
    factors = set(body.get("factors", ()))
    _check_known(where, "factor", factors, frozenset(catalogue.factors))
    _check_known(where, "column", named | left_out, columns)
    found = {
        column.name
        for table in catalogue.tables.values()
        for column in table.columns.values()
        if column.factor in factors
    }
    if not (found | named) - left_out:
        raise GuardsInvalid(f"{where} has no column")
    return OutcomeSet(name, body["meaning"], frozenset((found | named) - left_out))


def _guard(
    body: Mapping[str, Any], catalogue: Catalogue, columns: frozenset[str], sets: Mapping[str, OutcomeSet]
) -> Guard:
    where = f"guard {body.get('name', 'without a name')}"
    _check_keys(where, body, _REQUIRED, _OPTIONAL)
    if body["severity"] not in get_args(Severity):
        raise GuardsInvalid(f"{where}: severity must be one of {', '.join(get_args(Severity))}")
    if body.get("recommendation", 1) not in _RECOMMENDATIONS:
        raise GuardsInvalid(f"{where}: the paper's recommendations run from 1 to 18")
    if not body["when"] or not body["instead"]:
        raise GuardsInvalid(f"{where}: when and instead must not be empty")
    for condition in (*body["when"], *body.get("unless", ())):
        _check_condition(where, condition, catalogue, columns, sets)
    return Guard(
        name=body["name"],
        title=body["title"],
        severity=body["severity"],
        recommendation=body.get("recommendation"),
        when=tuple(body["when"]),
        unless=tuple(body.get("unless", ())),
        text=body["text"],
        instead=tuple(body["instead"]),
        stopped=body["stopped"],
        sound=body["sound"],
        path=body.get("path", "per_authority"),
    )


def _check_condition(
    where: str,
    condition: Condition,
    catalogue: Catalogue,
    columns: frozenset[str],
    sets: Mapping[str, OutcomeSet],
) -> None:
    if not condition:
        raise GuardsInvalid(f"{where}: a condition without a word always holds")
    _check_known(where, "word", set(condition), WORDS)
    for word in _COLUMN_WORDS:
        _check_known(where, "column", set(condition.get(word, ())), columns)
    _check_known(where, "column", set(condition.get("keeps", {})), columns)
    _check_known(where, "table", set(condition.get("tables", ())), frozenset(catalogue.tables))
    if "about" in condition:
        _check_known(where, "set", {condition["about"]}, frozenset(sets))


def _check_known(where: str, kind: str, named: set[str], known: frozenset[str]) -> None:
    if unknown := sorted(named - known):
        raise GuardsInvalid(f"{where}: no such {kind}: {', '.join(unknown)}")


def _check_keys(where: str, body: Mapping[str, Any], required: set[str], optional: set[str]) -> None:
    if wrong := sorted((required - body.keys()) | (body.keys() - required - optional)):
        raise GuardsInvalid(f"{where}: keys missing or unknown: {', '.join(wrong)}")
