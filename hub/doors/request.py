"""Reading a request: who signed it, what it asks, and for how long its line is held."""

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from flask import Response, current_app, request

from federation.exchange import MOST_AT_ONCE
from federation.http_signatures import ClocksApart, RequestUnsigned, verify_request
from federation.hub_line import CLOCKS_APART
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind, RegisterError
from federation.wire import (
    MAX_DOCUMENT_BYTES,
    D,
    Document,
    WireError,
    decode_document,
    encode_document,
)
from hub.service import Hub

LAST_DELIVERY = 2**63 - 1
"""The largest number that a delivery can have."""

_NUMBER = re.compile(r"[0-9]{1,19}")
_PROGRESS = re.compile(r"[0-9a-f]{16}")

Parameters = Mapping[str, Mapping[str, object]]
"""Parameters of an address by name, each with the JSON schema of its values."""

WAIT: Parameters = {"wait": {"type": "number", "minimum": 0, "description": "seconds to hold the line"}}
SEEN: Parameters = {
    "seen": {
        "type": "string",
        "pattern": "^([0-9a-f]{16})?$",
        "description": "how far the query had come that one saw last; nothing where one has seen nothing of it",
    }
}
_NUMBERS = {"type": "string", "pattern": rf"^([0-9]{{1,18}}(,[0-9]{{1,18}}){{0,{MOST_AT_ONCE - 1}}})?$"}
HANDED_OUT: Parameters = {
    "done": {**_NUMBERS, "description": "deliveries that the node is done with"},
    "in_hand": {**_NUMBERS, "description": "deliveries that the node is at work on, which are not handed out again"},
}
LAST: Parameters = {
    "done": {"type": "integer", "minimum": 0, "maximum": 999_999_999, "description": "the last answer that one has"}
}
SEALED_PAGE = "application/octet-stream"


def the_hub() -> Hub:
    """The hub that this application serves."""
    hub: Hub = current_app.extensions["hub"]
    return hub


def authenticate(*kinds: MemberKind, limit: int = MAX_DOCUMENT_BYTES) -> Member:
    """Return the active member who signed this request, of a body of at most `limit` bytes, and use its nonce up.

    Raises a 401, 403 or 413 problem.
    """
    hub = the_hub()
    register, now = hub.register(), hub.clock()
    request.max_content_length = limit
    try:
        _check_address(hub)
        verified = verify_request(
            request.method,
            request.url,
            dict(request.headers),
            request.get_data,
            lambda member: register.find(member, now).public_signing_key,
            now=now,
        )
        member = register.find(verified.member_id, now)
    except (RequestUnsigned, RegisterError) as error:
        code = CLOCKS_APART if isinstance(error, ClocksApart) else "unsigned"
        raise ProblemRaised(401, code, str(error)) from None
    if kinds and member.kind not in kinds:
        raise ProblemRaised(403, "wrong_kind", f"this is for {' or '.join(kinds)} members, and you are a {member.kind}")
    hub.nonces.spend(f"{member.id} {verified.nonce}", now)
    return member


def _check_address(hub: Hub) -> None:
    """Refuse a request that was signed for another address: somebody else received it first, and passed it on."""
    own = urlsplit(hub.party.profile.hub).netloc
    if own and request.host.lower() != own.lower():
        raise RequestUnsigned(f"the request was made to another address than {own}, where members find this hub")


def hold_line(hub: Hub, member: Member, topic: str, ready: Callable[[], bool]) -> None:
    """Wait for as long as the caller asks, until `ready` holds. Raises a 401 problem for one revoked meanwhile."""
    hub.bell.wait_until(ready, wait_seconds(), topic=topic, holder=member.id)
    try:
        hub.register().find(member.id, hub.clock())
    except RegisterError as error:
        raise ProblemRaised(401, "unsigned", str(error)) from None


def read_body(kind: type[D], limit: int = MAX_DOCUMENT_BYTES) -> D:
    """Read the request's document. Raises a 400 problem."""
    try:
        return decode_document(request.get_data(cache=True), kind, limit=limit)
    except WireError as error:
        raise ProblemRaised(400, "malformed", str(error)) from None


def answer(document: Document, status: int = 200) -> Response:
    """Return a document as the response."""
    return Response(encode_document(document), status, content_type="application/json")


def wait_seconds() -> float:
    """How long the caller is ready to wait. Raises a 400 problem."""
    try:
        seconds = float(request.args.get("wait", "0"))
    except ValueError:
        seconds = -1.0
    # Not less than 0, and not "not a number", of which no comparison holds.
    if not seconds >= 0:
        raise ProblemRaised(400, "malformed", "wait is a number of seconds, 0 or more")
    return seconds


def read_seen() -> str | None:
    """How far a query had come that the caller saw last: "" for nothing of it, None where that is left open.

    Raises a 400 problem.
    """
    seen = request.args.get("seen")
    if seen and not _PROGRESS.fullmatch(seen):
        raise ProblemRaised(400, "malformed", "seen is the progress of a query, 16 hex figures, or empty")
    return seen


def whole_number(name: str) -> int:
    """Return a number that the caller gives, 0 where it gives none. Raises a 400 problem."""
    text = request.args.get(name, "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ProblemRaised(400, "malformed", f"{name} is a whole number, 0 or more")
    return int(text)


def read_numbers(name: str) -> tuple[int, ...]:
    """Return the delivery numbers that the caller gives, separated by commas. Raises a 400 problem."""
    words = request.args.get(name, "").split(",", MOST_AT_ONCE - 1)
    numbers = tuple(int(word) for word in words if _NUMBER.fullmatch(word))
    if words != [""] and (len(numbers) != len(words) or max(numbers) > LAST_DELIVERY):
        raise ProblemRaised(400, "malformed", f"{name} is up to {MOST_AT_ONCE} delivery numbers, separated by commas")
    return numbers
