"""Looking up too much: refused past the authority's own number, in the log, and on the officer's list once an hour."""

from datetime import timedelta

import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.cli import run
from node.lookups.notices import NoticeKind, list_notices
from node.lookups.pace import CODE
from node.rules import RULES_FILE
from node.service import Node
from tests.node.pages.conftest import Browse, Send
from tests.small_federation import SmallFederation

PURPOSE = {"purpose": "Termly review"}
MOST = 3


@pytest.fixture(autouse=True)
def few(node: Node, federation: SmallFederation) -> None:
    """A node whose people look up three times in an hour, at the beginning of one."""
    path = node.party.directory / RULES_FILE
    path.write_text(path.read_text().replace("most_lookups_an_hour = 200", f"most_lookups_an_hour = {MOST}"))
    now = federation.clock()
    federation.clock.move(timedelta(minutes=60 - now.minute))


def test_past_the_number_nothing_is_shown_and_the_officer_has_one_notice(
    browse: Browse, send: Send, node: Node
) -> None:
    client = browse("vsh")
    for path, fields in (("/children", {}), ("/policy/who", {"child": "4711"}), ("/children", {})):
        assert send(client, path, {**PURPOSE, **fields}, shown="/policy").status_code in (200, 400)
    for _ in range(3):
        answer = send(client, "/children", PURPOSE)
        assert (answer.status_code, "<table" in answer.text) == (429, False)
        assert "has been told" in answer.text
    (notice,) = list_notices(node)
    assert notice.kind is NoticeKind.TOO_MANY_LOOKUPS
    assert notice.text == "more than 3 lookups in one hour, by vsh"
    refused = [e.to_event() for e in read_entries(node.database.connection, action=Action.CHILDREN_LISTED)][:3]
    assert [(event.outcome, event.details.get("code")) for event in refused] == [(Outcome.REFUSED, CODE)] * 3
    assert "3 lookups in one hour, by vsh" in browse("ig").get("/notices").text


def test_each_has_an_hour_of_their_own(browse: Browse, send: Send, federation: SmallFederation) -> None:
    head, staff = browse("vsh"), browse("staff")
    for _ in range(MOST):
        assert send(head, "/children", PURPOSE).status_code == 200
    assert send(head, "/children", PURPOSE).status_code == 429
    assert send(staff, "/children", PURPOSE).status_code == 200
    federation.clock.move(timedelta(hours=1))
    assert send(browse("vsh"), "/children", PURPOSE).status_code == 200


def test_the_command_line_is_no_way_round(
    browse: Browse, send: Send, node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clock of a command is the machine's, and so is its hour: it has used up its own three."""
    asked = ["node", "policy", "who", "--state", str(node.party.directory), "--as", "vsh", "--purpose", "A complaint"]
    codes = [run([*asked, "--child", "4711"]) for _ in range(MOST + 2)]
    assert 8 in codes
    assert codes[-1] == 8
    assert "4711" not in capsys.readouterr().err
