"""The page for researchers keeps its word: its Python examples run, one after another, against a hub."""

import re
from pathlib import Path

import pytest

from tests.federation.test_asking_by_library import QuickClient, client, played

__all__ = ["client", "played"]

PAGE = Path(__file__).parents[2] / "docs" / "asking.md"


def test_the_examples_of_the_page_run_in_their_order(
    client: QuickClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With approvers and nodes who act at once, and the member directory of somebody who has joined."""
    monkeypatch.setattr("federation.client.connect", lambda address, state: client)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 6
    room: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), room)
    told = capsys.readouterr().out
    assert "released 2 of 3 {'302': 'history_full'}" in told
    assert "Cite as Circe federation" in told
