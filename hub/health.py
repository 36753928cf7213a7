"""Whether the hub can serve at the moment, for a load balancer or a service manager: open to all, and says no more."""

from flask import Blueprint, Response, current_app

from audit.connection import DatabaseUnavailable
from federation.register import RegisterError
from federation.state import StateError
from federation.web.description import describes
from federation.web.health_word import say_health
from hub.service import Hub

health = Blueprint("health", __name__)


@health.get("/health")
@describes(gives="text/plain", otherwise={503: "text/plain"})
def send_health() -> Response:
    """Say "ok" where the register is valid and the database answers; else which of them fails, with status 503."""
    hub: Hub = current_app.extensions["hub"]
    return say_health(find_failing(hub))


def find_failing(hub: Hub) -> str:
    """Return what keeps a hub from serving, in a word; empty where nothing does."""
    try:
        hub.register()
    except (RegisterError, StateError):
        return "register"
    try:
        hub.database.connection.execute("SELECT 1").fetchone()
    except DatabaseUnavailable:
        return "database"
    return ""
