"""Who is in a release, who is not, and why."""

from collections.abc import Mapping
from dataclasses import dataclass

from disclosure_control.models.release import ReleasedModel
from disclosure_control.release.absences import REASONS, explain_absence
from disclosure_control.release.released import ReleasedTable
from federation.exchange import NodeProgress, ReleaseDocument
from federation.releases import LATE
from query_engine.geography import name_authority


@dataclass(frozen=True)
class Attendance:
    """What became of one authority of the roster."""

    authority: str
    name: str
    standing: str
    colour: str
    reason: str


@dataclass(frozen=True)
class Total:
    """What a reader must know of figures that add up over authorities; `agreed` nodes signed what opened them."""

    over: int
    asked: int
    missing: tuple[str, ...]
    agreed: int


def list_attendance(document: ReleaseDocument, released: ReleasedTable | ReleasedModel) -> list[Attendance]:
    """Return of each authority of the roster whether it is in the release, and if not, why."""
    inside = "In the total" if describe_total(document, released) else "Answered"
    return [
        Attendance(node.authority, name_authority(node.authority), inside, "green", "")
        if node.authority in released.answered
        else describe_absence(node, released.absent)
        for node in document.nodes
    ]


def describe_absence(node: NodeProgress, absent: Mapping[str, str]) -> Attendance:
    """Return why an authority's figures are not in the release."""
    code, name = absent.get(node.authority, LATE), name_authority(node.authority)
    if code == LATE and node.outcome == "held":
        return Attendance(node.authority, name, "Held", "grey", "Its officer had not decided in time")
    if code == LATE:
        return Attendance(node.authority, name, "Late", "grey", REASONS[LATE].capitalize())
    reason = node.text or explain_absence(code)
    return Attendance(node.authority, name, "Refused", "red", reason[0].upper() + reason[1:])


def describe_total(document: ReleaseDocument, released: ReleasedTable | ReleasedModel) -> Total | None:
    """Return over whom figures add up; None for a table with rows of each authority."""
    if isinstance(released, ReleasedTable) and not released.is_total:
        return None
    asked = len(released.answered) + len(released.absent)
    missing = tuple(name_authority(code) for code in released.absent)
    agreed = len(document.opening.signers) if document.opening is not None else 0
    return Total(len(released.answered), asked, missing, agreed)
