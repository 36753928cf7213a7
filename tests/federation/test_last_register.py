"""A member works from the last good register: it takes a newer one, forgets none, and is talked back to none."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from federation.envelope import write_envelope
from federation.register import RegisterError, sign_register
from federation.state import REGISTER_FILE, Party, StateError, join_federation, open_party, write_file
from tests.federation.cast import HUB, NOW, OTHER_ROOT, ROOT, contents, make_register, write_register
from tests.taken_locks import note_taken


def kept(party: Party) -> int:
    """The version of the register that a party has kept."""
    return party.register(NOW).version


def test_a_newer_register_is_kept(member: Party) -> None:
    assert member.adopt_register(write_register(make_register(version=6)), NOW).version == 6
    assert kept(member) == kept(open_party(member.directory)) == 6


def test_the_register_that_is_there_already_is_not_written_again(member: Party) -> None:
    path = member.directory / REGISTER_FILE
    before = path.stat().st_ino
    assert member.adopt_register(write_envelope(sign_register(make_register(), ROOT)), NOW).version == 5
    assert path.stat().st_ino == before


REFUSED = {
    "an older one": write_register(make_register(version=4)),
    "one of another root": write_register(make_register(version=6), OTHER_ROOT),
    "one that has expired": write_register(make_register(version=6, expires_at=NOW)),
    "one from the future": write_register(make_register(version=6, issued_at=NOW + timedelta(hours=1))),
    "another one of the same version": write_register(make_register(members=[])),
    "one with a clash": write_register(
        make_register([*make_register().members, make_register().members[0]], version=6)
    ),
    "none": b"",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_a_register_that_is_refused_leaves_the_last_good_one(member: Party, data: bytes) -> None:
    before = contents(member.directory)
    with pytest.raises(RegisterError):
        member.adopt_register(data, NOW)
    assert contents(member.directory) == before
    assert kept(member) == 5


def test_an_expired_register_is_not_used_but_replaced(member: Party) -> None:
    """Its version still counts, or letting it expire would be the way to a rollback."""
    later = NOW + timedelta(days=60)

    def renewed(version: int) -> bytes:
        return write_register(make_register(version=version, issued_at=later, expires_at=later + timedelta(days=30)))

    with pytest.raises(RegisterError, match="not valid now"):
        member.register(later)
    with pytest.raises(RegisterError, match="older than version 5"):
        member.adopt_register(renewed(4), later)
    assert member.adopt_register(renewed(6), later).version == 6
    assert member.register(later).version == 6


def test_without_a_register_nobody_is_trusted(party: Party) -> None:
    joined = join_federation(party, ROOT.public_key, HUB)
    with pytest.raises(StateError, match="no register has been received yet"):
        joined.register(NOW)


@pytest.mark.parametrize("content", [b"", b"{}", REFUSED["one of another root"]], ids=["empty", "object", "forged"])
def test_a_damaged_register_is_named_and_not_replaced(member: Party, content: bytes) -> None:
    """Whoever could damage it could otherwise have an old one adopted in its place."""
    path = member.directory / REGISTER_FILE
    path.write_bytes(content)
    with pytest.raises(StateError, match=r"is damaged .*: restore it from a copy") as error:
        member.adopt_register(write_register(make_register(version=6)), NOW)
    assert str(path) in str(error.value)
    with pytest.raises(RegisterError):
        member.register(NOW)
    assert path.read_bytes() == content


def test_of_two_registers_adopted_at_once_the_newer_one_stays(member: Party, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older one is held up between the look at the last one and the writing; the newer one must wait for it."""
    older, newer = (write_register(make_register(version=version)) for version in (6, 7))
    held_up, go_on = threading.Event(), threading.Event()

    def write_older_slowly(path: Path, data: bytes) -> None:
        if data == older:
            held_up.set()
            assert go_on.wait(10)
        write_file(path, data)

    monkeypatch.setattr("federation.state.write_file", write_older_slowly)
    taken = note_taken(monkeypatch)
    threads = [threading.Thread(target=member.adopt_register, args=(data, NOW)) for data in (older, newer)]
    threads[0].start()
    assert held_up.wait(10)
    threads[1].start()
    assert taken.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert kept(member) == 7
