"""Sessions: a cookie means what this party wrote into it, while it is in use, and nothing else."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.state import StateError
from federation.web.session import (
    LONGEST_IDLE,
    LONGEST_SESSION,
    SECRET_FILE,
    FormStale,
    Limits,
    Means,
    Session,
    SessionInvalid,
    check_form_token,
    form_token,
    load_secret,
    name_cookie,
    read_session,
    see_again,
    start_session,
    write_session,
)

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECRET, ANOTHER_SECRET = b"s" * 32, b"t" * 32


@pytest.mark.parametrize("member", ["", "ana", "ana.b_c@ucl-1"])
def test_a_session_is_read_as_it_was_written(member: str) -> None:
    session = start_session(NOW, member)
    assert read_session(write_session(session, SECRET), SECRET, NOW) == session


HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def used_until(began: datetime, seen: datetime) -> str:
    """The cookie of a session that was used now and then."""
    return write_session(see_again(start_session(began, "ana", Means.PASSKEY), seen), SECRET)


@pytest.mark.parametrize(
    ("lasted", "idled", "good"),
    [
        (0 * HOUR, 0 * HOUR, True),
        (LONGEST_SESSION - SECOND, 0 * HOUR, True),
        (LONGEST_SESSION, 0 * HOUR, False),
        (2 * HOUR, LONGEST_IDLE - SECOND, True),
        (2 * HOUR, LONGEST_IDLE, False),
        (timedelta(days=1), 0 * HOUR, False),
        (-SECOND, -SECOND, False),
        (HOUR, -SECOND, False),
        (0 * HOUR, SECOND, False),
    ],
)
def test_a_session_ends_after_a_working_day_and_after_an_idle_hour(
    lasted: timedelta, idled: timedelta, good: bool
) -> None:
    text = used_until(NOW - lasted, NOW - idled)
    if good:
        assert read_session(text, SECRET, NOW).member == "ana"
    else:
        with pytest.raises(SessionInvalid, match="over"):
            read_session(text, SECRET, NOW)


@pytest.mark.parametrize("limits", [Limits(longest=30 * MINUTE), Limits(idle=5 * MINUTE)])
def test_a_partys_own_limits_are_asked_by_the_means_of_signing_in(limits: Limits) -> None:
    def limits_of(means: Means) -> Limits:
        return limits if means is Means.CODE else Limits()

    by_code = write_session(start_session(NOW - 40 * MINUTE, "ana", Means.CODE), SECRET)
    by_passkey = write_session(start_session(NOW - 40 * MINUTE, "ana", Means.PASSKEY), SECRET)
    assert read_session(by_passkey, SECRET, NOW, limits_of).means is Means.PASSKEY
    with pytest.raises(SessionInvalid, match="over"):
        read_session(by_code, SECRET, NOW, limits_of)


def test_no_partys_limits_are_longer_than_the_longest() -> None:
    with pytest.raises(SessionInvalid, match="over"):
        read_session(used_until(NOW - 9 * HOUR, NOW), SECRET, NOW, lambda _: Limits(30 * LONGEST_SESSION, HOUR))


def test_every_altered_character_is_noticed() -> None:
    text = write_session(start_session(NOW, "ana"), SECRET)
    for place in range(len(text)):
        altered = text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]
        with pytest.raises(SessionInvalid):
            read_session(altered, SECRET, NOW)


def test_a_session_of_another_party_is_refused() -> None:
    with pytest.raises(SessionInvalid, match="not made here"):
        read_session(write_session(start_session(NOW, "ana"), ANOTHER_SECRET), SECRET, NOW)


@given(st.text(max_size=200))
@settings(max_examples=50, derandomize=True, deadline=None)
def test_any_text_is_refused_with_our_own_error(text: str) -> None:
    with pytest.raises(SessionInvalid):
        read_session(text, SECRET, NOW)


def test_signing_in_starts_a_session_with_another_key() -> None:
    """Whoever planted a session in a browser does not know the one that follows sign-in."""
    assert start_session(NOW).key != start_session(NOW, "ana").key


def test_a_form_belongs_to_one_session_of_one_party() -> None:
    session, other = start_session(NOW, "ana"), start_session(NOW, "ana")
    check_form_token(session, SECRET, form_token(session, SECRET))
    for token in ("", "é", form_token(other, SECRET), form_token(session, ANOTHER_SECRET)):
        with pytest.raises(FormStale):
            check_form_token(session, SECRET, token)


def test_a_form_token_does_not_pass_for_a_session() -> None:
    """The two signatures are made for two purposes, even over the same text."""
    session = Session("0" * 32, NOW, NOW)
    assert form_token(session, SECRET) not in write_session(session, SECRET)


def test_the_secret_is_made_once_and_is_the_partys_alone(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert len(secret) == 32
    assert load_secret(tmp_path) == secret
    assert (tmp_path / SECRET_FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["open", "short"])
def test_a_secret_that_others_can_read_or_that_is_damaged_is_not_used(tmp_path: Path, damage: str) -> None:
    load_secret(tmp_path)
    file = tmp_path / SECRET_FILE
    if damage == "open":
        file.chmod(0o644)
    else:
        file.write_bytes(b"short")
    with pytest.raises(StateError, match="delete it"):
        load_secret(tmp_path)


def test_namesakes_on_one_machine_have_a_cookie_each() -> None:
    """A browser shares cookies between ports: a copy of a node and another federation's hub have each their own."""
    names = {name_cookie(member, secret) for member in ("hub", "node-301") for secret in (SECRET, ANOTHER_SECRET)}
    assert len(names) == 4
    assert name_cookie("hub", SECRET) in names
    assert all(re.fullmatch(r"circe-(hub|node-301)-[0-9a-f]{8}", name) for name in names)
    assert SECRET.hex()[:8] not in name_cookie("hub", SECRET)
