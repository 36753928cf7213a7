"""What comes in by the hub's doors: whatever it is, it is read or refused, and never an error of ours."""

import json
import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.exchange import MOST_AT_ONCE
from federation.keys import generate_keys
from federation.sealing import SEALED_BYTES
from hub.doors.request import LAST_DELIVERY
from tests.hub.callers import Callers, assert_problem
from tests.hub.door_table import DOORS, NO_LOOKUP, QUERY, Door

doors_that_take_a_body = pytest.mark.parametrize(
    "door", [door for door in DOORS if door.garbage], ids=lambda door: door.name
)


@doors_that_take_a_body
def test_too_large_a_body_is_refused(callers: Callers, door: Door) -> None:
    body = b"x" * (door.limit + 1)
    assert_problem(callers.call(door.caller, door.method, door.path, body), 413, "too_large")


@doors_that_take_a_body
def test_what_a_stranger_sends_is_not_taken_in(callers: Callers, door: Door) -> None:
    """The signature is verified before the body is read: a body that cannot be read is never noticed."""

    class Unreadable:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("the body was read")

    headers = callers.sign(door.method, door.path, generate_keys("nobody"), b"x")
    environ = {"wsgi.input": Unreadable(), "CONTENT_LENGTH": "1", "wsgi.input_terminated": True}
    client = callers.app.test_client()
    response = client.open(
        door.path, method=door.method, base_url="http://hub.test", headers=headers, environ_overrides=environ
    )
    assert_problem(response, 401, "unsigned")


NUMBERS = {
    "one": ("7", True),
    "several": ("7,8,9", True),
    "as many as a poll tells": (",".join(map(str, range(MOST_AT_ONCE))), True),
    "the largest": (str(LAST_DELIVERY), True),
    "none": ("", True),
    "one that is not there": ("0", True),
    "one too many": (",".join(map(str, range(MOST_AT_ONCE + 1))), False),
    "too large": (str(LAST_DELIVERY + 1), False),
    "below nothing": ("-1", False),
    "words": ("SECRET", False),
    "an empty place": ("7,,8", False),
    "a comma more": ("7,", False),
    "a long one": ("9" * 3000, False),
    "half of one": ("1.5", False),
    "nothing at all": ("%00", False),
    "a space": ("7,%208", False),
}


@pytest.mark.parametrize("parameter", ["done", "in_hand"])
@pytest.mark.parametrize(("numbers", "good"), NUMBERS.values(), ids=NUMBERS)
def test_deliveries_are_told_of_by_their_numbers(callers: Callers, parameter: str, numbers: str, good: bool) -> None:
    response = callers.call("node-301", "GET", f"/federation/inbox?{parameter}={numbers}")
    if good:
        assert response.status_code == 200
    else:
        assert_problem(response, 400, "malformed")
        assert "SECRET" not in response.text


GARBAGE = {
    "nothing": b"",
    "no JSON": b"SECRET-VALUE",
    "another document": b'{"SECRET":"VALUE"}',
    "no UTF-8": b'{"SECRET-VALUE":"\xff\xfe"}',
    "a lone surrogate": b'{"SECRET":"\\ud800VALUE"}',
    "deep nesting": b'{"SECRET":' + b"[" * 100_000,
    "a number without end": b'{"SECRET":' + b"9" * 10_000 + b"}",
    "duplicate keys": b'{"keyid":"SECRET","keyid":"VALUE","sig":""}',
    "zeros": b"\0" * SEALED_BYTES,
}


@doors_that_take_a_body
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=list(GARBAGE))
def test_garbage_is_refused_without_repeating_it(callers: Callers, door: Door, garbage: bytes) -> None:
    assert door.garbage is not None
    response = callers.call(door.caller, door.method, door.path, garbage)
    well_formed_page = len(garbage) == SEALED_BYTES and door.path.endswith("/answer")
    assert_problem(response, *(NO_LOOKUP if well_formed_page else door.garbage))
    assert "SECRET" not in response.text
    assert "VALUE" not in response.text


@pytest.mark.parametrize("wait", ["nan", "-nan", "-1", "-inf", "soon", "0x10", "1,5"])
@pytest.mark.parametrize("path", ["/federation/inbox", f"/api/queries/{QUERY}"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(own_callers: Callers, path: str, wait: str) -> None:
    """Not a number, less than nothing: neither is an hour, and neither is an error of ours."""
    federation = own_callers.federation
    path = path.replace(QUERY, federation.draft())
    member = "node-301" if path.startswith("/federation") else "ana"
    assert_problem(own_callers.call(member, "GET", f"{path}?wait={wait}"), 400, "malformed")


@pytest.mark.parametrize("seen", ["drafted", "0" * 15, "0" * 17, "A" * 16])
def test_what_is_no_progress_of_a_query_is_refused(own_callers: Callers, seen: str) -> None:
    path = f"/api/queries/{own_callers.federation.draft()}?wait=25&seen={seen}"
    assert_problem(own_callers.call("ana", "GET", path), 400, "malformed")


@pytest.mark.parametrize("wait", ["", "?wait=0", "?wait=inf", "?wait=1e999", "?other=1"])
def test_any_other_wait_is_taken(own_callers: Callers, wait: str) -> None:
    """Without end is as long as the hub waits for anybody; here something is there already."""
    own_callers.federation.start()
    assert own_callers.call("node-301", "GET", f"/federation/inbox{wait}").status_code == 200


def test_what_nobody_foresaw_shows_no_value(
    own_callers: Callers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bare 500; the log names the kind of error and the place, and neither repeats what the error says."""

    def fail(*_: object) -> None:
        raise RuntimeError("SECRET-VALUE")

    monkeypatch.setattr("hub.standing.list_queries", fail)
    with caplog.at_level(logging.ERROR, "circe.hub"):
        response = own_callers.call("ana", "GET", "/api/queries")
    assert_problem(response, 500, "unforeseen")
    assert "RuntimeError at test_door_input.py" in caplog.text
    assert "SECRET" not in response.text + caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("lookup_id", "pages", "keyid", "sig", "project", "sql", "payload", "payloadType", "signatures", "roster")
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())
BODIES |= st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda value: json.dumps(value).encode())


@doors_that_take_a_body
@settings(max_examples=50, derandomize=True, deadline=None)
@given(body=BODIES)
def test_any_bytes_give_a_problem(callers: Callers, door: Door, body: bytes) -> None:
    """Whatever a member sends, signed, is read or refused: never an error of ours."""
    response = callers.call(door.caller, door.method, door.path, body)
    assert 400 <= response.status_code < 500
    assert_problem(response, response.status_code)


HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(
    signature_input=HEADER_TEXT | st.just('circe=("@method");created=1;keyid="ana";tag="circe";nonce="x"'),
    signature=HEADER_TEXT | st.just("circe=:AAAA:"),
    digest=HEADER_TEXT,
)
def test_any_signature_headers_give_a_problem(
    callers: Callers, signature_input: str, signature: str, digest: str
) -> None:
    headers = {"Signature-Input": signature_input, "Signature": signature, "Content-Digest": digest}
    assert_problem(callers.send("POST", "/federation/replies", b"x", headers), 401, "unsigned")
