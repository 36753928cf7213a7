"""Every kind of document that crosses between members, and every error of this room: the lists stay complete."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

import federation
from federation.approvals import PasskeyAnswer
from federation.backups import BackedUpFile, Contents
from federation.budgets import BudgetStatement, StatementInvalid, TakenByProject, verify_statement
from federation.cell_key_terms import AnswersUsed, CellKeyTerms, check_answers
from federation.ceremony import GivenInvitation, RootLedger
from federation.claims import ChildClaim, ClaimAnswer, ClaimRequest, EducationFacts
from federation.delegations import DelegationInvalid, DelegationNotice, draft_delegation, read_delegation
from federation.disclosures import (
    Disclosed,
    DisclosuresAnswer,
    DisclosuresRequest,
    Mandate,
    MandateRefused,
    draft_mandate,
    verify_mandate,
)
from federation.enrolment import Enrolment, Invitation
from federation.envelope import EnvelopeError, Signature, decode_base64, read_envelope
from federation.evidence import Evidence
from federation.exchange import (
    ApproversRefusal,
    BudgetLeft,
    CheckDecision,
    CheckList,
    Delivery,
    DeliveryKind,
    Ending,
    ExplainedState,
    ExplainedStates,
    ForeseenCheck,
    Inbox,
    LookupBatch,
    LookupProgress,
    NodeProgress,
    PendingCheck,
    QueryBudget,
    QueryDraft,
    QueryList,
    QueryState,
    QueryStatus,
    Reason,
    ReleaseDocument,
    ReleaseStanding,
    RunDraft,
    SealingKeyList,
    SignedRefusals,
    TriedOut,
    WaitingManifests,
)
from federation.handover_packs import PackUnusable, read_pack
from federation.handovers import (
    HandedChild,
    HandedEntry,
    HandoverAnswer,
    HandoverOffer,
    HandoverPack,
    HandoverRequest,
    Occasion,
    Step,
)
from federation.http_signatures import ClocksApart, RequestUnsigned, sign_request, verify_request
from federation.key_ring import hold_fresh_key
from federation.keys import KeyFile, KeyFileError, load_keys
from federation.lookups import REQUEST_TYPE, LookupFailed, LookupOutcome, LookupRequest, NodeAnswer, read_message
from federation.manifest import ApprovalError, Choice, Outcome, Reply, check_validity
from federation.oidc import ProviderRefused, read_metadata
from federation.passkeys import Passkey, PasskeyError, check_passkey
from federation.problems import TITLES, Problem, ProblemRaised
from federation.project import ProjectExceeded, ProjectInvalid, check_consistent, check_person
from federation.register import (
    REGISTER_TYPE,
    Entry,
    FormerKey,
    Member,
    RegisterError,
    public_text,
    read_register,
)
from federation.sealing import SealedRecords, SealError
from federation.sealing_keys import WEEK, SealingKey, sign_sealing_key
from federation.state import Profile, StateError, open_party
from federation.sum_terms import TermsInvalid, check_terms, make_noisy_terms
from federation.tls import TlsInvalid, check_protected
from federation.webauthn import WebAuthnRefused, read_authenticator_data
from federation.wire import Document, WireError, decode_document, encode_document
from federation.witnessing import Offered, Signed, WitnessAnswer, WitnessReport
from policies.names import FieldGroup
from tests.federation.cast import (
    NOW,
    PASSKEY,
    make_keys,
    make_manifest,
    make_member,
    make_register,
    sign_manifest,
    write_register,
)
from tests.federation.sum_examples import SUM_EXAMPLES
from tests.federation.template_cast import CHOICES, make_standing, sign_standing
from tests.federation.test_lookup_messages import ANSWER, CHILD, DELEGATION, FILE, REQUEST, SOUGHT
from tests.projects import make_project

SECRET = "A123456789012"
PROGRESS = NodeProgress(node="node-301", authority="301", outcome="refused", code="roster_small", text="Too few nodes.")
CHECK = PendingCheck(
    query_id="Q-0123456789abcdef",
    purpose="How attendance differs",
    sql="SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425",
    found=("301: n of all is known to be 3 from this release alone.",),
    withheld=("301",),
)
STATES = ExplainedStates(states=(ExplainedState(name="pondering", meaning="Somebody thinks it over.", final=False),))
STATUS = QueryStatus(
    query_id="Q-0123456789abcdef",
    state=QueryState.RUNNING,
    project="attendance-2025",
    asker="ana@ucl",
    purpose="How attendance differs by placement",
    sql="SELECT COUNT(*) AS children FROM child_year",
    manifest_digest="0" * 64,
    plan_id="plan-" + "0" * 32,
    cells=12,
    signers=("ana@ucl", "officer@dfe"),
    expires_at=NOW,
    nodes=(PROGRESS,),
)
DELIVERY = Delivery(delivery_id=7, kind=DeliveryKind.LOOKUP, lookup_id="L-" + "0" * 32, sender="node-203", body="AAAA")
SERVED = make_member("node-301").authorities[0]
ENTRY = Entry(**{name: getattr(make_member("node-301"), name) for name in Entry.__struct_fields__})
GIVEN = GivenInvitation(code_hash="0" * 64, given_at=NOW, expires_at=NOW, entry=ENTRY, used_by="")
HELD = hold_fresh_key(make_keys("node-301").sealing_seed, NOW, NOW + WEEK)
PUBLISHED = sign_sealing_key("node-301", HELD, make_keys("node-301"))
STATED = BudgetStatement(
    node="node-301",
    stated_at=NOW,
    most_per_question="1",
    most_per_year="10",
    most_per_project="5",
    taken=(TakenByProject(academic_year="202425", project="attendance-2025", epsilon="0.5"),),
    counted=("0" * 64,),
)
BACKED_UP = BackedUpFile(path="rules.toml", size=7, sha256="0" * 64)
PROJECT = make_project("attendance-2025", ["ana@ucl"])
BUDGET_LEFT = BudgetLeft(
    project="attendance-2025", academic_year="202425", left="4.5", most_per_question="1", unstated=("node-203",)
)
QUERY_BUDGET = QueryBudget(epsilon="0.5", rho="0.125", left="4.5", left_after="4", short="")
SIGNED = Signed(origin="hub", witness="node-301", size=7, cosignature="— node-301 AAAA\n")
OFFERED = Offered(origin="node-301", witness="node-203", offer="old 0\n\nnode-301\n1\nAAAA\n\n— node-301 AAAA\n")
CLAIM = ChildClaim(upn=SECRET, date_of_birth=date(2012, 1, 31), care_start=date(2020, 5, 1), care_end=None)
FACTS = EducationFacts(
    upn=SECRET,
    date_of_birth=date(2012, 1, 31),
    school_urn=100000,
    year_group="8",
    entry_date=date(2023, 9, 4),
    sen_provision="ehc_plan",
    sen_primary_need="SLCN",
    sen_unit_or_resourced=None,
    fsm_status="eligible",
    english_additional_language=False,
    school_changes_in_year=1,
    sessions_possible=300,
    sessions_missed_authorised=12.5,
    sessions_missed_unauthorised=0.0,
    suspensions=0,
    suspension_days=0.5,
    permanently_excluded=False,
)
MANDATE = Mandate(
    authority="203", person="ig", reason="Request 114", made_at=NOW, child="0" * 64, receivers=("node-301",)
)
DISCLOSED = Disclosed(
    entry=7,
    at="2026-11-29T09:00:00.000000Z",
    reference="L-" + "0" * 32,
    actor="vsh (virtual_school_head)",
    action="lookup.received",
    outcome="done",
    acting_for="301",
    purpose="Planning a review",
    relationship="host",
    fields=("upn",),
    policy_version="v1",
    safeguarding=False,
)
DISCLOSURES_REQUEST = DisclosuresRequest(
    lookup_id="L-" + "0" * 32,
    sender="node-203",
    receiver="node-301",
    authority="203",
    person="ig",
    role="ig_officer",
    purpose="Request 114",
    asked_at=NOW,
    numbers=(SECRET,),
    salt="0" * 64,
    references=("L-" + "0" * 32,),
    mandate=draft_mandate(MANDATE),
)

HANDED = HandedChild(number="100217", date_of_birth=date(2012, 1, 31), upn=SECRET, name="Ada Byron")
HANDED_ENTRY = HandedEntry(
    made_at=NOW,
    role="virtual_school_head",
    reason="Agreed at the PEP",
    kind="target",
    fact={"subject": "english", "target": "6", "term": "202425-summer"},
)
OFFER = HandoverOffer(
    handover_id="P-" + "0" * 32,
    occasion=Occasion.NEW_HOME,
    home="203",
    sender="node-203",
    receiver="node-301",
    authority="301",
    person="officer",
    role="virtual_school_head",
    child=HANDED,
    groups=(FieldGroup.IDENTITY, FieldGroup.PLAN_PEP),
    entries=1,
    pack_digest="0" * 64,
    purpose="Moved to foster carers across the river",
    offered_at=NOW,
    expires_at=NOW + timedelta(days=14),
)
HANDOVER_STEP = HandoverRequest(
    lookup_id="L-" + "0" * 32,
    step=Step.DECLINE,
    sender="node-301",
    receiver="node-203",
    authority="301",
    asked_at=NOW,
    handover_id=OFFER.handover_id,
    code="not_ours",
)

ANSWER_HEAD: dict[str, Any] = {
    "lookup_id": "L-" + "0" * 32,
    "sender": "node-301",
    "receiver": "node-203",
    "authority": "301",
    "outcome": LookupOutcome.ANSWERED,
    "code": "",
    "text": "",
    "as_of": NOW,
    "contact": "the virtual school",
}

EVIDENCE = Evidence(
    manifest=sign_manifest(make_manifest(), "ana@ucl"),
    rules="{}",
    register=read_envelope(write_register(make_register()), REGISTER_TYPE),
)

EXAMPLES: tuple[Document, ...] = (
    EVIDENCE,
    HANDED,
    HANDED_ENTRY,
    OFFER,
    HANDOVER_STEP,
    HandoverAnswer(**ANSWER_HEAD, pack="AAAA"),
    HandoverPack(
        handover_id=OFFER.handover_id,
        home="203",
        made_at=NOW,
        child=HANDED,
        contact="the virtual school of this authority",
        fields=("upn",),
        file=FILE,
        entries=(HANDED_ENTRY,),
    ),
    sign_manifest(make_manifest(), "ana@ucl", "officer@dfe"),
    Signature(keyid="ana@ucl", sig="AAAA"),
    make_manifest(),
    make_member("node-301"),
    make_register(),
    PASSKEY,
    FormerKey(signing_key=make_member("hub").signing_key, last_version=3),
    SERVED,
    ENTRY,
    Invitation(federation="circe-test", code="0" * 64, expires_at=NOW, entry=ENTRY),
    Enrolment(code="0" * 64, member=make_member("node-301")),
    GIVEN,
    RootLedger(invitations=(GIVEN,), ended_keys=("1" * 64,)),
    Reply(
        manifest_digest="0" * 64,
        query_id="Q-0123456789abcdef",
        node="node-301",
        authority="301",
        outcome=Outcome.ANSWERED,
        code="",
        text="",
        snapshot="202425-summer-0",
        register_version=5,
        answered_at=NOW,
        table={"columns": ["sex", "n"], "rows": [["F", 42], ["M", "c"], ["U", 0.5]], "more": {"a": [None, True]}},
    ),
    REQUEST,
    ANSWER,
    CHILD,
    SOUGHT,
    FILE,
    DELEGATION,
    DelegationNotice(
        lookup_id="L-" + "0" * 32,
        sender="node-301",
        receiver="node-203",
        authority="301",
        asked_at=NOW,
        delegation=draft_delegation(DELEGATION),
        revoked=False,
    ),
    NodeAnswer(**ANSWER_HEAD),
    CLAIM,
    FACTS,
    ClaimRequest(
        lookup_id="L-" + "0" * 32,
        sender="node-203",
        receiver="node-301",
        authority="203",
        term="202425-summer",
        asked_at=NOW,
        children=(CLAIM,),
    ),
    ClaimAnswer(
        lookup_id="L-" + "0" * 32,
        sender="node-301",
        receiver="node-203",
        authority="301",
        term="202425-summer",
        outcome=LookupOutcome.ANSWERED,
        code="",
        snapshot="202425-summer-0",
        as_of=NOW,
        children=(FACTS,),
    ),
    Problem(status=403, title="Not allowed", detail="You cannot ask this.", code="policy_denied"),
    QueryDraft(
        project="attendance-2025",
        purpose="How attendance differs by placement",
        sql="SELECT 1",
        academic_year="202425",
        preset="ons_10_5",
        roster=None,
        valid_hours=168,
    ),
    MANDATE,
    DISCLOSED,
    DISCLOSURES_REQUEST,
    DisclosuresAnswer(
        **ANSWER_HEAD,
        entries=(DISCLOSED,),
        untold=("L-" + "1" * 32,),
    ),
    *SUM_EXAMPLES,
    TriedOut(synthetic=True, sql="SELECT 1", authorities=("203", "301"), table={"rows": []}),
    make_standing(),
    make_standing().parameters[0],
    RunDraft(template=sign_standing(make_standing()), choices=CHOICES, snapshot_term="202425-summer", valid_hours=24),
    make_noisy_terms(153, "0.5"),
    CellKeyTerms(keys=256, table="d" * 64, most=15, answers=4),
    Choice(parameter="stage", value="KS4"),
    PROGRESS,
    STATUS,
    *STATES.states,
    STATES,
    SignedRefusals(refusals=(sign_manifest(make_manifest(), "ana@ucl"),)),
    ForeseenCheck(reason="its total will wait"),
    QueryList(queries=(STATUS,)),
    WaitingManifests(manifests=(sign_manifest(make_manifest(), "ana@ucl"),)),
    PasskeyAnswer(credential="AAAA", client_data="e30=", authenticator_data="AAAA", signature="AAAA"),
    CHECK,
    CheckList(checks=(CHECK,)),
    CheckDecision(release=True, withhold=("301",)),
    Reason(reason="The wrong academic year"),
    ApproversRefusal(approver="cho", reason="It asks too much"),
    ReleaseStanding(
        release_id=f"R-{'0' * 16}", query_id=f"Q-{'0' * 16}", notice=Ending(by="gus", reason="It was wrong", at=NOW)
    ),
    Ending(by="cho", reason="It asks too much", at=NOW),
    DELIVERY,
    BUDGET_LEFT,
    PROJECT,
    BACKED_UP,
    Contents(member="node-301", made_at=NOW, version="0.1.0", files=(BACKED_UP,)),
    PROJECT.people[0],
    PROJECT.organisations[0],
    PROJECT.data_items[0],
    PROJECT.agreement,
    STATED,
    STATED.taken[0],
    QUERY_BUDGET,
    SIGNED,
    OFFERED,
    WitnessReport(signed=(SIGNED,), offered=(OFFERED,)),
    WitnessAnswer(offered=(OFFERED,), signed=(SIGNED,)),
    Inbox(register_version=5, deliveries=(DELIVERY,), sealing_keys=(PUBLISHED,)),
    HELD,
    decode_document(PUBLISHED.body, SealingKey),
    SealingKeyList(keys=(PUBLISHED,)),
    LookupBatch(lookup_id="L-" + "0" * 32, pages={"node-203": "AAAA", "node-301": "BBBB"}),
    LookupProgress(lookup_id="L-" + "0" * 32, answers={"node-301": "AAAA"}, awaited=("node-203",), last=1, more=False),
    ReleaseDocument(
        release_id="R-0123456789abcdef",
        query_id="Q-0123456789abcdef",
        manifest_digest="0" * 64,
        sql="SELECT 1",
        purpose="How attendance differs by placement",
        released_at=NOW,
        table={"rows": [["203", 1.5]], "columns": []},
        nodes=(PROGRESS,),
        replies=(sign_manifest(make_manifest(), "ana@ucl", "officer@dfe"),),
        opening=None,
        checkpoint="hub\n1\n",
    ),
    KeyFile(
        version=2,
        member_id="node-301",
        signing_seed=public_text(make_keys("node-301").signing_seed),
        sealing_seed=public_text(make_keys("node-301").sealing_seed),
        log_seed=public_text(make_keys("node-301").log_seed),
        row_secret=public_text(make_keys("node-301").row_secret),
        log_secret=public_text(make_keys("node-301").log_secret),
    ),
    Profile(
        member_id="node-301",
        kind=make_member("node-301").kind,
        title="Barking and Dagenham",
        organisation="la-301",
        organisation_kind=make_member("node-301").organisation_kind,
        operator="la-301",
        authorities=("301",),
        hub="https://hub.example",
    ),
)
"""One of each."""


def import_room() -> Iterator[str]:
    """Import every module of the room, so that all its classes are known, and yield their names."""
    for module in pkgutil.iter_modules(federation.__path__, "federation."):
        if not module.ispkg:
            importlib.import_module(module.name)
            yield module.name


def kinds_of(base: type[object]) -> Iterator[type[object]]:
    """Every class of the room that descends from another."""
    for kind in base.__subclasses__():
        if kind.__module__ in ROOM:
            yield kind
        yield from kinds_of(kind)


ROOM = frozenset(import_room())


def name_of(example: object) -> str:
    return type(example).__name__


# --- Documents -------------------------------------------------------------------------------------------------------


def test_every_kind_of_document_has_an_example() -> None:
    assert {type(example) for example in EXAMPLES} == set(kinds_of(Document))


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_an_example_comes_back_as_it_was(example: Document) -> None:
    data = encode_document(example)
    again = decode_document(data, type(example))
    assert again == example
    assert encode_document(again) == data


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_no_document_takes_a_field_that_it_does_not_know(example: Document) -> None:
    """What one version does not understand it refuses, and never passes over."""
    data = msgspec.json.encode({**msgspec.to_builtins(example), "unheard_of": SECRET})
    with pytest.raises(WireError) as refused:
        decode_document(data, type(example))
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_no_document_changes_or_shows_itself(example: Document) -> None:
    assert repr(example) == f"{name_of(example)}(…)"
    with pytest.raises(AttributeError):
        setattr(example, example.__struct_fields__[0], None)


# --- Problems --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", TITLES)
def test_a_problem_carries_its_title_reason_and_code(status: int) -> None:
    problem = ProblemRaised(status, "late", "the manifest has expired").problem
    assert problem == Problem(
        status=status, title=TITLES[status], detail="the manifest has expired", code="late", type="about:blank"
    )


def test_a_problem_of_another_status_still_has_a_title() -> None:
    assert ProblemRaised(418, "teapot", "no coffee").problem.title == "Error"


# --- Errors ----------------------------------------------------------------------------------------------------------


def raise_problem() -> None:
    raise ProblemRaised(404, "query_unknown", "there is no query of that id")


def verify_old_request() -> None:
    keys, url = make_keys("node-203"), "https://hub.example/"
    headers = sign_request("GET", url, b"", keys, NOW - timedelta(hours=1))
    verify_request("GET", url, headers, b"", lambda _member: keys.public_signing_key, now=NOW)


ERRORS: dict[type[Exception], Callable[[], object]] = {
    WireError: lambda: decode_document(SECRET.encode(), Member),
    EnvelopeError: lambda: decode_base64(SECRET + "?"),
    KeyFileError: lambda: load_keys(Path("/nowhere")),
    PasskeyError: lambda: check_passkey(Passkey(relying_party="a.b", credential="?", public_key=SECRET)),
    RegisterError: lambda: read_register(SECRET.encode(), bytes(32), NOW),
    ApprovalError: lambda: check_validity(make_manifest(expires_at=NOW), NOW),
    SealError: lambda: SealedRecords(SECRET.encode()),
    DelegationInvalid: lambda: read_delegation(PUBLISHED),
    PackUnusable: lambda: read_pack(SECRET.encode(), OFFER),
    MandateRefused: lambda: verify_mandate(DISCLOSURES_REQUEST, make_member("node-301"), make_member("node-203")),
    LookupFailed: lambda: read_message(SECRET.encode(), REQUEST_TYPE, LookupRequest, "node-203", bytes(32)),
    RequestUnsigned: lambda: verify_request("GET", SECRET, {"Signature": SECRET}, b"", lambda _member: b""),
    StatementInvalid: lambda: verify_statement(PUBLISHED, make_member("node-301"), NOW),
    AnswersUsed: lambda: check_answers(3, 2, 4, "child_year of 202425"),
    TermsInvalid: lambda: check_terms(make_noisy_terms(153, "0"), 153, noisy=True),
    ClocksApart: lambda: verify_old_request(),
    TlsInvalid: lambda: check_protected("http://hub.example"),
    ProjectInvalid: lambda: check_consistent(make_project(askers=("ana", "ana"))),
    ProjectExceeded: lambda: check_person(make_project(), "cho", NOW),
    StateError: lambda: open_party(Path("/nowhere")),
    WebAuthnRefused: lambda: read_authenticator_data(SECRET.encode()),
    ProviderRefused: lambda: read_metadata(SECRET.encode(), "https://provider.example"),
    ProblemRaised: raise_problem,
}
"""How to come by each error of the members' own rooms."""

ELSEWHERE = {
    "federation.client.asking",
    "federation.client.frames",
    "federation.client.manifests",
    "federation.lines",
    "federation.hub_line",
    "federation.processes",
    "federation.demo",
    "federation.cli",
    "federation.releases",
    "federation.replies",
    "federation.total_releases",
}
"""Modules whose errors need a hub or a node's answers, and are tested with them."""


def test_every_error_can_be_come_by() -> None:
    assert set(ERRORS) == {kind for kind in kinds_of(Exception) if kind.__module__ not in ELSEWHERE}


@pytest.mark.parametrize(("kind", "act"), ERRORS.items(), ids=[kind.__name__ for kind in ERRORS])
def test_an_error_is_one_clear_line_without_a_value(kind: type[Exception], act: Callable[[], object]) -> None:
    with pytest.raises(kind) as raised:
        act()
    text = str(raised.value)
    assert raised.type is kind
    assert 10 < len(text) < 200
    assert "\n" not in text
    assert SECRET not in text
    assert raised.value.__cause__ is None
    assert text == text.rstrip(". ")
