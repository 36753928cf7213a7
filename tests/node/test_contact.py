"""`circe node check` asks for whom other authorities are to call, until the rules name somebody who can be reached."""

import json

import pytest

from federation.cli import run
from node.contact import find_contact_fault
from tests.small_federation import SmallFederation


@pytest.mark.parametrize(
    "contact",
    [
        "Ada Byron, 020 7946 0000",
        "Duty desk (+44 20 7946 0000)",
        "Virtual school: desk@la.example",
        "Ada Byron, 020 7946 0000, ada.byron@la.example",
    ],
)
def test_a_name_with_a_number_or_an_address_is_enough(contact: str) -> None:
    assert find_contact_fault(contact) is None


@pytest.mark.parametrize(
    "contact",
    [
        "the virtual school of this authority",
        "",
        "Ada Byron",
        "020 7946 0000",
        "desk@la.example",
        "Room 301",
        "Ada @ la",
    ],
)
def test_anything_less_is_asked_for(contact: str) -> None:
    assert "[lookups], contact" in (find_contact_fault(contact) or "")


def test_node_check_says_so_until_it_is_mended(federation: SmallFederation, capsys: pytest.CaptureFixture[str]) -> None:
    home = federation.authorities[0]
    asked = ["node", "check", "--state", str(federation.directory / f"node-{home}")]
    assert run(asked) == 0
    assert "[lookups], contact" in capsys.readouterr().out
    assert run([*asked, "--format", "json"]) == 0
    assert ["contact" in each for each in json.loads(capsys.readouterr().out)["findings"]] == [True]
    federation.change_rule(home, "the virtual school of this authority", "Ada Byron, 020 7946 0000")
    assert run(asked) == 0
    assert "contact" not in capsys.readouterr().out
    assert run([*asked, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
