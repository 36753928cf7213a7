"""What social care knows of the pupils of an authority's schools: the census of children in need, and kinship care."""

from collections.abc import Iterator
from xml.etree import ElementTree

from node.synth.social_care import CENSUS, FOLDER, KINSHIP_COLUMNS
from tests.node.synth.conftest import England, Row, read_day


def children(england: England, code: str) -> Iterator[tuple[Row, list[ElementTree.Element]]]:
    """Each child of an authority's census: what identifies them, and their referrals."""
    root = ElementTree.parse(england.summary.directory / code / FOLDER / CENSUS).getroot()
    assert (root.tag, root.findtext("Header/Source/LEA")) == ("Message", code)
    for child in root.iterfind("Children/Child"):
        known = {each.tag: each.text or "" for each in child.iterfind("ChildIdentifiers/*")}
        yield known, child.findall("CINdetails")


def test_children_in_need_are_pupils_of_our_schools_or_in_our_care(whole: England) -> None:
    """By the number of the roll; children looked after are in need, too, under the number of the return."""
    in_care = in_need = 0
    for code in whole.codes:
        roll = {
            row["upn"]: row
            for term in ("2025_autumn", "2026_spring", "2026_summer")
            for row in whole.census(code, term, "pupilonroll")
        }
        returned = {row["CHILD"]: row["UPN"] for row in whole.rows(code, "header")}
        numbers = set()
        for known, _ in children(whole, code):
            assert known["LAchildID"] not in numbers
            numbers.add(known["LAchildID"])
            assert known["UPN"] in roll
            if known["LAchildID"] in returned:
                assert returned[known["LAchildID"]] == known["UPN"]
                in_care += 1
            else:
                in_need += 1
    assert in_care > 100
    assert in_need > 100


def test_some_are_on_plans_some_are_closed_and_some_came_to_nothing(whole: England) -> None:
    details = [each for code in whole.codes for _, found in children(whole, code) for each in found]
    plans = {
        plan: sum(each.find(plan) is not None for each in details) for plan in ("CINPlanDates", "ChildProtectionPlans")
    }
    assert plans["CINPlanDates"] > plans["ChildProtectionPlans"] > 5
    closed = [each for each in details if each.findtext("CINclosureDate")]
    nothing = [each for each in details if each.findtext("ReferralNFA") == "1"]
    assert len(closed) > len(nothing) > 5
    assert all(each.findtext("CINreferralDate", "") <= each.findtext("CINclosureDate", "") for each in closed)


def test_children_in_kinship_care_are_on_our_rolls_and_in_nobodys_care(whole: England) -> None:
    """Those under special guardianship were looked after before, as their parents declared."""
    seen = 0
    for code in whole.codes:
        plaa = {row["upn"]: row["plaa"] for row in whole.census(code, "2026_spring", "pupilonroll")}
        rows = whole.read(code, f"{FOLDER}/kinship_care")
        assert all(tuple(row) == KINSHIP_COLUMNS for row in rows)
        for row in rows:
            seen += 1
            guarded = row["Kinship Arrangement"] == "Special guardianship order"
            assert plaa.get(row["Pupil UPN"], "G" if guarded else "N") == "G" or not guarded
            assert read_day(row["Born"]) <= read_day(row["Arrangement Started"])
    assert seen > 20
