"""Each rule of the returns check, on tables: the rows marked `found` break it, and the rows beside them do not."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from node.quality.rules import load_areas, load_returns_rules
from tests.node.ingest.small_returns import read_rows
from tests.node.quality.small_evidence import find_planted

SPECS: Mapping[str, Mapping[str, str]] = {
    "missed_more_than_possible": {
        "spring_pupilonroll": """
            upn | termlysessionspossible | found
            A   | 100                    | yes
            B   | 100                    |
            C   |                        |""",
        "spring_termlysessiondetailsonroll": """
            pupilonrolltableid | sessions | attendancereason
            A                  | 60       | O
            A                  | 41       | I
            B                  | 100      | O
            B                  | 50       | /
            C                  | 10       | O""",
        "told_by_hosts": """
            upn | sessions_possible | sessions_missed_authorised | sessions_missed_unauthorised | found
            D   | 100               | 90                         | 11                           | yes
            E   | 100               | 90                         |                              |""",
    },
    "no_sessions_all_term": {
        "children": """
            la_child_id | upn | care_start
            1           | A   | 2024-05-01
            2           | B   | 2024-05-01
            3           | C   | 2024-05-01
            4           | D   | 2024-05-01
            5           | E   | 2024-05-01""",
        "spring_pupilonroll": """
            upn | dob        | entrydate  | enrolstatus | termlysessionspossible | found
            A   | 2010-01-01 | 2021-09-01 | C           | 0                      | yes
            B   | 2010-01-01 | 2021-09-01 | C           | 100                    |
            C   | 2010-01-01 | 2024-09-10 | C           | 0                      |
            D   | 2021-01-01 | 2021-09-01 | C           | 0                      |
            E   | 2010-01-01 | 2021-09-01 | S           | 0                      |
            F   | 2010-01-01 | 2021-09-01 | C           | 0                      |""",
    },
    "attendance_differs_from_daily_record": {
        "spring_pupilonroll": """
            upn | termlysessionspossible | found
            A   | 100                    | yes
            B   | 100                    |
            C   | 100                    |
            D   | 100                    |""",
        "spring_termlysessiondetailsonroll": """
            pupilonrolltableid | sessions
            B                  | 45
            C                  | 100""",
        "told_by_hosts": """
            upn | sessions_possible | sessions_missed_authorised | found
            E   | 100               | 0                          | yes
            F   | 100               | 45                         |""",
        # Of the autumn term, which the spring census tells of; D's is of spring itself.
        "attendance_daily": "upn | date | session | code\n"
        + "\n".join(
            f"{upn} | {month}-{day:02} | {session} | {'O' if session == 'AM' else '/'}"
            for upn, month, days in (
                *(("A", "2024-11", 20), ("B", "2024-11", 20), ("C", "2024-11", 9), ("D", "2025-01", 20)),
                *(("E", "2024-11", 20), ("F", "2024-11", 20)),
            )
            for day in range(1, days + 1)
            for session in ("AM", "PM")
        ),
    },
    "sen_differs_from_giap": {
        "spring_schoolcensus": "NativeId | urn\nSCH1 | 100001",
        "spring_pupilonroll": """
            upn | senprovision | found
            A   | N            | yes
            B   | K            |
            C   | N            |""",
        "spring_giap_census": """
            UPN | URN    | SENProvision
            A   | 100001 | K
            B   | 100001 | K
            C   | 100002 | K""",
    },
    "ehc_plan_recorded_elsewhere": {
        "autumn_pupilonroll": """
            upn | senprovision | found
            A   | E            |
            B   | E            |
            C   | K            |""",
        "spring_pupilonroll": """
            upn | senprovision | found
            A   | K            | yes
            B   | E            |
            C   | K            |
            D   | N            | yes
            E   | N            | yes""",
        "told_by_hosts": """
            upn | sen_provision
            D   | ehc_plan""",
        "autumn_giap_census": """
            UPN | URN    | SENProvision
            E   | 100009 | E""",
    },
    "previously_looked_after_while_in_care": {
        "children": """
            la_child_id | upn | care_start | care_end
            1           | A   | 2024-05-01 |
            2           | B   | 2024-05-01 |
            3           | C   | 2024-05-01 | 2024-12-01""",
        "spring_pupilonroll": """
            upn | plaa | found
            A   | A    | yes
            B   | N    |
            C   | G    |
            D   | A    |""",
    },
    "care_unknown_to_the_department": {
        "children": """
            la_child_id | upn | care_start | care_end
            1           | A   | 2023-05-01 |
            2           | B   | 2023-05-01 |
            3           | C   | 2024-09-01 |
            4           | D   | 2023-05-01 | 2025-02-01""",
        "giap_ks2": """
            UPN | CLA_12_MONTHS | found
            A   | false         | yes
            B   | true          |
            C   | false         |
            D   | false         |
            E   | false         |""",
    },
    "looked_after_premium_missing": {
        "children": """
            la_child_id | upn | dob        | care_start | care_end
            1           | A   | 2010-01-01 | 2024-04-01 |
            2           | B   | 2010-01-01 | 2024-04-01 |
            3           | C   | 2010-01-01 | 2024-04-02 |
            4           | D   | 2010-01-01 | 2024-04-01 | 2025-03-31
            5           | E   | 2010-01-01 | 2024-04-01 | 2025-04-01
            6           | F   | 2020-01-01 | 2024-04-01 |
            7           | G   | 2008-01-01 | 2024-04-01 |
            8           | H   | 2010-01-01 | 2024-04-01 |""",
        "giap_pupil_premium": """
            UPN | LookedAfterPremium | PupilPremiumFYEndDate | found
            A   | false              | 2025-03-31            | yes
            B   | true               | 2025-03-31            |
            C   | false              | 2025-03-31            |
            D   | false              | 2025-03-31            |
            E   | false              |                       | yes
            F   | false              | 2025-03-31            |
            G   | false              | 2025-03-31            |
            H   |                    | 2025-03-31            |
            I   | false              | 2025-03-31            |""",
    },
    "child_on_no_roll": {
        "children": """
            la_child_id | upn | dob        | placement_authority | care_start
            1           | A   | 2010-01-01 | 301                 | 2024-05-01
            2           | B   | 2010-01-01 | 301                 | 2024-05-01
            3           | C   | 2010-01-01 | 302                 | 2024-05-01
            4           | D   | 2021-01-01 | 301                 | 2024-05-01
            5           | E   | 2010-01-01 | 301                 | 2025-02-01
            6           | F   | 2010-01-01 | 301                 | 2024-05-01
            7           | UN4 | 2010-01-01 | 301                 | 2024-05-01""",
        "header": """
            CHILD | UPN | DOB        | found
            1     | A   | 2010-01-01 | yes
            2     | B   | 2010-01-01 |
            3     | C   | 2010-01-01 |
            4     | D   | 2021-01-01 |
            5     | E   | 2010-01-01 |
            6     | F   | 2010-01-01 |
            7     | UN4 | 2010-01-01 |""",
        "spring_pupilonroll": "upn\nB",
        "told_by_hosts": "upn\nF",
    },
    "number_unknown_though_of_school_age": {
        "children": """
            la_child_id | upn | dob        | care_start
            1           | UN4 | 2010-01-01 | 2024-05-01
            2           |     | 2010-01-01 | 2024-05-01
            3           | UN4 | 2010-01-01 | 2024-12-01
            4           | UN1 | 2021-01-01 | 2024-05-01
            5           | UN3 | 2010-01-01 | 2024-05-01
            6           | A   | 2010-01-01 | 2024-05-01""",
        "header": """
            CHILD | UPN | DOB        | found
            1     | UN4 | 2010-01-01 | yes
            2     |     | 2010-01-01 | yes
            3     | UN4 | 2010-01-01 |
            4     | UN1 | 2021-01-01 |
            5     | UN3 | 2010-01-01 |
            6     | A   | 2010-01-01 |""",
        "spring_pupilonroll": "upn\nA",
    },
    "check_letter_in_census": {
        "spring_pupilonroll": """
            upn           | found
            B801200005001 |
            A801200005001 | yes
            12345         | yes
                          |""",
        "told_by_hosts": "upn | found\nC801200005001 | yes",
    },
    "check_letter_in_care_return": {
        "header": """
            CHILD | UPN           | found
            1     | B801200005001 |
            2     | A801200005001 | yes
            3     | B8012         | yes
            4     | UN3           |
            5     |               |""",
    },
    "one_number_for_two_children": {
        "header": """
            CHILD | UPN | found
            1     | A   | yes
            2     | A   | yes
            3     | B   |
            4     | UN3 |
            5     | UN3 |
            6     |     |
            7     |     |""",
    },
    "one_number_for_two_pupils": {
        "autumn_pupilonroll": """
            upn | surname | dob        | found
            A   | Ash     | 2010-01-01 | yes
            B   | Ash     | 2010-01-01 |
            C   | Ash     | 2010-01-01 |""",
        "spring_pupilonroll": """
            upn | surname | dob        | found
            A   | Birch   | 2011-02-02 | yes
            B   | Ash     | 2011-02-02 |
            C   | Birch   | 2010-01-01 |""",
    },
    "on_two_main_rolls": {
        "spring_pupilonroll": """
            upn | NativeId | enrolstatus | pupilonrolltableid | found
            A   | SCH1     | C           | 1                  | yes
            A   | SCH2     | M           | 2                  | yes
            B   | SCH1     | M           | 3                  |
            B   | SCH2     | S           | 4                  |
            C   | SCH1     | C           | 5                  |""",
        "summer_pupilonroll": "upn | NativeId | found\nC | SCH2 |",
    },
    "on_the_roll_of_a_host_too": {
        "spring_schoolcensus": "NativeId | urn\nSCH1 | 100001",
        "autumn_pupilonroll": "upn | found\nC |",
        "spring_pupilonroll": """
            upn | enrolstatus | found
            A   | C           | yes
            B   | S           |
            D   | C           |""",
        "told_by_hosts": """
            upn | school_urn
            A   | 100002
            B   | 100002
            C   | 100002
            D   | 100001""",
    },
    "school_differs_from_giap": {
        "spring_schoolcensus": "NativeId | urn\nSCH1 | 100001",
        "spring_pupilonroll": """
            upn | found
            A   | yes
            B   |
            C   |""",
        "spring_giap_census": """
            UPN | URN    | EnrolStatus
            A   | 100002 | C
            B   | 100001 | C
            C   | 100002 | S""",
    },
    "year_group_far_from_age": {
        "spring_pupilonroll": """
            upn | dob        | ncyearactual | found
            A   | 2010-01-01 | 8            | yes
            B   | 2010-01-01 | 9            |
            C   | 2010-01-01 | 10           |
            D   | 2010-01-01 | R            | yes
            E   | 2020-01-01 | R            |
            F   | 2010-01-01 | X            |
            G   |            | 8            |""",
        "told_by_hosts": "upn | year_group | found\nH | 12 | yes\nI | 11 |",
    },
    "meals_of_a_child_in_care": {
        "children": """
            la_child_id | upn | care_start
            1           | A   | 2024-05-01
            2           | B   | 2024-05-01
            3           | C   | 2024-05-01""",
        "spring_pupilonroll": "upn\nA\nB\nC\nD",
        "spring_fsmperiod": """
            pupilonrolltableid | fsmstartdate | fsmenddate | found
            A                  | 2022-09-01   |            | yes
            B                  | 2022-09-01   | 2024-05-01 |
            C                  | 2024-09-01   |            |
            D                  | 2022-09-01   |            |""",
    },
    "date_of_birth_differs": {
        "children": """
            la_child_id | upn | dob
            1           | A   | 2010-01-01
            2           | B   | 2010-01-01
            3           | C   |
            4           | D   | 2010-01-01""",
        "spring_pupilonroll": """
            upn | dob        | found
            A   | 2010-02-01 | yes
            B   | 2010-01-01 |
            C   | 2010-01-01 |
            E   | 2012-01-01 |""",
        "told_by_hosts": "upn | date_of_birth | found\nD | 2010-01-02 | yes",
    },
    "entry_after_census": {
        "spring_pupilonroll": """
            upn | entrydate  | found
            A   | 2025-02-01 | yes
            B   | 2025-01-16 |
            C   |            |""",
    },
    "same_pupil_twice": {
        "spring_pupilonroll": """
            upn | NativeId | surname | forename | dob        | found
            A   | SCH1     | Ash     | Robin    | 2010-01-01 | yes
            B   | SCH1     | ASH     | Robin    | 2010-01-01 | yes
            C   | SCH2     | Ash     | Robin    | 2010-01-01 |
            D   | SCH1     | Ash     | Robyn    | 2010-01-01 |
            E   | SCH1     | Ash     | Robin    | 2010-01-02 |""",
    },
    "exclusion_outside_term": {
        "spring_pupilonroll": "upn\nA",
        "spring_termlyexclusionsonroll": """
            pupilonrolltableid | startdate  | found
            A                  | 2024-11-04 |
            A                  | 2024-11-09 | yes
            A                  | 2024-08-06 | yes
            A                  | 2024-12-27 | yes
            A                  | 2025-03-03 |
            A                  | 2025-04-07 | yes
            A                  | 2023-11-06 | yes
            A                  |            |""",
    },
    "permanently_excluded_on_roll": {
        "spring_pupilonroll": "upn | enrolstatus\nA | C\nB | C\nC | S\nD | C",
        "spring_termlyexclusionsonroll": """
            pupilonrolltableid | startdate  | category | found
            A                  | 2024-10-07 | PERM     | yes
            B                  | 2025-01-06 | PERM     |
            C                  | 2024-10-07 | PERM     |
            D                  | 2024-10-07 | SUSP     |""",
    },
    "suspended_beyond_the_limit": {
        "spring_pupilonroll": "upn\nA\nB",
        "spring_termlyexclusionsonroll": """
            pupilonrolltableid | startdate  | sessions | category | found
            A                  | 2024-10-07 | 60       | SUSP     | yes
            A                  | 2024-11-04 | 31       | SUSP     | yes
            A                  | 2024-11-05 | 1        | LNCH     |
            B                  | 2024-10-07 | 90       | SUSP     |""",
    },
    "slow_admission": {
        "admissions": """
            upn | la_child_id | request_date | on_roll_date | found
            A   |             | 2024-10-01   | 2024-11-01   | yes
            B   |             | 2024-10-01   | 2024-10-29   |
                | 3           | 2025-03-03   |              | yes
                | 4           | 2025-05-20   |              |""",
    },
    "entry_before_school_opened": {
        "spring_schoolcensus": "NativeId | urn\nSCH1 | 100001\nSCH2 | 100002",
        "gias": "URN | OpenDate\n100001 | 2022-01-01\n100002 |",
        "spring_pupilonroll": """
            upn | NativeId | entrydate  | found
            A   | SCH1     | 2021-09-01 | yes
            B   | SCH1     | 2022-09-01 |
            C   | SCH2     | 2021-09-01 |
            D   | SCH3     | 2021-09-01 |""",
    },
    "leaver_still_on_roll": {
        "spring_schoolcensus": "NativeId | urn\nSCH1 | 100001",
        "children": "la_child_id | upn\n1 | E",
        "spring_pupilonroll": """
            upn | entrydate  | found
            A   | 2021-09-01 | yes
            B   | 2021-09-01 |
            C   | 2024-12-02 |
            D   | 2021-09-01 |
            E   | 2021-09-01 | yes""",
        "admissions": """
            upn | la_child_id | request_date | on_roll_date | school_urn
            A   |             | 2024-10-01   | 2024-11-01   | 100002
            B   |             | 2024-10-01   | 2024-11-01   | 100001
            C   |             | 2024-10-01   | 2024-11-01   | 100002
            D   |             | 2025-01-10   | 2025-02-10   | 100002
                | 1           | 2024-10-01   | 2024-11-01   | 100002""",
    },
    "departed_child_on_roll": {
        "children": "la_child_id | upn\n1 | A\n2 | B\n3 | C",
        "episodes": """
            CHILD | DEC        | REC
            1     | 2024-10-01 | E16
            2     | 2024-10-01 | E4A
            3     | 2025-02-01 | E2""",
        "spring_pupilonroll": """
            upn | found
            A   | yes
            B   |
            C   |""",
    },
}
"""For each rule, the tables of 2024/25 that it is held against: `found` marks the rows that break it."""

REPORTED = {"meal_period_reversed"}
"""Rules whose findings are rows that the load turned away; test_returns_check.py loads such rows."""


@pytest.mark.parametrize("rule", SPECS)
def test_a_rule_finds_the_rows_that_break_it_and_no_other(rule: str, tmp_path: Path) -> None:
    """Every marked row is found, and only those."""
    found, planted = find_planted(tmp_path, rule, SPECS[rule])
    assert found == planted


def test_every_rule_has_its_paragraph() -> None:
    """A rule that is added needs rows that break it and rows that do not."""
    assert set(SPECS) | REPORTED == set(load_returns_rules())


@pytest.mark.parametrize("rule", SPECS)
def test_every_paragraph_has_a_positive_and_a_negative(rule: str) -> None:
    """A rule that found everything, or nothing, would fail its paragraph."""
    marks = [row["found"] for text in SPECS[rule].values() for row in read_rows(text) if "found" in row]
    assert {"yes", ""} == set(marks)


def test_every_area_that_virtual_schools_named_has_a_rule() -> None:
    """Twelve areas, each with a rule at least, and no rule outside them."""
    assert len(load_areas()) == 12
    assert {rule.area for rule in load_returns_rules().values()} == set(load_areas())


def test_every_rule_says_what_to_do_and_who_does_it() -> None:
    """A finding without an action cannot be sent on."""
    for rule in load_returns_rules().values():
        assert rule.text.endswith(".")
        assert rule.action.endswith(".")
        assert rule.mender in ("school", "authority")
        assert bool(rule.reported) != bool(rule.about and rule.where)
