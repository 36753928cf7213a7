"""The nodes of the federation: when each was last here, what it runs and serves, and why it refused lately."""

from datetime import datetime, timedelta

from flask import Blueprint, render_template

from federation.software import own_version
from hub.pages.visitor import may_see_nodes, require_visitor_who, the_hub
from hub.sightings import Sighting, list_sightings
from query_engine.geography import name_authority

nodes = Blueprint("nodes", __name__)

NOT_YOURS = "where nodes stand is shown to the hub's operator, to approvers and to information governance officers"

LATE_AFTER = timedelta(minutes=5)
"""A node asks at least every half minute; one that has not been here for so long is away."""

STANDINGS = {"here": "green", "away": "red", "never seen": "grey"}
"""Where a node stands, and in which colour."""


@nodes.get("/nodes")
def show_nodes() -> str:
    """List the active nodes."""
    require_visitor_who(may_see_nodes, NOT_YOURS)
    hub = the_hub()
    now = hub.clock()
    listed = [(each, tell_standing(each, now)) for each in list_sightings(hub, now)]
    return render_template(
        "nodes.html",
        listed=listed,
        away=sum(standing == "away" for _, standing in listed),
        seen=sum(standing == "here" for _, standing in listed),
        colours=STANDINGS,
        name_authority=name_authority,
        register=hub.register().version,
        version=own_version(),
    )


def tell_standing(sighting: Sighting, now: datetime) -> str:
    """Say whether a node is here, is away, or has never been here."""
    if sighting.seen_at is None:
        return "never seen"
    return "here" if now - sighting.seen_at <= LATE_AFTER else "away"
