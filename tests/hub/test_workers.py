"""The hub as two worker processes on one PostgreSQL server: polls and pages land on either, and it makes no difference.

Which worker holds a connection is read from the system's own tables, so that nothing here is left to chance.
"""

import http.client
import os
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from federation.cli import run
from federation.exchange import DeliveryKind, Inbox, QueryStatus, ReleaseDocument
from federation.state import create_party, join_federation, make_profile
from federation.wire import MAX_BATCH_BYTES, decode_document
from tests.hub.played_federation import NODES
from tests.hub.test_server import HELD, PATIENCE, Served
from tests.postgres_server import PostgresServer


class Line:
    """A connection of its own, which one of the workers holds."""

    def __init__(self, served: Served) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
        self._line.connect()
        self.port = self._line.sock.getsockname()[1]

    def ask(self, path: str, headers: Mapping[str, str]) -> None:
        self._line.request("GET", path, headers=headers)

    def read(self) -> tuple[int, bytes]:
        response = self._line.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        self._line.close()


def open_lines(served: Served, stack: ExitStack, fewest: int) -> dict[Line, int]:
    """Open so many lines at least, and until each worker holds one of the first; return the worker of each.

    A worker that is not up yet is waited for.
    """
    held: dict[Line, int] = {}
    deadline, never = time.monotonic() + PATIENCE, threading.Event()
    while len(held) < fewest or len(set(held.values())) < 2:
        assert time.monotonic() < deadline, "one worker takes in every line"
        line = Line(served)
        worker = worker_of(served, line.port)
        if len(held) < fewest or worker not in held.values():
            held[stack.enter_context(closing(line))] = worker
        else:
            line.close()
            never.wait(0.05)
    one_of_each = dict(zip(held.values(), held, strict=True)).values()
    return {line: held[line] for line in (*one_of_each, *held)}


def worker_of(served: Served, port: int) -> int:
    """The process that holds the hub's end of a connection from a port, once one has taken it."""
    here, there = f":{served.port:04X}", f":{port:04X}"
    while True:
        ends = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        (inode,) = [end[9] for end in ends if end[1].endswith(here) and end[2].endswith(there)]
        for process in served.processes():
            if any(_link(file) == f"socket:[{inode}]" for file in (process / "fd").iterdir()):
                return int(process.name)


def _link(file: Path) -> str:
    try:
        return os.readlink(file)  # noqa: PTH115 - what it says is no path
    except OSError:
        return ""


def fetch(served: Served, line: Line, path: str) -> bytes:
    """What the asker is answered by the worker that holds a line."""
    line.ask(path, served.sign("GET", path, served.federation.parties["ana"].keys))
    status, body = line.read()
    assert status == 200
    return body


@pytest.fixture
def served(tmp_path: Path, postgres: PostgresServer) -> Iterator[Served]:
    """A hub that two workers serve."""
    hub = Served(tmp_path, database=postgres.own_schema())
    with hub.running(options=["--workers", "2"]):
        yield hub
    hub.federation.hub.close()


@pytest.mark.processes
def test_what_one_worker_takes_in_wakes_the_polls_of_both(served: Served) -> None:
    """Each worker holds some nodes' polls; whichever takes the last approval in, every node is answered."""
    query_id = served.federation.draft()
    served.empty_inboxes()
    path = f"/federation/inbox?wait={HELD}"
    with ExitStack() as stack:
        lines = list(open_lines(served, stack, len(NODES)))[: len(NODES)]
        for node, line in zip(NODES, lines, strict=True):
            line.ask(path, served.sign("GET", path, served.federation.parties[node].keys))
        served.await_idle()
        for signer in ("ana", "cho", "dev"):
            served.sign_query(query_id, signer)
        answers = [line.read() for line in lines]
    assert {status for status, _ in answers} == {200}
    inboxes = [decode_document(body, Inbox).deliveries for _, body in answers]
    assert [[each.kind for each in deliveries] for deliveries in inboxes] == [[DeliveryKind.MANIFEST]] * len(NODES)


@pytest.mark.processes
def test_a_request_is_good_once_at_whichever_worker_it_comes_in(served: Served) -> None:
    """The same signed request on many connections at once, of which each worker holds some."""
    path = "/api/queries"
    headers = served.sign("GET", path, served.federation.parties["ana"].keys)

    def send(line: Line) -> int:
        line.ask(path, headers)
        status, _ = line.read()
        return status

    with ExitStack() as stack:
        lines = open_lines(served, stack, 24)
        with ThreadPoolExecutor(len(lines)) as pool:
            statuses = sorted(pool.map(send, lines))
    assert statuses == [200, *[401] * (len(lines) - 1)]


@pytest.mark.processes
def test_members_are_served_by_both(served: Served) -> None:
    """Whatever one hands in, and whatever it asks then, of either worker: nothing is missing."""
    federation = served.federation
    query_id = federation.draft()
    for signer in ("ana", "cho", "dev"):
        served.sign_query(query_id, signer)
    for node in NODES:
        federation.answer(query_id, node)
    place = f"/api/queries/{query_id}"
    with ExitStack() as stack:
        for line in open_lines(served, stack, 8):
            assert decode_document(fetch(served, line, place), QueryStatus).state == "released"
            release = fetch(served, line, f"{place}/release")
            assert decode_document(release, ReleaseDocument, limit=MAX_BATCH_BYTES).query_id == query_id
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
