"""What providers say of themselves, kept for a while, so that nobody makes the node call out at will.

Beginning to sign in is open to every stranger. What a provider said is kept for some minutes, and that it did not
answer for some seconds. One caller at a time asks a provider, and nobody waits for that one, so that a provider that
hangs holds one thread and no more: the others have what was heard last, or are told to try again.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation.oidc import Metadata, ProviderRefused
from node.providers import Provider, ProviderSilent, fetch_metadata

KEPT = timedelta(minutes=10)
"""How long what a provider said of itself is used; its keys are fetched anew at every sign-in."""

RESTS = timedelta(seconds=30)
"""How long a provider that did not answer is left alone."""

BEING_ASKED = "the provider is being asked and has not answered yet: try again in some seconds"


@dataclass(frozen=True)
class _Heard:
    """What a provider said, or that it was of no use, and until when that counts."""

    said: Metadata | ProviderRefused
    until: datetime


class Discovery:
    """The providers that a node has asked, by issuer."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock, self._heard, self._turns = clock, dict[str, _Heard](), dict[str, threading.Lock]()

    def find(self, provider: Provider) -> Metadata:
        """Return what a provider says of itself, as heard some minutes ago or, while it is asked anew, before that.

        Raises `ProviderRefused`, at once for whoever comes while it is asked for the first time.
        """
        heard = self._recall(provider) or self._ask_in_turn(provider) or self._heard.get(provider.issuer)
        if heard is None:
            raise ProviderSilent(BEING_ASKED)
        if isinstance(heard.said, ProviderRefused):
            raise type(heard.said)(str(heard.said))
        return heard.said

    def _recall(self, provider: Provider) -> _Heard | None:
        """What was heard of a provider, while it counts."""
        heard = self._heard.get(provider.issuer)
        return heard if heard is not None and self._clock() < heard.until else None

    def _ask_in_turn(self, provider: Provider) -> _Heard | None:
        """Ask a provider and keep what it says; None, without waiting, where somebody else is asking it."""
        turn = self._turns.setdefault(provider.issuer, threading.Lock())
        if not turn.acquire(blocking=False):
            return None
        try:
            # Whoever had the turn just before may have heard it.
            heard = self._heard[provider.issuer] = self._recall(provider) or self._ask(provider)
            return heard
        finally:
            turn.release()

    def _ask(self, provider: Provider) -> _Heard:
        try:
            return _Heard(fetch_metadata(provider), self._clock() + KEPT)
        except ProviderRefused as refused:
            return _Heard(refused, self._clock() + RESTS)
