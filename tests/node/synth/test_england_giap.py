"""GIAP downloads: the full headers, whose results are in whose files, and that results agree with each other."""

from collections import defaultdict
from statistics import correlation, mean

import pytest

from node.synth.files import published_columns
from tests.node.synth.conftest import England, Row

TABLES = ("ks1", "phonics", "eyfsp", "ks2", "ks4", "pupil_premium", "census_autumn", "census_spring", "census_summer")
LENGTHS = {"ks2": 151, "ks4": 292, "ks1": 31, "eyfsp": 55, "phonics": 16, "pupil_premium": 15}
UPN = {"ks4": "KS4_UPN", "phonics": "Phonics_UPN", "eyfsp": "FSP_UPN"}
YEAR = {"ks4": "KS4_ACADYR", "phonics": "Phonics_ACADYR", "eyfsp": "FSP_ACADYR"}


def _rows(england: England, code: str, table: str) -> list[Row]:
    return england.read(code, f"giap/{table}")


def test_every_file_has_the_full_header(whole: England) -> None:
    """Nine files an authority, every published column, in order."""
    columns = published_columns("giap_columns")
    for code in whole.codes:
        folder = whole.summary.directory / code / "giap"
        headers = {path.stem: path.read_text(encoding="utf-8").splitlines()[0] for path in folder.iterdir()}
        assert headers == {table: ",".join(columns[table]) for table in TABLES}
    assert {table: len(columns[table]) for table in LENGTHS} == LENGTHS


def test_without_asking_there_are_none(estuary: England) -> None:
    for code in estuary.codes:
        folders = {path.name for path in (estuary.summary.directory / code).iterdir()}
        assert folders == {"ssda903", "school-census"}


def test_results_of_a_child_placed_away_reach_home(whole: England) -> None:
    """A child in Year 11 on another authority's roll is in both authorities' files, with the same results."""
    results = {code: {row["KS4_UPN"]: row for row in _rows(whole, code, "ks4")} for code in whole.codes}
    away = 0
    for code, header, _ in whole.chains():
        at_home = results[code].get(header["UPN"])
        for other in whole.codes:
            there = results[other].get(header["UPN"])
            if there is not None:
                assert at_home == there
                away += other != code
    assert away > 50


def test_a_file_holds_own_children_and_own_rolls(whole: England) -> None:
    """Who is in the summer census of GIAP is a pupil of the authority's schools, or a child it looked after."""
    for code in whole.codes:
        returns = [whole.read(code, f"{folder}ssda903/header") for folder in ("", "202324/", "202425/")]
        own = {row["UPN"] for rows in returns for row in rows}
        roll = {row["upn"] for row in whole.census(code, "2026_summer", "pupilonroll")}
        found = {row["UPN"] for row in _rows(whole, code, "census_summer")}
        assert roll <= found <= roll | own


def test_nobody_has_two_results_of_one_stage(whole: England) -> None:
    for code in whole.codes:
        for table in TABLES:
            keys = [row[UPN.get(table, "UPN")] for row in _rows(whole, code, table)]
            assert len(keys) == len(set(keys)), table


def test_years_without_tests_have_no_results(whole: England) -> None:
    """Nothing below Key Stage 4 in 2019/20 and 2020/21, no Key Stage 1 since 2023/24; and no progress without prior."""
    years: dict[str, set[str]] = defaultdict(set)
    for code in whole.codes:
        for table in ("eyfsp", "phonics", "ks1", "ks2", "ks4"):
            years[table] |= {row[YEAR.get(table, "ACADYR")] for row in _rows(whole, code, table)}
        for row in _rows(whole, code, "ks4"):
            untested = row["KS4_ACADYR"] in {"2024/2025", "2025/2026"}
            assert (row["KS4_KS2EMSS"] == "") == (row["KS4_P8SCORE"] == "") == untested
    for table in ("eyfsp", "phonics", "ks1", "ks2"):
        assert not years[table] & {"2019/2020", "2020/2021"}
    assert max(years["ks1"]) == "2022/2023"
    assert max(years["ks2"]) == max(years["ks4"]) == "2025/2026"


def test_outcomes_follow_from_scores(whole: England) -> None:
    """The expected standard is a score of 100, in all three subjects for RWM; phonics is met at 32."""
    for code in whole.codes:
        for row in _rows(whole, code, "ks2"):
            assert (row["READEXP"] == "1") == (int(row["READSCORE"]) >= 100)
            three = (row["READEXP"], row["MATEXP"], row["WRITTAEXP"]) == ("1", "1", "1")
            assert (row["RWMEXP"] == "1") == three
            assert row["RWMEXP"] == "1" or row["RWMHIGH"] == "0"
        for row in _rows(whole, code, "phonics"):
            assert (row["Phonics_PHONICS_OUTCOME"] == "Wa") == (int(row["Phonics_PHONICS_MARK"]) >= 32)
        for row in _rows(whole, code, "ks4"):
            assert 0 <= float(row["KS4_ATT8"]) <= 90
            assert row["KS4_L2BASICS_95"] <= row["KS4_L2BASICS_94"]


def test_prior_attainment_goes_with_later(measured_england: England) -> None:
    """Among children in care and others alike, Key Stage 2 explains much of Key Stage 4, but not all."""
    priors, laters = [], []
    for code in measured_england.codes:
        for row in _rows(measured_england, code, "ks4"):
            if row["KS4_KS2EMSS"]:
                priors.append(float(row["KS4_KS2EMSS"]))
                laters.append(float(row["KS4_ATT8"]))
    assert correlation(priors, laters) == pytest.approx(0.65, abs=0.12)


def test_children_in_care_attain_less(measured_england: England) -> None:
    """Attainment 8 of about 17.3 in care, those there for less than a year among them, against 45.9."""
    in_care: list[float] = []
    others: list[float] = []
    own = {row["UPN"] for code in measured_england.codes for row in measured_england.rows(code, "header")}
    for code in measured_england.codes:
        for row in _rows(measured_england, code, "ks4"):
            if row["KS4_ACADYR"] == "2023/2024":
                (in_care if row["KS4_UPN"] in own else others).append(float(row["KS4_ATT8"]))
    assert mean(in_care) == pytest.approx(17.5, abs=2.5)
    assert mean(others) > 40


def test_pupil_premium_says_who_is_looked_after(whole: England) -> None:
    """The looked-after premium of the financial year goes to children on a return of that year, and to nobody else."""
    looked_after = {row["UPN"] for code in whole.codes for row in whole.rows(code, "header")}
    for code in whole.codes:
        for row in _rows(whole, code, "pupil_premium"):
            assert row["PupilPremiumFYStartDate"] == "01/04/2025"
            if row["LookedAfterPremium"] == "1":
                assert row["UPN"] in looked_after
