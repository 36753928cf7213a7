"""`docs/api.md`: the OpenAPI descriptions of hub and node, shown to people route by route."""

import textwrap
from collections.abc import Iterator
from http import HTTPStatus

from federation.problems import PROBLEM_TYPE
from tests.house.openapi import ABOUT, APPLICATIONS, FILES_TYPE, FORM_TYPE, Json, describe
from tests.house.preset_page import GENERATED


def write_api_page() -> str:
    """Return the page that shows every route to people."""
    return "\n".join(_page_lines()) + "\n"


def _page_lines() -> Iterator[str]:
    yield from ("# What the hub and a node answer", "", GENERATED, "")
    yield "Every route of both applications. Each hands out the same as OpenAPI 3.1 at `/openapi.json`, open to all:"
    yield "`hub/openapi.json` and `node/openapi.json`. What a route can refuse is read from the code behind it, down to"
    yield "the last function, so that it may name a problem too many and cannot leave one out; the tests hold every"
    yield "answer that they see to it, and call every route with whatever its description allows, and with what it does"
    yield "not. `…` stands for the code of whatever refused, such as the rule that a question breaks. Any route can"
    yield "answer 500 `unforeseen`, which is an error of ours."
    for room in APPLICATIONS:
        yield from ("", f"## The {room}", "", *textwrap.wrap(ABOUT[room], 118))
        tags = sorted({each["tags"][0] for path in describe(room)["paths"].values() for each in path.values()})
        for tag in tags:
            yield from ("", f"### {tag.capitalize() if tag == 'pages' else f'`/{tag}`'}", "")
            yield from ("| route | | takes | gives | refuses |", "|---|---|---|---|---|")
            for path, operations in describe(room)["paths"].items():
                for method, said in operations.items():
                    if said["tags"] == [tag]:
                        yield f"| {' | '.join(_cells(f'{method.upper()} {path}', said))} |"


def _cells(route: str, said: Json) -> tuple[str, ...]:
    return f"`{route}`", said["summary"], _takes(said), _gives(said), _refuses(said)


def _takes(said: Json) -> str:
    content = said.get("requestBody", {}).get("content", {})
    parameters = [f"`?{each['name']}`" for each in said.get("parameters", ()) if each["in"] == "query"]
    form = content.get(FORM_TYPE) or content.get(FILES_TYPE) or {}
    fields = [f"`{name}`" for name in form.get("schema", {}).get("properties", ())]
    return ", ".join([*parameters, *(fields or map(_name_body, content.items()))])


def _gives(said: Json) -> str:
    good = ((status, each) for status, each in said["responses"].items() if int(status) < HTTPStatus.BAD_REQUEST)
    return ", ".join(f"{status} {_name_bodies(each)}".strip() for status, each in good)


def _name_bodies(response: Json) -> str:
    return " or ".join(map(_name_body, response.get("content", {}).items()))


def _name_body(entry: tuple[str, Json]) -> str:
    kind, about = entry
    return f"`{about['schema']['$ref'].rpartition('/')[2]}`" if "$ref" in about.get("schema", {}) else kind


def _refuses(said: Json) -> str:
    bad = {int(status): each for status, each in said["responses"].items() if int(status) >= HTTPStatus.BAD_REQUEST}
    bad.pop(HTTPStatus.INTERNAL_SERVER_ERROR, None)
    return "; ".join(f"{status} {_name_codes(each)}".strip() for status, each in bad.items())


def _name_codes(refusal: Json) -> str:
    schema = refusal.get("content", {}).get(PROBLEM_TYPE, {}).get("schema", {})
    is_open = bool(schema) and "code" not in schema["allOf"][1]["properties"]
    return ", ".join([*(f"`{code}`" for code in refusal.get("x-codes", ())), *(["…"] if is_open else [])])
