"""What a service says while it runs: a JSON object on each line where that is asked for, plain lines otherwise."""

import json
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest
from gunicorn.config import Config

from federation import service_log
from federation.processes import CIRCE, held_port
from federation.service_log import FIELDS, Form, JsonLines, begin_log, told
from federation.web.server_log import ServerLog
from node.setting_up import create_node

PATIENCE = 60
"""Seconds that a process has to come up and to answer, and none needs."""

ALWAYS = ("time", "level", "logger", "process", "message")
CHILD = "A801200005001"


@pytest.fixture(autouse=True)
def hands_off() -> Iterator[None]:
    """Leave the log of this process as it was."""
    root = logging.getLogger()
    kept, hooks, level = list(root.handlers), (threading.excepthook, sys.excepthook), service_log.log.level
    yield
    root.handlers[:] = kept
    web_server = logging.getLogger("gunicorn.error")
    web_server.handlers.clear()
    web_server.propagate = True
    threading.excepthook, sys.excepthook = hooks
    service_log.log.setLevel(level)
    logging.captureWarnings(capture=False)


def write_line(message: str, *arguments: object, **also: object) -> dict[str, object]:
    """Return the line of a warning, read back."""
    record = logging.LogRecord("circe.node", logging.WARNING, __file__, 1, message, arguments, None)
    record.__dict__.update(also)
    text = JsonLines().format(record)
    assert "\n" not in text
    read: dict[str, object] = json.loads(text)
    return read


def fail(text: str) -> ValueError:
    """Return an error that was really raised, and so knows where."""
    try:
        int(text)
    except ValueError as error:
        return error
    raise AssertionError(text)


def test_a_line_has_its_time_in_utc_and_its_fields_by_name() -> None:
    line = write_line("%s: left\nbehind \u2028 é", "node-301", member="node-301", delivery=7, created=0.5)
    assert tuple(line)[: len(ALWAYS)] == ALWAYS
    assert line["time"] == "1970-01-01T00:00:00.500Z"
    assert (line["level"], line["logger"]) == ("WARNING", "circe.node")
    assert line["message"] == "node-301: left\nbehind \u2028 é"
    assert (line["member"], line["delivery"]) == ("node-301", 7)


def test_fields_that_are_not_listed_are_never_written() -> None:
    assert CHILD not in str(write_line("found", upn=CHILD, subject=CHILD))
    with pytest.raises(KeyError):
        told(upn=CHILD)
    assert not {"child", "upn", "subject", "name", "value"} & set(FIELDS)


def test_of_an_error_its_kind_and_place_are_told_and_not_its_text() -> None:
    error = fail(f"no such child: {CHILD}")
    line = write_line("it failed", exc_info=(type(error), error, error.__traceback__))
    assert line["error"] == "ValueError"
    assert re.fullmatch(r"test_service_log\.py:\d+", str(line["place"]))
    assert CHILD not in str(line)


def test_what_was_asked_in_an_address_is_not_written() -> None:
    assert write_line(f"Error handling request /child?upn={CHILD}")["message"] == "Error handling request /child?"


def test_a_plain_terminal_stays_plain(capsys: pytest.CaptureFixture[str]) -> None:
    begin_log(Form.PLAIN)
    begin_log(Form.PLAIN)  # Said once all the same.
    service_log.announce("serving node-301", member="node-301")
    assert capsys.readouterr().err == "serving node-301\n"


def test_the_latest_form_counts_and_what_python_says_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    begin_log(Form.PLAIN)
    begin_log(Form.JSON)
    error = fail(CHILD)
    sys.excepthook(ValueError, error, error.__traceback__)
    (line,) = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["level"], line["error"]) == ("CRITICAL", "ValueError")
    assert CHILD not in str(line)


# --- Real processes --------------------------------------------------------------------------------------------------


def serve_pages(state: Path, *options: str) -> str:
    """Serve a node's pages in a process of its own until they answer, and return what it wrote meanwhile."""
    with held_port() as port:
        bind = f"127.0.0.1:{port}"
        command = [*CIRCE, "node", "pages", "--state", str(state), "--bind", bind, *options]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            assert ask(f"http://{bind}/health") == 503  # It has not joined yet: there is no register.
            assert ask(f"http://{bind}/{CHILD}?upn={CHILD}") == 404
            assert ask(f"http://{bind}/assets/{CHILD}") == 404
            assert ask(f"http://{bind}/health", method=CHILD) == 405
            assert ask_badly(bind).startswith(b"HTTP/1.1 400 ")
        finally:
            process.terminate()
        return process.communicate(timeout=PATIENCE)[1]


def ask(address: str, method: str = "GET") -> int:
    """Return the status of a door once there is one."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE:
        try:
            # Asked once: from when it is connected until it is answered, a worker may still have to come up.
            with urlopen(Request(address, method=method), timeout=PATIENCE) as answer:
                return int(answer.status)
        except HTTPError as told_not_well:
            return told_not_well.code
        except URLError:
            continue
    raise TimeoutError(address)


def ask_badly(bind: str) -> bytes:
    """Return what is answered to what no application gets to see: a length that is no number."""
    host, _, port = bind.partition(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
        line.sendall(f"GET /child?upn={CHILD} HTTP/1.1\r\nHost: {bind}\r\nContent-Length: {CHILD}\r\n\r\n".encode())
        return line.recv(4096)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    create_node(tmp_path / "state", "301")
    return tmp_path / "state"


def test_every_line_of_a_served_process_is_an_object(state: Path) -> None:
    """With a policy that is not in force, of which it warns, and an address that does not fit."""
    (state / "policy.csv").write_text("no policy\n")
    lines = list(map(json.loads, serve_pages(state, "--log", "json", "--behind-tls-proxy").splitlines()))
    assert {"WARNING", "INFO"} <= {line["level"] for line in lines}
    for line in lines:
        assert tuple(line)[: len(ALWAYS)] == ALWAYS
        assert set(line) <= {*ALWAYS, *FIELDS}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert any(line.get("member") == "node-301" and line.get("bind") for line in lines)
    asked = [line for line in lines if line["logger"] == "circe.web"]
    # A line is written after its answer is out, so that the next answer's may come first.
    assert sorted((line["method"], line["route"], line["status"]) for line in asked) == [
        ("GET", "/assets/<path:filename>", 404),
        ("GET", "/health", 503),
        ("GET", "none", 400),
        ("GET", "none", 404),
        ("other", "none", 405),
    ]
    assert all(0 <= line["seconds"] < 60 and line["process"] != lines[0]["process"] for line in asked)
    assert CHILD not in str(lines)


def test_a_service_writes_plain_lines_unless_told(state: Path) -> None:
    """Of requests there is nothing then."""
    first, *others = serve_pages(state).splitlines()
    assert first.startswith("pages of node-301 at 127.0.0.1:")
    assert not any("/health" in line or "GET" in line or CHILD in line for line in others)


@pytest.mark.parametrize("form", Form)
def test_an_error_above_the_application_quotes_nothing_that_was_asked(
    form: Form, capsys: pytest.CaptureFixture[str]
) -> None:
    """gunicorn gives the whole address, and the error's text after it."""
    begin_log(form)
    server_log = ServerLog(Config())
    try:
        raise fail(CHILD)
    except ValueError:
        server_log.exception("Error handling request %s %s", "GET", f"/child/{CHILD}?upn={CHILD}")
    written = capsys.readouterr().err
    assert "a request could not be answered: ValueError at test_service_log.py:" in written
    assert CHILD not in written


@pytest.mark.parametrize("command", [("hub", "serve"), ("node", "serve"), ("node", "pages")], ids=" ".join)
def test_what_ends_a_service_at_its_start_is_an_object_too(command: tuple[str, ...], tmp_path: Path) -> None:
    done = subprocess.run(
        [*CIRCE, *command, "--state", str(tmp_path / "absent")],
        capture_output=True,
        text=True,
        check=False,
        env={"CIRCE_LOG": "json"},
    )
    assert done.returncode == 2
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["level"], line["error"]) == ("ERROR", "StateError")


def test_the_web_server_writes_as_the_service_does() -> None:
    from federation.web.listening import Listening

    begin_log(Form.JSON)
    config = Config()
    for name, value in Listening("127.0.0.1:8400").settings().items():
        config.set(name, value)
    assert config.logger_class is ServerLog
    (handler,) = ServerLog(config).error_log.handlers
    assert isinstance(handler.formatter, JsonLines)
