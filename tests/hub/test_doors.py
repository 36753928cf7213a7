"""The hub's doors for software: every route against everybody who may stand in front of it.

The table of `door_table.py` names each route once; `test_every_route_is_in_the_table` keeps it complete.
"""

from datetime import timedelta

import pytest

from federation.exchange import QueryList
from federation.http_signatures import MAX_AGE
from federation.hub_line import CLOCKS_APART
from federation.keys import generate_keys
from federation.wire import encode_document
from hub.query_states import explain_states
from tests.hub.callers import Callers, assert_problem
from tests.hub.door_table import DOORS, OPEN_TO_ALL, Door

TELLS_NOTHING = {"/api/queries": QueryList(queries=()), "/api/query-states": explain_states()}
"""What every member is told, who may not see any query."""

every_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)


def test_every_route_is_in_the_table(callers: Callers) -> None:
    """Each route of each door is in the table, and nothing else is; one alone needs no signature."""
    routes = {
        f"{method} {rule}"
        for rule in callers.app.url_map.iter_rules()
        if rule.endpoint.startswith(("node_doors.", "people_doors.")) or str(rule).startswith(("/api", "/federation"))
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
    """Doors for nodes say so; the others tell whoever may not see a query nothing of any."""
    status, code = door.wrong
    response = callers.call(door.wrong_caller or "node-301", door.method, door.path)
    if status == 200:
        assert response.data == encode_document(TELLS_NOTHING[door.rule])
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
    assert_problem(own_callers.send("GET", "/api/queries", b"", headers), 401, CLOCKS_APART)
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
    assert_problem(own_callers.send("GET", "/api/queries", b"", headers), 401, CLOCKS_APART)


@pytest.mark.parametrize("door", [door for door in DOORS if door.unknown], ids=lambda door: door.name)
def test_an_unknown_id_is_refused(callers: Callers, door: Door) -> None:
    assert door.unknown is not None
    assert_problem(callers.call(door.caller, door.method, door.path), *door.unknown)


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
