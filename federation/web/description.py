"""What the routes of an application take and give: said beside each route, and handed out as OpenAPI at one address.

The description itself (`openapi.json` beside the application) is written by `make docs`: from the route map, from what
is said here, from the documents' own types, and from the problems that the code behind each route can raise. It holds
nothing but what the code says, so that whoever asks may have it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeVar

from flask import Blueprint, Response, current_app

from federation.wire import Document

ADDRESS = "/openapi.json"
"""Where an application hands out its description."""

description = Blueprint("description", __name__)

HTML = "text/html"
DESCRIBED = "__circe_described__"
V = TypeVar("V", bound=Callable[..., object])

Body = type[Document] | str | None
"""A document, or the media type of anything else; None where there is no body."""


@dataclass(frozen=True)
class Described:
    """What one route takes and gives where all is well. `otherwise` are further good answers by status.

    `query` are its parameters, each with the JSON schema of its values.
    """

    takes: Body = None
    gives: tuple[Body, ...] = (HTML,)
    status: int = 200
    query: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    otherwise: Mapping[int, Body] = field(default_factory=dict)


def describes(
    *,
    takes: Body = None,
    gives: Body | tuple[Body, ...] = None,
    status: int = 0,
    query: Mapping[str, Mapping[str, object]] | None = None,
    otherwise: Mapping[int, Body] | None = None,
) -> Callable[[V], V]:
    """Say of a route what it takes and gives; one that gives nothing answers 204. Routes of pages need say nothing."""
    given = gives if isinstance(gives, tuple) else (gives,)
    said = Described(takes, given, status or (204 if gives is None else 200), query or {}, otherwise or {})

    def note(view: V) -> V:
        setattr(view, DESCRIBED, said)
        return view

    return note


def read_described(view: object) -> Described:
    """Return what is said of a route; where nothing is, it gives a page."""
    return getattr(view, DESCRIBED, Described())


@description.get(ADDRESS)
@describes(gives="application/json")
def send_description() -> Response:
    """Hand out this description; it is open to all."""
    return Response(_read_description(Path(current_app.root_path)), content_type="application/json")


@cache
def _read_description(room: Path) -> bytes:
    return (room / "openapi.json").read_bytes()
