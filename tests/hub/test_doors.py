"""The hub's doors for software: every route against everything that may come in by it.

The table names each route once; `test_every_route_is_in_the_table` keeps it complete.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.http_signatures import MAX_AGE
from federation.keys import generate_keys
from federation.sealing import SEALED_BYTES
from federation.wire import MAX_BATCH_BYTES, MAX_DOCUMENT_BYTES
from tests.hub.callers import Callers, assert_problem, gather
from tests.hub.played_federation import PlayedFederation, found_federation

QUERY, LOOKUP = f"Q-{'0' * 16}", f"L-{'0' * 32}"


@dataclass(frozen=True)
class Door:
    """One route: whom it is for, who is turned away and how, and what becomes of an unknown id."""

    rule: str
    method: str
    path: str
    caller: str
    wrong_caller: str
    wrong: tuple[int, str]
    unknown: tuple[int, str] | None = None
    garbage: tuple[int, str] | None = None
    limit: int = MAX_DOCUMENT_BYTES

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"


KIND, UNSEEN, MALFORMED = (403, "wrong_kind"), (404, "query_unknown"), (400, "malformed")
NO_LOOKUP = (404, "lookup_unknown")

DOORS = (
    Door("/federation/inbox", "GET", "/federation/inbox", "node-301", "ana", KIND),
    Door("/federation/inbox/<delivery_id>/done", "POST", "/federation/inbox/7/done", "node-301", "ana", KIND),
    Door("/federation/replies", "POST", "/federation/replies", "node-301", "ana", KIND, None, (400, "reply_malformed")),
    Door(
        "/federation/lookups", "POST", "/federation/lookups", "node-301", "cho", KIND, None, MALFORMED, MAX_BATCH_BYTES
    ),
    Door(
        "/federation/lookups/<lookup_id>/answer",
        "POST",
        f"/federation/lookups/{LOOKUP}/answer",
        "node-301",
        "hub",
        KIND,
        None,
        (400, "page_malformed"),
    ),
    Door("/federation/lookups/<lookup_id>", "GET", f"/federation/lookups/{LOOKUP}", "node-301", "eve", KIND, NO_LOOKUP),
    Door(
        "/federation/lookups/<lookup_id>", "DELETE", f"/federation/lookups/{LOOKUP}", "node-301", "ana", KIND, NO_LOOKUP
    ),
    Door("/api/queries", "POST", "/api/queries", "ana", "node-301", (400, "malformed"), None, MALFORMED),
    Door("/api/queries", "GET", "/api/queries", "ana", "", (200, "")),
    Door("/api/queries/<query_id>", "GET", f"/api/queries/{QUERY}", "ana", "node-301", UNSEEN, UNSEEN),
    Door(
        "/api/queries/<query_id>/manifest", "GET", f"/api/queries/{QUERY}/manifest", "ana", "node-301", UNSEEN, UNSEEN
    ),
    Door(
        "/api/queries/<query_id>/signatures",
        "POST",
        f"/api/queries/{QUERY}/signatures",
        "cho",
        "node-301",
        MALFORMED,
        None,
        MALFORMED,
    ),
    Door("/api/queries/<query_id>/release", "GET", f"/api/queries/{QUERY}/release", "ana", "node-301", UNSEEN, UNSEEN),
)

OPEN_TO_ALL = "GET /federation/register"

every_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
doors_that_take_a_body = pytest.mark.parametrize(
    "door", [door for door in DOORS if door.garbage], ids=lambda door: door.name
)


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callers]:
    """Everybody in front of one hub; nothing here changes what it knows, its nonces apart."""
    federation = found_federation(tmp_path_factory.mktemp("doors"))
    yield gather(federation)
    federation.hub.database.close()


@pytest.fixture
def own_callers(federation: PlayedFederation) -> Callers:
    """Everybody in front of a hub of the test's own."""
    return gather(federation)


def test_every_route_is_in_the_table(callers: Callers) -> None:
    """Each route of each door is in the table, and nothing else is; one alone needs no signature."""
    routes = {
        f"{method} {str(rule).replace('<int(max=9223372036854775807):', '<')}"
        for rule in callers.app.url_map.iter_rules()
        if rule.endpoint.startswith("doors.") or str(rule).startswith(("/api", "/federation"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {door.name for door in DOORS} | {OPEN_TO_ALL}
    answers = {door.name: callers.send(door.method, door.path).status_code for door in DOORS}
    assert set(answers.values()) == {401}
    assert callers.send("GET", "/federation/register").status_code == 200


@every_door
def test_an_unsigned_request_is_refused(callers: Callers, door: Door) -> None:
    assert_problem(callers.send(door.method, door.path), 401, "unsigned")


@every_door
def test_a_member_of_the_wrong_kind_is_refused(callers: Callers, door: Door) -> None:
    """Doors for nodes say so; the others show whoever may not see a query that there is none."""
    status, code = door.wrong
    response = callers.call(door.wrong_caller or "node-301", door.method, door.path)
    if status == 200:
        assert json.loads(response.data) == {"queries": []}
    else:
        assert_problem(response, status, code)


@every_door
def test_a_stranger_is_refused(callers: Callers, door: Door) -> None:
    """Neither an id that the register does not have nor a member's id with another key opens a door."""
    for keys in (generate_keys("nobody"), generate_keys(door.caller)):
        headers = callers.sign(door.method, door.path, keys)
        assert_problem(callers.send(door.method, door.path, b"", headers), 401, "unsigned")


@every_door
def test_a_revoked_member_is_refused(own_callers: Callers, door: Door) -> None:
    """From the moment at which the hub has the new register, though it keeps the one that it has verified."""
    assert own_callers.call(door.caller, door.method, door.path).status_code not in (401, 403)
    own_callers.federation.revoke(door.caller)
    assert_problem(own_callers.call(door.caller, door.method, door.path), 401, "unsigned")


@every_door
def test_a_request_is_good_once(callers: Callers, door: Door) -> None:
    headers = callers.sign(door.method, door.path, callers.keys(door.caller))
    assert callers.send(door.method, door.path, b"", headers).status_code != 401
    assert_problem(callers.send(door.method, door.path, b"", headers), 401, "replayed")


@every_door
def test_a_signature_is_good_for_one_request_alone(callers: Callers, door: Door) -> None:
    """Not for another body, another query string, or another method."""
    headers = callers.sign(door.method, door.path, callers.keys(door.caller))
    other_method = "DELETE" if door.method == "GET" else "GET"
    assert_problem(callers.send(door.method, door.path, b"{}", headers), 401, "unsigned")
    assert_problem(callers.send(door.method, f"{door.path}?wait=1", b"", headers), 401, "unsigned")
    assert callers.send(other_method, door.path, b"", headers).status_code in (401, 405)
    assert callers.send(door.method, door.path, b"", headers).status_code != 401


@every_door
def test_a_request_to_another_address_is_refused(callers: Callers, door: Door) -> None:
    """Somebody who stands between a member and the hub cannot pass on what was signed for his own address."""
    headers = callers.sign(door.method, door.path, callers.keys(door.caller))
    client = callers.app.test_client()
    signed_for_us = client.open(door.path, method=door.method, base_url="http://between.test", headers=headers)
    assert_problem(signed_for_us, 401, "unsigned")
    assert callers.send(door.method, door.path, b"", headers).status_code != 401


@pytest.mark.parametrize("age", [MAX_AGE + timedelta(seconds=1), -MAX_AGE - timedelta(seconds=1)], ids=["old", "ahead"])
def test_a_signature_of_another_time_is_refused_by_the_hubs_own_clock(own_callers: Callers, age: timedelta) -> None:
    own_callers.federation.clock.advance(timedelta(hours=1))
    at = own_callers.federation.clock() - age
    headers = own_callers.sign("GET", "/api/queries", own_callers.keys("ana"), at=at)
    assert_problem(own_callers.send("GET", "/api/queries", b"", headers), 401, "unsigned")
    own_callers.federation.clock.advance(-age)
    assert own_callers.send("GET", "/api/queries", b"", headers).status_code == 200


def test_a_nonce_is_remembered_for_as_long_as_its_signature_is_accepted(own_callers: Callers) -> None:
    """A request signed by a clock that is ahead is accepted for twice the age; so long it stays good once."""
    clock = own_callers.federation.clock
    headers = own_callers.sign("GET", "/api/queries", own_callers.keys("ana"), at=clock() + MAX_AGE)
    assert own_callers.send("GET", "/api/queries", b"", headers).status_code == 200
    clock.advance(2 * MAX_AGE)
    own_callers.call("ana", "GET", "/api/queries")
    assert_problem(own_callers.send("GET", "/api/queries", b"", headers), 401, "replayed")
    clock.advance(timedelta(seconds=2))
    own_callers.call("ana", "GET", "/api/queries")
    assert_problem(own_callers.send("GET", "/api/queries", b"", headers), 401, "unsigned")
    kept = own_callers.federation.hub.database.connection.execute("SELECT count(*) FROM request_nonces").fetchone()
    assert tuple(kept) == (2,), "the first nonce has been forgotten, the later ones have not"


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


@pytest.mark.parametrize("door", [door for door in DOORS if door.unknown], ids=lambda door: door.name)
def test_an_unknown_id_is_refused(callers: Callers, door: Door) -> None:
    assert door.unknown is not None
    assert_problem(callers.call(door.caller, door.method, door.path), *door.unknown)


@pytest.mark.parametrize("wait", ["nan", "-nan", "-1", "-inf", "soon", "0x10", "1,5"])
@pytest.mark.parametrize("path", ["/federation/inbox", f"/api/queries/{QUERY}"])
def test_a_wait_that_is_no_number_of_seconds_is_refused(own_callers: Callers, path: str, wait: str) -> None:
    """Not a number, less than nothing: neither is an hour, and neither is an error of ours."""
    federation = own_callers.federation
    path = path.replace(QUERY, federation.draft())
    member = "node-301" if path.startswith("/federation") else "ana"
    assert_problem(own_callers.call(member, "GET", f"{path}?wait={wait}"), 400, "malformed")


@pytest.mark.parametrize("wait", ["", "?wait=0", "?wait=inf", "?wait=1e999", "?other=1"])
def test_any_other_wait_is_taken(own_callers: Callers, wait: str) -> None:
    """Without end is as long as the hub waits for anybody; here something is there already."""
    own_callers.federation.start()
    assert own_callers.call("node-301", "GET", f"/federation/inbox{wait}").status_code == 200


@pytest.mark.parametrize("number", ["0", "9223372036854775807"])
def test_a_delivery_that_is_not_there_can_be_finished(callers: Callers, number: str) -> None:
    """To finish twice is no error."""
    assert callers.call("node-301", "POST", f"/federation/inbox/{number}/done").status_code == 204


@pytest.mark.parametrize("number", ["9223372036854775808", "9" * 4000, "9" * 5000, "-1", "1.5", "x", "%00"])
def test_what_is_no_number_of_a_delivery_is_not_found(callers: Callers, number: str) -> None:
    assert_problem(callers.call("node-301", "POST", f"/federation/inbox/{number}/done"), 404, "not_found")


def test_another_method_is_refused_with_those_that_there_are(callers: Callers) -> None:
    response = callers.call("ana", "PUT", "/api/queries")
    assert_problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS, POST"


def test_without_a_register_nobody_is_let_in(own_callers: Callers) -> None:
    """The hub closes its doors, says so, and says when to come back; it opens them when the register is back."""
    register = own_callers.federation.hub.party.directory / "register.json"
    data = register.read_bytes()
    for bad in (b"", data.replace(b"a", b"b", 1), None):
        if bad is None:
            register.unlink()
        else:
            register.write_bytes(bad)
        response = own_callers.call("ana", "GET", "/api/queries")
        assert_problem(response, 503, "no_register")
        assert response.headers["Retry-After"]
    assert_problem(own_callers.send("GET", "/federation/register"), 503, "no_register")
    register.write_bytes(data)
    assert own_callers.call("ana", "GET", "/api/queries").status_code == 200


def test_an_expired_register_lets_nobody_in(own_callers: Callers) -> None:
    """The register that was verified once is not good for longer than it says."""
    assert own_callers.call("ana", "GET", "/api/queries").status_code == 200
    own_callers.federation.clock.advance(timedelta(days=30))
    assert_problem(own_callers.call("ana", "GET", "/api/queries"), 503, "no_register")


def test_what_nobody_foresaw_shows_no_value(
    own_callers: Callers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A bare 500; the log names the kind of error and the place, and neither repeats what the error says."""

    def fail(*_: object) -> None:
        raise RuntimeError("SECRET-VALUE")

    monkeypatch.setattr("hub.queries.list_queries", fail)
    with caplog.at_level(logging.ERROR, "circe.hub"):
        response = own_callers.call("ana", "GET", "/api/queries")
    assert_problem(response, 500, "unforeseen")
    assert "RuntimeError at test_doors.py" in caplog.text
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
