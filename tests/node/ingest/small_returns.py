"""Small hand-written returns and censuses, written as tables, and how to look at what a load makes of them."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from node.ingest.batches import group_files
from node.ingest.dating import date_files
from node.ingest.judgement import judge_rows
from node.ingest.mapping import load_mapping
from node.ingest.reader import read_sources
from node.ingest.report import FileReport, LoadReport, report_files
from node.ingest.sources import find_sources
from node.ingest.workbench import open_workbench
from node.snapshots import Snapshot

TOKEN_KEY = bytes(range(32))
TODAY = date(2026, 6, 1)

_HEADER = {"CHILD": "", "SEX": "F", "DOB": "01/01/2010", "ETHNIC": "WBRI", "UPN": "UN4"}
_EPISODE = {
    "CHILD": "",
    "DECOM": "01/05/2024",
    "RNE": "S",
    "LS": "C2",
    "CIN": "N1",
    "PLACE": "U6",
    "PLACE_PROVIDER": "PR1",
    "DEC": "",
    "REC": "",
    "REASON_PLACE_CHANGE": "",
    "HOME_POST": "",
    "PL_POST": "",
    "URN": "",
}
_ROLL = {
    "pupilonrolltableid": "",
    "NativeId": "SCH1",
    "upn": "",
    "surname": "Ash",
    "forename": "Robin",
    "dob": "2010-Jan-01 00:00:00",
    "sex": "F",
    "ethnicity": "WBRI",
    "language": "ENG",
    "entrydate": "2021-Sep-01 00:00:00",
    "enrolstatus": "C",
    "ncyearactual": "10",
    "senprovision": "N",
    "senunitindicator": "False",
    "resourcedprovisionindicator": "False",
    "plaa": "N",
    "termlysessionspossible": "100.0",
}
USUAL: Mapping[str, Mapping[str, str]] = {
    "header": _HEADER,
    "episodes": _EPISODE,
    "uasc": {"CHILD": "", "SEX": "F", "DOB": "01/01/2010", "DUC": ""},
    "oc2": {"CHILD": "", "DOB": "01/01/2010", "SDQ_SCORE": "", "SDQ_REASON": ""},
    "oc3": {"CHILD": "", "DOB": "01/01/2005", "IN_TOUCH": "YES", "ACTIV": "F2", "ACCOM": "U1"},
    "sw_episodes": {"CHILD": "", "SW_ID": "SW1", "SW_DECOM": "01/05/2024", "SW_DEC": ""},
    "pupilonroll": _ROLL,
    "fsmperiod": {"pupilonrolltableid": "", "fsmstartdate": "", "fsmenddate": ""},
    "senneeds": {"pupilonrolltableid": "", "sentyperank": "1", "sentype": ""},
    "termlyexclusionsonroll": {"pupilonrolltableid": "", "startdate": "", "sessions": "2.0", "category": "SUSP"},
    "termlysessiondetailsonroll": {"pupilonrolltableid": "", "sessions": "", "attendancereason": ""},
    "pupilnolongeronroll": {
        "pupilnolongeronrolltableid": "",
        "upn": "",
        "leavingdate": "2024-Dec-01 00:00:00",
        "termlysessionspossible": "",
    },
    "summerhalfterm2sessiondetailsonroll": {
        "pupilonrolltableid": "",
        "summerhalfterm2sessiondetailsonrolltableid": "h1",
        "sessions": "",
        "attendancereason": "",
    },
    "schoolcensus": {"NativeId": "", "estab": "4001", "urn": "", "term": "", "year": "", "referencedate": ""},
    "giap_census": {
        "AcademicYear": "2024/2025",
        "CensusTerm": "Spring",
        "URN": "",
        "UPN": "",
        "DOB": "2010-01-01",
        "FSMeligible": "",
        "Language": "",
        "EnrolStatus": "C",
        "EntryDate": "2021-09-01",
        "NCyearActual": "10",
        "SENProvision": "",
        "PrimarySENeedsType": "",
    },
    "giap_eyfsp": {"FSP_ACADYR": "2024/2025", "FSP_UPN": "", "FSP_URN": "", "FSP_GLD": ""},
    "giap_phonics": {
        "Phonics_ACADYR": "2024/2025",
        "Phonics_UPN": "",
        "Phonics_PHONICS_MARK": "",
        "Phonics_PHONICS_OUTCOME": "",
    },
    "giap_ks1": {"ACADYR": "2024/2025", "UPN": "", "READ_OUTCOME": "", "WRIT_OUTCOME": "", "MATH_OUTCOME": ""},
    "giap_ks2": {"ACADYR": "2024/2025", "UPN": "", "READSCORE": "", "MATSCORE": "", "RWMEXP": "", "ELIGRWM": "1"},
    "giap_ks4": {
        "KS4_ACADYR": "2024/2025",
        "KS4_UPN": "",
        "KS4_ATT8": "",
        "KS4_PTSCNEWE_PTQ_EE": "",
        "KS4_P8SCORE": "",
        "KS4_L2BASICS_94": "",
        "KS4_L2BASICS_95": "",
        "KS4_KS2EMSS": "",
        "KS4_ENTBASICS": "",
    },
    "gias": {
        "URN": "",
        "LA (code)": "301",
        "EstablishmentNumber": "4001",
        "EstablishmentName": "Ash School",
        "TypeOfEstablishment (name)": "Community school",
        "EstablishmentTypeGroup (name)": "Local authority maintained schools",
        "PhaseOfEducation (name)": "Secondary",
    },
    "ofsted": {
        "URN": "",
        "Inspection start date": "NULL",
        "Publication date": "NULL",
        "Inclusion": "NULL",
        "Latest OEIF overall effectiveness": "NULL",
        "Inspection start date of latest OEIF graded inspection": "NULL",
    },
    "pep_reviews": {
        "la_child_id": "",
        "term": "202425-spring",
        "meeting_date": "",
        "completed_date": "",
        "quality": "",
        "sdq_strategies": "",
    },
    "attendance_daily": {"la_child_id": "", "date": "", "session": "", "code": ""},
    "targets": {"la_child_id": "", "term": "202425-spring", "subject": "", "target": "4", "ambition": ""},
    "support": {"la_child_id": "", "kind": "", "start_date": "", "end_date": "", "cost": "", "target_subject": ""},
    "admissions": {"la_child_id": "", "request_date": "", "on_roll_date": "", "school_urn": ""},
    "care_leaver_outcomes": {
        "la_child_id": "",
        "date": "",
        "age": "",
        "activity": "",
        "level2": "",
        "level3": "",
        "in_touch": "",
        "accommodation_suitable": "",
    },
    "children_in_need": {
        "upn": "",
        "la_child_id": "",
        "date_of_birth": "01/01/2010",
        "kind": "referral",
        "need_start_date": "01/05/2024",
        "need_end_date": "",
    },
    "kinship_care": {
        "upn": "",
        "la_child_id": "",
        "date_of_birth": "01/01/2010",
        "arrangement": "special_guardianship",
        "kinship_start_date": "01/05/2024",
        "kinship_end_date": "",
    },
}
"""The columns of each file and what they hold where a test says nothing else."""


def read_rows(text: str) -> list[dict[str, str]]:
    """The rows of a table written as `A | B` lines under a header."""
    lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def write_table(directory: Path, name: str, text: str) -> Path:
    """Write a table as the file `name`.csv, with the usual values where the text has no column."""
    usual = USUAL.get(max((kind for kind in USUAL if name.endswith(kind)), key=len, default=""), {})
    rows = [{**usual, **row} for row in read_rows(text)]
    columns = list(dict.fromkeys([*usual, *(cell.strip() for cell in text.strip().splitlines()[0].split("|"))]))
    for row in rows:
        if "pupilonrolltableid" in row:
            row["pupilonrolltableid"] = row["pupilonrolltableid"] or row["upn"]
    directory.mkdir(exist_ok=True)
    with (directory / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    return directory / f"{name}.csv"


def query(sql: str, **parameters: object) -> list[tuple[Any, ...]]:
    """Rows of an SQL query over files."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        return connection.execute(sql, parameters).fetchall()


@dataclass(frozen=True)
class Loaded:
    """A load that was made, and how to look at what came of it."""

    report: LoadReport
    snapshot: Snapshot

    def records(self, table: str, vault: str, token: str, name: str) -> dict[str, dict[str, Any]]:
        """The rows of a governed table by what the vault says of their tokens."""
        return {row[name.split(",")[0]]: row for row in self.every_row(table, vault, token, name)}

    def every_row(self, table: str, vault: str, token: str, name: str) -> list[dict[str, Any]]:
        """The rows of a governed table with what the vault says of their tokens, in the order of the years."""
        import duckdb

        with duckdb.connect(":memory:") as connection:
            rows = connection.execute(
                f"FROM read_parquet('{self.snapshot.tables[table]}') JOIN "
                f"(FROM read_parquet('{self.snapshot.identified[vault]}') SELECT {token}, academic_year, {name}) "
                f"USING ({token}, academic_year) ORDER BY academic_year"
            )
            columns = [column[0] for column in rows.description or ()]
            return [dict(zip(columns, row, strict=True)) for row in rows.fetchall()]

    @property
    def children(self) -> dict[str, dict[str, Any]]:
        """`child_year` by CHILD: the latest year where there are several."""
        return self.records("child_year", "children", "child", "la_child_id")

    @property
    def pupils(self) -> dict[str, dict[str, Any]]:
        """`pupil_year` by UPN: the latest year where there are several."""
        return self.records("pupil_year", "pupils", "pupil", "upn")


def clock() -> datetime:
    """The moment at which every test loads."""
    return datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)


def judge_files(paths: Sequence[Path], *, mappings: Sequence[Path] = (), year: int | None = 2025) -> list[FileReport]:
    """What becomes of files read, dated and held against the rules, without a snapshot."""
    with (
        TemporaryDirectory() as directory,
        open_workbench(scratch := Path(directory), token_key=TOKEN_KEY, today=TODAY) as connection,
    ):
        wanted = [load_mapping(path) for path in mappings]
        files = read_sources(connection, find_sources(paths), scratch, mappings=wanted)
        files = date_files(connection, files, year=year, earlier={})
        connection.execute("CREATE TABLE postcode_area AS SELECT 'IG110AB' AS postcode, '301' AS authority")
        judge_rows(connection, group_files(files), {})
        return list(report_files(connection, files))


def printed(value: object) -> str:
    """A value of the record as the tables of expectations write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
