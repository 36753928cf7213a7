"""Failures are counted by caller and forgotten after a while; who a caller is, no caller says."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask, request

from federation.web.listening import Listening
from federation.web.rate_limit import MOST_KNOWN, RateLimit, TooMany

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
WHILE = timedelta(minutes=15)


def test_each_caller_has_failures_of_their_own_for_a_while() -> None:
    limit = RateLimit(3, WHILE)
    for seconds in range(3):
        limit.check("192.0.2.1", NOW)
        limit.count("192.0.2.1", NOW + timedelta(seconds=seconds))
    limit.check("192.0.2.2", NOW)
    with pytest.raises(TooMany):
        limit.check("192.0.2.1", NOW + WHILE - timedelta(seconds=1))
    limit.check("192.0.2.1", NOW + WHILE)


def test_a_flood_of_callers_fills_no_memory() -> None:
    limit = RateLimit(1, WHILE)
    for number in range(MOST_KNOWN + 10):
        limit.count(str(number), NOW)
    limit.check("0", NOW)
    with pytest.raises(TooMany):
        limit.check(str(MOST_KNOWN + 9), NOW)


@pytest.mark.parametrize(("behind_proxy", "seen"), [(True, "198.51.100.7"), (False, "127.0.0.1")])
def test_an_address_is_taken_from_the_proxy_in_front_and_from_nobody_else(behind_proxy: bool, seen: str) -> None:
    """A proxy adds the address that called it at the end; what stands before it, the caller may have written."""
    app = Flask("addresses", static_folder=None)
    app.add_url_rule("/", view_func=lambda: request.remote_addr or "")
    served = Listening("127.0.0.1:8401", behind_proxy=behind_proxy).secure(app)
    told = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Host": "evil.example"}
    assert served.test_client().get("/", headers=told).text == seen
