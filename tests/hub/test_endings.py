"""Queries that are withdrawn or refused, and releases that get a notice: by whom, until when, and what is left."""

from collections.abc import Callable

import pytest

from audit.event import Action
from audit.log import read_entries
from federation.exchange import QueryState, QueryStatus
from federation.problems import ProblemRaised
from federation.register import Member
from hub.dispatch import has_deliveries
from hub.endings import give_notice, refuse_query, withdraw_query
from hub.queries import find_query
from hub.release import find_release
from hub.service import Hub
from hub.standing import describe_query
from tests.hub.played_federation import NODES, PlayedFederation

End = Callable[[Hub, str, str, Member], None]
WHY = "The wrong academic year"


def status_of(federation: PlayedFederation, query_id: str, reader: str = "ana") -> QueryStatus:
    return describe_query(federation.hub, find_query(federation.hub, query_id, federation.member(reader)))


def code_of(raised: pytest.ExceptionInfo[ProblemRaised]) -> tuple[int, str]:
    return raised.value.problem.status, raised.value.problem.code


def test_who_ended_it_and_why_is_told_to_everybody_who_may_see_it(federation: PlayedFederation) -> None:
    refused = federation.sign(federation.draft(), "ana")
    refuse_query(federation.hub, refused, WHY, federation.member("dev"))
    ending = status_of(federation, refused, "eve").ending
    assert ending is not None
    assert (ending.by, ending.reason, ending.at) == ("dev", WHY, federation.clock())
    newest = next(iter(read_entries(federation.hub.database.connection, reference=refused))).to_event()
    assert (newest.action, newest.actor, newest.purpose) == (Action.QUERY_DECLINED, "dev", WHY)


@pytest.mark.parametrize(
    ("member", "refusal"),
    [
        ("bea", (404, "query_unknown")),
        ("cho", (403, "not_the_asker")),
        ("eve", (403, "not_the_asker")),
        ("gus", (403, "not_the_asker")),
        ("node-301", (404, "query_unknown")),
    ],
)
def test_nobody_else_withdraws_it(federation: PlayedFederation, member: str, refusal: tuple[int, str]) -> None:
    query_id = federation.draft()
    with pytest.raises(ProblemRaised) as raised:
        withdraw_query(federation.hub, query_id, WHY, federation.member(member))
    assert code_of(raised) == refusal
    assert status_of(federation, query_id).state is QueryState.DRAFTED


@pytest.mark.parametrize(
    ("member", "refusal"),
    [("ana", (403, "not_permitted")), ("eve", (403, "approver_unknown")), ("node-301", (404, "query_unknown"))],
)
def test_nobody_but_an_approver_refuses_it(federation: PlayedFederation, member: str, refusal: tuple[int, str]) -> None:
    query_id = federation.sign(federation.draft(), "ana")
    with pytest.raises(ProblemRaised) as raised:
        refuse_query(federation.hub, query_id, WHY, federation.member(member))
    assert code_of(raised) == refusal
    assert status_of(federation, query_id).state is QueryState.SUBMITTED


def test_an_approver_of_the_askers_own_organisation_does_not_refuse_it(federation: PlayedFederation) -> None:
    query_id = federation.sign(federation.draft(), "ana")
    federation.change_member("dev", organisation="university")
    with pytest.raises(ProblemRaised) as raised:
        refuse_query(federation.hub, query_id, WHY, federation.member("dev"))
    assert code_of(raised) == (403, "approved_by_own")


def test_nodes_are_not_asked_for_what_is_withdrawn(federation: PlayedFederation) -> None:
    """Their inboxes are empty again, and an answer that comes all the same is not taken."""
    query_id = federation.start()
    node = federation.member("node-301")
    assert has_deliveries(federation.hub, node, federation.clock())
    withdraw_query(federation.hub, query_id, WHY, federation.member("ana"))
    assert not has_deliveries(federation.hub, node, federation.clock())
    with pytest.raises(ProblemRaised) as raised:
        federation.answer(query_id, "node-301")
    assert code_of(raised) == (409, "not_awaited")


@pytest.mark.parametrize(("end", "member"), [(withdraw_query, "ana"), (refuse_query, "dev")])
def test_what_has_ended_does_not_end_again(federation: PlayedFederation, end: End, member: str) -> None:
    query_id = federation.answer(federation.start(), *NODES)
    with pytest.raises(ProblemRaised) as raised:
        end(federation.hub, query_id, WHY, federation.member(member))
    assert code_of(raised) == (409, "state")
    assert status_of(federation, query_id).ending is None


def test_a_reason_that_names_a_child_is_not_taken(federation: PlayedFederation) -> None:
    """It would stand in the log; and then nothing has ended."""
    query_id = federation.draft()
    with pytest.raises(ProblemRaised) as raised:
        withdraw_query(federation.hub, query_id, "It was about A123456789012", federation.member("ana"))
    assert code_of(raised) == (422, "not_loggable")
    assert status_of(federation, query_id).state is QueryState.DRAFTED


# --- Notices ---------------------------------------------------------------------------------------------------------


def test_a_release_that_is_withdrawn_stays_as_it_is_with_a_notice(federation: PlayedFederation) -> None:
    query_id = federation.answer(federation.start(), *NODES)
    query = find_query(federation.hub, query_id, federation.member("ana"))
    before = find_release(federation.hub, query)
    give_notice(federation.hub, query_id, WHY, federation.member("gus"))
    status = status_of(federation, query_id)
    assert status.state is QueryState.RELEASED
    assert status.ending is not None
    assert (status.ending.by, status.ending.reason) == ("gus", WHY)
    assert find_release(federation.hub, query) == before


def test_a_notice_is_given_once_and_stays(federation: PlayedFederation) -> None:
    query_id = federation.answer(federation.start(), *NODES)
    give_notice(federation.hub, query_id, WHY, federation.member("gus"))
    with pytest.raises(ProblemRaised) as raised:
        give_notice(federation.hub, query_id, "Something else", federation.member("gus"))
    assert code_of(raised) == (409, "ended_already")
    ending = status_of(federation, query_id).ending
    assert ending is not None
    assert ending.reason == WHY


@pytest.mark.parametrize("member", ["ana", "cho", "eve"])
def test_nobody_but_a_checker_gives_notice(federation: PlayedFederation, member: str) -> None:
    query_id = federation.answer(federation.start(), *NODES)
    with pytest.raises(ProblemRaised) as raised:
        give_notice(federation.hub, query_id, WHY, federation.member(member))
    assert code_of(raised) == (403, "not_permitted")
    assert status_of(federation, query_id).ending is None


def test_there_is_no_notice_of_what_was_not_released(federation: PlayedFederation) -> None:
    with pytest.raises(ProblemRaised) as raised:
        give_notice(federation.hub, federation.start(), WHY, federation.member("gus"))
    assert code_of(raised) == (409, "state")
