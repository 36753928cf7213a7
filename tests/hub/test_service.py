"""What the hub's rooms share: the register as it was verified, and what is said of an error."""

import os
from collections.abc import Callable

import pytest

from federation.register import Register, RegisterError
from federation.register_reader import RegisterReader
from federation.service_log import name_error
from federation.state import Party, StateError
from tests.hub.played_federation import PlayedFederation


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whose register was verified, each time that one was."""
    parties: list[str] = []
    register: Callable[..., Register] = Party.register

    def verify(party: Party, *arguments: object) -> Register:
        parties.append(party.member_id)
        return register(party, *arguments)

    monkeypatch.setattr(Party, "register", verify)
    return parties


def test_the_register_is_verified_once_for_each_file(federation: PlayedFederation, verified: list[str]) -> None:
    """However often it is asked for; and again as soon as another one has been adopted."""
    reader, clock = RegisterReader(federation.hub.party), federation.clock
    assert {reader.read(clock()).version for _ in range(5)} == {1}
    assert len(verified) == 1
    federation.revoke("bea")
    assert {reader.read(clock()).version for _ in range(5)} == {2}
    assert len(verified) == 2


def test_a_file_that_was_changed_in_place_is_verified_again(federation: PlayedFederation, verified: list[str]) -> None:
    """One byte, the same size, and the time of the last change put back: it is refused."""
    reader = RegisterReader(federation.hub.party)
    reader.read(federation.clock())
    path = federation.hub.party.directory / "register.json"
    before, data = path.stat(), path.read_bytes()
    path.write_bytes(data[:-10] + bytes([data[-10] ^ 1]) + data[-9:])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    for _ in range(2):
        with pytest.raises(RegisterError):
            reader.read(federation.clock())
    path.unlink()
    with pytest.raises(StateError):
        reader.read(federation.clock())


def test_an_error_is_named_by_kind_and_place_alone() -> None:
    with pytest.raises(ValueError, match="SECRET") as raised:
        int("SECRET-VALUE")
    said = name_error(raised.value)
    assert said.startswith("ValueError at test_service.py:")
    assert "SECRET" not in said
    assert name_error(ValueError("SECRET-VALUE")) == "ValueError at unknown place"
