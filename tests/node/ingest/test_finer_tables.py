"""The governed tables of finer grain: several rows to a child, and questions about them count children."""

import pytest

from disclosure_control.presets.shipped import load_preset
from disclosure_control.rows.protection import protect
from node.ingest.tables import RECORDS
from query_engine.catalogue import load_catalogue
from query_engine.engines.duckdb import DuckDBEngine
from query_engine.language.parser import parse_query
from query_engine.methodology.cautions import cautions
from query_engine.planning.plan import QueryPlan
from query_engine.planning.planner import plan_query
from tests.node.ingest.conftest import Load
from tests.node.ingest.small_returns import Loaded, printed, read_rows

UPN = "B801200005001"
HEADER = f"CHILD | UPN\nash | {UPN}"
IN_CARE = "CHILD | DECOM\nash | 01/05/2023"
FINER = [name for name in RECORDS if name not in ("child_year", "pupil_year")]


def check_rows(loaded: Loaded, table: str, expected: str) -> None:
    """Check that a governed table has these rows, in any order."""
    wanted = read_rows(expected)
    found = [
        {name: row["la_child_id"] if name == "CHILD" else printed(row[name]) for name in wanted[0]}
        for row in loaded.every_row(table, "children", "child", "la_child_id")
    ]
    assert sorted(found, key=str) == sorted(wanted, key=str)


def test_placements_are_those_with_a_day_in_the_year(load: Load) -> None:
    loaded = load(
        episodes="""
            CHILD | DECOM      | RNE | PLACE | URN | HOME_POST | PL_POST  | DEC        | REC | REASON_PLACE_CHANGE
            ash   | 01/05/2022 | S   | U6    | 1   | SW1A 1AA  | IG11 0AB | 01/02/2024 | X1  | CARPL
            ash   | 01/02/2024 | P   | U6    | 2   | SW1A 1AA  | IG11 0AB | 01/07/2024 | X1  | CREQB
            ash   | 01/07/2024 | P   | K2    | 3   | SW1A 1AA  | SW1A 1AA |            |     |
            elm   | 01/05/2022 | S   | P1    | 1   | SW1A 1AA  |          | 11/04/2024 | E4A |
        """
    )
    check_rows(
        loaded,
        "placements",
        """
            CHILD | placement_type | placement_in_area | placement_distance | placement_end  | months | days_in_year
            ash   | foster_other   | yes               | 11.6               | unplanned_move | 5      | 91
            ash   | children_home  | no                | 0.0                | continues      | 9      | 274
            elm   | with_parents   |                   |                    | left_care      | 23     | 10
        """,
    )


def test_school_moves_say_when_and_between_what(load: Load) -> None:
    loaded = load(
        header=HEADER,
        episodes=IN_CARE,
        autumn_pupilonroll=f"upn | NativeId\n{UPN} | 140001",
        spring_pupilonroll=f"upn | NativeId | entrydate\n{UPN} | 140002 | 2025-Jan-06",
        gias="""
            URN    | TypeOfEstablishment (name) | EstablishmentTypeGroup (name)
            140001 | Academy converter          | Academies
            140002 | Pupil referral unit        | Local authority maintained schools
        """,
    )
    check_rows(
        loaded,
        "school_moves",
        """
            CHILD | year_group | term   | move_timing | moved_in_care | school_type_left   | school_type_joined
            ash   | 10         | spring | in_year     | yes           | mainstream_academy | alternative_provision
        """,
    )


def test_absences_are_sessions_by_term_and_reason(load: Load) -> None:
    """Attendance (/) and sessions that nobody could attend (X) are no absence. A spring census tells of autumn."""
    loaded = load(
        header=HEADER,
        episodes=IN_CARE,
        spring_pupilonroll=f"upn\n{UPN}",
        spring_termlysessiondetailsonroll=f"""
            pupilonrolltableid | sessions | attendancereason
            {UPN}      | 90.0     | /
            {UPN}      | 4.0      | I
            {UPN}      | 2.0      | C
            {UPN}      | 1.0      | J1
            {UPN}      | 3.0      | O
            {UPN}      | 9.0      | X
        """,
    )
    check_rows(
        loaded,
        "absences",
        """
            CHILD | term   | absence_reason     | authorised | sessions
            ash   | autumn | illness            | yes        | 4
            ash   | autumn | other_authorised   | yes        | 3
            ash   | autumn | other_unauthorised | no         | 3
        """,
    )


def test_absences_of_a_pupil_who_changed_school_are_those_at_both(load: Load) -> None:
    loaded = load(
        header=HEADER,
        episodes=IN_CARE,
        summer_pupilonroll=f"upn\n{UPN}",
        summer_termlysessiondetailsonroll=f"pupilonrolltableid | sessions | attendancereason\n{UPN} | 4.0 | I",
        summer_pupilnolongeronroll=f"pupilnolongeronrolltableid | upn\nq1 | {UPN}\nq2 | Q801200005002",
        summer_termlysessiondetailsoffroll="""
            pupilnolongeronrolltableid | sessions | attendancereason
            q1                         | 3.0      | I
            q2                         | 9.0      | I
        """,
    )
    check_rows(loaded, "absences", "CHILD | term | absence_reason | sessions\nash | spring | illness | 7")


def test_exclusions_have_a_row_each(load: Load) -> None:
    loaded = load(
        header=HEADER,
        episodes=IN_CARE,
        autumn_pupilonroll=f"upn\n{UPN}",
        autumn_termlyexclusionsonroll=f"""
            pupilonrolltableid | startdate   | sessions | category
            {UPN}      | 2024-Sep-20 | 4.0      | SUSP
            {UPN}      | 2024-Nov-20 | 0.0      | PERM
        """,
        spring_pupilnolongeronroll=f"pupilnolongeronrolltableid | upn\nq1 | {UPN}",
        spring_termlyexclusionsoffroll="""
            pupilnolongeronrolltableid | startdate   | sessions | category
            q1                         | 2025-Jan-20 | 0.0      | PERM
            q1                         |             | 2.0      | SUSP
        """,
    )
    check_rows(
        loaded,
        "exclusions",
        """
            CHILD | exclusion_category | term   | excluded_in_care | days_lost
            ash   | suspension         | autumn | yes              | 2.0
            ash   | permanent          | autumn | yes              |
            ash   | permanent          | spring | yes              |
            ash   | suspension         | autumn |                  | 1.0
        """,
    )


def test_attainment_has_a_row_for_each_assessment_of_the_year(load: Load) -> None:
    loaded = load(
        header=HEADER,
        episodes=IN_CARE,
        giap_ks4=f"KS4_UPN | KS4_ATT8 | KS4_P8SCORE | KS4_L2BASICS_94\n{UPN} | 36 | -1.25 | 0",
    )
    check_rows(
        loaded,
        "attainment",
        """
            CHILD | assessment | met_expected | assessed_in_care | standard_score | attainment8 | progress8
            ash   | ks4        | no           | yes              | -0.50          | 36.00       | -1.25
        """,
    )


def test_plans_have_a_row_for_each_term_due_or_reviewed(load: Load) -> None:
    loaded = load(
        header="CHILD\nash\nelm",
        episodes="CHILD | DECOM\nash | 01/05/2023\nelm | 01/05/2023",
        pep_reviews="""
            la_child_id | term          | meeting_date | completed_date | quality | sdq_strategies
            ash         | 202425-spring | 2025-02-01   | 2025-02-11     | good    | true
        """,
    )
    check_rows(
        loaded,
        "pep",
        """
            CHILD | term   | pep_due | pep_reviewed | pep_on_time | pep_quality | sdq_strategies | days_to_complete
            ash   | spring | yes     | yes          | yes         | good        | yes            | 10
            elm   | spring | yes     | no           | no          |             |                |
        """,
    )


def test_support_of_a_kind_without_a_name_of_ours_is_other(load: Load) -> None:
    loaded = load(
        header="CHILD\nash",
        episodes="CHILD\nash",
        support="""
            la_child_id | kind        | start_date | end_date   | cost   | target_subject
            ash         | Tuition     | 2024-10-01 | 2024-10-31 | 600.00 | Mathematics
            ash         | Pony trek   | 2025-02-01 |            | 50.50  |
        """,
    )
    check_rows(
        loaded,
        "support",
        """
            CHILD | support_kind | target_subject | support_ended | cost   | days_of_support
            ash   | tuition      | mathematics    | yes           | 600.00 | 31
            ash   | other        |                | no            | 50.50  |
        """,
    )


def _plan(table: str, asked: str) -> QueryPlan:
    catalogue = load_catalogue()
    sql = f"SELECT {asked} FROM {table} WHERE academic_year = 202425 AND counted_here AND population = 'looked_after'"
    return plan_query(parse_query(sql, catalogue), catalogue)


@pytest.mark.parametrize("table", FINER)
def test_every_table_can_be_planned_and_run(table: str, load: Load) -> None:
    """Every dimension and measure of it, over a snapshot that has not one row of most."""
    snapshot = load(header=HEADER, episodes=IN_CARE).snapshot
    columns = load_catalogue().table(table).columns.values()
    asked = ", ".join(
        f"AVG({each.name}) AS mean_{each.name}" for each in columns if each.is_amount and each.name != "counted_here"
    )
    plan = _plan(table, f"COUNT(*) AS n, COUNT(DISTINCT child) AS children, {asked}")
    guarded = ["time_out_of_learning"] if table == "exclusions" else []
    assert [each.rule for each in cautions(plan)] == guarded
    with DuckDBEngine(snapshot.tables) as engine:
        raw = engine.run(plan)
    assert raw.statistic("children")[0] <= 1
    assert "home_authority" not in plan.columns


def test_protection_counts_children_and_not_rows(load: Load) -> None:
    """Five children with four placements each are twenty rows, and still fewer than ten children."""
    moves = ("01/05/2024", "01/07/2024", "01/09/2024", "01/11/2024")
    rows = [
        f"{child} | {start} | {'P' if place else 'S'} | {place} | {end} | {'X1' if end else ''}"
        for child in "abcde"
        for place, (start, end) in enumerate(zip(moves, (*moves[1:], ""), strict=True))
    ]
    loaded = load(episodes="CHILD | DECOM | RNE | URN | DEC | REC\n" + "\n".join(rows))
    plan = _plan("placements", "COUNT(*) AS placements, COUNT(DISTINCT child) AS children, AVG(days_in_year) AS days")
    with DuckDBEngine(loaded.snapshot.tables) as engine:
        raw = engine.run(plan)
    assert (raw.statistic("rows")[0], raw.statistic("children")[0]) == (20, 5)
    preset = load_preset("ons_10_5")
    assert preset.smallest_count_shown > 5
    assert {str(value) for row in protect(raw, preset).rows for value in row} == {"c"}
