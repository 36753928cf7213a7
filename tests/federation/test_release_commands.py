"""`circe release`: a certificate checked by adding up, and what an output checker is shown and hands in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import release_tables
from disclosure_control.rows.protection import protect
from disclosure_control.suppression.release_attack import certify_release
from federation import client
from federation.cli import run
from federation.exchange import PendingCheck, ReleaseDocument
from federation.manifest import Path as LeavingPath
from federation.plans import derive_plan
from federation.wire import decode_document, encode_document
from query_engine.tables import RawTable
from tests.federation.test_query_fetch import draw_model

SQL = (
    "SELECT sex, COUNT(*) AS n FROM child_year WHERE academic_year = 202425 AND sex IN ('M', 'F') GROUP BY ROLLUP (sex)"
)

CHECK = PendingCheck(
    query_id="Q-0123456789abcdef",
    purpose="How attendance differs",
    sql=SQL,
    found=("301: n of sex F is known to be 3 from this release and R-1.",),
    withheld=("301",),
)


def write_release(path: Path, certificate: str | None = None) -> Path:
    """A release of 20 boys and 3 girls, with its certificate or another."""
    plan, preset = derive_plan(SQL, LeavingPath.PER_AUTHORITY), load_preset("dfe_cla")
    raw = RawTable(plan, {each.name: [20, 3, 23] for each in plan.statistics})
    table = release_tables({"301": protect(raw, preset)}, {}, plan, preset).to_json()
    document = ReleaseDocument(
        release_id="R-1",
        query_id="Q-1",
        manifest_digest="0" * 64,
        sql=SQL,
        purpose="to see",
        released_at=datetime(2026, 11, 28, tzinfo=UTC),
        table=table,
        nodes=(),
        replies=(),
        opening=None,
        checkpoint="",
        certificate=certify_release(table, plan).decode() if certificate is None else certificate,
    )
    path.write_bytes(encode_document(document) + b"\n")
    return path


def test_a_certificate_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["release", "verify", str(write_release(tmp_path / "release.json"))]) == 0
    assert capsys.readouterr().out.startswith("The certificate holds")


@pytest.mark.parametrize(("certificate", "said"), [("", "carries no certificate"), ("{}\n", "not a certificate")])
def test_a_release_without_its_certificate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], certificate: str, said: str
) -> None:
    assert run(["release", "verify", str(write_release(tmp_path / "release.json", certificate))]) == 6
    assert said in capsys.readouterr().err


def test_a_certificate_of_other_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_release(tmp_path / "release.json")
    path.write_text(path.read_text().replace('"Total",23]', '"Total",24]'))
    assert run(["release", "verify", str(path)]) == 6
    assert "of another table than what is published" in capsys.readouterr().err


def test_a_model_has_no_certificate_to_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_release(tmp_path / "release.json")
    document = decode_document(path.read_bytes().rstrip(), ReleaseDocument)
    path.write_bytes(encode_document(msgspec.structs.replace(document, table=draw_model().to_json())))
    assert run(["release", "verify", str(path)]) == 0
    assert capsys.readouterr().out == "A model withholds nothing, and has no certificate.\n"


@pytest.fixture
def decisions(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What a checker hands in, at a hub where one release waits."""
    handed_in: list[object] = []

    @contextmanager
    def connect(_: Path) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(
            list_checks=lambda: (CHECK,),
            release_checked=lambda *decision: handed_in.append(("release", *decision)),
            refuse_checked=lambda *decision: handed_in.append(("refuse", *decision)),
            give_notice=lambda *decision: handed_in.append(("withdraw", *decision)),
        )

    monkeypatch.setattr(client, "connect", connect)
    return handed_in


def test_what_waits_is_shown_in_words(decisions: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["release", "checks", "--state", "gus"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Q-0123456789abcdef  How attendance differs",
        f"  {SQL}",
        "  301: n of sex F is known to be 3 from this release and R-1.",
        "  left out: 301",
    ]
    assert decisions == []


def test_a_checker_decides(decisions: list[object]) -> None:
    assert run(["release", "approve", "--state", "gus", "--withhold", "302", CHECK.query_id]) == 0
    assert run(["release", "refuse", "--state", "gus", "--reason", "A group of one", CHECK.query_id]) == 0
    assert run(["release", "withdraw", "--state", "gus", "--reason", "A wrong year", CHECK.query_id]) == 0
    assert decisions == [
        ("release", CHECK.query_id, ("302",)),
        ("refuse", CHECK.query_id, "A group of one"),
        ("withdraw", CHECK.query_id, "A wrong year"),
    ]


@pytest.mark.parametrize("decision", ["refuse", "withdraw"])
def test_what_is_not_released_has_a_reason(decisions: list[object], decision: str) -> None:
    assert run(["release", decision, "--state", "gus", CHECK.query_id]) == 2
    assert decisions == []
