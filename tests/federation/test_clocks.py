"""Two clocks compared: a difference is measured, and told once."""

from datetime import timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.clocks import SETTLED, WORTH_TELLING, ClockWatch
from federation.http_signatures import MAX_AGE
from tests.federation.cast import NOW

SECOND = timedelta(seconds=1)


def watch(ahead: timedelta) -> ClockWatch:
    """A watch that has seen one answer, by a hub whose clock our own is ahead of."""
    found = ClockWatch()
    found.observe(format_datetime(NOW - ahead, usegmt=True), NOW + SECOND / 2)
    return found


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(), "agrees with the hub's"),
        (timedelta(minutes=2), "120 s ahead of the hub's"),
        (timedelta(minutes=-7), "420 s behind the hub's"),
    ],
)
def test_a_difference_is_described(ahead: timedelta, words: str) -> None:
    found = watch(ahead)
    assert found.ahead == ahead
    assert words in found.describe()


@pytest.mark.parametrize("ahead", [WORTH_TELLING + SECOND, -WORTH_TELLING - SECOND, timedelta(days=3)])
def test_a_difference_worth_telling_is_told_once(ahead: timedelta) -> None:
    found = watch(ahead)
    assert f"beyond {MAX_AGE.total_seconds():.0f} s the hub refuses" in found.news()
    assert found.news() == ""
    found.observe(format_datetime(NOW - 2 * ahead), NOW)
    assert found.news() == "", "it is no news that they are still apart"


def test_that_the_clocks_agree_again_is_told_once() -> None:
    """And not while they go to and fro about the limit."""
    found = watch(WORTH_TELLING + SECOND)
    assert found.news()
    for seconds in (SETTLED + 2 * SECOND, SETTLED - SECOND, timedelta()):
        found.observe(format_datetime(NOW - seconds), NOW + SECOND / 2)
        assert bool(found.news()) == (seconds == SETTLED - SECOND)


def test_clocks_that_are_near_enough_are_no_news() -> None:
    assert ClockWatch().news() == watch(timedelta()).news() == watch(WORTH_TELLING - SECOND).news() == ""


def test_before_the_hub_has_told_the_time_nothing_is_known() -> None:
    assert ClockWatch().ahead is None
    assert "not told the time" in ClockWatch().describe()


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.text(max_size=60) | st.from_regex(r"\w{3}, \d\d \w{3} \d{1,5} \d\d:\d\d:\d\d (GMT|[+-]\d{4})", fullmatch=True)
)
def test_any_text_at_all_is_a_date_or_says_nothing(date: str) -> None:
    """The hub, or whoever answers in its place, sends what it likes."""
    found = ClockWatch()
    found.observe(date, NOW)
    assert found.ahead is None or isinstance(found.ahead, timedelta)


@pytest.mark.parametrize(
    "date", ["Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359", "Mon, 01 Jan 1 00:00:00", "0" * 50]
)
def test_a_date_at_the_end_of_time_says_nothing(date: str) -> None:
    found = ClockWatch()
    found.observe(date, NOW)
    found.describe()
    found.news()
