"""TLS between members and their hub: version 1.3 and no other, at both ends.

A member trusts the one certificate authority whose file it was given, or else the public ones; never both. Plain HTTP
is for one machine alone: without TLS a request could be read on its way, though not altered or repeated.
"""

import socket
import ssl
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit


class TlsInvalid(Exception):
    """A certificate, key or authority cannot be used, or an address is not protected. The text says what to do."""


def client_context(authority: str) -> ssl.SSLContext:
    """Return what a member trusts: the authority in the file of that name, or the public ones where it is empty.

    Raises `TlsInvalid` where the file holds no certificate.
    """
    try:
        context = ssl.create_default_context(cafile=authority or None)
    except (OSError, ssl.SSLError):
        raise TlsInvalid(f"{authority} holds no certificate authority in PEM: fetch the hub's again") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def public_context() -> ssl.SSLContext:
    """Return what is trusted of a server that is no member's: the public authorities, by TLS as it may speak it."""
    return ssl.create_default_context()


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return how the hub shows who it is. Raises `TlsInvalid` where certificate and key cannot be used together."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        # A key under a passphrase would ask for it at the terminal, in every worker.
        context.load_cert_chain(certificate, key, password=_refuse_passphrase)
    except (OSError, ssl.SSLError, TlsInvalid) as error:
        raise TlsInvalid(f"{certificate} and {key} cannot be used together as certificate and key: {error}") from None
    return context


def _refuse_passphrase() -> str:
    raise TlsInvalid("the key is locked with a passphrase")


def check_protected(url: str) -> None:
    """Raise `TlsInvalid` for an address where the connection could be read, plain HTTP to another machine, and for one
    that is no address of the web at all, such as a file's.
    """
    place = urlsplit(url)
    if place.scheme != "https" and not (place.scheme == "http" and is_loopback(place.hostname or "")):
        raise TlsInvalid(
            f"{url} would be reached without TLS: give the hub's https:// address; http:// is for this machine alone"
        )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its loopback address or the name that always means it (RFC 6761)."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def explain_failure(error: BaseException) -> str:
    """Say why no connection came about, in words that help; the kind of error where there are none."""
    kind, cause = type(error).__name__, _first_cause(error)
    match cause:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted here ({cause.verify_message}): check the hub_ca in member.toml"
        case ssl.SSLError() if "VERSION" in (cause.reason or "") or "PROTOCOL" in (cause.reason or ""):
            return "it does not speak TLS 1.3"
        case ssl.SSLError():
            return f"it does not speak TLS ({cause.reason or kind})"
        case socket.gaierror():
            return "its name cannot be found: check the address, and this machine's name service"
        case ConnectionRefusedError():
            return "nothing listens there"
        case _:
            return kind


def _first_cause(error: BaseException) -> BaseException:
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return error
