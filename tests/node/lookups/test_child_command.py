"""`circe lookup --child` and the officers' commands: whom is sought never stands in an argument."""

import json
from pathlib import Path

import pytest

from federation.cli import run
from node.lookups.holding import hold_request, list_held
from node.lookups.notices import NoticeKind, give_notice, list_notices
from node.service import open_node
from node.setting_up import enter_person
from tests.federation.test_lookup_messages import REQUEST
from tests.small_federation import SmallFederation

ASK = ["--purpose", "Planning a visit"]


@pytest.fixture
def state(federation: SmallFederation) -> Path:
    directory = federation.directory / "node-301"
    enter_person(directory, "ig", "ig_officer", "Officer")
    return directory


def find(state: Path, source: str, *more: str, person: str = "vsh") -> int:
    return run(["lookup", "--state", str(state), "--as", person, *ASK, "--child", source, *more])


def test_a_child_of_ours_is_found_from_a_file(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lookup", "--state", str(state), "--as", "vsh", *ASK, "--mine", "--format", "json"]) == 0
    child = next(each for each in json.loads(capsys.readouterr().out) if each["upn"])
    described = tmp_path / "child.txt"
    described.write_text(f"UPN: {child['upn']}\ndate_of_birth: {child['date_of_birth']}\n")
    assert find(state, str(described), "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == [child]


def test_a_child_whom_nobody_knows_is_not_found(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    described = tmp_path / "child.txt"
    described.write_text("upn: A823456789012\n")
    assert find(state, str(described), "--format", "csv") == 0
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 1
    assert "your search" not in said.out
    assert "that you searched is logged" in said.err


@pytest.mark.parametrize("text", ["", "upn: A8", "somebody: else", "upn A823456789012", "\x00"])
def test_a_description_that_is_none_is_refused_without_repeating_it(
    state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    described = tmp_path / "child.txt"
    described.write_text(text)
    assert find(state, str(described)) == 2
    said = capsys.readouterr().err
    assert "a pupil number" in said
    assert "A823456789012" not in said


def test_whoever_sits_at_the_terminal_is_asked(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["", "", "Nobody", "At-All", "2012-03-01"])
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(answers))
    assert run(["lookup", "--state", str(state), "--as", "vsh", *ASK, "--child"]) == 0
    assert "nobody like that" in capsys.readouterr().err
    assert list(answers) == []


def test_a_role_that_may_not_search_is_turned_away(state: Path, tmp_path: Path) -> None:
    described = tmp_path / "child.txt"
    described.write_text("upn: A823456789012\n")
    assert find(state, str(described), person="admin") == 8


def test_one_thing_is_looked_for_at_a_time(state: Path) -> None:
    assert find(state, "-", "--mine") == 2


def test_held_requests_are_listed_and_decided(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = open_node(state)
    with node.database.transaction() as connection:
        hold_request(connection, REQUEST, node.clock())
    (held,) = list_held(node)
    common = ["--state", str(state), "--as", "ig"]
    assert run(["node", "held", "list", *common, "--format", "json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["number"], listed["authority"], listed["decided"]) == (held.held_id, REQUEST.authority, "")
    assert run(["node", "held", "answer", *common[:2], "--as", "admin", held.held_id, "--reason", "Known"]) == 8
    assert run(["node", "held", "answer", *common, held.held_id, "--reason", "Known", "--withhold", "care"]) == 0
    assert run(["node", "held", "refuse", *common, held.held_id, "--reason", "Known"]) == 2
    assert list_held(node)[0].answered


def test_notices_are_listed_and_reviewed(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = open_node(state)
    with node.database.transaction() as connection:
        give_notice(connection, node.clock(), NoticeKind.MASS_LOOKUP, reference="L-1", authority="203", text="many")
    (notice,) = list_notices(node)
    common = ["--state", str(state), "--as", "ig"]
    assert run(["node", "notices", "list", *common, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["kind"] == "mass_lookup"
    reviewed = ["node", "notices", "review", *common, notice.notice_id, "--outcome", "justified", "--remark", "Fine"]
    assert run(reviewed) == 0
    assert run(reviewed) == 2
    assert run(["node", "notices", "list", "--state", str(state), "--as", "vsh"]) == 8
