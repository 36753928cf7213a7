"""The OpenAPI descriptions of hub and node, written from their routes, documents and problems.

`make docs` writes `openapi.json` beside each application, which hands it out, and `docs/api.md`, which shows the same
to people. Every route is in it: doors for members' software with the documents that go in and out, pages with the
fields that their forms send.
"""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from flask import Blueprint, Flask
from werkzeug.routing import Rule
from werkzeug.wrappers import Response as AnyResponse

from federation.problems import PROBLEM_TYPE, TITLES, Problem
from federation.web.description import HTML, Body, Described, read_described
from federation.web.site import kit
from federation.wire import Document
from hub.app import DOORS as HUB_DOORS
from hub.pages.site import DOORS as HUB_WORDS
from hub.pages.site import PAGES as HUB_PAGES
from node.pages.site import DOORS as NODE_WORDS
from node.pages.site import PAGES as NODE_PAGES
from tests.described import write_path
from tests.house.reached import ANY_CODE, Place, Reach, find_reach, list_own_problems

Json = dict[str, Any]

APPLICATIONS: Mapping[str, tuple[Blueprint, ...]] = {
    "hub": (kit, *HUB_DOORS, *HUB_PAGES),
    "node": (kit, *NODE_PAGES),
}
WORDS = {"hub": HUB_WORDS, "node": NODE_WORDS}
FORM_TYPE, FILES_TYPE = "application/x-www-form-urlencoded", "multipart/form-data"
OPEN_DOORS = ("/federation/register", "/health", "/openapi.json")
"""Doors that need no signature."""

ABOUT = {
    "hub": (
        "The hub carries approved questions to the authorities' nodes and releases safe tables. `/federation` is for "
        "nodes, `/api` for people's software: each request is signed by an active member (RFC 9421), covers its body "
        "(RFC 9530) and is good once. A document is JSON in exactly one encoding: fields in the order in which their "
        "schema lists them, no white space, nothing that the schema does not name. The rest is pages for people, who "
        "sign in with a code, and whose forms carry a token. Every refusal says what was wrong: to software as a "
        "problem document (RFC 9457), to people as a page."
    ),
    "node": (
        "The pages of one authority's node, for its own people. No other member ever connects to it: a node asks the "
        "hub for what is waiting, so that nothing here is for members' software. Whether it is well, and this "
        "description, are told to all. People sign in with a passkey, a code or their own provider, and each form "
        "carries a token. A refusal is a page that says what was wrong."
    ),
}

PATTERNS: Mapping[str, str] = {
    "query_id": r"^Q-[0-9a-f]{16}$",
    "lookup_id": r"^L-[0-9a-f]{32}$",
    "digest": r"^[0-9a-f]{64}$",
    "academic_year": r"^20[0-9]{4}$",
}
"""How parts of paths are written; any other is a word."""

A_WORD = r"^[A-Za-z0-9._@-]{1,64}$"


@cache
def describe(room: str) -> Json:
    """Return the description of an application."""
    paths: Json = {}
    for rule, view in _list_routes(room):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            paths.setdefault(write_path(rule), {})[method.lower()] = _Route(room, rule, view, method).describe()
    kinds = sorted(_list_documents(room), key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Circe: {room}", "version": version("circe"), "description": ABOUT[room]},
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": _for_all(schemas), "securitySchemes": _list_schemes(room)},
    }


def write_description(room: str) -> str:
    """Return the description as it is kept and handed out: each path and each document on a line of its own."""
    said = describe(room)
    schemas = said["components"]["schemas"]
    head = {key: value for key, value in said.items() if key not in ("paths", "components")}
    schemes = json.dumps(said["components"]["securitySchemes"])
    return (
        f'{json.dumps(head)[:-1]},\n"paths": {_line_up(said["paths"])},\n'
        f'"components": {{"securitySchemes": {schemes},\n"schemas": {_line_up(schemas)}}}}}\n'
    )


def _line_up(entries: Json) -> str:
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in entries.items())
    return f"{{\n{lines}\n}}"


def _list_routes(room: str) -> Iterator[tuple[Rule, Any]]:
    app = Flask(room, static_folder=None)
    for blueprint in APPLICATIONS[room]:
        app.register_blueprint(blueprint)
    for rule in app.url_map.iter_rules():
        yield rule, inspect.unwrap(app.view_functions[rule.endpoint])


def _list_documents(room: str) -> set[type[Document]]:
    bodies: list[Body] = []
    for _, view in _list_routes(room):
        said = read_described(view)
        bodies += (said.takes, *said.gives, *said.otherwise.values())
    return {Problem, *(body for body in bodies if isinstance(body, type))}


def _list_schemes(room: str) -> Json:
    session = {
        "type": "apiKey",
        "in": "cookie",
        "name": f"circe-{room}-…",
        "description": "The session of whoever has signed in; its name ends in digits of the party's own, "
        "and over TLS begins with __Host-.",
    }
    signature = {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "RFC 9421, with Signature-Input and Content-Digest, by a key that the register has.",
    }
    return {"session": session, **({"signature": signature} if room == "hub" else {})}


class _Route:
    """One route, being described."""

    def __init__(self, room: str, rule: Rule, view: Any, method: str) -> None:
        self._room, self._rule, self._view, self._method = room, rule, view, method
        self._said: Described = read_described(view)
        self._is_page = rule.rule.split("/")[1] not in WORDS[room]
        self._is_asset = rule.endpoint == "kit.static"
        self._reach = self._find_reach()

    def _find_reach(self) -> Reach:
        room = self._room
        starts: list[Place] = [] if self._is_asset else [(self._view.__module__, self._view.__name__)]
        if self._is_page and self._method == "POST":
            starts.append(("federation.web.site", "check_form"))
        return find_reach(*starts, room=room)

    def describe(self) -> Json:
        """Return the operation."""
        found: Json = {"operationId": self._rule.endpoint, "summary": self._summary(), "tags": [self._tag()]}
        if parameters := [*self._list_path(), *self._list_query()]:
            found["parameters"] = parameters
        if body := self._describe_body():
            found["requestBody"] = body
        found["responses"] = self._describe_responses()
        found["security"] = self._list_security()
        return found

    def _summary(self) -> str:
        if self._is_asset:
            return "Hand out a style sheet, an icon or a script of these pages."
        return (inspect.getdoc(self._view) or "").splitlines()[0]

    def _tag(self) -> str:
        return "pages" if self._is_page else self._rule.rule.split("/")[1]

    def _list_security(self) -> list[Json]:
        if self._is_page:
            return [] if self._is_asset else [{}, {"session": []}]
        return [] if self._rule.rule in OPEN_DOORS else [{"signature": []}]

    def _list_path(self) -> Iterator[Json]:
        for name in re.findall(r"<(?:\w+:)?(\w+)>", self._rule.rule):
            schema = {"type": "string", "pattern": PATTERNS.get(name, A_WORD)}
            yield {"name": name, "in": "path", "required": True, "schema": schema}

    def _list_query(self) -> Iterator[Json]:
        said = self._said.query if not self._is_page else {name: {"type": "string"} for name in self._reach.parameters}
        for name, schema in sorted(said.items()):
            yield {"name": name, "in": "query", "required": False, "schema": dict(schema)}

    def _describe_body(self) -> Json | None:
        if self._said.takes is not None:
            return {"required": True, "content": _content(self._said.takes)}
        return self._describe_form() if self._is_page and self._method == "POST" else None

    def _describe_form(self) -> Json:
        token = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "the token of this session's forms"}
        files = {"type": "array", "items": {"type": "string", "contentMediaType": "application/octet-stream"}}
        fields: Json = {"form_token": token}
        fields |= {name: {"type": "string"} for name in sorted(self._reach.fields - {"form_token"})}
        fields |= dict.fromkeys(sorted(self._reach.files), files)
        schema = {"type": "object", "properties": fields, "required": ["form_token"]}
        return {"required": True, "content": {FILES_TYPE if self._reach.files else FORM_TYPE: {"schema": schema}}}

    def _describe_responses(self) -> Json:
        good: Json = {} if self._only_redirects() else {str(self._said.status): self._good(*self._said.gives)}
        good |= {str(status): self._good(body) for status, body in self._said.otherwise.items()}
        if self._reach.redirects and self._is_page:
            location = {"Location": {"required": True, "schema": {"type": "string"}}}
            good["303"] = {"description": "Done: what comes next is there", "headers": location}
        if self._is_asset:
            good = {"200": {"description": "The file", "content": {"*/*": {}}}}
        for status, codes in self._list_refusals().items():
            if str(status) not in good:
                good[str(status)] = self._refusal(status, codes)
        return dict(sorted(good.items()))

    def _only_redirects(self) -> bool:
        """Whether a page's code gives nothing but the address of the next, by the type that it says it returns."""
        return self._reach.redirects and self._view.__annotations__.get("return") is AnyResponse

    def _good(self, *bodies: Body) -> Json:
        content = {kind: about for body in bodies if body is not None for kind, about in _content(body).items()}
        return {"description": "As it says", "content": content} if content else {"description": "Done"}

    def _list_refusals(self) -> dict[int, set[str]]:
        """The codes of refusals by status: those raised behind the route, and those that any route may come to."""
        found: dict[int, set[str]] = {}
        unforeseen = list_own_problems((f"{self._room}.app", "answer_unforeseen"), self._room)
        for status, code in self._reach.problems | unforeseen:
            found.setdefault(status, set()).add(code)
        for status in self._reach.statuses if self._is_page else ():
            if status >= HTTPStatus.BAD_REQUEST:
                found.setdefault(status, set())
        if self._said.takes is not None or self._method == "POST":
            found.setdefault(413, set()).add("too_large")
        if self._method == "POST" and self._is_page:
            found.setdefault(400, set()).add("the_request_cannot_be_read")
        if self._is_asset:
            found.setdefault(404, set()).add("not_found")
        return found

    def _refusal(self, status: int, codes: set[str]) -> Json:
        named = sorted(codes - {ANY_CODE})
        found: Json = {"description": TITLES.get(status, HTTPStatus(status).phrase)}
        if self._is_page:
            found["content"] = {HTML: {}}
        else:
            found["content"] = {PROBLEM_TYPE: {"schema": _problem(status, named, closed=ANY_CODE not in codes)}}
        if named:
            found["x-codes"] = named
        if status in (429, 503):
            found["headers"] = {"Retry-After": {"required": True, "schema": {"type": "integer"}}}
        return found


def _content(body: Body) -> Json:
    if isinstance(body, str):
        return {body: {}}
    assert body is not None
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}}


def _problem(status: int, codes: list[str], *, closed: bool) -> Json:
    """A problem of one status, with one of these codes; where it is not closed, that of whatever refused."""
    said: Json = {"properties": {"status": {"const": status}}}
    if codes and closed:
        said["properties"]["code"] = {"enum": codes}
    return {"allOf": [{"$ref": "#/components/schemas/Problem"}, said]}


def _for_all(schema: Any) -> Any:
    r"""Return a schema whose patterns every reader understands: Python alone writes \Z, and surrogates are no text."""
    match schema:
        case {**entries}:
            return {key: _pattern(value) if key == "pattern" else _for_all(value) for key, value in entries.items()}
        case [*items]:
            return [_for_all(item) for item in items]
        case str():
            return inspect.cleandoc(schema)
        case _:
            return schema


def _pattern(value: Any) -> Any:
    return value.replace(r"\Z", "$").replace(r"\ud800-\udfff", "") if isinstance(value, str) else _for_all(value)
