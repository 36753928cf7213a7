"""The files: which there are, what is in them, that they can be written again and never over others."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from node.synth.england import NOTICE, SynthRefused, write_england
from tests.node.synth.conftest import TERMS, England, read_rows

SSDA903 = {
    "header": "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB",
    "episodes": "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN",
    "reviews": "CHILD,DOB,REVIEW,REVIEW_CODE",
    "uasc": "CHILD,SEX,DOB,DUC",
    "oc2": "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,HEALTH_ASSESSMENT,"
    "SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED",
    "oc3": "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM",
    "ad1": "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR",
    "placed_for_adoption": "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED",
    "previous_permanence": "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM",
    "missing": "CHILD,DOB,MISSING,MIS_START,MIS_END",
    "sw_episodes": "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON",
}
CENSUS = ("pupilonroll", "senneeds", "termlyexclusionsonroll", "termlysessiondetailsonroll", "schoolcensus")
MEALS = {"2024_autumn": "fsmperiodsonroll", "2025_spring": "fsmperiod", "2025_summer": "fsmperiod"}
LENGTHS = {"2024_autumn": 64, "2025_spring": 44, "2025_summer": 41}


def _bytes(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    """Seed and arguments decide every byte; another seed, other children."""
    for name, seed in (("first", 3), ("again", 3), ("other", 4)):
        write_england(tmp_path / name, authorities=3, seed=seed, scale=0.05, dirty=True)
    first, again, other = (_bytes(tmp_path / name) for name in ("first", "again", "other"))
    assert first == again
    assert first.keys() == other.keys()
    assert first["301/ssda903/episodes.csv"] != other["301/ssda903/episodes.csv"]


def test_every_authority_has_every_table_of_the_return(estuary: England) -> None:
    """Eleven files with the published columns, in the published order."""
    for code in estuary.codes:
        folder = estuary.summary.directory / code / "ssda903"
        headers = {path.stem: path.read_text(encoding="utf-8").splitlines()[0] for path in folder.iterdir()}
        assert headers == SSDA903


def test_every_authority_has_every_table_of_three_terms(estuary: England) -> None:
    """Six files a term; the pupil table has the columns that term collects."""
    for code in estuary.codes:
        folder = estuary.summary.directory / code / "school-census"
        wanted = {f"{term}_{table}" for term in TERMS for table in (*CENSUS, MEALS[term])}
        assert {path.stem for path in folder.iterdir()} == wanted
        for term, length in LENGTHS.items():
            columns = estuary.census(code, term, "pupilonroll")[0]
            assert len(columns) == length
            assert ("ethnicity" in columns) == (term == "2025_spring")


def test_census_tables_join(estuary: England) -> None:
    """Rows hang on a pupil of the same file, and pupils on a school with a URN of its own."""
    urns: list[str] = []
    found: Counter[str] = Counter()
    for code in estuary.codes:
        for term in TERMS:
            schools = {row["schoolcensustableid"]: row for row in estuary.census(code, term, "schoolcensus")}
            pupils = {row["pupilonrolltableid"]: row for row in estuary.census(code, term, "pupilonroll")}
            assert {row["lea"] for row in schools.values()} == {code}
            assert all(schools[row["schoolcensustableid"]]["NativeId"] == row["NativeId"] for row in pupils.values())
            for table in (*CENSUS[1:-1], MEALS[term]):
                rows = estuary.census(code, term, table)
                found[table] += len(rows)
                assert all(pupils[row["pupilonrolltableid"]]["NativeId"] == row["NativeId"] for row in rows)
                assert len({row[f"{table}tableid"] for row in rows}) == len(rows)
        urns += [row["urn"] for row in schools.values()]
    assert min(found.values()) > 50
    assert len(urns) == len(set(urns))
    assert all(len(urn) == 6 and urn.startswith("9") for urn in urns)


def test_nobody_misses_more_sessions_than_there_are(estuary: England) -> None:
    """Missed sessions of a term, by code, stay within those possible, and add up to the autumn totals."""
    for code in estuary.codes:
        for term in TERMS:
            missed: dict[str, float] = {}
            for row in estuary.census(code, term, "termlysessiondetailsonroll"):
                missed[row["pupilonrolltableid"]] = missed.get(row["pupilonrolltableid"], 0) + float(row["sessions"])
            for row in estuary.census(code, term, "pupilonroll"):
                total = missed.get(row["pupilonrolltableid"], 0.0)
                assert total <= float(row["termlysessionspossible"])
                if term == "2024_autumn":
                    summed = float(row["termlysessionsauthorised"]) + float(row["termlysessionsunauthorised"])
                    assert summed == total


def test_the_manifest_says_synthetic_and_counts_the_rows(estuary: England) -> None:
    manifest = json.loads((estuary.summary.directory / "england.json").read_text(encoding="utf-8"))
    assert manifest == json.loads(json.dumps(estuary.summary.to_json()))
    assert manifest["synthetic"] is True
    assert manifest["notice"] == NOTICE
    for code, counts in manifest["authorities"].items():
        assert counts["episodes"] == len(estuary.rows(code, "episodes"))
        assert counts["leavers"] == len(estuary.rows(code, "oc3"))
        assert counts["children"] + counts["leavers"] == len(estuary.rows(code, "header"))
        assert counts["pupils"] == len(
            {row["upn"] for term in TERMS for row in estuary.census(code, term, "pupilonroll")}
        )


def test_years_before_2024_25_write_sex_in_figures(tmp_path: Path) -> None:
    """The return recoded SEX from 1 and 2 to M and F in 2024/25; census files are named after their own year."""
    write_england(tmp_path, authorities=["857"], seed=1, academic_year=202324)
    assert {row["SEX"] for row in read_rows(tmp_path / "857" / "ssda903" / "header.csv")} == {"1", "2"}
    assert (tmp_path / "857" / "school-census" / "2024_spring_pupilonroll.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param({"authorities": 0}, "number of authorities", id="no authority"),
        pytest.param({"authorities": 154}, "number of authorities", id="more than there are"),
        pytest.param({"authorities": ["301", "999"]}, "no such authority: 999", id="unknown code"),
        pytest.param({"authorities": []}, "none named", id="empty list"),
        pytest.param({"authorities": 1, "scale": 0.0}, "scale", id="scale zero"),
        pytest.param({"authorities": 1, "scale": float("nan")}, "scale", id="scale not a number"),
        pytest.param({"authorities": 1, "other_pupils_per_child": -1.0}, "other pupils", id="others below zero"),
        pytest.param({"authorities": 1, "academic_year": 202426}, "academic year", id="years apart"),
        pytest.param({"authorities": 1, "academic_year": 201415}, "academic year", id="year without tables"),
    ],
)
def test_arguments_that_make_no_england_are_refused(tmp_path: Path, arguments: dict[str, Any], text: str) -> None:
    """Each is refused with what is wrong, and nothing is written."""
    with pytest.raises(SynthRefused, match=text):
        write_england(tmp_path, seed=1, **arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("existing", ["england.json", "301"])
def test_an_england_is_never_written_over_another(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).mkdir()
    with pytest.raises(SynthRefused, match="already holds"):
        write_england(tmp_path, authorities=1, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == [existing]
