"""What providers say of themselves, kept for a while, so that nobody makes the node call out at will.

Beginning to sign in is open to every stranger. What a provider said is kept for some minutes, and that it did not
answer for some seconds. One caller at a time asks, and the others have what that one heard.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from federation.oidc import Metadata, ProviderRefused
from node.providers import Provider, fetch_metadata

KEPT = timedelta(minutes=10)
"""How long what a provider said of itself is used; its keys are fetched anew at every sign-in."""

RESTS = timedelta(seconds=30)
"""How long a provider that did not answer is left alone."""


@dataclass(frozen=True)
class _Heard:
    """What a provider said, or that it was of no use, and until when that counts."""

    said: Metadata | ProviderRefused
    until: datetime


class Discovery:
    """The providers that a node has asked, by issuer."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock, self._heard, self._turn = clock, dict[str, _Heard](), threading.Lock()

    def find(self, provider: Provider) -> Metadata:
        """Return what a provider says of itself, as heard some minutes ago at most. Raises `ProviderRefused`."""
        with self._turn:
            heard = self._heard.get(provider.issuer)
            if heard is None or heard.until <= self._clock():
                heard = self._heard[provider.issuer] = self._ask(provider)
        if isinstance(heard.said, ProviderRefused):
            raise ProviderRefused(str(heard.said))
        return heard.said

    def _ask(self, provider: Provider) -> _Heard:
        try:
            return _Heard(fetch_metadata(provider), self._clock() + KEPT)
        except ProviderRefused as refused:
            return _Heard(refused, self._clock() + RESTS)
