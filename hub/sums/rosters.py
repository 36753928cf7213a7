"""Rosters at the hub: England, its regions, and whatever else a question is asked of.

England is every node that has published a prekey and can be counted on; each region with enough operators has a roster
of its own. They are formed anew when those are others than before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from audit.connection import Connection
from federation.database import stamp
from federation.problems import ProblemRaised
from federation.register import Member, MemberKind
from federation.secure_sum.epochs import name_epoch
from federation.secure_sum.messages import SumRoster
from federation.secure_sum.rosters import STANDING_FLOORS, make_roster, roster_digest
from federation.standing_rosters import ENGLAND, STANDING_ROSTERS, belongs_to
from federation.wire import decode_document, encode_document
from hub.service import Hub
from hub.sums.left_out import complained_of
from hub.sums.prekeys import PATIENCE, offer_prekeys, publishers, silent

ASKED = "asked"
"""The name of a roster that was formed for one question."""


@dataclass(frozen=True)
class FormedRoster:
    """A roster as the hub keeps it."""

    digest: str
    name: str
    roster: SumRoster
    formed_at: str


def form_standing_rosters(hub: Hub, now: datetime) -> None:
    """Form England and its regions of the nodes that can be counted on, when those are others than before."""
    epoch = name_epoch(now)
    members = _counted_on(hub, epoch, now)
    last = [formed for formed in current_rosters(hub, epoch) if formed.name == ENGLAND]
    if members is None or (last and last[-1].roster.members == tuple(sorted(members))):
        return
    with hub.database.transaction() as connection:
        for name in STANDING_ROSTERS:
            chosen = [node for node in members.values() if belongs_to(node, name)]
            if len({node.operator for node in chosen}) >= STANDING_FLOORS.operators:
                keep_roster(connection, name, make_roster(epoch, [node.id for node in chosen]), now)
    offer_prekeys(hub, members, epoch)


def _counted_on(hub: Hub, epoch: str, now: datetime) -> Mapping[str, Member] | None:
    """Return the nodes to form rosters of; None while others may still publish, or there are too few."""
    active = {node.id: node for node in hub.register().active(MemberKind.NODE, now)}
    row = hub.database.connection.execute(
        "SELECT count(*) AS found, max(received_at) AS latest FROM sum_prekeys WHERE epoch = ?", (epoch,)
    ).fetchone()
    if row["found"] < len(active) and not (row["latest"] and row["latest"] <= stamp(now - PATIENCE)):
        return None
    left_out = silent(hub, epoch) | complained_of(hub, epoch)
    members = {node: active[node] for node in (publishers(hub, epoch) & active.keys()) - left_out}
    return members if len({node.operator for node in members.values()}) >= STANDING_FLOORS.operators else None


def keep_roster(connection: Connection, name: str, roster: SumRoster, now: datetime) -> str:
    """Keep a roster, and return its digest; one that is there stays, and counts as formed anew."""
    digest = roster_digest(roster)
    (turn,) = connection.execute("SELECT coalesce(max(turn), 0) + 1 FROM sum_rosters").fetchone()
    row = (digest, roster.epoch, name, turn, stamp(now), encode_document(roster))
    connection.execute(
        "INSERT INTO sum_rosters VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (roster) DO UPDATE SET turn = excluded.turn, formed_at = excluded.formed_at",
        row,
    )
    return digest


def current_rosters(hub: Hub, epoch: str) -> tuple[FormedRoster, ...]:
    """Return the newest roster of each standing name in an epoch, and those that questions asked for."""
    rows = hub.database.connection.execute("SELECT * FROM sum_rosters WHERE epoch = ? ORDER BY turn", (epoch,))
    newest: dict[str, FormedRoster] = {}
    for row in rows:
        roster = _read_roster(bytes(row["document"]))
        formed = FormedRoster(row["roster"], row["name"], roster, row["formed_at"])
        newest[formed.digest if formed.name == ASKED else formed.name] = formed
    return tuple(newest.values())


def standing_members(hub: Hub, name: str, now: datetime) -> tuple[str, ...]:
    """Return the nodes of a standing roster as it is now. Raises a 409 problem before it is formed."""
    for formed in current_rosters(hub, name_epoch(now)):
        if formed.name == name:
            return formed.roster.members
    text = f"the roster {name} has not been formed this week: at least {STANDING_FLOORS.operators} operators must be "
    raise ProblemRaised(409, "roster_not_ready", f"{text}on line, for a few minutes")


def find_roster(hub: Hub, digest: str) -> SumRoster:
    """Return a roster by its digest. Raises a 404 problem."""
    row = hub.database.connection.execute("SELECT document FROM sum_rosters WHERE roster = ?", (digest,)).fetchone()
    if row is None:
        raise ProblemRaised(404, "roster_unknown", "there is no such roster")
    return _read_roster(bytes(row["document"]))


@lru_cache(maxsize=64)
def _read_roster(data: bytes) -> SumRoster:
    """Read a roster; once, since it has hundreds of names and is looked for at every turn."""
    return decode_document(data, SumRoster)
