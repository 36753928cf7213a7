"""Signing in at a node by an account elsewhere: against a real provider in a process of its own."""

import json
import re
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from audit.event import Action, Outcome
from audit.log import read_entries
from federation.hub_line import current_time
from federation.oidc import Metadata, ProviderRefused
from federation.state import StateError, write_file
from node import discovery, providers
from node.providers import PROVIDERS_FILE, Provider, fetch_metadata, list_providers
from node.service import Node
from node.setting_up import enter_person
from tests.node.pages.conftest import Browse
from tests.small_federation import SmallFederation

pytestmark = pytest.mark.skipif(
    find_spec("oidc_provider_mock") is None, reason="no provider here to test with (extra test)"
)

Enter = Callable[..., None]
Travel = Callable[..., TestResponse]
TENANT = "8d6ad2ab-0c5e-4a3e-9f3e-2f0f4c1f6f10"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A provider in a process of its own, at a port that it chose."""
    asked = [sys.executable, "-m", "oidc_provider_mock", "--port", "0", "--host", "127.0.0.1"]
    with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        ports = (re.search(r"running on http://127\.0\.0\.1:(\d+)", line) for line in process.stderr)
        found = next(filter(None, ports))
        # What it says from now on is read away: a pipe that is full would stop it.
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield f"http://127.0.0.1:{found[1]}"
        process.terminate()


def call(address: str, method: str, body: bytes, kind: str = "application/json") -> tuple[int, str]:
    """Send something to the provider, as its own page or its administrator would; returns status and location."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    request = urllib.request.Request(address, body, {"Content-Type": kind}, method=method)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=10) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location", "")


@pytest.fixture(autouse=True)
def provider_time(federation: SmallFederation) -> None:
    """The provider's clock is the machine's, and so must ours be: it says when it signed."""
    federation.clock.move(current_time() - federation.clock())


@pytest.fixture
def enter(node: Node, issuer: str) -> Enter:
    """Writes the node's file of providers, with one of the shape that is asked for."""

    def write(shape: str = "plain", *, subject: str = "s-1", person: str = "vsh", place: str = issuer) -> None:
        tenant = f'tenant = "{place.rpartition("/")[2]}"\n' if shape == "entra" else ""
        text = f'[[provider]]\nname = "work"\ntitle = "your work account"\nshape = "{shape}"\nissuer = "{place}"\n'
        account = f'[[provider.account]]\nsubject = "{subject}"\nperson = "{person}"\n'
        (node.party.directory / PROVIDERS_FILE).write_text(f'{text}client_id = "circe"\n{tenant}{account}')
        write_file(node.party.directory / "provider-work.secret", b"a secret of ours\n")

    return write


@pytest.fixture
def travel(issuer: str) -> Travel:
    """Goes to the provider, signs in there as somebody of whom it says this, and comes back."""

    def sign_in(client: FlaskClient, sub: str = "s-1", **claims: object) -> TestResponse:
        call(f"{issuer}/users/{quote(sub)}", "PUT", json.dumps(claims).encode())
        leaving = client.get("/sign-in/with/work")
        assert leaving.status_code == 303
        body = urlencode({"sub": sub}).encode()
        status, back = call(leaving.headers["Location"], "POST", body, "application/x-www-form-urlencoded")
        assert status == 302
        return client.get(back.removeprefix("http://localhost:8401"))

    return sign_in


def last_sign_in(node: Node) -> tuple[str, Outcome, str]:
    event = next(iter(read_entries(node.database.connection, action=Action.SIGNIN))).to_event()
    assert event.details["means"] == "provider"
    return event.actor, event.outcome, str(event.details["reason"])


def test_an_account_that_is_entered_signs_its_person_in(app: Flask, node: Node, enter: Enter, travel: Travel) -> None:
    enter()
    client = app.test_client()
    assert "Sign in with your work account" in client.get("/sign-in").text
    answer = travel(client)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert client.get("/children").status_code == 200
    assert last_sign_in(node) == ("vsh", Outcome.DONE, "")
    assert "one-time code" in client.get("/passkeys").text


def test_a_secret_is_given_to_the_provider_and_to_nobody_while_others_can_read_it(
    app: Flask, node: Node, enter: Enter, travel: Travel
) -> None:
    enter()
    secret = node.party.directory / "provider-work.secret"
    assert travel(app.test_client()).status_code == 303
    secret.chmod(0o644)
    assert travel(app.test_client()).status_code == 503
    secret.unlink()
    assert travel(app.test_client()).status_code == 503


def test_an_account_that_is_nobodys_here_is_refused_and_makes_nobody(
    app: Flask, node: Node, enter: Enter, travel: Travel
) -> None:
    enter(subject="somebody else")
    client = app.test_client()
    answer = travel(client, roles=["virtual_school_head"], role="virtual_school_head")
    assert answer.status_code == 403
    assert client.get("/policy").status_code == 403
    assert last_sign_in(node) == (
        "somebody at work",
        Outcome.REFUSED,
        "this account is not one of those that the node's administrator has entered",
    )
    assert "s-1" not in str(list(read_entries(node.database.connection, action=Action.SIGNIN)))


def test_an_account_of_somebody_who_has_left_is_refused(app: Flask, node: Node, enter: Enter, travel: Travel) -> None:
    enter(person="gone")
    assert travel(app.test_client()).status_code == 403


AUTHORITY = {"id": "a", "category": {"id": "002", "name": "Local Authority"}}
SCHOOL = {"id": "b", "category": {"id": "001", "name": "Establishment"}, "urn": "100001", "establishmentNumber": "2101"}


@pytest.mark.parametrize(
    ("person", "organisation", "let_in"),
    [
        ("vsh", {**AUTHORITY, "establishmentNumber": "own"}, True),
        ("vsh", {**AUTHORITY, "establishmentNumber": "999"}, False),
        ("vsh", SCHOOL, False),
        ("vsh", None, False),
        ("vsh", "own", False),
        ("vsh", {"category": "002", "establishmentNumber": "own"}, False),
        ("teacher", SCHOOL, True),
        ("teacher", {**SCHOOL, "urn": "100002"}, False),
        ("teacher", {**SCHOOL, "urn": None}, False),
        ("teacher", {**AUTHORITY, "establishmentNumber": "own"}, False),
    ],
)
def test_whoever_comes_by_dfe_sign_in_acts_for_their_own_organisation(
    app: Flask, node: Node, enter: Enter, travel: Travel, person: str, organisation: Any, let_in: bool
) -> None:
    """An authority by its number, and a designated teacher by the URN of the school that this authority entered."""
    enter("dfe_sign_in", person=person)
    said = json.loads(json.dumps(organisation).replace('"own"', f'"{node.authority}"'))
    client = app.test_client()
    assert (travel(client, organisation=said).status_code == 303) is let_in
    assert (client.get("/policy").status_code == 200) is let_in


@pytest.mark.parametrize(
    ("claims", "let_in"),
    [
        ({"oid": "o-1", "tid": "own"}, True),
        ({"oid": "o-1", "tid": TENANT}, False),
        ({"oid": "o-1"}, False),
        ({"oid": "o-2", "tid": "own"}, False),
        ({"tid": "own"}, False),
    ],
)
def test_whoever_comes_by_entra_is_known_by_object_and_tenant(
    app: Flask, issuer: str, enter: Enter, travel: Travel, claims: dict[str, str], let_in: bool
) -> None:
    """The provider's issuer stands for the tenant's own: both end in what the file calls the tenant."""
    enter("entra", subject="o-1")
    own = issuer.rpartition("/")[2]
    said = {name: own if value == "own" else value for name, value in claims.items()}
    assert (travel(app.test_client(), **said).status_code == 303) is let_in


def test_what_the_provider_gives_counts_once_in_the_browser_that_went(
    app: Flask, issuer: str, enter: Enter, federation: SmallFederation
) -> None:
    """A link to come back, sent to somebody else, signs nobody in as another; nor does an old one, nor a second."""
    enter()

    def come_from(client: FlaskClient) -> str:
        leaving = client.get("/sign-in/with/work").headers["Location"]
        _, back = call(leaving, "POST", b"sub=s-1", "application/x-www-form-urlencoded")
        return back.removeprefix("http://localhost:8401")

    client, victim = app.test_client(), app.test_client()
    victim.get("/sign-in")
    back = come_from(client)
    assert victim.get(back).status_code == 403
    assert victim.get("/policy").status_code == 403
    assert client.get(back.replace("state=", "state=A")).status_code == 403
    assert client.get(f"{back}&iss=https://evil.example").status_code == 403
    assert client.get(back).status_code == 403, "the state was used up by the attempt before"
    back = come_from(client)
    assert client.get(back).status_code == 303
    assert client.get(back).status_code == 403
    old = come_from(app.test_client())
    federation.clock.move(timedelta(minutes=6))
    assert app.test_client().get(old).status_code == 403


def test_the_proof_of_who_began_goes_to_the_token_endpoint_alone(
    app: Flask, enter: Enter, travel: Travel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verifier of PKCE goes with our secret, in a request of our own, and stands in no address."""
    enter()
    seen: list[tuple[str, bytes, Mapping[str, str]]] = []
    fetch = providers._fetch

    def note(address: str, form: bytes = b"", headers: Mapping[str, str] = MappingProxyType({})) -> bytes:
        seen.append((address, form, headers))
        return fetch(address, form, headers)

    monkeypatch.setattr(providers, "_fetch", note)
    client = app.test_client()
    assert travel(client).status_code == 303
    ((_, body, headers),) = [request for request in seen if request[1]]
    form = parse_qs(body.decode())
    assert (form["grant_type"], len(form["code_verifier"][0])) == (["authorization_code"], 43)
    assert headers["Authorization"] == f"Basic {b64encode(b'circe:a%20secret%20of%20ours').decode()}"
    addresses = " ".join(address for address, _, _ in seen)
    assert form["code_verifier"][0] not in addresses


def test_a_code_that_the_provider_never_gave_is_refused_and_names_nobody(app: Flask, node: Node, enter: Enter) -> None:
    enter()
    client = app.test_client()
    state = re.search(r"state=([\w-]+)", client.get("/sign-in/with/work").headers["Location"])
    assert state
    before = len(list(read_entries(node.database.connection, action=Action.SIGNIN)))
    assert client.get(f"/sign-in/with/work/back?code=invented&state={state[1]}").status_code == 403
    assert len(list(read_entries(node.database.connection, action=Action.SIGNIN))) == before


def test_a_provider_that_is_away_or_not_entered_signs_nobody_in(app: Flask, enter: Enter) -> None:
    client = app.test_client()
    assert client.get("/sign-in/with/work").status_code == 403
    enter(place="http://127.0.0.1:1")
    answer = client.get("/sign-in/with/work")
    assert answer.status_code == 503
    assert "did not answer" in answer.text


@pytest.mark.parametrize(
    "text",
    [
        "[[provider]]",
        '[[provider]]\nname = "a"\ntitle = "A"\nshape = "entra"\nissuer = "https://a.b"\nclient_id = "c"',
        '[[provider]]\nname = "a"\ntitle = "A"\nshape = "plain"\nissuer = "ftp://a.b"\nclient_id = "c"',
        '[[provider]]\nname = "a"\ntitle = "A"\nshape = "plain"\nissuer = "https://a.b"\nclient_id = "c"\nroles = "x"',
    ],
)
def test_a_file_of_providers_that_cannot_be_used_opens_nothing(app: Flask, node: Node, text: str) -> None:
    """The page of signing in stays, for those who have a passkey."""
    (node.party.directory / PROVIDERS_FILE).write_text(text)
    assert "Sign in with a passkey" in app.test_client().get("/sign-in").text
    assert app.test_client().get("/sign-in/with/a").status_code >= 400
    with pytest.raises(StateError, match="nobody signs in by it"):
        list_providers(node)


def test_a_role_that_changes_after_signing_in_is_the_one_that_counts(
    app: Flask, node: Node, enter: Enter, travel: Travel, browse: Browse
) -> None:
    enter()
    client = app.test_client()
    travel(client)
    enter_person(node.party.directory, "vsh", "node_administrator", "Administrator")
    assert client.get("/children").status_code == 403


def test_strangers_who_begin_to_sign_in_make_the_node_call_out_once_in_a_while(
    app: Flask, node: Node, enter: Enter, federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetch(provider: Provider) -> Metadata:
        asked.append(provider.issuer)
        return fetch_metadata(provider)

    monkeypatch.setattr(discovery, "fetch_metadata", fetch)
    enter()

    def begin_as_many() -> set[int]:
        with ThreadPoolExecutor(4) as strangers:
            return set(strangers.map(lambda _: app.test_client().get("/sign-in/with/work").status_code, range(12)))

    assert begin_as_many() in ({303}, {303, 503})  # refused at once: whoever came before the first had heard it
    assert len(asked) == 1
    federation.clock.move(discovery.KEPT)
    assert begin_as_many() == {303}
    assert len(asked) == 2
    assert app.test_client().get("/sign-in/with/other").status_code == 403
    assert len(asked) == 2


@pytest.mark.parametrize(
    "garbled", [b"SSH-2.0-hello\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"]
)
def test_a_provider_that_answers_what_is_no_http_is_one_that_does_not_answer(
    app: Flask, node: Node, enter: Enter, garbled: bytes
) -> None:
    """Another program at its port, or an answer that breaks off: it is asked once, and then left alone."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        asked = []

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(garbled)

        other = threading.Thread(target=answer, daemon=True)
        other.start()
        enter(place=f"http://127.0.0.1:{listening.getsockname()[1]}")
        answers = [app.test_client().get("/sign-in/with/work") for _ in range(2)]
        other.join(timeout=10)
    assert [(each.status_code, "did not answer" in each.text) for each in answers] == [(503, True)] * 2
    assert len(asked) == 1


def test_a_provider_that_does_not_answer_is_left_alone_for_a_while(
    app: Flask, node: Node, enter: Enter, federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail(provider: Provider) -> Metadata:
        asked.append(provider.issuer)
        raise ProviderRefused("the provider did not answer, or not as it should: try again")

    monkeypatch.setattr(discovery, "fetch_metadata", fail)
    enter()
    answers = [app.test_client().get("/sign-in/with/work") for _ in range(3)]
    assert [(answer.status_code, "did not answer" in answer.text) for answer in answers] == [(403, True)] * 3
    assert len(asked) == 1
    federation.clock.move(discovery.RESTS)
    app.test_client().get("/sign-in/with/work")
    assert len(asked) == 2
