"""One authority's School Census extracts: six CSV files for each of three terms, in the published format."""

import csv
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from node.synth.collection_year import CollectionYear, Day, Term, census_date
from node.synth.pupils import Pupil, Stay
from node.synth.schools import School

if TYPE_CHECKING:
    from _csv import Writer as CsvWriter

Row = list[str]

_CHILD_KEYS = ("pupilonrolltableid", "NativeId")

UNAUTHORISED = frozenset("OUGN")
"""The attendance codes of unauthorised absence."""


def _child_table(name: str, *columns: str) -> tuple[str, ...]:
    return (*_CHILD_KEYS, f"{name}tableid", f"{name}orderseqcolumn", "sourceid", *columns)


_MEALS = ("fsmstartdate", "fsmenddate", "ukcountry")
_NAMES = "dob surname forename middlenames preferredsurname formersurname upn formerupn uniquelearnernumber sex"
_PUPIL = f"pupilonrolltableid NativeId {_NAMES} entrydate pupilonrollorderseqcolumn sourceid schoolcensustableid"
_PLACE = "hoursatsetting schoollunchtaken parttime topupfunding"
_ROLL = "moveoffrollflag fundedhours missingaddress"
_STATUS = "yssa servicechild language classtype enrolstatus boarder plaa senprovision ncyearactual"

PUPIL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "autumn": tuple(
        f"{_PUPIL} {_PLACE} termlysessionspossible termlysessionsauthorised termlysessionsunauthorised "
        "senunitindicator resourcedprovisionindicator nonqualhrs ftemp qualhrs qualhrspreviousyear "
        f"nonqualhrspreviousyear tlevelqualhrs tlevelnonqualhrs {_ROLL} duplicatenotfunded "
        "summerhalfterm2sessionspossible extendedhours eligibilitycode summerhalfterm2sessionsauthorised "
        "summerhalfterm2sessionsunauthorised dafindicator summerhalfterm2sessionseducational "
        f"summerhalfterm2sessionsexceptional summerhalfterm2sessionscoronavirus {_STATUS} "
        "mathsgcsehighestpriorattainment mathsgcsepriorattainmentyear11 englishgcsehighestpriorattainment "
        "englishgcsepriorattainmentyear11 mathsgcsefundingexemption englishgcsefundingexemption "
        "mathsgcsehighestpriorattainmentpreviousyear englishgcsehighestpriorattainmentpreviousyear eyppr eyppbf".split()
    ),
    "spring": tuple(
        f"{_PUPIL} {_PLACE} unitcontacttime termlysessionspossible senunitindicator resourcedprovisionindicator "
        f"{_ROLL} duplicatenotfunded extendedhours eligibilitycode dafindicator ethnicity {_STATUS} "
        "eyppr eyppbf youngcarer".split()
    ),
    "summer": tuple(
        f"{_PUPIL} {_PLACE} termlysessionspossible senunitindicator resourcedprovisionindicator "
        f"{_ROLL} extendedhours eligibilitycode dafindicator {_STATUS} eyppr eyppbf expandedhours".split()
    ),
}
"""The pupil table of each term; no two terms collect the same."""


@cache
def child_columns(term: str) -> Mapping[str, tuple[str, ...]]:
    """The tables that hang on a pupil in a term, and the table of schools, by the name in the file."""
    meals = "fsmperiodsonroll" if term == "autumn" else "fsmperiod"
    return {
        meals: _child_table(meals, *_MEALS),
        "senneeds": _child_table("senneeds", "sentyperank", "sentype"),
        "termlyexclusionsonroll": _child_table(
            "termlyexclusionsonroll",
            *("startdate", "sessions", "reason1", "reason2", "reason3", "category", "senprovision"),
        ),
        "termlysessiondetailsonroll": _child_table("termlysessiondetailsonroll", "sessions", "attendancereason"),
        "schoolcensus": (*("lea", "estab", "urn", "term", "year", "referencedate", "NativeId", "schoolcensustableid"),),
    }


class CensusWriter:
    """Writes the extracts of one authority and year, pupil by pupil, so that a roll of any length can be written.

    Use it in a `with` statement, which opens the files of all terms; a second one adds to what the first wrote.
    """

    def __init__(self, directory: Path, schools: Sequence[School], year: CollectionYear) -> None:
        self._directory, self._schools, self._year = directory, schools, year
        self._extracts: tuple[_Extract, ...] = tuple(_Extract(term) for term in year.terms)
        self._files = ExitStack()
        self.pupils = 0

    def __enter__(self) -> "CensusWriter":
        begun = self._directory.exists()
        self._directory.mkdir(parents=True, exist_ok=True)
        for extract in self._extracts:
            extract.open(self._directory, self._files)
            if not begun:
                extract.write_headers(self._schools)
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()

    def add(self, pupil: Pupil) -> None:
        """Write every row of a pupil, in every term that they are on roll in."""
        for extract in self._extracts:
            extract.add(self.pupils, pupil)
        self.pupils += 1


class _Extract:
    """The files of one term."""

    def __init__(self, term: Term) -> None:
        self._term = term
        self._columns = {"pupilonroll": PUPIL_COLUMNS[term.name], **child_columns(term.name)}
        self._written = dict.fromkeys(self._columns, 0)
        self._writers: dict[str, CsvWriter] = {}

    def open(self, directory: Path, files: ExitStack) -> None:
        """Open every table, to add to its end."""
        for table in self._columns:
            path = directory / f"{self._term.calendar_year}_{self._term.name}_{table}.csv"
            lines = files.enter_context(path.open("a", encoding="utf-8", newline=""))
            self._writers[table] = csv.writer(lines, lineterminator="\n")

    def write_headers(self, schools: Sequence[School]) -> None:
        """The header line of every table, and all of the table of schools."""
        for table, columns in self._columns.items():
            self._writers[table].writerow(columns)
        self._writers["schoolcensus"].writerows(_school_row(school, self._term) for school in schools)

    def add(self, serial: int, pupil: Pupil) -> None:
        """Write every row of a pupil; `serial` numbers pupils in one authority, the same in each term."""
        stay = pupil.stays.get(self._term.name)
        if stay is None:
            return
        authority = stay.school.authority
        pupil_id = f"{_scramble(authority, serial)}-{serial % 4096:03x}"
        source_id = _scramble(f"{authority}{self._term.name}", serial)
        values = _pupil_values(pupil, stay, self._term)
        values |= {"pupilonrolltableid": pupil_id, "sourceid": source_id}
        self._writers["pupilonroll"].writerow([values.get(name, "") for name in self._columns["pupilonroll"]])
        for table, rows in zip(child_columns(self._term.name), _child_rows(pupil, stay, self._term), strict=False):
            for order, row in enumerate(rows, start=1):
                row_id = _scramble(f"{authority}{self._term.name}rows", self._written[table])
                self._writers[table].writerow([pupil_id, stay.school.native_id, row_id, str(order), source_id, *row])
                self._written[table] += 1


def _scramble(names: str, serial: int) -> str:
    """Eight hexadecimal figures that look random; for one `names`, different for every serial below 2**32."""
    return f"{(crc32(names.encode()) + serial * 0x9E3779B1) & 0xFFFFFFFF:08x}"


def _pupil_values(pupil: Pupil, stay: Stay, term: Term) -> dict[str, str]:
    learner, missed = pupil.learner, stay.record.missed
    unauthorised = sum(sessions for code, sessions in missed if code in UNAUTHORISED)
    return {
        "NativeId": stay.school.native_id,
        "schoolcensustableid": _census_id(stay.school, term),
        "dob": census_date(learner.born),
        "surname": pupil.surname,
        "preferredsurname": pupil.surname,
        "forename": pupil.forename,
        "upn": learner.upn,
        "sex": "M" if learner.male else "F",
        "entrydate": census_date(stay.entry),
        "pupilonrollorderseqcolumn": "1",
        "schoollunchtaken": "True",
        "parttime": "False",
        "termlysessionspossible": _decimal(stay.record.possible),
        "termlysessionsauthorised": _decimal(sum(sessions for _, sessions in missed) - unauthorised),
        "termlysessionsunauthorised": _decimal(unauthorised),
        "senunitindicator": str(pupil.in_unit),
        "resourcedprovisionindicator": "False",
        "ethnicity": learner.ethnicity,
        "language": pupil.language,
        "enrolstatus": "C",
        "boarder": "N",
        "plaa": pupil.formerly_in_care,
        "senprovision": pupil.sen,
        "ncyearactual": str(learner.group) if learner.group else "R",
    }


def _child_rows(pupil: Pupil, stay: Stay, term: Term) -> tuple[list[Row], ...]:
    """What hangs on a pupil in a term: free meals, types of need, suspensions, sessions missed."""
    since = pupil.meals_since if pupil.meals_since and pupil.meals_since <= term.census else None
    meals = [[census_date(since), _optional(pupil.meals_until), "ENG"]] if since else []
    needs = [[_decimal(rank), need] for rank, need in enumerate(pupil.needs, start=1)]
    suspensions = [
        [
            census_date(each.start),
            _decimal(each.sessions) if each.sessions else "",
            *(each.reason, "", "", each.category, pupil.sen),
        ]
        for each in stay.record.suspensions
    ]
    missed = [[_decimal(sessions), code] for code, sessions in stay.record.missed]
    return meals, needs, suspensions, missed


def _school_row(school: School, term: Term) -> Row:
    return [
        *(school.authority, str(school.estab), str(school.urn), term.name, str(term.calendar_year)),
        *(census_date(term.census), school.native_id, _census_id(school, term)),
    ]


def _census_id(school: School, term: Term) -> str:
    return _scramble(f"{school.authority}{term.name}census", school.urn)


def _optional(then: Day | None) -> str:
    return "" if then is None else census_date(then)


def _decimal(count: int) -> str:
    """Extracts print whole numbers with a decimal point."""
    return f"{count}.0"
