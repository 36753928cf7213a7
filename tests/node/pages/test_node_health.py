"""A node's health: told to everybody in a word at its pages, and by an exit code to whoever watches the machine."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from federation.cli import run
from federation.exchange import Inbox
from federation.hub_line import HubUnreachable
from node import health, service
from node.service import POLICY_FILE, Node
from node.setting_up import create_node
from policies.access_policy import MATRIX
from tests.small_federation import SmallFederation


def lose_log(node: Node) -> None:
    with node.database.transaction() as connection:
        for row in connection.execute("SELECT name FROM sqlite_master WHERE name LIKE '%checkpoint%'").fetchall():
            connection.execute(f"DROP TABLE IF EXISTS {row['name']}")


def lose_register(node: Node) -> None:
    (node.party.directory / "register.json").unlink()


def edit_policy(node: Node) -> None:
    (node.party.directory / POLICY_FILE).write_text(MATRIX.read_text() + "p, *, *, *, health, deny\n")


def damage_snapshot(node: Node) -> None:
    snapshot = node.store.current()
    assert snapshot is not None
    (snapshot.path / "snapshot.json").write_bytes(b"{")


def lose_snapshot(node: Node) -> None:
    (node.store.root / "current").write_text("202425-summer-0123456789abcdef")


FAILURES: dict[Callable[[Node], None], str] = {
    lose_log: "database",
    lose_register: "register",
    edit_policy: "policy",
    damage_snapshot: "snapshot",
    lose_snapshot: "snapshot",
}


class AnsweringHub:
    """A hub that knows this node."""

    def fetch_inbox(self, *, wait: int) -> Inbox:
        assert wait == 0
        return Inbox(register_version=1, deliveries=())

    def close(self) -> None:
        """Nothing is open."""


class AwayHub(AnsweringHub):
    """A hub that nobody reaches."""

    def fetch_inbox(self, *, wait: int) -> Inbox:
        raise HubUnreachable("no answer")


def test_a_node_that_is_well_says_so_to_everybody_and_no_more(app: Flask) -> None:
    answer = app.test_client().get("/health")
    assert (answer.status_code, answer.text, answer.content_type) == (200, "ok\n", "text/plain; charset=utf-8")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(("break_it", "word"), FAILURES.items(), ids=[each.__name__ for each in FAILURES])
def test_what_fails_is_told_in_a_word(app: Flask, node: Node, break_it: Callable[[Node], None], word: str) -> None:
    break_it(node)
    answer = app.test_client().get("/health")
    assert (answer.status_code, answer.text) == (503, f"{word}\n")


def test_a_register_out_of_date_is_none(app: Flask, federation: SmallFederation) -> None:
    federation.clock.move(timedelta(days=400))
    assert app.test_client().get("/health").text == "register\n"


@pytest.mark.parametrize(("hub", "word", "code"), [(AnsweringHub, "ok", 0), (AwayHub, "hub", 1)])
def test_one_exit_code_tells_of_node_and_hub(
    node: Node, hub: type, word: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(health, "connect_party", lambda *_, **__: hub())
    monkeypatch.setattr(service, "open_node", lambda _: node)
    assert run(["node", "check", "--state", str(node.party.directory), "--health"]) == code
    assert capsys.readouterr().out == f"{word}\n"


def test_a_node_that_has_not_joined_yet_is_not_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create_node(tmp_path / "new", "301")
    assert run(["node", "check", "--state", str(tmp_path / "new"), "--health"]) == 1
    assert capsys.readouterr().out.endswith("register\n")
