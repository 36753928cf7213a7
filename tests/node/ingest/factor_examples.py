"""One worked example for each factor of the policy paper: rows of a node's files in, a row of the record out.

They are run by `test_factors.py` and printed on the page `docs/factors.md`, so what the page says is what happens. All
returns end on 31 March 2025. Columns that an example does not show hold the usual values of `small_returns.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent
from types import MappingProxyType

UPN = "B801200005001"
"""A unique pupil number whose check letter is right; every example's child goes by it."""


@dataclass(frozen=True, slots=True)
class FactorExample:
    """A sentence on what the example shows, its tables by file name, and the columns of the record that they make."""

    shows: str
    tables: Mapping[str, str]
    record: str


def _example(shows: str, record: str, **tables: str) -> FactorExample:
    written = {name: dedent(text).strip() for name, text in tables.items()}
    return FactorExample(shows, MappingProxyType(written), dedent(record).strip())


_CHILD = f"CHILD | UPN\nash   | {UPN}"
_IN_CARE = "CHILD | DECOM\nash   | 01/05/2023"

EXAMPLES: Mapping[str, FactorExample] = MappingProxyType(
    {
        "who, when and where": _example(
            "A girl of 15 from Barking and Dagenham, placed and educated in Westminster.",
            header=f"CHILD | UPN           | SEX | DOB        | ETHNIC\nash   | {UPN} | F   | 01/01/2010 | MWBA",
            episodes="CHILD | DECOM      | LS | CIN | PL_POST\nash   | 01/05/2023 | C2 | N1  | SW1A 1AA",
            record="""
                CHILD | age | year_group | ethnicity_major | home_authority | host_authority | school_in_area
                ash   | 15  | 10         | mixed           | 301            | 213            | no
            """,
        ),
        "time in care": _example(
            "Care that began on 10 June 2022 has lasted 33 whole months on 31 March 2025; a change of legal "
            "status is no break.",
            episodes="""
                CHILD | DECOM      | RNE | LS | DEC        | REC
                ash   | 10/06/2022 | S   | C1 | 01/02/2023 | X1
                ash   | 01/02/2023 | L   | C2 |            |
            """,
            record="""
                CHILD | months_in_care | period_of_care_length
                ash   | 33             | 24_to_35_months
            """,
        ),
        "key stage at start of care": _example(
            "A child born on 15 August 2010 is in Key Stage 2 on 31 August 2021, and in Key Stage 3 a day later.",
            header="CHILD | DOB\nash   | 15/08/2010",
            episodes="CHILD | DECOM\nash   | 31/08/2021",
            record="CHILD | age_at_entry | key_stage_at_entry\nash   | 11           | key_stage_2",
        ),
        "number of placements": _example(
            "Four placements, three of them begun after the eleventh birthday and two with a day in the year; a "
            "temporary absence (T4) is none; the last move was not planned.",
            header="CHILD | DOB\nash   | 01/01/2010",
            episodes="""
                CHILD | DECOM      | RNE | PLACE | URN | DEC        | REC | REASON_PLACE_CHANGE
                ash   | 01/05/2020 | S   | U6    | 1   | 01/02/2021 | X1  | CARPL
                ash   | 01/02/2021 | P   | U6    | 2   | 01/06/2022 | X1  | CARPL
                ash   | 01/06/2022 | P   | U6    | 3   | 01/07/2022 | X1  |
                ash   | 01/07/2022 | P   | T4    | 9   | 04/07/2022 | X1  |
                ash   | 04/07/2022 | P   | U6    | 3   | 01/10/2024 | X1  | CREQB
                ash   | 01/10/2024 | P   | K2    | 4   |            |     |
            """,
            record="""
                CHILD | placements | placements_since_11 | placements_in_year | unplanned_moves_in_year
                ash   | 4          | 3                   | 2                  | 1
            """,
        ),
        "number of school changes": _example(
            "A Year 10 pupil who changed school in spring, after registering there as a guest in autumn.",
            header=f"CHILD | UPN           | DOB\nash   | {UPN} | 01/01/2010",
            episodes=_IN_CARE,
            autumn_pupilonroll=f"""
                pupilonrolltableid | upn           | NativeId | enrolstatus | entrydate
                1                  | {UPN} | SCH1     | M           | 2021-Sep-01
                2                  | {UPN} | SCH2     | S           | 2024-Oct-01
            """,
            spring_pupilonroll=f"upn           | NativeId | entrydate\n{UPN} | SCH2     | 2025-Jan-06",
            record="""
                CHILD | school_changes | school_changes_in_year | school_change_in_ks4 | managed_moves
                ash   | 1              | 1                      | yes                  | 1
            """,
        ),
        "additional needs": _example(
            "An education, health and care plan whose first need is social, emotional and mental health.",
            header=_CHILD,
            episodes=_IN_CARE,
            spring_pupilonroll=f"upn           | senprovision | senunitindicator\n{UPN} | E            | True",
            spring_senneeds=f"pupilonrolltableid | sentyperank | sentype\n{UPN}      | 1           | SEMH",
            record="""
                CHILD | sen_provision | sen_primary_need | sen_unit_or_resourced
                ash   | ehc_plan      | SEMH             | yes
            """,
        ),
        "free school meals": _example(
            "Eligible from September 2023 until the day before the census of 16 January 2025: not on the day, but "
            "in the last six years.",
            header=_CHILD,
            episodes=_IN_CARE,
            spring_pupilonroll=f"upn\n{UPN}",
            spring_fsmperiod=f"""
                pupilonrolltableid | fsmstartdate | fsmenddate
                {UPN}      | 2023-Sep-01  | 2025-Jan-15
            """,
            record="CHILD | fsm_status   | fsm_ever_6\nash   | not_eligible | yes",
        ),
        "school type": _example(
            "A special academy is a special school; the school of a child educated elsewhere is told by GIAP.",
            header=_CHILD,
            episodes=_IN_CARE,
            giap_census=f"UPN           | URN\n{UPN} | 140001",
            gias="""
                URN    | LA (code) | TypeOfEstablishment (name) | PhaseOfEducation (name)
                140001 | 213       | Academy special converter  | Not applicable
            """,
            record="""
                CHILD | school_type | school_phase   | host_authority
                ash   | special     | not_applicable | 213
            """,
        ),
        "exclusions": _example(
            "Two suspensions begun in the year, of four sessions and of one lunch time; last summer's is last year's.",
            header=_CHILD,
            episodes=_IN_CARE,
            autumn_pupilonroll=f"upn\n{UPN}",
            autumn_termlyexclusionsonroll=f"""
                pupilonrolltableid | startdate   | sessions | category
                {UPN}      | 2024-Jun-20 | 10.0     | SUSP
                {UPN}      | 2024-Sep-20 | 4.0      | SUSP
                {UPN}      | 2024-Nov-20 | 1.0      | LNCH
            """,
            record="""
                CHILD | suspensions | suspension_days | permanently_excluded
                ash   | 2           | 2.5             | no
            """,
        ),
        "attendance": _example(
            "Of the 200 possible sessions of autumn, of which the spring census tells, 10 were missed through illness "
            "and 15 without authorisation: 12.5 days.",
            header=_CHILD,
            episodes=_IN_CARE,
            spring_pupilonroll=f"upn           | termlysessionspossible\n{UPN} | 200.0",
            spring_termlysessiondetailsonroll=f"""
                pupilonrolltableid | sessions | attendancereason
                {UPN}      | 10.0     | I
                {UPN}      | 15.0     | O
            """,
            record="""
                CHILD | attendance_rate | sessions_missed_unauthorised_rate | days_out_of_learning
                ash   | 0.8750          | 0.0750                            | 12.5
            """,
        ),
        "Ofsted rating of school": _example(
            "The school was found good in 2023; nothing since is in the file.",
            header=_CHILD,
            episodes=_IN_CARE,
            giap_census=f"UPN           | URN\n{UPN} | 140001",
            ofsted="""
                URN    | Latest OEIF overall effectiveness | Inspection start date of latest OEIF graded inspection
                140001 | 2                                 | 14/03/2023
            """,
            record="""
                CHILD | ofsted_framework      | ofsted_grade
                ash   | overall_effectiveness | good
            """,
        ),
        "number of social workers": _example(
            "Three people have held the case since care began, two of them in the year; one came back.",
            episodes=_IN_CARE,
            sw_episodes="""
                CHILD | SW_ID | SW_DECOM   | SW_DEC
                ash   | SW1   | 01/05/2023 | 01/02/2024
                ash   | SW2   | 01/02/2024 | 01/06/2024
                ash   | SW3   | 01/06/2024 | 01/08/2024
                ash   | SW2   | 01/08/2024 |
            """,
            record="CHILD | social_workers | social_workers_in_year\nash   | 3              | 2",
        ),
        "language where not English": _example(
            "Somali is a first language other than English.",
            header=_CHILD,
            episodes=_IN_CARE,
            spring_pupilonroll=f"upn           | language\n{UPN} | SOM",
            record="CHILD | english_additional_language\nash   | yes",
        ),
        "prior performance": _example(
            "Above the expected standard at Key Stage 2 in 2021/22; on the day care began, only Key Stage 1 was known.",
            header=f"CHILD | UPN           | DOB\nash   | {UPN} | 01/01/2011",
            episodes="CHILD | DECOM\nash   | 01/05/2019",
            giap_ks1=f"""
                ACADYR    | UPN           | READ_OUTCOME | WRIT_OUTCOME | MATH_OUTCOME
                2017/2018 | {UPN} | EXS          | WTS          | EXS
            """,
            giap_ks2=f"ACADYR    | UPN           | READSCORE | MATSCORE\n2021/2022 | {UPN} | 112       | 109",
            record="""
                CHILD | prior_attainment | attainment_at_entry
                ash   | above_expected   | below_expected
            """,
        ),
        "end of Key Stage performance": _example(
            "Key Stage 2 average 100.5 is half a standard deviation under the reference mean (-0.50); Attainment 8 of "
            "50 is 0.20 over it: progress of 0.70. Care began between the two, so progress from entry is the same. "
            "This pupil took Year 10 twice; those who did not sat no Key Stage 2 tests, as none were held in 2020.",
            header=f"CHILD | UPN           | DOB\nash   | {UPN} | 01/01/2008",
            episodes="CHILD | DECOM\nash   | 01/05/2023",
            giap_ks2=f"ACADYR    | UPN           | READSCORE | MATSCORE\n2018/2019 | {UPN} | 101       | 100",
            giap_ks4=f"""
                KS4_ACADYR | KS4_UPN       | KS4_ATT8 | KS4_PTSCNEWE_PTQ_EE | KS4_L2BASICS_94 | KS4_ENTBASICS
                2024/2025  | {UPN} | 50.00    | 345.25              | 1               | 1
            """,
            record="""
                CHILD|attainment8|capped_points|engmath_94|entered_as_capable|progress_from_ks2|progress_from_entry
                ash  |50.00      |345.25       |yes       |yes               |0.70             |0.70
            """,
        ),
        "destination at 16 and 18": _example(
            "One young person is at another place of education in the year after Year 11, one in work after Year 13.",
            header="CHILD | DOB\nash   | 01/01/2008\nelm   | 01/01/2006",
            episodes="CHILD | DECOM\nash   | 01/05/2023",
            oc3="""
                CHILD | DOB        | IN_TOUCH | ACTIV | ACCOM
                ash   | 01/01/2008 | YES      | F2    | Z1
                elm   | 01/01/2006 | YES      | P5    | U2
            """,
            record="""
                CHILD | destination_16  | destination_18         | in_touch | accommodation_suitable
                ash   | other_education |                        | yes      | yes
                elm   |                 | training_or_employment | yes      | no
            """,
        ),
        "SDQ score": _example(
            "A score of 17 is cause for concern.",
            episodes=_IN_CARE,
            oc2="CHILD | SDQ_SCORE\nash   | 17",
            record="CHILD | sdq_score | sdq_band | sdq_returned\nash   | 17        | concern  | yes",
        ),
        "type of placement": _example(
            "The last placement of the year is a foster home of a private provider, across London.",
            episodes="""
                CHILD | DECOM      | PLACE | PLACE_PROVIDER | HOME_POST | PL_POST
                ash   | 01/05/2024 | U4    | PR4            | SW1A 1AA  | IG11 0AB
            """,
            record="""
                CHILD | placement_type | placement_provider | placement_distance
                ash   | foster_other   | private            | 11.6
            """,
        ),
        "plan": _example(
            "The spring plan was reviewed in spring, and found good; a school place took 20 days.",
            episodes=_IN_CARE,
            pep_reviews="""
                la_child_id | term          | meeting_date | completed_date | quality
                ash         | 202425-spring | 2025-02-10   | 2025-02-20     | good
            """,
            targets="""
                la_child_id | term          | subject | ambition
                ash         | 202425-spring | English | expected
                ash         | 202425-spring | Maths   | above
                ash         | 202425-spring | Science | above
            """,
            admissions="la_child_id | request_date | on_roll_date\nash         | 2024-10-01   | 2024-10-21",
            record="""
                CHILD | pep_on_time | pep_quality | target_ambition | days_request_to_roll
                ash   | yes         | good        | above           | 20
            """,
        ),
    }
)
