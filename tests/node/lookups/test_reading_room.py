"""Lists about children: whom the policy lets read and copy which, and what the log keeps of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from federation.cli import run
from node.loading import load_into
from node.service import Node, open_node
from node.setting_up import create_node, enter_person
from node.vault import read_vault
from policies.access_policy import MATRIX, AccessPolicy
from tests.node.ingest.small_returns import write_table
from tests.own_policies import put_policy
from tests.small_federation import copy_states

UPN, BORN = "A801200005001", "01/01/2010"
PURPOSE = "Correcting the summer census"
ROLES = {
    "vsh": "virtual_school_head",
    "officer": "virtual_school_staff",
    "admin": "node_administrator",
    "director": "director_of_childrens_services",
    "researcher": "researcher",
}


@dataclass
class ListedNode:
    """A node with a child in care, 77, whose school says another date of birth, and people of every kind."""

    state: Path
    capture: pytest.CaptureFixture[str]

    @property
    def node(self) -> Node:
        return open_node(self.state)

    def read(self, command: str, person: str, *arguments: object, purpose: str = PURPOSE) -> tuple[int, str, str]:
        """The exit code of a command, and what it says on standard output and standard error."""
        self.capture.readouterr()
        asked = ["--state", self.state, "--as", person, "--purpose", purpose]
        code = run(["node", command, *map(str, [*asked, *arguments])])
        return code, *self.capture.readouterr()

    @property
    def log(self) -> list[AuditEvent]:
        """What the log has of lists, in the order of its entries."""
        entries = list(read_entries(self.node.database.connection, action=Action.CHILDREN_LISTED))
        return [entry.to_event() for entry in reversed(entries)]

    def token(self, la_child_id: str) -> str:
        """The log's token of a child, made from the vault's own row token."""
        snapshot = self.node.store.current()
        assert snapshot is not None
        sql = "SELECT DISTINCT child FROM children WHERE la_child_id = ?"
        ((token,),) = read_vault({"children": snapshot.identified["children"]}, sql, [la_child_id])
        return self.node.party.keys.log_token(token)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of the node when its files are loaded and nobody has read anything."""
    place = tmp_path_factory.mktemp("listed")
    state = place / "state"
    create_node(state, "301")
    for person, role in ROLES.items():
        enter_person(state, person, role, person.title())
    write_table(place / "files", "header", f"CHILD | UPN | DOB\n77 | {UPN} | {BORN}\n88 | | 02/02/2012")
    write_table(place / "files", "episodes", "CHILD\n77\n88")
    roll = f"upn | dob | NativeId\n{UPN} | 2010-Feb-01 00:00:00 | SCH7"
    write_table(place / "files", "2025_spring_pupilonroll", roll)
    load_into(state, [place / "files"], 2025, lambda _: None)
    return state


@pytest.fixture
def listed(loaded: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> ListedNode:
    """A node of the test's own."""
    copy_states(loaded, tmp_path / "state")
    return ListedNode(tmp_path / "state", capfd)


class NoRegister:
    """A register with nobody in it, which is all that the list of incomplete children asks of one."""

    def active(self, *_: object) -> tuple[()]:
        return ()


@pytest.fixture(autouse=True)
def register(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Node, "register", lambda _: NoRegister())


Arguments = Callable[[Path], tuple[object, ...]]
LISTS: dict[str, tuple[str, Arguments]] = {
    "returns": ("returns", lambda _: ()),
    "incomplete": ("incomplete", lambda _: ("--term", "202425-summer")),
    "returns, as a file": ("returns", lambda place: ("--output", place / "returns.csv", "--format", "csv")),
    "returns, as a text for programs": ("returns", lambda _: ("--format", "json")),
    "incomplete, as a text for programs": ("incomplete", lambda _: ("--term", "202425-summer", "--format", "csv")),
    "quality, as a page": ("quality", lambda place: ("--page", place / "page.html")),
    "quality, as a CSV": ("quality", lambda place: ("--csv", place / "quality.csv")),
}
COPIES = tuple(name for name in LISTS if ", as a " in name)


@pytest.mark.parametrize("name", LISTS)
def test_the_head_of_the_virtual_school_reads_every_list(name: str, listed: ListedNode, tmp_path: Path) -> None:
    """And the log says so, before and after: who, why, which list and columns, by which policy and relationship."""
    command, arguments = LISTS[name]
    code, _, said = listed.read(command, "vsh", *arguments(tmp_path))
    assert code == 0, said
    asked, *children, shown = listed.log
    assert [asked.outcome, shown.outcome] == [Outcome.INTENDED, Outcome.DONE]
    assert shown.details["children"] == len(children) >= 1
    for event in (asked, *children, shown):
        assert event.actor == "vsh (virtual_school_head)"
        assert (event.purpose, event.acting_for, event.relationship) == (PURPOSE, "301", "home")
        assert (event.details["listing"], event.details["copied"]) == (command, name in COPIES)
        assert event.policy_version == AccessPolicy.load().version
        assert event.fields


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("person", ["admin", "director", "researcher"])
def test_whoever_may_see_no_child_is_refused_every_list(
    name: str, person: str, listed: ListedNode, tmp_path: Path
) -> None:
    """Exit code 8, nothing shown and nothing written; the refusal is in the log."""
    command, arguments = LISTS[name]
    before = set(tmp_path.iterdir())
    code, shown, said = listed.read(command, person, *arguments(tmp_path))
    assert (code, shown) == (8, "")
    assert f"the role {ROLES[person]} may not read" in said
    assert set(tmp_path.iterdir()) == before
    (event,) = listed.log
    assert (event.outcome, event.details["code"]) == (Outcome.REFUSED, "not_permitted")


@pytest.mark.parametrize("name", LISTS)
def test_staff_read_lists_and_take_no_copy(name: str, listed: ListedNode, tmp_path: Path) -> None:
    """The matrix lets a virtual school's staff read what their head reads, and take nothing out."""
    command, arguments = LISTS[name]
    code, _, said = listed.read(command, "officer", *arguments(tmp_path))
    assert code == (8 if name in COPIES else 0)
    assert ("may not export" in said) == (name in COPIES)


def test_a_child_is_in_the_log_under_the_logs_own_token(listed: ListedNode) -> None:
    """The same token as in the log of lookups and claims; the log holds nothing that a child is known by."""
    listed.read("returns", "vsh")
    assert {event.subject for event in listed.log if event.subject} == {listed.token("77"), listed.token("88")}
    bodies = "".join(event.to_bytes().decode() for event in listed.log)
    for value in (UPN, BORN, "/2010", "2010-01", '"77"', "SCH7"):
        assert value not in bodies


def test_the_list_of_incomplete_children_names_each_in_the_log(listed: ListedNode) -> None:
    """As many entries as children shown."""
    _, shown, _ = listed.read("incomplete", "vsh", "--term", "202425-summer", "--format", "json")
    assert [row["la_child_id"] for row in json.loads(shown)] == ["88"]
    assert [event.subject for event in listed.log if event.subject] == [listed.token("88")]


@pytest.mark.parametrize(
    ("purpose", "said"),
    [("  ", "say why"), (f"About {UPN}", "cannot be logged"), ("About a801-2000-05001", "cannot be logged")],
)
def test_a_purpose_is_given_and_names_no_child(purpose: str, said: str, listed: ListedNode) -> None:
    code, shown, error = listed.read("returns", "vsh", purpose=purpose)
    assert (code, shown) == (2, "")
    assert said in error
    assert UPN not in error
    assert listed.log == []


def test_a_stranger_is_refused(listed: ListedNode) -> None:
    code, shown, error = listed.read("returns", "nobody")
    assert (code, shown) == (2, "")
    assert "add them with circe node person" in error


def test_the_authoritys_own_policy_decides(listed: ListedNode) -> None:
    """An authority that takes the right to read education from its head is obeyed at once."""
    lines = [line for line in MATRIX.read_text().splitlines() if "home, read, education" not in line]
    put_policy(listed.state, "\n".join(lines) + "\n")
    assert listed.read("returns", "vsh")[0] == 8


@pytest.mark.parametrize("option", ["--page", "--csv"])
def test_a_page_is_for_somebody_and_for_something(option: str, listed: ListedNode, tmp_path: Path) -> None:
    """What the loads reported tells of no child and needs no reader; the page and the CSV do."""
    assert run(["node", "quality", "--state", str(listed.state)]) == 0
    assert run(["node", "quality", "--state", str(listed.state), option, str(tmp_path / "file")]) == 2
    assert not (tmp_path / "file").exists()
    assert listed.log == []
