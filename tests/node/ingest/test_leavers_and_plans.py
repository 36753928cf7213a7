"""Care leavers to 25 and the virtual school's own records: its files in, the record out."""

from tests.node.ingest.conftest import Spec


def test_after_21_only_the_authoritys_own_record_tells(child_spec: Spec) -> None:
    """A care leaver of 23 is in no return; one of 24 of whom nothing is recorded is not in the record of the year."""
    child_spec(
        header="CHILD\nash",
        episodes="CHILD\nash",
        care_leaver_outcomes="""
            la_child_id | date       | age | activity       | in_touch | accommodation_suitable
            old         | 2024-06-01 | 23  | apprenticeship | yes      | true
        """,
        record="""
            CHILD | population   | age | activity_19_21 | in_touch | accommodation_suitable | months_in_care
            old   | care_leaver  | 23  | apprenticeship | yes      | yes                    |
            older | no row       | no row | no row      | no row   | no row                 | no row
        """,
    )


def test_levels_at_19_stand_in_the_year_of_the_record_made_at_19(child_spec: Spec) -> None:
    """A level attained at 18 is attained by 19."""
    child_spec(
        header="CHILD\nash",
        episodes="CHILD\nash",
        care_leaver_outcomes="""
            la_child_id | date       | age | level2 | level3
            a           | 2023-06-01 | 18  | true   | false
            a           | 2024-06-01 | 19  |        | false
            b           | 2024-06-01 | 20  | true   | true
        """,
        record="CHILD | level2_at_19 | level3_at_19\na | yes | no\nb | |",
    )


def test_a_plan_is_on_time_if_every_term_in_care_had_its_meeting(child_spec: Spec) -> None:
    """Due on the last day of a term: late came into care in February, and owes autumn nothing."""
    child_spec(
        header="CHILD\ngood\nmissed\nlate\nslow",
        episodes="""
            CHILD  | DECOM
            good   | 01/05/2023
            missed | 01/05/2023
            late   | 01/02/2025
            slow   | 01/05/2023
        """,
        pep_reviews="""
            la_child_id | term          | meeting_date | completed_date | quality
            good        | 202425-autumn | 2024-11-01   | 2024-11-10     | poor
            good        | 202425-spring | 2025-02-01   | 2025-02-10     | acceptable
            missed      | 202425-spring | 2025-02-01   |                | good
            late        | 202425-spring | 2025-03-01   |                | good
            slow        | 202425-autumn | 2024-11-01   | 2025-01-10     |
            slow        | 202425-spring | 2025-02-01   | 2025-02-10     |
        """,
        record="""
            CHILD  | pep_on_time | pep_quality
            good   | yes         | acceptable
            missed | no          | good
            late   | yes         | good
            slow   | no          |
        """,
    )


def test_the_ambition_is_that_of_the_middle_subject_of_the_latest_term(child_spec: Spec) -> None:
    child_spec(
        header="CHILD\nash\nelm",
        episodes="CHILD\nash\nelm",
        targets="""
            la_child_id | term          | subject | ambition
            ash         | 202425-autumn | English | above
            ash         | 202425-spring | English | below
            ash         | 202425-spring | Maths   | above
            elm         | 202425-spring | English | above
        """,
        record="CHILD | target_ambition\nash | below\nelm | above",
    )


def test_the_daily_record_fills_in_where_no_census_tells_of_attendance(child_spec: Spec) -> None:
    """Ten possible sessions, of which one was missed with leave and one without; X is a session nobody could attend."""
    days = "\n".join(f"ash | 2024-10-0{day} | {half} | /" for day in (1, 2, 3, 4) for half in ("AM", "PM"))
    child_spec(
        header="CHILD\nash",
        episodes="CHILD\nash",
        attendance_daily=f"""
la_child_id | date | session | code
{days}
ash | 2024-10-07 | AM | I
ash | 2024-10-07 | PM | O
ash | 2024-10-08 | AM | X
""",
        record="""
            CHILD | attendance_rate | sessions_missed_unauthorised_rate | persistent_absentee | days_out_of_learning
            ash   | 0.8000          | 0.1000                            | yes                 | 1.0
        """,
    )
