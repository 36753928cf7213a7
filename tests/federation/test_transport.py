"""The connection to the hub, with something else at its other end: answers are bounded, and none is taken on trust."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from federation import transport
from federation.exchange import Inbox
from federation.keys import generate_keys
from federation.problems import PROBLEM_TYPE, Problem
from federation.transport import HubConnection, HubRefused, HubUnreachable
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

    def connect(self) -> HubConnection:
        return HubConnection(f"http://127.0.0.1:{self._server.server_port}", generate_keys("node-301"))

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
            hub.finish_delivery(1)


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
    with closing(server.connect()) as hub, pytest.raises(HubUnreachable, match="DecodingError"):
        hub.fetch_register()


def test_an_answer_that_takes_for_ever_is_cut_off_by_time(
    impostor: Callable[[Answer], Impostor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the pieces are and however soon each follows the last."""
    monkeypatch.setattr(transport, "LONGEST_ANSWER_SECONDS", 0.05)
    with closing(impostor(say_without_end(b"x")).connect()) as hub, pytest.raises(HubUnreachable, match="ReadTimeout"):
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
