"""Two of our people, or one and a query, who ask about a year at the same moment: what they meet in is the gap itself.

Whoever counts stops in the middle, where a new figure is counted and not yet kept. What happens meanwhile happens
there, and only then is the count handed on.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path as FilePath

import pytest

from disclosure_control.presets.shipped import load_preset
from federation.manifest import Outcome as ReplyOutcome
from federation.manifest import Path, Reply
from federation.plans import derive_plan
from federation.preset_terms import state_preset
from node import answering
from node.answering import answer_manifest
from node.earlier_rows import Question, hold_rows
from node.figures import showing
from node.figures.counting import count_children
from node.figures.showing import Shown
from node.refusal import Refused
from node.service import Node
from node.sums.allowances import take_path
from tests.node.figures.conftest import AUTHORITY, Ask
from tests.node.figures.test_figures_shown import COUNTED, EXACT
from tests.node.test_other_snapshots import publish_without
from tests.small_federation import SmallFederation, read_reply

PATIENCE = 30
"""Seconds after which somebody who waits for the other fails: nobody waits so long where the other comes."""

Meanwhile = Callable[[], object]


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def stop_at_the_count(monkeypatch: pytest.MonkeyPatch, meanwhile: Meanwhile) -> None:
    """Have something happen once, when the next figure is counted and not kept."""
    todo = [meanwhile]

    def count(*asked: object) -> object:
        found = count_children(*asked)  # type: ignore[arg-type]
        if todo:
            todo.pop()()
        return found

    monkeypatch.setattr(showing, "count_children", count)


def tell_at_the_lock(monkeypatch: pytest.MonkeyPatch, module: object, arrived: threading.Event) -> None:
    """Have a module tell when somebody comes to the lock over rows that leave, before they hold it."""

    @contextmanager
    def hold(snapshots: FilePath) -> Iterator[None]:
        arrived.set()
        with hold_rows(snapshots):
            yield

    held: Callable[[FilePath], AbstractContextManager[None]] = hold
    monkeypatch.setattr(module, "hold_rows", held)


def accept_both(federation: SmallFederation) -> None:
    for old, new in EXACT.items():
        federation.change_rule(AUTHORITY, old, new)


def send(federation: SmallFederation, sql: str, preset: str) -> Reply:
    """A query that reaches the node by itself, as from another of its processes."""
    manifest = federation.manifest(sql, **state_preset(load_preset(preset)))
    data = answer_manifest(federation.node(AUTHORITY), federation.sign(manifest))
    assert data is not None
    return read_reply(data)


@pytest.mark.parametrize("differs", ["preset", "snapshot"])
def test_a_query_that_is_let_in_while_a_figure_is_counted_is_what_the_figure_follows(
    differs: str,
    federation: SmallFederation,
    node: Node,
    ask: Ask,
    workers: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accept_both(federation)
    reserved, answers = threading.Event(), list[Future[Reply]]()
    tell_at_the_lock(monkeypatch, answering, reserved)
    preset = "ukllc" if differs == "preset" else "opensafely"

    def let_in() -> None:
        if differs == "snapshot":
            publish_without(node, 30)
        answers.append(workers.submit(send, federation, f"{COUNTED} AND age > 9", preset))
        assert reserved.wait(PATIENCE)

    stop_at_the_count(monkeypatch, let_in)
    with pytest.raises(Refused, match="ask again"):
        ask("director")
    reply = answers[0].result(PATIENCE)
    assert reply.outcome is ReplyOutcome.ANSWERED
    shown = ask("director")
    assert (shown.preset.name, shown.snapshot) == (preset, reply.snapshot)
    question = Question(derive_plan(COUNTED, Path.PER_AUTHORITY), "202425", shown.snapshot, shown.preset)
    beside = node.earlier.find_neighbours(node.database.connection, question, b"")
    assert {each.name for each in beside.earlier} >= {reply.query_id}
    assert len(beside.earlier) == 2


@pytest.mark.parametrize("differs", ["preset", "snapshot"])
def test_of_two_pages_at_once_none_is_shown_by_what_the_other_is_not(
    differs: str,
    federation: SmallFederation,
    node: Node,
    ask: Ask,
    workers: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accept_both(federation)
    second = list[Future[Shown]]()

    def another_comes() -> None:
        arrived = threading.Event()
        tell_at_the_lock(monkeypatch, showing, arrived)
        if differs == "preset":
            federation.change_rule(AUTHORITY, 'shown = true\npreset = "opensafely"', 'shown = true\npreset = "ukllc"')
        else:
            publish_without(node, 30)
        second.append(workers.submit(partial(ask, "vsh", by="sex")))
        assert arrived.wait(PATIENCE)

    stop_at_the_count(monkeypatch, another_comes)
    with pytest.raises(Refused, match="ask again"):
        ask("director")
    other, again = second[0].result(PATIENCE), ask("director")
    assert (again.preset, again.snapshot) == (other.preset, other.snapshot)


def test_an_exact_sum_that_is_let_in_while_a_figure_is_counted_bars_it(
    node: Node, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:

    def let_in() -> None:
        with node.database.transaction() as connection:
            take_path(connection, COUNTED, Path.EXACT_SUM, "digest")

    stop_at_the_count(monkeypatch, let_in)
    with pytest.raises(Refused, match="exact_sum before"):
        ask("director")
    kept = node.database.connection.execute("SELECT count(*) FROM figures_shown").fetchone()
    assert tuple(kept) == (0,)
