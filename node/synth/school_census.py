"""One authority's School Census extracts: six CSV files for each of three terms, in the published format."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from zlib import crc32

from node.synth.collection_year import CollectionYear, Term, census_date
from node.synth.files import write_table
from node.synth.pupils import Pupil, Stay
from node.synth.schools import School

Row = list[str]

_CHILD_KEYS = ("pupilonrolltableid", "NativeId")
_UNAUTHORISED = frozenset("OUGN")


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


def write_census(directory: Path, schools: Sequence[School], pupils: Sequence[Pupil], year: CollectionYear) -> None:
    """Write the extracts of all three terms into `directory`, which is made."""
    directory.mkdir(parents=True)
    for term in year.terms:
        extract = _Extract(term)
        for serial, pupil in enumerate(pupils):
            extract.add(serial, pupil)
        stem = f"{term.calendar_year}_{term.name}"
        write_table(directory / f"{stem}_pupilonroll.csv", PUPIL_COLUMNS[term.name], extract.pupils)
        rows = (*extract.children, [_school_row(school, term) for school in schools])
        for (table, columns), found in zip(child_columns(term.name).items(), rows, strict=True):
            write_table(directory / f"{stem}_{table}.csv", columns, found)


class _Extract:
    """The rows of one term, in the order of `child_columns`, schools apart."""

    def __init__(self, term: Term) -> None:
        self._term = term
        self.pupils: list[Row] = []
        self.children: tuple[list[Row], ...] = ([], [], [], [])

    def add(self, serial: int, pupil: Pupil) -> None:
        """Add every row of a pupil; `serial` numbers pupils in one authority, the same in each term."""
        stay = pupil.stays.get(self._term.name)
        if stay is None:
            return
        authority = stay.school.authority
        pupil_id = f"{_scramble(authority, serial)}-{serial % 4096:03x}"
        source_id = _scramble(f"{authority}{self._term.name}", serial)
        values = _pupil_values(pupil, stay, self._term)
        values |= {"pupilonrolltableid": pupil_id, "sourceid": source_id}
        self.pupils.append([values.get(column, "") for column in PUPIL_COLUMNS[self._term.name]])
        for table, rows in zip(self.children, _child_rows(pupil, stay, self._term), strict=True):
            for order, row in enumerate(rows, start=1):
                row_id = _scramble(f"{authority}{self._term.name}rows", len(table))
                table.append([pupil_id, stay.school.native_id, row_id, str(order), source_id, *row])


def _scramble(names: str, serial: int) -> str:
    """Eight hexadecimal figures that look random; for one `names`, different for every serial below 2**32."""
    return f"{(crc32(names.encode()) + serial * 0x9E3779B1) & 0xFFFFFFFF:08x}"


def _pupil_values(pupil: Pupil, stay: Stay, term: Term) -> dict[str, str]:
    learner, missed = pupil.learner, stay.record.missed
    unauthorised = sum(sessions for code, sessions in missed if code in _UNAUTHORISED)
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
    meals = [[census_date(pupil.meals_since), "", "ENG"]] if pupil.meals_since else []
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


def _decimal(count: int) -> str:
    """Extracts print whole numbers with a decimal point."""
    return f"{count}.0"
