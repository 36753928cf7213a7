"""Why a row is not loaded, or is loaded with a remark: the rules of `rules.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from node.ingest.formats import InputColumn, InputTable

Stage = Literal["file", "record", "row", "set", "link"]
Severity = Literal["rejected", "remark"]
STAGES: tuple[Stage, ...] = get_args(Stage)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as `rules.toml` describes it. `text` says in plain words what is wrong with the row."""

    name: str
    stage: Stage
    severity: Severity
    text: str
    where: str = ""
    tables: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    family: str | None = None
    needs: str | None = None
    each: tuple[tuple[str, Any], ...] = ()

    def predicate(self, table: InputTable) -> str | None:
        """SQL that is true of a row of this table that breaks the rule; None where the rule is not for it."""
        if not self._is_for(table) or not self.where:
            return None
        if self.each:
            asked = [column for column in table.columns if self._asks(column, table)]
            return " OR ".join(f"({_about(column, self.where)})" for column in asked) or None
        if "{start}" in self.where:
            start, end = table.spell or ("", "")
            return self.where.format(start=start, end=end) if start else None
        return self.where

    def _is_for(self, table: InputTable) -> bool:
        listed = not self.tables or table.name in self.tables
        return listed and table.name not in self.exceptions and self.family in (None, table.family)

    def _asks(self, column: InputColumn, table: InputTable) -> bool:
        facts = {
            "type": column.type,
            "required": column.required,
            "past": column.past,
            "bounded": column.bounds is not None,
            "unique": column.field in table.unique,
        }
        return all(facts[name] in (wanted if isinstance(wanted, list) else [wanted]) for name, wanted in self.each)


def _about(column: InputColumn, where: str) -> str:
    return where.format(value=f'"{column.field}"', raw=f'"{column.raw}"')


@cache
def load_rules() -> Mapping[str, Rule]:
    """Every rule by name, in the order of `rules.toml`."""
    with Path(__file__).with_name("rules.toml").open("rb") as stream:
        declared = tomllib.load(stream)["rules"]
    return MappingProxyType({entry["name"]: _rule(entry) for entry in declared})


def _rule(entry: dict[str, Any]) -> Rule:
    facts = entry | {
        "tables": tuple(entry.get("tables", ())),
        "exceptions": tuple(entry.get("except", ())),
        "each": tuple(entry.get("each", {}).items()),
    }
    facts.pop("except", None)
    return Rule(**facts)


def rejecting_rules() -> tuple[str, ...]:
    """The names of the rules under which a row is not loaded."""
    return tuple(rule.name for rule in load_rules().values() if rule.severity == "rejected")
