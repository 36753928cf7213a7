"""Which of our children no school roll tells of, and why: what a virtual school head is left to resolve each term.

A child in care in the academic year and of school age (Reception to Year 13) is complete when a roll that we collect
has the pupil number, or a host authority has told the facts. Everyone else is incomplete, for one reason.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from federation.claims import ChildClaim, Upn
from federation.register import Member, MemberKind
from federation.state import StateError
from node.claim_ledger import Reason, latest_term, read_made
from node.host_facts import read_told
from node.ingest.periods import Period
from node.lookups.reading_room import Listing
from node.service import Node
from node.snapshots import Snapshot
from node.vault import read_vault
from policies.names import FieldGroup

OLDEST_YEAR_GROUP = 13

LISTING = Listing(
    "incomplete",
    ("la_child_id", "year_group", "host_authority", "reason", "code"),
    (FieldGroup.IDENTITY, FieldGroup.EDUCATION),
)
"""What `circe node incomplete` shows, and what the access matrix is asked for it."""


@dataclass(frozen=True, repr=False)
class SoughtChild:
    """A child of ours whom no roll we collect has, and of whom no host has told. `token` is the row token."""

    token: str
    la_child_id: str
    upn: str | None
    born: date | None
    care_start: date
    care_end: date | None
    year_group: int | None
    host: str | None

    @property
    def claim(self) -> ChildClaim:
        """The child as a host is asked for them; only where neither number nor date of birth is missing."""
        assert self.upn is not None
        assert self.born is not None
        return ChildClaim(upn=self.upn, date_of_birth=self.born, care_start=self.care_start, care_end=self.care_end)


@dataclass(frozen=True, repr=False)
class IncompleteChild:
    """A child, the authority asked or to be asked, the reason, and the code of a refusal."""

    la_child_id: str
    year_group: int | None
    host: str | None
    reason: Reason
    code: str


SOUGHT = """
SELECT child, la_child_id, upn, dob, care_start, care_end, datesub('year', dob, make_date($first, 8, 31)) - 4 AS taught,
    host_authority
FROM children
WHERE academic_year = $year
    AND care_start <= make_date($first + 1, 3, 31)
    AND (care_end IS NULL OR care_end >= make_date($first, 4, 1))
    AND (dob IS NULL OR taught BETWEEN 0 AND $oldest)
    AND NOT EXISTS (FROM pupils WHERE pupils.academic_year = $year AND pupils.upn = children.upn)
ORDER BY la_child_id
"""


def find_snapshot(node: Node, term: Period) -> Snapshot:
    """The snapshot in use, where it covers the term's year. Raises `StateError`."""
    snapshot = node.store.current()
    if snapshot is None or term.academic_year not in snapshot.academic_years:
        raise StateError(f"{node.party.member_id} has loaded no data of {term.academic_year}: run circe node load")
    return snapshot


def find_sought(node: Node, term: Period) -> list[SoughtChild]:
    """Return every child in care in the term's year, of school age, of whom no roll tells. Raises `StateError`."""
    tables = find_snapshot(node, term).identified
    year = term.academic_year
    wanted = {"year": year, "first": year // 100, "oldest": OLDEST_YEAR_GROUP}
    rows = read_vault({name: tables[name] for name in ("children", "pupils")}, SOUGHT, wanted)
    told = read_told(node.party.directory, year)
    return [child for child in (SoughtChild(*row) for row in rows) if child.upn not in told]


def list_nodes(node: Node) -> Mapping[str, Member]:
    """The active node of every other authority that has one."""
    now = node.clock()
    served = {member.authority(now): member for member in node.register().active(MemberKind.NODE, now)}
    return {code: member for code, member in served.items() if code not in ("", node.authority)}


def find_obstacle(child: SoughtChild, host: str | None, own: str, nodes: Mapping[str, Member]) -> Reason | None:
    """Return why nobody can be asked after a child; None where the node of the host can be."""
    if child.upn is None or not _is_number(child.upn):
        return Reason.NO_UPN
    if child.born is None:
        return Reason.NO_DATE_OF_BIRTH
    if host is None:
        return Reason.HOST_UNKNOWN
    if host == own:
        return Reason.NOT_ON_OWN_ROLL
    return None if host in nodes else Reason.HOST_HAS_NO_NODE


def _is_number(upn: str) -> bool:
    import msgspec

    try:
        msgspec.convert(upn, Upn)
    except msgspec.ValidationError:
        return False
    return True


def list_incomplete(node: Node, term: Period) -> Iterator[IncompleteChild]:
    """Yield every child of the term's year who is incomplete, and why. Raises `StateError`.

    A node that has joined no federation yet has nobody to ask, and says so.
    """
    has_joined = node.party.has_joined
    made, nodes = read_made(node.database.connection, term), list_nodes(node) if has_joined else {}
    for child in find_sought(node, term):
        claim = made.get(child.token)
        host = claim.host if claim else child.host
        reason = claim.outcome if claim else None
        reason = reason or find_obstacle(child, host, node.authority, nodes) or Reason.NOT_CLAIMED
        if reason is Reason.HOST_HAS_NO_NODE and not has_joined:
            reason = Reason.NOT_JOINED
        yield IncompleteChild(child.la_child_id, child.year_group, host, reason, claim.code if claim else "")


def usual_term(node: Node) -> Period:
    """The term claimed last; before any claim, the summer of the latest year loaded. Raises `StateError`."""
    snapshot, claimed = node.store.current(), latest_term(node.database.connection)
    if claimed is not None:
        return claimed
    if snapshot is None:
        raise StateError(f"{node.party.member_id} has loaded no data yet: run circe node load")
    return Period(max(snapshot.academic_years), "summer")
