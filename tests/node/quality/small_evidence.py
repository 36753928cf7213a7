"""Small hand-written evidence: what schools and the authority returned, as tables, kept as a node keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from node.host_facts import COLUMNS as HOST_COLUMNS
from node.ingest.formats import load_formats
from node.quality.evidence import open_evidence
from node.quality.returns import find_rows
from node.quality.rules import load_returns_rules
from node.snapshots import SnapshotStore, seal_snapshot
from tests.node.ingest.small_returns import read_rows

YEAR = 202425
TODAY = date(2025, 6, 2)
HELD_BY_HOST = f"{YEAR}-spring-L-1-302.parquet"

CHILDREN = {
    "child": "VARCHAR",
    "academic_year": "INTEGER",
    "la_child_id": "VARCHAR",
    "upn": "VARCHAR",
    "dob": "DATE",
    "host_authority": "VARCHAR",
    "placement_authority": "VARCHAR",
    "school_urn": "INTEGER",
    "care_start": "DATE",
    "care_end": "DATE",
}
_PUPIL = {
    "NativeId": "SCH1",
    "surname": "Ash",
    "forename": "Robin",
    "dob": "2010-01-01",
    "entrydate": "2021-09-01",
    "enrolstatus": "C",
    "ncyearactual": "10",
    "senprovision": "N",
    "plaa": "N",
    "termlysessionspossible": "100",
}
USUAL: Mapping[str, Mapping[str, str]] = {
    "children": {
        "academic_year": str(YEAR),
        "dob": "2010-01-01",
        "placement_authority": "301",
        "care_start": "2024-05-01",
    },
    "told_by_hosts": {
        "academic_year": str(YEAR),
        "term": f"{YEAR}-spring",
        "host_authority": "302",
        "date_of_birth": "2010-01-01",
        "school_urn": "100002",
        "year_group": "10",
        "sessions_possible": "100",
    },
    "header": {"DOB": "2010-01-01"},
    "pupilonroll": _PUPIL,
    "termlyexclusionsonroll": {"category": "SUSP", "sessions": "2"},
    "termlysessiondetailsonroll": {"attendancereason": "O"},
    "giap_census": {"URN": "100001", "EnrolStatus": "C", "SENProvision": "N"},
    "giap_pupil_premium": {"PupilPremiumFYStartDate": "2024-04-01"},
    "schoolcensus": {"NativeId": "SCH1", "urn": "100001"},
    "gias": {"URN": "100001"},
}
"""What the columns of each table hold where a test says nothing else."""


@dataclass(frozen=True)
class Kept:
    """A table as a node keeps it: the file's name without its ending, its rows as written, and its columns' types."""

    held: str
    rows: list[dict[str, str]]
    types: Mapping[str, str]

    @property
    def planted(self) -> set[tuple[str, int]]:
        """The rows that are to be found."""
        return {(self.held, place) for place, row in enumerate(self.rows) if row.get("found") == "yes"}

    def write(self, directory: Path) -> Path:
        """Write the rows as Parquet."""
        import duckdb

        path = directory / f"{self.held.removesuffix('.parquet')}.parquet"
        directory.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(":memory:") as connection:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in self.types.items())
            connection.execute(f"CREATE TABLE kept ({columns})")
            for row in self.rows:
                cells = {name.lower(): value for name, value in row.items()}
                values = [cells.get(name.lower()) or None for name in self.types]
                connection.execute(f"INSERT INTO kept VALUES ({', '.join('?' * len(values))})", values)
            connection.table("kept").write_parquet(str(path))
        return path


def read_kept(name: str, text: str) -> Kept:
    """Read a table named like `header` or `spring_pupilonroll`."""
    term, _, table = name.partition("_")
    if term not in ("autumn", "spring", "summer"):
        term, table = "", name
    rows = [{**USUAL.get(table, {}), **row} for row in read_rows(text)]
    for row in rows:
        if table == "pupilonroll":
            row["pupilonrolltableid"] = row.get("pupilonrolltableid") or row["upn"]
    if table in ("children", "told_by_hosts"):
        held = table if table == "children" else HELD_BY_HOST
        return Kept(held, rows, CHILDREN if table == "children" else HOST_COLUMNS)
    known = {each.relation: each for each in load_formats().values()}[table]
    period = "undated" if known.family == "register" else f"{YEAR}-{term}" if term else f"{YEAR}"
    return Kept(f"{table}-{period}", rows, {column.field: column.sql_type for column in known.columns})


def find_planted(
    directory: Path, rule: str, tables: Mapping[str, str]
) -> tuple[set[tuple[str, int]], set[tuple[str, int]]]:
    """The rows that a rule finds in some tables, and those planted for it."""
    store, facts = SnapshotStore(directory / "snapshots"), []
    kept = [read_kept(name, text) for name, text in {"children": "la_child_id", **tables}.items()]
    with store.staging() as stage:
        for each in kept:
            if each.held == HELD_BY_HOST:
                facts.append(each.write(directory / "hostfacts"))
            else:
                each.write(stage / "identified" / ("" if each.held == "children" else "staged"))
        seal_snapshot(stage, term=f"{YEAR}-summer", academic_years=[YEAR], created=datetime.now(UTC))
        snapshot = store.publish(stage)
    with open_evidence(snapshot, facts, authority="301", today=TODAY) as connection:
        found = {(held, place) for held, place, _, _ in find_rows(connection, load_returns_rules()[rule], YEAR)}
    return found, set().union(*(each.planted for each in kept))
