"""Which nodes have been here lately, the page that lists them, health, and metrics."""

from contextlib import ExitStack
from datetime import timedelta
from urllib.request import urlopen

import pytest

from federation.metrics import Figure, serve_metrics, write_metrics
from federation.processes import held_port
from federation.software import Software, write_products
from federation.tls import TlsInvalid
from hub.app import create_app
from hub.health import find_failing
from hub.metrics import read_metrics
from hub.pages.nodes import tell_standing
from hub.sightings import AS_OFTEN_AS, list_sightings, note_sighting
from tests.hub.played_federation import NODES, PlayedFederation

PRODUCTS = "circe/0.1.0 register/1 snapshot/202425-summer-1f0c"


def see(federation: PlayedFederation, node: str, products: str = PRODUCTS) -> None:
    note_sighting(federation.hub, federation.member(node), products, federation.clock())


def test_every_active_node_is_listed_seen_or_not(federation: PlayedFederation) -> None:
    see(federation, "node-302")
    found = {each.node.id: each for each in list_sightings(federation.hub, federation.clock())}
    assert tuple(found) == NODES
    assert found["node-302"].software == Software("0.1.0", "1", "202425-summer-1f0c")
    assert found["node-302"].seen_at == federation.clock()
    assert [tell_standing(each, federation.clock()) for each in found.values()] == ["never seen", "here", "never seen"]
    federation.clock.advance(timedelta(minutes=6))
    assert tell_standing(found["node-302"], federation.clock()) == "away"


def test_a_node_that_asks_all_the_time_is_written_down_once_a_minute(federation: PlayedFederation) -> None:
    """But at once where it runs something else than before."""
    began = federation.clock()
    see(federation, "node-301")
    federation.clock.advance(AS_OFTEN_AS - timedelta(seconds=1))
    see(federation, "node-301")
    (first, *_) = list_sightings(federation.hub, federation.clock())
    assert first.seen_at == began
    see(federation, "node-301", "circe/0.2.0")
    (changed, *_) = list_sightings(federation.hub, federation.clock())
    assert (changed.seen_at, changed.software) == (federation.clock(), Software("0.2.0"))
    federation.clock.advance(AS_OFTEN_AS)
    see(federation, "node-301", "circe/0.2.0")
    (last, *_) = list_sightings(federation.hub, federation.clock())
    assert last.seen_at == federation.clock()


def test_a_snapshot_is_dated_from_when_it_was_first_announced(federation: PlayedFederation) -> None:
    """A node that does not tell for a while, as when its register is out of date, has not loaded anything new."""
    first, hour = federation.clock(), timedelta(hours=1)
    dated = []
    for snapshot in ("202425-spring-aaaa", "202425-spring-aaaa", "", "202425-spring-aaaa", "202425-summer-bbbb"):
        see(federation, "node-301", f"circe/0.1.0{f' snapshot/{snapshot}' if snapshot else ''}")
        (node, *others) = list_sightings(federation.hub, federation.clock())
        dated.append(node.announced_at)
        federation.clock.advance(hour)
    assert dated == [first, first, None, first, first + 4 * hour]
    assert {each.announced_at for each in others} == {None}


def test_a_snapshot_that_was_served_before_this_was_written_down_has_no_date(federation: PlayedFederation) -> None:
    see(federation, "node-301")
    with federation.hub.database.transaction() as connection:
        connection.execute("DELETE FROM announced_snapshots")
    federation.clock.advance(timedelta(hours=1))
    see(federation, "node-301")
    (node, *_) = list_sightings(federation.hub, federation.clock())
    assert node.announced_at is None


def test_refusals_of_the_last_month_are_counted_by_reason(federation: PlayedFederation) -> None:
    for code in ("history_full", "history_full", "path_barred"):
        federation.refuse(federation.start(), "node-301", code)
    (first, *others) = list_sightings(federation.hub, federation.clock())
    assert first.refusals == (("history_full", 2), ("path_barred", 1))
    assert {each.refusals for each in others} == {()}
    later = list_sightings(federation.hub, federation.clock() + timedelta(days=31))
    assert {each.refusals for each in later} == {()}


# --- Health ----------------------------------------------------------------------------------------------------------


def test_health_is_told_to_everybody_and_says_no_more(federation: PlayedFederation) -> None:
    client = create_app(federation.hub).test_client()
    answer = client.get("/health")
    assert (answer.status_code, answer.text) == (200, "ok\n")
    federation.clock.advance(timedelta(days=400))
    answer = client.get("/health")
    assert (answer.status_code, answer.text) == (503, "register\n")


def test_a_hub_without_its_register_is_not_well(federation: PlayedFederation) -> None:
    assert find_failing(federation.hub) == ""
    (federation.hub.party.directory / "register.json").unlink()
    assert find_failing(federation.hub) == "register"


# --- Metrics ---------------------------------------------------------------------------------------------------------


def test_what_a_hub_tells_of_itself(federation: PlayedFederation) -> None:
    """In Prometheus' text format; queries of every state, so that none springs up out of nothing."""
    see(federation, "node-301", write_products())
    federation.start()
    federation.clock.advance(timedelta(seconds=30))
    text = write_metrics(read_metrics(federation.hub, federation.clock)).decode()
    assert 'circe_queries{state="running"} 1.0' in text
    assert 'circe_queries{state="withdrawn"} 0.0' in text
    assert "circe_deliveries_waiting 3.0" in text
    assert 'circe_node_seen_seconds_ago{node="node-301"} 30.0' in text
    assert "circe_register_seconds_left" in text
    assert "attendance" not in text


def test_metrics_are_served_to_this_machine_and_read_anew_each_time() -> None:
    asked = 0

    def read() -> list[Figure]:
        nonlocal asked
        asked += 1
        return [Figure("circe_asked", "How often this was asked for.", {(): asked})]

    with held_port() as port, ExitStack() as until_the_end:
        until_the_end.callback(serve_metrics(f"127.0.0.1:{port}", read))
        for number in (1, 2):
            with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                assert f"circe_asked {number}.0" in answer.read().decode()


@pytest.mark.parametrize("bind", ["0.0.0.0:9400", "192.0.2.1:9400", "127.0.0.1", "127.0.0.1:x", ""])
def test_metrics_are_served_to_nobody_else(bind: str) -> None:
    with pytest.raises(TlsInvalid, match="this machine alone"):
        serve_metrics(bind, list)
