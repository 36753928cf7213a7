"""Connecting: to the hub that a member joined, with the keys in the member's own directory."""

import os
from pathlib import Path

from federation.client.member import Clock, FederationClient
from federation.hub_line import current_time
from federation.state import StateError, open_party
from federation.transport import connect_party

__all__ = ["STATE_VARIABLE", "connect"]

STATE_VARIABLE = "CIRCE_STATE"
"""The environment variable that names the member directory of whoever gives none."""


def connect(
    place: Path | str = "", *, state: Path | str | None = None, clock: Clock = current_time
) -> FederationClient:
    """Connect as a member: `place` is the hub's address, or the member directory itself.

    Beside an address, the directory is `state`, or what the environment variable CIRCE_STATE names. Nothing is signed
    for any hub but the one that the member joined: an address of another raises `StateError`. Where new keys wait, the
    register is looked at first: once it names them, the hub knows no others.
    """
    address = str(place) if str(place).startswith(("https://", "http://")) else ""
    party = open_party(_find_directory(place, address, state))
    if address and address.rstrip("/") != party.profile.hub:
        raise StateError(
            f"{party.member_id} joined the hub at {party.profile.hub or 'no address yet'}, which is not {address}: "
            "give the directory of a member who joined there"
        )
    client = FederationClient(party, connect_party(party, clock=clock), clock)
    if party.awaits_rotation:
        client.refresh_register()
    return client


def _find_directory(place: Path | str, address: str, state: Path | str | None) -> Path:
    given = state if address or not str(place) else place
    found = given or os.environ.get(STATE_VARIABLE, "")
    if not found:
        raise StateError(f"whose keys? Give state=DIRECTORY, your own member directory, or set {STATE_VARIABLE}")
    return Path(found).expanduser()
