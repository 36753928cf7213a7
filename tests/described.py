"""An application held to its own description: schemathesis sends what that allows, and what it does not.

What it makes up is sent as a member's software would send it: signed, a document in its one encoding, a form with the
token of its session. A request that is to be signed carries `WANTED` for a signature; without it, as the check of
ignored authentication wants it, it goes as it stands.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
import schemathesis
from flask import Flask, Response, request
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule
from werkzeug.wrappers import Request

from federation.http_signatures import RequestUnsigned, sign_request
from federation.keys import MemberKeys
from federation.problems import PROBLEM_TYPE
from federation.web.description import ADDRESS, read_described
from tests.aligned import find_unaligned
from tests.heard import find_unheard

WANTED = "wanted"
"""Stands for the signature of a request that is signed on its way."""

HOUSE = Path(__file__).parents[1]

POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE


@dataclass(frozen=True)
class Caller:
    """Somebody in front of an application: with keys, with a session, or with neither."""

    name: str
    keys: MemberKeys | None = None
    cookies: Mapping[str, str] = field(default_factory=dict)
    form_token: str = ""


@dataclass
class Doorway:
    """An application as the software of one caller reaches it; both are set before anything is sent."""

    app: Flask = field(default_factory=lambda: Flask("nothing"))
    caller: Caller = field(default_factory=lambda: Caller("nobody"))
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        if environ.get("HTTP_SIGNATURE") == WANTED and self.caller.keys is not None:
            request = Request(environ)
            body = self._in_one_encoding(environ, request.get_data(cache=False))
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
            environ |= self._sign(request, body, self.caller.keys)
        answer = self.app(environ, start_response)
        try:
            return [b"".join(answer)]
        finally:
            # As every server does (PEP 3333): a file that is handed out as it is is closed by nobody else.
            if close := getattr(answer, "close", None):
                close()

    def _in_one_encoding(self, environ: WSGIEnvironment, body: bytes) -> bytes:
        """Write a document as its type writes it; what is none stays as it is."""
        try:
            endpoint, _ = self.app.url_map.bind_to_environ(environ).match()
            kind = read_described(self.app.view_functions[endpoint]).takes
            return msgspec.json.encode(msgspec.json.decode(body, type=kind)) if isinstance(kind, type) else body
        except (HTTPException, msgspec.MsgspecError, ValueError, RecursionError):
            return body

    def _sign(self, request: Request, body: bytes, keys: MemberKeys) -> dict[str, str]:
        """The headers of a signature; none where no software could sign such an address."""
        try:
            signed = sign_request(request.method, request.url, body, keys, self.clock())
        except RequestUnsigned:
            return {}
        return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in signed.items()}


ACCEPTED = ("2xx", "3xx", "401", "403", "404", "409", "429")
"""What may come of a request that the description allows: its asker may not have it, or not now, or it is not there."""

CONFIGURATION = {
    "seed": 20261129,
    # Signatures are made on the way here: a made-up one would be no more than an unsigned request.
    "generation": {"with-security-parameters": False},
    "checks": {
        "positive_data_acceptance": {"expected-statuses": [*ACCEPTED]},
        "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx"]},
    },
    "operations": [
        # No schema can say what SQL may ask, what a signature is over, or that 3.0 is no way to write 3.
        {
            "include-method": ["POST", "PUT"],
            "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "400", "413", "422"]}},
        },
        # The address of a page is text to its schema; a search in it that cannot be read is said to be so.
        {
            "include-tag": "pages",
            "include-method": "GET",
            "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "400", "422"]}},
        },
    ],
}
"""Every check that there is, each as strict as it can be meant."""


def load_description(room: str, doorway: Doorway) -> Any:
    """Load an application's description as it is handed out."""
    config = SchemathesisConfig.from_dict(CONFIGURATION)
    schema = schemathesis.openapi.from_dict(json.loads((HOUSE / room / "openapi.json").read_text()), config=config)
    schema.app = doorway
    return schema


def list_operations(schema: Any) -> dict[str, Any]:
    """Every operation that a description has, by its method and path; the last is that which ends sessions."""
    found = (each.ok() for each in schema.get_all_operations())
    return {each.label: each for each in sorted(found, key=lambda operation: operation.path == "/sign-out")}


@dataclass(frozen=True)
class Trial:
    """What trying an operation takes: the way in, the callers, and parts of paths that lead somewhere."""

    doorway: Doorway
    address: str
    callers: Sequence[Caller]
    known: Mapping[str, Sequence[str]]

    def try_operation(self, operation: Any, examples: int) -> None:
        """Send so many requests that the description allows, and as many that it does not, by any of the callers."""
        self._try(operation, POSITIVE, examples, self._lead_somewhere)
        if operation.body or any(operation.iter_parameters()):
            self._try(operation, NEGATIVE, examples, lambda case, _: case)

    def _try(
        self, operation: Any, mode: schemathesis.GenerationMode, examples: int, lead: Callable[[Any, int], Any]
    ) -> None:
        @settings(
            max_examples=examples,
            derandomize=True,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(mode), caller=st.sampled_from(self.callers), place=st.integers(0, 99))
        def send(case: Any, caller: Caller, place: int) -> None:
            self.send(lead(case, place), caller)

        send()

    def try_borders(self, schema: Any, operation: Any) -> None:
        """Send what lies at the borders of what the description allows, on either side; the callers take turns."""
        generation = schema.config.generation_for(operation=operation)
        cases = schema.iter_coverage_cases(
            operation, generation_modes=[POSITIVE, NEGATIVE], generation_config=generation
        )
        for case, caller in zip(cases, cycle(self.callers), strict=False):
            self.send(case, caller)

    def _lead_somewhere(self, case: Any, place: int) -> Any:
        """Now and then have parts of the path name something that is there."""
        for name, known in self.known.items():
            if place % 3 and known and name in (case.path_parameters or {}):
                case.path_parameters[name] = known[place % len(known)]
        return case

    def send(self, case: Any, caller: Caller) -> None:
        """Send a request and hold its answer to the description, by every check that there is."""
        headers = {"Signature": WANTED} if caller.keys is not None else {}
        self.doorway.caller = caller
        if isinstance(case.body, dict) and caller.form_token and "form_token" in case.body:
            case.body["form_token"] = caller.form_token
        case.call_and_validate(base_url=self.address, headers=headers, cookies=dict(caller.cookies))


def write_path(rule: Rule) -> str:
    """A route's path as a description writes it."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def assert_handed_out(app: Flask, room: str) -> None:
    """Whoever asks is given the description as it is kept, and every route of the application is in it."""
    answer = app.test_client().get(ADDRESS)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.data == (HOUSE / room / "openapi.json").read_bytes()
    described = json.loads(answer.data)["paths"]
    routes = {
        f"{method} {write_path(rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}


def hold_answers(app: Flask, room: str) -> Flask:
    """Have an application fail whichever test sees an answer of it that its description does not name.

    So does a page with a column of numbers that do not stand to the right, and a node's that not all can hear.
    """
    paths = read_described_paths(room)
    answer, unnamed = app.wsgi_app, list[str]()

    def compare(response: Response) -> Response:
        if request.url_rule is not None and request.method not in ("HEAD", "OPTIONS"):
            said = paths[write_path(request.url_rule)][request.method.lower()]["responses"]
            if not is_named(response, said.get(str(response.status_code))):
                unnamed.append(f"{request.method} {request.url_rule}: {response.status_code} {response.data[:300]!r}")
        if response.mimetype == "text/html":
            page = response.get_data(as_text=True)
            faults = (*find_unaligned(page), *(find_unheard(page) if room == "node" else ()))
            unnamed.extend(f"{request.url_rule}: {each}" for each in faults)
        return response

    def answer_held(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
        given = answer(environ, start_response)
        assert not unnamed, f"not as it is described, or as the house has it: {unnamed.pop()}"
        return given

    app.after_request(compare)
    app.wsgi_app = answer_held  # type: ignore[method-assign]
    return app


@cache
def read_described_paths(room: str) -> dict[str, Any]:
    """What a room's description says of each path, read once for all applications."""
    paths: dict[str, Any] = json.loads((HOUSE / room / "openapi.json").read_text())["paths"]
    return paths


def is_named(response: Response, said: Mapping[str, Any] | None) -> bool:
    """Whether a description names an answer's status and, where it lists the codes of problems, its code."""
    if said is None or response.content_type != PROBLEM_TYPE:
        return said is not None
    code = said["content"][PROBLEM_TYPE]["schema"]["allOf"][1]["properties"].get("code")
    return code is None or json.loads(response.data)["code"] in code["enum"]


def open_session(app: Flask, code: str) -> Caller:
    """Return a visitor with a session: of whoever a sign-in code is for, or, where there is none, of nobody."""
    client = app.test_client()
    token = read_token(client.get("/sign-in").text)
    if code:
        assert client.post("/sign-in", data={"form_token": token, "code": code}).status_code == 303
        token = read_token(client.get("/").text)
    cookies = {cookie.key: cookie.value for cookie in (client._cookies or {}).values()}
    return Caller(f"a visitor with {'a code' if code else 'none'}", None, cookies, token)


def read_token(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]
