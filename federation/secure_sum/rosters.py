"""Rosters: which nodes add up together, how many it takes to open a sum, and the floors below which no node goes.

The floors are each node's own: it can raise them by its rules, and no message lowers them. Counts of operators come
from the register, since a consortium that runs ten nodes is still one party.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from math import ceil

from federation.register import Member, MemberKind, Register, RegisterError
from federation.secure_sum.digests import digest_of
from federation.secure_sum.epochs import LONGEST_AHEAD, epoch_end, epoch_start
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.messages import LARGEST_ROSTER, SumRoster
from federation.wire import encode_document
from policies.words import call_role

LOWEST_OPERATORS = 5
LOWEST_SHARE = Fraction(2, 3)


@dataclass(frozen=True)
class Floors:
    """The least that a node agrees to: operators in a roster, and the threshold as a share of the roster."""

    operators: int = LOWEST_OPERATORS
    threshold_share: Fraction = LOWEST_SHARE

    def __post_init__(self) -> None:
        """Raise `ValueError` for a floor under the federation's own, or one that nothing can reach."""
        if self.operators < LOWEST_OPERATORS or not LOWEST_SHARE <= self.threshold_share <= 1:
            raise ValueError(f"floors are at least {LOWEST_OPERATORS} operators and a threshold of {LOWEST_SHARE}")

    def lowest_threshold(self, nodes: int) -> int:
        """Return the least threshold for so many nodes."""
        return ceil(nodes * self.threshold_share)


STANDING_FLOORS = Floors()


def make_roster(epoch: str, members: Iterable[str], floors: Floors = STANDING_FLOORS) -> SumRoster:
    """Return the roster of these nodes with the least threshold that the floors allow."""
    ordered = tuple(sorted(set(members)))
    return SumRoster(epoch=epoch, members=ordered, threshold=floors.lowest_threshold(len(ordered)))


def roster_digest(roster: SumRoster) -> str:
    """Return the digest under which everything else names a roster."""
    return digest_of(encode_document(roster))


def check_roster(roster: SumRoster, register: Register, floors: Floors, now: datetime) -> None:
    """Check a roster before anything is dealt or sent for it (S2). Raises `SumRefused`.

    1. members are in order, each once, and no more than a complete graph is built for;
    2. every one is an active node of the register: nobody is invented;
    3. they have enough different operators;
    4. the threshold is no lower than the floor and no higher than the roster;
    5. the epoch is now, or near.
    """
    if list(roster.members) != sorted(set(roster.members)):
        raise SumRefused("roster_malformed", "the roster must list each node once, in order")
    if len(roster.members) > LARGEST_ROSTER:
        raise SumRefused("roster_large", f"a sum has at most {LARGEST_ROSTER} nodes, not {len(roster.members)}")
    operators = {_find_node(node, register, now).operator for node in roster.members}
    if len(operators) < floors.operators:
        raise SumRefused(
            "roster_small", f"the roster has {len(operators)} operators, and at least {floors.operators} are needed"
        )
    lowest = floors.lowest_threshold(len(roster.members))
    if not lowest <= roster.threshold <= len(roster.members):
        raise SumRefused(
            "threshold_low", f"the threshold is {roster.threshold}; it must be {lowest} or more of the roster"
        )
    check_epoch(roster.epoch, now)


def check_epoch(epoch: str, now: datetime) -> None:
    """Raise `SumRefused` unless keys of that epoch may be in use now."""
    try:
        start, end = epoch_start(epoch), epoch_end(epoch)
    except ValueError:
        raise SumRefused("epoch_unknown", f"there is no week {epoch}") from None
    if not start - LONGEST_AHEAD <= now < end:
        raise SumRefused("epoch_over", f"the keys of {epoch} are not in use now")


def _find_node(node: str, register: Register, now: datetime) -> Member:
    try:
        member = register.find(node, now)
    except RegisterError as error:
        raise SumRefused("roster_unknown", str(error)) from None
    if member.kind is not MemberKind.NODE:
        raise SumRefused("roster_unknown", f"{node} is {call_role(member.kind)}, and only nodes add up")
    return member
