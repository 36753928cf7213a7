"""The page that lists the nodes, as an officer reads it."""

from hub.sightings import note_sighting
from tests.hub.pages.conftest import Browse
from tests.hub.played_federation import PlayedFederation


def test_it_says_since_when_a_node_serves_its_snapshot(browse: Browse, federation: PlayedFederation) -> None:
    at = federation.clock()
    note_sighting(federation.hub, federation.member("node-301"), "circe/0.1.0 snapshot/202425-summer-1f0c", at)
    note_sighting(federation.hub, federation.member("node-302"), "circe/0.1.0", at)
    page = browse("eve").get("/nodes").text
    assert f"since {at:%d %B %Y, %H:%M} UTC" in page[page.index("202425-summer-1f0c") :][:200]
    assert page.count("since ") == 1
