"""A node that is stopped between any two durable steps: it goes on where it was, and nothing is ever done otherwise.

The table of failures: each transaction of the node either fails, or succeeds and reports failure. Then the process is
gone, and started again from its disk; the hub, which heard nothing, delivers the same thing once more.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from audit.verifier import verify_log
from federation.database import SqliteDatabase
from federation.manifest import Path as LeavingPath
from tests.node.sums.played_hub import PlayedHub, PlayedSum, exact_figures
from tests.node.sums.standing import Standing
from tests.node.sums.test_whole_sums_at_nodes import NODE, SQL, actions, assert_sum_of_parts
from tests.small_federation import SmallFederation, copy_federation

FAILURES = ("fails", "succeeds and reports failure")
MOST_STEPS = 12


class Stopped(sqlite3.OperationalError):
    """The disk is gone, as far as anybody can tell."""


class Failing:
    """Makes one transaction of one node's database go wrong: the one of this number, in this way."""

    def __init__(self, path: Path, number: int, failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen, self.failed = 0, False
        whole = SqliteDatabase.transaction
        failing = self

        @contextmanager
        def transaction(database: SqliteDatabase) -> Iterator[sqlite3.Connection]:
            if database.path != path or failing.failed:
                with whole(database) as connection:
                    yield connection
                return
            failing.seen += 1
            failing.failed = failing.seen == number
            with whole(database) as connection:
                yield connection
                if failing.failed and failure == FAILURES[0]:
                    raise Stopped
            if failing.failed:
                raise Stopped

        monkeypatch.setattr(SqliteDatabase, "transaction", transaction)


def stubbornly(hub: PlayedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the hub start a node again that has stopped, and deliver once more."""
    deliver = PlayedHub.deliver

    def again(played: PlayedHub, name: str, *what: object) -> object:
        try:
            return deliver(played, name, *what)  # type: ignore[arg-type]
        except Stopped:
            played.reopen(name)
            return deliver(played, name, *what)  # type: ignore[arg-type]

    monkeypatch.setattr(PlayedHub, "deliver", again)


def assert_sound(hub: PlayedHub, played: PlayedSum) -> None:
    """The node did everything once, and its log is whole."""
    assert actions(hub) == ["sum.prepared", "sum.reserved", "sum.contributed", "sum.revealed"]
    assert len(hub.nodes[NODE].sums.find_uses(played.attempt.manifest_digest)) == 1
    node = hub.nodes[NODE]
    (debits,) = node.database.connection.execute("SELECT count(*) FROM privacy_losses").fetchone()
    assert debits == (played.manifest.path is LeavingPath.NOISY_SUM)
    verify_log(node.database.connection, node.party.member_id, node.party.keys.public_log_key)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("path", [LeavingPath.NOISY_SUM, LeavingPath.EXACT_SUM])
def test_a_sum_goes_on_whichever_write_goes_wrong(
    prepared_federation: SmallFederation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: LeavingPath,
    failure: str,
) -> None:
    """Every transaction of the sum in turn, until there is none that could fail any more."""
    for number in range(1, MOST_STEPS + 1):
        wide = copy_federation(prepared_federation, tmp_path / str(number))
        hub = PlayedHub(wide)
        hub.recall_dealings()
        standing = Standing(wide)
        exact = path is LeavingPath.EXACT_SUM
        signed = standing.sign(standing.run()) if exact else wide.sign(wide.manifest(SQL, path))
        with monkeypatch.context() as patched:
            failing = Failing(hub.nodes[NODE].database.path, number, failure, patched)
            stubbornly(hub, patched)
            played = hub.run(signed, template=standing.envelope if exact else None)
        assert played.opened is not None
        if exact:
            assert played.opened == exact_figures(hub, played, wide.roster)
        else:
            assert_sum_of_parts(hub, played, wide.roster)
        assert_sound(hub, played)
        if not failing.failed:
            break
    assert 3 <= number - 1 < MOST_STEPS - 1, "the sum is several transactions long, and all of them were tried"


@pytest.mark.parametrize("failure", FAILURES)
def test_preparing_goes_on_whichever_write_goes_wrong(
    prepared_federation: SmallFederation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """Prekeys, pairs, slots and parcels of the next week; what was made once is what everybody gets."""
    from datetime import timedelta

    for number in range(1, MOST_STEPS + 1):
        wide = copy_federation(prepared_federation, tmp_path / str(number))
        wide.clock.move(timedelta(days=7))
        hub = PlayedHub(wide)
        with monkeypatch.context() as patched:
            failing = Failing(hub.nodes[NODE].database.path, number, failure, patched)
            stubbornly(hub, patched)
            hub.prepare(1)
            played = hub.run(wide.sign(wide.manifest(SQL, LeavingPath.NOISY_SUM)))
        assert played.opened is not None
        assert actions(hub).count("sum.prepared") == 2
        if not failing.failed:
            break
    assert number > 6, "preparing is several transactions long"


@pytest.mark.parametrize("failure", FAILURES)
def test_an_abort_and_a_reveal_never_both_stand(
    prepared_federation: SmallFederation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """A node stopped while it aborts is asked to reveal, and the other way round: one of them stands, the first one."""
    from federation.secure_sum.facts import name_survivors
    from federation.sum_terms import make_noisy_terms
    from tests.node.sums.test_dishonest_hub_at_the_node import collect

    for first in ("abort", "reveal"):
        wide = copy_federation(prepared_federation, tmp_path / first)
        hub = PlayedHub(wide)
        hub.recall_dealings()
        terms = make_noisy_terms(6, "1", dropouts=2)
        played = hub.want(wide.sign(wide.manifest(SQL, LeavingPath.NOISY_SUM, sum=terms)))
        played.gather()
        opening = collect(played, name_survivors(played.attempt, played.facts, wide.roster[:5]))
        acts = [partial(played.ask_abort, NODE), partial(played.ask_reveal, NODE, opening)]
        one, other = acts if first == "abort" else acts[::-1]
        with monkeypatch.context() as patched:
            Failing(hub.nodes[NODE].database.path, 1, failure, patched)
            with pytest.raises(Stopped):
                one()
        hub.reopen(NODE)
        done = bool(other().handed_in)
        assert done is (failure == FAILURES[0])
        digest = played.attempt.manifest_digest
        aborted = hub.nodes[NODE].sums.is_aborted(digest, 1)
        assert aborted is not (hub.nodes[NODE].sums.find_reveal(digest) is not None)
