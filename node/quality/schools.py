"""Which schools the findings are about: a return names a school in its own way, and an officer rings it by its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from query_engine.geography import load_authorities

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_NAMED = """
WITH found AS (
    SELECT named, CASE WHEN regexp_full_match(named, '[1-9][0-9]{5}') THEN named::INTEGER END AS urn
    FROM (SELECT unnest($named) AS named)
),
register AS (
    SELECT urn, any_value(establishmentname) AS name, any_value("la (code)") AS authority FROM gias GROUP BY urn
)
SELECT named, coalesce(schools.urn, found.urn) AS urn, name, authority
FROM found
LEFT JOIN schools ON schools.nativeid = named
LEFT JOIN register ON register.urn = coalesce(schools.urn, found.urn)
"""


@dataclass(frozen=True, slots=True)
class School:
    """A school: `named` as the return names it; number, name and authority where the loaded files have them."""

    named: str
    urn: int | None = None
    name: str | None = None
    authority: str | None = None

    @property
    def key(self) -> int | str:
        """What is the same for a school under all its names: its reference number, as far as that is known."""
        return self.urn or self.named

    @property
    def title(self) -> str:
        """What to call the school."""
        return self.name or f"School {self.named}"

    @property
    def place(self) -> str:
        """Where the school is found in the register, as far as that is known."""
        known = load_authorities().get(self.authority or "")
        parts = [f"URN {self.urn}" if self.urn else "", known.name if known else ""]
        if self.name and self.named != str(self.urn):
            parts.append(f"{self.named} in the return")
        return "; ".join(filter(None, parts))


def name_schools(connection: DuckDBPyConnection, named: Iterable[str]) -> Mapping[str, School]:
    """Look schools up, as returns name them, in the census and the register of establishments."""
    rows = connection.execute(_NAMED, {"named": sorted(named)}).fetchall()
    return {row[0]: School(*row) for row in rows}
