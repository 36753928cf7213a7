"""One member's line to the hub: every request signed, sent again where that helps, and bounded in size and time.

A hub that is busy says when to come back, and is asked again no sooner, and not by everybody at the same moment. What
is asked at which door is `federation.transport`'s.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from secrets import SystemRandom

import msgspec

from federation.clocks import ClockWatch
from federation.http_signatures import sign_request
from federation.keys import CurrentKeys
from federation.lines import NO_ANSWER, Answer, AnswerTooLarge, Bounds, Lines
from federation.problems import PROBLEM_TYPE, Problem
from federation.software import write_products
from federation.terminal import plain_text
from federation.tls import check_protected, client_context, explain_failure
from federation.wire import MAX_BATCH_BYTES, D, WireError, decode_document

Clock = Callable[[], datetime]

LONG_POLL_SECONDS = 25
"""How long the hub holds a poll open when nothing is waiting."""

LONGEST_EXCHANGE_SECONDS = 120.0
"""How long a request and its answer may take together, however little is missing."""

LONGEST_PROBLEM_BYTES = 16 * 1024

MOST_TRIES = 4
"""How often a request is made to a hub that says it is busy, before whoever made it hears of it."""

LONGEST_RETRY_SECONDS = 60.0
"""The longest that we stay away at a hub's word: it could as well say a year."""

LONGEST_SILENCE_SECONDS = LONG_POLL_SECONDS + 15.0
"""How long a hub may say nothing before it counts as away."""

CLOCKS_APART = "clocks_apart"
"""The code of a refusal for a request that was made too long ago, or in the future, by the hub's clock."""

NO_REASON = "unknown"
"""The code of a refusal that came without a readable problem document: perhaps not from the hub at all."""


class HubUnreachable(Exception):
    """The hub did not answer; the request may be sent again."""


class HubRefused(Exception):
    """The hub answered with a problem; `retry_after` are the seconds after which it wants to be asked again, or 0."""

    def __init__(self, problem: Problem, retry_after: float = 0.0, note: str = "") -> None:
        text = plain_text(problem.detail, limit=500).replace("\n", " ")
        super().__init__(f"{text} ({note})" if note else text)
        self.problem, self.retry_after = problem, retry_after


def current_time() -> datetime:
    """The clock of the edge; everything behind it takes the moment as an argument."""
    return datetime.now(UTC)


class HubLine:
    """A member's signed requests to its hub, and the answers."""

    def __init__(
        self,
        url: str,
        keys: CurrentKeys,
        *,
        ca: str = "",
        clock: Clock = current_time,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        check_protected(url)
        self.clocks = ClockWatch()
        self.products = write_products()
        """What requests say of the software that makes them."""
        self._url, self._keys, self._clock, self._pause = url, keys, clock, pause
        self._lines = Lines(url, client_context(ca) if url.startswith("https:") else None)

    def close(self) -> None:
        """Close the connection."""
        self._lines.close()

    def _read(self, method: str, path: str, kind: type[D], body: bytes = b"") -> D:
        return self._decode(self._send(method, path, body), kind)

    @staticmethod
    def _decode(data: bytes, kind: type[D]) -> D:
        try:
            return decode_document(data, kind, limit=MAX_BATCH_BYTES)
        except WireError as error:
            text = f"the hub answered with something else than was asked for: {error}"
            raise HubUnreachable(text) from None

    def _send(self, method: str, path: str, body: bytes = b"") -> bytes:
        for _ in range(MOST_TRIES - 1):
            try:
                return self._send_once(method, path, body)
            except HubRefused as refused:
                if refused.problem.status != 503 or not refused.retry_after:
                    raise
                # Everybody who was turned away comes back at a moment of their own.
                self._pause(spread(refused.retry_after))
        return self._send_once(method, path, body)

    def _send_once(self, method: str, path: str, body: bytes) -> bytes:
        bounds = Bounds(LONGEST_EXCHANGE_SECONDS, LONGEST_SILENCE_SECONDS, MAX_BATCH_BYTES)
        signed = sign_request(method, self._url + path, body, self._keys.current(), self._clock())
        try:
            answer = self._lines.send(method, path, body, {**signed, "User-Agent": self.products}, bounds)
        except AnswerTooLarge as error:
            raise HubUnreachable(f"the hub at {self._url} answers with {error}") from None
        except NO_ANSWER as error:
            raise HubUnreachable(f"the hub at {self._url} does not answer ({explain_failure(error)})") from None
        self.clocks.observe(answer.headers.get("date", ""), self._clock())
        # A redirection is no success either: what was sent has not arrived where it was sent.
        if not 200 <= answer.status < 300:
            raise self._read_refusal(answer)
        return answer.body

    def _read_refusal(self, answer: Answer) -> HubRefused:
        problem = _read_problem(answer)
        note = self.clocks.describe() if problem.code == CLOCKS_APART else ""
        return HubRefused(problem, _read_retry_after(answer), note)


def spread(seconds: float) -> float:
    """Return a pause of at least so many seconds and less than twice as many, another each time."""
    return seconds * SystemRandom().uniform(1.0, 2.0)


def _read_retry_after(answer: Answer) -> float:
    """Return the seconds of a `Retry-After`, which our hub gives as a number; 0 where there is none."""
    text = answer.headers.get("retry-after", "")
    return min(float(text), LONGEST_RETRY_SECONDS) if text.isascii() and text.isdecimal() else 0.0


def _read_problem(answer: Answer) -> Problem:
    unknown = Problem(status=answer.status, title="Refused", detail="the hub gave no reason", code=NO_REASON)
    if answer.headers.get("content-type", "") != PROBLEM_TYPE:
        return unknown
    try:
        problem = decode_document(answer.body, Problem, limit=LONGEST_PROBLEM_BYTES)
    except WireError:
        return unknown
    # What becomes of the request goes by the status of the answer, whatever its document says.
    return msgspec.structs.replace(problem, status=answer.status)
