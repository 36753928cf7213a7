"""The page that lists the nodes, as an officer reads it."""

from federation.told_days import tell_day
from hub.sightings import note_sighting
from tests.hub.pages.conftest import Browse
from tests.hub.played_federation import PlayedFederation


def test_before_any_node_has_been_here_none_is_called_away(browse: Browse) -> None:
    assert "None of 3 nodes has been here yet." in browse("eve").get("/nodes").text


def test_it_says_since_when_a_node_serves_its_snapshot(browse: Browse, federation: PlayedFederation) -> None:
    at = federation.clock()
    note_sighting(federation.hub, federation.member("node-301"), "circe/0.1.0 snapshot/202425-summer-1f0c", at)
    note_sighting(federation.hub, federation.member("node-302"), "circe/0.1.0", at)
    page = browse("eve").get("/nodes").text
    assert "Of 3 nodes 2 have been here, and none of those is away." in " ".join(page.split())
    assert f"since {tell_day(at)}, {at:%H:%M} UTC" in page[page.index("202425-summer-1f0c") :][:200]
    assert page.count("since ") == 1
