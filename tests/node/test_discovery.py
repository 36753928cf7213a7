"""Asking sign-in providers what they are: one caller at a time each, and nobody waits for that one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from federation.oidc import Metadata, ProviderRefused
from node import discovery
from node.providers import Provider, Shape

NOW = datetime(2016, 5, 3, tzinfo=UTC)
SLOW, QUICK = (
    Provider(name=name, title=name, shape=Shape.PLAIN, issuer=f"https://{name}.example", client_id="circe")
    for name in ("slow", "quick")
)


@pytest.mark.parametrize("heard_before", [False, True])
def test_nobody_waits_for_a_provider_that_hangs(monkeypatch: pytest.MonkeyPatch, *, heard_before: bool) -> None:
    """Whoever comes while it is asked has what was heard last, or is refused; other providers are asked meanwhile."""
    hangs, goes_on, now = threading.Event(), threading.Event(), [NOW]

    def fetch(provider: Provider) -> Metadata:
        if provider is SLOW and (now[0] > NOW or not heard_before):
            hangs.set()
            assert goes_on.wait(20)
        return Metadata(provider.issuer, "https://a.example", "https://t.example", "https://k.example")

    monkeypatch.setattr(discovery, "fetch_metadata", fetch)
    heard = discovery.Discovery(lambda: now[0])
    if heard_before:
        heard.find(SLOW)
        now[0] += discovery.KEPT
    with ThreadPoolExecutor(1) as stranger:
        first = stranger.submit(heard.find, SLOW)
        assert hangs.wait(20)
        try:
            assert heard.find(QUICK).issuer == QUICK.issuer
            if heard_before:
                assert heard.find(SLOW).issuer == SLOW.issuer
            else:
                with pytest.raises(ProviderRefused, match="try again"):
                    heard.find(SLOW)
            assert not first.done()
        finally:
            goes_on.set()
        assert first.result(20).issuer == heard.find(SLOW).issuer == SLOW.issuer
