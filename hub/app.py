"""The hub as a web application: its doors for software, its pages for people, and one way to say no to each."""

import logging
import threading
from pathlib import Path

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from audit.connection import DatabaseUnavailable
from federation.problems import PROBLEM_TYPE, TITLES, ProblemRaised
from federation.register import RegisterError
from federation.state import StateError
from federation.web.site import SENTENCES, is_page, render_problem
from federation.wire import MAX_DOCUMENT_BYTES, encode_document
from hub.doors import doors
from hub.pages.site import add_pages
from hub.service import Hub, describe_error, open_hub
from hub.settling import keep_time
from hub.sums.doors import sum_doors

log = logging.getLogger("circe.hub")


def create_app(hub: Hub) -> Flask:
    """Return the application that serves a hub."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_DOCUMENT_BYTES
    app.extensions["hub"] = hub
    app.register_blueprint(doors)
    app.register_blueprint(sum_doors)
    add_pages(app, hub)
    app.register_error_handler(ProblemRaised, answer_problem)
    app.register_error_handler(HTTPException, answer_http_error)
    app.register_error_handler(Exception, answer_unforeseen)
    return app


def answer_problem(raised: ProblemRaised) -> Response:
    """Answer with the problem that was raised: a page for people, a problem document for software."""
    problem = raised.problem
    if is_page():
        response = render_problem(problem)
    else:
        response = Response(encode_document(problem), problem.status, content_type=PROBLEM_TYPE)
    if problem.status in (429, 503):
        response.headers["Retry-After"] = "3"
    return response


def answer_http_error(error: HTTPException) -> Response:
    """Answer an error that Flask noticed (no such page, too large a body) in the same form."""
    status = error.code or 500
    title = TITLES.get(status, error.name)
    detail = SENTENCES.get(status, title) if is_page() else title
    response = answer_problem(ProblemRaised(status, title.lower().replace(" ", "_"), detail))
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def answer_unforeseen(error: Exception) -> Response:
    """Answer anything else with a bare 500: the log names the kind of error and the place, never a value."""
    if isinstance(error, RegisterError | StateError):
        return answer_problem(ProblemRaised(503, "no_register", "the hub has no valid register at the moment"))
    if isinstance(error, DatabaseUnavailable):
        return answer_problem(ProblemRaised(503, "no_database", "the hub's database is away at the moment"))
    log.error("%s %s: %s", request.method, request.url_rule, describe_error(error))
    return answer_problem(ProblemRaised(500, "unforeseen", "something went wrong here; it has been noted"))


def open_app(directory: Path, lines: int, memory_key: bytes) -> Flask:
    """Open the hub in `directory` and return its application, with somebody to look at the clock."""
    hub = open_hub(directory, lines=lines, memory_key=memory_key)
    keep_time(hub, threading.Event())
    return create_app(hub)
