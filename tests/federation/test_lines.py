"""Connections to a hub: the host that is asked for is the one that is signed, and what two sides agree on agrees."""

import ssl
from pathlib import Path

import pytest

from federation.exchange import MOST_AT_ONCE
from federation.lines import IDLE_SECONDS, _Line
from federation.web.listening import Listening
from hub.reception import PATIENCE_SECONDS
from hub.server import HubServer
from node.desk import MOST_TOLD


class Wire:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("host", "port", "tls", "written"),
    [
        ("hub.example", None, True, "hub.example"),
        ("hub.example", 443, True, "hub.example"),
        ("hub.example", 8400, True, "hub.example:8400"),
        ("127.0.0.1", 80, False, "127.0.0.1"),
        ("127.0.0.1", 443, False, "127.0.0.1:443"),
        ("::1", 8400, False, "[::1]:8400"),
    ],
)
def test_the_host_header_is_what_the_signature_covers(host: str, port: int | None, tls: bool, written: str) -> None:
    """Without the default port, as RFC 9421 has it: the hub compares the two."""
    line, wire = _Line(host, port, ssl.create_default_context() if tls else None), Wire()
    line.sock = wire
    line.request("GET", "/federation/register")
    assert f"\r\nHost: {written}\r\n".encode() in wire.sent


def test_both_sides_agree_on_how_long_and_how_many(tmp_path: Path) -> None:
    """An idle connection is dropped here before it is there, and a poll tells of no more than the hub reads of."""
    server = HubServer(tmp_path, 3, Listening("127.0.0.1:0"), {})
    assert server.cfg.keepalive > IDLE_SECONDS
    assert MOST_TOLD <= MOST_AT_ONCE
    assert len("/federation/inbox?wait=25&done=&in_hand=") + 2 * 20 * MOST_TOLD < server.cfg.limit_request_line
    assert PATIENCE_SECONDS < 120, "a request is cut off by the hub before its sender gives it up"
