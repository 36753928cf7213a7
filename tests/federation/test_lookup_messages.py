"""A lookup's messages are signed by whoever they are from, and what they hold is shown by no repr and no error."""

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest

from federation.delegations import Delegation
from federation.envelope import add_signature, seal_envelope, sign_body, write_envelope
from federation.lookups import (
    ANSWER_TYPE,
    REQUEST_TYPE,
    ChildFile,
    ChildRecord,
    ChildSought,
    LookupAnswer,
    LookupFailed,
    LookupKind,
    LookupOutcome,
    LookupRequest,
    read_message,
    sign_message,
)
from federation.wire import encode_document
from policies.names import FieldGroup
from tests.federation.cast import NOW, make_keys

ASKER, ANSWERER = make_keys("node-203"), make_keys("node-301")
UPN = "A123456789012"

REQUEST = LookupRequest(
    lookup_id="L-" + "0" * 32,
    kind=LookupKind.PLACED_HERE,
    sender="node-203",
    receiver="node-301",
    authority="203",
    person="head@la-203",
    role="virtual_school_head",
    purpose="Planning the autumn's visits",
    asked_at=NOW,
)
CHILD = ChildRecord(
    la_child_id="C1",
    upn=UPN,
    date_of_birth="2012-01-31",
    school="100000",
    placement_type="foster_other",
    legal_status=None,
    care_start="2020-05-01",
)
SOUGHT = ChildSought(forename="Ann", surname="Lee", date_of_birth=date(2012, 1, 31), loosely=True)
FILE = ChildFile(la_child_id="C1", school="100000", pep_on_time="True")
DELEGATION = Delegation(
    delegation_id="D-" + "0" * 32,
    home="301",
    sender="node-301",
    receiver="node-203",
    authority="203",
    role="virtual_school_head",
    person="",
    children=("C1",),
    field_groups=(FieldGroup.EDUCATION,),
    valid_from=date(2026, 1, 1),
    valid_until=date(2026, 3, 31),
    purpose="Moved near the border",
    given_by="head",
    given_at=NOW,
)
ANSWER = LookupAnswer(
    lookup_id=REQUEST.lookup_id,
    sender="node-301",
    receiver="node-203",
    authority="301",
    outcome=LookupOutcome.ANSWERED,
    code="",
    text="",
    policy_version="0" * 64,
    snapshot="202425-summer-0",
    as_of=NOW,
    contact="virtual.school@301.example",
    fields=("la_child_id", "upn"),
    children=(CHILD,),
)


def read_answer(data: bytes) -> LookupAnswer:
    return read_message(data, ANSWER_TYPE, LookupAnswer, "node-301", ANSWERER.public_signing_key)


def test_messages_come_back_as_they_were() -> None:
    assert read_answer(sign_message(ANSWER, ANSWER_TYPE, ANSWERER)) == ANSWER
    data = sign_message(REQUEST, REQUEST_TYPE, ASKER)
    assert read_message(data, REQUEST_TYPE, LookupRequest, "node-203", ASKER.public_signing_key) == REQUEST


def altered(**fields: Any) -> bytes:
    """An answer with fields put in that no answer has, signed all the same."""
    body = msgspec.json.encode({**msgspec.to_builtins(ANSWER), **fields})
    return write_envelope(seal_envelope(body, ANSWER_TYPE, ANSWERER))


WRONG: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "not signed": lambda: write_envelope(seal_envelope(encode_document(ANSWER), ANSWER_TYPE)),
    "signed by the asker": lambda: sign_message(ANSWER, ANSWER_TYPE, ASKER),
    "signed by another, in the sender's name": lambda: write_envelope(
        add_signature(
            seal_envelope(encode_document(ANSWER), ANSWER_TYPE),
            msgspec.structs.replace(sign_body(encode_document(ANSWER), ANSWER_TYPE, ASKER), keyid="node-301"),
        )
    ),
    "a request's type": lambda: sign_message(ANSWER, REQUEST_TYPE, ANSWERER),
    "a request": lambda: sign_message(REQUEST, ANSWER_TYPE, ANSWERER),
    "an unknown field": lambda: altered(surname="Doe"),
    "a field's name that no log holds": lambda: altered(fields=["7th"]),
    "too many fields": lambda: altered(fields=["upn"] * 201),
    "an authority that is a sentence": lambda: altered(authority="London\n"),
    "a lookup's id that is another's text": lambda: altered(lookup_id="L-" + "0" * 32 + "\n"),
    "a code with a line break": lambda: altered(code="late\nnot"),
}


@pytest.mark.parametrize("make", WRONG.values(), ids=WRONG)
def test_a_message_that_is_wrong_is_refused_in_words_that_repeat_nothing(make: Callable[[], bytes]) -> None:
    with pytest.raises(LookupFailed, match=r"^lookup message: ") as refused:
        read_answer(make())
    assert UPN not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "two\nlines"},
        {"role": "VSH"},
        {"person": "Jo"},
        {"purpose": ""},
        {"purpose": "a\x1bb"},
        {"kind": "all"},
    ],
    ids=repr,
)
def test_a_request_holds_what_a_log_can_hold(changes: dict[str, str]) -> None:
    body = msgspec.json.encode({**msgspec.to_builtins(REQUEST), **changes})
    data = write_envelope(seal_envelope(body, REQUEST_TYPE, ASKER))
    with pytest.raises(LookupFailed, match="wrong value at"):
        read_message(data, REQUEST_TYPE, LookupRequest, "node-203", ASKER.public_signing_key)


@pytest.mark.parametrize(
    "document", [CHILD, ANSWER, (CHILD,), [ANSWER], {"answer": ANSWER}], ids=["1", "2", "3", "4", "5"]
)
def test_no_repr_shows_a_child(document: object) -> None:
    assert UPN not in repr(document)
    assert UPN not in f"{document}"


def test_an_envelopes_repr_shows_no_payload() -> None:
    """Base64 hides nothing."""
    envelope = seal_envelope(encode_document(ANSWER), ANSWER_TYPE, ANSWERER)
    assert envelope.payload[:40] not in repr(envelope)


def test_a_request_seeks_a_child_where_its_kind_does_and_nowhere_else() -> None:
    seeking = msgspec.structs.replace(REQUEST, kind=LookupKind.ONE_CHILD, sought=SOUGHT)
    data = sign_message(seeking, REQUEST_TYPE, ASKER)
    assert read_message(data, REQUEST_TYPE, LookupRequest, "node-203", ASKER.public_signing_key) == seeking
    for wrong in ({"sought": SOUGHT}, {"kind": LookupKind.ONE_CHILD}):
        with pytest.raises(ValueError, match="seek"):
            msgspec.structs.replace(REQUEST, **wrong)
