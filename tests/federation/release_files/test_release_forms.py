"""Releases as files of each form, read back by other programs' readers and held against the release document."""

import csv
import io
import json
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from disclosure_control.models.release import ReleasedModel
from disclosure_control.symbols import MEANINGS
from federation.cli import run
from federation.exchange import ReleaseDocument
from federation.release_files.forms import FORMS, gather_form, list_file_columns, show_release, write_form
from federation.release_files.provenance import cite_release
from federation.spreadsheet import write_spreadsheet
from federation.wire import decode_document
from node.tracking.spreadsheet import read_spreadsheet
from tests.disclosure_control.drawn_releases import draw_release
from tests.federation.test_query_fetch import Connected, draw_model, make_document

SQL = (
    "SELECT school_in_area, COUNT(*) AS n, AVG(attendance_rate) AS rate, COUNT(*) FILTER (WHERE uasc) AS n_symbol "
    "FROM child_year WHERE academic_year = 202425 GROUP BY school_in_area"
)
DRAWN = "40 0.915 15\n60 c c\n0 z 0"
COUNTS = "SELECT sex, COUNT(*) AS n FROM child_year WHERE sex IN ('M', 'F') GROUP BY sex HAVING n > 50 LIMIT 1"


@pytest.fixture(scope="module")
def document() -> ReleaseDocument:
    """A release of two authorities, one of which did not answer, with figures, symbols and a missing category."""
    table = draw_release(SQL, "ons_10_5", {"202": DRAWN}, {"301": "late"})
    return make_document(SQL, table)


def read_arrow(data: bytes) -> pa.Table:
    return pa.ipc.open_file(io.BytesIO(data)).read_all()


def released_rows(document: ReleaseDocument) -> list[list[Any]]:
    """The rows of the document itself."""
    rows: list[list[Any]] = document.table["rows"]
    return rows


def write(document: ReleaseDocument, form: Any, **options: bool) -> bytes:
    return write_form(document, show_release(document), form, **options)


def test_figures_and_symbols_are_in_columns_of_their_own(document: ReleaseDocument) -> None:
    """A name that the query has taken already is not taken twice."""
    columns = {each.name: each for each in list_file_columns(show_release(document))}
    assert list(columns) == [
        *("home_authority", "school_in_area", "n", "n_symbol_2", "rate", "rate_symbol", "n_symbol", "n_symbol_symbol")
    ]
    assert columns["school_in_area"].items[:3] == ("false", "true", "missing")
    assert columns["rate"].items[:3] == (Decimal("0.915"), None, None)
    assert columns["rate_symbol"].items == (None, "c", "z", "x", "x", "x")


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_typed_files_say_what_the_document_says(document: ReleaseDocument, form: str, tmp_path: Path) -> None:
    """By the symbols where there is one, by the exact number elsewhere; and the document is inside."""
    data = write(document, form)
    found = parquet.read_table(io.BytesIO(data)) if form == "parquet" else read_arrow(data)
    assert (found.schema.field("n").type, found.schema.field("rate").type) == (pa.int64(), pa.decimal128(38, 3))
    for row, released in zip(found.to_pylist(), released_rows(document), strict=True):
        told = (row["n_symbol_2"] or row["n"], row["rate_symbol"] or float(row["rate"]))
        assert told == (released[2], released[3])
        assert (row["n"] is None) == (row["n_symbol_2"] is not None)
    kept = decode_document(found.schema.metadata[b"circe.release"], ReleaseDocument)
    assert kept == document
    assert cite_release(document).encode() in found.schema.metadata[b"circe.provenance"]


def test_a_parquet_file_is_read_by_another_program(document: ReleaseDocument, tmp_path: Path) -> None:
    file = tmp_path / "release.parquet"
    file.write_bytes(write(document, "parquet"))
    connection = duckdb.connect()
    total = connection.execute("SELECT sum(n), count(*) FILTER (rate_symbol = 'c') FROM read_parquet(?)", [str(file)])
    assert total.fetchall() == [(100, 1)]
    connection.close()


def test_a_spreadsheet_has_numbers_symbols_and_where_they_come_from(document: ReleaseDocument) -> None:
    data = write(document, "xlsx")
    sheets = read_spreadsheet(data)
    assert list(sheets) == ["Data", "Symbols and notes", "Provenance"]
    assert sheets["Data"][:3] == [
        ["home_authority", "school_in_area", "n", "rate", "n_symbol"],
        ["202", "false", "40", "0.915", "15"],
        ["202", "true", "60", "[c]", "[c]"],
    ]
    assert {tuple(row) for row in sheets["Symbols and notes"]} >= {
        (f"[{s.value}]", text) for s, text in MEANINGS.items()
    }
    assert ["Cite as", cite_release(document)] in sheets["Provenance"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert '<c r="D2" s="5"><v>0.915</v></c>' in sheet
    assert data == write(document, "xlsx")


@pytest.mark.parametrize("purpose", ['=HYPERLINK("http://x.example","y")', "+1+1", "@SUM(A1)", "-2+3 | cmd"])
def test_nothing_in_a_spreadsheet_is_a_formula(document: ReleaseDocument, purpose: str) -> None:
    """What the asker wrote is a text, whatever it looks like."""
    spiked = msgspec.structs.replace(document, purpose=purpose)
    data = write(spiked, "xlsx")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [archive.read(name).decode() for name in archive.namelist()]
    assert not any("<f>" in part or "<f " in part for part in parts)
    assert ["Purpose", purpose] in read_spreadsheet(data)["Provenance"]


def test_figures_keep_their_decimal_places_in_a_spreadsheet() -> None:
    """Each has a format of its own, so that 0.350 is not shown as 0.35; a negative one is a number too."""
    data = write_spreadsheet({"a": [[Decimal("0.350"), -3, Decimal("12"), Decimal("1E+3"), "0.350"]]})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert '<c r="A1" s="5"><v>0.350</v></c><c r="B1" s="2"><v>-3</v></c>' in sheet
    assert '<c r="D1" s="2"><v>1000</v></c><c r="E1" s="1" t="inlineStr">' in sheet
    assert 'numFmtId="167" formatCode="0.000"' in styles


def test_margins_stand_beside_figures_and_are_empty_where_there_are_none() -> None:
    counted = make_document(COUNTS, draw_release(COUNTS, "ukllc", {"202": "40\n60", "301": "c\n45"}))
    found = read_arrow(write(counted, "arrow", margins=True)).to_pylist()
    assert [(row["n"], row["n_low"], row["n_high"]) for row in found[:3]] == [(40, 28, 55), (60, 45, 78), (None,) * 3]
    assert found[2]["n_symbol"] == "c"
    (header, *_, row) = csv.reader(io.StringIO(write(counted, "csv", margins=True).decode()))
    assert header == ["home_authority", "sex", "n", "n_low", "n_high"]
    assert row[2] == "45"


def test_a_model_has_its_terms_in_each_form(document: ReleaseDocument) -> None:
    model = msgspec.structs.replace(document, table=draw_model().to_json())
    found = read_arrow(write(model, "arrow"))
    assert found.column_names == ["term", "estimate", "standard_error", "low", "high"]
    shown = show_release(model)
    assert isinstance(shown, ReleasedModel)
    assert [str(row["estimate"]) for row in found.to_pylist()] == [line[1] for line in shown.lines]
    assert read_spreadsheet(write(model, "xlsx"))["Data"][0][0] == "term"


BESIDE = (".provenance.txt", ".release.json", ".tlog-proof", ".evidence.json")


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_has_the_file_its_sheet_its_document_and_its_proof(document: ReleaseDocument, form: Any) -> None:
    files = gather_form(document, show_release(document), form, b"proof", b"evidence")
    stem = "r_0123456789abcdef"
    assert list(files) == [stem + ending for ending in (f".{form}", *BESIDE)]
    assert files[f"{stem}.{form}"] == write(document, form)
    assert files[f"{stem}.tlog-proof"] == b"proof"
    assert json.loads(files[f"{stem}.release.json"])["table"] == document.table


@pytest.mark.parametrize("form", [*FORMS, "json", "table"])
def test_the_command_writes_the_file_and_what_goes_with_it(
    document: ReleaseDocument,
    form: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("federation.client.connect", lambda _: Connected(document))
    place = tmp_path / "not" / "there yet"
    out = place / f"attendance.{form}"
    what = ["query", "fetch", "--state", str(tmp_path), "--no-wait", "--format", form, "--output", str(out), "Q-1"]
    assert run(what) == 0
    beside = [place / f"attendance{ending}" for ending in BESIDE]
    assert capsys.readouterr().out.splitlines() == [str(out), *map(str, beside)]
    assert all(path.stat().st_size for path in [out, *beside])
    if form in FORMS:
        assert out.read_bytes() == write(document, form)


def test_the_command_prints_the_bytes_of_a_file(
    document: ReleaseDocument,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    """On standard output alone, for whoever sends it on."""
    monkeypatch.setattr("federation.client.connect", lambda _: Connected(document))
    assert run(["query", "fetch", "--state", str(tmp_path), "--no-wait", "--format", "arrow", "Q-1"]) == 0
    assert read_arrow(capsysbinary.readouterr().out) == read_arrow(write(document, "arrow"))
