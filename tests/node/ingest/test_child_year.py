"""What the columns of `child_year` mean: rows of a return in, the record out. All years end on 31 March 2025."""

from tests.node.ingest.conftest import Load, Spec


def test_time_in_care_runs_from_the_start_of_the_latest_period_to_31_march_or_its_end(child_spec: Spec) -> None:
    """Whole months, 31 March counted: a return year is 12. A new period starts with RNE S; short breaks are none."""
    child_spec(
        episodes="""
            CHILD   | DECOM      | RNE | LS | DEC        | REC
            still   | 01/04/2020 | S   | C2 |            |
            chain   | 10/06/2022 | S   | C1 | 01/02/2023 | X1
            chain   | 01/02/2023 | L   | C2 |            |
            left    | 15/01/2023 | S   | C2 | 20/07/2024 | E4A
            again   | 01/01/2020 | S   | C2 | 01/01/2022 | E4A
            again   | 20/03/2025 | S   | C1 |            |
            on_1st  | 01/04/2024 | S   | C2 |            |
            on_2nd  | 02/04/2024 | S   | C2 |            |
            respite | 01/05/2024 | S   | V4 | 03/05/2024 | E8
        """,
        record="""
            CHILD   | months_in_care | period_of_care_length | at_31_march | in_care_12_months
            still   | 60             | 60_to_71_months       | yes         | yes
            chain   | 33             | 24_to_35_months       | yes         | yes
            left    | 18             | 12_to_23_months       | no          | no
            again   | 0              | under_12_months       | yes         | no
            on_1st  | 12             | 12_to_23_months       | yes         | yes
            on_2nd  | 11             | under_12_months       | yes         | no
            respite | no row         | no row                | no row      | no row
        """,
    )


def test_the_bands_of_time_in_care_are_those_that_dfe_publishes(child_spec: Spec) -> None:
    child_spec(
        episodes="""
            CHILD | DECOM
            a     | 02/04/2024
            b     | 01/04/2024
            c     | 01/04/2023
            d     | 01/04/2022
            e     | 01/04/2021
            f     | 01/04/2020
            g     | 01/04/2019
        """,
        record="""
            CHILD | months_in_care | period_of_care_length
            a     | 11             | under_12_months
            b     | 12             | 12_to_23_months
            c     | 24             | 24_to_35_months
            d     | 36             | 36_to_47_months
            e     | 48             | 48_to_59_months
            f     | 60             | 60_to_71_months
            g     | 72             | over_71_months
        """,
    )


def test_a_placement_is_a_run_of_episodes_in_one_place(child_spec: Spec) -> None:
    """A change of legal status is no move; a temporary absence is no placement, nor is coming back from it."""
    child_spec(
        episodes="""
            CHILD   | DECOM      | RNE | PLACE | URN | DEC        | REC
            one     | 01/02/2023 | S   | U6    | 1   |            |
            legal   | 01/02/2023 | S   | U6    | 1   | 01/03/2023 | X1
            legal   | 01/03/2023 | L   | U6    | 1   |            |
            moved   | 01/02/2023 | S   | U6    | 1   | 01/06/2023 | X1
            moved   | 01/06/2023 | P   | U6    | 2   | 01/06/2024 | X1
            moved   | 01/06/2024 | B   | K2    | 3   |            |
            absent  | 01/02/2023 | S   | U6    | 1   | 01/06/2024 | X1
            absent  | 01/06/2024 | P   | T4    | 9   | 04/06/2024 | X1
            absent  | 04/06/2024 | P   | U6    | 1   |            |
            onward  | 01/02/2023 | S   | U6    | 1   | 01/06/2024 | X1
            onward  | 01/06/2024 | P   | T1    | 9   | 04/07/2024 | X1
            onward  | 04/07/2024 | P   | U6    | 2   |            |
            before  | 01/02/2020 | S   | U6    | 1   | 01/06/2020 | E4A
            before  | 01/02/2023 | S   | U6    | 2   | 31/03/2024 | X1
            before  | 31/03/2024 | P   | U6    | 3   |            |
        """,
        record="""
            CHILD   | placements | placements_in_year
            one     | 1          | 1
            legal   | 1          | 1
            moved   | 3          | 2
            absent  | 1          | 1
            onward  | 2          | 2
            before  | 2          | 1
        """,
    )


def test_unplanned_moves_are_the_changes_of_the_year_outside_the_care_plan(child_spec: Spec) -> None:
    child_spec(
        episodes="""
            CHILD | DECOM      | RNE | URN | DEC        | REC | REASON_PLACE_CHANGE
            a     | 01/02/2023 | S   | 1   | 01/03/2024 | X1  | CREQB
            a     | 01/03/2024 | P   | 2   | 01/06/2024 | X1  | CARPL
            a     | 01/06/2024 | P   | 3   | 01/07/2024 | X1  | CREQB
            a     | 01/07/2024 | P   | 4   | 01/08/2024 | X1  | ALLEG
            a     | 01/08/2024 | P   | 5   |            |     |
            b     | 01/02/2023 | S   | 1   | 01/07/2024 | X1  | LAREQ
            b     | 01/07/2024 | P   | 2   |            |     |
        """,
        record="""
            CHILD | unplanned_moves_in_year
            a     | 2
            b     | 0
        """,
    )


def test_the_last_placement_of_the_year_gives_its_kind_and_provider(child_spec: Spec) -> None:
    """Temporary absences apart; every code of the standard has a kind."""
    child_spec(
        episodes="""
            CHILD | DECOM      | RNE | PLACE | PLACE_PROVIDER | DEC        | REC
            kin   | 01/05/2024 | S   | U1    | PR1            |            |
            foster| 01/05/2024 | S   | U4    | PR4            |            |
            home  | 01/05/2024 | S   | K2    | PR5            |            |
            secure| 01/05/2024 | S   | K1    | PR3            |            |
            school| 01/05/2024 | S   | S1    | PR4            |            |
            parent| 01/05/2024 | S   | P1    | PR0            |            |
            adopt | 01/05/2024 | S   | A5    | PR1            |            |
            flat  | 01/05/2024 | S   | K3    | PR2            |            |
            resid | 01/05/2024 | S   | R2    | PR3            |            |
            other | 01/05/2024 | S   | Z1    |                |            |
            away  | 01/05/2024 | S   | U4    | PR1            | 01/03/2025 | X1
            away  | 01/03/2025 | P   | T2    |                |            |
        """,
        record="""
            CHILD | placement_type            | placement_provider
            kin   | foster_relative_or_friend | own_authority
            foster| foster_other              | private
            home  | children_home             | voluntary
            secure| secure_home               | other_public
            school| residential_school        | private
            parent| with_parents              | parent
            adopt | adoption                  | own_authority
            flat  | independent_or_supported  | other_authority
            resid | other_residential         | other_public
            other | other                     |
            away  | foster_other              | own_authority
        """,
    )


def test_legal_status_is_that_of_the_last_episode_and_need_that_of_the_first(child_spec: Spec) -> None:
    child_spec(
        episodes="""
            CHILD | DECOM      | RNE | LS | CIN | DEC        | REC
            a     | 01/05/2024 | S   | V2 | N5  | 01/08/2024 | X1
            a     | 01/08/2024 | L   | C1 | N1  | 01/01/2025 | X1
            a     | 01/01/2025 | L   | E1 | N1  |            |
            b     | 01/05/2024 | S   | V2 | N8  |            |
            c     | 01/05/2024 | S   | C1 | N2  |            |
            d     | 01/05/2024 | S   | C2 | N3  |            |
            e     | 01/05/2024 | S   | L1 | N4  |            |
        """,
        record="""
            CHILD | legal_status       | need
            a     | placement_order    | N5
            b     | section_20         | N8
            c     | interim_care_order | N2
            d     | full_care_order    | N3
            e     | other              | N4
        """,
    )


def test_age_and_school_year_follow_from_the_date_of_birth(child_spec: Spec) -> None:
    """Age on 31 March 2025; year group by age on 31 August 2024, whose eldest children were born on 1 September."""
    child_spec(
        header="""
            CHILD | DOB
            baby  | 01/12/2024
            three | 31/12/2020
            recep | 01/09/2019
            first | 31/08/2019
            six   | 10/11/2013
            seven | 10/05/2013
            ten   | 10/01/2010
            elev  | 31/03/2009
            sixth | 01/04/2007
        """,
        episodes="""
            CHILD | DECOM
            baby  | 31/12/2024
            three | 31/12/2024
            recep | 31/12/2024
            first | 31/12/2024
            six   | 31/12/2024
            seven | 31/12/2024
            ten   | 31/12/2024
            elev  | 31/12/2024
            sixth | 31/12/2024
        """,
        record="""
            CHILD | age | birth_term | year_group | key_stage
            baby  | 0   | autumn     |            | early_years
            three | 4   | autumn     |            | early_years
            recep | 5   | autumn     | 0          | early_years
            first | 5   | summer     | 1          | key_stage_1
            six   | 11  | autumn     | 6          | key_stage_2
            seven | 11  | summer     | 7          | key_stage_3
            ten   | 15  | spring     | 10         | key_stage_4
            elev  | 16  | spring     | 11         | key_stage_4
            sixth | 17  | spring     | 13         | post_16
        """,
    )


def test_key_stage_at_entry_is_by_age_on_the_day_care_began(child_spec: Spec) -> None:
    child_spec(
        header="""
            CHILD | DOB
            a     | 15/08/2010
            b     | 15/08/2010
            c     | 15/10/2010
            d     | 15/08/2010
        """,
        episodes="""
            CHILD | DECOM      | RNE | DEC        | REC
            a     | 31/08/2021 | S   |            |
            b     | 01/09/2021 | S   |            |
            c     | 01/09/2021 | S   |            |
            d     | 01/02/2012 | S   | 01/02/2013 | E4A
            d     | 01/10/2020 | S   |            |
        """,
        record="""
            CHILD | age_at_entry | key_stage_at_entry
            a     | 11           | key_stage_2
            b     | 11           | key_stage_3
            c     | 10           | key_stage_2
            d     | 10           | key_stage_2
        """,
    )


def test_codes_of_sex_and_ethnicity_are_grouped(child_spec: Spec) -> None:
    """Sex was coded 1 and 2 before 2024/25."""
    child_spec(
        header="""
            CHILD | SEX | ETHNIC
            a     | 1   | WROM
            b     | 2   | MWBA
            c     | M   | ABAN
            d     | F   | BOTH
            e     | U   | CHNE
            f     |     | OOTH
            g     | F   | REFU
            h     | F   |
        """,
        episodes="CHILD\n" + "\n".join("abcdefgh"),
        record="""
            CHILD | sex | ethnicity_major
            a     | M   | white
            b     | F   | mixed
            c     | M   | asian
            d     | F   | black
            e     | U   | chinese
            f     |     | other
            g     | F   | unknown
            h     | F   |
        """,
    )


def test_the_distance_of_a_placement_is_in_miles_from_the_home_the_child_came_from(child_spec: Spec) -> None:
    """In a straight line, to one place, as DfE works it out; temporary absences apart."""
    child_spec(
        episodes="""
            CHILD | DECOM      | RNE | PLACE | DEC        | REC | HOME_POST | PL_POST
            near  | 01/05/2024 | S   | U6    |            |     | SW1A 1AA  | IG11 0AB
            same  | 01/05/2024 | S   | P1    |            |     | SW1A 1AA  | SW1A 1AA
            far   | 01/05/2024 | S   | U6    | 01/06/2024 | X1  | SW1A 1AA  | SW1A 1AA
            far   | 01/06/2024 | P   | K2    | 01/07/2024 | X1  | SW1A 1AA  | M1 1AE
            far   | 01/07/2024 | T   | T0    |            |     | SW1A 1AA  | IG11 0AB
            lost  | 01/05/2024 | S   | U6    |            |     | SW1A 1AA  | ZZ99 9ZZ
            blank | 01/05/2024 | S   | U6    |            |     |           | SW1A 1AA
            over  | 01/05/2024 | S   | U6    |            |     | SW1A 1AA  | BT1 1AA
        """,
        record="""
            CHILD | placement_distance
            near  | 11.6
            same  | 0.0
            far   | 162.9
            lost  |
            blank |
            over  |
        """,
    )


def test_the_host_is_the_authority_of_the_school_or_else_of_the_placement(child_spec: Spec) -> None:
    """A child on this authority's own roll is educated here, wherever they live; Wales has no host authority."""
    child_spec(
        header="""
            CHILD  | UPN
            here   | UN4
            over   | UN4
            wales  | UN4
            lost   | UN4
            day    | B801200005001
        """,
        episodes="""
            CHILD  | PL_POST
            here   | IG11 0AB
            over   | SW1A 1AA
            wales  | CF10 1EP
            lost   |
            day    | SW1A 1AA
        """,
        spring_pupilonroll="""
            upn
            B801200005001
        """,
        record="""
            CHILD  | host_authority | host_region | school_in_area | placement_in_area
            here   | 301            | London      | yes            | yes
            over   | 213            | London      | no             | no
            wales  |                |             |                |
            lost   |                |             |                |
            day    | 301            | London      | yes            | no
        """,
    )


def test_populations_follow_each_other_and_a_child_is_in_one(child_spec: Spec) -> None:
    """Looked after at any time in the year; else asked about as a care leaver; else left for a permanent home."""
    child_spec(
        header="CHILD\n" + "\n".join(["now", "left", "leaver", "both", "adopted", "home"]),
        episodes="""
            CHILD   | DECOM      | RNE | DEC        | REC
            now     | 01/02/2023 | S   |            |
            left    | 01/02/2023 | S   | 01/04/2024 | E11
            both    | 01/02/2023 | S   | 01/05/2024 | E5
            adopted | 01/02/2022 | S   | 31/03/2024 | E12
            home    | 01/02/2022 | S   | 31/03/2024 | E4A
        """,
        oc3="""
            CHILD
            leaver
            both
        """,
        record="""
            CHILD   | population              | at_31_march
            now     | looked_after            | yes
            left    | looked_after            | no
            leaver  | care_leaver             | no
            both    | looked_after            | no
            adopted | previously_looked_after | no
            home    | no row                  | no row
        """,
    )


def test_a_child_with_a_permanent_home_is_in_the_record_until_18(load: Load) -> None:
    """No later return has them. Of others whom this return lacks nobody can say that care is over, so they are out."""
    load(
        year=2024,
        header="""
            CHILD   | DOB
            adopted | 01/04/2012
            grown   | 31/03/2007
            home    | 01/04/2012
            lacking | 01/04/2012
            again   | 01/04/2012
            breaks  | 01/04/2012
        """,
        episodes="""
            CHILD   | DECOM      | RNE | LS | DEC        | REC
            adopted | 01/02/2022 | S   | C2 | 01/06/2023 | E11
            grown   | 01/02/2022 | S   | C2 | 01/06/2023 | E45
            home    | 01/02/2022 | S   | C2 | 01/06/2023 | E4A
            lacking | 01/02/2022 | S   | C2 | 01/06/2023 | X1
            again   | 01/02/2022 | S   | C2 | 01/05/2023 | E41
            again   | 01/06/2023 | S   | C2 |            |
            breaks  | 01/02/2022 | S   | V4 | 01/06/2023 | E8
        """,
    )
    loaded = load(year=2025, episodes="CHILD\nanybody")
    found = {
        (row["academic_year"], row["la_child_id"]): (row["population"], row["months_in_care"], row["placement_type"])
        for row in loaded.every_row("child_year", "children", "child", "la_child_id")
    }
    assert {child: row for (year, child), row in found.items() if year == 202425} == {
        "anybody": ("looked_after", 11, "foster_other"),
        "adopted": ("previously_looked_after", 16, None),
    }
    assert found[202324, "adopted"] == ("looked_after", 16, "foster_other")


def test_a_child_who_passed_to_another_authority_in_the_year_is_counted_there(child_spec: Spec) -> None:
    child_spec(
        episodes="""
            CHILD  | DECOM      | RNE | DEC        | REC
            passed | 01/02/2023 | S   | 01/10/2024 | E3
            stayed | 01/02/2023 | S   |            |
            back   | 01/02/2023 | S   | 01/10/2024 | E3
            back   | 01/01/2025 | S   |            |
            grown  | 01/02/2022 | S   | 01/10/2023 | E3
        """,
        oc3="CHILD\ngrown",
        record="""
            CHILD  | counted_here
            passed | no
            stayed | yes
            back   | yes
            grown  | yes
        """,
    )


def test_uasc_is_at_any_time_in_the_year_and_missing_where_the_table_is(child_spec: Spec, load: Load) -> None:
    child_spec(
        episodes="CHILD\na\nb\nc\nd",
        uasc="""
            CHILD | DUC
            a     |
            b     | 01/04/2024
            c     | 31/03/2024
        """,
        record="""
            CHILD | uasc
            a     | yes
            b     | yes
            c     | no
            d     | no
        """,
    )
    assert load(year=2024, episodes="CHILD | DECOM\nz | 01/02/2024").children["z"]["uasc"] is None


def test_social_workers_are_different_people_who_held_the_case_in_the_year(child_spec: Spec) -> None:
    child_spec(
        episodes="CHILD\na\nb",
        sw_episodes="""
            CHILD | SW_ID | SW_DECOM   | SW_DEC
            a     | SW1   | 01/02/2023 | 01/03/2024
            a     | SW2   | 01/03/2024 | 01/06/2024
            a     | SW3   | 01/06/2024 | 01/08/2024
            a     | SW2   | 01/08/2024 |
        """,
        record="""
            CHILD | social_workers_in_year
            a     | 2
            b     | 0
        """,
    )


def test_sdq_scores_fall_into_bands_and_are_returned_or_not_where_one_was_asked(child_spec: Spec) -> None:
    """Asked of ages 4 to 16 in care for 12 months; SDQ1 says that the age is outside."""
    child_spec(
        header="""
            CHILD | DOB
            a     | 01/01/2012
            b     | 01/01/2012
            c     | 01/01/2012
            d     | 01/01/2012
            e     | 01/01/2012
            f     | 01/01/2012
            g     | 01/01/2022
            h     | 01/01/2012
            i     | 01/01/2012
        """,
        episodes="CHILD | DECOM\n"
        + "\n".join(f"{child} | {'01/03/2025' if child == 'h' else '01/02/2020'}" for child in "abcdefghi"),
        oc2="""
            CHILD | SDQ_SCORE | SDQ_REASON
            a     | 0         |
            b     | 13        |
            c     | 14        |
            d     | 17        |
            e     |           | SDQ2
            f     |           |
            g     |           | SDQ1
            h     |           |
        """,
        record="""
            CHILD | sdq_score | sdq_band   | sdq_returned
            a     | 0         | normal     | yes
            b     | 13        | normal     | yes
            c     | 14        | borderline | yes
            d     | 17        | concern    | yes
            e     |           |            | no
            f     |           |            | no
            g     |           |            |
            h     |           |            |
            i     |           |            |
        """,
    )


def test_outcomes_of_care_leavers_come_from_their_codes(child_spec: Spec) -> None:
    child_spec(
        oc3="""
            CHILD | IN_TOUCH | ACTIV | ACCOM
            a     | YES      | F1    | U1
            b     | NO       | 0     | R2
            c     | REFU     | P2    | 0
            d     | DIED     |       |
            e     | NREQ     | F4    | B1
            f     | RHOM     | P5    | X2
            g     | YES      | G6    | Z1
        """,
        record="""
            CHILD | in_touch      | activity_19_21         | accommodation_suitable
            a     | yes           | higher_education       | yes
            b     | no            | unknown                | no
            c     | refused       | other_education        |
            d     | died          |                        |
            e     | not_required  | apprenticeship         | yes
            f     | returned_home | training_or_employment | no
            g     | yes           | neet                   | yes
        """,
    )


def test_education_comes_from_the_own_census_by_upn_and_is_missing_for_everyone_else(child_spec: Spec) -> None:
    child_spec(
        header="""
            CHILD | UPN
            a     | B801200005001
            b     | UN1
            c     | Z301200710000
        """,
        episodes="CHILD\na\nb\nc",
        spring_pupilonroll="""
            pupilonrolltableid | upn           | senprovision | language
            1                  | B801200005001 | E            | POL
            2                  | UN1           | K            | ENG
        """,
        spring_termlysessiondetailsonroll="""
            pupilonrolltableid | sessions | attendancereason
            1                  | 20       | I
        """,
        record="""
            CHILD | sen_provision | english_additional_language | attendance_rate | suspensions
            a     | ehc_plan      | yes                         | 0.8000          |
            b     |               |                             |                 |
            c     |               |                             |                 |
        """,
    )


def test_earlier_returns_lengthen_the_history_but_their_open_episodes_do_not_outlive_them(load: Load) -> None:
    """An episode still open in last year's return is in this year's if it happened."""
    load(
        year=2024,
        episodes="""
            CHILD | DECOM      | RNE | URN | DEC        | REC
            a     | 01/02/2022 | S   | 1   | 01/05/2023 | X1
            a     | 01/05/2023 | P   | 2   |            |
            gone  | 01/02/2022 | S   | 1   |            |
        """,
    )
    loaded = load(
        year=2025,
        episodes="""
            CHILD | DECOM      | RNE | URN | DEC        | REC
            a     | 01/05/2023 | P   | 2   | 01/06/2024 | X1
            a     | 01/06/2024 | P   | 3   |            |
        """,
    )
    latest = loaded.children["a"]
    assert (latest["academic_year"], latest["months_in_care"], latest["placements"]) == (202425, 38, 3)
    assert latest["placements_in_year"] == 2
    assert loaded.children["gone"]["academic_year"] == 202324
