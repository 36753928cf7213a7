"""Schools of the record: their types, their inspections, and moves between them."""

import pytest

from tests.node.ingest.conftest import Load, Spec

UPN = "B801200005001"
LAST_GRADED = "Inspection start date of latest OEIF graded inspection"
HEADER = f"CHILD | UPN\nash | {UPN}"
IN_CARE = "CHILD | DECOM\nash | 01/05/2021"


@pytest.mark.parametrize(
    ("kind", "group", "school_type"),
    [
        ("Community school", "Local authority maintained schools", "mainstream_maintained"),
        ("Academy sponsor led", "Academies", "mainstream_academy"),
        ("Free schools", "Free Schools", "mainstream_academy"),
        ("Community special school", "Special schools", "special"),
        ("Free schools special", "Free Schools", "special"),
        ("Other independent special school", "Independent schools", "special"),
        ("Pupil referral unit", "Local authority maintained schools", "alternative_provision"),
        ("Academy alternative provision converter", "Academies", "alternative_provision"),
        ("Other independent school", "Independent schools", "independent"),
        ("Further education", "Colleges", "further_education"),
        ("Service children's education", "Other types", "other"),
    ],
)
def test_types_of_school(child_spec: Spec, kind: str, group: str, school_type: str) -> None:
    """Special schools and alternative provision are told first, whatever their funding."""
    child_spec(
        header=HEADER,
        episodes=IN_CARE,
        spring_pupilonroll=f"upn | NativeId\n{UPN} | 140001",
        gias=f"URN | TypeOfEstablishment (name) | EstablishmentTypeGroup (name)\n140001 | {kind} | {group}",
        record=f"CHILD | school_type\nash | {school_type}",
    )


@pytest.mark.parametrize(
    ("overall", "graded", "started", "inclusion", "framework", "grade"),
    [
        ("2", "14/03/2023", "", "NULL", "overall_effectiveness", "good"),
        ("Not judged", "14/01/2025", "", "NULL", "key_judgements", ""),
        ("2", "14/03/2023", "20/11/2025", "Strong standard", "report_card", "inclusion_strong_standard"),
        ("1", "14/04/2026", "NULL", "NULL", "", ""),
    ],
)
def test_each_grade_belongs_to_one_framework(
    child_spec: Spec, overall: str, graded: str, started: str, inclusion: str, framework: str, grade: str
) -> None:
    """The latest inspection on or before 31 March 2026 stands; one after it says nothing of the year."""
    child_spec(
        year=2026,
        header=HEADER,
        episodes=IN_CARE,
        giap_census=f"AcademicYear | UPN | URN\n2025/2026 | {UPN} | 140001",
        ofsted=f"""
            URN    | Inclusion   | Latest OEIF overall effectiveness | {LAST_GRADED} | Inspection start date
            140001 | {inclusion} | {overall}                         | {graded}      | {started}
        """,
        record=f"CHILD | ofsted_framework | ofsted_grade\nash | {framework} | {grade}",
    )


def test_a_transfer_that_everybody_makes_is_no_change_of_school(child_spec: Spec) -> None:
    """Into Year 7 in September; a change in another September is one."""
    child_spec(
        header=f"CHILD | UPN | DOB\nash | {UPN} | 01/01/2013\nelm | E301200710001 | 01/01/2012",
        episodes="CHILD | DECOM\nash | 01/05/2021\nelm | 01/05/2021",
        giap_census=f"""
            AcademicYear | CensusTerm | UPN           | URN    | DOB        | EntryDate
            2023/2024    | Summer     | {UPN} | 140001 | 2013-01-01 | 2017-09-01
            2024/2025    | Autumn     | {UPN} | 140002 | 2013-01-01 | 2024-09-03
            2023/2024    | Summer     | E301200710001 | 140001 | 2012-01-01 | 2017-09-01
            2024/2025    | Autumn     | E301200710001 | 140002 | 2012-01-01 | 2024-09-03
        """,
        record="CHILD | school_changes\nash | 0\nelm | 1",
    )


def test_changes_before_care_began_are_not_changes_in_care(child_spec: Spec) -> None:
    child_spec(
        header=f"CHILD | UPN\nash | {UPN}",
        episodes="CHILD | DECOM\nash | 01/03/2025",
        autumn_pupilonroll=f"upn | NativeId\n{UPN} | SCH1",
        spring_pupilonroll=f"upn | NativeId | entrydate\n{UPN} | SCH2 | 2025-Jan-06",
        record="CHILD | school_changes | school_changes_in_year\nash | 0 | 1",
    )


def test_the_rolls_here_come_before_what_others_say(load: Load) -> None:
    """GIAP tells of children on no roll here, and of nobody else."""
    loaded = load(
        header=HEADER,
        episodes=IN_CARE,
        spring_pupilonroll=f"upn | senprovision\n{UPN} | K",
        giap_census=f"UPN | URN | SENProvision\n{UPN} | 140001 | E",
    )
    assert loaded.children["ash"]["sen_provision"] == "sen_support"
    assert loaded.children["ash"]["host_authority"] == "301"
