"""Signing in at a node by passkey: enrolled by a code, verified in every step, logged, and nothing without one."""

from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import Cookie

from audit.event import Action, AuditEvent, Outcome
from audit.log import read_entries
from federation.web.tickets import TICKET_LIFETIME
from federation.webauthn import Flags, encode_base64url
from node.passkeys import MOST_PASSKEYS, list_passkeys, take_passkey_away
from node.rules import RULES_FILE
from node.service import Node
from node.setting_up import enter_person
from node.sign_in import issue_code
from tests.node.pages.conftest import Browse, Send
from tests.node.pages.soft_passkey import SoftPasskey
from tests.small_federation import SmallFederation


def logged(node: Node, action: Action = Action.SIGNIN) -> list[AuditEvent]:
    """Entries of one kind, oldest first."""
    entries = read_entries(node.database.connection, action=action)
    return [entry.to_event() for entry in reversed(list(entries))]


def opens(client: FlaskClient) -> bool:
    """Whether this browser is let in to the pages."""
    return client.get("/policy").status_code == 200


def set_rule(node: Node, line: str) -> None:
    """Exchange one of the node's rules by name."""
    path = node.party.directory / RULES_FILE
    name = line.partition(" = ")[0]
    lines = [line if old.startswith(f"{name} =") else old for old in path.read_text().splitlines()]
    assert line in lines
    path.write_text("\n".join(lines) + "\n")


def cookie_of(client: FlaskClient) -> Cookie:
    """The cookie of a browser's session."""
    cookie = client.get_cookie(client.application.extensions["site"].cookie)
    assert cookie is not None
    return cookie


def browser_by_code(app: Flask, send: Send, node: Node) -> FlaskClient:
    """A browser of the head, signed in by a code."""
    client = app.test_client()
    assert send(client, "/sign-in", {"code": issue_code(node, "vsh")}).status_code == 303
    return client


@pytest.fixture
def passkey(browse: Browse) -> SoftPasskey:
    """A passkey of the head of the virtual school, enrolled with a one-time code."""
    made = SoftPasskey()
    assert made.enrol(browse("vsh")).status_code == 303
    return made


def test_a_code_enrols_a_passkey_which_signs_in_from_then_on(
    app: Flask, browse: Browse, node: Node, passkey: SoftPasskey
) -> None:
    client = app.test_client()
    assert not opens(client)
    answer = passkey.sign_in(client)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert opens(client)
    (enrolled,) = logged(node, Action.PASSKEY_ENROLLED)
    short = encode_base64url(passkey.id)[:12]
    assert (enrolled.actor, enrolled.details["passkey"]) == ("vsh (virtual_school_head)", short)
    last = logged(node)[-1]
    assert (last.actor, last.outcome, last.details["means"]) == ("vsh", Outcome.DONE, "passkey")


def test_whoever_enrols_is_signed_in_by_the_passkey_and_enrols_no_second(browse: Browse, node: Node) -> None:
    """One code, one passkey: the session that the code began is over."""
    client = browse("vsh")
    assert SoftPasskey().enrol(client).status_code == 303
    assert opens(client)
    assert "data-ticket" not in client.get("/passkeys").text
    assert SoftPasskey().enrol(client).status_code == 403
    assert len(list_passkeys(node, "vsh")) == 1


@pytest.mark.parametrize(
    ("rule", "without", "having"),
    [("never", False, False), ("until_passkey", True, False), ("always", True, True)],
)
def test_what_a_code_opens_is_the_authoritys_own_rule(
    browse: Browse, node: Node, rule: str, without: bool, having: bool
) -> None:
    set_rule(node, f'codes_sign_in = "{rule}"')
    assert opens(browse("vsh")) is without
    assert SoftPasskey().enrol(browse("vsh")).status_code == 303
    client = browse("vsh")
    assert opens(client) is having
    assert client.get("/passkeys").status_code == 200
    assert "My children" not in client.get("/").text or having


WRONG = {
    "another site": {"origin": "http://localhost:9999"},
    "another domain": {"domain": "elsewhere.example"},
    "no user verified": {"flags": Flags.USER_PRESENT},
    "a copy of the passkey": {"count": 1},
    "another's handle": {"handle": encode_base64url(b"x" * 32)},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_a_passkey_that_does_not_verify_is_refused_and_logged(
    app: Flask, node: Node, passkey: SoftPasskey, wrong: dict[str, object]
) -> None:
    passkey.sign_in(app.test_client())
    client = app.test_client()
    answer = replace(passkey, **wrong).sign_in(client)  # type: ignore[arg-type]
    assert answer.status_code == 403
    assert not opens(client)
    last = logged(node)[-1]
    assert (last.actor, last.outcome) == ("vsh", Outcome.REFUSED)
    assert last.details["reason"]
    assert str(last.details["reason"]) not in answer.text


def test_a_passkey_of_nobody_here_is_refused_and_names_nobody(app: Flask, node: Node, passkey: SoftPasskey) -> None:
    before = len(logged(node))
    assert SoftPasskey().sign_in(app.test_client()).status_code == 403
    assert len(logged(node)) == before


def test_an_answer_counts_once(app: Flask, browse: Browse, node: Node) -> None:
    """Sent again by whoever saw it, in the very browser that it was made for, it signs nobody in."""
    passkey = SoftPasskey(count=0)
    passkey.enrol(browse("vsh"))
    client, thief = app.test_client(), app.test_client()
    fields = passkey.fill_in(client.get("/sign-in").text)
    cookie = cookie_of(client)
    thief.set_cookie(cookie.key, cookie.value)
    assert client.post("/sign-in/passkey", data=fields).status_code == 303
    assert thief.post("/sign-in/passkey", data=fields).status_code == 403
    assert not opens(thief)
    assert "done already" in str(logged(node)[-1].details["reason"])


def test_an_answer_counts_in_its_own_browser_for_five_minutes(
    app: Flask, federation: SmallFederation, passkey: SoftPasskey
) -> None:
    client, other = app.test_client(), app.test_client()
    fields = passkey.fill_in(client.get("/sign-in").text)
    token = passkey.fill_in(other.get("/sign-in").text)["form_token"]
    answer = other.post("/sign-in/passkey", data={**fields, "form_token": token})
    assert (answer.status_code, "not made for this browser" in answer.text) == (400, True)
    federation.clock.move(TICKET_LIFETIME + timedelta(seconds=1))
    answer = client.post("/sign-in/passkey", data=fields)
    assert (answer.status_code, "open for too long" in answer.text) == (400, True)


def test_a_ticket_to_sign_in_enrols_nothing(app: Flask, browse: Browse, node: Node) -> None:
    client = browse("vsh")
    ticket = SoftPasskey().fill_in(client.get("/sign-in").text)
    answer = client.post("/passkeys", data={**ticket, "name": "x"})
    assert answer.status_code == 400
    assert list_passkeys(node, "vsh") == ()


@pytest.mark.parametrize("wrong", [{"flags": Flags.USER_PRESENT}, {"origin": "http://evil.example"}, {"id": b"short"}])
def test_a_registration_that_does_not_verify_keeps_nothing(
    browse: Browse, node: Node, wrong: dict[str, object]
) -> None:
    client = browse("vsh")
    assert SoftPasskey(**wrong).enrol(client).status_code == 400  # type: ignore[arg-type]
    assert list_passkeys(node, "vsh") == ()


def test_a_passkey_is_enrolled_once_and_there_is_room_for_some(browse: Browse, node: Node) -> None:
    first = SoftPasskey()
    for number in range(MOST_PASSKEYS):
        assert (first if number == 0 else SoftPasskey()).enrol(browse("vsh")).status_code == 303
    assert SoftPasskey().enrol(browse("vsh")).status_code == 400
    assert first.enrol(browse("ig")).status_code == 400
    assert list_passkeys(node, "ig") == ()


def test_who_has_left_is_refused_and_does_not_come_back_under_another(
    app: Flask, node: Node, passkey: SoftPasskey
) -> None:
    (node.party.directory / "people.toml").write_text("")
    assert passkey.sign_in(app.test_client()).status_code == 403
    enter_person(node.party.directory, "vsh", "node_administrator", "Somebody else")
    assert passkey.sign_in(app.test_client()).status_code == 403


def test_whoever_had_an_id_before_does_not_go_on_as_its_new_owner(app: Flask, node: Node, passkey: SoftPasskey) -> None:
    """A browser that was left signed in is its old owner's, however often they have it say so meanwhile."""
    predecessor = app.test_client()
    passkey.sign_in(predecessor)
    (node.party.directory / "people.toml").write_text("")
    assert not opens(predecessor)
    enter_person(node.party.directory, "vsh", "virtual_school_head", "The next head")
    assert not opens(predecessor)


def test_a_passkey_that_is_taken_away_takes_its_sessions_along(
    app: Flask, send: Send, node: Node, passkey: SoftPasskey
) -> None:
    """Whoever found a lost device is signed out; whoever takes the passkey away stays."""
    thief, owner = app.test_client(), app.test_client()
    passkey.sign_in(thief)
    passkey.sign_in(owner)
    assert opens(thief)
    named = {"passkey": encode_base64url(passkey.id)}
    assert send(owner, "/passkeys/remove", named, shown="/passkeys").status_code == 303
    assert opens(owner)
    assert not opens(thief)
    remaining = SoftPasskey()
    assert remaining.enrol(browser_by_code(app, send, node)).status_code == 303
    other = app.test_client()
    remaining.sign_in(other)
    assert opens(other)
    take_passkey_away(node, "vsh", encode_base64url(remaining.id)[:12])
    assert not opens(other)
    assert not opens(owner)


def test_one_takes_away_ones_own_passkeys_and_nobody_elses(
    app: Flask, browse: Browse, send: Send, node: Node, passkey: SoftPasskey
) -> None:
    named = {"passkey": encode_base64url(passkey.id)}
    assert send(browse("ig"), "/passkeys/remove", named, shown="/passkeys").status_code == 404
    client = app.test_client()
    passkey.sign_in(client)
    assert send(client, "/passkeys/remove", named, shown="/passkeys").status_code == 303
    assert passkey.sign_in(app.test_client()).status_code == 403
    (removed,) = logged(node, Action.PASSKEY_REMOVED)
    assert (removed.actor, removed.details["person"]) == ("vsh (virtual_school_head)", "vsh")


def test_the_administrator_lists_passkeys_and_takes_one_away(app: Flask, node: Node, passkey: SoftPasskey) -> None:
    from node.commands import node as commands

    asked = ["passkeys", "--state", str(node.party.directory), "--person", "vsh"]
    printed = CliRunner().invoke(commands, asked, catch_exceptions=False).stdout
    short = encode_base64url(passkey.id)[:12]
    assert short in printed
    assert "Laptop" in printed
    CliRunner().invoke(commands, [*asked, "--remove", short], catch_exceptions=False)
    assert list_passkeys(node, "vsh") == ()
    assert logged(node, Action.PASSKEY_REMOVED)[-1].actor == node.party.member_id


def test_neither_log_nor_database_has_a_secret_of_signing_in(
    app: Flask, browse: Browse, node: Node, send: Send
) -> None:
    code = issue_code(node, "vsh")
    client, made = app.test_client(), SoftPasskey()
    send(client, "/sign-in", {"code": code})
    made.enrol(client)
    cookie = cookie_of(client)
    kept = b"".join(path.read_bytes() for path in node.party.directory.glob("*.sqlite*"))
    assert encode_base64url(made.id).encode() in kept
    for secret in (code, cookie.value, cookie.value.split(":")[0], made.key.private_bytes_raw().hex()):
        assert secret.encode() not in kept


# --- Sessions ---------------------------------------------------------------------------------------------------------


def test_a_session_of_a_code_is_short_and_an_idle_one_too(
    app: Flask, browse: Browse, federation: SmallFederation, passkey: SoftPasskey, node: Node
) -> None:
    set_rule(node, 'codes_sign_in = "always"')
    by_code, by_passkey = browse("vsh"), app.test_client()
    passkey.sign_in(by_passkey)
    for _ in range(3):
        federation.clock.move(timedelta(minutes=10))
        assert opens(by_passkey)
        opens(by_code)
    assert not opens(by_code)
    federation.clock.move(timedelta(minutes=30))
    assert not opens(by_passkey)


@pytest.mark.parametrize("change", ["member", "means", "began"])
def test_a_forged_cookie_is_nobodys(app: Flask, browse: Browse, change: str) -> None:
    client, forger = browse("admin"), app.test_client()
    cookie = cookie_of(client)
    key, began, seen, means, member, signature = cookie.value.split(":")
    forged = {
        "member": (key, began, seen, means, "vsh", signature),
        "means": (key, began, seen, "passkey", member, signature),
        "began": (key, str(int(began) + 60), seen, means, member, signature),
    }
    forger.set_cookie(cookie.key, ":".join(forged[change]))
    assert not opens(forger)
    forger.set_cookie(cookie.key, cookie.value)
    assert opens(forger)


def test_a_session_is_another_after_signing_in(app: Flask, passkey: SoftPasskey) -> None:
    """Whoever planted a cookie in a browser does not share what is signed in there."""
    client = app.test_client()
    client.get("/sign-in")
    before = cookie_of(client).value
    passkey.sign_in(client)
    planted = app.test_client()
    planted.set_cookie(cookie_of(client).key, before)
    assert not opens(planted)


def test_only_the_pages_that_need_it_may_run_our_script(app: Flask, browse: Browse) -> None:
    client = browse("vsh")
    for path, runs in {"/": False, "/policy": False, "/children": False, "/sign-in": True, "/passkeys": True}.items():
        answer = client.get(path)
        assert ("script-src 'self'" in answer.headers["Content-Security-Policy"]) is runs, path
        assert answer.text.count("<script") == int(runs), path
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
