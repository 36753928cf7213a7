"""The dataset of plans: out as CSV or a spreadsheet, in again as it is, one clear line for each that is wrong."""

import csv
import io
import re
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.event import Action, AuditEvent
from audit.log import read_entries
from federation.cli import run
from federation.spreadsheet import write_spreadsheet
from node.service import Node, open_node
from node.setting_up import enter_person
from node.tracking import spreadsheet
from node.tracking.dataset import SHEETS, header_of
from node.tracking.facts import Plan, Support, Target
from node.tracking.spreadsheet import MOST_COLUMNS, SpreadsheetUnreadable, read_spreadsheet
from node.tracking.store import read_records
from node.vault import read_vault
from tests.small_federation import SmallFederation

TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=20)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["pep", "target", "a & b"]), st.lists(st.lists(TEXTS, max_size=30), max_size=5)))
def test_a_spreadsheet_is_read_as_it_was_written(sheets: dict[str, list[list[str]]]) -> None:
    written = write_spreadsheet(sheets)
    assert read_spreadsheet(written) == sheets
    assert write_spreadsheet(sheets)[-22:] == written[-22:]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_spreadsheet_or_refused(data: bytes) -> None:
    """By our own error alone, whose text quotes nothing."""
    for sent in (data, write_spreadsheet({"pep": [["term"]]})[:-30] + data):
        with suppress(SpreadsheetUnreadable):
            assert read_spreadsheet(sent) is not None


def repacked(**changed: str) -> bytes:
    """A spreadsheet as a program saves it, with parts of our own writing."""
    out = io.BytesIO()
    parts = {"sheet": '<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>term</t></is></c></row></sheetData>'}
    parts |= changed
    names = {"sheet": "xl/worksheets/sheet1.xml", "shared": "xl/sharedStrings.xml"}
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with (
        zipfile.ZipFile(io.BytesIO(write_spreadsheet({"pep": [["term"]]}))) as source,
        zipfile.ZipFile(out, "w") as target,
    ):
        for name in source.namelist():
            if name != names["sheet"]:
                target.writestr(name, source.read(name))
        for part, text in parts.items():
            root = "worksheet" if part == "sheet" else "sst"
            target.writestr(names[part], text if text.startswith("<!") else f'<{root} xmlns="{main}">{text}</{root}>')
    return out.getvalue()


def test_what_programs_save_is_read() -> None:
    """Shared strings in several runs, numbers, yes and no, and cells that were never filled."""
    sheet = (
        '<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1"><v>45736</v></c></row>'
        '<row r="2"><c r="B2"><v>12.0</v></c><c r="C2" t="b"><v>1</v></c></row></sheetData>'
    )
    shared = "<si><r><t>ter</t></r><r><t>m</t></r></si>"
    assert read_spreadsheet(repacked(sheet=sheet, shared=shared)) == {"pep": [["term", "", "45736"], ["", "12", "yes"]]}


def test_a_file_with_a_document_type_is_refused() -> None:
    bomb = '<!DOCTYPE a [<!ENTITY b "bbbb">]><worksheet>&b;</worksheet>'
    with pytest.raises(SpreadsheetUnreadable, match="no plain spreadsheet"):
        read_spreadsheet(repacked(sheet=bomb))


def test_a_cell_far_out_takes_no_memory_for_those_before_it() -> None:
    """A file of some kilobytes would fill the memory: each of its rows stands for 18,000 empty cells."""
    far = "".join('<row><c r="ZZZ1"><v>1</v></c></row>' for _ in range(3))
    with pytest.raises(SpreadsheetUnreadable, match="wider than 100 columns"):
        read_spreadsheet(repacked(sheet=f"<sheetData>{far}</sheetData>"))
    assert read_spreadsheet(write_spreadsheet({"pep": [["x"] * MOST_COLUMNS]})) == {"pep": [["x"] * MOST_COLUMNS]}


def test_a_file_is_read_up_to_a_number_of_elements_however_often_a_part_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A workbook may name one small sheet ten thousand times."""
    names = {f"sheet {number}": [["term"]] for number in range(40)}
    written = write_spreadsheet(names)
    assert len(read_spreadsheet(written)) == 40
    monkeypatch.setattr(spreadsheet, "MOST_ELEMENTS", 300)
    with pytest.raises(SpreadsheetUnreadable, match="far more in this"):
        read_spreadsheet(written)
    assert read_spreadsheet(write_spreadsheet({"pep": [["term"]]})) == {"pep": [["term"]]}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(written)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = source.read(name).decode()
            target.writestr(name, re.sub(r"sheet[0-9]+\.xml", "sheet1.xml", data) if name.endswith(".rels") else data)
    with pytest.raises(SpreadsheetUnreadable, match="far more in this"):
        read_spreadsheet(out.getvalue())


def test_parts_count_by_what_they_unpack_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_BYTES", 5000)
    with pytest.raises(SpreadsheetUnreadable, match="unpacks to more"):
        read_spreadsheet(write_spreadsheet({"pep": [["term " * 1000]]}))


class Office:
    """Somebody with files, at the command line of a node."""

    def __init__(self, state: Path, place: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.state, self.place, self._capture = state, place, capture
        rows = read_vault(
            {"children": self.node.store.current().identified["children"]},  # type: ignore[union-attr]
            "SELECT la_child_id, upn FROM children WHERE care_start IS NOT NULL AND care_end IS NULL "
            "AND upn IS NOT NULL AND academic_year = (SELECT max(academic_year) FROM children) "
            "ORDER BY la_child_id LIMIT 3",
        )
        self.children: list[tuple[str, str]] = [(number, upn) for number, upn in rows]

    @property
    def node(self) -> Node:
        return open_node(self.state)

    def write(self, kind: str, *lines: dict[str, str]) -> Path:
        path = self.place / f"{kind}.csv"
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, header_of(SHEETS[kind]))
            writer.writeheader()
            writer.writerows(lines)
        return path

    def run(self, command: str, *arguments: object, person: str = "vsh") -> tuple[int, str, str]:
        self._capture.readouterr()
        why = "--reason" if command == "import" else "--purpose"
        asked = ["node", "track", command, "--state", self.state, "--as", person, why, "Autumn plans", *arguments]
        code = run(list(map(str, asked)))
        return code, *self._capture.readouterr()

    def log(self, action: Action) -> list[AuditEvent]:
        return [entry.to_event() for entry in read_entries(self.node.database.connection, action=action)]


@pytest.fixture
def office(federation: SmallFederation, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Office:
    state = federation.directory / f"node-{federation.authorities[0]}"
    enter_person(state, "staff", "virtual_school_staff", "Staff")
    return Office(state, tmp_path, capsys)


@pytest.fixture
def files(office: Office) -> list[Path]:
    (first, upn), (second, _), _ = office.children
    return [
        office.write(
            "target",
            {"la_child_id": first, "term": "202526-summer", "subject": "english", "target": "5"},
            {"upn": upn, "term": "202526-summer", "subject": "mathematics", "target": "4", "expected": "3"},
        ),
        office.write("pep", {"la_child_id": second, "term": "202526-autumn", "meeting_date": "03/11/2025"}),
        office.write(
            "support",
            {"upn": upn, "kind": "tuition", "start_date": "2025-09-08", "target_subject": "english", "cost": "250.5"},
        ),
    ]


def test_what_is_imported_is_kept_and_logged_child_by_child(office: Office, files: list[Path]) -> None:
    assert office.run("import", *files) == (0, "4 lines read, 4 facts set down, 2 records changed\n", "")
    records = list(read_records(office.node.database.connection).values())
    assert sorted(len(record.entries) for record in records) == [1, 3]
    kept = [fact for record in records for kind in (Target, Plan, Support) for fact in record.all(kind)]
    assert len(kept) == 4
    assert sorted(event.details["facts"] for event in office.log(Action.TRACKING_UPDATED)) == [1, 3]
    assert {event.purpose for event in office.log(Action.TRACKING_UPDATED)} == {"Autumn plans"}


@pytest.mark.parametrize("name", ["plans", "plans.xlsx"])
def test_what_is_exported_can_be_imported_and_changes_nothing(office: Office, files: list[Path], name: str) -> None:
    office.run("import", *files)
    target = office.place / name
    code, out, err = office.run("export", target)
    assert (code, out) == (0, "")
    assert "4 facts written" in err
    written = sorted(target.glob("*.csv")) if target.is_dir() else [target]
    assert all(path.stat().st_mode & 0o077 == 0 for path in written)
    assert office.run("import", *written)[1] == "4 lines read, 0 facts set down, 0 records changed\n"
    assert sum(len(record.entries) for record in read_records(office.node.database.connection).values()) == 4


def test_one_wrong_line_stops_the_whole_import_and_each_is_told(office: Office, files: list[Path]) -> None:
    (first, _), _, _ = office.children
    wrong = office.write(
        "attainment",
        {"la_child_id": first, "term": "202425-summer", "subject": "english", "grade": "EXS"},
        {"la_child_id": first, "term": "summer", "subject": "english", "grade": "Aurelia"},
        {"la_child_id": "4711-Aurelia", "term": "202425-summer", "subject": "english", "grade": "EXS"},
        {"term": "202425-summer", "subject": "english", "grade": "EXS"},
    )
    code, out, err = office.run("import", *files, wrong)
    assert (code, out) == (3, "")
    assert err.splitlines() == [
        "attainment.csv, line 3, column term: Term cannot be read: write the academic year and the term, "
        "such as 202425-summer",
        "attainment.csv, line 3, column grade: Reached cannot be read: write one of: BLW, PKS, WTS, EXS, GDS, U, 1, 2, "
        "3, 4, 5, 6, 7, 8, 9",
        "attainment.csv, line 4, column la_child_id: this is no one child in care whose record you may read",
        "attainment.csv, line 5, column upn: give the pupil number or the authority's own number",
        "Error: 4 lines are wrong, so nothing was changed",
    ]
    assert "Aurelia" not in err
    assert read_records(office.node.database.connection) == {}
    assert office.log(Action.TRACKING_UPDATED) == []


def test_two_lines_about_the_same_are_not_guessed_between(office: Office) -> None:
    (first, _), _, _ = office.children
    line = {"la_child_id": first, "term": "202526-summer", "subject": "english"}
    path = office.write("target", {**line, "target": "5"}, {**line, "target": "6"})
    code, _, err = office.run("import", path)
    assert code == 3
    assert "target.csv, line 3: this tells of the same as line 2: keep one" in err
    assert read_records(office.node.database.connection) == {}


def test_a_file_that_is_no_sheet_is_told_so(office: Office) -> None:
    path = office.place / "other.csv"
    path.write_bytes(b"a,b\n1,2\n")
    assert "other.csv, line 1: the header is that of no sheet" in office.run("import", path)[2]
    path.write_bytes(b"\xff\xfe\x00")
    assert "no CSV file in UTF-8" in office.run("import", path)[2]


def test_staff_may_import_and_take_no_copy_out(office: Office, files: list[Path]) -> None:
    """As the packaged matrix has it: exports are the head's."""
    assert office.run("import", *files, person="staff")[0] == 0
    code, _, err = office.run("export", office.place / "copy", person="staff")
    assert code == 8
    assert "may not export" in err
    assert not (office.place / "copy").exists()
    assert office.run("import", *files, person="admin")[0] == 8


def test_a_record_and_the_caseload_are_printed(office: Office, files: list[Path]) -> None:
    office.run("import", *files)
    (first, _), _, _ = office.children
    code, out, _ = office.run("show", "--child", first)
    assert code == 0
    assert "Target: term summer 2025/26, subject english, target 5" in out
    assert "Autumn plans" in out
    assert office.run("show", "--child", "nobody")[0] == 2
    code, out, _ = office.run("list")
    assert code == 0
    assert first in out


def test_every_kind_but_conversations_has_a_sheet() -> None:
    assert len(SHEETS) == 10
    assert all(header_of(kind)[:2] == ("upn", "la_child_id") for kind in SHEETS.values())
