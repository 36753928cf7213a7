"""Signing in with an account at the authority's or the department's provider: `providers.toml`, kept by the node's
administrator.

An account opens the pages for one of the node's own people, who is named in that file; a provider creates nobody and
gives nobody a right. The shape says how a provider names people and their organisations:

    plain          by the subject alone
    entra          Microsoft Entra ID: by the object id, in one tenant
    dfe_sign_in    DfE Sign-in: by the subject, who acts for this authority (category 002, by its number), or for a
                   designated teacher, for the school of their own (category 001, by its URN)
"""

import base64
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from audit.event import Action, Outcome
from federation.lines import NO_ANSWER, AnswerTooLarge, Bounds, Lines
from federation.oidc import MAX_DOCUMENT, Asked, Metadata, ProviderRefused, Tokens, read_document, read_metadata
from federation.state import StateError
from federation.tls import public_context
from federation.wire import Line, Name, convert_value
from node.people import Person
from node.service import Node

PROVIDERS_FILE = "providers.toml"
PATIENCE = Bounds(seconds=8, silence=5, size=MAX_DOCUMENT)
"""How long a provider has for one answer, from connecting to its last byte, and how much may be in it."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


NOT_ANSWERED = "the provider did not answer, or not as it should: try again"


class ProviderSilent(ProviderRefused):
    """A provider did not answer in time, or not as it should: nobody has done anything wrong by that."""


LOCAL_AUTHORITY, ESTABLISHMENT = "002", "001"
"""DfE Sign-in's categories of organisation."""


class Shape(StrEnum):
    """How a provider names people and organisations."""

    PLAIN = "plain"
    ENTRA = "entra"
    DFE_SIGN_IN = "dfe_sign_in"


SCOPES = {Shape.PLAIN: ("openid",), Shape.ENTRA: ("openid", "profile"), Shape.DFE_SIGN_IN: ("openid", "organisation")}
Address = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s?#]{1,500}\Z")]


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One account at a provider, and whose of the node's people it is."""

    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    person: Name


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One provider, as what we are known there, and the accounts that open our pages."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,32}\Z")]
    title: Line
    shape: Shape
    issuer: Address
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    tenant: str = ""
    account: tuple[Account, ...] = ()

    def __post_init__(self) -> None:
        if (self.shape is Shape.ENTRA) != bool(self.tenant) or self.tenant not in self.issuer:
            raise ValueError("a provider of shape entra has a tenant, which is in its issuer, and no other has one")

    @property
    def scopes(self) -> tuple[str, ...]:
        """What is asked of this provider about a person: the least that says who they are."""
        return SCOPES[self.shape]


class _Providers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    provider: tuple[Provider, ...] = ()


def list_providers(node: Node) -> tuple[Provider, ...]:
    """Return the providers of a node as its file has them now. Raises `StateError` where it cannot be used."""
    path = node.party.directory / PROVIDERS_FILE
    if not path.exists():
        return ()
    try:
        return convert_value(tomllib.loads(path.read_text()), _Providers).provider
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise StateError(f"{path} cannot be used, so nobody signs in by it: {error}") from None


def find_provider(node: Node, name: str) -> Provider:
    """Return a provider by name. Raises `ProviderRefused` for one that the node's file has not got."""
    for provider in list_providers(node):
        if provider.name == name:
            return provider
    raise ProviderRefused("nobody signs in here with that provider")


# --- Who an account's owner is here -----------------------------------------------------------------------------------


def find_account_owner(node: Node, provider: Provider, claims: Mapping[str, Any]) -> Person:
    """Return the person whose account a provider has vouched for. Raises `ProviderRefused` for everybody else."""
    subject = claims.get("oid" if provider.shape is Shape.ENTRA else "sub")
    named = [account.person for account in provider.account if account.subject == subject]
    if len(named) != 1:
        raise ProviderRefused("this account is not one of those that the node's administrator has entered")
    try:
        person = node.find_person(named[0])
    except StateError:
        raise ProviderRefused("this account belongs to somebody who is not one of the node's people") from None
    check_organisation(node.authority, provider, person, claims)
    return person


def check_organisation(authority: str, provider: Provider, person: Person, claims: Mapping[str, Any]) -> None:
    """Raise `ProviderRefused` unless a person acts for the organisation that they act for here."""
    match provider.shape:
        case Shape.PLAIN:
            return
        case Shape.ENTRA:
            if claims.get("tid") != provider.tenant:
                raise ProviderRefused("this account is in another organisation's tenant")
            return
        case Shape.DFE_SIGN_IN:
            school = str(person.school_urn) if person.school_urn is not None else None
            expected = (ESTABLISHMENT, school) if school else (LOCAL_AUTHORITY, authority)
            if read_organisation(claims) == expected:
                return
    raise ProviderRefused("this account acts for another organisation: choose the right one at the provider")


def read_organisation(claims: Mapping[str, Any]) -> tuple[str, str]:
    """Return category and number of the organisation that DfE Sign-in says somebody acts for; empty where unknown."""
    organisation = claims.get("organisation")
    if not isinstance(organisation, Mapping):
        return "", ""
    category = organisation.get("category")
    kind = str(category.get("id", "")) if isinstance(category, Mapping) else ""
    number = organisation.get("urn" if kind == ESTABLISHMENT else "establishmentNumber")
    return kind, str(number or "")


def log_account(node: Node, provider: Provider, person: Person | None, reason: str = "") -> None:
    """Log that an account was used; of one that is nobody's here, just at which provider."""
    outcome = Outcome.REFUSED if person is None else Outcome.DONE
    actor = person.id if person else f"somebody at {provider.name}"
    node.record(
        node.event(Action.SIGNIN, actor, "", outcome=outcome, means="provider", provider=provider.name, reason=reason)
    )


# --- What is fetched from a provider ----------------------------------------------------------------------------------


def fetch_metadata(provider: Provider) -> Metadata:
    """Return what a provider says of itself now. Raises `ProviderRefused`."""
    address = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
    return read_metadata(_fetch(address), provider.issuer)


def fetch_keys(metadata: Metadata) -> bytes:
    """Return a provider's keys as they are now: one that it has withdrawn counts no more. Raises `ProviderRefused`."""
    return _fetch(metadata.jwks_uri)


def exchange_code(node: Node, provider: Provider, metadata: Metadata, asked: Asked, code: str) -> Tokens:
    """Return the tokens that a provider gives for a code, once. Raises `ProviderRefused`."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri}
    headers, secret = {"Content-Type": "application/x-www-form-urlencoded"}, read_secret(node, provider)
    if "client_secret_post" in metadata.token_endpoint_auth_methods_supported:
        form |= {"client_id": asked.client_id, "client_secret": secret}
    else:
        pair = f"{quote(asked.client_id, safe='')}:{quote(secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    body = urlencode({**form, "code_verifier": asked.verifier}).encode()
    return read_document(_fetch(metadata.token_endpoint, body, headers), Tokens, "what the provider gave for the code")


def read_secret(node: Node, provider: Provider) -> str:
    """Return the secret by which the provider knows us, from a file that nobody else can read. Raises `StateError`."""
    path = node.party.directory / f"provider-{provider.name}.secret"
    if not path.exists():
        raise StateError(f"{path} is missing: write the secret that the provider gave for {provider.client_id} into it")
    if path.stat().st_mode & 0o077:
        raise StateError(f"{path} is open to other users: close it to them (chmod 600) and have a new secret made")
    return path.read_text().strip()


def _fetch(address: str, form: bytes = b"", headers: Mapping[str, str] = _NO_HEADERS) -> bytes:
    """Return what is at an address, over a connection of its own. No redirect is followed: a secret goes to the address
    that was checked, or nowhere. Raises `ProviderSilent` and `ProviderRefused`.
    """
    place = urlsplit(address)
    lines = Lines(f"{place.scheme}://{place.netloc}", public_context() if place.scheme == "https" else None)
    path = (place.path or "/") + (f"?{place.query}" if place.query else "")
    try:
        answer = lines.send("POST" if form else "GET", path, form, headers, PATIENCE)
    except AnswerTooLarge:
        raise ProviderRefused("the provider's answer is too long") from None
    except NO_ANSWER:
        raise ProviderSilent(NOT_ANSWERED) from None
    finally:
        lines.close()
    if answer.status != 200:
        raise (ProviderSilent if answer.status >= 500 else ProviderRefused)(NOT_ANSWERED)
    return answer.body
