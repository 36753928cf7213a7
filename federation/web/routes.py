"""The rule of a site that a request matched, left in its environment for the server's log.

A rule is `/child/<name>`: never the address itself, which may say of which child, nor what was asked after its `?`.
"""

from collections.abc import Mapping
from typing import Any

from flask import Response, request

__all__ = ["NO_ROUTE", "note_route", "read_route"]

NO_ROUTE = "none"
"""What stands for a route where the site has no such page."""

_PLACE = "circe.route"


def note_route(response: Response) -> Response:
    """Leave the rule that this request matched; a handler of every response, which it returns as it is."""
    request.environ[_PLACE] = request.url_rule.rule if request.url_rule is not None else NO_ROUTE
    return response


def read_route(environ: Mapping[str, Any]) -> str:
    """Return the rule that was left, or that there is none: of what no application has answered, too."""
    return str(environ.get(_PLACE, NO_ROUTE))
