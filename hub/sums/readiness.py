"""How far the hub's preparations for secure sums have come: rosters of the week, and slots that wait to be used."""

import time
from dataclasses import dataclass
from datetime import datetime

from federation.problems import ProblemRaised
from federation.secure_sum.epochs import name_epoch
from federation.standing_rosters import ENGLAND
from hub.service import Hub
from hub.sums.rosters import current_rosters
from hub.sums.slots import SlotState

LOOK_AGAIN_SECONDS = 0.25


@dataclass(frozen=True)
class Readiness:
    """One roster: how many nodes it has, how many of them open a sum, and how many sums it is ready for."""

    name: str
    nodes: int
    threshold: int
    slots: int


def list_readiness(hub: Hub, now: datetime) -> tuple[Readiness, ...]:
    """Return this week's rosters, each with the slots that are ready."""
    return tuple(
        Readiness(formed.name, len(formed.roster.members), formed.roster.threshold, _count_ready(hub, formed.digest))
        for formed in current_rosters(hub, name_epoch(now))
    )


def wait_for_england(hub: Hub, seconds: float) -> None:
    """Return once a sum over England can be asked for. Raises a 409 problem when that takes longer; 0 does not wait."""
    deadline = time.monotonic() + seconds
    while seconds and not any(each.name == ENGLAND and each.slots for each in list_readiness(hub, hub.clock())):
        if time.monotonic() > deadline:
            text = f"no sum over England can be asked for yet, after {seconds:.0f} seconds: are enough nodes running?"
            raise ProblemRaised(409, "roster_not_ready", text)
        time.sleep(LOOK_AGAIN_SECONDS)


def _count_ready(hub: Hub, digest: str) -> int:
    row = hub.database.connection.execute(
        "SELECT count(*) AS found FROM sum_slots WHERE roster = ? AND state = ?", (digest, SlotState.READY)
    ).fetchone()
    return int(row["found"])
