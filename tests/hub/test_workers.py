"""The hub as two worker processes on one PostgreSQL server: polls and pages land on either, and it makes no difference.

Which worker holds a connection is read from the system's own tables, so that nothing here is left to chance.
"""

import http.client
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from federation.cli import run
from federation.exchange import DeliveryKind, Inbox
from federation.state import create_party, join_federation, make_profile
from federation.wire import decode_document
from tests.hub.played_federation import NODES
from tests.hub.test_server import PATIENCE, Served
from tests.postgres_server import PostgresServer

MOST_POLLS = 60 * len(NODES)


class Poll:
    """A poll on a connection of its own, held by one of the workers."""

    def __init__(self, served: Served, node: str) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
        path = "/federation/inbox?wait=25"
        self._line.request("GET", path, headers=served.sign("GET", path, served.federation.parties[node].keys))
        self.port = self._line.sock.getsockname()[1]

    def read(self) -> Inbox:
        response = self._line.getresponse()
        assert response.status == 200
        return decode_document(response.read(), Inbox)

    def close(self) -> None:
        self._line.close()


def worker_of(served: Served, port: int) -> int:
    """The process that holds the hub's end of a connection from a port; 0 before one has taken it."""
    ends = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    here, there = f":{served.port:04X}", f":{port:04X}"
    (inode,) = [end[9] for end in ends if end[1].endswith(here) and end[2].endswith(there)]
    for process in served.processes():
        if any(_link(file) == f"socket:[{inode}]" for file in (process / "fd").iterdir()):
            return int(process.name)
    return 0


def _link(file: Path) -> str:
    try:
        return os.readlink(file)  # noqa: PTH115 - what it says is no path
    except OSError:
        return ""


@pytest.fixture
def served(tmp_path: Path, postgres: PostgresServer) -> Iterator[Served]:
    """A hub that two workers serve."""
    hub = Served(tmp_path, database=postgres.own_schema())
    with hub.running(options=["--workers", "2"]):
        hub.await_idle()
        yield hub
    hub.federation.hub.close()


@pytest.mark.processes
def test_what_one_worker_takes_in_wakes_the_polls_of_both(served: Served) -> None:
    """Each worker holds some nodes' polls; whichever takes the last approval in, every node is answered."""
    query_id = served.federation.draft()
    served.empty_inboxes()
    with ExitStack() as polls:
        held: dict[Poll, int] = {}
        while len(held) < MOST_POLLS and (len(held) < len(NODES) or len(set(held.values())) < 2):
            poll = polls.enter_context(closing(Poll(served, NODES[len(held) % len(NODES)])))
            while not (worker := worker_of(served, poll.port)):
                pass
            held[poll] = worker
        assert len(set(held.values())) == 2, "one worker took in every poll"
        for signer in ("ana", "cho", "dev"):
            served.sign_query(query_id, signer)
        handed_out = [[delivery.kind for delivery in poll.read().deliveries] for poll in held]
        assert handed_out == [[DeliveryKind.MANIFEST]] * len(held)


@pytest.mark.processes
def test_a_request_is_good_once_at_whichever_worker_it_comes_in(served: Served) -> None:
    """The same signed request on many connections at once, by which both workers see it."""
    path = "/api/queries"
    headers = served.sign("GET", path, served.federation.parties["ana"].keys)

    def send(_: int) -> tuple[int, int]:
        with closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)) as line:
            line.request("GET", path, headers=headers)
            status = line.getresponse().status
            return worker_of(served, line.sock.getsockname()[1]), status

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(send, range(24)))
    assert sorted(status for _, status in answers) == [200, *[401] * 23]
    assert len({worker for worker, _ in answers}) == 2, "one worker took in every request"


@pytest.mark.processes
def test_members_are_served_by_both(served: Served) -> None:
    """Whatever one hands in, and whatever it asks then, on whichever worker: nothing is missing."""
    federation = served.federation
    query_id = federation.draft()
    for signer in ("ana", "cho", "dev"):
        served.sign_query(query_id, signer)
    for node in NODES:
        federation.answer(query_id, node)
    for _ in range(8):
        with closing(served.member("ana")) as ana:
            assert ana.fetch_status(query_id).state == "released"
            assert ana.fetch_release(query_id).query_id == query_id
    assert run(["audit", "verify", "--state", str(federation.hub.party.directory)]) == 0


# --- Setting up ------------------------------------------------------------------------------------------------------


def test_a_hub_is_made_on_a_server(
    tmp_path: Path, postgres: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its log is there at once, and no file with it is in the directory."""
    state = tmp_path / "hub"
    assert run(["hub", "init", "--state", str(state), "--database", postgres.own_schema()]) == 0
    assert run(["audit", "verify", "--state", str(state)]) == 0
    assert "verified hub: 1 entries" in capsys.readouterr().out
    assert not list(state.glob("*.sqlite"))


def test_a_server_that_does_not_let_us_in_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("psycopg", reason="psycopg is not installed (extra postgres)")
    address = "postgresql://circe:SECRET@127.0.0.1:9/circe"
    assert run(["hub", "init", "--state", str(tmp_path / "hub"), "--database", address]) == 1
    said = capsys.readouterr().err
    assert "does not let us in" in said
    assert "SECRET" not in said


def test_several_workers_need_a_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = make_profile(
        member_id="hub",
        kind="hub",
        title="Hub",
        organisation="hub-operator",
        organisation_kind="hub_operator",
        operator="hub-operator",
        authorities=(),
    )
    join_federation(create_party(tmp_path / "hub", profile), bytes(32), "http://127.0.0.1:9")
    assert run(["hub", "serve", "--state", str(tmp_path / "hub"), "--workers", "2"]) == 2
    assert "circe hub init --database" in capsys.readouterr().err
