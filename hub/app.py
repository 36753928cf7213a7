"""The hub as a web application: its doors for software, its pages for people, and one way to say no to each."""

import logging
import threading
from pathlib import Path

from flask import Flask, Response, request

from audit.connection import DatabaseUnavailable
from federation.problems import ProblemRaised
from federation.register import RegisterError
from federation.service_log import name_error, told
from federation.state import StateError
from federation.web.answering import answer_problem, answer_problems
from federation.web.description import description
from federation.wire import MAX_DOCUMENT_BYTES
from hub.doors.nodes import node_doors
from hub.doors.people import people_doors
from hub.health import health
from hub.pages.site import add_pages
from hub.recurring import keep_drafting
from hub.service import Hub, open_hub
from hub.settling import keep_time
from hub.sums.doors import sum_doors

DOORS = (node_doors, people_doors, sum_doors, health, description)
"""Where software comes in; everything else is pages."""

log = logging.getLogger("circe.hub")


def create_app(hub: Hub) -> Flask:
    """Return the application that serves a hub."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_DOCUMENT_BYTES
    app.extensions["hub"] = hub
    for doors in DOORS:
        app.register_blueprint(doors)
    add_pages(app, hub)
    answer_problems(app)
    app.register_error_handler(Exception, answer_unforeseen)
    return app


def answer_unforeseen(error: Exception) -> Response:
    """Answer anything else with a bare 500: the log names the kind of error and the place, never a value."""
    if isinstance(error, RegisterError | StateError):
        return answer_problem(ProblemRaised(503, "no_register", "the hub has no valid register at the moment"))
    if isinstance(error, DatabaseUnavailable):
        return answer_problem(ProblemRaised(503, "no_database", "the hub's database is away at the moment"))
    fields = told(method=request.method, route=str(request.url_rule), error=type(error).__name__)
    log.error("%s %s: %s", request.method, request.url_rule, name_error(error), extra=fields)
    return answer_problem(ProblemRaised(500, "unforeseen", "something went wrong here; it has been noted"))


def open_app(directory: Path, lines: int, memory_key: bytes) -> Flask:
    """Open the hub in `directory` and return its application, with somebody to look at the clock."""
    hub = open_hub(directory, lines=lines, memory_key=memory_key)
    keep_time(hub, threading.Event())
    keep_drafting(hub, threading.Event())
    return create_app(hub)
