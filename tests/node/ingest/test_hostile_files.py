"""Files that no reader should have to read: every row is still loaded or reported, and nothing crashes."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.ingest import reader
from node.ingest.formats import load_formats
from node.ingest.survey import survey_file
from tests.node.ingest.conftest import Judge
from tests.node.ingest.small_returns import judge_files

HEAD = b"CHILD,DOB,SDQ_SCORE,SDQ_REASON\n"
GOOD = b"1,01/01/2010,4,\n"

HOSTILE: Mapping[str, tuple[bytes, int, Mapping[str, tuple[int, ...]]]] = {
    "header alone": (HEAD, 0, {}),
    "header without a line end": (HEAD.rstrip(), 0, {}),
    "last line without an end": (HEAD + GOOD.rstrip(), 1, {}),
    "byte order mark": (b"\xef\xbb\xbf" + HEAD + GOOD, 1, {}),
    "byte order mark and quoted header": (b'\xef\xbb\xbf"CHILD","DOB","SDQ_SCORE","SDQ_REASON"\n' + GOOD, 1, {}),
    "Windows line ends": ((HEAD + GOOD).replace(b"\n", b"\r\n"), 1, {}),
    "old Macintosh line ends": ((HEAD + GOOD).replace(b"\n", b"\r"), 1, {}),
    "Windows-1252 name": (HEAD + b"Zo\xeb,01/01/2010,4,\n", 1, {}),
    "a byte that Windows-1252 lacks": (HEAD + b"Zo\x81,01/01/2010,4,\n", 1, {}),
    "two encodings of one row": (
        HEAD + b"Zo\xeb,01/01/2010,4,\nZo\xc3\xab,01/01/2010,4,\n",
        2,
        {"duplicate_row": (3,)},
    ),
    "headers in other cases and order": (b"sdq_reason,Dob,extra,CHILD,Sdq_Score\n,01/01/2010,?,1,4\n", 1, {}),
    "quoted line end": (HEAD + b'"a\nb",01/01/2010,4,\n' + GOOD, 2, {}),
    "quoted comma and doubled quote": (HEAD + b'"a,""b""",01/01/2010,4,\n', 1, {}),
    "blank fields past the last column": (HEAD + b"1,01/01/2010,4,,,\n", 1, {}),
    "quote never closed": (HEAD + b'"2,01/01/2010,4,\n' + GOOD * 1, 2, {"bad_quoting": (2,)}),
    "quote never closed among quoted fields": (
        HEAD + b'"2,01/01/2010,4,\n"1","01/01/2010",4,\n',
        2,
        {"bad_quoting": (2,)},
    ),
    "quote at the very end": (HEAD + GOOD + b'"', 2, {"bad_quoting": (3,)}),
    "two stray quotes far apart": (
        HEAD + b'"2,01/01/2010,4,\n' + b"".join(b"%d,01/01/2010,4,\n" % child for child in range(10, 310)) + b'3",,,\n',
        302,
        {"bad_quoting": (2,)},
    ),
    "NUL in one row": (HEAD + GOOD + b"2,01/01/2010,\x00,\n", 2, {"bad_characters": (3,)}),
    "blank lines": (HEAD + b"\n" + GOOD + b"  \n\n", 4, {"blank_row": (2, 4, 5)}),
    "nothing but commas": (HEAD + b",,,\n" + GOOD, 2, {"missing_key": (2,)}),
    "short and long rows": (HEAD + b"1\n1,2,3,4,5\n" + GOOD, 3, {"ragged_row": (2, 3)}),
    "semicolons": (HEAD + b"1;01/01/2010;4;\n" + GOOD, 2, {"ragged_row": (2,)}),
    "a field of two million characters": (
        HEAD + b"9" * 2_000_000 + b",01/01/2010,4,\n" + GOOD,
        2,
        {"oversized_row": (2,)},
    ),
    "a quoted field over a thousand lines": (
        HEAD + b'"' + b"9\n" * 1_000 + b'9",01/01/2010,4,\n',
        1_001,
        {"bad_quoting": (2,), "ragged_row": tuple(range(3, 23))},
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_read_as_far_as_it_can_be(name: str, judge: Judge) -> None:
    content, rows, rules = HOSTILE[name]
    report = judge(oc2=content)["oc2"]
    assert report.table == "OC2"
    assert report.rows_in == rows == report.rows_loaded + report.rows_reported
    assert dict(report.locators) == rules


UNRECOGNISED: Mapping[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 0, "empty_file"),
    "nothing but blanks": (b" \r\n\n", 0, "empty_file"),
    "a byte order mark alone": (b"\xef\xbb\xbf", 0, "unrecognised_file"),
    "one word": (b"hello", 0, "unrecognised_file"),
    "a spreadsheet": (b"PK\x03\x04\x14\x00\x06\x00\nabc\n\x00\x01", 2, "binary_file"),
    "UTF-16": ("CHILD,DOB,SDQ_SCORE,SDQ_REASON\n1,2,3,4\n".encode("utf-16"), 2, "binary_file"),
    "a header of one huge field": (b"x" * 3_000_000, 0, "unrecognised_file"),
    "a header with an open quote": (b'CHILD,"DOB,SDQ_SCORE,SDQ_REASON\n1,2,3,4\n', 1, "unrecognised_file"),
    "a page": (b"<html>\n<p>CHILD,DOB,SDQ_SCORE,SDQ_REASON</p>\n</html>\n", 2, "unrecognised_file"),
    "another table": (b"a,b,c\n1,2,3\n4,5,6\n", 2, "unrecognised_file"),
}


@pytest.mark.parametrize("name", UNRECOGNISED)
def test_a_file_that_is_no_table_is_reported_whole(name: str, judge: Judge) -> None:
    content, rows, rule = UNRECOGNISED[name]
    report = judge(oc2=content)["oc2"]
    assert (report.table, report.rows_loaded) == (None, 0)
    assert dict(report.rules) == {rule: rows}
    assert report.rows_in == report.rows_reported == rows


def test_a_file_name_is_never_taken_for_a_pattern(judge: Judge) -> None:
    """DuckDB reads `oc[23]*.csv` as a pattern; here it is a name."""
    reports = judge(**{"oc[23]*": HEAD + GOOD, "oc2": HEAD + b"7,01/01/2010,4,\n8,01/01/2010,4,\n", "it's": HEAD})
    assert {name: report.rows_in for name, report in reports.items()} == {"oc[23]*": 1, "oc2": 2, "it's": 0}


_LINES = st.lists(
    st.text(alphabet=st.sampled_from('ab1,",\n\r\t \x00é/;'), max_size=12)
    | st.sampled_from(["1,01/01/2010,4,", '"1","01/01/2010",4,""', '"a\nb",,,', ",,,", ""]),
    max_size=8,
)


@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=_LINES, encoding=st.sampled_from(["utf-8", "cp1252"]))
def test_whatever_follows_the_header_every_row_is_loaded_or_reported(
    lines: list[str], encoding: str, judge: Judge
) -> None:
    report = judge(oc2=HEAD + "\n".join(lines).encode(encoding))["oc2"]
    assert report.table == "OC2"
    assert report.rows_in == report.rows_loaded + report.rows_reported


_CELL = st.text(alphabet=st.sampled_from('aé,"\n 1'), max_size=4)
_TABLE = st.lists(st.tuples(_CELL, _CELL, _CELL, _CELL), max_size=6)


def _written(table: list[tuple[str, ...]], quoting: int) -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=quoting, lineterminator="\n").writerows(table)  # type: ignore[arg-type]
    return stream.getvalue()


@settings(max_examples=50, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=_TABLE, quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_the_survey_counts_the_records_that_a_csv_reader_finds(
    table: list[tuple[str, ...]], quoting: int, tmp_path: Path
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(HEAD + _written(table, quoting).encode())
    with path.open(encoding="utf-8", newline="") as stream:
        assert survey_file(path).rows == len(list(csv.reader(stream))) - 1


@settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=_TABLE, quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_the_fast_and_the_careful_reader_find_the_same(
    table: list[tuple[str, ...]], quoting: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    rows = [(str(number), *cells) for number, cells in enumerate(table)]
    path.write_bytes(b"CHILD,DOB,SDQ_SCORE,SDQ_REASON,X\n" + _written(rows, quoting).encode())
    fast = judge_files([path])
    with monkeypatch.context() as patch:
        patch.setattr(reader, "_read_fast", lambda *_: False)
        assert judge_files([path]) == fast


def test_a_regular_file_takes_the_fast_reader(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise AssertionError("the careful reader was called")

    monkeypatch.setattr(reader, "_read_carefully", refuse)
    assert judge(oc2=HEAD + b'"1, 2",01/01/2010,"4",\r\n' + GOOD)["oc2"].rows_loaded == 2


def test_numbers_stay_with_their_rows_in_a_large_file(judge: Judge) -> None:
    """More rows than the reader takes at once, so that its threads could mix them."""
    rows = [f"{child},01/01/2010,{'x' if child % 50_000 == 7 else 4},\n" for child in range(300_000)]
    report = judge(oc2=HEAD + "".join(rows).encode())["oc2"]
    assert report.locators == {"bad_number": (9, 50_009, 100_009, 150_009, 200_009, 250_009)}
    assert report.rows_loaded == 300_000


def test_every_table_is_recognised_by_its_own_header_alone(judge: Judge) -> None:
    for name, table in load_formats().items():
        names = {column.field for column in table.columns} | table.identified_by
        header = ",".join([*sorted(names), "another"]) + "\n"
        (report,) = judge(**{"2025_spring": header}).values()
        assert report.table == name
