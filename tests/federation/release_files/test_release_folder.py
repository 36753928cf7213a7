"""The folder that a release is handed on in: what is in it, and that nothing of it is made twice differently."""

import zipfile
from io import BytesIO
from pathlib import Path

import msgspec
import pytest

from federation.cli import run
from federation.exchange import ReleaseDocument
from federation.release_files.folder import gather_files, pack_files
from federation.release_files.open_data import OpenDataUnfit
from federation.wire import decode_document
from tests.disclosure_control.drawn_releases import draw_release
from tests.federation.test_query_fetch import Connected, draw_model, make_document

SQL = (
    "SELECT sex, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND sex IN ('M', 'F') GROUP BY sex "
    "HAVING n > 50 LIMIT 1"
)


PROOF, EVIDENCE = b"proof", b"evidence"
"""As the double of a client has them."""


@pytest.fixture
def document() -> ReleaseDocument:
    """A release of one authority, with one that did not answer."""
    table = draw_release(SQL, "ukllc", {"202": "40\n60"}, {"301": "late"})
    return make_document(SQL, table)


def test_the_folder_has_the_pair_a_sheet_and_the_proof(document: ReleaseDocument) -> None:
    files = gather_files(document, PROOF, evidence=EVIDENCE)
    assert list(files) == [
        "r_0123456789abcdef.csv",
        "r_0123456789abcdef.meta.csv",
        "r_0123456789abcdef.provenance.txt",
        "r_0123456789abcdef.release.json",
        "r_0123456789abcdef.tlog-proof",
        "r_0123456789abcdef.evidence.json",
    ]
    assert files["r_0123456789abcdef.evidence.json"] == EVIDENCE
    assert files["r_0123456789abcdef.tlog-proof"] == PROOF
    assert len(files["r_0123456789abcdef.csv"].splitlines()) == 5  # Every row as released, whatever the query shows.
    assert decode_document(files["r_0123456789abcdef.release.json"].rstrip(), ReleaseDocument) == document


def test_the_sheet_says_what_was_asked_who_answered_and_how_it_is_protected(document: ReleaseDocument) -> None:
    sheet = gather_files(document, PROOF)["r_0123456789abcdef.provenance.txt"].decode()
    codes = "sex: Male is M; Female is F"
    for words in (document.release_id, SQL, "ukllc, version", "1 authorities: 202", "no answer came", "x  not", codes):
        assert words in sheet


def test_an_archive_of_one_release_is_the_same_bytes_each_time(document: ReleaseDocument) -> None:
    files = gather_files(document, PROOF)
    packed = pack_files(files)
    assert packed == pack_files(gather_files(document, PROOF))
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == files


def test_a_model_has_no_such_files(document: ReleaseDocument) -> None:
    with pytest.raises(OpenDataUnfit, match="model"):
        gather_files(msgspec.structs.replace(document, table=draw_model().to_json()), PROOF)


def test_the_command_writes_the_folder_and_prints_its_paths(
    document: ReleaseDocument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("federation.client.connect", lambda _: Connected(document))
    out, files = tmp_path / "out", gather_files(document, PROOF, evidence=EVIDENCE)
    assert run(["query", "fetch", "--state", str(tmp_path), "--no-wait", "--open-data", str(out), "Q-1"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in files]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == files


def test_the_command_says_why_it_writes_nothing(
    document: ReleaseDocument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    years = msgspec.structs.replace(document, sql=SQL.replace("= 202425", "IN (202324, 202425)"))
    monkeypatch.setattr("federation.client.connect", lambda _: Connected(years))
    out = tmp_path / "out"
    assert run(["query", "fetch", "--state", str(tmp_path), "--no-wait", "--open-data", str(out), "Q-1"]) == 4
    assert "another catalogue" in capsys.readouterr().err
    assert not out.exists()
