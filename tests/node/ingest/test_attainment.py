"""Results, where a child stood, and how far they have come: GIAP files in, the record out."""

import pytest

from tests.node.ingest.conftest import Spec

UPN = "B801200005001"
HEADER = f"CHILD | UPN           | DOB\nash   | {UPN} | 01/01/2009"


@pytest.mark.parametrize(
    ("outcome", "mark", "met"),
    [
        ("Wa", "40", "yes"),
        ("Wt", "31", "no"),
        ("A", "", "no"),
        ("D", "", "no"),
        ("L", "", ""),
        ("", "32", "yes"),
        ("", "31", "no"),
    ],
)
def test_phonics_counts_absent_and_disapplied_pupils_as_not_meeting_the_standard(
    child_spec: Spec, outcome: str, mark: str, met: str
) -> None:
    """As DfE counts them; pupils who left are out; a mark alone is held against 32."""
    child_spec(
        header=HEADER,
        episodes="CHILD\nash",
        giap_phonics=f"Phonics_UPN | Phonics_PHONICS_OUTCOME | Phonics_PHONICS_MARK\n{UPN} | {outcome} | {mark}",
        record=f"CHILD | phonics_met\nash | {met}",
    )


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ("EXS | GDS | EXS", "yes"),
        ("EXS | WTS | EXS", "no"),
        ("BLW | EXS | EXS", "no"),
        ("EXS | EXS | A", ""),
        ("2B  | 2B  | 3", ""),
    ],
)
def test_key_stage_1_is_met_in_all_three_subjects_and_levels_are_another_standard(
    child_spec: Spec, outcomes: str, expected: str
) -> None:
    child_spec(
        header=HEADER,
        episodes="CHILD\nash",
        giap_ks1=f"UPN | READ_OUTCOME | WRIT_OUTCOME | MATH_OUTCOME\n{UPN} | {outcomes}",
        record=f"CHILD | ks1_expected\nash | {expected}",
    )


def test_a_result_stands_in_its_own_year_and_in_no_other(child_spec: Spec) -> None:
    child_spec(
        header=HEADER,
        episodes="CHILD\nash",
        giap_ks2=f"""
            ACADYR    | UPN           | READSCORE | MATSCORE | RWMEXP
            2023/2024 | {UPN} | 105       | 108      | 1
        """,
        giap_eyfsp=f"FSP_UPN       | FSP_GLD\n{UPN} | 1",
        record="""
            CHILD | ks2_scaled_score | ks2_rwm_expected | good_level_of_development | prior_attainment
            ash   |                  |                  | yes                       | expected
        """,
    )


def test_the_key_stage_4_file_tells_of_key_stage_2_where_no_other_does(child_spec: Spec) -> None:
    """KS4_KS2EMSS is the average of five years before. A pupil without one has not been shown capable of entry."""
    child_spec(
        header=f"CHILD | UPN\nash | {UPN}\nelm | E301200710001",
        episodes="CHILD\nash\nelm",
        giap_ks4=f"""
            KS4_UPN       | KS4_ATT8 | KS4_KS2EMSS | KS4_ENTBASICS
            {UPN} | 30       | 96.5        | 0
            E301200710001 | 30       |             | 0
        """,
        record="""
            CHILD | prior_attainment | entered_as_capable | progress_from_ks2
            ash   | below_expected   | no                 | 0.20
            elm   |                  |                    |
        """,
    )


def test_progress_from_entry_starts_at_the_last_result_before_care(child_spec: Spec) -> None:
    """Key Stage 1 at the expected standard throughout is 0.28; Key Stage 2 of 110 and 107 on average is 0.50.

    Who came into care after the only assessment of the year, or had none before, has no progress from entry.
    """
    child_spec(
        header=f"CHILD | UPN\nash | {UPN}\nelm | E301200710001\nfir | H801200001001",
        episodes="CHILD | DECOM\nash | 01/06/2022\nelm | 01/05/2014\nfir | 01/06/2022",
        giap_ks1=f"""
            ACADYR    | UPN           | READ_OUTCOME | WRIT_OUTCOME | MATH_OUTCOME
            2020/2021 | {UPN} | EXS          | EXS          | EXS
        """,
        giap_ks2=f"""
            ACADYR    | UPN           | READSCORE | MATSCORE
            2024/2025 | {UPN} | 110       | 107
            2024/2025 | E301200710001 | 110       | 107
        """,
        record="""
            CHILD | attainment_at_entry | progress_from_entry
            ash   | expected            | 0.22
            elm   |                     |
            fir   |                     |
        """,
    )


@pytest.mark.parametrize(
    ("scores", "band"),
    [
        ("99 | 100", "below_expected"),
        ("100 | 100", "expected"),
        ("109 | 110", "expected"),
        ("110 | 110", "above_expected"),
    ],
)
def test_bands_of_prior_attainment_at_key_stage_2(child_spec: Spec, scores: str, band: str) -> None:
    child_spec(
        header=HEADER,
        episodes="CHILD\nash",
        giap_ks2=f"ACADYR | UPN | READSCORE | MATSCORE\n2020/2021 | {UPN} | {scores}",
        record=f"CHILD | prior_attainment\nash | {band}",
    )


def test_pupils_not_in_care_have_the_same_columns_for_comparison(pupil_spec: Spec) -> None:
    pupil_spec(
        spring_pupilonroll=f"upn           | NativeId\n{UPN} | 140001",
        giap_ks4=f"KS4_UPN       | KS4_ATT8 | KS4_KS2EMSS | KS4_L2BASICS_94\n{UPN} | 56       | 104.5       | 1",
        gias="URN | TypeOfEstablishment (name) | EstablishmentTypeGroup (name)\n140001 | Academy converter | Academies",
        record="""
            UPN           | attainment8 | engmath_94 | progress_from_ks2 | prior_attainment | school_type
            B801200005001 | 56.00       | yes        | 0.50              | expected         | mainstream_academy
        """,
    )


COMPONENTS = f"""
    UPN    | Stage | Subject | Method | Component | Year | ResultType | Result
    {UPN}  | KS1   | ENG     | TA     | REA       | 2021 | NL         | EXS
    {UPN}  | KS1   | ENG     | TA     | WRI       | 2021 | NL         | EXS
    {UPN}  | KS1   | ENG     | TA     | SPL       | 2021 | NL         | WTS
    {UPN}  | KS1   | MAT     | TA     | SUB       | 2021 | NL         | GDS
    {UPN}  | KS1   | SCI     | TA     | SUB       | 2021 | NL         | HNM
    {UPN}  | KS2   | ENG     | TT     | REA       | 2025 | SS         | 104
    {UPN}  | KS2   | ENG     | TT     | GPS       | 2025 | SS         | 119
    {UPN}  | KS2   | MAT     | TT     | SUB       | 2025 | SS         | 99
    {UPN}  | KS2   | MAT     | TT     | SUB       | 2025 | NM         | 110
    {UPN}  | KS1   | PHO     | TA     | PHO       | 2025 | NM         | 34
"""
SUBJECTS = COMPONENTS.replace("ENG     | TA     | REA", "Reading | TA     | SUB").replace(
    "ENG     | TT     | REA", "REA     | TT     | TST"
)


@pytest.mark.parametrize("results", [COMPONENTS, SUBJECTS], ids=["components of English", "subjects of their own"])
def test_results_of_a_transfer_file_are_told_by_subject_and_component(child_spec: Spec, results: str) -> None:
    """Grammar is English too, and no reading; a mark of the maths test is no scaled score."""
    child_spec(
        header=HEADER,
        episodes="CHILD\nash",
        ctf_results=results,
        record="""
            CHILD | ks2_scaled_score | phonics_met | prior_attainment
            ash   | 101.5            | yes         | expected
        """,
    )


def test_a_result_of_giap_comes_before_that_of_a_transfer_file(child_spec: Spec) -> None:
    child_spec(
        header=HEADER,
        episodes="CHILD\nash",
        giap_ks2=f"UPN | READSCORE | MATSCORE\n{UPN} | 90 | 92",
        ctf_results=COMPONENTS,
        record="CHILD | ks2_scaled_score\nash | 91.0",
    )
