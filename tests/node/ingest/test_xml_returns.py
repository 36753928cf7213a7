"""XML: a return gives the record that its CSV files give, and nothing but elements and text is read of any XML."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.ingest import xml_files
from node.ingest.formats import load_formats
from node.ingest.load import load_files
from node.snapshots import SnapshotStore
from tests.node.ingest.conftest import Judge
from tests.node.ingest.small_returns import TOKEN_KEY, clock, judge_files, query
from tests.node.ingest.test_archives import pack

TABLES = {
    "header": """CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB
a,1,02/03/2009,WBRI,B801200005001,,
b,2,04/05/2008,MWBC,UN4,1,06/07/2024
c,F,08/09/2005,AIND,,,
""",
    "episodes": """CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,URN
a,01/05/2024,S,C2,N1,U6,PR1,01/06/2024,X1,CARPL,IG11 0AB,SW1A 1AA,SC012345
a,01/06/2024,P,C2,N1,K2,PR4,,,,IG11 0AB,SW1A 1AA,
b,01/02/2020,S,V2,N4,U4,PR1,01/03/2020,E4A,,,,
""",
    "reviews": "CHILD,DOB,REVIEW,REVIEW_CODE\na,02/03/2009,01/07/2024,PN1\na,02/03/2009,01/12/2024,PN3\n",
    "uasc": "CHILD,SEX,DOB,DUC\nb,2,04/05/2008,01/01/2026\n",
    "oc2": (
        "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,HEALTH_ASSESSMENT,"
        "SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED\n"
        "a,02/03/2009,17,,0,1,1,1,1,0,,\nb,04/05/2008,,SDQ2,1,,0,,,,,\n"
    ),
    "oc3": "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM\nc,08/09/2005,YES,F2,U1\n",
    "ad1": (
        "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR\n"
        "a,02/03/2009,01/06/2024,01/07/2024,0,2,MF,L11\n"
    ),
    "placed": "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED\na,02/03/2009,01/08/2024,,\n",
    "permanence": "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\na,02/03/2009,P1,301,zz/zz/2012\nb,04/05/2008,Z1,,\n",
    "missing": "CHILD,DOB,MISSING,MIS_START,MIS_END\nb,04/05/2008,M,01/02/2025,03/02/2025\n",
}

RETURN = """<?xml version="1.0" encoding="utf-8"?>
<EXPSSDA903>
  <CHILD>
    <HEADER>
      <CHILDID>a</CHILDID><UPN>B801200005001</UPN><SEX>1</SEX><DOB>02/03/2009</DOB><ETHNIC>WBRI</ETHNIC>
      <UASC>0</UASC><DUC/>
      <DATE_INT>01/06/2024</DATE_INT><DATE_MATCH>01/07/2024</DATE_MATCH><FOSTER_CARE>0</FOSTER_CARE>
      <NB_ADOPTR>2</NB_ADOPTR><SEX_ADOPTR>MF</SEX_ADOPTR><LS_ADOPTR>L11</LS_ADOPTR>
      <IN_TOUCH/><ACTIV/><ACCOM/>
      <AREVIEW><REVIEW>01/07/2024</REVIEW><REVIEW_CODE>PN1</REVIEW_CODE></AREVIEW>
      <AREVIEW><REVIEW>01/12/2024</REVIEW><REVIEW_CODE>PN3</REVIEW_CODE></AREVIEW>
      <MOTHER/><MC_DOB/>
      <PERMANENCE><PREV_PERM>P1</PREV_PERM><LA_PERM>301</LA_PERM><DATE_PERM>zz/zz/2012</DATE_PERM></PERMANENCE>
      <OC2><SDQ_SCORE>17</SDQ_SCORE><SDQ_REASON/><CONVICTED>0</CONVICTED><HEALTH_CHECK>1</HEALTH_CHECK>
        <IMMUNISATIONS>1</IMMUNISATIONS><TEETH_CHECK>1</TEETH_CHECK><HEALTH_ASSESSMENT>1</HEALTH_ASSESSMENT>
        <SUBSTANCE_MISUSE>0</SUBSTANCE_MISUSE></OC2>
      <AD_PLACED><DATE_PLACED>01/08/2024</DATE_PLACED><DATE_PLACED_CEASED/></AD_PLACED>
    </HEADER>
    <EPISODE><DECOM>01/05/2024</DECOM><RNE>S</RNE><LS>C2</LS><CIN>N1</CIN><PL>U6</PL><PL_POST>SW1A 1AA</PL_POST>
      <HOME_POST>IG11 0AB</HOME_POST><URN>SC012345</URN><PLACE_PROVIDER>PR1</PLACE_PROVIDER><DEC>01/06/2024</DEC>
      <REC>X1</REC><REASON_PLACE_CHANGE>CARPL</REASON_PLACE_CHANGE></EPISODE>
    <EPISODE><DECOM>01/06/2024</DECOM><RNE>P</RNE><LS>C2</LS><CIN>N1</CIN><PL>K2</PL><PL_POST>SW1A 1AA</PL_POST>
      <HOME_POST>IG11 0AB</HOME_POST><PLACE_PROVIDER>PR4</PLACE_PROVIDER></EPISODE>
  </CHILD>
  <CHILD>
    <HEADER>
      <CHILDID>b</CHILDID><UPN>UN4</UPN><SEX>2</SEX><DOB>04/05/2008</DOB><ETHNIC>MWBC</ETHNIC>
      <UASC>1</UASC><DUC>01/01/2026</DUC>
      <AMISSING><MISSING>M</MISSING><MIS_START>01/02/2025</MIS_START><MIS_END>03/02/2025</MIS_END></AMISSING>
      <MOTHER>1</MOTHER><MC_DOB>06/07/2024</MC_DOB>
      <PERMANENCE><PREV_PERM>Z1</PREV_PERM></PERMANENCE>
      <OC2><SDQ_REASON>SDQ2</SDQ_REASON><CONVICTED>1</CONVICTED><IMMUNISATIONS>0</IMMUNISATIONS></OC2>
    </HEADER>
    <EPISODE><DECOM>01/02/2020</DECOM><RNE>S</RNE><LS>V2</LS><CIN>N4</CIN><PL>U4</PL><PLACE_PROVIDER>PR1</PLACE_PROVIDER>
      <DEC>01/03/2020</DEC><REC>E4A</REC></EPISODE>
  </CHILD>
  <CHILD>
    <HEADER>
      <CHILDID>c</CHILDID><UPN/><SEX>F</SEX><DOB>
        08/09/2005
      </DOB><ETHNIC>AIND</ETHNIC><UASC>0</UASC>
      <IN_TOUCH>YES</IN_TOUCH><ACTIV>F2</ACTIV><ACCOM>U1</ACCOM>
    </HEADER>
  </CHILD>
</EXPSSDA903>
"""


def _staged(root: Path, path: Path) -> dict[str, list[tuple[object, ...]]]:
    store = SnapshotStore(root)
    load_files([path], store=store, authority="301", token_key=TOKEN_KEY, clock=clock)
    snapshot = store.current()
    assert snapshot is not None
    staged = {
        each.stem: sorted(query(f"FROM '{each}'"), key=repr) for each in sorted(snapshot.staged.glob("*.parquet"))
    }
    governed = {name: query(f"FROM '{each}'") for name, each in snapshot.tables.items()}
    return staged | governed


def test_a_return_in_xml_gives_what_the_same_return_gives_in_csv(tmp_path: Path) -> None:
    (tmp_path / "csv").mkdir()
    (tmp_path / "xml").mkdir()
    for name, text in TABLES.items():
        (tmp_path / "csv" / f"{name}.csv").write_text(text)
    (tmp_path / "xml" / "return.xml").write_text(RETURN)
    from_csv = _staged(tmp_path / "a", tmp_path / "csv")
    from_xml = _staged(tmp_path / "b", tmp_path / "xml")
    assert set(from_xml) == set(from_csv)
    assert "episodes-202425" in from_xml
    assert from_xml == from_csv


def test_a_return_that_is_there_in_csv_and_in_xml_is_loaded_once(tmp_path: Path) -> None:
    """A directory may well hold both; no episode may count twice."""
    for name, text in TABLES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    (tmp_path / "whole.xml").write_text(RETURN)
    found = judge_files([tmp_path])
    assert sum(each.rows_loaded for each in found) == sum(text.count("\n") - 1 for text in TABLES.values())
    assert all(dict(each.rules).get("duplicate_row") == each.rows_in for each in found if each.path.endswith("xml"))


def test_every_table_of_an_xml_return_is_reported_by_itself_with_its_elements(judge: Judge) -> None:
    reports = judge(**{"return.xml": RETURN})
    rows = {report.table: report.rows_in for report in reports.values()}
    assert rows == {
        "Header": 3, "Episodes": 3, "Reviews": 2, "UASC": 1, "OC2": 2, "OC3": 1, "AD1": 1, "PlacedAdoption": 1,
        "PrevPerm": 2, "Missing": 1,
    }  # fmt: skip
    assert all(report.member is None and report.rows_in == report.rows_loaded for report in reports.values())


def test_a_record_with_nothing_in_it_is_one_all_the_same(judge: Judge) -> None:
    """As a row of commas is in the CSV of the return."""
    reports = judge(
        **{
            "return.xml": RETURN.replace("</HEADER>", "<OC2></OC2></HEADER>", 1).replace(
                "<EPISODE>", "<EPISODE/><EPISODE>", 1
            )
        }
    )
    assert reports["return OC2"].rows_in == 3
    assert reports["return Episodes"].rules["missing_key"] == 1


def test_two_returns_in_xml_beside_each_other_keep_their_years(tmp_path: Path) -> None:
    for year in (2023, 2024):
        text = RETURN.replace("2024<", f"{year}<").replace("2025<", f"{year}<")
        (tmp_path / f"{year}.xml").write_text(text)
    found = {(Path(each.path).stem, each.period) for each in judge_files([tmp_path], year=None)}
    assert found == {("2023", "202223"), ("2024", "202425")} or found == {("2023", "202324"), ("2024", "202425")}


def test_an_xml_return_in_an_archive_has_its_member_s_name(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(pack({"in/return.xml": RETURN.encode()}))
    assert {each.member for each in judge_files([tmp_path])} == {"in/return.xml"}


def test_social_workers_and_new_tables_are_told_by_their_fields(judge: Judge) -> None:
    text = RETURN.replace(
        "</HEADER>",
        "<SWEPISODE><SW_ID>SW1</SW_ID><SW_DECOM>01/05/2024</SW_DECOM></SWEPISODE>"
        "<X><DOLO_START>01/05/2024</DOLO_START></X></HEADER>",
    )
    reports = judge(**{"return.xml": text})
    assert reports["return SWEpisodes"].rows_loaded == 3
    assert dict(reports["return DoLo"].rules) == {"untimely_table": 3}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_an_xml_file_says_its_encoding(encoding: str, judge: Judge) -> None:
    text = RETURN.replace("utf-8", encoding).replace("<CHILDID>a<", "<CHILDID>Zoë<")
    assert judge(**{"return.xml": text.encode(encoding)})["return Header"].rows_loaded == 3


def test_a_namespace_changes_nothing(judge: Judge) -> None:
    text = RETURN.replace("<EXPSSDA903>", '<EXPSSDA903 xmlns="urn:x">')
    assert judge(**{"return.xml": text})["return Episodes"].rows_in == 3


BOMB = """<!DOCTYPE EXPSSDA903 [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<EXPSSDA903><CHILD><HEADER><CHILDID>&b;</CHILDID></HEADER></CHILD></EXPSSDA903>"""
OUTSIDE = """<!DOCTYPE EXPSSDA903 [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<EXPSSDA903><CHILD><HEADER><CHILDID>&a;</CHILDID></HEADER></CHILD></EXPSSDA903>"""
DTD = '<!DOCTYPE EXPSSDA903 SYSTEM "http://127.0.0.1:1/x.dtd">\n' + RETURN.partition("?>")[2]
DEEP = RETURN.replace("<EPISODE>", "<EPISODE>" + "<x>" * 100_000, 1)
LONG = RETURN.replace("<CHILDID>a", "<CHILDID>" + "a" * 100_000)
HUGE_NAME = RETURN.replace("<CHILDID>a", "<" + "x" * 3_000_000)
MANY = RETURN.replace("<HEADER>", "<HEADER>" + "<x><y>1</y></x>" * 40_000, 1)
HOSTILE: Mapping[str, tuple[str | bytes, str]] = {
    "entities that multiply": (BOMB, "unsafe_xml"),
    "an entity of the machine": (OUTSIDE, "unsafe_xml"),
    "a document type elsewhere": (DTD, "unsafe_xml"),
    "nested without end": (DEEP, "unsafe_xml"),
    "a text without end": (LONG, "unsafe_xml"),
    "a name without end": (HUGE_NAME, "unsafe_xml"),
    "a child without end": (MANY, "unsafe_xml"),
    "cut short": (RETURN[: len(RETURN) // 2], "broken_xml"),
    "an entity that nobody declared": (RETURN.replace("WBRI", "&x;"), "broken_xml"),
    "an encoding that nobody knows": (RETURN.replace("utf-8", "x-nothing"), "broken_xml"),
    "bytes of another encoding": (RETURN.encode().replace(b"WBRI", b"\xff\xfe"), "broken_xml"),
    "a root alone": ("<EXPSSDA903/>", "empty_file"),
    "another root": ("<html>\n<p>x</p></html>\n", "unrecognised_file"),
    "another document type": ('<!DOCTYPE html SYSTEM "http://127.0.0.1:1/x.dtd"><html/>', "unrecognised_file"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_xml_file_is_reported_whole_and_stops_nothing(name: str, judge: Judge) -> None:
    text, rule = HOSTILE[name]
    reports = judge(**{"return.xml": text, "oc2": TABLES["oc2"]})
    assert set(reports["return"].rules) == {rule}
    assert (reports["return"].table, reports["return"].rows_loaded) == (None, 0)
    assert reports["return"].rows_in == reports["return"].rows_reported
    assert reports["oc2"].rows_loaded == 2


def test_elements_of_no_table_are_counted(judge: Judge) -> None:
    reports = judge(**{"return.xml": RETURN.replace("<EPISODE>", "<PET><NAME>x</NAME></PET><EPISODE>")})
    assert dict(reports["return None"].rules) == {"unknown_element": 3}
    assert reports["return Episodes"].rows_loaded == 3


@settings(max_examples=30, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(RETURN)), garbage=st.sampled_from(["", "<", "&", "</CHILD>", "<CHILD>", "\x00", "]]>"]))
def test_a_return_garbled_anywhere_is_loaded_or_reported(place: int, garbage: str, judge: Judge) -> None:
    for report in judge(**{"return.xml": RETURN[:place] + garbage + RETURN[place + 3 :]}).values():
        assert report.rows_in == report.rows_loaded + report.rows_reported


CTF = """<?xml version="1.0" encoding="utf-8"?>
<CTfile>
  <Header><DocumentName>Common Transfer File</DocumentName><CTFversion>25.0</CTFversion>
    <SourceSchool><LEA>301</LEA><Estab>2000</Estab></SourceSchool></Header>
  <CTFpupilData>
    <Pupil><UPN>B801200005001</UPN><Surname>Ash</Surname><DOB>2014-01-02</DOB><Sex>F</Sex>
      <StageAssessments>
        <KeyStage><Stage>KS2</Stage>
          <StageAssessment><Locale>ENG</Locale><Year>2024</Year><Subject>REA</Subject><Method>TT</Method>
            <Component>TST</Component><ResultStatus>R</ResultStatus><ResultQualifier>SS</ResultQualifier>
            <Result>104</Result></StageAssessment>
          <StageAssessment><Locale>ENG</Locale><Year>2024</Year><Subject>WRI</Subject><Method>TA</Method>
            <Component>SUB</Component><ResultStatus>R</ResultStatus><ResultQualifier>NL</ResultQualifier>
            <Result>EXS</Result></StageAssessment>
        </KeyStage>
        <KeyStage><Stage>KS1</Stage>
          <StageAssessment><Year>2020</Year><Subject>REA</Subject><Method>TA</Method><Component>SUB</Component>
            <ResultQualifier>NL</ResultQualifier><Result>WTS</Result></StageAssessment>
        </KeyStage>
      </StageAssessments>
    </Pupil>
    <Pupil><UPN/><Surname>Elm</Surname><StageAssessments>
        <KeyStage><Stage>KS1</Stage><StageAssessment><Year>2020</Year><Subject>REA</Subject></StageAssessment></KeyStage>
    </StageAssessments></Pupil>
    <Pupil><UPN>UN1</UPN><StageAssessments/></Pupil>
  </CTFpupilData>
</CTfile>
"""


def test_a_transfer_file_gives_one_row_for_each_assessment(tmp_path: Path) -> None:
    (tmp_path / "301_CTF.xml").write_text(CTF)
    staged = _staged(tmp_path / "store", tmp_path / "301_CTF.xml")
    assert staged["ctf_results-202324"] == [
        ("B801200005001", "KS2", 202324, "REA", "TT", "TST", "R", "SS", "104"),
        ("B801200005001", "KS2", 202324, "WRI", "TA", "SUB", "R", "NL", "EXS"),
    ]
    assert staged["ctf_results-201920"] == [
        ("B801200005001", "KS1", 201920, "REA", "TA", "SUB", None, "NL", "WTS"),
    ]


def test_a_result_of_nobody_is_reported(judge: Judge) -> None:
    (report,) = judge(**{"301_CTF.xml": CTF}).values()
    assert (report.table, report.rows_in, dict(report.rules)) == ("ctf_results", 4, {"missing_key": 1})
    assert report.period == "201920, 202324"


def test_every_table_of_the_return_has_fields_of_its_own() -> None:
    """By them its elements are told; a table without any could not be in an XML return."""
    owners = set(xml_files._owners().values())
    assert owners == {table.name for table in load_formats().values() if table.family == "ssda903"}


def test_text_that_csv_must_quote_comes_through(judge: Judge) -> None:
    """The tables of an XML file are written as CSV on their way."""
    odd = 'a,"b"\'c\n d'
    reports = judge(**{"return.xml": RETURN.replace("<CHILDID>a<", f"<CHILDID>{escape(odd)}<")})
    assert reports["return Header"].rows_loaded == 3
    assert len(list(csv.reader(io.StringIO(TABLES["header"])))) == 4
