"""`circe node returns` over files that were really loaded: counts, locators, and no more of a child than needed."""

import csv
import stat
from pathlib import Path

import pytest

from tests.node.quality.conftest import SmallNode

UPN, OTHER, THIRD = "B801200005001", "H801200005012", "A801200005099"


@pytest.fixture
def returned(small_node: SmallNode) -> SmallNode:
    """A return and a spring census that differ in a date of birth, and an autumn census with a period reversed."""
    small_node.load(
        header=f"""
            CHILD | UPN     | DOB
            77    | {UPN}   | 01/01/2010
            88    | {OTHER} | 05/05/2011""",
        episodes="CHILD\n77\n88",
        spring_pupilonroll=f"""
            pupilonrolltableid | upn     | NativeId | dob
            r1                 | {THIRD} | SCH1     | 2009-Mar-03 00:00:00
            r1                 | {THIRD} | SCH1     | 2009-Mar-03 00:00:00
            r2                 | {UPN}   | SCH7     | 2010-Feb-01 00:00:00
            r3                 | {OTHER} | SCH7     | 2011-May-05 00:00:00""",
        spring_fsmperiod="""
            pupilonrolltableid | fsmstartdate         | fsmenddate
            r2                 | 2024-Sep-01 00:00:00 | 2024-Oct-01 00:00:00
            r3                 | 2024-Sep-01 00:00:00 | 2023-Sep-01 00:00:00""",
    )
    return small_node


def test_a_finding_is_located_in_the_file_it_came_from(returned: SmallNode) -> None:
    """The row is the spreadsheet's, although an earlier row of the file was turned away."""
    report = returned.tell("returns")
    rules = {rule["name"]: rule for rule in report["rules"]}
    assert report["academic_year"] == 202425
    assert rules["date_of_birth_differs"]["mender"] == "authority"
    assert rules["date_of_birth_differs"]["locators"] == [
        {"file": "2025_spring_pupilonroll.csv", "row": 4, "la_child_id": "77", "school": "SCH7"}
    ]
    assert rules["on_two_main_rolls"]["findings"] == 0


def test_rows_that_the_load_turned_away_are_findings_too(returned: SmallNode) -> None:
    """A period reversed is never loaded, and so is taken from the load's own report."""
    rules = {rule["name"]: rule for rule in returned.tell("returns")["rules"]}
    assert rules["meal_period_reversed"]["findings"] == 1
    assert [each["row"] for each in rules["meal_period_reversed"]["locators"]] == [3]


def test_the_findings_about_our_own_children_can_be_asked_for_alone(returned: SmallNode) -> None:
    """A census has every pupil of every school; a virtual school starts with its own."""
    everything = {rule["name"]: rule["findings"] for rule in returned.tell("returns")["rules"]}
    ours = {rule["name"]: rule["findings"] for rule in returned.tell("returns", "--ours")["rules"]}
    assert (everything["check_letter_in_census"], ours["check_letter_in_census"]) == (2, 1)
    assert ours["date_of_birth_differs"] == 1


def test_a_row_keeps_its_place_when_another_load_follows(returned: SmallNode) -> None:
    """The file of an earlier load is still named, and its rows counted as they were."""
    returned.load(autumn_pupilonroll=f"upn | dob\n{OTHER} | 2011-May-05 00:00:00")
    rules = {rule["name"]: rule for rule in returned.tell("returns")["rules"]}
    assert [each["row"] for each in rules["date_of_birth_differs"]["locators"]] == [4]
    assert rules["meal_period_reversed"]["findings"] == 1


def test_a_row_is_not_guessed_at_where_the_report_does_not_list_all_that_were_turned_away(
    small_node: SmallNode,
) -> None:
    """The report lists the first twenty; after more than that, a row's number is left blank."""
    repeated = "\n".join(f"r1 | {THIRD} | 2009-Mar-03 00:00:00" for _ in range(25))
    small_node.load(
        header=f"CHILD | UPN | DOB\n77 | {UPN} | 01/01/2010",
        episodes="CHILD\n77",
        spring_pupilonroll=f"pupilonrolltableid | upn | dob\n{repeated}\nr2 | {UPN} | 2010-Feb-01 00:00:00",
    )
    rules = {rule["name"]: rule for rule in small_node.tell("returns")["rules"]}
    assert [each["row"] for each in rules["date_of_birth_differs"]["locators"]] == [None]


def test_the_list_of_children_is_a_private_file(returned: SmallNode, tmp_path: Path) -> None:
    """Mode 0600, also where a file that others could read was there before; never down a pipe."""
    assert "--output" in returned.say("returns", "--format", "csv", code=2)
    output = tmp_path / "findings.csv"
    output.touch(mode=0o644)
    assert returned.say("returns", "--format", "csv", "--output", output) == ""
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    with output.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = [row for row in rows if row["rule"] == "date_of_birth_differs"]
    assert [(row["file"], row["row"], row["la_child_id"], row["school"]) for row in found] == [
        ("2025_spring_pupilonroll.csv", "4", "77", "SCH7")
    ]


def test_a_school_cannot_put_a_formula_into_the_list(small_node: SmallNode, tmp_path: Path) -> None:
    """A spreadsheet would run a cell that begins with =."""
    small_node.load(spring_pupilonroll=f"upn | NativeId\n{THIRD} | =1+1")
    small_node.say("returns", "--format", "csv", "--output", tmp_path / "findings.csv")
    rows = list(csv.DictReader((tmp_path / "findings.csv").read_text().splitlines()))
    assert {row["school"] for row in rows} == {"'=1+1"}


@pytest.mark.parametrize("form", ["table", "json", "csv"])
def test_no_number_name_or_date_of_a_child_is_shown(form: str, returned: SmallNode, tmp_path: Path) -> None:
    """The child's own id at the authority is enough to find the row."""
    output = tmp_path / "findings"
    returned.say("returns", "--format", form, "--output", output)
    shown = output.read_text()
    assert "date_of_birth_differs" in shown
    for value in (UPN, OTHER, THIRD, "Ash", "Robin", "2010", "01/01"):
        assert value not in shown


def test_a_year_that_was_not_loaded_is_refused(returned: SmallNode) -> None:
    assert "run circe node load" in returned.say("returns", "--year", "201516", code=2)


def test_a_node_without_data_says_so(small_node: SmallNode) -> None:
    for command in ("returns", "quality"):
        assert "run circe node load" in small_node.say(command, code=2)


def test_the_quality_of_every_file_in_use_is_listed(returned: SmallNode) -> None:
    """Also of files loaded before the latest load, whose rows are still in use."""
    returned.load(autumn_pupilonroll="pupilonrolltableid | upn | dob\nr9 | | 2011-May-05 00:00:00")
    found = {(each["file"], each["rule"]): each for each in returned.tell("quality")}
    assert found["2025_spring_fsmperiod.csv", "end_before_start"]["first_rows"] == [3]
    assert found["2025_spring_fsmperiod.csv", "end_before_start"]["severity"] == "rejected"
    assert found["2025_spring_pupilonroll.csv", "duplicate_row"]["rows"] == 1
    assert found["2024_autumn_pupilonroll.csv", "missing_upn"]["of"] == 1
    text = returned.say("quality")
    assert "2025_spring_fsmperiod.csv (fsmperiod, 202425-spring; 2 rows)\n  1 rejected: end_before_start." in text
    rows = list(csv.DictReader(returned.say("quality", "--format", "csv").splitlines()))
    assert {(row["file"], row["rule"], row["first_rows"]) for row in rows} >= {
        ("2025_spring_fsmperiod.csv", "end_before_start", "3")
    }
