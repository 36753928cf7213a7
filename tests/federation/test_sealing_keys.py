"""Sealing keys for a week: a sender chooses the newest that is good now, and a receiver destroys what has ended."""

import os
import stat
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from federation.envelope import Envelope, decode_base64, seal_envelope
from federation.key_ring import SEALING_DIRECTORY, HeldSealingKey, destroy_file, hold_fresh_key
from federation.keys import KEY_FILE, KeyFileError, load_keys
from federation.register import CLOCK_SKEW, public_text
from federation.sealing import Direction, SealContext, SealError, open_records, seal_records
from federation.sealing_keys import (
    IN_FLIGHT,
    RENEWED_BEFORE,
    SEALING_KEY_TYPE,
    WEEK,
    SealingKey,
    choose_sealing_key,
    read_sealing_key,
    renew_sealing_key,
    sign_sealing_key,
)
from federation.state import Party
from federation.wire import encode_document
from tests.federation.cast import NOW, make_keys, make_member, replace_member, write_register

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
NODE = make_member("node-301")
LOW_ORDER = make_keys("node-301").public_sealing_key[:1184] + bytes(32)
CONTEXT = SealContext("L-" + "0" * 32, "node-203", "node-301", Direction.REQUEST)


def hold(start: datetime = NOW, end: datetime | None = None) -> HeldSealingKey:
    """A sealing key of node 301 that is another for each moment."""
    seed = (make_keys(f"{start}").sealing_seed + bytes(96))[:96]
    return hold_fresh_key(seed, start, end or start + WEEK)


def publish(start: datetime = NOW, end: datetime | None = None, signer: str = "node-301") -> Envelope:
    return sign_sealing_key("node-301", hold(start, end), make_keys(signer))


# --- Choosing --------------------------------------------------------------------------------------------------------


def test_a_published_key_comes_back_as_it_was() -> None:
    key = read_sealing_key(publish(), NODE, NOW)
    assert key == SealingKey(
        member="node-301", public_key=public_text(hold().public_key), valid_from=NOW, valid_to=NOW + WEEK
    )


def test_the_newest_key_that_is_good_now_is_sealed_to() -> None:
    keys = [publish(NOW - 2 * DAY), publish(NOW - DAY), publish(NOW - 3 * DAY)]
    assert choose_sealing_key(NODE, keys, NOW) == hold(NOW - DAY).public_key


def test_a_key_that_has_ended_gives_way_to_an_older_one_that_has_not() -> None:
    keys = [publish(NOW - DAY, NOW), publish(NOW - 2 * DAY)]
    assert choose_sealing_key(NODE, keys, NOW) == hold(NOW - 2 * DAY).public_key


def test_the_registers_key_is_the_first_and_good_for_a_week() -> None:
    """After that it is no fallback: a hub that held later keys back could have everything sealed to it for ever."""
    for age, is_good in ((0 * DAY, True), (WEEK - SECOND, True), (WEEK, False), (300 * DAY, False)):
        member = make_member("node-301", valid_from=NOW - age)
        if is_good:
            assert choose_sealing_key(member, [], NOW) == member.public_sealing_key
        else:
            with pytest.raises(SealError, match="node-301 has published no sealing key that is good now"):
                choose_sealing_key(member, [], NOW)


def test_a_published_key_counts_before_the_registers_if_it_is_newer() -> None:
    member = make_member("node-301", valid_from=NOW - DAY)
    assert choose_sealing_key(member, [publish(NOW)], NOW) == hold(NOW).public_key
    assert choose_sealing_key(member, [publish(NOW - 2 * DAY)], NOW) == member.public_sealing_key


def test_a_hub_that_holds_keys_back_cannot_make_an_old_one_last() -> None:
    """It may show the last key it was given for as long as that is good, and then nothing is sealed."""
    shown = [publish(NOW - WEEK + SECOND)]
    assert choose_sealing_key(NODE, shown, NOW) == hold(NOW - WEEK + SECOND).public_key
    with pytest.raises(SealError, match="no sealing key that is good now"):
        choose_sealing_key(NODE, shown, NOW + SECOND)


def reseal(**changes: object) -> Envelope:
    fields: dict[str, object] = {
        "member": "node-301",
        "public_key": public_text(hold().public_key),
        "valid_from": NOW,
        "valid_to": NOW + WEEK,
    }
    key = SealingKey(**{**fields, **changes})  # type: ignore[arg-type]
    return seal_envelope(encode_document(key), SEALING_KEY_TYPE, make_keys("node-301"))


WRONG: dict[str, tuple[Callable[[], Envelope], str]] = {
    "signed by another node": (lambda: publish(signer="node-203"), "expected one signature by node-301"),
    "signed by nobody": (
        lambda: seal_envelope(encode_document(read_sealing_key(publish(), NODE, NOW)), SEALING_KEY_TYPE),
        "expected one signature by node-301",
    ),
    "signed by two": (
        lambda: seal_envelope(publish().body, SEALING_KEY_TYPE, make_keys("node-301"), make_keys("node-203")),
        "or signed by others as well",
    ),
    "another member's": (lambda: reseal(member="node-203"), "another's"),
    "another type": (
        lambda: seal_envelope(publish().body, "application/vnd.circe.enrolment+json", make_keys("node-301")),
        "another type",
    ),
    "no key": (lambda: seal_envelope(b"{}", SEALING_KEY_TYPE, make_keys("node-301")), "SealingKey"),
    "for longer than a week": (lambda: reseal(valid_to=NOW + WEEK + SECOND), "for longer than a week"),
    "for no time": (lambda: reseal(valid_to=NOW), "for no time"),
    "backwards": (lambda: reseal(valid_to=NOW - DAY), "for no time"),
    "ended": (lambda: reseal(valid_from=NOW - WEEK, valid_to=NOW), "not good now"),
    "from the future": (
        lambda: reseal(valid_from=NOW + CLOCK_SKEW + SECOND, valid_to=NOW + DAY),
        "not good now",
    ),
    "of low order": (lambda: reseal(public_key=public_text(LOW_ORDER)), "malformed"),
    "too short": (lambda: reseal(public_key=public_text(bytes(1215))), "malformed"),
    "in no base64": (lambda: reseal(public_key="?"), "not valid base64"),
}


@pytest.mark.parametrize(("make", "reason"), WRONG.values(), ids=WRONG)
def test_a_key_that_is_wrong_in_one_way_is_sealed_to_by_nobody(make: Callable[[], Envelope], reason: str) -> None:
    with pytest.raises(SealError, match=reason):
        read_sealing_key(make(), NODE, NOW)
    with pytest.raises(SealError, match="no sealing key that is good now"):
        choose_sealing_key(make_member("node-301", valid_from=NOW - WEEK), [make()], NOW)


def test_a_key_signed_before_a_rotation_counts_no_more() -> None:
    """Whoever stole the signing key may have published one: it ends with the key that signed it."""
    fresh = make_member("fresh")
    rotated = make_member("node-301", signing_key=fresh.signing_key, valid_from=NOW - WEEK)
    with pytest.raises(SealError, match="no sealing key that is good now"):
        choose_sealing_key(rotated, [publish()], NOW)


# --- Renewing and destroying -----------------------------------------------------------------------------------------


def names(party: Party) -> list[str]:
    return sorted(path.name for path in (party.directory / SEALING_DIRECTORY).iterdir())


def keep_enrolled(party: Party, moment: datetime) -> None:
    """A member whose register is fresh, however long it has been one."""
    register = replace_member("node-301", valid_from=NOW)
    changes = {"version": 6 + (moment - NOW) // DAY, "issued_at": moment, "expires_at": moment + DAY}
    party.adopt_register(write_register(msgspec.structs.replace(register, **changes)), moment)


def test_a_key_is_renewed_a_day_before_it_ends(member: Party) -> None:
    first = renew_sealing_key(member, NOW)
    assert (first.valid_from, first.valid_to) == (NOW, NOW + WEEK)
    last_look = NOW + WEEK - RENEWED_BEFORE - SECOND
    keep_enrolled(member, last_look)
    assert renew_sealing_key(member, last_look) == first
    second = renew_sealing_key(member, last_look + SECOND)
    assert second.valid_from == last_look + SECOND
    assert second.secret != first.secret
    assert renew_sealing_key(member, last_look + 2 * SECOND) == second


def test_what_is_sealed_to_any_key_still_held_opens(member: Party) -> None:
    """That of this week, that of the last for as long as it may be in flight, and the register's first."""
    keep_enrolled(member, NOW)
    first = renew_sealing_key(member, NOW)
    later = NOW + WEEK - RENEWED_BEFORE
    keep_enrolled(member, later)
    second = renew_sealing_key(member, later)
    for public in (first.public_key, second.public_key, member.keys.public_sealing_key):
        assert open_records(seal_records(b"content", CONTEXT, public), CONTEXT, member.keys) == b"content"
    with pytest.raises(SealError, match="does not open here"):
        open_records(seal_records(b"content", CONTEXT, hold().public_key), CONTEXT, member.keys)


def test_a_key_is_destroyed_when_nothing_sealed_to_it_is_left(member: Party) -> None:
    first = renew_sealing_key(member, NOW)
    page = seal_records(b"content", CONTEXT, first.public_key)
    path = next((member.directory / SEALING_DIRECTORY).iterdir())
    os.link(path, member.directory / "old")
    last = first.valid_to + IN_FLIGHT
    keep_enrolled(member, last - SECOND)
    renew_sealing_key(member, last - SECOND)
    assert path.exists()
    assert open_records(page, CONTEXT, member.keys) == b"content"
    renew_sealing_key(member, last)
    assert not path.exists()
    assert set((member.directory / "old").read_bytes()) == {0}
    with pytest.raises(SealError, match="does not open here"):
        open_records(page, CONTEXT, member.keys)


def test_a_key_is_held_for_longer_than_a_page_sealed_to_it_counts_as_fresh() -> None:
    """A sender whose clock is behind seals to it in what is its last moment there, and the page takes its time."""
    assert IN_FLIGHT >= 3 * CLOCK_SKEW + CLOCK_SKEW


def test_the_first_key_is_destroyed_after_its_week(member: Party) -> None:
    """The register has it since this member's keys were made, thirty days before these tests play."""
    assert member.keys.sealing_seed
    os.link(member.directory / KEY_FILE, member.directory / "old")
    renew_sealing_key(member, NOW)
    assert load_keys(member.directory).sealing_seed == b""
    assert set((member.directory / "old").read_bytes()) == {0}


def test_the_first_key_stays_for_its_week(member: Party) -> None:
    register = replace_member("node-301", valid_from=NOW)
    member.adopt_register(write_register(msgspec.structs.replace(register, version=6)), NOW)
    renew_sealing_key(member, NOW + WEEK + IN_FLIGHT - SECOND)
    assert load_keys(member.directory).sealing_seed
    renew_sealing_key(member, NOW + WEEK + IN_FLIGHT)
    assert not load_keys(member.directory).sealing_seed


def test_without_a_register_the_first_key_stays_and_others_are_renewed(party: Party) -> None:
    renew_sealing_key(party, NOW)
    assert load_keys(party.directory).sealing_seed
    assert len(names(party)) == 1


def test_keys_are_their_owners_alone(member: Party) -> None:
    renew_sealing_key(member, NOW)
    directory = member.directory / SEALING_DIRECTORY
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


def test_a_clock_that_was_wrong_leaves_no_key_for_later(member: Party) -> None:
    """Made in another year by mistake, it could not be published, and would lie about until then."""
    wrong = NOW + 300 * DAY
    member.ring.add_sealing_key(hold(wrong))
    fresh = renew_sealing_key(member, NOW)
    assert fresh.valid_from == NOW
    assert names(member) == [f"{NOW:%Y%m%dT%H%M%SZ}.key"]


def test_a_destruction_that_was_broken_off_is_finished(member: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    renew_sealing_key(member, NOW)
    later = NOW + WEEK + IN_FLIGHT
    keep_enrolled(member, later)

    def fail(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as interrupted:
        interrupted.setattr(Path, "unlink", fail)
        with pytest.raises(KeyboardInterrupt):
            renew_sealing_key(member, later)
    assert member.keys.held_seeds == ()
    renew_sealing_key(member, later)
    assert names(member) == [f"{later:%Y%m%dT%H%M%SZ}.key"]


MOMENT = "2026-03-02T09:00:00Z"
DAMAGED = (b"x", b"{}", f'{{"seed":"AAAA","valid_from":"{MOMENT}","valid_to":"{MOMENT}"}}'.encode())


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_key_is_named(member: Party, content: bytes) -> None:
    renew_sealing_key(member, NOW)
    path = next((member.directory / SEALING_DIRECTORY).iterdir())
    path.write_bytes(content)
    with pytest.raises(KeyFileError, match=rf"{path} is damaged"):
        renew_sealing_key(member, NOW)


def test_a_key_open_to_others_is_not_used(member: Party) -> None:
    renew_sealing_key(member, NOW)
    next((member.directory / SEALING_DIRECTORY).iterdir()).chmod(0o644)
    with pytest.raises(KeyFileError, match="open to other users"):
        renew_sealing_key(member, NOW)


def test_destroying_overwrites_before_it_removes(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"secret" * 1000)
    os.link(path, tmp_path / "other")
    destroy_file(path)
    assert not path.exists()
    assert (tmp_path / "other").read_bytes() == bytes(6000)


def test_no_seed_is_published() -> None:
    held = hold()
    assert held.secret not in publish().body
    assert decode_base64(read_sealing_key(publish(), NODE, NOW).public_key) == held.public_key
    assert repr(held) == "HeldSealingKey(…)"
