"""The connection to the hub, with something else at its other end: answers are bounded, and none is taken on trust."""

import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from federation import hub_line, lines
from federation.exchange import Inbox
from federation.http_signatures import verify_request
from federation.hub_line import (
    CLOCKS_APART,
    LONGEST_RETRY_SECONDS,
    MOST_TRIES,
    HubRefused,
    HubUnreachable,
    current_time,
)
from federation.keys import MemberKeys, generate_keys
from federation.problems import PROBLEM_TYPE, Problem
from federation.tls import TlsInvalid
from federation.transport import HubConnection
from federation.wire import MAX_BATCH_BYTES, encode_document

Answer = Callable[[BaseHTTPRequestHandler], None]


def say(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An answer with a body and headers."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def say_without_end(piece: bytes) -> Answer:
    """An answer that goes on until the other side has had enough."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("connection", "close")
        request.end_headers()
        try:
            while True:
                request.wfile.write(piece)
                request.wfile.flush()
        except OSError:
            request.close_connection = True

    return answer


class Impostor:
    """A server that gives one answer to everything, and keeps the paths that it was asked for."""

    def __init__(self, answer: Answer) -> None:
        paths: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            asked: ClassVar[list[str]] = paths

            def do_GET(self) -> None:
                self.asked.append(self.path)
                self.rfile.read(int(self.headers.get("content-length") or 0))
                answer(self)

            def do_POST(self) -> None:
                self.do_GET()

            def do_DELETE(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.paths = paths
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def connect(
        self,
        pause: Callable[[float], object] = time.sleep,
        clock: Callable[[], datetime] = current_time,
        keys: MemberKeys | None = None,
    ) -> HubConnection:
        address = f"http://127.0.0.1:{self._server.server_port}"
        return HubConnection(address, keys or generate_keys("node-301"), clock=clock, pause=pause)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def impostor() -> Iterator[Callable[[Answer], Impostor]]:
    """Starts servers that are no hub, and stops them."""
    started: list[Impostor] = []

    def start(answer: Answer) -> Impostor:
        started.append(Impostor(answer))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.mark.parametrize("status", [301, 302, 304, 307, 308])
def test_a_redirection_is_no_success(impostor: Callable[[Answer], Impostor], status: int) -> None:
    """What was handed in has not arrived: a node that took this for a yes would never send its reply again."""
    with closing(impostor(say(status, location="https://elsewhere.test/")).connect()) as hub:
        with pytest.raises(HubRefused):
            hub.send_reply(b"a reply")
        with pytest.raises(HubRefused):
            hub.fetch_inbox(wait=0, done=[1])


@pytest.mark.parametrize(
    "body",
    [b"", b"no JSON", b'{"register_version":1}', b'{"deliveries":[],"register_version":1}', b"\xff", b"[" * 100_000],
    ids=["nothing", "no JSON", "a field too few", "another order", "no UTF-8", "deep nesting"],
)
def test_an_answer_that_is_no_document_counts_as_none(impostor: Callable[[Answer], Impostor], body: bytes) -> None:
    with closing(impostor(say(200, body)).connect()) as hub, pytest.raises(HubUnreachable):
        hub.fetch_inbox(wait=0)


def test_a_document_is_read(impostor: Callable[[Answer], Impostor]) -> None:
    """The same way as those above, so that they fail for what they are."""
    inbox = Inbox(register_version=1, deliveries=())
    with closing(impostor(say(200, encode_document(inbox))).connect()) as hub:
        assert hub.fetch_inbox(wait=0) == inbox


def test_an_answer_without_end_is_cut_off_by_size(impostor: Callable[[Answer], Impostor]) -> None:
    server = impostor(say_without_end(b"x" * (MAX_BATCH_BYTES // 16)))
    with closing(server.connect()) as hub, pytest.raises(HubUnreachable, match="more than"):
        hub.fetch_register()


def test_an_answer_that_takes_for_ever_is_cut_off_by_time(
    impostor: Callable[[Answer], Impostor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the pieces are and however soon each follows the last."""
    monkeypatch.setattr(hub_line, "LONGEST_EXCHANGE_SECONDS", 0.05)
    with closing(impostor(say_without_end(b"x")).connect()) as hub, pytest.raises(HubUnreachable, match="TimeoutError"):
        hub.fetch_register()


def test_nobody_there_is_said_so() -> None:
    nobody = HubConnection("http://127.0.0.1:9", generate_keys("ana"))
    with closing(nobody) as hub, pytest.raises(HubUnreachable, match="does not answer"):
        hub.fetch_register()


def problem(detail: str) -> bytes:
    return encode_document(Problem(status=409, title="Not possible", detail=detail, code="state"))


def test_the_hubs_reason_is_passed_on(impostor: Callable[[Answer], Impostor]) -> None:
    answer = say(409, problem("the query is released"), content_type=PROBLEM_TYPE)
    with closing(impostor(answer).connect()) as hub, pytest.raises(HubRefused) as refused:
        hub.fetch_status("Q-1")
    assert (refused.value.problem.status, refused.value.problem.code) == (409, "state")
    assert str(refused.value) == "the query is released"


def test_the_hubs_reason_cannot_disguise_itself(impostor: Callable[[Answer], Impostor]) -> None:
    """It is printed in a terminal: no control character, line break or mark of direction gets there."""
    answer = say(409, problem("\x1b[2Jall\nis‮ well"), content_type=PROBLEM_TYPE)
    with closing(impostor(answer).connect()) as hub, pytest.raises(HubRefused) as refused:
        hub.fetch_status("Q-1")
    assert str(refused.value) == "?[2Jall is? well"


@pytest.mark.parametrize(
    "answer",
    [
        say(500, b"<html>oops</html>", content_type="text/html"),
        say(409, b"no JSON", content_type=PROBLEM_TYPE),
        say(409, problem("x" * 20_000), content_type=PROBLEM_TYPE),
        say(502),
    ],
    ids=["a page", "no document", "a novel", "nothing"],
)
def test_without_a_readable_reason_there_is_none(impostor: Callable[[Answer], Impostor], answer: Answer) -> None:
    with closing(impostor(answer).connect()) as hub, pytest.raises(HubRefused, match="gave no reason"):
        hub.fetch_status("Q-1")


def test_an_id_stays_one_word_of_the_path(impostor: Callable[[Answer], Impostor]) -> None:
    """Whoever gives us an id, a hub or a person, does not choose what else we ask for."""
    server = impostor(say(404))
    with closing(server.connect()) as hub:
        for ask in (hub.fetch_manifest, hub.fetch_release, hub.finish_lookup):
            with pytest.raises(HubRefused):
                ask("../../federation/inbox/7/done?x=1#y")
    assert all("%2F" in path and "?" not in path for path in server.paths)
    assert len(server.paths) == 3


# --- A hub that is busy ----------------------------------------------------------------------------------------------


def in_turn(*answers: Answer) -> Answer:
    """An answer for each request in turn; the last is given to all others."""
    left = list(answers)
    return lambda request: (left.pop(0) if len(left) > 1 else left[0])(request)


BUSY = say(503, problem("too many are waiting"), content_type=PROBLEM_TYPE, retry_after="3")


def test_a_busy_hub_is_asked_again_no_sooner_than_it_says(impostor: Callable[[Answer], Impostor]) -> None:
    """And by each member at a moment of its own."""
    server, pauses = impostor(in_turn(BUSY, BUSY, say(200, b"the register"))), list[float]()
    with closing(server.connect(pauses.append)) as hub:
        assert hub.fetch_register() == b"the register"
    assert len(server.paths) == 3
    assert len(set(pauses)) == 2
    assert all(3 <= pause < 6 for pause in pauses)


def test_a_hub_that_stays_busy_is_not_asked_for_ever(impostor: Callable[[Answer], Impostor]) -> None:
    """Whoever asked hears of it then, and when to come back."""
    server, pauses = impostor(BUSY), list[float]()
    with closing(server.connect(pauses.append)) as hub, pytest.raises(HubRefused) as refused:
        hub.send_reply(b"a reply")
    assert (len(server.paths), len(pauses)) == (MOST_TRIES, MOST_TRIES - 1)
    assert refused.value.retry_after == 3


@pytest.mark.parametrize(
    ("status", "retry_after"),
    [
        (503, ""),
        (503, "0"),
        (503, "-1"),
        (503, "soon"),
        (503, "²"),
        (503, "Fri, 27 Nov 2026 09:00:00 GMT"),
        (500, "3"),
        (429, "3"),
    ],
)
def test_any_other_refusal_is_passed_on_at_once(
    impostor: Callable[[Answer], Impostor], status: int, retry_after: str
) -> None:
    answer = say(status, problem("no"), content_type=PROBLEM_TYPE, retry_after=retry_after.encode().decode("latin-1"))
    server, pauses = impostor(answer), list[float]()
    with closing(server.connect(pauses.append)) as hub, pytest.raises(HubRefused):
        hub.fetch_register()
    assert (len(server.paths), pauses) == (1, [])


def test_no_hub_sends_us_away_for_a_year(impostor: Callable[[Answer], Impostor]) -> None:
    answer = say(503, problem("later"), content_type=PROBLEM_TYPE, retry_after="99999999")
    server, pauses = impostor(in_turn(answer, say(200))), list[float]()
    with closing(server.connect(pauses.append)) as hub:
        hub.fetch_register()
    assert pauses[0] < 2 * LONGEST_RETRY_SECONDS


# --- Clocks, deliveries and connections -----------------------------------------------------------------------------


def test_the_hubs_clock_is_noted(impostor: Callable[[Answer], Impostor]) -> None:
    """Python's own server tells the time in every answer."""
    with closing(impostor(say(200)).connect(clock=lambda: current_time() + timedelta(minutes=2))) as hub:
        assert hub.clocks.ahead is None
        hub.fetch_register()
        assert hub.clocks.ahead is not None
        assert abs(hub.clocks.ahead - timedelta(minutes=2)) < timedelta(seconds=60)
        assert "ahead of the hub's" in hub.clocks.news()


def test_a_refusal_for_the_clock_says_how_far_it_is_off(impostor: Callable[[Answer], Impostor]) -> None:
    refusal = Problem(status=401, title="", detail="the request is 400 seconds ahead", code=CLOCKS_APART)
    answer = say(401, encode_document(refusal), content_type=PROBLEM_TYPE)
    server = impostor(answer)
    with closing(server.connect(clock=lambda: current_time() + timedelta(seconds=400))) as hub:
        said = r"400 seconds ahead \(this machine's clock is \d+ s ahead of the hub's\)"
        with pytest.raises(HubRefused, match=said):
            hub.fetch_register()


def test_a_poll_says_what_has_been_dealt_with(impostor: Callable[[Answer], Impostor]) -> None:
    inbox = encode_document(Inbox(register_version=1, deliveries=()))
    server = impostor(say(200, inbox))
    with closing(server.connect()) as hub:
        hub.fetch_inbox(wait=25, done=[3, 7])
        hub.fetch_inbox(wait=25)
    assert server.paths == ["/federation/inbox?wait=25&done=3,7", "/federation/inbox?wait=25"]


def test_a_watcher_says_how_far_it_has_seen_a_query_come(impostor: Callable[[Answer], Impostor]) -> None:
    server = impostor(say(200, b"{}"))
    with closing(server.connect()) as hub:
        for seen in ("", "0123456789abcdef"):
            with pytest.raises(HubUnreachable):
                hub.fetch_status("Q-1", wait=25, seen=seen)
    assert server.paths == ["/api/queries/Q-1?wait=25&seen=", "/api/queries/Q-1?wait=25&seen=0123456789abcdef"]


def test_requests_follow_each_other_on_one_connection(impostor: Callable[[Answer], Impostor]) -> None:
    """A new one for each would cost a handshake."""
    peers: list[object] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        peers.append(request.client_address)
        say(200)(request)

    with closing(impostor(answer).connect()) as hub:
        for _ in range(3):
            hub.fetch_register()
    assert len(peers) == 3
    assert len(set(peers)) == 1


def test_another_machine_is_reached_by_tls_alone() -> None:
    with pytest.raises(TlsInvalid, match="without TLS"):
        HubConnection("http://hub.example", generate_keys("ana"))


def test_every_request_is_signed(impostor: Callable[[Answer], Impostor]) -> None:
    """As the hub verifies it, with or without a body; and each with a nonce of its own."""
    keys, seen = generate_keys("node-301"), set[str]()

    def answer(request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("content-length") or 0)
        url = f"http://{request.headers['host']}{request.path}"
        body = b"a reply" if length else b""
        headers, key = dict(request.headers), keys.public_signing_key
        seen.add(verify_request(request.command, url, headers, body, lambda _member: key).nonce)
        say(204)(request)

    with closing(impostor(answer).connect(keys=keys)) as hub:
        hub.fetch_register()
        hub.send_reply(b"a reply")
        hub.finish_lookup("L-1")
    assert len(seen) == 3


def dribble(request: BaseHTTPRequestHandler) -> None:
    """A header that never ends, a byte at a time."""
    request.close_connection = True
    try:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        while True:
            request.wfile.write(b"x")
            request.wfile.flush()
    except OSError:
        pass


def test_headers_without_end_are_cut_off(
    impostor: Callable[[Answer], Impostor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By size, as here; and by time, as nothing else of an answer could be."""
    with closing(impostor(dribble).connect()) as hub, pytest.raises(HubUnreachable, match="LineTooLong"):
        hub.fetch_register()
    monkeypatch.setattr(hub_line, "LONGEST_EXCHANGE_SECONDS", 0.0)
    with closing(impostor(dribble).connect()) as hub, pytest.raises(HubUnreachable, match="TimeoutError"):
        hub.fetch_register()


def test_a_connection_that_the_hub_closed_is_replaced(impostor: Callable[[Answer], Impostor]) -> None:
    """As after a restart of the hub: the next request finds out before it is sent."""
    peers: list[object] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        peers.append(request.client_address)
        say(200)(request)
        # Closed without having said so.
        request.close_connection = True

    with closing(impostor(answer).connect()) as hub:
        for _ in range(3):
            hub.fetch_register()
            _await_end(hub)
    assert len(set(peers)) == 3


def _await_end(hub: HubConnection) -> None:
    """Return once the other side's end of the idle connection has come in."""
    (line,) = hub._lines._idle
    select.select([line.sock], [], [], 20)


def test_a_connection_that_lay_idle_for_long_is_not_used(
    impostor: Callable[[Answer], Impostor], monkeypatch: pytest.MonkeyPatch
) -> None:
    peers: list[object] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        peers.append(request.client_address)
        say(200)(request)

    monkeypatch.setattr(lines, "IDLE_SECONDS", 0.0)
    with closing(impostor(answer).connect()) as hub:
        for _ in range(3):
            hub.fetch_register()
    assert len(set(peers)) == 3


def test_threads_do_not_wait_for_one_another(impostor: Callable[[Answer], Impostor]) -> None:
    """While one holds a line open, another is answered."""
    free = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        if "inbox" in request.path:
            assert free.wait(20)
        say(200, encode_document(Inbox(register_version=1, deliveries=())))(request)

    with closing(impostor(answer).connect()) as hub:
        poll = threading.Thread(target=hub.fetch_inbox, kwargs={"wait": 25})
        poll.start()
        assert hub.fetch_register()
        free.set()
        poll.join(20)
        assert not poll.is_alive()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"SMTP ready\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab",
    ],
    ids=["nothing", "empty lines", "another protocol", "no status", "an end too soon"],
)
def test_what_is_no_answer_counts_as_none(impostor: Callable[[Answer], Impostor], answer: bytes) -> None:
    def send(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        request.wfile.write(answer)

    with closing(impostor(send).connect()) as hub, pytest.raises(HubUnreachable, match="does not answer"):
        hub.fetch_register()
