"""Standing rosters: England and its nine regions, which sums over nodes are dealt for ahead and templates name."""

from collections.abc import Mapping
from functools import cache

from federation.register import Member
from query_engine.geography import REGIONS, load_every_authority

ENGLAND = "england"
"""The widest standing roster: every node."""

STANDING_ROSTERS: tuple[str, ...] = (ENGLAND, *(region.lower().replace(" ", "-") for region in REGIONS))
"""Their names: england, north-east and so on."""


def region_of(member: Member) -> str:
    """Return the standing roster of the one region that a node's authorities lie in; empty where there is none.

    Those that it serves one after the other count, whenever that is: so every reader of the register says the same.
    """
    regions = {_regions().get(served.code, "") for served in member.authorities}
    return regions.pop().lower().replace(" ", "-") if len(regions) == 1 else ""


@cache
def _regions() -> Mapping[str, str]:
    return {authority.code: authority.region for authority in load_every_authority()}


def belongs_to(member: Member, roster: str) -> bool:
    """Whether a node may be in a standing roster: every authority that it serves lies in the region."""
    return roster == ENGLAND or region_of(member) == roster
