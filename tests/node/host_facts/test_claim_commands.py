"""`circe node claim`, `incomplete` and `claims`, as they are run."""

import json
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from federation.state import StateError
from node.commands import node as node_command
from node.service import open_node
from node.setting_up import enter_person
from policies.access_policy import AccessDenied
from tests.node.host_facts.naive_rolls import children_in_care, incomplete
from tests.node.host_facts.played_claims import HOME, HOST, TERM, PaperRelay, claim, list_lookups
from tests.small_federation import SmallFederation


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(node_command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def test_the_three_commands(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """`claim` fills the record and builds it, `incomplete` names who is left, `claims` shows the host's officer."""
    relay = PaperRelay(federation)
    federation.clock.move(timedelta(hours=2))  # Nothing here goes by the clock on the wall.
    monkeypatch.setattr("federation.transport.connect_party", lambda party, clock: relay)
    monkeypatch.setattr("node.service.open_node", partial(open_node, clock=federation.clock))
    home, host = (federation.directory / f"node-{authority}" for authority in (HOME, HOST))
    reader = ("--state", home, "--as", "vsh", "--purpose", "Termly review")
    first = federation.node(HOME).store.current()
    done = run("claim", "--state", home, "--term", str(TERM), "--wait", 60)
    current = federation.node(HOME).store.current()
    assert first is not None
    assert current is not None
    assert first.id != current.id
    assert current.id in done.stdout
    rows = json.loads(run("incomplete", *reader, "--format", "json").stdout)
    assert {row["la_child_id"]: row["reason"] for row in rows} == {
        child.la_child_id: child.reason.value for child in incomplete(federation).values()
    }
    lines = run("incomplete", *reader, "--term", str(TERM), "--format", "csv").stdout.splitlines()
    assert lines[0] == "la_child_id,year_group,host_authority,reason,code"
    assert len(lines) == len(rows) + 1
    assert f"{rows[0]['reason']}: " in run("incomplete", *reader).stderr
    (count,) = json.loads(run("claims", "--state", host, "--format", "json").stdout)
    assert (count["authority"], count["about"], count["most_in_term"]) == (HOME, str(TERM), 1500)
    assert count["claims"] >= count["matched"] > 0
    enter_person(host, "ig", "ig_officer", "Information governance")
    officer = ("--children", "--as", "ig")
    assert run("claims", "--state", host, *officer).stdout.count(HOME) >= count["children"]
    children = run("claims", "--state", host, *officer, "--format", "csv").stdout.splitlines()
    assert len(children) == count["children"] + 1
    upns = [child.upn for child in children_in_care(federation.node(HOME)) if not child.upn.startswith("UN")]
    assert not [upn for upn in upns if upn in "\n".join((*children, done.output, *lines))]


@pytest.mark.parametrize("form", ["table", "csv"])
@pytest.mark.parametrize("person", ["vsh", "admin"])
def test_who_was_claimed_is_for_those_who_may_read_the_log(federation: SmallFederation, person: str, form: str) -> None:
    host = federation.directory / f"node-{HOST}"
    with pytest.raises(AccessDenied):
        run("claims", "--state", host, "--children", "--as", person, "--format", form)


def test_nobody_reads_who_was_claimed_without_a_name(federation: SmallFederation) -> None:
    host = federation.directory / f"node-{HOST}"
    done = CliRunner().invoke(node_command, ["claims", "--state", str(host), "--children"])
    assert done.exit_code == 2
    assert "say who reads with --as PERSON" in done.output


def test_the_first_authority_of_a_federation_has_nobody_to_claim_from(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told so, and nothing is sent: a hub would only say that it takes no lookup of nobody."""
    relay, here = PaperRelay(federation), federation.register
    alone = [member for member in here.members if not member.id.startswith("node-") or member.id == f"node-{HOME}"]
    monkeypatch.setattr("node.service.Node.register", lambda _: msgspec.structs.replace(here, members=tuple(alone)))
    with pytest.raises(StateError, match="no other authority has a node yet"):
        claim(federation, relay)
    assert list_lookups(federation) == []
