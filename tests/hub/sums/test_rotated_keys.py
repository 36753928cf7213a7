"""A node rotates its key in the middle of a week: what is ready stays so, and what is being dealt is dealt anew."""

import pytest

from federation.ceremony import enrol_members
from federation.joining import request_rotation
from hub.settling import keep_up
from hub.sums.slots import SlotState
from tests.hub.replies import released
from tests.hub.sums.played_sums import PlayedSums
from tests.hub.sums.test_sums_at_the_hub import slots_in

NODE = "node-301"

DEALT = 3
"""Rounds of polls after which everybody has dealt, and nobody has looked at what they were dealt."""


def rotate(sums: PlayedSums) -> None:
    """Have a node rotate its keys, and the hub take up the register that says so."""
    federation = sums.federation
    party, register = federation.parties[NODE], federation.directory / "register.json"
    party.adopt_register(register.read_bytes(), federation.clock())
    request, before = request_rotation(party, None, federation.clock()), party.keys.public_signing_key
    enrol_members(federation.directory / "root", register, [request], 30, federation.clock())
    for each in (party, federation.hub.party):
        each.adopt_register(register.read_bytes(), federation.clock())
    assert federation.member(NODE).public_signing_key != before


def ask(sums: PlayedSums) -> list[str]:
    """Have a sum asked and answered; returns who is in it."""
    query_id = sums.ask(dropouts=1, colluders=1)
    sums.settle()
    return [envelope.signers[0] for envelope in released(sums.federation, query_id).replies]


def test_slots_that_are_ready_stay_ready_and_more_are_dealt(sums: PlayedSums) -> None:
    """Everybody is in each sum of the stock, and in those of slots dealt afterwards."""
    sums.settle()
    ready = slots_in(sums, SlotState.READY)
    rotate(sums)
    for _ in range(ready + 2):
        assert ask(sums) == sorted(sums.nodes)
    assert slots_in(sums, SlotState.SPOILED) == 0


@pytest.mark.parametrize("rounds", range(DEALT, DEALT + 4))
def test_whatever_is_being_dealt_everybody_is_in_the_next_sum(sums: PlayedSums, rounds: int) -> None:
    """P4. A slot that others looked at under another key is not taken for ready: it is given up, and another dealt."""
    for _ in range(rounds):
        keep_up(sums.federation.hub, sums.federation.clock())
        for node in sums.nodes.values():
            node.poll()
    assert slots_in(sums, SlotState.OFFERED) or rounds != DEALT
    rotate(sums)
    for _ in range(2):
        assert ask(sums) == sorted(sums.nodes)
    assert slots_in(sums, SlotState.SPOILED) or rounds != DEALT
