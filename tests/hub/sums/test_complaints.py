"""Complaints at the hub: of a slot of one's own roster, of another of its members, in one's own name, for its week."""

import msgspec
import pytest

from audit.event import Action
from federation.problems import ProblemRaised
from federation.secure_sum.epochs import name_epoch
from federation.secure_sum.messages import COMPLAINT_TYPE, Complaint
from federation.secure_sum.signing import sign_document
from federation.standing_rosters import ENGLAND
from hub.sums.complaints import accept_complaint
from hub.sums.left_out import complained_of
from hub.sums.rosters import FormedRoster, current_rosters
from hub.sums.slots import SlotState
from tests.hub.replies import count_of
from tests.hub.sums.played_sums import PlayedSums
from tests.hub.sums.test_sums_at_the_hub import slots_in

LIAR, VICTIM = "node-886", "node-301"


def england(sums: PlayedSums) -> FormedRoster:
    hub = sums.federation.hub
    (found,) = (each for each in current_rosters(hub, name_epoch(hub.clock())) if each.name == ENGLAND)
    return found


def complain(sums: PlayedSums, formed: FormedRoster, signer: str = LIAR, **changes: object) -> None:
    """Have the liar complain of the first slot."""
    complaint = Complaint(
        node=LIAR, dealer=VICTIM, epoch=formed.roster.epoch, roster_digest=formed.digest, slot=1, code="parcel_mismatch"
    )
    envelope = sign_document(
        msgspec.structs.replace(complaint, **changes), COMPLAINT_TYPE, sums.federation.parties[signer].keys
    )
    accept_complaint(sums.federation.hub, sums.federation.member(LIAR), envelope)


def test_a_node_that_was_left_out_spoils_nothing_any_more(sums: PlayedSums) -> None:
    """It dealt what nobody could open, six complained of it, and the others go on: it can say what it likes."""
    sums.nodes[LIAR].lies = True
    sums.settle()
    formed, ready = england(sums), slots_in(sums, SlotState.READY)
    assert LIAR not in formed.roster.members
    assert ready
    logged = count_of(sums.federation, Action.SUM_REJECTED)
    for slot in range(1, 10):
        with pytest.raises(ProblemRaised) as refused:
            complain(sums, formed, slot=slot)
        assert refused.value.problem.code == "not_in_roster"
    assert slots_in(sums, SlotState.READY) == ready
    assert count_of(sums.federation, Action.SUM_REJECTED) == logged


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signer": VICTIM}, "signature_invalid"),
        ({"node": VICTIM, "dealer": "node-302"}, "impersonation"),
        ({"dealer": LIAR}, "impersonation"),
        ({"dealer": "node-999"}, "not_in_roster"),
        ({"epoch": "2026-w52"}, "not_in_roster"),
        ({"roster_digest": "0" * 64}, "roster_unknown"),
    ],
    ids=["signed by another", "in another's name", "of oneself", "of a stranger", "of another week", "of no roster"],
)
def test_a_complaint_that_is_none(sums: PlayedSums, changes: dict[str, str], code: str) -> None:
    sums.settle()
    formed, ready = england(sums), slots_in(sums, SlotState.READY)
    with pytest.raises(ProblemRaised) as refused:
        complain(sums, formed, **changes)
    assert refused.value.problem.code == code
    assert slots_in(sums, SlotState.READY) == ready
    assert not complained_of(sums.federation.hub, "2026-w52") | complained_of(sums.federation.hub, formed.roster.epoch)


def test_a_complaint_again_is_logged_once(sums: PlayedSums) -> None:
    sums.settle()
    formed = england(sums)
    for slot in (1, 1, 2):
        complain(sums, formed, slot=slot)
    assert count_of(sums.federation, Action.SUM_REJECTED) == 1
    assert slots_in(sums, SlotState.SPOILED) == 2
