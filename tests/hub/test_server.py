"""The hub as a real process: gunicorn with every line held, and with strangers who are slow on purpose.

Nothing is asserted about time, beyond the client's own patience of half a minute and more: without what is tested here
an answer would not come at all.
"""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from federation.cli import run
from federation.envelope import read_envelope, sign_body
from federation.exchange import DeliveryKind
from federation.http_signatures import sign_request
from federation.keys import MemberKeys
from federation.manifest import MANIFEST_TYPE
from federation.processes import held_port
from federation.state import join_federation, read_root_key
from federation.transport import HubConnection, connect_party
from federation.web.listening import Listening, allow_files
from federation.wire import whole_seconds
from hub.bell import MOST_LINES_EACH
from hub.reception import HURRY_SECONDS, MOST_WAITED_FOR, PATIENCE_SECONDS, WaitingRoom
from hub.server import SPARE_THREADS, HubServer
from tests.certificates import write_certificate
from tests.hub.played_federation import NODES, PEOPLE, PlayedFederation, found_federation

PATIENCE = 60
MEMBERS = len(NODES) + len(PEOPLE)
LINES = MEMBERS + SPARE_THREADS // 2

HELD = 10 * PATIENCE
"""How long a line is held here that nobody rings for: none ends by itself before its test has failed."""

SERVE = f"""
import sys
import hub.bell
from federation.cli import main
hub.bell.MOST_WAIT_SECONDS = {HELD}
main(sys.argv[1:])
"""
SERVE_FEW = """
import sys
from pathlib import Path
from federation.web.listening import Listening
from hub.server import HubServer
HubServer(Path(sys.argv[3]), 1, Listening(sys.argv[5]), {"worker_connections": 100, "threads": 20}).run()
"""


class Served:
    """A hub that a process of its own serves, and whose members have joined it."""

    def __init__(self, directory: Path, scheme: str = "http", database: str = "") -> None:
        self.federation: PlayedFederation = found_federation(directory, whole_seconds(datetime.now(UTC)), database)
        self._held = ExitStack()
        self.port = self._held.enter_context(held_port())
        self.root_key = read_root_key((directory / "root" / "root.pub").read_text())
        self.address = f"{scheme}://127.0.0.1:{self.port}"
        for name, party in self.federation.parties.items():
            ca = "../ca.pem" if scheme == "https" else ""
            self.federation.parties[name] = join_federation(party, self.root_key, self.address, ca)

    @contextmanager
    def running(self, program: str = SERVE, options: Sequence[str] = ()) -> Iterator["Served"]:
        """Serve the hub until the test is done with it."""
        state = str(self.federation.hub.party.directory)
        words = ["hub", "serve", "--state", state, "--bind", f"127.0.0.1:{self.port}", "--room", "0", *options]
        if program is SERVE_FEW:
            words = ["", "--state", state, "--bind", f"127.0.0.1:{self.port}"]
        process = subprocess.Popen([sys.executable, "-c", program, *words], start_new_session=True)
        self._group = process.pid
        try:
            self._await_listening(process)
            yield self
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._held.close()

    def _await_listening(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < deadline:
            try:
                self.connect().close()
            except OSError:
                threading.Event().wait(0.05)
            else:
                return
        raise AssertionError("the hub does not come up")

    def await_idle(self) -> None:
        """Wait until the hub has done what it can: every thread of it sleeps, and has since it was looked at last.

        One that would go on is not asleep, however long the machine lets it wait for its turn.
        """
        before, deadline = None, time.monotonic() + PATIENCE
        while (now := self._threads()) != before or {state for state, _ in now.values()} != {"S"}:
            assert time.monotonic() < deadline, "the hub does not come to rest"
            before = now
            threading.Event().wait(0.01)

    def _threads(self) -> dict[Path, tuple[str, int]]:
        """The state of each thread of the hub, and how often it has gone to sleep or been stopped."""
        tasks = (task for process in self.processes() for task in _list(process / "task"))
        return {task: (stat[0], _count_switches(task)) for task in tasks if (stat := _read_stat(task))}

    def empty_inboxes(self) -> None:
        """Take out what the hub asks every node for of itself, soon after it is up, so that polls are held after it."""
        for node in NODES:
            with closing(self.member(node)) as connection:
                asked = connection.fetch_inbox(wait=25).deliveries
                assert [delivery.kind for delivery in asked] == [DeliveryKind.PREKEYS_WANTED]
                done = [delivery.delivery_id for delivery in asked]
                assert connection.fetch_inbox(wait=0, done=done).deliveries == ()

    def processes(self) -> list[Path]:
        """The processes whose group is that of the one started: gunicorn and its worker."""
        return [path for path in Path("/proc").glob("[0-9]*") if _group(path) == self._group]

    def connect(self, receives: int = 0) -> socket.socket:
        """Open a connection that takes in no more than so many bytes before they are read."""
        connection = socket.socket()
        if receives:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(("127.0.0.1", self.port))
        except OSError:
            connection.close()
            raise
        return connection

    def member(self, name: str) -> HubConnection:
        return connect_party(self.federation.parties[name])

    def sign(self, method: str, path: str, keys: MemberKeys, body: bytes = b"") -> dict[str, str]:
        return dict(sign_request(method, self.address + path, body, keys, datetime.now(UTC)))

    def get(self, member: str, path: str) -> int:
        """Send a signed request and return the status of the answer, however long it takes to come."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", path, headers=self.sign("GET", path, self.federation.parties[member].keys))
            return connection.getresponse().status

    def sign_query(self, query_id: str, signer: str) -> None:
        """Have a member hand in a signature at the hub's door."""
        with closing(self.member(signer)) as connection:
            body = read_envelope(connection.fetch_manifest(query_id), MANIFEST_TYPE).body
            keys = self.federation.parties[signer].keys
            connection.send_signature(query_id, sign_body(body, MANIFEST_TYPE, keys))

    def assert_open(self) -> None:
        """Members, and whoever asks for the register or a page, are answered."""
        with closing(self.member("ana")) as ana:
            assert ana.fetch_register()
            assert isinstance(ana.list_queries().queries, tuple)
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            connection.request("GET", "/")
            assert connection.getresponse().status == 200


def _read_stat(process: Path) -> list[str]:
    """What the system says of a process, from its state on; nothing of one that has ended."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _group(process: Path) -> int:
    stat = _read_stat(process)
    return int(stat[2]) if stat else 0


def _list(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _count_switches(task: Path) -> int:
    try:
        lines = (task / "status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A hub that is being served."""
    hub = Served(tmp_path)
    with hub.running():
        yield hub
    hub.federation.hub.close()


@pytest.mark.processes
def test_pages_are_served_while_every_line_is_held(served: Served) -> None:
    """Every node polls, and others take all lines that are left: the hub answers everybody else, and then them."""
    query_id = served.federation.draft()
    served.empty_inboxes()
    polls = [(node, f"/federation/inbox?wait={HELD}") for node in NODES]
    watchers = ("ana", "cho", "dev", "eve", "gus")
    more = [(node, f"/federation/inbox?wait={HELD}") for node in NODES for _ in range(MOST_LINES_EACH - 1)]
    with closing(served.member("ana")) as ana:
        seen = ana.fetch_status(query_id).progress
    status = f"/api/queries/{query_id}?wait={HELD}&seen={seen}"
    more += [(name, status) for name in watchers for _ in range(MOST_LINES_EACH)]
    assert len(polls) + len(more) >= max(60, LINES + 10)
    with ThreadPoolExecutor(len(polls) + len(more)) as pool:
        parked = [pool.submit(served.get, *call) for call in polls]
        parked += [pool.submit(served.get, *call) for call in more]
        turned_away = await_some(parked, len(parked) - LINES)
        assert {call.result() for call in turned_away} == {503}
        served.assert_open()
        assert served.get("node-301", "/federation/inbox?wait=0") == 200
        held = [call for call in parked if call not in turned_away]
        assert len(held) == LINES
        for signer in ("ana", "cho", "dev"):
            served.sign_query(query_id, signer)
        assert {call.result(PATIENCE) for call in held} == {200}


def await_some(calls: "Sequence[Future[int]]", number: int) -> "list[Future[int]]":
    """Wait until so many calls have been answered."""
    deadline = time.monotonic() + PATIENCE
    while len(done := [call for call in calls if call.done()]) < number:
        assert time.monotonic() < deadline
        wait([call for call in calls if not call.done()], timeout=1, return_when="FIRST_COMPLETED")
    return done


def say_nothing(hub: Served) -> bytes:
    return b""


def stop_in_the_headers(hub: Served) -> bytes:
    return b"GET /federation/register HTTP/1.1\r\nHost: slow"


def stop_in_the_body(hub: Served) -> bytes:
    """A member's own request, of which the last byte does not come."""
    body = b"x" * 100
    signed = hub.sign("POST", "/federation/replies", hub.federation.parties["node-301"].keys, body)
    headers = {"Host": f"127.0.0.1:{hub.port}", "Content-Length": str(len(body)), **signed}
    lines = ["POST /federation/replies HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body[:-1]


def ask_and_not_read(hub: Served) -> bytes:
    """Requests enough that their answers fill whatever lies between the hub and somebody who does not read them."""
    return b"GET /federation/register HTTP/1.1\r\nHost: slow\r\n\r\n" * 1000


@contextmanager
def strangers(hub: Served, number: int, say: Callable[[Served], bytes]) -> Iterator[None]:
    """Open connections that begin to say something, and hold them."""
    connections = []
    try:
        for _ in range(number):
            connection = hub.connect(receives=4096)
            connections.append(connection)
            connection.sendall(say(hub))
        yield
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.processes
@pytest.mark.parametrize("say", [say_nothing, stop_in_the_headers, stop_in_the_body])
def test_strangers_who_are_slow_do_not_stop_the_hub(served: Served, say: Callable[[Served], bytes]) -> None:
    """Twice as many of them as the hub has threads."""
    with strangers(served, 2 * (MEMBERS + SPARE_THREADS), say):
        served.assert_open()


@pytest.mark.processes
def test_connections_that_say_nothing_make_room(tmp_path: Path) -> None:
    """More of them than the hub takes in: whoever comes next is taken in for the one that was silent longest."""
    hub = Served(tmp_path)
    with hub.running(SERVE_FEW), strangers(hub, 150, say_nothing):
        hub.assert_open()
    hub.federation.hub.close()


@pytest.mark.processes
def test_strangers_who_do_not_read_do_not_stop_the_hub(tmp_path: Path) -> None:
    """More of them than there are threads, each of which would be writing to one of them for ever."""
    hub = Served(tmp_path)
    with hub.running(SERVE_FEW), strangers(hub, 24, ask_and_not_read):
        hub.await_idle()
        hub.assert_open()
    hub.federation.hub.close()


@pytest.mark.processes
def test_over_tls_the_same_holds(tmp_path: Path) -> None:
    """Members trust the one authority that they were told of, and strangers may stop in the handshake too."""
    hub = Served(tmp_path, "https")
    certificate, key = write_certificate(tmp_path)
    with hub.running(options=["--tls-cert", str(certificate), "--tls-key", str(key)]):
        with (
            strangers(hub, 2 * (MEMBERS + SPARE_THREADS), lambda _: b"\x16\x03\x01"),
            closing(hub.member("ana")) as ana,
        ):
            assert ana.fetch_register()
            assert ana.list_queries().queries == ()
        context = ssl.create_default_context(cafile=str(certificate))
        with context.wrap_socket(hub.connect(), server_hostname="127.0.0.1") as line:
            assert line.version() == "TLSv1.3"
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with hub.connect() as line, pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
            context.wrap_socket(line, server_hostname="127.0.0.1")
    hub.federation.hub.close()


# --- Without a process ---------------------------------------------------------------------------------------------


def test_there_are_threads_for_every_line_and_for_everybody_else(tmp_path: Path) -> None:
    """A line for each member and some; and as many threads again that no line can take."""
    server = HubServer(tmp_path, 153, Listening("127.0.0.1:0"), {})
    assert server.cfg.workers == 1
    assert server.cfg.threads >= 153 + 64
    assert server.cfg.worker_connections >= server.cfg.threads + 1000
    assert server.cfg.threads - (153 + SPARE_THREADS // 2) >= 2 * MOST_WAITED_FOR


@pytest.mark.parametrize(("options", "members"), [((), 512), (("--room", "0"), MEMBERS)], ids=["as it is", "no room"])
def test_members_who_are_enrolled_while_the_hub_runs_have_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: Sequence[str], members: int
) -> None:
    """A hub that is started with a handful of members serves all of England without being started again."""
    settled: list[int] = []
    monkeypatch.setattr(HubServer, "run", lambda self: settled.append(self.cfg.threads))
    hub = found_federation(tmp_path, whole_seconds(datetime.now(UTC)), "").hub
    assert run(["hub", "serve", "--state", str(hub.party.directory), "--bind", "127.0.0.1:0", *options]) == 0
    assert settled == [members + SPARE_THREADS]
    hub.close()


def test_the_limit_of_files_is_raised_as_far_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.setrlimit", lambda _, limit: limits.append(limit))
    for before in ((1024, 4096), (1024, -1), (1024, 1500), (8192, 8192), (-1, -1)):
        monkeypatch.setattr("resource.getrlimit", lambda _, before=before: before)
        allow_files(2000)
    assert limits == [(2000, 4096), (2000, -1), (1500, 1500)]


class Connection:
    """One end of a connection, as the worker knows it."""

    def __init__(self) -> None:
        self.sock, self.peer = socket.socketpair()

    def is_cut_off(self) -> bool:
        self.peer.setblocking(False)
        try:
            return self.peer.recv(1) == b""
        except BlockingIOError:
            return False

    def close(self) -> None:
        self.sock.close()
        self.peer.close()


@pytest.fixture
def connections() -> Iterator[list[Connection]]:
    """More connections than the hub waits for patiently."""
    found = [Connection() for _ in range(MOST_WAITED_FOR + 2)]
    yield found
    for connection in found:
        connection.close()


def test_a_few_slow_ones_are_waited_for(connections: list[Connection]) -> None:
    """Up to the number that leaves threads to spare, and for a minute."""
    now = 0.0
    room = WaitingRoom(lambda: now)
    for connection in connections[:MOST_WAITED_FOR]:
        room.enter(connection)
    now = PATIENCE_SECONDS
    room.cut_off_slow()
    assert not any(connection.is_cut_off() for connection in connections)
    now += 1
    room.leave(connections[0])
    room.cut_off_slow()
    cut_off = [connection.is_cut_off() for connection in connections]
    assert cut_off == [False, *[True] * (MOST_WAITED_FOR - 1), False, False]


def test_of_too_many_the_slowest_are_cut_off(connections: list[Connection]) -> None:
    """Those that came last may still be honest: they have had no time yet."""
    now = 0.0
    room = WaitingRoom(lambda: now)
    for connection in connections:
        room.enter(connection)
    now = HURRY_SECONDS
    room.cut_off_slow()
    assert not any(connection.is_cut_off() for connection in connections)
    now += 0.1
    room.cut_off_slow()
    assert [connection.is_cut_off() for connection in connections] == [True, True, *[False] * MOST_WAITED_FOR]


def test_a_body_is_waited_for_since_its_request_began(connections: list[Connection]) -> None:
    """A byte a minute does not begin the minute anew."""
    now = 0.0
    room = WaitingRoom(lambda: now)
    since = room.enter(connections[0])
    room.leave(connections[0])
    now = PATIENCE_SECONDS + 1
    assert room.enter(connections[0], since) == since
    room.cut_off_slow()
    assert connections[0].is_cut_off()


def test_what_is_closed_already_is_left_alone() -> None:
    connection, now = Connection(), 0.0
    room = WaitingRoom(lambda: now)
    room.enter(connection)
    connection.close()
    now = PATIENCE_SECONDS + 1
    room.cut_off_slow()
