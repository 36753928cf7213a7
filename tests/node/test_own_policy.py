"""An authority's own policy: told before it takes effect, logged as it does, and asked who could see one child."""

import json
from pathlib import Path

import pytest

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from audit.retention import Kind, kind_of
from federation.cli import run
from node import own_policy
from node.commands import warn_of_policy
from node.loading import load_into
from node.own_policy import PolicyMoved, adopt_policy, find_trouble, propose_policy
from node.service import POLICY_FILE, Node, open_node
from node.setting_up import create_node, enter_person
from policies.access_policy import MATRIX, AccessPolicy, AccessRequest
from policies.linter import PolicyInvalid
from tests.node.ingest.small_returns import write_table
from tests.own_policies import drop_policy, put_policy
from tests.small_federation import copy_states

UPN, CHILD = "A801200005001", "77"
NO_HEALTH = "p, *, *, *, health, deny\n"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node with one child in care, who is on roll at a school of this authority, and people of several kinds."""
    place = tmp_path_factory.mktemp("own-policy")
    state = place / "state"
    create_node(state, "301")
    enter_person(state, "vsh", "virtual_school_head", "Virtual school head")
    enter_person(state, "teacher", "designated_teacher", "Designated teacher", 100001)
    enter_person(state, "officer", "ig_officer", "Information governance officer")
    write_table(place / "files", "header", f"CHILD | UPN | DOB\n{CHILD} | {UPN} | 01/01/2010")
    write_table(place / "files", "episodes", f"CHILD\n{CHILD}")
    load_into(state, [place / "files"], 2025, lambda _: None)
    return state


@pytest.fixture
def state(loaded: Path, tmp_path: Path) -> Path:
    """The same node for the test to change."""
    copy_states(loaded, tmp_path / "state")
    return tmp_path / "state"


def own_file(tmp_path: Path, append: str = NO_HEALTH) -> Path:
    path = tmp_path / "proposed.csv"
    path.write_text(MATRIX.read_text() + append)
    return path


def changes(node: Node) -> list[AuditEvent]:
    """The log's entries of policies that came into force."""
    return [entry.to_event() for entry in read_entries(node.database.connection, action=Action.POLICY_ADOPTED)]


def test_a_change_is_told_and_not_made(state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["node", "policy", "compare", "--state", str(state), str(own_file(tmp_path))]) == 0
    told = capsys.readouterr().out
    assert "After this change 2 roles can no longer read health" in told
    assert "virtual school head, virtual school staff" in told
    assert not (state / POLICY_FILE).exists()
    assert changes(open_node(state)) == []


def test_an_adopted_policy_is_logged_by_both_versions_and_in_force(state: Path, tmp_path: Path) -> None:
    assert run(["node", "policy", "compare", "--adopt", "--state", str(state), str(own_file(tmp_path))]) == 0
    node, packaged = open_node(state), AccessPolicy.load()
    (event,) = changes(node)
    assert node.policy().version == event.policy_version != packaged.version
    assert event.details["replaces"] == packaged.version
    assert event.details["gained"] == 0
    assert event.details["lost"] == len(propose_policy(node, MATRIX).change.gained)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("p, virtual_school_head, host, update, plan, allow\n", "a host reads and never updates"),
        ("p, virtual_school_hed, home, read, plan, allow\n", "unknown role"),
    ],
)
def test_a_policy_with_a_fault_is_not_adopted(
    line: str, said: str, state: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["node", "policy", "compare", "--adopt", "--state", str(state), str(own_file(tmp_path, line))]) == 2
    assert said in capsys.readouterr().err
    assert not (state / POLICY_FILE).exists()
    assert changes(open_node(state)) == []


def test_a_policy_that_moved_since_it_was_compared_is_not_replaced(state: Path, tmp_path: Path) -> None:
    """The sentences that were read were about another policy: nothing is done, and nothing logged."""
    node = open_node(state)
    proposed = propose_policy(node, own_file(tmp_path))
    put_policy(state, MATRIX.read_text() + "p, *, *, *, care, deny\n")
    with pytest.raises(PolicyMoved, match="compare again"):
        adopt_policy(node, proposed)
    assert "care, deny" in (state / POLICY_FILE).read_text()
    assert proposed.version not in {event.policy_version for event in changes(node)}


def test_a_file_that_is_edited_where_it_stands_is_not_in_force_until_it_is_adopted(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the file as it is nor as it was decides: nobody sees anything before somebody has read what changes."""
    node, compare = open_node(state), ["node", "policy", "compare", "--state", str(state), str(state / POLICY_FILE)]
    more = "p, virtual_school_staff, home, export, health, allow\n"
    (state / POLICY_FILE).write_text(MATRIX.read_text() + more)
    with pytest.raises(PolicyInvalid, match="not in force"):
        node.policy()
    assert who(state, "vsh") == 2
    assert "circe node policy compare" in capsys.readouterr().err
    assert run(compare) == 0
    assert "After this change 1 role can export health" in capsys.readouterr().out
    with pytest.raises(PolicyInvalid):
        node.policy()
    assert run([*compare, "--adopt"]) == 0
    assert node.policy().version == changes(node)[0].policy_version
    (state / POLICY_FILE).unlink()
    with pytest.raises(PolicyInvalid, match="not in force"):
        node.policy()


def test_a_file_that_something_else_puts_there_counts_for_nothing(
    state: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A backup, a colleague or an intruder: without the entry that adopted it, a file is none of the policy's."""
    looser = MATRIX.read_text() + "p, virtual_school_staff, home, export, health, allow\n"
    for name in (POLICY_FILE, "policy.adopted.csv"):
        (state / name).write_text(looser)
    node = open_node(state)
    with pytest.raises(PolicyInvalid, match="not in force"):
        node.policy()
    assert node.adopted_policy().version == AccessPolicy.load().version
    assert "not in force" in find_trouble(node)
    assert adopt(state, own_file(tmp_path)) == 0
    assert find_trouble(open_node(state)) == ""
    (state / POLICY_FILE).write_text(looser)
    assert "circe node policy compare" in find_trouble(open_node(state))
    assert who(state, "vsh") == 2
    warn_of_policy(open_node(state))
    assert "node-301 shows nobody anything" in caplog.text
    drop_policy(state)
    caplog.clear()
    warn_of_policy(open_node(state))
    assert caplog.text == ""


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE adopted_policies SET text = CAST(replace(CAST(text AS TEXT), ', deny', ', allow') AS BLOB)",
        "DELETE FROM adopted_policies",
    ],
)
def test_a_kept_text_that_is_not_what_the_log_says_is_not_in_force(state: Path, tmp_path: Path, tampering: str) -> None:
    """Nor does it keep anybody from adopting a policy again."""
    assert adopt(state, own_file(tmp_path)) == 0
    node = open_node(state)
    with node.database.transaction() as connection:
        assert connection.execute(tampering).rowcount == 1
    with pytest.raises(PolicyInvalid, match="find out who"):
        node.policy()
    assert adopt(state, own_file(tmp_path, NO_HEALTH + "p, *, *, *, care, deny\n")) == 0
    assert not open_node(state).policy().permits(AccessRequest("virtual_school_head", "home", "read", "health"))


def test_a_policy_is_in_force_by_its_entry_whatever_became_of_the_file(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off between entry and file, the file is what is not in force; adopted once more, both are one."""
    node, proposed = open_node(state), propose_policy(open_node(state), own_file(tmp_path))
    monkeypatch.setattr(own_policy, "write_file", lambda *_: (_ for _ in ()).throw(OSError("no room")))
    with pytest.raises(OSError, match="no room"):
        adopt_policy(node, proposed)
    assert node.adopted_policy().version == proposed.version
    with pytest.raises(PolicyInvalid):
        node.policy()
    monkeypatch.undo()
    assert adopt(state, own_file(tmp_path)) == 0
    assert node.policy().version == proposed.version


def test_an_adopted_policy_outlives_the_retention_of_the_log() -> None:
    """Without its entry it would be none."""
    assert kind_of(Action.POLICY_ADOPTED) is Kind.KEPT
    assert kind_of(Action.POLICY_CHANGED) is Kind.ACTS


def adopt(state: Path, file: Path) -> int:
    return run(["node", "policy", "compare", "--adopt", "--state", str(state), str(file)])


def test_the_policy_in_force_is_printed(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["node", "policy", "show", "--state", str(state), "--role", "designated_teacher", "--format", "json"]
    assert run(arguments) == 0
    rights = json.loads(capsys.readouterr().out)
    assert {"role": "designated_teacher", "relation": "school", "action": "read", "field_group": "plan_pep"} in rights
    assert {right["role"] for right in rights} == {"designated_teacher"}


def who(state: Path, person: str, child: str = CHILD) -> int:
    asked = ["--state", str(state), "--as", person, "--purpose", "A complaint", "--child", child]
    return run(["node", "policy", "who", *asked])


def test_who_could_see_a_child_is_listed_and_logged(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert who(state, "vsh") == 0
    told = capsys.readouterr()
    rows = [line.split() for line in told.out.splitlines()[1:]]
    assert ["vsh", "virtual_school_head", "home", "update"] in [row[:4] for row in rows]
    assert not any(row[0] in ("teacher", "officer") for row in rows)  # Another school's teacher; no pupil data.
    assert "nobody else" in told.err
    events = [entry.to_event() for entry in read_entries(open_node(state).database.connection)]
    (shown,) = [event for event in events if event.details.get("listing") == "who_could_see" and event.subject]
    assert (shown.outcome, shown.purpose) == (Outcome.DONE, "A complaint")


@pytest.mark.parametrize("person", ["officer", "teacher"])
def test_whoever_may_not_read_our_children_is_not_told_who_could(
    person: str, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert who(state, person) == 8
    assert capsys.readouterr().out == ""


def test_a_number_that_is_nobodys_says_so_without_repeating_it(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert who(state, "vsh", "4711") == 2
    told = capsys.readouterr()
    assert "no child of that number" in told.err
    assert "4711" not in told.out + told.err


@pytest.mark.parametrize(("role", "school"), [("designated_teacher", None), ("virtual_school_head", 100001)])
def test_a_school_belongs_to_a_designated_teacher_and_to_nobody_else(
    role: str, school: int | None, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["node", "person", "--state", str(state), "--id", "new", "--role", role, "--title", "New"]
    assert run([*arguments, *(["--school", str(school)] if school else [])]) == 2
    assert "--school" in capsys.readouterr().err
