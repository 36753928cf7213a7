"""The drill of a revocation: every entry that a key has to do with, from verified logs, and what its end leaves."""

import sqlite3

import msgspec
import pytest

from audit.event import Action, AuditEvent
from audit.verifier import LogBroken
from federation.drill import Drill, Logged, find_open, list_consequences, rehearse_revocation
from federation.register import Register
from federation.register_changes import describe_adoption
from node.answering import answer_manifest
from node.lookups.asking import ask_placed_here
from tests.federation.cast import NOW, make_member, make_register, replace_member
from tests.node.lookups.test_lookups import PURPOSE, PaperRelay
from tests.small_federation import SmallFederation


def rehearse(federation: SmallFederation, member: str, *authorities: str) -> Drill:
    register = federation.register
    entry = next(each for each in register.members if each.id == member)
    states = [federation.directory / f"node-{code}" for code in authorities]
    return rehearse_revocation(entry, register, states, federation.clock())


def touched(drill: Drill) -> list[tuple[str, str, str]]:
    return [(touch.log, touch.action, touch.how) for touch in drill.touched]


def test_what_a_researchers_key_asked_is_found_at_every_node(federation: SmallFederation) -> None:
    manifest = federation.manifest()
    for authority in ("301", "316"):
        answer_manifest(federation.node(authority), federation.sign(manifest))
    drill = rehearse(federation, "ana@ucl", "203", "301", "316")
    assert {(touch.log, touch.reference) for touch in drill.touched} == {
        ("node-301", manifest.query_id),
        ("node-316", manifest.query_id),
    }
    assert {action for _, action, _ in touched(drill)} == {Action.QUERY_RECEIVED, Action.QUERY_ANSWERED}
    assert {how for _, _, how in touched(drill)} == {"acted"}
    assert [touch.at for touch in drill.touched] == sorted(touch.at for touch in drill.touched)


def test_what_was_told_to_a_nodes_people_is_found_at_both_ends(federation: SmallFederation) -> None:
    """Whoever had the node's key had what its lookups brought: other nodes' entries name its authority."""
    node = federation.node("203")
    result = ask_placed_here(node, PaperRelay(federation), node.find_person("vsh"), PURPOSE, patience=1)
    drill = rehearse(federation, "node-203", "203", "301")
    told = [touch for touch in drill.touched if touch.log == "node-301" and touch.action == Action.LOOKUP_ANSWERED]
    assert told
    assert {(touch.reference, touch.how) for touch in told} == {(result.lookup_id, "its people")}
    assert ("node-203", Action.LOOKUP_ASKED, "its people") in touched(drill)


def test_what_else_happened_to_a_query_is_followed_through_other_logs(federation: SmallFederation) -> None:
    """A node refuses a query in its own name; that is part of what the asker's key brought about."""
    manifest = federation.manifest(minimum_register_version=2)
    answer_manifest(federation.node("301"), federation.sign(manifest))
    answer_manifest(federation.node("316"), federation.sign(federation.manifest(query_id=manifest.query_id)))
    followed = touched(rehearse(federation, "ana@ucl", "301", "316"))
    assert ("node-301", Action.QUERY_REFUSED, "followed") in followed
    assert ("node-316", Action.QUERY_ANSWERED, "acted") in followed


def test_who_else_came_with_the_same_register_is_not_followed(federation: SmallFederation) -> None:
    """One's own enrolment is listed; those of the others have the version in common with it, and nothing else."""
    node = federation.node("301")
    node.record(*describe_adoption(None, federation.register, "node-301", federation.clock()))
    enrolled, adopted = ("node-301", "member.enrolled", "named"), ("node-301", "register.adopted", "acted")
    assert touched(rehearse(federation, "node-301", "301"))[-2:] == [enrolled, adopted]
    assert touched(rehearse(federation, "ana@ucl", "301")) == [enrolled]


def test_a_key_is_found_where_several_are_named(federation: SmallFederation) -> None:
    node = federation.node("301")
    node.record(node.event(Action.SUM_FAILED, "hub", "Q-1", because_of="node-203 node-316"))
    assert [how for *_, how in touched(rehearse(federation, "node-316", "301"))] == ["named"]
    assert touched(rehearse(federation, "node-317", "301")) == []


def test_a_key_that_touched_nothing_has_an_empty_list(federation: SmallFederation) -> None:
    assert rehearse(federation, "analyst@lse", *federation.authorities).touched == ()


@pytest.mark.parametrize("end", ["RELEASED", "EXPIRED", "UNFINISHED", "WITHHELD", "WITHDRAWN", "DECLINED", ""])
def test_a_query_that_has_come_to_an_end_is_not_under_way(end: str) -> None:
    """Whichever end; one of which a node has refused its part is under way still."""
    said = ["DRAFTED", "SUBMITTED", "APPROVED", "OFFERED", "REFUSED", *([end] if end else [])]
    logged = [
        Logged("hub", number, AuditEvent(at=NOW, actor="hub", action=Action[f"QUERY_{word}"], reference="Q-1"))
        for number, word in enumerate(said)
    ]
    assert find_open(logged, {"Q-1"}) == (() if end else ("Q-1",))


def test_a_log_that_was_altered_is_not_believed(federation: SmallFederation) -> None:
    answer_manifest(federation.node("301"), federation.sign(federation.manifest()))
    with sqlite3.connect(federation.party("node-301").database) as connection:
        connection.execute("UPDATE audit_entries SET body = replace(CAST(body AS TEXT), 'ana@ucl', 'bea@ucl')")
    connection.close()
    with pytest.raises(LogBroken):
        rehearse(federation, "ana@ucl", "301")


def consequences(register: Register, member_id: str) -> list[str]:
    return list(list_consequences(register.find(member_id, NOW), register, NOW))


def test_what_a_nodes_end_would_leave_is_said() -> None:
    said = consequences(make_register(), "node-301")
    assert said[0].startswith("authority 301 has no node")
    assert said[1] == "rosters have 1 operators where they had 2"


def test_an_operator_with_other_nodes_is_still_one() -> None:
    register = replace_member("node-301", operator="la-203")
    assert "rosters have 1 operators as before" in consequences(register, "node-301")[1]


def test_what_an_approvers_end_would_leave_is_said() -> None:
    register = make_register()
    assert "officer@dfe approved" in consequences(register, "officer@dfe")[0]
    assert consequences(register, "officer@dfe")[-1] == "dfe has no approver left"
    assert len(consequences(register, "officer@la-203")) == 1
    gone = [make_member(each.id, revoked=each.id == "deputy@la-203") for each in register.members]
    alone = msgspec.structs.replace(register, members=tuple(gone))
    assert consequences(alone, "officer@la-203")[-1] == "la-203 has no approver left"


def test_the_hubs_end_stops_delivery_alone() -> None:
    assert consequences(make_register(), "hub")[-1].startswith("nothing else stops")
