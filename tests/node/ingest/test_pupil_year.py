"""What the columns of `pupil_year` mean: census rows in, the record out. The academic year is 2024/25."""

from typing import Any

from tests.node.ingest.conftest import Load, Spec
from tests.node.ingest.small_returns import query


def test_attendance_is_the_share_of_possible_sessions_over_the_terms_of_the_year(pupil_spec: Spec) -> None:
    """Codes of attendance (P, J) and of sessions that nobody could attend (X, Q) are no absence."""
    pupil_spec(
        spring_pupilonroll="""
            upn | termlysessionspossible
            A   | 140.0
            B   | 140.0
            C   |
        """,
        spring_termlysessiondetailsonroll="""
            pupilonrolltableid | sessions | attendancereason
            A                  | 10.0     | I
            A                  | 4.0      | O
            A                  | 30.0     | P
            A                  | 9.0      | X
            A                  | 8.0      | Q
            A                  | 7.0      | J
        """,
        summer_pupilonroll="""
            upn | termlysessionspossible
            A   | 60.0
            B   | 60.0
            C   |
        """,
        summer_termlysessiondetailsonroll="""
            pupilonrolltableid | sessions | attendancereason
            A                  | 6.0      | M
            B                  | 100.0    | U
        """,
        record="""
            UPN | attendance_rate | sessions_missed_unauthorised_rate | persistent_absentee | severe_absentee
            A   | 0.9000          | 0.0200                            | yes                 | no
            B   | 0.5000          | 0.5000                            | yes                 | yes
            C   |                 |                                   |                     |
        """,
    )


def test_the_second_half_of_the_summer_term_is_told_of_in_a_table_of_its_own(load: Load, pupil_spec: Spec) -> None:
    """Its sessions count together with those possible in it; without the table neither is known."""
    roll = "upn | termlysessionspossible | summerhalfterm2sessionspossible\nA | 100.0 | 60.0\nB | 100.0 |"
    first_half = _sessions("A | 20.0 | I")
    before: dict[str, Any] = {"2023_autumn_pupilonroll": "upn\nA\nB"}
    loaded = load(
        **before,
        autumn_pupilonroll=roll,
        autumn_termlysessiondetailsonroll=first_half,
        autumn_summerhalfterm2sessiondetailsonroll=_sessions("A | 12.0 | O"),
    )
    rows = [row for row in loaded.every_row("pupil_year", "pupils", "pupil", "upn") if row["academic_year"] == 202324]
    assert {row["upn"]: (str(row["attendance_rate"]), str(row["days_out_of_learning"])) for row in rows} == {
        "A": ("0.8000", "16.0"),
        "B": ("1.0000", "0.0"),
    }
    pupil_spec(
        spring_pupilonroll=roll,
        spring_termlysessiondetailsonroll=first_half,
        autumn_pupilonroll="upn | termlysessionspossible\nA |",
        record="UPN | attendance_rate | days_out_of_learning\nA | 0.8000 | 10.0\nB | 1.0000 | 0.0",
    )


def test_what_a_school_tells_of_a_pupil_who_left_it_counts_where_they_are_on_roll_here(pupil_spec: Spec) -> None:
    """A pupil who is permanently excluded is on the roll of that school no more."""
    pupil_spec(
        spring_pupilonroll="upn | termlysessionspossible\nA | 40.0\nB | 40.0",
        spring_termlysessiondetailsonroll="pupilonrolltableid | sessions | attendancereason\nA | 4.0 | I",
        spring_termlyexclusionsonroll="""
            pupilonrolltableid | startdate   | sessions | category
            B                  | 2024-Oct-01 | 2.0      | SUSP
        """,
        spring_pupilnolongeronroll="""
            pupilnolongeronrolltableid | upn | termlysessionspossible
            q1                         | A   | 60.0
            q2                         | C   | 60.0
        """,
        spring_termlysessiondetailsoffroll="""
            pupilnolongeronrolltableid | sessions | attendancereason
            q1                         | 16.0     | O
            q2                         | 60.0     | O
        """,
        spring_termlyexclusionsoffroll="""
            pupilnolongeronrolltableid | startdate   | sessions | category
            q1                         | 2024-Nov-20 | 0.0      | PERM
            q1                         | 2024-Nov-04 | 4.0      | FIXD
            q2                         | 2024-Nov-20 | 0.0      | PERM
        """,
        record="""
            UPN | attendance_rate | permanently_excluded | suspensions | suspension_days
            A   | 0.8000          | yes                  | 1           | 2.0
            B   | 1.0000          | no                   | 1           | 1.0
            C   | no row          | no row               | no row      | no row
        """,
    )


def test_a_census_tells_of_the_attendance_of_the_term_before(load: Load) -> None:
    """So the autumn census is about last summer: of the year before, and of nobody who was in no year before."""
    before: dict[str, Any] = {
        "2023_autumn_pupilonroll": "upn\nA",
        "2023_autumn_termlysessiondetailsonroll": _sessions("A | 99.0 | I"),
    }
    loaded = load(
        **before,
        autumn_pupilonroll="upn | termlysessionspossible\nA | 50.0\nB | 50.0",
        autumn_termlysessiondetailsonroll=_sessions("A | 5.0 | O", "B | 20.0 | O"),
        spring_pupilonroll="upn | termlysessionspossible\nA | 140.0\nB | 140.0",
        spring_termlysessiondetailsonroll=_sessions("A | 7.0 | I"),
    )
    rows = loaded.every_row("pupil_year", "pupils", "pupil", "upn")
    attended = {(row["upn"], row["academic_year"]): str(row["attendance_rate"]) for row in rows}
    assert attended == {("A", 202324): "0.9000", ("A", 202425): "0.9500", ("B", 202425): "1.0000"}


def _sessions(*rows: str) -> str:
    return "\n".join(["pupilonrolltableid | sessions | attendancereason", *rows])


def test_a_pupil_who_missed_just_under_a_tenth_is_not_persistently_absent(pupil_spec: Spec) -> None:
    pupil_spec(
        spring_pupilonroll="upn | termlysessionspossible\nA | 130.0\nB | 130.0",
        spring_termlysessiondetailsonroll="""
            pupilonrolltableid | sessions | attendancereason
            A                  | 12.0     | I
            B                  | 13.0     | I
        """,
        record="""
            UPN | persistent_absentee
            A   | no
            B   | yes
        """,
    )


def test_more_absence_than_possible_sessions_is_brought_inside_and_said_so(load: Load) -> None:
    loaded = load(
        spring_pupilonroll="upn | termlysessionspossible\nA | 100.0",
        spring_termlysessiondetailsonroll="pupilonrolltableid | sessions | attendancereason\nA | 130.0 | I",
    )
    assert loaded.pupils["A"]["attendance_rate"] == 0
    assert loaded.report.tables["pupil_year"].outside == {"attendance_rate": 1}


def test_suspensions_are_those_begun_in_the_year_and_days_are_pairs_of_sessions(pupil_spec: Spec) -> None:
    """FIXD is the old name of SUSP; lunchtimes are suspensions too; the autumn census tells of last summer's."""
    pupil_spec(
        autumn_pupilonroll="upn\nA\nB\nC",
        autumn_termlyexclusionsonroll="""
            pupilonrolltableid | startdate   | sessions | category
            A                  | 2024-Jun-20 | 10.0     | SUSP
            A                  | 2024-Sep-20 | 4.0      | FIXD
            B                  | 2024-Sep-20 | 1.0      | PERM
        """,
        spring_pupilonroll="upn\nA\nB\nC",
        spring_termlyexclusionsonroll="""
            pupilonrolltableid | startdate   | sessions | category
            A                  | 2025-Jan-20 | 1.0      | LNCH
        """,
        record="""
            UPN | suspensions | suspension_days | permanently_excluded
            A   | 2           | 2.5             | no
            B   | 0           | 0.0             | yes
            C   | 0           | 0.0             | no
        """,
    )


def test_an_exclusion_told_of_a_year_late_is_one_of_the_year_it_began_in(load: Load) -> None:
    roll, exclusions = "upn\nA\nB", "pupilonrolltableid | startdate | sessions | category\n"
    year_before: dict[str, Any] = {
        "2024_summer_pupilonroll": roll,
        "2024_summer_termlyexclusionsonroll": exclusions + "B | 2024-May-02 | 4.0 | SUSP",
    }
    loaded = load(
        **year_before,
        autumn_pupilonroll=roll,
        autumn_termlyexclusionsonroll=exclusions + "A | 2024-Jun-20 | 10.0 | SUSP\nA | 2024-Sep-20 | 4.0 | SUSP",
    )
    found = loaded.every_row("pupil_year", "pupils", "pupil", "upn")
    assert sorted((row["academic_year"], row["upn"], row["suspensions"], row["suspension_days"]) for row in found) == [
        (202324, "A", 1, 5),
        (202324, "B", 1, 2),
        (202425, "A", 1, 2),
        (202425, "B", 0, 0),
    ]


def test_free_meals_are_those_of_the_latest_census_day(pupil_spec: Spec) -> None:
    """The third Thursday of January, 16 January 2025, where the census does not say."""
    pupil_spec(
        autumn_pupilonroll="upn\nENDED\nOPEN\nNEW\nNEVER\nOVER",
        autumn_fsmperiod="pupilonrolltableid | fsmstartdate | fsmenddate\nENDED | 2023-Sep-01 | 2024-Nov-30",
        spring_pupilonroll="upn\nENDED\nOPEN\nNEW\nLATE\nNEVER\nOVER\nPAST",
        spring_fsmperiod="""
            pupilonrolltableid | fsmstartdate | fsmenddate
            ENDED              | 2023-Sep-01  | 2024-Nov-30
            OPEN               | 2023-Sep-01  |
            NEW                | 2025-Jan-16  |
            LATE               | 2025-Jan-17  |
            OVER               | 2016-Sep-01  | 2019-Jan-16
            PAST               | 2016-Sep-01  | 2019-Jan-15
        """,
        record="""
            UPN   | fsm_status   | fsm_ever_6
            ENDED | not_eligible | yes
            OPEN  | eligible     | yes
            NEW   | eligible     | yes
            LATE  | not_eligible | no
            NEVER | not_eligible | no
            OVER  | not_eligible | yes
            PAST  | not_eligible | no
        """,
    )


def test_the_department_knows_better_who_ever_had_free_meals(pupil_spec: Spec) -> None:
    """Its flag goes before the periods of a census, which begin where a school's own system does."""
    pupil_spec(
        spring_pupilonroll="upn\nB801200005001\nQ801200005002",
        spring_fsmperiod="pupilonrolltableid | fsmstartdate\nQ801200005002 | 2024-Sep-01",
        giap_census="UPN | URN | EVERFSM_6\nB801200005001 | 140001 | 1\nQ801200005002 | 140001 |",
        record="""
            UPN           | fsm_status   | fsm_ever_6
            B801200005001 | not_eligible | yes
            Q801200005002 | eligible     | yes
        """,
    )


def test_sen_is_the_latest_terms_and_the_need_is_the_first_of_those_given(pupil_spec: Spec) -> None:
    """S was a statement and A and P were stages of support before 2015."""
    pupil_spec(
        autumn_pupilonroll="upn | senprovision\nA | N\nB | S\nC | P\nD | E",
        autumn_senneeds="pupilonrolltableid | sentyperank | sentype\nB | 1 | SLD",
        spring_pupilonroll="""
            upn | senprovision | resourcedprovisionindicator
            A   | K            | True
            B   | S            | False
            C   | A            | False
            D   | N            | False
        """,
        spring_senneeds="""
            pupilonrolltableid | sentyperank | sentype
            A                  | 2.0         | SEMH
            A                  | 1.0         | SLCN
            B                  | 1.0         | ASD
            D                  | 1.0         | ASD
        """,
        record="""
            UPN | sen_provision | sen_primary_need | sen_unit_or_resourced
            A   | sen_support   | SLCN             | yes
            B   | ehc_plan      | ASD              | no
            C   | sen_support   |                  | no
            D   | none          |                  | no
        """,
    )


def test_english_is_additional_where_another_language_is_first_or_believed_to_be(pupil_spec: Spec) -> None:
    pupil_spec(
        spring_pupilonroll="upn | language\nA | ENG\nB | ENB\nC | POL\nD | OTB\nE | REF\nF |",
        record="""
            UPN | english_additional_language
            A   | no
            B   | no
            C   | yes
            D   | yes
            E   |
            F   |
        """,
    )


def test_school_changes_are_between_main_registrations_and_need_two_terms(pupil_spec: Spec, load: Load) -> None:
    pupil_spec(
        autumn_pupilonroll="""
            upn | NativeId | enrolstatus | pupilonrolltableid
            A   | SCH1     | C           | a1
            B   | SCH1     | C           | b1
            C   | SCH1     | M           | c1
            C   | PRU      | S           | c2
        """,
        spring_pupilonroll="""
            upn | NativeId | enrolstatus | pupilonrolltableid
            A   | SCH1     | C           | a1
            B   | SCH2     | C           | b1
            C   | SCH1     | M           | c1
        """,
        summer_pupilonroll="""
            upn | NativeId | enrolstatus | pupilonrolltableid
            A   | SCH1     | C           | a1
            B   | SCH1     | C           | b1
            C   | SCH1     | M           | c1
        """,
        record="""
            UPN | school_changes_in_year
            A   | 0
            B   | 2
            C   | 0
        """,
    )


def test_one_term_alone_shows_no_school_changes(load: Load) -> None:
    assert load(spring_pupilonroll="upn\nA").pupils["A"]["school_changes_in_year"] is None


def test_what_a_term_does_not_ask_is_taken_from_one_that_does(pupil_spec: Spec) -> None:
    """Only the spring census asks for ethnicity; the latest term still decides what changes."""
    pupil_spec(
        spring_pupilonroll="upn | ethnicity | sex | senprovision\nA | WWEL | M | K",
        summer_pupilonroll="upn | ethnicity | sex | senprovision\nA | | | N",
        record="""
            UPN | ethnicity_major | sex | sen_provision
            A   | white           | M   | none
        """,
    )


def test_the_social_care_group_is_the_first_that_applies(pupil_spec: Spec) -> None:
    """Looked after by the own return, then what parents declared; care leavers and others are not known to be."""
    pupil_spec(
        header="CHILD | UPN\nlong | B801200005001\nshort | E301200710001\nleft | H801200001001\nleaver | A1",
        episodes="""
            CHILD | DECOM      | DEC        | REC
            long  | 01/05/2023 |            |
            short | 01/05/2024 |            |
            left  | 01/05/2023 | 01/06/2024 | E4A
        """,
        oc3="CHILD\nleaver",
        spring_pupilonroll="""
            upn           | plaa
            B801200005001 | A
            E301200710001 | N
            H801200001001 | N
            A1            | N
            OTHER         | A
            GUARDIAN      | G
            ORDER         | C
        """,
        record="""
            UPN           | social_care_group                   | host_authority
            B801200005001 | cla_12_months_at_31_march           | 301
            E301200710001 | cla_less_than_12_months_at_31_march | 301
            H801200001001 | cla_at_any_point                    | 301
            A1            | not_known                           | 301
            OTHER         | plaa_adoption                       | 301
            GUARDIAN      | plaa_sgo                            | 301
            ORDER         | plaa_cao                            | 301
        """,
    )


def test_previously_looked_after_is_what_parents_declared(pupil_spec: Spec) -> None:
    pupil_spec(
        spring_pupilonroll="upn | plaa\nA | A\nB | G\nC | R\nD | C\nE | N\nF | O\nG |",
        record="""
            UPN | previously_looked_after
            A   | yes
            B   | yes
            C   | yes
            D   | yes
            E   | no
            F   | no
            G   |
        """,
    )


def test_the_vault_knows_the_school_by_its_urn_where_the_census_tells_it(load: Load) -> None:
    loaded = load(
        spring_pupilonroll="upn | NativeId\nA | SCH1\nB | SCH2\nC | 100123",
        spring_schoolcensus="NativeId | urn | term | year\nSCH1 | 918851 | spring | 2025",
    )
    schools = loaded.records("pupil_year", "pupils", "pupil", "upn, school_urn")
    assert {who: row["school_urn"] for who, row in schools.items()} == {"A": 918851, "B": None, "C": 100123}


def test_the_vault_knows_a_pupil_without_a_number_by_the_key_of_the_row(load: Load) -> None:
    loaded = load(spring_pupilonroll="pupilonrolltableid | upn\n1 | A\n2 |\n3 | UN4")
    known = query(f"SELECT upn, roll_key FROM '{loaded.snapshot.identified['pupils']}' ORDER BY ALL")
    assert known == [("A", None), (None, "roll 2"), (None, "roll 3")]
