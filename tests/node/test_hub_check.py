"""`circe node check --hub`: what a look at the hub shows, by a hub that is played."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from federation.cli import run
from federation.clocks import ClockWatch
from federation.exchange import Inbox
from federation.register import RegisterError
from federation.state import join_federation, read_root_key
from node import hub_check
from node.hub_check import check_hub
from tests.small_federation import SmallFederation


class SeenHub:
    """A hub that has the next register, and whose clock is two minutes ahead."""

    register = b""

    def __init__(self) -> None:
        self.clocks = ClockWatch()
        self.clocks.ahead = timedelta(minutes=-2)

    def fetch_inbox(self, *, wait: int) -> Inbox:
        assert wait == 0
        return Inbox(register_version=2, deliveries=())

    def fetch_register(self) -> bytes:
        return self.register

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def state(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hub_check, "connect_party", lambda *_, **__: SeenHub())
    return federation.directory / f"node-{federation.authorities[0]}"


def test_a_look_at_the_hub_is_described(state: Path) -> None:
    text = check_hub(state, "table")
    assert "http://127.0.0.1:9 answers (without TLS, on this machine alone)" in text
    assert "register version 1" in text
    assert "the hub has 2" in text
    assert "0 deliveries are waiting" in text
    assert "120 s behind the hub's" in text
    seen = json.loads(check_hub(state, "json"))
    assert (seen["register_here"], seen["register_there"], seen["clock_seconds_ahead"]) == (1, 2, -120.0)


@pytest.mark.parametrize(("ca", "words"), [("", "trusted publicly"), ("hub-ca.pem", "trusted by hub-ca.pem")])
def test_it_says_whom_the_node_trusts(federation: SmallFederation, state: Path, ca: str, words: str) -> None:
    party = federation.party(state.name)
    key = read_root_key((federation.directory / "root" / "root.pub").read_text())
    join_federation(party, key, "https://hub.example", ca)
    assert f"https://hub.example answers (TLS 1.3, {words})" in check_hub(state, "table")


def test_a_hub_that_is_away_is_said_so(federation: SmallFederation, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command itself, on standard error, with the exit code of a hub that does not answer."""
    state = federation.directory / f"node-{federation.authorities[0]}"
    assert run(["node", "check", "--state", str(state), "--hub"]) == 9
    assert "http://127.0.0.1:9 does not answer (nothing listens there)" in capsys.readouterr().err


def test_a_hub_without_tls_elsewhere_is_refused(
    federation: SmallFederation, capsys: pytest.CaptureFixture[str]
) -> None:
    party = federation.party(f"node-{federation.authorities[0]}")
    key = read_root_key((federation.directory / "root" / "root.pub").read_text())
    join_federation(party, key, "http://hub.example")
    for command in ("check", "serve"):
        words = ["node", command, "--state", str(party.directory), *(["--hub"] if command == "check" else [])]
        assert run(words) == 2
        assert "http://hub.example would be reached without TLS" in capsys.readouterr().err


def test_a_node_that_has_only_just_joined_takes_the_register_in(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at before it serves for the first time. What the pinned root did not sign is not taken."""
    kept = state / "register.json"
    register = kept.read_bytes()
    kept.unlink()
    with pytest.raises(RegisterError):
        check_hub(state, "table")
    assert not kept.exists()
    monkeypatch.setattr(SeenHub, "register", register)
    assert "and knows this node" in check_hub(state, "table")
    assert kept.read_bytes() == register
