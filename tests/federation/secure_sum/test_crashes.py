"""A node that crashes at any write of its store, before it or right after, does the same again and nothing else.

Record, then act: after any crash the node is asked again for the same, and what it sends in the end is one contribution
and one reveal, each in the same bytes however often it is sent.
"""

import pytest

from federation.secure_sum.facts import SumQuery
from federation.secure_sum.memory_store import MemoryStore
from federation.secure_sum.steps import AskReveals, AskSurvivors
from federation.secure_sum.vectors import signed_values
from tests.federation.cast import NOW
from tests.federation.secure_sum.troupe import Troupe, make_troupe

WRITES = ("claim_slot", "record_contribution", "claim_survivors", "claim_reveal")
VICTIM = "node-302"


class PowerCut(Exception):
    """The node is gone; its store is what it was at that moment."""


class FailingStore(MemoryStore):
    """A store that fails at one kind of write, once: before it is done, or when it is done and nobody was told."""

    def __init__(self, before: MemoryStore, write: str, *, done: bool) -> None:
        super().__init__()
        vars(self).update(vars(before.copy()))
        method = getattr(self, write)

        def fail(*arguments: object) -> object:
            vars(self)[write] = method
            if done:
                method(*arguments)
            raise PowerCut

        vars(self)[write] = fail


def play(troupe: Troupe, query: SumQuery, value: int) -> tuple[list[int], list[object]]:
    """One attempt from a hub's fresh memory: the opened sum, and what the victim sent."""
    collector, names = troupe.collector(query), troupe.names[:-1]
    sent: list[object] = []
    for name in names:
        trip = troupe.contribute(query, name, [value if name == VICTIM else 1])
        collector.take_contribution(name, trip.envelope, trip.masked.data, trip.consent, NOW)
        sent += [trip] if name == VICTIM else []
    collector.take_refusal(troupe.names[-1], "held")
    step = collector.next_step(NOW)
    assert isinstance(step, AskSurvivors)
    for name in names:
        signature = troupe.node(name).sign_survivors(step.statement, query, troupe.register, NOW)
        collector.take_signature(name, signature, NOW)
        sent += [signature] if name == VICTIM else []
    opening = collector.next_step(NOW)
    assert isinstance(opening, AskReveals)
    for name in names:
        envelope = troupe.node(name).reveal(opening.envelope, query, troupe.register, NOW)
        collector.take_reveal(name, envelope, NOW)
        sent += [envelope] if name == VICTIM else []
    return signed_values(collector.open()), sent


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", WRITES)
def test_a_crash_at_any_write_changes_nothing_that_is_sent(write: str, done: bool) -> None:
    """S2, S4, S6, S8. The value is drawn anew after the crash, as noise would be; one that was recorded stays."""
    troupe = make_troupe(6)
    troupe.deal(1)
    troupe.stores[VICTIM] = FailingStore(troupe.stores[VICTIM], write, done=done)
    query = troupe.query(cells=1)
    with pytest.raises(PowerCut):
        play(troupe, query, 10)
    opened, sent = play(troupe, query, 20)
    kept = write in {"claim_survivors", "claim_reveal"} or (write == "record_contribution" and done)
    assert opened == [4 + (10 if kept else 20)]
    again, the_same = play(troupe, query, 30)
    assert again == opened
    assert the_same == sent


def test_every_write_of_a_sum_is_tried() -> None:
    """Every claim and record of the contract that a sum makes is among those that fail here."""
    made = {name for name in vars(MemoryStore) if name.startswith(("claim_", "record_"))}
    assert made == {*WRITES, "claim_abort"}
