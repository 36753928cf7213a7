"""The naive answer: every authority's census files in one place, and the children looked up there by pupil number.

Synthetic England places children across borders, so who is on whose roll is in its files.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from federation.claims import ChildClaim
from node.incomplete import IncompleteChild, list_incomplete
from node.service import Node
from tests.node.host_facts.played_claims import HOME, HOST, TERM
from tests.small_federation import SmallFederation


def ask_rows(sql: str, **tables: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(":memory:") as connection:
        for name, path in tables.items():
            connection.read_parquet(str(path)).create_view(name)
        return connection.execute(sql).fetchall()


@dataclass(frozen=True)
class Enrolled:
    """What the pooled files say of a pupil: where on roll last, and with which provision; sessions over the year."""

    authority: str
    provision: str
    possible: int
    missed: float


ABSENT = frozenset(("C", "C1", "C2", "E", "G", "H", "I", "J1", "M", "N", "O", "R", "S", "T", "U"))
"""The attendance codes of sessions missed, authorised and not."""


def read_files(directory: Path, name: str) -> list[dict[str, str]]:
    with (directory / name).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def pool_censuses(federation: SmallFederation) -> dict[str, Enrolled]:
    """Every pupil of every authority by pupil number, read from the census files line by line."""
    pooled: dict[str, Enrolled] = {}
    for authority in federation.authorities:
        directory = federation.directory / "england" / authority / "school-census"
        for term in ("2024_autumn", "2025_spring", "2025_summer"):
            missed: dict[str, float] = defaultdict(float)
            for row in read_files(directory, f"{term}_termlysessiondetailsonroll.csv"):
                if row["attendancereason"] in ABSENT:
                    missed[row["pupilonrolltableid"]] += float(row["sessions"])
            for row in read_files(directory, f"{term}_pupilonroll.csv"):
                known = pooled.get(row["upn"])
                # The autumn census tells of the summer term of the year before.
                in_year = not term.endswith("autumn")
                possible = int(float(row["termlysessionspossible"] or 0)) if in_year else 0
                pooled[row["upn"]] = Enrolled(
                    authority,
                    row["senprovision"],
                    (known.possible if known else 0) + possible,
                    (known.missed if known else 0) + (missed[row["pupilonrolltableid"]] if in_year else 0),
                )
    return pooled


@dataclass(frozen=True)
class InCare:
    """A child in care in the year, out of the home authority's own vault before anything was claimed."""

    la_child_id: str
    upn: str
    born: date
    token: str
    year_group: int


def children_in_care(node: Node) -> list[InCare]:
    """Children of the demo's question and those a little older or younger: school age, in care in the year."""
    snapshot = node.store.current()
    assert snapshot is not None
    rows = ask_rows(
        "SELECT la_child_id, upn, dob, child, year_group FROM children JOIN child_year USING (child, academic_year) "
        "WHERE academic_year = 202425 AND population = 'looked_after' AND year_group BETWEEN 0 AND 13 ORDER BY child",
        children=snapshot.identified["children"],
        child_year=snapshot.tables["child_year"],
    )
    return [InCare(*row) for row in rows]


def incomplete(federation: SmallFederation, authority: str = HOME) -> dict[str, IncompleteChild]:
    return {child.la_child_id: child for child in list_incomplete(federation.node(authority), TERM)}


def hosted_child(federation: SmallFederation, pooled: Mapping[str, Enrolled], host: str = HOST) -> ChildClaim:
    """A child of the home authority who is on roll at the host."""
    for child in children_in_care(federation.node(HOME)):
        if child.upn in pooled and pooled[child.upn].authority == host:
            return ChildClaim(upn=child.upn, date_of_birth=child.born, care_start=date(2020, 1, 1), care_end=None)
    raise AssertionError("nobody is placed there")
