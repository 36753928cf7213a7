"""Enrolling parties in one sitting, where root and parties are on one machine: rehearsals, measurements and tests.

Each is invited by the root, asks with its own keys, and is granted, as everywhere.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from federation.ceremony import enrol_members, invite_member
from federation.joining import request_enrolment
from federation.register import Entry, Register, Served
from federation.state import Party, Profile
from federation.wire import whole_seconds

__all__ = ["ask_as_invited", "describe_entry", "enrol_parties"]

INVITED_DAYS, MEMBER_DAYS = 14, 365


def describe_entry(profile: Profile, now: datetime, days: int = MEMBER_DAYS) -> Entry:
    """Return the entry of somebody who is invited for so many days, as their own profile has them."""
    start = whole_seconds(now)
    return Entry(
        id=profile.member_id,
        kind=profile.kind,
        title=profile.title,
        organisation=profile.organisation,
        organisation_kind=profile.organisation_kind,
        operator=profile.operator,
        authorities=tuple(Served(code=code, valid_from=start, valid_to=None) for code in profile.authorities),
        valid_to=start + timedelta(days=days),
    )


def ask_as_invited(root: Path, party: Party, now: datetime, days: int = MEMBER_DAYS) -> Path:
    """Invite a party to be a member for so many days, and have it write its request; returns where that is."""
    invitation = invite_member(root, describe_entry(party.profile, now, days), INVITED_DAYS, now)
    return request_enrolment(party, invitation, (), now)


def enrol_parties(
    root: Path, register: Path, parties: Sequence[Party], days: int, now: datetime, member_days: int = MEMBER_DAYS
) -> Register:
    """Invite parties, have each ask, and sign the register that grants it, good for so many `days`."""
    asked = [ask_as_invited(root, party, now, member_days) for party in parties]
    return enrol_members(root, register, asked, days, now)
