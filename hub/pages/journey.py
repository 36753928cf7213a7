"""The journey of a query as steps on a page: what is done, where it stands, and what lies ahead."""

from dataclasses import dataclass
from enum import StrEnum

from federation.endings import describe_ending
from federation.exchange import QueryState, QueryStatus
from federation.register import Member
from federation.told_days import tell_day
from hub.query_states import UNDER_WAY
from hub.sums.progress import SumProgress


class Standing(StrEnum):
    """Where one step stands, in a word that the page shows."""

    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Step:
    """One step of the journey."""

    title: str
    standing: Standing
    detail: str = ""


@dataclass(frozen=True)
class Signer:
    """One signature under a manifest; `organisation` is empty for a member that the register no longer knows."""

    member: str
    title: str
    organisation: str
    part: str


PLACES = {
    QueryState.DRAFTED: 1,
    QueryState.SUBMITTED: 2,
    QueryState.APPROVED: 3,
    QueryState.RUNNING: 3,
    QueryState.CHECKING: 4,
    QueryState.RELEASED: 5,
}
"""How many of the five steps are behind a query in each of these states."""

STOPPED = (QueryState.EXPIRED, QueryState.UNFINISHED, QueryState.REFUSED, QueryState.WITHDRAWN)


def list_steps(
    status: QueryStatus, hub: str, progress: SumProgress | None = None, *, is_run: bool = False
) -> tuple[Step, ...]:
    """Return the five steps of a query's journey, each with its standing.

    `hub` is who ends queries in nobody's name, `progress` is that of a sum, and a run of a template is approved with
    that.
    """
    behind = _count_behind(status)
    current = Standing.STOPPED if status.state in STOPPED else Standing.NOW
    steps = (
        ("Drafted", "Checked and written down as a manifest."),
        ("Signed by the asker", "On the asker's own machine."),
        ("Approved by two organisations", _describe_approvals(status, is_run=is_run)),
        ("Answered by the authorities", _describe_answers(status, progress)),
        ("Released", _describe_end(status, hub, is_sum=progress is not None)),
    )
    return tuple(
        Step(title, _standing(place, behind, current), detail) for place, (title, detail) in enumerate(steps, start=1)
    )


def _count_behind(status: QueryStatus) -> int:
    """Return how many steps are behind a query; one that has stopped did so at the step that never came about."""
    if status.state not in STOPPED:
        return PLACES[status.state]
    if status.state is QueryState.UNFINISHED or any(node.outcome != "awaited" for node in status.nodes):
        return 4 if any(node.outcome == "answered" for node in status.nodes) else 3
    return 2 if status.asker in status.signers else 1


def _standing(place: int, behind: int, current: Standing) -> Standing:
    if place <= behind:
        return Standing.DONE
    return current if place == behind + 1 else Standing.AHEAD


def _describe_approvals(status: QueryStatus, *, is_run: bool) -> str:
    if is_run:
        return "With the template that it is a run of."
    return f"{len(status.signers) - (status.asker in status.signers)} of at least 2 approvals."


def _describe_answers(status: QueryStatus, progress: SumProgress | None) -> str:
    if progress is not None and status.state in UNDER_WAY:
        return " ".join(progress.in_words)
    if status.state is QueryState.APPROVED:
        return "It is about to be sent to them."
    answered = sum(node.outcome not in ("awaited", "held") for node in status.nodes)
    held = sum(node.outcome == "held" for node in status.nodes)
    waits = f" {held} hold it for an officer of theirs to decide." if held else ""
    return f"{answered} of {len(status.nodes)} have answered.{waits}"


def _describe_end(status: QueryStatus, hub: str, *, is_sum: bool) -> str:
    if status.state is QueryState.RELEASED and status.ending is not None:
        return "It can be read, and has been withdrawn since: its figures are not to be used."
    if status.state is QueryState.RELEASED:
        return "The total can be read." if is_sum else "The table can be read."
    if status.ending is not None and status.state in STOPPED:
        return f"{status.state.capitalize()} {describe_ending(status.ending, hub)}"
    if status.state in STOPPED:
        return "Nothing is released."
    if status.state is QueryState.CHECKING:
        return "When an output checker has looked at it beside earlier releases."
    end = f"{tell_day(status.expires_at)} at {status.expires_at:%H:%M} UTC"
    if is_sum:
        return f"When enough nodes have opened the sum, before {end}, or not at all."
    return f"When all have answered, or on {end} with those that have."


def list_signers(status: QueryStatus, members: tuple[Member, ...]) -> tuple[Signer, ...]:
    """Return who has signed, in the order of the signatures."""
    known = {member.id: member for member in members}

    def describe(member_id: str) -> Signer:
        member = known.get(member_id)
        part = "Asker" if member_id == status.asker else "Approver"
        return Signer(member_id, member.title if member else "", member.organisation if member else "", part)

    return tuple(describe(member_id) for member_id in status.signers)
