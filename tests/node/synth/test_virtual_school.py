"""What virtual schools keep themselves: of their own children, wherever those go to school."""

from collections import Counter
from datetime import date

from node.synth import leaver_outcomes, virtual_school
from tests.node.synth.conftest import England, Row, read_day

TABLES = ("pep", "attendance_daily", "targets", "support", "admissions", "care_leaver_outcomes")


def _rows(england: England, code: str, table: str) -> list[Row]:
    return england.read(code, f"virtual-school/{table}")


def _upn(row: Row) -> str:
    return row.get("UPN") or row["Pupil UPN"]


def _child(row: Row) -> str:
    return row.get("Child Ref") or row["Child Reference"]


def test_six_tables_with_the_documented_headings(whole: England) -> None:
    headings = dict(virtual_school.COLUMNS) | {"care_leaver_outcomes": leaver_outcomes.COLUMNS}
    assert set(headings) == set(TABLES)
    for code in whole.codes:
        folder = whole.summary.directory / code / "virtual-school"
        headers = {path.stem: path.read_text(encoding="utf-8").splitlines()[0] for path in folder.iterdir()}
        assert headers == {table: ",".join(names) for table, names in headings.items()}
    assert all(f"{table}.csv" in virtual_school.README for table in TABLES)


def test_every_row_is_of_an_own_child(whole: England) -> None:
    """Reference and UPN are those of the authority's return, also for children on another authority's roll."""
    away = 0
    for code in whole.codes:
        upns = {row["CHILD"]: row["UPN"] for row in whole.rows(code, "header")}
        roll = {row["upn"] for row in whole.census(code, "2026_spring", "pupilonroll")}
        for table in TABLES[:-1]:
            for row in _rows(whole, code, table):
                assert upns[_child(row)] == _upn(row)
                away += _upn(row) not in roll
    assert away > 500


def test_one_plan_a_term_most_of_them_complete(whole: England) -> None:
    """A meeting in its term; a plan that was never completed is Red."""
    plans = [row for code in whole.codes for row in _rows(whole, code, "pep")]
    assert max(Counter((_upn(row), row["PEP Term"]) for row in plans).values()) == 1
    assert {row["PEP Term"] for row in plans} == {"202526-autumn", "202526-spring", "202526-summer"}
    assert {row["Quality Rating"] for row in plans} == {"Green", "Amber", "Red"}
    complete = [row for row in plans if row["PEP Completed"]]
    assert 0.88 < len(complete) / len(plans) < 0.97
    assert all(read_day(row["Meeting Date"]) <= read_day(row["PEP Completed"]) for row in complete)
    assert all(row["Quality Rating"] == "Red" for row in plans if not row["PEP Completed"])


def test_attendance_is_of_half_a_term(whole: England) -> None:
    """Two marks for each school day of November and December, none at a weekend; missed as often as the census says."""
    marks = [row for code in whole.codes for row in _rows(whole, code, "attendance_daily")]
    days = {date.fromisoformat(row["Attendance Date"]) for row in marks}
    assert (min(days), max(days)) == (date(2025, 11, 4), date(2025, 12, 19))
    assert {day.weekday() for day in days} == set(range(5))
    assert max(Counter((_upn(row), row["Attendance Date"], row["Session"]) for row in marks).values()) == 1
    present = sum(row["Mark"] in {"/", "\\"} for row in marks)
    assert 0.84 < present / len(marks) < 0.96


def test_a_place_is_asked_for_before_the_child_is_on_roll(whole: England) -> None:
    schools = {row["urn"] for code in whole.codes for row in whole.census(code, "2026_spring", "schoolcensus")}
    admissions = [row for code in whole.codes for row in _rows(whole, code, "admissions")]
    assert len(admissions) > 50
    assert all(read_day(row["Place Requested"]) < read_day(row["On Roll"]) for row in admissions)
    assert {row["School URN"] for row in admissions} <= schools


def test_targets_say_whether_they_are_ambitious(whole: England) -> None:
    """Ambition is the target set against what the starting point leads to expect."""
    for code in whole.codes:
        for row in _rows(whole, code, "targets"):
            target, expected = row["Target Grade"], row["Expected Grade"]
            scale = [str(grade) for grade in range(10)] if target.isdigit() else ["WTS", "EXS", "GDS"]
            above = scale.index(target) - scale.index(expected)
            assert row["Ambition"] in {"Below", "Expected", "Above"}
            assert (above > 0) <= (row["Ambition"] == "Above")
            assert (above < 0) <= (row["Ambition"] == "Below")


def test_care_leavers_are_followed_to_25(whole: England) -> None:
    """The return's leavers of 18 and over under the same reference, and older ones it does not ask about."""
    ages: Counter[str] = Counter()
    for code in whole.codes:
        asked = {row["CHILD"] for row in whole.rows(code, "oc3")}
        for row in _rows(whole, code, "care_leaver_outcomes"):
            ages[row["Age"]] += 1
            assert (row["Child Reference"] in asked) == (int(row["Age"]) <= 21)
            assert not (row["Level 3 Reached"] == "Yes" and row["Level 2 Reached"] == "No")
    assert set(ages) == {str(age) for age in range(18, 26)}
