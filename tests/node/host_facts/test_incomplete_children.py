"""Who is still incomplete: each child of whom no roll tells is listed, with the right reason."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from federation.register import Member, Register
from node.claim_ledger import Reason
from node.incomplete import SoughtChild, find_obstacle, list_incomplete
from node.ingest.periods import Period
from node.loading import load_into
from node.service import open_node
from node.setting_up import create_node
from tests.node.host_facts.naive_rolls import Enrolled, children_in_care, incomplete
from tests.node.host_facts.played_claims import HOME, HOST, PaperRelay, claim
from tests.node.ingest.small_returns import write_table
from tests.small_federation import SmallFederation


def test_the_list_names_each_child_left_with_the_right_reason(
    federation: SmallFederation, pooled: Mapping[str, Enrolled], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One host is silent, one refuses, one has no node; the naive reason of each child is worked out from the files."""
    everyone = Register.active

    def active(self: Register, kind: Any, now: Any) -> list[Member]:
        return [member for member in everyone(self, kind, now) if member.id != "node-317"]

    monkeypatch.setattr(Register, "active", active)
    federation.change_rule(HOST, "answer = true", "answer = false")
    before = incomplete(federation)
    claim(federation, PaperRelay(federation, silent=frozenset({"node-316"})))
    listed = incomplete(federation)
    children = children_in_care(federation.node(HOME))
    left = [child for child in children if child.upn not in pooled or pooled[child.upn].authority != HOME]
    assert {child.la_child_id for child in left} == set(listed) == set(before)
    naive = {HOST: Reason.HOST_REFUSED, "316": Reason.HOST_NOT_ANSWERED, "317": Reason.HOST_HAS_NO_NODE}
    for child in left:
        if child.upn in pooled:
            assert listed[child.la_child_id].reason is naive[pooled[child.upn].authority]
            assert listed[child.la_child_id].host == pooled[child.upn].authority
        elif not re.fullmatch("[A-Z][0-9]{11}[0-9A-Z]", child.upn):
            assert listed[child.la_child_id].reason is Reason.NO_UPN
    unclaimed = {child.reason for child in before.values()}
    assert unclaimed >= {Reason.NOT_CLAIMED, Reason.HOST_HAS_NO_NODE}
    assert Reason.HOST_NOT_ANSWERED not in unclaimed
    assert set(naive.values()) <= {child.reason for child in listed.values()}


def test_whoever_is_left_after_an_honest_claim_is_on_no_roll_of_england(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    claim(federation)
    children = children_in_care(federation.node(HOME))
    listed = incomplete(federation)
    assert set(listed) == {child.la_child_id for child in children if child.upn not in pooled}
    assert listed
    allowed = {Reason.NO_UPN, Reason.NOT_ON_OWN_ROLL, Reason.NOT_FOUND_AT_HOST, Reason.HOST_UNKNOWN}
    assert {child.reason for child in listed.values()} <= allowed


def test_a_node_that_has_joined_no_federation_lists_its_children_too(tmp_path: Path) -> None:
    """What stands in the way of each is told before anybody is asked: an authority can begin with its own return."""
    create_node(tmp_path / "state", "301")
    header = "CHILD | UPN\nelsewhere | B801200005001\nhere | Q801200005002\nunnumbered | UN4"
    episodes = "CHILD | PL_POST\nelsewhere | SW1A 1AA\nhere | IG11 0AB\nunnumbered | SW1A 1AA"
    for name, text in {"header": header, "episodes": episodes}.items():
        write_table(tmp_path / "return", name, text)
    load_into(tmp_path / "state", [tmp_path / "return"], 2025, lambda _: None)
    listed = list_incomplete(open_node(tmp_path / "state"), Period(202425, "summer"))
    assert {child.la_child_id: (child.host, child.reason) for child in listed} == {
        "elsewhere": ("213", Reason.NOT_JOINED),
        "here": ("301", Reason.NOT_ON_OWN_ROLL),
        "unnumbered": ("213", Reason.NO_UPN),
    }


OBSTACLES: dict[str, tuple[dict[str, Any], Reason | None]] = {
    "nothing in the way": ({}, None),
    "no number": ({"upn": None}, Reason.NO_UPN),
    "a code for no number": ({"upn": "UN3"}, Reason.NO_UPN),
    "no number of its form": ({"upn": "A12345678901O"}, Reason.NO_UPN),
    "no date of birth": ({"born": None}, Reason.NO_DATE_OF_BIRTH),
    "nobody knows where": ({"host": None}, Reason.HOST_UNKNOWN),
    "here, on no roll": ({"host": HOME}, Reason.NOT_ON_OWN_ROLL),
    "where nobody takes part": ({"host": "999"}, Reason.HOST_HAS_NO_NODE),
}


@pytest.mark.parametrize(("changes", "reason"), OBSTACLES.values(), ids=OBSTACLES)
def test_why_nobody_can_be_asked(changes: dict[str, Any], reason: Reason | None) -> None:
    usual: dict[str, Any] = {
        "token": "0" * 32,
        "la_child_id": "C1",
        "upn": "A123456789012",
        "born": date(2012, 1, 31),
        "care_start": date(2020, 1, 1),
        "care_end": None,
        "year_group": 8,
        "host": HOST,
    }
    child = SoughtChild(**(usual | changes))
    nodes: Any = {HOST: None}
    assert find_obstacle(child, child.host, HOME, nodes) is reason


def test_every_reason_can_be_come_by() -> None:
    """The reasons of the tests above are all there are."""
    by_claim = {Reason.HOST_NOT_ANSWERED, Reason.HOST_REFUSED, Reason.HOST_ANSWER_REJECTED, Reason.NOT_FOUND_AT_HOST}
    assert {reason for _, reason in OBSTACLES.values() if reason} | by_claim | {
        Reason.NOT_CLAIMED,
        Reason.NOT_JOINED,
    } == set(Reason)
