"""From a draft to a running query: who may do what in which state, as one table, and who may see what."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec
import pytest

from audit.event import Action
from audit.log import read_entries
from disclosure_control.presets import load_preset
from federation.envelope import Signature, sign_body
from federation.exchange import DeliveryKind, QueryDraft, QueryState
from federation.manifest import MANIFEST_TYPE, REPLY_TYPE, read_manifest
from federation.problems import ProblemRaised
from hub import drafting, queries, release
from hub.dispatch import read_inbox
from hub.projects import Project, add_project
from hub.queries import TRANSITIONS, describe_query, draft_query, find_query, list_queries, sign_query
from tests.hub.played_federation import NODES, PROJECT, SQL, PlayedFederation

S = QueryState

REACH: dict[QueryState, Callable[[PlayedFederation], str]] = {
    S.DRAFTED: lambda federation: federation.draft(),
    S.SUBMITTED: lambda federation: federation.sign(federation.draft(), "ana"),
    S.RUNNING: lambda federation: federation.start(),
    S.RELEASED: lambda federation: federation.answer(federation.start(), *NODES),
    S.EXPIRED: lambda federation: expire(federation, federation.draft()),
    S.UNFINISHED: lambda federation: expire(federation, federation.start()),
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
    (S.RUNNING, "eve", (409, "state")),
    (S.RELEASED, "eve", (409, "state")),
    (S.EXPIRED, "ana", (409, "state")),
    (S.EXPIRED, "cho", (409, "state")),
    (S.UNFINISHED, "eve", (409, "state")),
]


def expire(federation: PlayedFederation, query_id: str) -> str:
    """Let a query's time run out, and have the hub settle it."""
    federation.clock.advance(timedelta(hours=168))
    release.settle_due(federation.hub, federation.clock())
    return query_id


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
    (S.SUBMITTED, S.RUNNING): lambda federation, query_id: federation.sign(query_id, "dev", "cho"),
    (S.SUBMITTED, S.EXPIRED): expire,
    (S.RUNNING, S.RELEASED): lambda federation, query_id: federation.answer(query_id, *NODES),
    (S.RUNNING, S.UNFINISHED): expire,
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


@pytest.mark.parametrize("state", [S.SUBMITTED, S.RUNNING, S.RELEASED, S.UNFINISHED])
def test_the_same_signature_again_changes_nothing(federation: PlayedFederation, state: QueryState) -> None:
    """Whoever did not hear that it had arrived may send it again; it counts once."""
    query_id = REACH[state](federation)
    before = (queries.measure_progress(federation.hub, query_id), log_of(federation, query_id))
    hand_in(federation, query_id, signature_of(federation, query_id, "ana"), "ana")
    assert (queries.measure_progress(federation.hub, query_id), log_of(federation, query_id)) == before


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
    [{"organisation": "authority-301"}, {"organisation": "another-institute", "organisation_kind": "research"}],
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


@pytest.mark.parametrize("signers", [("ana",), ("ana", "cho")], ids=["submitted", "approved once"])
def test_a_query_cannot_be_approved_once_its_time_is_up(federation: PlayedFederation, signers: Sequence[str]) -> None:
    """Not even before the hub has noticed: no node would answer it, and it would end as unfinished."""
    query_id = federation.sign(federation.draft(), *signers)
    federation.clock.advance(timedelta(hours=168))
    assert refusal_of(federation, query_id, signature_of(federation, query_id, "dev"), "dev") == "expired"
    release.settle_due(federation.hub, federation.clock())
    assert state_of(federation, query_id) is QueryState.EXPIRED


def test_two_approvals_at_once_start_the_query_once(federation: PlayedFederation) -> None:
    """Whichever comes second sees the first: the query runs, and every node is offered it once."""
    query_id = federation.sign(federation.draft(), "ana")
    signatures = {officer: signature_of(federation, query_id, officer) for officer in ("cho", "dev")}
    barrier = threading.Barrier(len(signatures))

    def approve(officer: str) -> None:
        barrier.wait()
        hand_in(federation, query_id, signatures[officer], officer)
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


# --- Drafts --------------------------------------------------------------------------------------------------------

DRAFT = QueryDraft(
    project=PROJECT,
    purpose="How attendance differs by key stage",
    sql=SQL,
    academic_year="202425",
    preset="ons_10_5",
    roster=None,
    valid_hours=168,
)


@pytest.mark.parametrize(
    ("asker", "changes", "code", "says"),
    [
        ("bea", {}, "project_unknown", "no project"),
        ("ana", {"project": "exclusions"}, "project_unknown", "no project"),
        ("ana", {"project": "no-such-project"}, "project_unknown", "no project"),
        ("ana", {"preset": "dfe_cla"}, "preset_not_in_project", "ons_10_5"),
        ("ana", {"preset": "no_such_preset"}, "preset_not_in_project", "ons_10_5"),
        ("ana", {"roster": ("node-301", "node-999")}, "roster_unknown", "node-999"),
        ("ana", {"roster": ("cho",)}, "roster_unknown", "cho"),
        ("ana", {"roster": ()}, "roster_empty", "no node"),
        ("ana", {"sql": "SELECT child FROM child_year"}, "key_misused", "(line 1, column 8)"),
        ("ana", {"sql": "SELECT\nCOUNT(*) AS n FROM nowhere"}, "unknown_table", "(line 2, column 20)"),
        ("ana", {"academic_year": "209899"}, "year_unknown", "202425"),
        ("ana", {"purpose": "About A123456789012 alone"}, "not_loggable", "pupil number"),
        ("cho", {}, "not_permitted", "approver"),
        ("node-301", {}, "not_permitted", "node"),
        ("hub", {}, "unknown_value", "role"),
    ],
)
def test_a_draft_that_would_be_refused_later_is_refused_at_once(
    federation: PlayedFederation, asker: str, changes: dict[str, object], code: str, says: str
) -> None:
    """With the reason, and nothing of it is kept."""
    add_project(federation.hub, Project("exclusions", "Exclusions", frozenset({"bea"}), frozenset({"ons_10_5"})))
    with pytest.raises(ProblemRaised) as refused:
        draft_query(federation.hub, msgspec.structs.replace(DRAFT, **changes), federation.member(asker))
    assert refused.value.problem.code == code
    assert says in refused.value.problem.detail
    assert "A123456789012" not in refused.value.problem.detail
    assert federation.hub.database.connection.execute("SELECT count(*) FROM queries").fetchone()[0] == 0
    assert not list(read_entries(federation.hub.database.connection, action=Action.QUERY_DRAFTED))


def test_a_draft_without_a_node_to_ask_is_refused(federation: PlayedFederation) -> None:
    for node in NODES:
        federation.revoke(node)
    with pytest.raises(ProblemRaised, match="no node to ask"):
        federation.draft()


def test_a_draft_whose_release_nobody_could_fetch_is_refused(
    federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven cells of three nodes are 21 rows."""
    monkeypatch.setattr(drafting, "MOST_ROWS", 21)
    federation.draft()
    monkeypatch.setattr(drafting, "MOST_ROWS", 20)
    with pytest.raises(ProblemRaised, match="21 rows") as refused:
        federation.draft()
    assert refused.value.problem.code == "too_many_rows"


def test_the_manifest_says_what_was_asked(federation: PlayedFederation) -> None:
    """Every word of the draft, the roster once each and in order, and until when."""
    draft = msgspec.structs.replace(DRAFT, roster=("node-303", "node-301", "node-303"), valid_hours=2)
    query_id = draft_query(federation.hub, draft, federation.member("ana"))
    manifest = read_manifest(find_query(federation.hub, query_id, federation.member("ana")).envelope)
    assert (manifest.asker, manifest.sql, manifest.purpose) == ("ana", SQL, DRAFT.purpose)
    assert manifest.roster == ("node-301", "node-303")
    assert (manifest.preset, manifest.preset_version) == ("ons_10_5", load_preset("ons_10_5").version)
    assert manifest.expires_at - manifest.issued_at == timedelta(hours=2)
    assert manifest.issued_at == federation.clock()


# --- Seeing --------------------------------------------------------------------------------------------------------

READERS = {
    "ana": True,
    "bea": False,
    "cho": True,
    "dev": True,
    "eve": True,
    "gus": True,
    "hub": False,
    "node-301": False,
}


@pytest.mark.parametrize(("reader", "sees"), READERS.items())
def test_who_may_see_a_query(federation: PlayedFederation, reader: str, sees: bool) -> None:
    """Its asker, and whoever the matrix lets read manifests; to all others it is as if there were none."""
    query_id, member = federation.draft(), federation.member(reader)
    assert [status.query_id for status in list_queries(federation.hub, member)] == ([query_id] if sees else [])
    if sees:
        assert find_query(federation.hub, query_id, member).query_id == query_id
        return
    with pytest.raises(ProblemRaised) as hidden:
        find_query(federation.hub, query_id, member)
    with pytest.raises(ProblemRaised) as absent:
        find_query(federation.hub, "Q-0000000000000000", member)
    assert hidden.value.problem == absent.value.problem


def test_the_list_is_newest_first_and_bounded(federation: PlayedFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """And neither parses nor plans what it lists."""
    ids = []
    for _ in range(4):
        ids.append(federation.draft())
        federation.clock.advance(timedelta(seconds=1))

    def refuse(sql: str) -> None:
        raise AssertionError("a list plans nothing")

    monkeypatch.setattr(queries, "plan_draft", refuse)
    listed = list_queries(federation.hub, federation.member("cho"), most=3)
    assert [status.query_id for status in listed] == ids[:0:-1]
    assert {status.cells for status in listed} == {7}


def test_waiting_for_a_query_looks_at_little(federation: PlayedFederation) -> None:
    """What a held line compares changes with each signature, each reply and each state, and else not."""
    seen = [queries.measure_progress(federation.hub, "Q-0000000000000000")]
    query_id = federation.draft()
    steps: list[Callable[[], object]] = [
        lambda: None,
        *(lambda signer=signer: federation.sign(query_id, signer) for signer in ("ana", "cho", "dev")),
        *(lambda node=node: federation.answer(query_id, node) for node in NODES),
    ]
    for step in steps:
        step()
        assert queries.measure_progress(federation.hub, query_id) == queries.measure_progress(federation.hub, query_id)
        seen.append(queries.measure_progress(federation.hub, query_id))
    assert len(set(seen)) == len(seen)
