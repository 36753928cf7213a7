"""Signing in with an account elsewhere: to the provider, and back with a code that counts once, in this browser."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from flask import Blueprint, current_app, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from federation.oidc import Asked, ProviderRefused, read_id_token, write_address
from federation.problems import ProblemRaised
from federation.state import StateError
from federation.web.session import Means
from federation.web.site import change_session, counting_failures, current_session, the_site
from federation.web.tickets import TicketInvalid, check_ticket, derive_from_ticket, issue_ticket, spend_ticket
from federation.webauthn import WebAuthnRefused, decode_base64url, encode_base64url
from node.discovery import Discovery
from node.pages.staff import the_node
from node.people import Person
from node.providers import (
    Provider,
    ProviderSilent,
    exchange_code,
    fetch_keys,
    find_account_owner,
    find_provider,
    list_providers,
    log_account,
)
from node.service import Node

providers = Blueprint("providers", __name__)
log = logging.getLogger("circe.node")

MOST_AT_A_TIME = 4
"""How many sign-ins wait for providers at once: each holds one of the threads that serve everybody."""


def offer_providers(node: Node) -> tuple[Provider, ...]:
    """Return the providers that the page of signing in offers: none while their file cannot be used."""
    try:
        return list_providers(node)
    except StateError as error:
        log.warning("%s", error)
        return ()


def the_discovery() -> Discovery:
    """What the node has heard of its providers."""
    discovery: Discovery = current_app.extensions["discovery"]
    return discovery


@contextmanager
def waiting_for_provider() -> Iterator[None]:
    """Hold one of the few places in which a provider is waited for. Raises a 503 problem where all are taken."""
    places: BoundedSemaphore = current_app.extensions["provider_places"]
    if not places.acquire(blocking=False):
        raise ProblemRaised(503, "provider_busy", "the provider is slow, and others are signing in: reload the page")
    try:
        yield
    finally:
        places.release()


def begin_asking(provider: Provider, ticket: bytes) -> Asked:
    """Return one sign-in at a provider, all of which follows from its ticket: nothing about it is stored."""
    site, rules = the_site(), the_node().rules().pages
    nonce, verifier = (
        encode_base64url(derive_from_ticket(ticket, site.secret, purpose)) for purpose in ("nonce", "verifier")
    )
    back = f"{rules.address}/sign-in/with/{provider.name}/back"
    return Asked(provider.issuer, provider.client_id, back, encode_base64url(ticket), nonce, verifier)


@providers.get("/sign-in/with/<name>")
def leave_for_provider(name: str) -> AnyResponse:
    """Send the visitor to a provider."""
    session, site = current_session() or change_session(), the_site()
    try:
        provider = find_provider(the_node(), name)
        ticket = issue_ticket(session, site.secret, f"provider {name}", site.host.clock())
        return redirect(
            write_address(the_discovery().find(provider), begin_asking(provider, ticket), provider.scopes), 303
        )
    except ProviderRefused as refused:
        raise _refusal(refused) from None


@providers.get("/sign-in/with/<name>/back")
def come_back(name: str) -> AnyResponse:
    """Begin a session for whoever the provider vouches for. The code in the address counts once, and only here.

    Whoever finds no place to wait has used nothing up, and may reload the page.
    """
    with counting_failures(), waiting_for_provider():
        try:
            provider = find_provider(the_node(), name)
            ticket = read_state(provider)
            person = sign_in_account(provider, begin_asking(provider, ticket), request.args.get("code", ""))
        except (ProviderRefused, TicketInvalid, WebAuthnRefused) as refused:
            raise _refusal(refused) from None
        except StateError as error:
            log.warning("%s", error)
            raise ProblemRaised(
                503, "provider_not_set_up", "this way to sign in is not set up: tell the administrator"
            ) from None
    change_session(person.id, Means.PROVIDER)
    return redirect("/", 303)


def read_state(provider: Provider) -> bytes:
    """Return the ticket of a sign-in that this browser began, used up. Raises where it is no such ticket."""
    session, site, now = current_session(), the_site(), the_site().host.clock()
    ticket = decode_base64url(request.args.get("state", ""))
    if session is None:
        raise TicketInvalid("this sign-in was not begun in this browser: start again")
    check_ticket(ticket, session, site.secret, f"provider {provider.name}", now)
    with site.host.database.transaction() as connection:
        spend_ticket(connection, ticket, now)
    if request.args.get("iss", provider.issuer) != provider.issuer:
        raise ProviderRefused("the answer is another provider's")
    return ticket


def sign_in_account(provider: Provider, asked: Asked, code: str) -> Person:
    """Return the person whose account a provider vouches for by a code. Raises `ProviderRefused`."""
    node = the_node()
    metadata = the_discovery().find(provider)
    tokens = exchange_code(node, provider, metadata, asked, code)
    try:
        claims = read_id_token(tokens, fetch_keys(metadata), asked, node.clock())
        person = find_account_owner(node, provider, claims)
    except ProviderRefused as refused:
        log_account(node, provider, None, str(refused))
        raise
    log_account(node, provider, person)
    return person


def _refusal(refused: Exception) -> ProblemRaised:
    if isinstance(refused, ProviderSilent):  # No failure of whoever signs in, and not counted as one.
        return ProblemRaised(503, "provider_silent", f"you are not signed in: {refused}, or sign in by another way")
    return ProblemRaised(403, "provider_refused", f"you are not signed in: {refused}")
