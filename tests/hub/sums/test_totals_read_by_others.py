"""A released total in the hands of another member: verified by the register alone, and found out where it changed."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from audit.proof import ProofInvalid
from federation.cli import run
from federation.client import read_result
from federation.exchange import ReleaseDocument
from federation.releases import name_release
from federation.state import REGISTER_FILE
from federation.total_releases import TotalMismatch
from federation.wire import encode_document
from tests.federation.test_asking_by_library import QuickClient, open_client
from tests.hub.sums.played_sums import PlayedSums, approve_template, run_template

ASKED: dict[str, Callable[[PlayedSums], str]] = {
    "noisy_sum": lambda sums: sums.ask(),
    "exact_sum": lambda sums: run_template(sums, approve_template(sums)),
}
"""How a total by each path comes to be released."""


def read_by_another(sums: PlayedSums, path: str) -> tuple[QuickClient, ReleaseDocument, bytes]:
    """Bea of the department, with a release that Ana of the university asked for, and its proof."""
    sums.settle()
    query_id = ASKED[path](sums)
    sums.settle()
    reader = open_client(sums.federation, "bea")
    found = reader.result(query_id)
    assert found.document.table["path"] == path
    return reader, found.document, found.proof


def change_figure(document: ReleaseDocument) -> ReleaseDocument:
    """The release with another figure in its first row, under the id that it had."""
    first, *rows = document.table["rows"]
    changed = [[*first[:-1], "c" if first[-1] == 0 else 0], *rows]
    return msgspec.structs.replace(document, table={**document.table, "rows": changed})


def name_anew(document: ReleaseDocument) -> ReleaseDocument:
    """A changed release under the id that its table has now."""
    return msgspec.structs.replace(document, release_id=name_release(document.manifest_digest, document.table))


@pytest.mark.parametrize("path", ASKED)
def test_it_is_verified_by_the_register_alone(
    sums: PlayedSums, path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command, from the two files, once the hub is gone; one that was changed is not what was proven."""
    reader, document, proof = read_by_another(sums, path)
    sums.federation.hub.database.close()
    state = reader._party.directory
    release, proven = tmp_path / "release.json", tmp_path / "release.tlog-proof"
    release.write_bytes(encode_document(document) + b"\n")
    proven.write_bytes(proof)
    assert read_result(release, proven).document == document
    trusted = ["--state", str(state), "--register", str(state / REGISTER_FILE), "--witnesses", "0"]
    verify = ["audit", "verify-proof", *trusted, "--release", str(release), str(proven)]
    assert run(verify) == 0
    assert "query.released (done)" in capsys.readouterr().out
    for changed in (change_figure(document), name_anew(change_figure(document))):
        release.write_bytes(encode_document(changed) + b"\n")
        assert run(verify) == 7


@pytest.mark.parametrize("path", ASKED)
def test_a_hub_that_hands_out_another_is_found_out(
    sums: PlayedSums, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its id, or where the hub has named it anew, by the log that nodes and readers have of it."""
    reader, document, _ = read_by_another(sums, path)
    forged = change_figure(document)
    for handed_out, found_out in ((forged, TotalMismatch), (name_anew(forged), ProofInvalid)):
        monkeypatch.setattr(reader._connection, "fetch_release", lambda _, changed=handed_out: changed)
        with pytest.raises(found_out):
            reader.result(document.query_id)
