"""Standing rosters: England and its nine regions, which sums over nodes are dealt for ahead and templates name."""

from federation.register import Member
from query_engine.geography import REGIONS, load_authorities

ENGLAND = "england"
"""The widest standing roster: every node."""

STANDING_ROSTERS: tuple[str, ...] = (ENGLAND, *(region.lower().replace(" ", "-") for region in REGIONS))
"""Their names: england, north-east and so on."""


def belongs_to(member: Member, roster: str) -> bool:
    """Whether a node may be in a standing roster: every authority that it serves lies in the region."""
    if roster == ENGLAND:
        return True
    known = load_authorities()
    regions = {known[code].region if code in known else "" for code in member.authorities}
    return {region.lower().replace(" ", "-") for region in regions} == {roster}
