"""Why a row is not loaded, or is loaded with a remark: the rules of `rules.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from node.ingest.columns import quoted
from node.ingest.formats import InputColumn, InputTable

Stage = Literal["file", "record", "row", "year", "set", "link"]
Severity = Literal["rejected", "remark"]
FINGERPRINT = "fingerprint"
"""The hash of what is written in a row of a table without a key, which two rows that say the same share."""
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
    early: bool = False
    shared: str = ""
    each: tuple[tuple[str, Any], ...] = ()

    def suspects(self, table: InputTable, rows: str) -> str:
        """SQL that is true at least of every one of some rows that breaks the rule, and quickly told."""
        if not self.shared:
            return "true"
        # By its hash, which a value that is missing has, too.
        value = f"hash({self.shared.format(key=_key(table), alike=_alike(table))})"
        return f"{value} IN (FROM {rows} SELECT {value} GROUP BY ALL HAVING count(*) > 1)"

    def predicate(self, table: InputTable, academic_year: int = 0) -> str | None:
        """SQL that is true of a row of this table and year that breaks the rule; None where the rule is not for it."""
        if not self._is_for(table) or not self.where:
            return None
        if self.each:
            asked = [column for column in table.columns if self._asks(column, table, academic_year)]
            return " OR ".join(f"({_about(column, self.where, table, academic_year)})" for column in asked) or None
        start, end = table.spell or ("", "")
        if ("{start}" in self.where and not start) or ("{key}" in self.where and not table.unique):
            return None
        if self.early and academic_year >= table.first_return:
            return None
        year_end = f"DATE '{academic_year // 100 + 1}-03-31'"
        return self.where.format(start=start, end=end, key=_key(table), same=_same(table), year_end=year_end)

    def _is_for(self, table: InputTable) -> bool:
        listed = not self.tables or table.name in self.tables
        return listed and table.name not in self.exceptions and self.family in (None, table.family)

    def _asks(self, column: InputColumn, table: InputTable, academic_year: int) -> bool:
        facts = {
            "type": column.type,
            "required": column.required,
            "past": column.past,
            "bounded": column.bounds is not None,
            "untimely": bool(column.untimely(academic_year)),
            "withheld": bool(table.withheld),
        }
        return all(facts[name] in (wanted if isinstance(wanted, list) else [wanted]) for name, wanted in self.each)


def _key(table: InputTable) -> str:
    return ", ".join(f'"{name}"' for name in table.unique)


def _alike(table: InputTable) -> str:
    return _key(table) if table.unique else FINGERPRINT


def _same(table: InputTable) -> str:
    """SQL of all that is read of a row: few rows share a key, and only those have to be compared value by value."""
    fields = ", ".join(f'"{column.field}"' for column in table.columns)
    return f"hash({fields})" if table.unique else FINGERPRINT


def _about(column: InputColumn, where: str, table: InputTable, academic_year: int) -> str:
    untimely = ", ".join(map(quoted, column.untimely(academic_year)))
    withheld = f"upper({column.written}) IN ({', '.join(map(quoted, table.withheld))})" if table.withheld else "false"
    low, high = column.bounds or ("", "")
    value = f'"{column.field}"'
    return where.format(value=value, raw=column.written, low=low, high=high, untimely=untimely, withheld=withheld)


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
