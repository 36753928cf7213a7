"""TLS between members and hub: 1.3 alone, one trusted authority, and words that help when no connection comes about.

Handshakes run in memory, between the two contexts that the product makes or one that somebody else might.
"""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from federation.state import StateError
from federation.tls import TlsInvalid, check_protected, client_context, explain_failure, is_loopback, server_context
from federation.web.listening import Listening
from tests.certificates import write_certificate


@dataclass
class End:
    """One end of a connection in memory."""

    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO
    line: ssl.SSLObject

    def step(self) -> bool:
        """Go on with the handshake as far as what has come in allows, and return whether it is over."""
        try:
            self.line.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> str | None:
    """Connect a client to a server in memory, and return the version that they speak."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        End(back, there, client.wrap_bio(back, there, server_hostname="127.0.0.1")),
        End(there, back, server.wrap_bio(there, back, server_side=True)),
    )
    for _ in range(10):
        # Both step each time: a client that is refused hears of it only when it reads on.
        over = [end.step() for end in ends]
        if all(over):
            return ends[0].line.version()
    raise AssertionError("the handshake does not end")


@pytest.fixture
def server(tmp_path: Path) -> ssl.SSLContext:
    return server_context(*write_certificate(tmp_path))


def old(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same, by somebody who never got beyond TLS 1.2."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def test_both_ends_speak_tls_13(tmp_path: Path, server: ssl.SSLContext) -> None:
    assert shake_hands(client_context(str(tmp_path / "ca.pem")), server) == "TLSv1.3"


def test_the_hub_refuses_an_older_client(tmp_path: Path, server: ssl.SSLContext) -> None:
    older = old(ssl.create_default_context(cafile=str(tmp_path / "ca.pem")))
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        shake_hands(older, server)
    server.minimum_version = ssl.TLSVersion.TLSv1_2
    assert shake_hands(older, server) == "TLSv1.2", "it was refused for its version alone"


def test_a_member_refuses_an_older_hub(tmp_path: Path, server: ssl.SSLContext) -> None:
    with pytest.raises(ssl.SSLError) as refused:
        shake_hands(client_context(str(tmp_path / "ca.pem")), old(server))
    assert refused.value.reason in ("UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION")


def test_a_pinned_authority_is_the_only_one(tmp_path: Path, server: ssl.SSLContext) -> None:
    """Not even the public ones are trusted beside it."""
    (tmp_path / "other").mkdir()
    other, _ = write_certificate(tmp_path / "other")
    pinned = client_context(str(other))
    assert pinned.cert_store_stats()["x509"] == 1
    for stranger in (pinned, client_context("")):
        with pytest.raises(ssl.SSLCertVerificationError):
            shake_hands(stranger, server)


def test_without_a_file_the_public_authorities_are_trusted() -> None:
    context = client_context("")
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize("content", [None, b"", b"no certificate"], ids=["no file", "nothing", "something else"])
def test_a_file_without_an_authority_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TlsInvalid, match=r"ca\.pem holds no certificate authority"):
        client_context(str(path))


def test_a_key_that_is_not_the_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    certificate, _ = write_certificate(tmp_path)
    _, key = write_certificate(tmp_path / "other")
    with pytest.raises(TlsInvalid, match="cannot be used together"):
        server_context(certificate, key)


def test_a_locked_key_is_refused_and_nobody_asked(tmp_path: Path) -> None:
    with pytest.raises(TlsInvalid, match="passphrase"):
        server_context(*write_certificate(tmp_path, passphrase=b"secret"))


# --- Where plain HTTP may be spoken --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["https://hub.example", "https://10.0.0.1:8400", "http://127.0.0.1:8400", "http://[::1]:1", "http://localhost"],
)
def test_an_address_that_is_protected(url: str) -> None:
    check_protected(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://hub.example",
        "http://10.0.0.1:8400",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://",
        "",
        "file://localhost/etc/passwd",
        "ftp://127.0.0.1/keys",
        "javascript://localhost/%0Aalert(1)",
    ],
)
def test_an_address_that_is_not_protected_is_refused(url: str) -> None:
    with pytest.raises(TlsInvalid, match="without TLS"):
        check_protected(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_a_loopback_address(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.168.1.1", "hub", "127.0.0.1.example", "0"])
def test_any_other_address_is_none(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("bind", ["127.0.0.1:8400", "[::1]:8400", "localhost:8400"])
def test_the_hub_serves_its_own_machine_without_tls(bind: str) -> None:
    listening = Listening(bind)
    listening.check()
    assert not listening.is_secure


@pytest.mark.parametrize("bind", ["0.0.0.0:8400", "[::]:8400", ":8400", "8400", "hub.example:8400", "unix:/run/hub"])
def test_the_hub_serves_no_other_machine_without_tls(bind: str, tmp_path: Path) -> None:
    with pytest.raises(TlsInvalid, match="--behind-tls-proxy"):
        Listening(bind).check()
    for protected in (Listening(bind, behind_proxy=True), Listening(bind, *write_certificate(tmp_path))):
        protected.check()
        assert protected.is_secure


@pytest.mark.parametrize("bind", ["127.0.0.1:0", "[::1]:0", "localhost:0", ":0", "8400", "unix:/run/hub"])
def test_what_can_be_listened_on_is_left_to_the_server(bind: str) -> None:
    Listening(bind).check_bindable()


def test_an_address_that_is_taken_may_be_free_in_a_moment() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        Listening(f"127.0.0.1:{taken.getsockname()[1]}").check_bindable()


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_another_machine_is_said_so(host: str) -> None:
    with pytest.raises(StateError, match=f"{host}:8400: this machine has no such address"):
        Listening(f"{host}:8400").check_bindable()


def test_a_port_of_the_system_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(host: str, port: int) -> None:
        raise PermissionError(13, f"not {host}, not {port}")

    monkeypatch.setattr("federation.web.listening._bind_once", refuse)
    with pytest.raises(StateError, match=r"0\.0\.0\.0:443: .* CAP_NET_BIND_SERVICE"):
        Listening("0.0.0.0:443").check_bindable()


def test_a_certificate_alone_is_half_of_what_is_needed(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    for half in (Listening("127.0.0.1:1", certificate), Listening("127.0.0.1:1", None, key)):
        with pytest.raises(TlsInvalid, match="both --tls-cert and --tls-key"):
            half.check()


# --- Words for failures --------------------------------------------------------------------------------------------


def fail_by_certificate(directory: Path) -> None:
    shake_hands(client_context(""), server_context(*write_certificate(directory)))


def fail_by_age(directory: Path) -> None:
    certificate, key = write_certificate(directory, days=-1)
    shake_hands(client_context(str(certificate)), server_context(certificate, key))


def fail_by_version(directory: Path) -> None:
    certificate, key = write_certificate(directory)
    shake_hands(client_context(str(certificate)), old(server_context(certificate, key)))


def fail_by_silence(directory: Path) -> None:
    socket.create_connection(("127.0.0.1", 9), timeout=5)


def fail_by_name(directory: Path) -> None:
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize(
    ("fail", "words"),
    [
        (fail_by_certificate, "not trusted here"),
        (fail_by_age, "certificate has expired"),
        (fail_by_version, "does not speak TLS 1.3"),
        (fail_by_silence, "nothing listens there"),
        (fail_by_name, "name cannot be found"),
    ],
)
def test_a_failure_is_explained(tmp_path: Path, fail: Callable[[Path], None], words: str) -> None:
    """Also from behind the error that a library makes of it."""
    with pytest.raises(OSError) as failed:  # noqa: PT011 - each is another kind
        fail(tmp_path)
    wrapped = RuntimeError("a library's own words")
    wrapped.__context__ = failed.value
    assert words in explain_failure(wrapped)


def test_of_any_other_failure_the_kind_is_told() -> None:
    assert explain_failure(ValueError("SECRET")) == "ValueError"
