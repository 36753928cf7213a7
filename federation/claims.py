"""What a home authority's node and a host's say to each other about children whose school is in the host's area.

A claim travels as a lookup does: signed, sealed, one page there and back as many as the host's every answer takes,
relayed by the hub under a random id. Only the envelope's type tells the two apart, and that is inside the seal. The
host matches a pupil number and a date of birth exactly, and tells the facts of the children it has on roll; of the
others it says nothing and keeps nothing.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec

from federation.lookups import LookupFailed, LookupId, LookupOutcome
from federation.register import CLOCK_SKEW
from federation.wire import Code, Document, Instant, Name

CLAIM_TYPE = "application/vnd.circe.claim-request+json"
CLAIM_ANSWER_TYPE = "application/vnd.circe.claim-answer+json"

MOST_CLAIMS = 80
"""How many children a page claims at most: the facts of them all, at their longest, fit in one page of the answer."""

Upn = Annotated[str, msgspec.Meta(pattern=r"^[A-HJ-NP-RT-Z][0-9]{11}[0-9A-HJ-NP-RT-Z]\Z")]
"""A unique pupil number, permanent or temporary."""

TermName = Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{4}-(autumn|spring|summer)\Z")]
"""An academic year and term: 202425-summer."""

Count = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Amount = Annotated[float, msgspec.Meta(ge=0, le=100_000)]
Urn = Annotated[int, msgspec.Meta(ge=1, le=9_999_999)]
YearTaught = Annotated[str, msgspec.Meta(pattern=r"^[A-Z0-9]{1,2}\Z")]
SnapshotName = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-z-]{0,64}\Z")]

SenProvision = Literal["none", "sen_support", "ehc_plan"]
SenNeed = Literal["SPLD", "MLD", "SLD", "PMLD", "SEMH", "SLCN", "HI", "VI", "MSI", "PD", "ASD", "OTH", "DS", "NSA"]
FsmStatus = Literal["eligible", "not_eligible"]


class ChildClaim(Document, frozen=True):
    """One child that the claiming authority says is in its care, between these dates."""

    upn: Upn
    date_of_birth: date
    care_start: date
    care_end: date | None


class ClaimRequest(Document, frozen=True):
    """One page to one node. To a node that is claimed nothing from, the page has no children, and looks the same."""

    lookup_id: LookupId
    sender: Name
    receiver: Name
    authority: Name
    term: TermName
    asked_at: Instant
    children: Annotated[tuple[ChildClaim, ...], msgspec.Meta(max_length=MOST_CLAIMS)]

    @property
    def academic_year(self) -> int:
        """The academic year of the term, 202425."""
        return int(self.term[:6])


class EducationFacts(Document, frozen=True):
    """What a host's rolls say of one child in one academic year; what they do not say is null.

    `year_group` is the national curriculum year the child is taught in, as the school returned it. Sessions are those
    of the terms in the host's snapshot; suspensions are counted in days.
    """

    upn: Upn
    date_of_birth: date
    school_urn: Urn | None
    year_group: YearTaught | None
    entry_date: date | None
    sen_provision: SenProvision | None
    sen_primary_need: SenNeed | None
    sen_unit_or_resourced: bool | None
    fsm_status: FsmStatus | None
    english_additional_language: bool | None
    school_changes_in_year: Count | None
    sessions_possible: Count | None
    sessions_missed_authorised: Amount | None
    sessions_missed_unauthorised: Amount | None
    suspensions: Count | None
    suspension_days: Amount | None
    permanently_excluded: bool | None


class ClaimAnswer(Document, frozen=True):
    """A host's signed answer: the facts of the children it has, out of its latest snapshot. A refusal has none."""

    lookup_id: LookupId
    sender: Name
    receiver: Name
    authority: Name
    term: TermName
    outcome: LookupOutcome
    code: Code
    snapshot: SnapshotName
    as_of: Instant
    children: Annotated[tuple[EducationFacts, ...], msgspec.Meta(max_length=MOST_CLAIMS)]


def check_answer(request: ClaimRequest, answer: ClaimAnswer) -> None:
    """Raise `LookupFailed` unless the answer is to this request, made since, and of no child but those claimed.

    Who signed it is checked where it is opened.
    """
    asked = (request.lookup_id, request.receiver, request.sender, request.term)
    if (answer.lookup_id, answer.sender, answer.receiver, answer.term) != asked:
        raise LookupFailed("answered something else than was asked")
    if abs(answer.as_of - request.asked_at) > 3 * CLOCK_SKEW:
        raise LookupFailed("answered at another time than it was asked")
    if answer.children and answer.outcome is not LookupOutcome.ANSWERED:
        raise LookupFailed("refused, and yet told of children")
    claimed = {(child.upn, child.date_of_birth) for child in request.children}
    told = [(child.upn, child.date_of_birth) for child in answer.children]
    if not claimed.issuperset(told):
        raise LookupFailed("told of a child that was not claimed")
    if len(set(told)) != len(told):
        raise LookupFailed("told of a child more than once")
