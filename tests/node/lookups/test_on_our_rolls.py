"""Children in others' care on our own rolls: found by the national lists, whoever has told us of them or not."""

from pathlib import Path

import duckdb
import pytest

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.cli import run
from node.ingest.tokens import row_token
from node.lookups.on_our_rolls import ASK_SCHOOL, LISTING, find_on_our_rolls, list_on_our_rolls
from node.service import Node
from policies.access_policy import AccessDenied
from policies.names import Role
from tests.every_role import enter_one
from tests.policies.test_access_matrix import ALLOWED
from tests.small_federation import SmallFederation, copy_federation

HOST = "203"


@pytest.fixture(scope="module")
def node(pristine_london: SmallFederation, tmp_path_factory: pytest.TempPathFactory) -> Node:
    """A node that has loaded the national lists."""
    copied = copy_federation(pristine_london, tmp_path_factory.mktemp("rolls") / "london")
    return copied.node(HOST)


def expected(node: Node) -> set[str]:
    """The naive answer, by reading the files as they were loaded."""
    snapshot = node.store.current()
    assert snapshot is not None
    place = snapshot.path / "identified"

    def numbers(sql: str) -> set[str]:
        return {str(upn) for (upn,) in duckdb.connect(":memory:").execute(sql).fetchall()}

    def newest(name: str) -> Path:
        return max((place / "staged").glob(f"{name}-*.parquet"))

    told = numbers(f"SELECT upn FROM '{newest('giap_pupil_premium')}' WHERE lookedafterpremium")
    told |= numbers(f"SELECT upn FROM '{newest('giap_ks2')}' WHERE cla_12_months")
    here = numbers(f"SELECT upn FROM '{place}/pupils.parquet' WHERE upn IS NOT NULL AND academic_year = 202425")
    ours = numbers(
        f"SELECT upn FROM '{place}/children.parquet' "
        "WHERE upn IS NOT NULL AND care_start IS NOT NULL AND care_end IS NULL AND academic_year = 202425"
    )
    return (told & here) - ours


def test_everybody_is_found_who_is_in_care_and_not_in_ours(node: Node) -> None:
    found = list_on_our_rolls(node, "vsh", "Who is in our schools")
    assert {child.upn for child in found} == expected(node)
    assert len(found) > 5
    assert all(child.homes == () and child.row[-1] == ASK_SCHOOL for child in found)


def test_each_child_shown_is_in_the_log_by_our_own_token(node: Node) -> None:
    found = list_on_our_rolls(node, "vsh", "Who is in our schools")
    entries = [entry.to_event() for entry in read_entries(node.database.connection, action=Action.CHILDREN_LISTED)]
    keys = node.party.keys
    tokens = {keys.log_token(row_token(keys.row_secret, child.upn)) for child in found}
    named = {event.subject for event in entries if event.details["listing"] == LISTING.name and event.subject}
    assert named == tokens
    assert {event.relationship for event in entries if event.details["listing"] == LISTING.name} == {"host"}


def test_who_has_claimed_a_child_here_is_named(node: Node) -> None:
    """The claim is kept by our own log token, which is that of the child on the roll."""
    snapshot = node.store.current()
    assert snapshot is not None
    first, *_ = find_on_our_rolls(node, snapshot)
    keys = node.party.keys
    token = keys.log_token(row_token(keys.row_secret, first.upn))
    with node.database.transaction() as connection:
        for home in ("301", "316"):
            connection.execute("INSERT INTO claims_matched VALUES (?, '202425-summer', ?, '2025-07-01')", (home, token))
    again, *others = find_on_our_rolls(node, snapshot)
    assert again.homes == ("301", "316")
    assert again.row[-1] == "call 301 and 316"
    assert all(child.homes == () for child in others)
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM claims_matched")


@pytest.mark.parametrize("role", Role)
def test_the_list_is_for_whoever_may_list_a_hosts_children(node: Node, role: Role) -> None:
    enter_one(node.party.directory, role, 100_001, "somebody")
    if (role, "host", "list", "identity") in ALLOWED:
        assert list_on_our_rolls(node, "somebody", "Who is in our schools")
        return
    with pytest.raises(AccessDenied):
        list_on_our_rolls(node, "somebody", "Who is in our schools")
    entry = next(iter(read_entries(node.database.connection, action=Action.CHILDREN_LISTED))).to_event()
    assert entry.outcome is Outcome.REFUSED


@pytest.mark.parametrize("form", ["csv", "json"])
def test_no_copy_of_it_is_taken(node: Node, form: str, capfd: pytest.CaptureFixture[str]) -> None:
    state = str(node.party.directory)
    asked = ["lookup", "--state", state, "--as", "vsh", "--purpose", "Review", "--on-our-rolls", "--format"]
    assert run([*asked, form]) == 8
    assert capfd.readouterr().out == ""
    assert run([*asked, "table"]) == 0
    told = capfd.readouterr()
    assert "of an authority not known" in told.err
    assert "A" in told.out


def test_a_node_without_the_lists_finds_nobody(federation: SmallFederation) -> None:
    """The School Census does not say who is in care: nothing is made up."""
    assert list_on_our_rolls(federation.node("301"), "vsh", "Who is in our schools") == ()
