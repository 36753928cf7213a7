"""A ticket is good in one browser, for one purpose, for some minutes; what follows from it, nobody can work out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.web.session import start_session
from federation.web.tickets import TICKET_LIFETIME, TicketInvalid, check_ticket, derive_from_ticket, issue_ticket

NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)
SECRET, SESSION = b"s" * 32, start_session(NOW)
TICKET = issue_ticket(SESSION, SECRET, "enrol", NOW)


@pytest.mark.parametrize("later", [timedelta(0), TICKET_LIFETIME])
def test_a_ticket_is_good_for_its_own_purpose_for_some_minutes(later: timedelta) -> None:
    check_ticket(TICKET, SESSION, SECRET, "enrol", NOW + later)


@pytest.mark.parametrize(
    "wrong",
    [
        (TICKET, start_session(NOW), SECRET, "enrol", NOW),
        (TICKET, SESSION, b"t" * 32, "enrol", NOW),
        (TICKET, SESSION, SECRET, "sign in", NOW),
        (TICKET, SESSION, SECRET, "enrol", NOW + TICKET_LIFETIME + timedelta(seconds=1)),
        (TICKET, SESSION, SECRET, "enrol", NOW - timedelta(seconds=1)),
        (TICKET + b"\0", SESSION, SECRET, "enrol", NOW),
        (TICKET[:-1], SESSION, SECRET, "enrol", NOW),
    ],
    ids=["another browser", "another party", "another purpose", "too old", "of tomorrow", "longer", "shorter"],
)
def test_a_ticket_that_is_wrong_in_one_thing_is_refused(wrong: tuple[bytes, object, bytes, str, datetime]) -> None:
    with pytest.raises(TicketInvalid):
        check_ticket(*wrong)  # type: ignore[arg-type]


@given(st.binary(max_size=80))
@settings(max_examples=50, derandomize=True, deadline=None)
def test_any_bytes_are_refused_with_our_own_error(data: bytes) -> None:
    with pytest.raises(TicketInvalid):
        check_ticket(data, SESSION, SECRET, "enrol", NOW)


def test_every_changed_bit_is_noticed() -> None:
    for place in range(len(TICKET)):
        changed = bytearray(TICKET)
        changed[place] ^= 1
        with pytest.raises(TicketInvalid):
            check_ticket(bytes(changed), SESSION, SECRET, "enrol", NOW)


def test_no_two_tickets_and_no_two_secrets_of_one_are_the_same() -> None:
    assert issue_ticket(SESSION, SECRET, "enrol", NOW) != TICKET
    derived = {derive_from_ticket(TICKET, secret, purpose) for secret in (SECRET, b"t" * 32) for purpose in ("a", "b")}
    assert len(derived) == 4
