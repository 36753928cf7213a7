"""Standing rosters: England and its nine regions, which sums over nodes are dealt for ahead and templates name."""

from federation.register import Member
from query_engine.geography import REGIONS, load_authorities

ENGLAND = "england"
"""The widest standing roster: every node."""

STANDING_ROSTERS: tuple[str, ...] = (ENGLAND, *(region.lower().replace(" ", "-") for region in REGIONS))
"""Their names: england, north-east and so on."""


def region_of(member: Member) -> str:
    """Return the standing roster of the one region that a node's authorities lie in; empty where there is none."""
    known = load_authorities()
    regions = {known[code].region if code in known else "" for code in member.authorities}
    return regions.pop().lower().replace(" ", "-") if len(regions) == 1 else ""


def belongs_to(member: Member, roster: str) -> bool:
    """Whether a node may be in a standing roster: every authority that it serves lies in the region."""
    return roster == ENGLAND or region_of(member) == roster
