"""A request counts once: in every thread, and after the hub was restarted."""

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from federation.http_signatures import MAX_AGE
from federation.problems import ProblemRaised
from hub.nonces import FORGET_EVERY, NONCES_FILE, FileNonces, Nonces
from tests.hub.played_federation import START

SECOND = timedelta(seconds=1)


@pytest.fixture
def nonces(tmp_path: Path) -> Iterator[Nonces]:
    with closing(FileNonces(tmp_path)) as opened:
        yield opened


def is_fresh(nonces: Nonces, nonce: str, now: datetime = START) -> bool:
    try:
        nonces.spend(nonce, now)
    except ProblemRaised:
        return False
    return True


def test_a_replay_is_refused_as_unsigned(nonces: Nonces) -> None:
    nonces.spend("a", START)
    with pytest.raises(ProblemRaised) as refused:
        nonces.spend("a", START)
    assert (refused.value.problem.status, refused.value.problem.code) == (401, "replayed")


def test_a_nonce_is_good_once(nonces: Nonces) -> None:
    assert [is_fresh(nonces, nonce) for nonce in ("a", "b", "a", "b", "")] == [True, True, False, False, True]


def test_a_restart_forgets_none(nonces: Nonces, tmp_path: Path) -> None:
    """Also one that ends without closing anything."""
    assert is_fresh(nonces, "a")
    with closing(FileNonces(tmp_path)) as reopened:
        assert not is_fresh(reopened, "a")


def test_it_is_remembered_for_as_long_as_its_signature_can_be_accepted(nonces: Nonces) -> None:
    """By a clock that is ahead, a request can come again ten minutes later; not after that."""
    is_fresh(nonces, "a")
    assert not is_fresh(nonces, "a", START + 2 * MAX_AGE)
    assert is_fresh(nonces, "a", START + 2 * MAX_AGE + FORGET_EVERY + SECOND)


def test_a_clock_that_is_put_back_keeps_none_for_ever(nonces: Nonces) -> None:
    """What has run out is forgotten within a minute, whatever the clock did."""
    is_fresh(nonces, "a", START + timedelta(days=400))
    is_fresh(nonces, "b", START)
    assert is_fresh(nonces, "b", START + 2 * MAX_AGE + FORGET_EVERY + SECOND)


def test_of_many_who_spend_one_at_once_one_succeeds(nonces: Nonces) -> None:
    start, fresh = threading.Barrier(8), list[bool]()

    def spend() -> None:
        start.wait(10)
        fresh.extend(is_fresh(nonces, f"n-{number}") for number in range(50))

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (fresh.count(True), fresh.count(False)) == (50, 350)


def test_nobody_else_reads_them(nonces: Nonces, tmp_path: Path) -> None:
    assert (tmp_path / NONCES_FILE).stat().st_mode & 0o077 == 0
