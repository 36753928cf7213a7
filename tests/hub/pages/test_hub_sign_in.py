"""Signing in at the hub: one code, one use, a quarter of an hour; and the register is asked every time."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from audit.event import Action
from federation.hub_line import current_time
from federation.problems import ProblemRaised
from federation.register import RegisterError
from federation.web.sign_in_codes import CODE_LIFETIME, hash_code
from federation.web.site import FAILURES_WITHIN, MOST_FAILURES
from federation.wire import whole_seconds
from hub.sign_in import issue_code, use_code
from tests.hub.pages.conftest import Browse, Send
from tests.hub.played_federation import NODES, PlayedFederation, found_federation


def signed_in(page: str) -> bool:
    return "Sign out" in page


def logged(federation: PlayedFederation) -> list[tuple[str, str, str]]:
    """Actor, outcome and link of each sign-in entry, oldest first."""
    log, connection = federation.hub.database.log, federation.hub.database.connection
    events = [entry.to_event() for entry in log.entries(connection, action=Action.SIGNIN)]
    return [(event.actor, event.outcome.value, str(event.details["link"])) for event in reversed(events)]


def test_a_code_signs_its_member_in(federation: PlayedFederation) -> None:
    assert use_code(federation.hub, issue_code(federation.hub, "ana")).id == "ana"
    assert logged(federation) == [("ana", "intended", "made"), ("ana", "done", "used")]


def test_a_code_works_once(federation: PlayedFederation) -> None:
    code = issue_code(federation.hub, "ana")
    use_code(federation.hub, code)
    with pytest.raises(ProblemRaised, match="ask for another"):
        use_code(federation.hub, code)


@pytest.mark.parametrize(("waited", "good"), [(CODE_LIFETIME - timedelta(seconds=1), True), (CODE_LIFETIME, False)])
def test_a_code_is_good_for_a_quarter_of_an_hour(federation: PlayedFederation, waited: timedelta, good: bool) -> None:
    code = issue_code(federation.hub, "ana")
    federation.clock.advance(waited)
    if good:
        assert use_code(federation.hub, code).id == "ana"
        return
    with pytest.raises(ProblemRaised, match="15 minutes"):
        use_code(federation.hub, code)
    assert logged(federation)[-1] == ("ana", "refused", "used")


def test_a_code_of_a_member_revoked_since_is_refused(federation: PlayedFederation) -> None:
    code = issue_code(federation.hub, "ana")
    federation.revoke("ana")
    with pytest.raises(ProblemRaised):
        use_code(federation.hub, code)
    assert logged(federation)[-1] == ("ana", "refused", "used")


def test_a_code_that_was_never_made_is_refused_and_leaves_no_entry(federation: PlayedFederation) -> None:
    """Otherwise a stranger could fill the log."""
    with pytest.raises(ProblemRaised):
        use_code(federation.hub, "never made")
    assert logged(federation) == []


def test_only_the_hash_of_a_code_is_kept(federation: PlayedFederation) -> None:
    code = issue_code(federation.hub, "ana")
    assert code.encode() not in b"".join(path.read_bytes() for path in federation.hub.party.directory.glob("circe*"))
    rows = federation.hub.database.connection.execute("SELECT code_hash FROM sign_in_codes").fetchall()
    assert [row["code_hash"] for row in rows] == [hash_code(code)]


@pytest.mark.parametrize("member", [NODES[0], "nobody-we-know"])
def test_machines_and_strangers_get_no_code(federation: PlayedFederation, member: str) -> None:
    with pytest.raises(RegisterError, match=member):
        issue_code(federation.hub, member)


def test_the_command_prints_a_link_that_works(tmp_path: Path, storage: str) -> None:
    """`circe hub sign-in` prints one line, the link, under the address that the hub's members joined.

    It goes by the clock on the wall, and so does the register of a federation that was founded just now.
    """
    from hub.commands import hub

    federation = found_federation(tmp_path, whole_seconds(current_time()), storage)
    with closing(federation.hub):
        arguments = ["sign-in", "--state", str(federation.hub.party.directory), "--member", "ana"]
        printed = CliRunner().invoke(hub, arguments, catch_exceptions=False).stdout
        address, _, code = printed.strip().partition("#")
        assert address == "http://hub.test/sign-in"
        assert use_code(federation.hub, code).id == "ana"


def test_opening_the_link_uses_nothing_up(app: Flask, federation: PlayedFederation, send: Send) -> None:
    """Programs that scan mail follow links, which do not even carry the code so far; only the form counts."""
    client, code = app.test_client(), issue_code(federation.hub, "ana")
    for address in ("/sign-in", f"/sign-in?code={code}"):
        page = client.get(address).text
        assert not signed_in(page)
        assert code not in page
    answer = send(client, "/sign-in", {"code": f" {code}\n"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert signed_in(client.get("/").text)


def test_a_refused_code_signs_nobody_in(app: Flask, send: Send) -> None:
    client = app.test_client()
    answer = send(client, "/sign-in", {"code": "never made"})
    assert answer.status_code == 403
    assert "This sign-in link has been used" in answer.text
    assert not signed_in(client.get("/").text)


def test_signing_out_ends_the_session(browse: Browse, send: Send) -> None:
    client = browse("ana")
    assert send(client, "/sign-out", shown="/").status_code == 303
    assert not signed_in(client.get("/").text)
    assert client.get("/queries").status_code == 403


def test_a_revoked_member_is_signed_out_at_once(browse: Browse, federation: PlayedFederation) -> None:
    client = browse("ana")
    federation.revoke("ana")
    assert client.get("/queries").status_code == 403
    assert not signed_in(client.get("/").text)


def test_a_session_ends_after_eight_hours_of_work(browse: Browse, federation: PlayedFederation) -> None:
    client = browse("ana")
    for _ in range(9):
        assert client.get("/queries").status_code == 200
        federation.clock.advance(timedelta(minutes=53))
    federation.clock.advance(timedelta(minutes=3))
    assert client.get("/queries").status_code == 403


def test_a_page_that_looks_again_by_itself_does_not_keep_a_session_open(
    browse: Browse, federation: PlayedFederation
) -> None:
    """Every twelve minutes: the page of whoever has left is refused when the idle hour is over."""
    ana, seen = browse("ana"), []
    for _ in range(6):
        federation.clock.advance(timedelta(minutes=12))
        seen.append(ana.get("/queries", headers={"X-Circe-By-Itself": "yes"}).status_code)
    assert seen == [200, 200, 200, 200, 403, 403]


def test_a_session_ends_after_an_idle_hour(browse: Browse, federation: PlayedFederation) -> None:
    client = browse("ana")
    federation.clock.advance(timedelta(minutes=60))
    assert client.get("/queries").status_code == 403


def test_a_copied_cookie_is_of_no_use_after_signing_out(app: Flask, browse: Browse, send: Send) -> None:
    client, thief = browse("ana"), app.test_client()
    cookie = client.get_cookie(app.extensions["site"].cookie)
    assert cookie is not None
    thief.set_cookie(cookie.key, cookie.value)
    assert thief.get("/queries").status_code == 200
    send(client, "/sign-out", shown="/")
    assert thief.get("/queries").status_code == 403


def test_whoever_signs_in_anew_has_ended_the_session_before(
    app: Flask, browse: Browse, federation: PlayedFederation, send: Send
) -> None:
    client, thief = browse("ana"), app.test_client()
    cookie = client.get_cookie(app.extensions["site"].cookie)
    assert cookie is not None
    thief.set_cookie(cookie.key, cookie.value)
    send(client, "/sign-in", {"code": issue_code(federation.hub, "bea")})
    assert thief.get("/queries").status_code == 403
    assert signed_in(client.get("/").text)


def test_an_address_that_fails_too_often_waits(app: Flask, federation: PlayedFederation, send: Send) -> None:
    """Good codes, too: nobody learns by trying whether a code was good."""
    client, other, code = app.test_client(), app.test_client(), issue_code(federation.hub, "ana")
    for _ in range(MOST_FAILURES):
        assert send(client, "/sign-in", {"code": "never made"}).status_code == 403
    assert send(client, "/sign-in", {"code": code}).status_code == 429
    other.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    assert send(other, "/sign-in", {"code": code}).status_code == 303
    federation.clock.advance(FAILURES_WITHIN)
    assert send(client, "/sign-in", {"code": issue_code(federation.hub, "ana")}).status_code == 303


def test_an_expired_register_signs_everybody_out_and_says_why(browse: Browse, federation: PlayedFederation) -> None:
    client = browse("ana")
    register = federation.hub.party.directory / "register.json"
    register.write_bytes(b"{}")
    answer = client.get("/queries")
    assert answer.status_code == 503
    assert "no valid register" in answer.text


def test_a_cookie_of_another_hub_is_no_session(app: Flask, federation: PlayedFederation) -> None:
    from federation.web.session import start_session, write_session

    client = app.test_client()
    forged = write_session(start_session(federation.clock(), "ana"), b"another hub's secret")
    client.set_cookie(app.extensions["site"].cookie, forged)
    assert client.get("/queries").status_code == 403
