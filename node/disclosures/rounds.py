"""Asking the counterparties under a signed mandate, in rounds of sealed pages like those of any lookup.

Each node is asked about ten lookups at a time. Whoever does not answer, refuses, or has nothing of a lookup that our
log says it took part in, is named with the reason: a record never looks more complete than it is.
"""

import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from federation.disclosures import (
    DISCLOSED_TYPE,
    DISCLOSURES_TYPE,
    MOST_REFERENCES,
    DisclosuresAnswer,
    DisclosuresRequest,
    Mandate,
)
from federation.envelope import Envelope, EnvelopeError
from federation.exchange import LookupBatch
from federation.lookups import LookupFailed, LookupOutcome
from federation.register import Member
from federation.sealing import SealError
from federation.transport import encode_records
from federation.wire import decode_document
from node.disclosures.mandates import Child, write_request
from node.disclosures.record import Disclosure, Unheard, tell_theirs
from node.lookups.asking import Carrier, list_others, open_answer, send_and_wait
from node.lookups.correspondents import exchange_keys, split_reachable
from node.lookups.sealed_pages import seal_message
from node.people import Person
from node.service import Node

NOTHING = "its log has nothing of lookups in which ours says that it took part"


def ask_all(
    node: Node, hub: Carrier, officer: Person, reason: str, mandate: Envelope, child: Child, patience: int
) -> tuple[list[Disclosure], list[Unheard]]:
    """Ask in rounds, each node about ten lookups at a time; return what was told, and of whom something is missing."""
    exchange_keys(node, hub)
    nodes = {other.authority(node.clock()): other for other in list_others(node)}
    receivers = decode_document(mandate.body, Mandate).receivers
    reachable, sealed_off = split_reachable(node, [nodes[code] for code in child.shared if code in nodes])
    reasons = {other.authority(node.clock()): why for other, why in sealed_off}
    asked = {other.authority(node.clock()): other for other in reachable if other.id in receivers}
    unheard = [
        Unheard(authority=code, reason=reasons.get(code, "no node serves this authority now"), lookups=len(references))
        for code, references in child.shared.items()
        if code not in asked
    ]
    told: list[Disclosure] = []
    silent: dict[tuple[str, str], int] = defaultdict(int)
    for batch in list_rounds({code: child.shared[code] for code in asked}):
        lookup_id = f"L-{secrets.token_hex(16)}"
        requests = {
            code: write_request(node, officer, reason, mandate, child, asked[code].id, lookup_id, references)
            for code, references in batch.items()
        }
        for code, answer in _ask_round(node, hub, lookup_id, requests, asked, patience):
            if isinstance(answer, str):
                silent[code, answer] += len(batch[code])
                continue
            told += tell_theirs(answer)
            if answer.untold:
                silent[code, NOTHING] += len(answer.untold)
    unheard += [Unheard(authority=code, reason=why, lookups=count) for (code, why), count in sorted(silent.items())]
    return told, unheard


def list_rounds(shared: Mapping[str, Sequence[str]]) -> Iterator[dict[str, tuple[str, ...]]]:
    """Yield which lookups each authority is asked about, round by round."""
    first = 0
    while batch := {
        code: tuple(references[first : first + MOST_REFERENCES])
        for code, references in shared.items()
        if len(references) > first
    }:
        yield batch
        first += MOST_REFERENCES


def _ask_round(
    node: Node,
    hub: Carrier,
    lookup_id: str,
    requests: Mapping[str, DisclosuresRequest],
    asked: Mapping[str, Member],
    patience: int,
) -> Iterator[tuple[str, DisclosuresAnswer | str]]:
    """Yield each authority's answer, or why there is none."""
    pages = {
        asked[code].id: encode_records(seal_message(node, request, DISCLOSURES_TYPE, asked[code]))
        for code, request in requests.items()
    }
    sealed = send_and_wait(hub, LookupBatch(lookup_id=lookup_id, pages=pages), patience)
    for code, request in requests.items():
        other = asked[code]
        try:
            answer = open_answer(node, lookup_id, other, sealed.get(other.id), DisclosuresAnswer, DISCLOSED_TYPE)
            check_answer(request, answer)
        except (LookupFailed, SealError, EnvelopeError) as error:
            yield code, str(error)
            continue
        if answer.outcome is LookupOutcome.ANSWERED:
            yield code, answer
        else:
            yield code, f"refused ({answer.code}): {answer.text}"


def check_answer(request: DisclosuresRequest, answer: DisclosuresAnswer) -> None:
    """Raise `LookupFailed` where an answer tells of lookups that were not asked about, or says and does not say so."""
    asked, told = set(request.references), {entry.reference for entry in answer.entries}
    if answer.outcome is LookupOutcome.ANSWERED and (told - asked or set(answer.untold) != asked - told):
        raise LookupFailed("answered about other lookups than it was asked about")
    if answer.outcome is not LookupOutcome.ANSWERED and (answer.entries or answer.untold):
        raise LookupFailed("refused, and told of entries")
