"""Advice on what the loads found: what to do about each rule, and which return a file goes into."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from node.ingest.formats import load_formats


@dataclass(frozen=True, slots=True)
class Advice:
    """What `advice.toml` declares: the return by family of input table, and what to do by rule of the load."""

    affects: Mapping[str, str]
    actions: Mapping[str, str]

    def find_return(self, table: str | None) -> str:
        """The return that a file of an input table is corrected in, in words."""
        known = load_formats().get(table or "")
        return self.affects[known.family if known is not None else "unknown"]


@cache
def load_advice() -> Advice:
    """The advice on every rule of the load."""
    return Advice(**tomllib.loads(Path(__file__).with_name("advice.toml").read_text(encoding="utf-8")))
