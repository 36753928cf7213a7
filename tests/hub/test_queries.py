"""From a draft to a running query: who may do what in which state, as one table, and who may see what."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from federation.envelope import Signature, sign_body
from federation.exchange import CheckDecision, DeliveryKind, QueryState
from federation.manifest import MANIFEST_TYPE, REPLY_TYPE
from federation.problems import ProblemRaised
from hub import gate, settling, standing
from hub.deciding import decide_release
from hub.dispatch import read_inbox
from hub.endings import refuse_query, withdraw_query
from hub.queries import find_query
from hub.query_states import TRANSITIONS
from hub.signing import sign_query
from hub.standing import describe_query
from tests.hub.played_federation import NODES, PlayedFederation

S = QueryState

REACH: dict[QueryState, Callable[[PlayedFederation], str]] = {
    S.DRAFTED: lambda federation: federation.draft(),
    S.SUBMITTED: lambda federation: federation.sign(federation.draft(), "ana"),
    S.APPROVED: lambda federation: federation.sign(federation.draft(), "ana", "cho", "dev", starts=False),
    S.RUNNING: lambda federation: federation.start(),
    S.CHECKING: lambda federation: leave_to_a_checker(federation, federation.start()),
    S.RELEASED: lambda federation: federation.answer(federation.start(), *NODES),
    S.EXPIRED: lambda federation: expire(federation, federation.draft()),
    S.UNFINISHED: lambda federation: expire(federation, federation.start()),
    S.REFUSED: lambda federation: refuse(federation, federation.sign(federation.draft(), "ana")),
    S.WITHDRAWN: lambda federation: take_back(federation, federation.draft()),
}
"""How a query comes into each state."""

SIGNING = [
    # state        signer   next state, or the refusal
    (S.DRAFTED, "ana", S.SUBMITTED),
    (S.DRAFTED, "bea", (404, "query_unknown")),
    (S.DRAFTED, "cho", (409, "state")),
    (S.DRAFTED, "eve", (409, "state")),
    (S.DRAFTED, "gus", (403, "not_permitted")),
    (S.DRAFTED, "node-301", (404, "query_unknown")),
    (S.DRAFTED, "hub", (404, "query_unknown")),
    (S.SUBMITTED, "cho", S.SUBMITTED),
    (S.SUBMITTED, "dev", S.SUBMITTED),
    (S.SUBMITTED, "eve", (403, "approver_unknown")),
    (S.SUBMITTED, "gus", (403, "not_permitted")),
    (S.SUBMITTED, "bea", (404, "query_unknown")),
    (S.APPROVED, "eve", (409, "state")),
    (S.RUNNING, "eve", (409, "state")),
    (S.CHECKING, "eve", (409, "state")),
    (S.RELEASED, "eve", (409, "state")),
    (S.EXPIRED, "ana", (409, "state")),
    (S.EXPIRED, "cho", (409, "state")),
    (S.UNFINISHED, "eve", (409, "state")),
    (S.REFUSED, "cho", (409, "state")),
    (S.WITHDRAWN, "ana", (409, "state")),
]


def expire(federation: PlayedFederation, query_id: str) -> str:
    """Let a query's time run out, and have the hub settle it."""
    federation.clock.advance(timedelta(hours=168))
    settling.settle_due(federation.hub, federation.clock())
    return query_id


def refuse(federation: PlayedFederation, query_id: str, approver: str = "cho") -> str:
    """Have an approver refuse a query."""
    refuse_query(federation.hub, query_id, "It asks too much", federation.member(approver))
    return query_id


def take_back(federation: PlayedFederation, query_id: str, member: str = "ana") -> str:
    """Have somebody withdraw a query."""
    withdraw_query(federation.hub, query_id, "It was a mistake", federation.member(member))
    return query_id


def leave_to_a_checker(federation: PlayedFederation, query_id: str) -> str:
    """Have all nodes answer while there is no time for the attack before a release."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gate, "LONGEST_SECONDS", -1.0)
        return federation.answer(query_id, *NODES)


def decide(federation: PlayedFederation, query_id: str, *, release: bool) -> None:
    """Have the output checker decide."""
    decision = CheckDecision(release=release)
    decide_release(federation.hub, query_id, decision, federation.member("gus"))


def state_of(federation: PlayedFederation, query_id: str) -> QueryState:
    return find_query(federation.hub, query_id, federation.member("ana")).state


def signature_of(federation: PlayedFederation, query_id: str, signer: str) -> Signature:
    body = find_query(federation.hub, query_id, federation.member("ana")).envelope.body
    return sign_body(body, MANIFEST_TYPE, federation.parties[signer].keys)


def hand_in(federation: PlayedFederation, query_id: str, signature: Signature, signer: str) -> None:
    sign_query(federation.hub, query_id, signature, federation.member(signer))


def log_of(federation: PlayedFederation, query_id: str) -> list[tuple[Action, str]]:
    """What the hub's log says of a query, oldest first."""
    entries = read_entries(federation.hub.database.connection, reference=query_id)
    return [(event.action, event.actor) for event in (entry.to_event() for entry in entries)][::-1]


@pytest.mark.parametrize(
    ("state", "signer", "outcome"), SIGNING, ids=lambda value: value if isinstance(value, str) else None
)
def test_who_may_sign_in_which_state(
    federation: PlayedFederation, state: QueryState, signer: str, outcome: QueryState | tuple[int, str]
) -> None:
    """A signature moves the query on, or is refused and leaves everything as it was."""
    query_id = REACH[state](federation)
    before = describe_query(federation.hub, find_query(federation.hub, query_id, federation.member("ana")))
    logged = len(log_of(federation, query_id))
    signature = signature_of(federation, query_id, signer)
    if isinstance(outcome, QueryState):
        hand_in(federation, query_id, signature, signer)
        assert state_of(federation, query_id) is outcome
        assert len(log_of(federation, query_id)) == logged + 1
        return
    with pytest.raises(ProblemRaised) as refused:
        hand_in(federation, query_id, signature, signer)
    assert (refused.value.problem.status, refused.value.problem.code) == outcome
    after = describe_query(federation.hub, find_query(federation.hub, query_id, federation.member("ana")))
    assert after == before
    assert len(log_of(federation, query_id)) == logged


def test_every_state_has_its_row() -> None:
    """The state machine, the ways to each state, and the table above speak of the same states."""
    assert set(TRANSITIONS) == set(REACH) == {row[0] for row in SIGNING} == set(QueryState)
    assert set().union(*TRANSITIONS.values()) == set(QueryState) - {QueryState.DRAFTED}


ARROWS = [(before, after) for before, arrows in TRANSITIONS.items() for after in sorted(arrows)]

WALKS: dict[tuple[QueryState, QueryState], Callable[[PlayedFederation, str], object]] = {
    (S.DRAFTED, S.SUBMITTED): lambda federation, query_id: federation.sign(query_id, "ana"),
    (S.DRAFTED, S.EXPIRED): expire,
    (S.DRAFTED, S.WITHDRAWN): take_back,
    (S.SUBMITTED, S.REFUSED): refuse,
    (S.SUBMITTED, S.WITHDRAWN): take_back,
    (S.RUNNING, S.WITHDRAWN): take_back,
    (S.CHECKING, S.WITHDRAWN): take_back,
    (S.SUBMITTED, S.APPROVED): lambda federation, query_id: federation.sign(query_id, "dev", "cho", starts=False),
    (S.APPROVED, S.RUNNING): lambda federation, query_id: settling.start_query(federation.hub, query_id),
    (S.APPROVED, S.UNFINISHED): expire,
    (S.APPROVED, S.WITHDRAWN): take_back,
    (S.SUBMITTED, S.EXPIRED): expire,
    (S.RUNNING, S.RELEASED): lambda federation, query_id: federation.answer(query_id, *NODES),
    (S.RUNNING, S.REFUSED): lambda federation, query_id: [federation.refuse(query_id, node) for node in NODES],
    (S.RUNNING, S.UNFINISHED): expire,
    (S.RUNNING, S.CHECKING): leave_to_a_checker,
    (S.CHECKING, S.RELEASED): lambda federation, query_id: decide(federation, query_id, release=True),
    (S.CHECKING, S.REFUSED): lambda federation, query_id: decide(federation, query_id, release=False),
}


@pytest.mark.parametrize(("before", "after"), ARROWS)
def test_each_arrow_can_be_walked(federation: PlayedFederation, before: QueryState, after: QueryState) -> None:
    query_id = REACH[before](federation)
    assert state_of(federation, query_id) is before
    WALKS[before, after](federation, query_id)
    assert state_of(federation, query_id) is after


def test_the_log_tells_the_journey(federation: PlayedFederation) -> None:
    query_id = federation.answer(federation.start(), *NODES)
    assert log_of(federation, query_id) == [
        (Action.QUERY_DRAFTED, "ana"),
        (Action.QUERY_SUBMITTED, "ana"),
        (Action.QUERY_APPROVED, "cho"),
        (Action.QUERY_APPROVED, "dev"),
        (Action.QUERY_OFFERED, "hub"),
        *((Action.QUERY_ANSWERED, node) for node in NODES),
        (Action.QUERY_RELEASED, "hub"),
    ]


# --- Signatures ----------------------------------------------------------------------------------------------------


def refusal_of(federation: PlayedFederation, query_id: str, signature: Signature, signer: str) -> str:
    with pytest.raises(ProblemRaised) as refused:
        hand_in(federation, query_id, signature, signer)
    assert state_of(federation, query_id) is QueryState.SUBMITTED
    return refused.value.problem.code


def test_nobody_hands_in_anothers_signature(federation: PlayedFederation) -> None:
    query_id = federation.sign(federation.draft(), "ana")
    assert refusal_of(federation, query_id, signature_of(federation, query_id, "dev"), "cho") == "signature_of_another"


def test_a_signature_under_ones_own_name_by_anothers_key_is_refused(federation: PlayedFederation) -> None:
    query_id = federation.sign(federation.draft(), "ana")
    forged = msgspec.structs.replace(signature_of(federation, query_id, "dev"), keyid="cho")
    assert refusal_of(federation, query_id, forged, "cho") == "signature_invalid"


def test_a_signature_over_other_bytes_or_another_type_is_refused(federation: PlayedFederation) -> None:
    """Neither one's approval of another query, nor one's signature under a reply, approves this query."""
    query_id, other = federation.sign(federation.draft(), "ana"), federation.sign(federation.draft(), "ana")
    body = find_query(federation.hub, query_id, federation.member("ana")).envelope.body
    of_a_reply = sign_body(body, REPLY_TYPE, federation.parties["cho"].keys)
    for wrong in (signature_of(federation, other, "cho"), of_a_reply, Signature(keyid="cho", sig="no base64")):
        assert refusal_of(federation, query_id, wrong, "cho") == "signature_invalid"


@pytest.mark.parametrize("state", [S.SUBMITTED, S.APPROVED, S.RUNNING, S.RELEASED, S.UNFINISHED])
def test_the_same_signature_again_changes_nothing(federation: PlayedFederation, state: QueryState) -> None:
    """Whoever did not hear that it had arrived may send it again; it counts once."""
    query_id = REACH[state](federation)
    before = (standing.measure_progress(federation.hub, query_id), log_of(federation, query_id))
    hand_in(federation, query_id, signature_of(federation, query_id, "ana"), "ana")
    assert (standing.measure_progress(federation.hub, query_id), log_of(federation, query_id)) == before


def test_a_second_signature_by_the_same_member_is_refused(federation: PlayedFederation) -> None:
    """Two by one member would make the envelope unreadable for every node."""
    query_id = federation.sign(federation.draft(), "ana", "cho")
    another = msgspec.structs.replace(signature_of(federation, query_id, "dev"), keyid="cho")
    assert refusal_of(federation, query_id, another, "cho") == "signed_already"


def test_the_askers_own_organisation_does_not_approve(federation: PlayedFederation) -> None:
    federation.change_member("dev", organisation="university")
    query_id = federation.sign(federation.draft(), "ana", "cho")
    assert refusal_of(federation, query_id, signature_of(federation, query_id, "dev"), "dev") == "approved_by_own"


@pytest.mark.parametrize(
    "changes",
    [
        {"organisation": "authority-301", "organisation_kind": "authority"},
        {"organisation": "another-institute", "organisation_kind": "research"},
    ],
    ids=["one organisation", "no authority"],
)
def test_two_organisations_approve_and_one_is_an_authority(
    federation: PlayedFederation, changes: dict[str, str]
) -> None:
    """Two approvers of one organisation, or of two that are no authorities, leave the query where it was."""
    member = "dev" if changes["organisation"] == "authority-301" else "cho"
    federation.change_member(member, **changes)
    assert state_of(federation, federation.start()) is QueryState.SUBMITTED


def test_an_approver_revoked_in_between_does_not_count(federation: PlayedFederation) -> None:
    """One approval by somebody who is no member any more makes the envelope suspect: it runs nowhere."""
    query_id = federation.sign(federation.draft(), "ana", "cho")
    federation.revoke("cho")
    assert refusal_of(federation, query_id, signature_of(federation, query_id, "dev"), "dev") == "approver_unknown"
    with pytest.raises(ProblemRaised, match="cho signed it with a key that is registered no more: draft it anew"):
        sign_query(federation.hub, query_id, signature_of(federation, query_id, "dev"), federation.member("dev"))


@pytest.mark.parametrize("signers", [("ana",), ("ana", "cho")], ids=["submitted", "approved once"])
def test_a_query_cannot_be_approved_once_its_time_is_up(federation: PlayedFederation, signers: Sequence[str]) -> None:
    """Not even before the hub has noticed: no node would answer it, and it would end as unfinished."""
    query_id = federation.sign(federation.draft(), *signers)
    federation.clock.advance(timedelta(hours=168))
    assert refusal_of(federation, query_id, signature_of(federation, query_id, "dev"), "dev") == "expired"
    settling.settle_due(federation.hub, federation.clock())
    assert state_of(federation, query_id) is QueryState.EXPIRED


def test_two_approvals_at_once_start_the_query_once(federation: PlayedFederation) -> None:
    """Whichever comes second sees the first: the query runs, and every node is offered it once."""
    query_id = federation.sign(federation.draft(), "ana")
    signatures = {officer: signature_of(federation, query_id, officer) for officer in ("cho", "dev")}
    barrier = threading.Barrier(len(signatures))

    def approve(officer: str) -> None:
        barrier.wait()
        hand_in(federation, query_id, signatures[officer], officer)
        settling.start_query(federation.hub, query_id)
        federation.hub.database.close()

    threads = [threading.Thread(target=approve, args=(officer,)) for officer in signatures]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state_of(federation, query_id) is QueryState.RUNNING
    for node in NODES:
        deliveries = read_inbox(federation.hub, federation.member(node), federation.clock()).deliveries
        assert [delivery.kind for delivery in deliveries] == [DeliveryKind.MANIFEST]
