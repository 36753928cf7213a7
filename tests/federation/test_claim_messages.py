"""A claim's answer counts only when it is to that claim and tells of no child but those claimed."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, get_args

import msgspec
import pytest

from federation.claims import (
    CLAIM_ANSWER_TYPE,
    CLAIM_TYPE,
    MOST_CLAIMS,
    ChildClaim,
    ClaimAnswer,
    ClaimRequest,
    EducationFacts,
    FsmStatus,
    SenNeed,
    SenProvision,
    check_answer,
)
from federation.envelope import seal_envelope, write_envelope
from federation.lookups import LookupFailed, LookupOutcome, message_type, read_message, sign_message
from federation.sealing import PAGE_BYTES
from query_engine.catalogue import load_catalogue
from tests.federation.cast import NOW, make_keys

HOME, HOST = make_keys("node-203"), make_keys("node-301")
UPN, OTHER_UPN = "A123456789012", "B123456789012"
BORN = date(2012, 1, 31)

CLAIM = ChildClaim(upn=UPN, date_of_birth=BORN, care_start=date(2020, 5, 1), care_end=None)
FACTS = EducationFacts(
    upn=UPN,
    date_of_birth=BORN,
    school_urn=999_999,
    year_group="10",
    entry_date=date(2023, 9, 4),
    sen_provision="sen_support",
    sen_primary_need="PMLD",
    sen_unit_or_resourced=False,
    fsm_status="not_eligible",
    english_additional_language=False,
    school_changes_in_year=10,
    sessions_possible=100_000,
    sessions_missed_authorised=99_999.25,
    sessions_missed_unauthorised=99_999.25,
    suspensions=100_000,
    suspension_days=99_999.25,
    permanently_excluded=False,
)
REQUEST = ClaimRequest(
    lookup_id="L-" + "0" * 32,
    sender="node-203",
    receiver="node-301",
    authority="203",
    term="202425-summer",
    asked_at=NOW,
    children=(CLAIM,),
)
ANSWER = ClaimAnswer(
    lookup_id=REQUEST.lookup_id,
    sender="node-301",
    receiver="node-203",
    authority="301",
    term="202425-summer",
    outcome=LookupOutcome.ANSWERED,
    code="",
    snapshot="202425-summer-0",
    as_of=NOW,
    children=(FACTS,),
)


def test_an_answer_to_the_claim_is_accepted() -> None:
    check_answer(REQUEST, ANSWER)
    check_answer(REQUEST, msgspec.structs.replace(ANSWER, children=()))
    refusal = {"children": (), "outcome": LookupOutcome.REFUSED, "code": "claims_barred"}
    check_answer(REQUEST, msgspec.structs.replace(ANSWER, **refusal))


WRONG: dict[str, dict[str, Any]] = {
    "another lookup's": {"lookup_id": "L-" + "1" * 32},
    "another host's": {"sender": "node-316"},
    "for another home": {"receiver": "node-317"},
    "of another term": {"term": "202324-summer"},
    "of long ago": {"as_of": NOW - timedelta(hours=1)},
    "from the future": {"as_of": NOW + timedelta(hours=1)},
    "a refusal that tells": {"outcome": LookupOutcome.REFUSED},
    "of another child": {"children": (msgspec.structs.replace(FACTS, upn=OTHER_UPN),)},
    "of a namesake in number": {"children": (msgspec.structs.replace(FACTS, date_of_birth=date(2012, 2, 1)),)},
    "of one child too many": {"children": (FACTS, msgspec.structs.replace(FACTS, upn=OTHER_UPN))},
    "of one child twice": {"children": (FACTS, msgspec.structs.replace(FACTS, sen_provision="none"))},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_an_answer_that_is_wrong_is_refused_whole(changes: dict[str, Any]) -> None:
    with pytest.raises(LookupFailed) as refused:
        check_answer(REQUEST, msgspec.structs.replace(ANSWER, **changes))
    assert UPN not in str(refused.value)


def read_answer(data: bytes) -> ClaimAnswer:
    return read_message(data, CLAIM_ANSWER_TYPE, ClaimAnswer, "node-301", HOST.public_signing_key)


def altered(**fields: Any) -> bytes:
    facts = {**msgspec.to_builtins(FACTS), **fields}
    body = msgspec.json.encode({**msgspec.to_builtins(ANSWER), "children": [facts]})
    return write_envelope(seal_envelope(body, CLAIM_ANSWER_TYPE, HOST))


MALFORMED: dict[str, Callable[[], bytes]] = {
    "signed by another": lambda: sign_message(ANSWER, CLAIM_ANSWER_TYPE, HOME),
    "a request": lambda: sign_message(REQUEST, CLAIM_TYPE, HOST),
    "a name": lambda: altered(surname="Doe"),
    "a number that is none": lambda: altered(upn="UN1"),
    "a provision that is none": lambda: altered(sen_provision="=cmd()"),
    "sessions below nothing": lambda: altered(sessions_possible=-1),
    "too many children": lambda: sign_message(
        msgspec.structs.replace(ANSWER, children=(FACTS,) * (MOST_CLAIMS + 1)), CLAIM_ANSWER_TYPE, HOST
    ),
}


@pytest.mark.parametrize("make", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_answer_is_not_read(make: Callable[[], bytes]) -> None:
    with pytest.raises(LookupFailed, match=r"^lookup message: ") as refused:
        read_answer(make())
    assert UPN not in str(refused.value)


def test_the_longest_request_and_answer_fit_a_page() -> None:
    """As many children as are ever claimed, every field at its longest."""
    request = msgspec.structs.replace(
        REQUEST, children=(msgspec.structs.replace(CLAIM, care_end=BORN),) * MOST_CLAIMS, receiver="n" * 64
    )
    answer = msgspec.structs.replace(ANSWER, children=(FACTS,) * MOST_CLAIMS, snapshot="0" * 64, sender="n" * 64)
    assert len(sign_message(request, CLAIM_TYPE, HOME)) < PAGE_BYTES - 4
    assert len(sign_message(answer, CLAIM_ANSWER_TYPE, HOST)) < PAGE_BYTES - 4
    assert message_type(sign_message(request, CLAIM_TYPE, HOME)) == CLAIM_TYPE


@pytest.mark.parametrize(
    ("kind", "column"),
    [(SenProvision, "sen_provision"), (SenNeed, "sen_primary_need"), (FsmStatus, "fsm_status")],
    ids=["sen_provision", "sen_primary_need", "fsm_status"],
)
def test_the_words_of_the_facts_are_those_of_the_catalogue(kind: object, column: str) -> None:
    assert get_args(kind) == load_catalogue().table("child_year").columns[column].domain
