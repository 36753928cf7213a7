"""Every rule, with rows that break it beside rows that do not. Row 1 is the header, as in a spreadsheet.

A case says all that is found, so that each is a negative test of every other rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED

import pytest

from node.ingest.report import RowsLost
from node.ingest.rules import STAGES, load_rules
from tests.node.ingest.conftest import Judge
from tests.node.ingest.test_archives import lock, pack

HEADER = "CHILD,SEX,DOB,ETHNIC,UPN\n"
EPISODES = "CHILD,DECOM,RNE,LS,CIN,PLACE,DEC,REC,HOME_POST,PL_POST\n"
OC2 = "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED\n"
ROLL = "pupilonrolltableid,upn,dob,sex,enrolstatus,ncyearactual,senprovision\n"
EXCLUSIONS = "pupilonrolltableid,startdate,sessions,category\n"
SEN = "pupilonrolltableid,sentyperank,sentype\n"
FSM = "pupilonrolltableid,fsmstartdate,fsmenddate\n"
SESSIONS = "pupilonrolltableid,sessions,attendancereason\n"
LEFT = "pupilnolongeronrolltableid,upn,leavingdate\n"
OFF_ROLL = "pupilnolongeronrolltableid,"
ONE_OC2 = (OC2 + "1,01/01/2010,4,,0\n").encode()
XML = (
    "<EXPSSDA903><CHILD><HEADER><CHILDID>1</CHILDID><ETHNIC>WBRI</ETHNIC><UPN>UN4</UPN></HEADER>{}</CHILD></EXPSSDA903>"
)
KS2 = "ACADYR,UPN,READSCORE,MATSCORE,RWMEXP\n"
PEP = "la_child_id,term,meeting_date,quality\n"

Found = Mapping[str, Mapping[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Case:
    """Files, and every row found wanting in them by file and rule."""

    rule: str
    files: Mapping[str, str | bytes]
    found: Found


CASES = (
    Case("empty_file", {"oc2": ""}, {"oc2": {"empty_file": ()}}),
    Case("binary_file", {"oc2": "PK\x03\x04\x00\nxx\nyy"}, {"oc2": {"binary_file": (2, 3)}}),
    Case("unrecognised_file", {"oc2": "CHILD,SHOE_SIZE\n1,38\n2,41\n"}, {"oc2": {"unrecognised_file": (2, 3)}}),
    Case(
        "repeated_column",
        {"oc2": "CHILD,DOB,SDQ_SCORE,SDQ_REASON,sdq_score\n1,01/01/2010,4,,40\n"},
        {"oc2": {"repeated_column": (2,)}},
    ),
    Case(
        "no_period",
        {"senneeds": SEN + "a,1,ASD\nb,1,ASD\n", "2025_spring_senneeds": SEN + "c,1,ASD\n"},
        {"senneeds": {"no_period": (2, 3)}},
    ),
    Case("broken_archive", {"a.zip": pack({"oc2.csv": ONE_OC2})[:-9]}, {"a": {"broken_archive": ()}}),
    Case(
        "oversized_archive",
        {"a.zip": pack({"oc2.csv": ONE_OC2, "bomb.csv": b" " * 5_000_000})},
        {"bomb": {"oversized_archive": ()}},
    ),
    Case("unsafe_member", {"a.zip": pack({"oc2.csv": ONE_OC2, "../up.csv": ONE_OC2})}, {"up": {"unsafe_member": ()}}),
    Case("encrypted_member", {"a.zip": lock(pack({"oc2.csv": ONE_OC2}))}, {"oc2": {"encrypted_member": ()}}),
    Case(
        "broken_member",
        {"a.zip": pack({"oc2.csv": ONE_OC2}, ZIP_STORED).replace(b"1,01", b"2,01")},
        {"oc2": {"broken_member": ()}},
    ),
    Case("nested_archive", {"a.zip": pack({"b.zip": pack({"oc2.csv": ONE_OC2})})}, {"b": {"nested_archive": ()}}),
    Case("broken_xml", {"a.xml": XML.format("")[:-3]}, {"a": {"broken_xml": (2,)}}),
    Case("unsafe_xml", {"a.xml": "<!DOCTYPE EXPSSDA903>" + XML.format("")}, {"a": {"unsafe_xml": ()}}),
    Case(
        "unknown_element",
        {"a.xml": XML.format("<PET><NAME>x</NAME></PET><EPISODE><DECOM>01/05/2024</DECOM></EPISODE>")},
        {"a None": {"unknown_element": (2,)}},
    ),
    Case("blank_row", {"oc2": OC2 + "1,01/01/2010,4,,0\n\n2,01/01/2010,4,,0\n"}, {"oc2": {"blank_row": (3,)}}),
    Case(
        "ragged_row",
        {"oc2": OC2 + "1,01/01/2010,4,,0\n2,01/01/2010\n3,01/01/2010,4,,0,0\n4,01/01/2010,4,,0\n"},
        {"oc2": {"ragged_row": (3, 4)}},
    ),
    Case(
        "bad_quoting",
        {"oc2": OC2 + '1,"01/01/2010",4,,0\n2,"01/01/2010,4,,0\n3,"01/01/2010"x,4,,0\n4,01/01/2010,4,,0\n'},
        {"oc2": {"bad_quoting": (3, 4)}},
    ),
    Case(
        "bad_characters",
        {"oc2": OC2 + "1,01/01/2010,4,,0\n2,01/01/2010,4\x00,,0\n3,01/01/2010,4,\x1b,0\n"},
        {"oc2": {"bad_characters": (3, 4)}},
    ),
    Case(
        "oversized_row",
        {"oc2": OC2 + f"1,01/01/2010,4,,0\n{'2' * 70_000},01/01/2010,4,,0\n3,01/01/2010,4,,0\n"},
        {"oc2": {"oversized_row": (3,)}},
    ),
    Case(
        "missing_key",
        {"episodes": EPISODES + "1,01/05/2024,S,C2,N1,U6,,,,\n ,01/05/2024,S,C2,N1,U6,,,,\n3,,S,C2,N1,U6,,,,\n"},
        {"episodes": {"missing_key": (3, 4)}},
    ),
    Case(
        "bad_date",
        {
            "episodes": EPISODES
            + "1,2024-05-01,S,C2,N1,U6,,,,\n2,31/02/2024,S,C2,N1,U6,,,,\n3,01/05/24,S,C2,N1,U6,,,,\n"
            + "4,01-May-2024,S,C2,N1,U6,,,,\n5,2024-May-01 00:00:00,S,C2,N1,U6,,,,\n"
        },
        {"episodes": {"bad_date": (3, 4)}},
    ),
    Case(
        "bad_optional_date",
        {"header": HEADER + "1,F,01/01/2010,WBRI,UN4\n2,F,not known,WBRI,UN4\n3,F,,WBRI,UN4\n"},
        {"header": {"bad_optional_date": (3,)}},
    ),
    Case(
        "future_date",
        {"header": HEADER + "1,F,01/06/2026,WBRI,UN4\n2,F,02/06/2026,WBRI,UN4\n"},
        {"header": {"future_date": (3,)}},
    ),
    Case(
        "bad_number",
        {"oc2": OC2 + "1,01/01/2010,4.0,,0\n2,01/01/2010,n/k,,0\n3,01/01/2010,4.5,,0\n"},
        {"oc2": {"bad_number": (3, 4)}},
    ),
    Case(
        "out_of_bounds",
        {"oc2": OC2 + "1,01/01/2010,40,,0\n2,01/01/2010,41,,0\n3,01/01/2010,-1,,0\n4,01/01/2010,0,,0\n"},
        {"oc2": {"out_of_bounds": (3, 4)}},
    ),
    Case(
        "bad_yes_no",
        {"oc2": OC2 + "1,01/01/2010,4,,1\n2,01/01/2010,4,,2\n3,01/01/2010,4,,false\n"},
        {"oc2": {"bad_yes_no": (3,)}},
    ),
    Case(
        "unknown_code",
        {"header": HEADER + "1,2,01/01/2010,wbri,UN4\n2,3,01/01/2010,WBRI,UN4\n3,F,01/01/2010,WXYZ,UN4\n"},
        {"header": {"unknown_code": (3, 4)}},
    ),
    Case(
        "bad_postcode",
        {
            "episodes": EPISODES
            + "1,01/05/2024,S,C2,N1,U6,,,ig11 0ab,IG110AB\n2,01/05/2024,S,C2,N1,U6,,,IG11,IG110AB\n"
            + "3,01/05/2024,S,C2,N1,U6,,,,IG11 OAB\n"
        },
        {"episodes": {"bad_postcode": (3, 4)}},
    ),
    Case(
        "untimely_code",
        {"episodes": EPISODES + "1,01/05/2024,S,C2,N1,Z11,,,,\n2,01/05/2024,S,C2,N1,Z1,,,,\n"},
        {"episodes": {"untimely_code": (2,)}},
    ),
    Case(
        "after_the_return",
        {
            "episodes": EPISODES + "1,31/03/2025,S,C2,N1,U6,,,,\n2,01/04/2025,S,C2,N1,U6,,,,\n",
            "sw": "CHILD,SW_ID,SW_DECOM\n1,SW1,01/04/2025\n",
        },
        {"episodes": {"after_the_return": (3,)}, "sw": {"after_the_return": (2,)}},
    ),
    Case(
        "untimely_table",
        {"dolo": "CHILD,DOLO_START\n1,01/05/2024\n", "sw": "CHILD,SW_ID,SW_DECOM\n1,SW1,01/05/2024\n"},
        {"dolo": {"untimely_table": (2,)}},
    ),
    Case(
        "withheld_value",
        {"ks2": KS2 + "2024,B801200005001,SUPP,99,X\n2024,Q801200005002,104,N,1\n2024,UN1,,104,0\n"},
        {"ks2": {"withheld_value": (2, 3)}},
    ),
    Case(
        "bad_year",
        {"pep": PEP + "1,soon,14/11/2024,good\n2,Autumn 2024,14/11/2024,good\n3,,14/11/2024,good\n"},
        {"pep": {"bad_year": (2,)}},
    ),
    Case(
        "nobody",
        {"pep": PEP + ",Autumn 2024,14/11/2024,good\n2,Autumn 2024,14/11/2024,good\n"},
        {"pep": {"nobody": (2,)}},
    ),
    Case(
        "fixd_legacy_category",
        {"2025_spring_exclusions": EXCLUSIONS + "a,2025-Jan-20,2,SUSP\na,2025-Jan-21,2,FIXD\nb,2025-Jan-20,2,XXXX\n"},
        {"2025_spring_exclusions": {"fixd_legacy_category": (3,), "unknown_code": (4,)}},
    ),
    Case(
        "missing_upn",
        {"2025_spring_roll": ROLL + "a,B801200005001,2010-Jan-01,F,C,10,N\nb,,2010-Jan-01,F,C,10,N\n"},
        {"2025_spring_roll": {"missing_upn": (3,)}},
    ),
    Case(
        "upn_not_a_upn",
        {
            "header": HEADER
            + "1,F,01/01/2010,WBRI,B801200005001\n2,F,01/01/2010,WBRI,I801200005001\n3,F,01/01/2010,WBRI,UN5\n"
            + "4,F,01/01/2010,WBRI,UN6\n5,F,01/01/2010,WBRI,21db2df8-fa0\n"
        },
        {"header": {"upn_not_a_upn": (3, 5, 6)}},
    ),
    Case(
        "upn_check_letter",
        {"header": HEADER + "1,F,01/01/2010,WBRI,b801200005001\n2,F,01/01/2010,WBRI,C801200005001\n"},
        {"header": {"upn_check_letter": (3,)}},
    ),
    Case(
        "end_before_start",
        {
            "episodes": EPISODES
            + "1,01/05/2024,S,C2,N1,U6,01/05/2024,E4A,,\n2,01/05/2024,S,C2,N1,U6,30/04/2024,E4A,,\n",
            "2025_spring_fsm": FSM + "a,2025-Feb-16,2025-Feb-13\na,2025-Feb-16,\n",
        },
        {"episodes": {"end_before_start": (3,)}, "2025_spring_fsm": {"end_before_start": (2,)}},
    ),
    Case(
        "duplicate_row",
        {
            "placed": "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED\n1,01/01/2020,01/05/2024,\n1,01/01/2020,01/06/2024,\n",
            "placed_again": "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED\n1,01/01/2020,01/05/2024,\n",
            "2025_spring_sessions": SESSIONS + "a,2,I\na,2,I\na,3,I\n",
            "2025_summer_sessions": SESSIONS + "a,2,I\n",
        },
        {"placed_again": {"duplicate_row": (2,)}, "2025_spring_sessions": {"duplicate_row": (3,)}},
    ),
    Case(
        "repeated_key",
        {
            "header": HEADER
            + "1,F,01/01/2010,WBRI,UN4\n1,M,01/01/2010,WBRI,UN4\n1,F,01/01/2010,WBRI,UN4\n2,F,01/01/2010,WBRI,UN4\n"
        },
        {"header": {"duplicate_row": (4,), "repeated_key": (3,)}},
    ),
    Case(
        "shared_upn",
        {
            "header": HEADER
            + "1,F,01/01/2010,WBRI,B801200005001\n2,F,01/01/2010,WBRI,B801200005001\n3,F,01/01/2010,WBRI,UN4\n"
            + "4,F,01/01/2010,WBRI,UN4\n"
        },
        {"header": {"shared_upn": (2, 3)}},
    ),
    Case(
        "overlapping_episodes",
        {
            "episodes": EPISODES
            + "1,01/05/2024,S,C2,N1,U6,02/06/2024,X1,,\n1,01/06/2024,P,C2,N1,U6,,,,\n"
            + "2,01/05/2024,S,C2,N1,U6,,,,\n2,01/06/2024,P,C2,N1,U6,,,,\n"
            + "3,01/05/2024,S,C2,N1,U6,01/06/2024,X1,,\n3,01/06/2024,P,C2,N1,U6,,,,\n"
        },
        {"episodes": {"overlapping_episodes": (2, 4)}},
    ),
    Case(
        "missing_next_episode",
        {
            "episodes": EPISODES
            + "1,01/05/2024,S,C2,N1,U6,02/06/2024,X1,,\n2,01/05/2024,S,C2,N1,U6,02/06/2024,E4A,,\n"
            + "3,01/05/2024,S,C2,N1,U6,01/06/2024,X1,,\n3,01/06/2024,P,C2,N1,U6,,,,\n"
        },
        {"episodes": {"missing_next_episode": (2,)}},
    ),
    Case(
        "unknown_child",
        {
            "header": HEADER + "1,F,01/01/2010,WBRI,UN4\n2,F,01/01/2010,WBRI,UN4\n",
            "episodes": EPISODES
            + "1,01/05/2024,S,C2,N1,U6,,,,\n9,01/05/2024,S,C2,N1,U6,,,,\n2,01/05/2024,S,C2,N1,U6,,,,\n",
            "oc2": OC2 + "9,01/01/2010,4,,0\n1,01/01/2010,4,,0\n",
        },
        {"episodes": {"unknown_child": (3,)}, "oc2": {"unknown_child": (2,)}},
    ),
    Case(
        "orphan_row",
        {
            "2025_spring_roll": ROLL + "a,B801200005001,2010-Jan-01,F,C,10,N\n",
            "2025_spring_fsm": FSM + "a,2025-Feb-16,\nz,2025-Feb-16,\n",
            "2025_spring_sen": SEN + "z,1,ASD\na,1,ASD\n",
            "2025_spring_exclusions": EXCLUSIONS + "a,2025-Jan-20,2,SUSP\nz,2025-Jan-20,2,SUSP\n",
            "2025_spring_sessions": SESSIONS + "a,2,I\nz,2,I\n",
            "2025_summer_sessions": SESSIONS + "z,2,I\n",
        },
        {
            "2025_spring_fsm": {"orphan_row": (3,)},
            "2025_spring_sen": {"orphan_row": (2,)},
            "2025_spring_exclusions": {"orphan_row": (3,)},
            "2025_spring_sessions": {"orphan_row": (3,)},
        },
    ),
    Case(
        "orphan_off_roll",
        {
            "2025_spring_left": LEFT + "a,B801200005001,2025-Jan-10\n",
            "2025_spring_roll": ROLL + "z,Q801200005002,2010-Jan-01,F,C,10,N\n",
            "2025_spring_exclusions": OFF_ROLL
            + "startdate,sessions,category\na,2025-Jan-09,2,SUSP\nz,2025-Jan-09,2,SUSP\n",
            "2025_spring_sessions": OFF_ROLL + "sessions,attendancereason\nz,2,I\na,2,I\n",
            "2024_autumn_sessions": OFF_ROLL
            + "summerhalfterm2sessiondetailsoffrolltableid,sessions,attendancereason\nz,h1,2,I\n",
        },
        {"2025_spring_exclusions": {"orphan_off_roll": (3,)}, "2025_spring_sessions": {"orphan_off_roll": (2,)}},
    ),
    Case(
        "before_birth",
        {
            "header": HEADER + "1,F,01/05/2024,WBRI,UN4\n2,F,02/05/2024,WBRI,UN4\n",
            "episodes": EPISODES + "1,01/05/2024,S,C2,N1,U6,,,,\n2,01/05/2024,S,C2,N1,U6,,,,\n",
        },
        {"episodes": {"before_birth": (3,)}},
    ),
    Case(
        "no_care_record",
        {
            "header": HEADER + "1,F,01/01/2010,WBRI,UN4\n2,F,01/01/2005,WBRI,UN4\n3,F,01/01/2010,WBRI,UN4\n",
            "episodes": EPISODES + "1,01/05/2024,S,C2,N1,U6,,,,\n",
            "oc3": "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM\n2,01/01/2005,YES,F1,U1\n",
        },
        {"header": {"no_care_record": (4,)}},
    ),
    Case(
        "unknown_postcode",
        {
            "episodes": EPISODES
            + "1,01/05/2024,S,C2,N1,U6,,,ZZ99 9ZZ,IG11 0AB\n2,01/05/2024,S,C2,N1,U6,,,,ZZ99 9ZZ\n"
            + "3,01/05/2024,S,C2,N1,U6,,,,\n"
        },
        {"episodes": {"unknown_postcode": (3,)}},
    ),
)


def test_every_rule_has_a_planted_case_of_its_own() -> None:
    """An unreadable file cannot be planted: a test that runs as root can read everything."""
    assert {case.rule for case in CASES} | {"unreadable_file"} == set(load_rules())
    assert len({case.rule for case in CASES}) == len(CASES)


def test_a_file_that_cannot_be_opened_is_reported_and_stops_nothing(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refuse(path: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if path.name == "oc3.csv" and mode == "rb":
            raise PermissionError(13, "Permission denied")
        return opened(path, mode, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    reports = judge(oc2=OC2 + "1,01/01/2010,4,,0\n", oc3="CHILD,DOB,IN_TOUCH,ACTIV,ACCOM\n")
    assert dict(reports["oc3"].rules) == {"unreadable_file": 0}
    assert reports["oc2"].rows_loaded == 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_a_rule_finds_the_rows_that_break_it_and_no_others(case: Case, judge: Judge) -> None:
    assert case.rule in {rule for rules in case.found.values() for rule in rules}
    reports = judge(**case.files)
    assert {name: dict(report.locators) for name, report in reports.items() if report.rules} == case.found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.rule)
def test_a_row_is_loaded_unless_it_breaks_a_rejecting_rule(case: Case, judge: Judge) -> None:
    for name, report in judge(**case.files).items():
        rejecting = {rule for rule in report.rules if load_rules()[rule].severity == "rejected"}
        expected = {row for rule in rejecting for row in case.found[name][rule]}
        assert report.rows_reported == len(expected)
        assert report.rows_in == report.rows_loaded + report.rows_reported


def test_every_rule_says_in_plain_words_what_is_wrong() -> None:
    for rule in load_rules().values():
        assert rule.text.endswith("."), rule.name
        assert rule.stage in STAGES
        assert bool(rule.where) == (rule.stage not in ("file", "record"))


def test_a_report_locates_the_first_twenty_rows_of_a_rule(judge: Judge) -> None:
    report = judge(oc2=OC2 + "".join(f"{child},01/01/2010,99,,0\n" for child in range(50)))["oc2"]
    assert report.rules == {"out_of_bounds": 50}
    assert report.locators == {"out_of_bounds": tuple(range(2, 22))}


def test_a_child_whose_header_row_is_rejected_is_unknown(judge: Judge) -> None:
    reports = judge(
        header="CHILD,SEX,DOB,ETHNIC,UPN\n1,F,01/01/2010,WBRI,UN4,x\n2,F,01/01/2010,WBRI,UN4\n",
        oc2=OC2 + "1,01/01/2010,4,,0\n2,01/01/2010,4,,0\n",
    )
    assert reports["header"].locators == {"ragged_row": (2,)}
    assert reports["oc2"].locators == {"unknown_child": (2,)}


def test_the_first_of_two_equal_keys_is_the_first_good_one(judge: Judge) -> None:
    """A row that was rejected for itself does not stand in the way of a good one."""
    reports = judge(
        ad1="CHILD,DOB,DATE_INT,DATE_MATCH\n1,01/01/2020\n1,01/01/2020,01/05/2024,\n1,01/01/2020,,\n",
    )
    assert reports["ad1"].rows_loaded == 1
    assert reports["ad1"].locators == {"ragged_row": (2,), "repeated_key": (4,)}


def test_an_episode_told_twice_neither_overlaps_with_itself_nor_follows_itself(judge: Judge) -> None:
    """As where the XML and the CSV of one return are loaded together: the second telling is not the next episode."""
    told = "1,01/05/2024,S,C2,N1,U6,02/06/2024,E4A,,\n2,01/05/2024,S,C2,N1,U6,02/06/2024,X1,,\n"
    reports = judge(episodes=EPISODES + told + told)
    assert reports["episodes"].locators == {"duplicate_row": (4, 5), "missing_next_episode": (3,)}


def test_rows_that_do_not_add_up_stop_the_load(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three counts of a report are made apart; here a reader miscounts."""
    monkeypatch.setattr("node.ingest.reader._read_fast", lambda *_: True)
    with pytest.raises(RowsLost, match="1 rows came in, 0 were loaded, 0 reported"):
        judge(oc2=OC2 + "1,01/01/2010,4,,0\n")


def test_no_locator_or_text_of_a_report_holds_a_value(judge: Judge, tmp_path: Path) -> None:
    reports = judge(header=HEADER + "SECRET1,X,SECRET2,SECRET3,SECRET4\n")
    assert "SECRET" not in str(reports)
