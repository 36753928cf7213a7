"""Every further kind of input: recognised by its real header, dated, read into the columns that the record uses."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from node.ingest.load import load_files
from node.ingest.report import LoadReport
from node.snapshots import SnapshotStore
from tests.node.ingest.conftest import Judge, Load
from tests.node.ingest.small_returns import TOKEN_KEY, clock, judge_files, query

UPN, OTHER = "B801200005001", "Q801200005002"

# The headers of the downloads as they are, shortened only where hundreds of columns are like each other.
HEADERS: Mapping[str, str] = {
    "giap_census": (
        "PupilMatchingRef,AcademicYear,CensusTerm,LA,Estab,LAEstab,URN,PHASE,UPN,FormerUPN,Surname,Forename,"
        "MiddleNames,PreferredSurname,FormerSurname,Sex,DOB,Ethnicity,FSMeligible,FSM_protected,EVERFSM_6,EVERFSM_6_P,"
        "Language,HoursAtSetting,FundedHours,EnrolStatus,EntryDate,NCyearActual,SENProvision,PrimarySENeedsType,"
        "SecondarySENType,IDACI_S,IDACI_R,ExtendedHours,ExpandedHours,DAFIndicator"
    ),
    "giap_pupil_premium": (
        "UPN,Surname,Forename,Sex,DOB,NCYear,DeprivationPupilPremium,ServiceChildPremium,AdoptedfromCarePremium,"
        "LookedAfterPremium,PupilPremiumFTE,PupilPremiumCashAmount,PupilPremiumFYStartDate,PupilPremiumFYEndDate,LastFSM"
    ),
    "giap_phonics": (
        "Phonics_ACADYR,Phonics_PUPILMATCHINGREF,Phonics_ID,Phonics_UPN,Phonics_SURNAME,Phonics_FORENAMES,Phonics_SEX,"
        "Phonics_DOB,Phonics_LA,Phonics_ESTAB,Phonics_URN,Phonics_NCYEARACTUAL,Phonics_TOE_CODE,Phonics_PHONICS_MARK,"
        "Phonics_PHONICS_OUTCOME,Phonics_VERSION"
    ),
    "giap_ks1": (
        "ACADYR,PUPILMATCHINGREF,KS1_ID,UPN,SURNAME,FORENAMES,DOB,GENDER,SEX,LA,LA_9Code,ESTAB,LAESTAB,URN,ToE_CODE,"
        "MMSCH,MMSCH2,MSCH,MSCH2,MOB1,MOB2,DISC_READ,DISC_WRIT,DISC_MAT,DISC_SCI,READ_OUTCOME,WRIT_OUTCOME,MATH_OUTCOME,"
        "SCI_OUTCOME,NPDPUB,VERSION"
    ),
    "giap_ks2": (
        "ACADYR,PupilMatchingRef,CANDNO,CAND_ID,UPN,SURNAME,FORENAMES,DOB,YEARGRP,SEX,LA,LA_9Code,ESTAB,LAESTAB,URN,"
        "READOUTCOME,MATOUTCOME,GPSOUTCOME,READSCORE,READSCORE_noSpeccon,MATSCORE,MATSCORE_noSpeccon,GPSSCORE,"
        "WRITTAOUTCOME,ELIGRWM,VALRWM,READEXP,MATEXP,GPSEXP,WRITTAEXP,RWMEXP,RWMHIGH,CLA_PP_1_DAY,CLA_6_MONTHS,"
        "CLA_12_MONTHS,CLA_PP_6_MONTHS,SENTYPE,FSM,FSM6,FSM6_P,NEWMOBILE,RWMEXP_noSpeccon,VERSION"
    ),
    "giap_ks4": (
        "KS4_ACADYR,KS4_PUPILMATCHINGREF,KS4_UPN,KS4_SURNAME,KS4_FORENAMES,KS4_DOB,KS4_URN,KS4_ENTRIES,KS4_EBACCAPS_PUPIL,"
        "KS4_L2BASICS_94,KS4_L2BASICS_95,KS4_EBACC_E_PTQ_EE,KS4_PTSCNEWE_PTQ_EE,KS4_ATT8,KS4_P8SCORE,KS4_P8SCORE_ORIG,KS4_ENTBASICS,"
        "KS4_KS2EMSS,KS4_KS2EMSS_GRP,KS4_VERSION"
    ),
    "giap_eyfsp": (
        "FSP_ACADYR,FSP_PupilMatchingRef,FSP_UPN,FSP_SURNAME,FSP_FORENAME,FSP_DOB,FSP_SEX,FSP_MTH_ENTRY,FSP_LA,"
        "FSP_LA_9Code,FSP_ESTAB,FSP_LAESTAB,FSP_URN,FSP_COM_G01,FSP_COM_E01,FSP_AGE,FSP_GLD,FSP_VERSION"
    ),
    "gias": (
        "URN,LA (code),LA (name),EstablishmentNumber,EstablishmentName,TypeOfEstablishment (code),"
        "TypeOfEstablishment (name),EstablishmentTypeGroup (code),EstablishmentTypeGroup (name),"
        "EstablishmentStatus (code),EstablishmentStatus (name),OpenDate,CloseDate,PhaseOfEducation (code),"
        "PhaseOfEducation (name),Postcode,SENPRU (name),TypeOfResourcedProvision (name),Easting,Northing"
    ),
    "ofsted": (
        "Web Link (opens in new window),URN,LAESTAB,School name,Ofsted phase,Type of education,Postcode,"
        "Inspection type,Inspection start date,Publication date,Category of concern,Safeguarding standards,Inclusion,"
        "Curriculum and teaching,Achievement,Attendance and behaviour,Personal development and wellbeing,"
        "Early years (where applicable),Post-16 provision (where applicable),Leadership and governance,"
        "Latest OEIF overall effectiveness,Latest OEIF quality of education,Latest OEIF behaviour and attitudes,"
        "Latest OEIF personal development,Latest OEIF effectiveness of leadership and management,"
        "Inspection start date of latest OEIF graded inspection,Ungraded inspection overall outcome,"
        "Date of latest ungraded inspection,Most recent category of concern"
    ),
}

ROWS: Mapping[str, tuple[Mapping[str, str], str, Mapping[str, object]]] = {
    "giap_census": (
        {
            "AcademicYear": "2024/2025", "CensusTerm": "Spring", "URN": "100001", "UPN": UPN, "Sex": "F",
            "DOB": "02/03/2010", "FSMeligible": "1", "EVERFSM_6": "0", "Language": "ENG", "EnrolStatus": "C",
            "NCyearActual": "10", "SENProvision": "K", "PrimarySENeedsType": "SEMH",
        },
        "202425-spring",
        {"upn": UPN, "urn": 100001, "fsmeligible": True, "everfsm_6": False, "ncyearactual": "10", "senprovision": "K"},
    ),
    "giap_pupil_premium": (
        {
            "UPN": UPN, "LookedAfterPremium": "1", "DeprivationPupilPremium": "0",
            "PupilPremiumFYStartDate": "01/04/2024",
        },
        "202425",
        {"upn": UPN, "lookedafterpremium": True, "deprivationpupilpremium": False},
    ),
    "giap_phonics": (
        {"Phonics_ACADYR": "202324", "Phonics_UPN": UPN, "Phonics_PHONICS_MARK": "35", "Phonics_PHONICS_OUTCOME": "Wa"},
        "202324",
        {"phonics_upn": UPN, "phonics_phonics_mark": 35, "phonics_phonics_outcome": "WA"},
    ),
    "giap_ks1": (
        {"ACADYR": "2023", "UPN": UPN, "READ_OUTCOME": "EXS", "WRIT_OUTCOME": "WTS", "MATH_OUTCOME": "gds"},
        "202223",
        {"acadyr": 202223, "read_outcome": "EXS", "writ_outcome": "WTS", "math_outcome": "GDS"},
    ),
    "giap_ks2": (
        {
            "ACADYR": "2023/2024", "UPN": UPN, "URN": "100001", "READSCORE": "104", "MATSCORE": "99", "GPSSCORE": "N",
            "WRITTAOUTCOME": "EXS", "READEXP": "1", "MATEXP": "0", "RWMEXP": "0", "ELIGRWM": "1", "CLA_12_MONTHS": "1",
        },
        "202324",
        {"readscore": 104, "matscore": 99, "gpsscore": None, "readexp": True, "rwmexp": False, "cla_12_months": True},
    ),
    "giap_ks4": (
        {
            "KS4_ACADYR": "2024/25", "KS4_UPN": UPN, "KS4_ATT8": "18.5", "KS4_P8SCORE": "-1.2575",
            "KS4_EBACCAPS_PUPIL": "1.42", "KS4_L2BASICS_94": "0", "KS4_KS2EMSS": "98.5", "KS4_ENTRIES": "7.5",
        },
        "202425",
        {"ks4_att8": "18.5000", "ks4_p8score": "-1.2575", "ks4_ebaccaps_pupil": "1.4200", "ks4_l2basics_94": False},
    ),
    "giap_eyfsp": (
        {"FSP_ACADYR": "2023-24", "FSP_UPN": UPN, "FSP_GLD": "1", "FSP_URN": "100001"},
        "202324",
        {"fsp_upn": UPN, "fsp_gld": True, "fsp_urn": 100001},
    ),
    "gias": (
        {
            "URN": "100001", "LA (code)": "301", "EstablishmentNumber": "0123", "EstablishmentName": "Ébène School",
            "TypeOfEstablishment (name)": "Community special school", "OpenDate": "01-09-2001", "Postcode": "IG11 0AB",
            "Easting": "544000",
        },
        "undated",
        {
            "urn": 100001, '"la (code)"': "301", "establishmentnumber": "0123", "establishmentname": "Ébène School",
            '"typeofestablishment (name)"': "Community special school", "opendate": "2001-09-01", "easting": 544000,
        },
    ),
    "ofsted": (
        {
            "URN": "100001", "Inspection start date": "NULL", "Publication date": "02/03/2022", "Inclusion": "NULL",
            "Latest OEIF overall effectiveness": "2", "Category of concern": "NULL",
            "Inspection start date of latest OEIF graded inspection": "01/02/2022",
        },
        "undated",
        {
            "urn": 100001, '"inspection start date"': None, "inclusion": None,
            '"latest oeif overall effectiveness"': "2",
            '"inspection start date of latest oeif graded inspection"': "2022-02-01",
        },
    ),
}  # fmt: skip


def written(table: str, *rows: Mapping[str, str], delimiter: str = ",") -> str:
    """A file of that table with its real header."""
    header = HEADERS[table].split(",")
    lines = [header, *([row.get(name, "") for name in header] for row in rows)]
    return "\n".join(delimiter.join(line) for line in lines) + "\n"


def staged_row(snapshots: Path, table: str, period: str, columns: Mapping[str, object]) -> dict[str, object]:
    """The one staged row of a table and period, in those columns."""
    (path,) = snapshots.glob(f"*/identified/staged/{table}-{period}.parquet")
    ((*values,),) = query(f"FROM '{path}' SELECT {', '.join(columns)}")
    plain = (str, int, bool, type(None))
    return dict(zip(columns, (each if isinstance(each, plain) else str(each) for each in values), strict=True))


@pytest.mark.parametrize("delimiter", [",", "\t"], ids=["CSV", "TAB"])
@pytest.mark.parametrize("table", HEADERS)
def test_a_download_is_recognised_dated_and_read(
    table: str, delimiter: str, tmp_path: Path, store: SnapshotStore
) -> None:
    row, period, expected = ROWS[table]
    encoding = "cp1252" if table in ("gias", "ofsted") else "utf-8-sig"
    path = tmp_path / "download.txt"
    path.write_text(written(table, row, delimiter=delimiter), encoding=encoding)
    (report,) = _load(path, store).files
    assert (report.table, report.period, report.rows_loaded) == (table, period, 1)
    assert staged_row(store.root, table, period, expected) == expected


def _load(path: Path, store: SnapshotStore, *mappings: Path) -> LoadReport:
    return load_files([path], store=store, authority="301", token_key=TOKEN_KEY, mappings=mappings, clock=clock)


def test_a_download_of_several_years_is_kept_by_year(tmp_path: Path, store: SnapshotStore) -> None:
    """A virtual school downloads its whole list at once, whenever each child was assessed."""
    rows = [
        {"ACADYR": year, "UPN": upn, "READ_OUTCOME": "EXS", "WRIT_OUTCOME": "EXS", "MATH_OUTCOME": "EXS"}
        for year, upn in (("2022/2023", UPN), ("2018/2019", OTHER), ("", UPN), ("2031", UPN), ("soon", UPN))
    ]
    (tmp_path / "ks1.csv").write_text(written("giap_ks1", *rows))
    (report,) = _load(tmp_path / "ks1.csv", store).files
    assert report.period == "201819, 202223"
    assert report.locators == {"no_period": (4, 5, 6)}
    assert report.rows_in == report.rows_loaded + report.rows_reported == 5
    current = store.current()
    assert current is not None
    assert current.academic_years == (201819, 202223)


def test_a_later_download_adds_to_a_year_and_replaces_the_pupils_it_brings(
    tmp_path: Path, store: SnapshotStore
) -> None:
    def load(*outcomes: tuple[str, str]) -> list[tuple[object, ...]]:
        rows = [
            {"ACADYR": "2023", "UPN": upn, "READ_OUTCOME": each, "WRIT_OUTCOME": "EXS", "MATH_OUTCOME": "EXS"}
            for upn, each in outcomes
        ]
        (tmp_path / "ks1.csv").write_text(written("giap_ks1", *rows))
        _load(tmp_path / "ks1.csv", store)
        current = store.current()
        assert current is not None
        return sorted(query(f"FROM '{current.staged}/giap_ks1-202223.parquet' SELECT upn, read_outcome"))

    load((UPN, "EXS"), (OTHER, "EXS"))
    assert load((UPN, "GDS")) == [(UPN, "GDS"), (OTHER, "EXS")]


def test_a_register_replaces_the_earlier_one_and_stays_when_others_are_loaded(
    tmp_path: Path, store: SnapshotStore, load: Load
) -> None:
    load(header="CHILD\na", episodes="CHILD\na")
    for urn in ("100001", "100002"):
        row = {"URN": urn, "LA (code)": "301", "EstablishmentNumber": "1", "EstablishmentName": "x"}
        (tmp_path / "gias.csv").write_text(written("gias", row))
        _load(tmp_path / "gias.csv", store)
    loaded = load(episodes="CHILD\na")
    assert query(f"FROM '{loaded.snapshot.staged}/gias-undated.parquet' SELECT urn") == [(100002,)]
    assert loaded.snapshot.academic_years == (202425,)


def test_a_register_alone_makes_a_snapshot_of_the_day_s_term(tmp_path: Path, store: SnapshotStore) -> None:
    row = {"URN": "100001", "LA (code)": "301", "EstablishmentNumber": "1", "EstablishmentName": "x"}
    (tmp_path / "gias.csv").write_text(written("gias", row))
    identifier = _load(tmp_path / "gias.csv", store).snapshot
    assert identifier is not None
    assert identifier.startswith("202526-summer-")


@pytest.mark.parametrize("word", ["SUPP", "NE", "X", "A", "N", "supp", "LOWCOV", "NULL"])
def test_a_withheld_figure_is_missing_and_said_to_be_withheld(word: str, judge: Judge) -> None:
    rows = [
        {"KS4_ACADYR": "2024/25", "KS4_UPN": upn, "KS4_ATT8": figure}
        for upn, figure in ((UPN, "40"), (OTHER, word), ("E801200005003", ""), ("U801200005004", "much"))
    ]
    report = judge(ks4=written("giap_ks4", *rows))["ks4"]
    assert report.rows_loaded == 4
    assert {name: report.locators[name] for name in ("withheld_value", "bad_number")} == {
        "withheld_value": (3,),
        "bad_number": (5,),
    }


DATES = {
    "2024-05-01T10:11:12": True, "2024-05-01T10:11:12.123": True, "2024-05-01T10:11:12.123Z": True,
    "2024-05-01T10:11+01:00": True, "2024-05-01 00:00": True, "2024-05-01T25:00:00": False, "2024-05-01TT": False,
    "01-05-2024": True, "01.05.2024": True, "01/05/2024 00:00:00": True, "1/5/2024": True, "01-May-2024": True,
    "1 May 2024": True, "2024-May-01 00:00:00": True, "2024/05/01": True, "01-05-2024 09:30": True,
    "45413": False, "45413.5": False, "20240501": False, "01052024": False, "05/13/2024": False, "32-05-2024": False,
    "01-05-24": False, "01.05.24": False,
}  # fmt: skip


@pytest.mark.parametrize("text", DATES)
def test_dates_in_every_form_of_these_systems_and_no_guess_at_numbers(text: str, judge: Judge) -> None:
    """45413 is what a spreadsheet makes of 1 May 2024, and of much else."""
    report = judge(episodes=f"CHILD,DECOM,RNE,LS,CIN,PLACE,DEC,REC\n1,{text},S,C2,N1,U6,,\n")["episodes"]
    assert bool(report.rows_loaded) == DATES[text]


def test_years_and_terms_are_read_as_people_write_them(judge: Judge) -> None:
    terms = {
        "202425-autumn": "202425-autumn", "Autumn 2024/25": "202425-autumn", "2024/2025 Autumn": "202425-autumn",
        "Autumn 2024": "202425-autumn", "Spring 2025": "202425-spring", "Summer Term 2025": "202425-summer",
        "aut 2024-25": "202425-autumn", "SPR2025": "202425-spring", "2025 Summer": "202425-summer",
        "Winter 2024": None, "2024": None, "Autumn": None, "Autumn 2024/26": None,
    }  # fmt: skip
    for text, period in terms.items():
        report = judge(targets=f"la_child_id,term,subject,target\n1,{text},maths,5\n")["targets"]
        assert report.period == period, text


YEARS = {"Z11": (202526, None), "K3": (202425, None), "H5": (None, 202425), "P2": (None, 202425), "Z1": (None, None)}


@pytest.mark.parametrize("year", range(2022, 2028))
@pytest.mark.parametrize("code", YEARS)
def test_a_placement_code_outside_its_years_is_loaded_with_a_remark(code: str, year: int, tmp_path: Path) -> None:
    """Both public descriptions of the return are taken at their word: a code is right where either has it."""
    path = tmp_path / "episodes.csv"
    path.write_text(f"CHILD,DECOM,RNE,LS,CIN,PLACE,DEC,REC\n1,01/05/2020,S,C2,N1,{code},,\n")
    (report,) = judge_files([path], year=year)
    first, last = YEARS[code]
    academic_year = (year - 1) * 100 + year % 100
    untimely = (first is not None and academic_year < first) or (last is not None and academic_year > last)
    assert dict(report.rules) == ({"untimely_code": 1} if untimely else {})
    assert report.rows_loaded == 1


@pytest.mark.parametrize(("table", "first"), [("SW_ID,SW_DECOM", 2024), ("DOLO_START", 2027)])
@pytest.mark.parametrize("year", range(2022, 2028))
def test_a_table_before_its_first_return_is_loaded_with_a_remark(
    table: str, first: int, year: int, tmp_path: Path
) -> None:
    row = ",".join("01/05/2020" if name != "SW_ID" else "SW1" for name in table.split(","))
    (tmp_path / "table.csv").write_text(f"CHILD,{table}\n1,{row}\n")
    (report,) = judge_files([tmp_path], year=year)
    assert dict(report.rules) == ({"untimely_table": 1} if year < first else {})


def test_sex_is_read_in_figures_and_in_letters(load: Load) -> None:
    header = "CHILD | SEX\na | 1\nb | 2\nc | M\nd | f\ne | U"
    episodes = "CHILD\na\nb\nc\nd\ne"
    children = load(header=header, episodes=episodes).children
    assert [children[child]["sex"] for child in "abcde"] == ["M", "F", "M", "F", "U"]


def test_the_appendix_headers_name_every_column_that_is_read() -> None:
    """A column that the real file does not have would be missing for ever."""
    from node.ingest.formats import load_formats

    for name, header in HEADERS.items():
        known = {each.lower() for each in re.split(",", header)}
        lacking = {column.field for column in load_formats()[name].columns} - known
        assert not lacking - {"formerupn"}, (name, lacking)
