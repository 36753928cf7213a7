"""A node's pages as a web application, for the authority's own people alone: no other member ever connects to it."""

import logging
import threading
from io import BytesIO
from pathlib import Path
from typing import IO

from flask import Flask, Request, Response, request

from federation.problems import ProblemRaised
from federation.register import RegisterError
from federation.service_log import told
from federation.state import StateError
from federation.web.answering import answer_problem, answer_problems
from federation.web.site import MAX_FORM_BYTES
from node.discovery import Discovery
from node.lookups.pace import TooManyLookups
from node.lookups.same_policy import PolicyChanged
from node.pages.providers import MOST_AT_A_TIME
from node.pages.site import add_pages
from node.service import Node, open_node
from policies.access_policy import AccessDenied
from policies.linter import PolicyInvalid

log = logging.getLogger("circe.node")


class PageRequest(Request):
    """A request whose files are held in memory: what somebody sends in about a child is on no disk by accident."""

    def _get_file_stream(self, *_: object, **__: object) -> IO[bytes]:
        return BytesIO()


def create_app(node: Node) -> Flask:
    """Return the application that serves a node's pages."""
    app = Flask(__name__, static_folder=None)
    app.request_class = PageRequest
    app.config["MAX_CONTENT_LENGTH"] = MAX_FORM_BYTES
    app.extensions["node"], app.extensions["discovery"] = node, Discovery(node.clock)
    app.extensions["provider_places"] = threading.BoundedSemaphore(MOST_AT_A_TIME)
    add_pages(app, node)
    answer_problems(app)
    app.register_error_handler(Exception, answer_unforeseen)
    return app


def answer_unforeseen(error: Exception) -> Response:
    """Answer anything else with a bare 500: the log names the kind of error and the place, never a value."""
    if isinstance(error, PolicyInvalid):
        text = f"the access policy cannot be used, so nobody sees anything: {error.findings[0]}"
        return answer_problem(ProblemRaised(503, "no_policy", text))
    if isinstance(error, RegisterError | StateError):
        return answer_problem(ProblemRaised(503, "no_register", "this node has no valid register at the moment"))
    if isinstance(error, AccessDenied):  # Whoever may do one thing at a page, and not another, or no longer.
        return answer_problem(ProblemRaised(403, "not_permitted", error.text))
    if isinstance(error, TooManyLookups):
        return answer_problem(ProblemRaised(429, "too_many_lookups", str(error)))
    if isinstance(error, PolicyChanged):
        return answer_problem(ProblemRaised(409, "policy_changed", str(error)))
    fields = told(method=request.method, route=str(request.url_rule), error=type(error).__name__)
    log.error("%s %s: %s", request.method, request.url_rule, type(error).__name__, extra=fields)
    return answer_problem(ProblemRaised(500, "unforeseen", "something went wrong here; it has been noted"))


def open_app(directory: Path) -> Flask:
    """Open the node in `directory` and return the application of its pages."""
    return create_app(open_node(directory))
