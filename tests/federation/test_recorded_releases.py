"""A release outlives the software: files of one under another catalogue are verified, and what is left open is said.

The question of each cannot be planned here, since a column that it names is called otherwise.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from federation.cli import run
from federation.client.verification import verify_with_evidence
from federation.evidence import Evidence, read_evidence
from federation.exchange import ReleaseDocument
from federation.releases import ReleaseMismatch, name_release
from federation.signed_rows import _typed
from federation.state import load_root_key
from federation.total_releases import TotalMismatch
from federation.wire import decode_document, encode_document
from tests.federation.recorded_release import PATHS, list_files

Json = dict[str, Any]


def read_files(path: str) -> tuple[ReleaseDocument, Evidence, bytes]:
    """A recorded release, its evidence, and the root's key."""
    files = list_files(path)
    document = decode_document(files["release.json"].read_bytes().rstrip(), ReleaseDocument)
    return document, read_evidence(files["evidence.json"].read_bytes().rstrip()), load_root_key(files["root.pub"])


def copy_files(path: str, place: Path) -> tuple[Path, list[str]]:
    """The release in a folder of one's own, and the command that verifies it there."""
    for file in list_files(path).values():
        shutil.copy(file, place)
    release = place / f"{path}.release.json"
    return release, ["release", "verify", "--root", str(place / f"{path}.root.pub"), str(release)]


@pytest.mark.parametrize("path", PATHS)
def test_all_that_stands_on_signed_bytes_is_verified_and_the_rest_is_said(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is neither verified in silence nor called a forgery: the code is of its own."""
    _, verify = copy_files(path, tmp_path)
    assert run(verify) == 10
    said = capsys.readouterr().out.splitlines()
    held = [line.partition(":")[0] for line in said]
    protection = {
        "noisy_sum": "Noise protects this release",
        "exact_sum": "The certificate holds",
        "per_authority": "The certificate speaks of no counts of this release, and shows nothing of any.",
    }[path]  # Certificates did not speak of distinct children when these were made.
    open_ends = 2 if path == "noisy_sum" else 3
    assert held == ["The signatures hold", "The proof holds", protection, *["Not rechecked"] * open_ends]
    assert "cosigned by 7" in said[1]
    assert "the plan, which is taken as its approvers signed it, since the question was planned by" in said[3]
    assert "planner 6 and catalogue 8d708304070c0c16, and this software has planner" in said[3]


@pytest.mark.parametrize("path", PATHS)
def test_without_the_root_it_is_said_that_nobody_was_verified(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release, _ = copy_files(path, tmp_path)
    assert run(["release", "verify", str(release)]) == (0 if path == "noisy_sum" else 10)
    assert "who signed it was not verified" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"table":"', '"table":"0', "is of another table than what is published"),
        ('"column":"children"', '"column":"stage"', "no column of counts that is called 'stage'"),
        ('"columns":[', '"columns":[{"column":"children","rule":{}},', "speaks of a column twice"),
        ('"columns":[', '"columns":[7,', "not a certificate"),
        ('"columns":[', '"columns":[{"column":7,"rule":{}},', "not a certificate"),
    ],
)
def test_a_certificate_is_held_to_the_table_without_its_plan(
    old: str, new: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release, _ = copy_files("exact_sum", tmp_path)
    document, _, _ = read_files("exact_sum")
    assert old in document.certificate
    changed = msgspec.structs.replace(document, certificate=document.certificate.replace(old, new))
    release.write_bytes(encode_document(changed))
    assert run(["release", "verify", str(release)]) == 6
    assert said in capsys.readouterr().err


def test_a_proof_that_is_not_there_is_left_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, verify = copy_files("per_authority", tmp_path)
    (tmp_path / "per_authority.tlog-proof").unlink()
    assert run(verify) == 10
    said = capsys.readouterr().out
    assert "Not rechecked: whether it stands in the hub's log, since there is no proof beside it." in said


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda place: shutil.copy(place / "noisy_sum.root.pub", place / "per_authority.root.pub"), 8),
        (lambda place: shutil.copy(place / "noisy_sum.tlog-proof", place / "per_authority.tlog-proof"), 7),
        (lambda place: shutil.copy(place / "noisy_sum.evidence.json", place / "per_authority.evidence.json"), 8),
        (lambda place: (place / "per_authority.evidence.json").unlink(), 2),
    ],
    ids=["another root", "another proof", "another evidence", "no evidence"],
)
def test_what_does_not_belong_to_it_is_refused(spoil: Callable[[Path], object], code: int, tmp_path: Path) -> None:
    copy_files("noisy_sum", tmp_path)
    _, verify = copy_files("per_authority", tmp_path)
    spoil(tmp_path)
    assert run(verify) == code


def with_rows(change: Callable[[list[Any]], object]) -> Callable[[Json], object]:
    return lambda table: change(table["rows"])


LIES: Mapping[str, Callable[[Json], object]] = {
    "another figure": with_rows(lambda rows: rows[8].__setitem__(2, 1000)),
    "a figure that was withheld": with_rows(lambda rows: rows[7].__setitem__(2, 10)),
    "yes for one": with_rows(lambda rows: rows[8].__setitem__(3, True)),
    "another category": with_rows(lambda rows: rows[8].__setitem__(1, "stage_9")),
    "a row left out": with_rows(lambda rows: rows.pop(0)),
    "a row twice": with_rows(lambda rows: rows.insert(0, rows[0])),
    "another order": with_rows(lambda rows: rows.reverse()),
    "another order of the authorities": with_rows(lambda rows: rows.sort(key=lambda row: row[0], reverse=True)),
    "another category of one that is absent": with_rows(lambda rows: rows[0].__setitem__(1, "stage_9")),
    "another plan": lambda table: table.update(plan_id="plan-" + "0" * 32),
    "another preset": lambda table: table.update(preset={"name": "dfe_cla", "version": "1"}),
    "a figure called a category": lambda table: table["decimals"].pop("children"),
    "more decimal places": lambda table: table["decimals"].update(attendance=4),
    "another reason": lambda table: table["absent"].update({"201": "late"}),
    "no table": lambda table: table.pop("rows"),
}


@pytest.mark.parametrize("lie", LIES)
def test_whoever_changes_it_is_found_out_by_the_nodes_signatures_alone(lie: str) -> None:
    """Under the id that the changed table has, which anybody can give it."""
    document, evidence, root_key = read_files("per_authority")
    LIES[lie](document.table)
    named = name_release(document.manifest_digest, document.table)
    with pytest.raises(ReleaseMismatch):
        verify_with_evidence(msgspec.structs.replace(document, release_id=named), evidence, root_key)


def test_yes_is_not_one() -> None:
    """As categories they are two, though they compare as equal."""
    assert _typed([(True, "a")]) != _typed([(1, "a")])


@pytest.mark.parametrize("path", PATHS)
def test_its_id_and_its_moment_are_held_to_what_was_signed(path: str) -> None:
    document, evidence, root_key = read_files(path)
    early = document.released_at.replace(year=2025)
    for lie in ({"release_id": "R-0000000000000000"}, {"released_at": early}, {"purpose": "another"}, {"replies": ()}):
        with pytest.raises((ReleaseMismatch, TotalMismatch)):
            verify_with_evidence(msgspec.structs.replace(document, **lie), evidence, root_key)


@pytest.mark.parametrize("path", ["noisy_sum", "exact_sum"])
def test_a_total_is_of_whom_and_on_the_terms_that_were_signed(path: str) -> None:
    document, evidence, root_key = read_files(path)
    answered = document.table["answered"]
    for lie in ({"plan_id": "plan-" + "0" * 32}, {"path": "per_authority"}, {"answered": answered[1:]}):
        table = {**document.table, **lie}
        named = name_release(document.manifest_digest, table)
        with pytest.raises(TotalMismatch):
            verify_with_evidence(msgspec.structs.replace(document, table=table, release_id=named), evidence, root_key)


def test_other_rules_than_were_signed_are_none(tmp_path: Path) -> None:
    """What protects it is known by its digest: rules that somebody slips in are not read."""
    document, evidence, root_key = read_files("exact_sum")
    slipped_in = msgspec.structs.replace(evidence, rules=evidence.rules.replace("10", "2"))
    assert slipped_in != evidence
    assert verify_with_evidence(document, slipped_in, root_key)
    release, verify = copy_files("exact_sum", tmp_path)
    (tmp_path / "exact_sum.evidence.json").write_bytes(encode_document(slipped_in))
    assert run(verify) == 10
    assert release.exists()
