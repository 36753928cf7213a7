"""Enrolling parties as a federation does: invited by the root, asking with their own keys, granted in one sitting."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from federation.ceremony import enrol_members, invite_member
from federation.joining import request_enrolment
from federation.register import Entry, Register, Served
from federation.state import Party, Profile
from federation.wire import whole_seconds


def describe_entry(profile: Profile, now: datetime) -> Entry:
    """The entry of somebody who is invited for a year, as their own profile has them."""
    start = whole_seconds(now)
    return Entry(
        id=profile.member_id,
        kind=profile.kind,
        title=profile.title,
        organisation=profile.organisation,
        organisation_kind=profile.organisation_kind,
        operator=profile.operator,
        authorities=tuple(Served(code=code, valid_from=start, valid_to=None) for code in profile.authorities),
        valid_to=start + timedelta(days=365),
    )


def ask_as_invited(root: Path, party: Party, now: datetime) -> Path:
    """Invite a party, and have it write its request."""
    invitation = invite_member(root, describe_entry(party.profile, now), 14, now)
    return request_enrolment(party, invitation, (), now)


def enrol_parties(root: Path, register: Path, parties: Sequence[Party], days: int, now: datetime) -> Register:
    """Invite parties, have each ask, and sign the register that grants it."""
    return enrol_members(root, register, [ask_as_invited(root, party, now) for party in parties], days, now)
