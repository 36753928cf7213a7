"""The register of schools and Ofsted's inspections: every school once, by its number, with a real place and regime."""

import csv
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest

from node.synth.england import write_england
from node.synth.files import published_columns
from tests.node.synth.conftest import TERMS, England, Row

CARD = ("Inclusion", "Curriculum and teaching", "Achievement", "Attendance and behaviour", "Leadership and governance")
GRADES = {"Exceptional", "Strong standard", "Expected standard", "Needs attention", "Urgent improvement"}


def _read(directory: Path, table: str) -> list[Row]:
    with (directory / "register" / f"{table}.csv").open(encoding="cp1252", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def schools(measured_england: England) -> list[Row]:
    return _read(measured_england.summary.directory, "edubasealldata")


@pytest.fixture(scope="module")
def inspections(measured_england: England) -> list[Row]:
    return _read(measured_england.summary.directory, "ofsted_latest_inspections")


def test_every_school_of_every_census_is_listed_once(estuary: England) -> None:
    """LA (code) and EstablishmentNumber together are the LAEstab, and the URN is the census's own."""
    listed = {row["URN"]: row for row in _read(estuary.summary.directory, "edubasealldata")}
    found = {
        row["urn"]: (row["lea"], f"{int(row['estab']):04}")
        for code in estuary.codes
        for row in estuary.census(code, TERMS[0], "schoolcensus")
    }
    assert {urn: (row["LA (code)"], row["EstablishmentNumber"]) for urn, row in listed.items()} == found
    assert len(listed) == sum(each.schools for each in estuary.summary.authorities.values())


def test_columns_are_the_published_ones(schools: list[Row], inspections: list[Row]) -> None:
    columns = published_columns("register_columns")
    assert tuple(schools[0]) == columns["edubasealldata"]
    assert tuple(inspections[0]) == columns["ofsted_latest_inspections"]


def test_phase_type_and_number_tell_the_same_kind(schools: list[Row]) -> None:
    """Establishment numbers keep the real bands; special schools and units have no phase in the register."""
    kinds = Counter(
        (
            int(row["EstablishmentNumber"]) // 1000,
            row["PhaseOfEducation (name)"],
            row["SENPRU (name)"] != "Not applicable",
        )
        for row in schools
    )
    assert set(kinds) == {
        (1, "Not applicable", True),
        (2, "Primary", False),
        (4, "Secondary", False),
        (7, "Not applicable", False),
    }
    assert {row["EstablishmentTypeGroup (name)"] for row in schools} == {
        "Local authority maintained schools",
        "Special schools",
        "Academies",
        "Free Schools",
    }


def test_schools_lie_in_their_authority(schools: list[Row]) -> None:
    """Each has a postcode with its easting and northing, and a region; some have resourced provision."""
    assert all(row["Postcode"] and int(row["Easting"]) > 80_000 and int(row["Northing"]) > 5_000 for row in schools)
    assert {row["GOR (name)"] for row in schools if row["LA (code)"] == "301"} == {"London"}
    resourced = Counter(row["TypeOfResourcedProvision (name)"] for row in schools)
    assert resourced["Not applicable"] > resourced["Resourced provision"] > 0


def test_three_regimes_stand_side_by_side(inspections: list[Row]) -> None:
    """An overall grade only until August 2024, none after; report cards only from 10 November 2025."""
    overall: list[date] = []
    judged: list[date] = []
    cards: list[date] = []
    for row in inspections:
        if row["Inspection start date of latest OEIF graded inspection"] == "NULL":
            continue
        graded = _day(row["Inspection start date of latest OEIF graded inspection"])
        (judged if row["Latest OEIF overall effectiveness"] == "Not judged" else overall).append(graded)
        if row["Achievement"] != "NULL":
            cards.append(_day(row["Inspection start date"]))
            assert {row[area] for area in CARD} <= GRADES
            assert row["Safeguarding standards"] in {"Met", "Not met"}
    assert max(overall) <= date(2024, 8, 31)
    assert date(2024, 9, 1) <= min(judged) <= max(judged) < date(2025, 11, 10) <= min(cards)
    assert min(len(overall), len(judged), len(cards)) > 50


def test_grades_have_the_shares_of_the_stock(inspections: list[Row]) -> None:
    grades = Counter(row["Latest OEIF overall effectiveness"] for row in inspections)
    graded = sum(grades[grade] for grade in "1234")
    for grade, published in (("1", 14), ("2", 77), ("3", 8), ("4", 2)):
        assert 100 * grades[grade] / graded == pytest.approx(published, abs=3)
    assert 0 < grades["NULL"] < 0.06 * len(inspections)


def test_the_register_depends_on_the_seed_alone(tmp_path: Path) -> None:
    for name, full in (("plain", False), ("full", True)):
        write_england(tmp_path / name, authorities=2, seed=2, scale=0.05, full=full)
    assert _read(tmp_path / "plain", "edubasealldata") == _read(tmp_path / "full", "edubasealldata")


def _day(text: str) -> date:
    return datetime.strptime(text, "%d/%m/%Y").date()
