"""Claiming host facts: asking the authority of their school after our own children, one host each and nobody else.

     1  our own access policy lets our virtual school head read the education of our children
     2  a child of school age in care, on no roll of ours, is claimed from the authority of the school or placement;
        in one term from one authority, whatever is found out later
     3  what is about to be sent is in the ledger and the log before it leaves
     4  every other node that a page can be sealed to gets one, most of them without a child in it, in one round or a
        power of two of them: so the hub sees a lookup like any other, and not whom it is about
     5  every round is over at the hub before any answer is opened, so it cannot see from the time in between how much
        there was to read; an answer counts if it was signed for this claim and tells of no child but those claimed
     6  its facts are on disk before the ledger says so

A claim that has been answered is not made again in its term; one that was refused or not answered is, to the same host.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audit.event import Action, AuditEvent, Detail, Outcome
from federation.claims import (
    CLAIM_ANSWER_TYPE,
    CLAIM_TYPE,
    MOST_CLAIMS,
    ChildClaim,
    ClaimAnswer,
    ClaimRequest,
    check_answer,
)
from federation.envelope import EnvelopeError
from federation.exchange import LookupBatch
from federation.lookups import LookupFailed, LookupOutcome
from federation.register import Member
from federation.sealing import SealError
from federation.state import StateError
from federation.transport import encode_records
from federation.wire import whole_seconds
from node.claim_ledger import Reason, read_made, reserve_claim, settle_claims
from node.host_facts import store_facts
from node.hosting import ASKED_FOR, FACTS
from node.incomplete import SoughtChild, find_obstacle, find_sought, list_nodes
from node.ingest.periods import Period
from node.lookups.asking import Carrier, collect_answers, list_others, open_answer
from node.lookups.correspondents import exchange_keys, split_reachable
from node.lookups.sealed_pages import seal_message
from node.service import Node
from policies.names import Relation

CHILD_FIELDS = ChildClaim.__struct_fields__


@dataclass
class ClaimReport:
    """What came of claiming: how many children were claimed, found and not found; which hosts refused or failed."""

    term: str
    claimed: int = 0
    found: int = 0
    not_found: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Errand:
    """Everything that the rounds of one claim share."""

    node: Node
    term: Period
    policy_version: str
    report: ClaimReport
    others: Sequence[Member]


@dataclass(frozen=True)
class _Page:
    """What one node is sent: the children claimed from it, none for most, and the request that says so."""

    receiver: Member
    children: Sequence[SoughtChild]
    request: ClaimRequest


@dataclass(frozen=True)
class _Round:
    """A page for every other node, and the same pages sealed."""

    pages: Sequence[_Page]
    batch: LookupBatch


def claim_host_facts(node: Node, hub: Carrier, term: Period, *, patience: int, again: bool = False) -> ClaimReport:
    """Claim every incomplete child of the term's year from its host, waiting `patience` seconds for each round.

    `again` also repeats claims whose child was not found, to the same host: its rolls may have been loaded since.
    Raises `AccessDenied` under our own policy, and `StateError` where no data of that year is loaded or there is no
    other node.
    """
    policy = node.policy()
    policy.check(ASKED_FOR)  # 1
    exchange_keys(node, hub)
    everybody = list_others(node)
    if not everybody:
        raise StateError("no other authority has a node yet, so there is nobody to claim from: claim once one has")
    others, unreachable = split_reachable(node, everybody)
    errand = _Errand(node, term, policy.version, ClaimReport(str(term)), others)
    chosen = choose_hosts(node, term, again=again)
    errand.report.failed.update({host.id: reason for host, reason in unreachable if chosen.pop(host.id, None)})
    rounds = [_write_round(errand, children) for children in split_rounds(chosen)]
    answers: dict[str, Mapping[str, str]] = {}
    try:
        for each in rounds:
            hub.ask_lookup(each.batch)
            answers[each.batch.lookup_id] = collect_answers(hub, each.batch, patience)
    finally:  # What has arrived by the time the hub is lost counts.
        for each in rounds:
            _take_answers(errand, each, answers.get(each.batch.lookup_id))
    return errand.report


def choose_hosts(node: Node, term: Period, *, again: bool) -> dict[str, list[SoughtChild]]:
    """Return the children to claim now, by the node of the one authority that each is claimed from."""
    made, nodes = read_made(node.database.connection, term), list_nodes(node)
    chosen: dict[str, list[SoughtChild]] = {}
    claimed: set[tuple[object, object]] = set()
    for child in find_sought(node, term):
        earlier = made.get(child.token)
        host = earlier.host if earlier else child.host  # 2
        is_settled = earlier is not None and earlier.outcome is Reason.NOT_FOUND_AT_HOST and not again
        is_doubled = (child.upn, child.born) in claimed  # Entered twice in our return: one claim serves both.
        if not is_settled and not is_doubled and find_obstacle(child, host, node.authority, nodes) is None:
            assert host is not None
            chosen.setdefault(nodes[host].id, []).append(child)
            claimed.add((child.upn, child.born))
    return chosen


def split_rounds(chosen: Mapping[str, list[SoughtChild]]) -> list[Mapping[str, list[SoughtChild]]]:
    """Return what each round claims: as many of every host's children as a page holds, and in the last ones nobody.

    There is always one, and where one is not enough, a power of two: more cannot be read from their number.
    """
    most = max(map(len, chosen.values()), default=0)
    rounds = 1
    while rounds * MOST_CLAIMS < most:
        rounds *= 2
    firsts = range(0, rounds * MOST_CLAIMS, MOST_CLAIMS)
    return [{member: children[first : first + MOST_CLAIMS] for member, children in chosen.items()} for first in firsts]


def _write_round(errand: _Errand, children: Mapping[str, Sequence[SoughtChild]]) -> _Round:
    """Write a page for every other node, with the claims in the ledger and the log, and seal them all."""
    node, pages, lookup_id = errand.node, [], f"L-{secrets.token_hex(16)}"
    with node.database.transaction() as connection:  # 3
        for other in errand.others:  # 4
            reserved = [
                child
                for child in children.get(other.id, ())
                if reserve_claim(
                    connection, child.token, errand.term, other.authority(node.clock()), lookup_id, node.clock()
                )
            ]
            pages.append(_Page(other, reserved, _compose(errand, lookup_id, other, reserved)))
        node.database.log.append(connection, *_sent_events(errand, lookup_id, pages))
    sealed = {page.receiver.id: _seal(errand, page) for page in pages}
    return _Round(pages, LookupBatch(lookup_id=lookup_id, pages=sealed))


def _compose(errand: _Errand, lookup_id: str, other: Member, children: Sequence[SoughtChild]) -> ClaimRequest:
    return ClaimRequest(
        lookup_id=lookup_id,
        sender=errand.node.party.member_id,
        receiver=other.id,
        authority=errand.node.authority,
        term=str(errand.term),
        asked_at=whole_seconds(errand.node.clock()),
        children=tuple(child.claim for child in children),
    )


def _seal(errand: _Errand, page: _Page) -> str:
    return encode_records(seal_message(errand.node, page.request, CLAIM_TYPE, page.receiver))


def _take_answers(errand: _Errand, played: _Round, answers: Mapping[str, str] | None) -> None:
    """Open the answers of the hosts that were claimed from; of a round that was not played, nothing is expected."""
    for page in played.pages:
        if page.children and answers is not None:
            _take_answer(errand, page, answers.get(page.receiver.id))


def _take_answer(errand: _Errand, page: _Page, sealed: str | None) -> None:
    """Open one host's answer, keep its facts, and settle its claims in the ledger."""
    host, report = page.receiver.id, errand.report
    report.claimed += len(page.children)
    if sealed is None:
        report.failed[host] = "has not answered in time"
        return
    try:
        lookup_id = page.request.lookup_id
        answer = open_answer(errand.node, lookup_id, page.receiver, sealed, ClaimAnswer, CLAIM_ANSWER_TYPE)
        check_answer(page.request, answer)  # 5
    except (LookupFailed, SealError, EnvelopeError) as error:
        report.failed[host] = str(error)
        _settle_refused(errand, page, Reason.HOST_ANSWER_REJECTED, "answer_rejected")
        return
    if answer.outcome is LookupOutcome.REFUSED:
        report.refused[host] = answer.code
        _settle_refused(errand, page, Reason.HOST_REFUSED, answer.code)
        return
    _keep(errand, page, answer)


def _keep(errand: _Errand, page: _Page, answer: ClaimAnswer) -> None:
    """Keep the facts of the children who were found, then say so in the ledger and the log."""
    node = errand.node
    told = {(facts.upn, facts.date_of_birth) for facts in answer.children}
    found = [child for child in page.children if (child.upn, child.born) in told]
    missed = [child for child in page.children if (child.upn, child.born) not in told]
    if found:
        store_facts(node.party.directory, answer, whole_seconds(node.clock()))  # 6
    events = [
        _event(
            errand,
            Action.CLAIM_STORED,
            answer.lookup_id,
            subject=node.party.keys.log_token(child.token),
            fields=FACTS,
            host=answer.sender,
            host_snapshot=answer.snapshot,
        )
        for child in found
    ]
    with node.database.transaction() as connection:
        settle_claims(connection, [child.token for child in missed], errand.term, Reason.NOT_FOUND_AT_HOST)
        settle_claims(connection, [child.token for child in found], errand.term, None)
        node.database.log.append(connection, *events)
    errand.report.found += len(found)
    errand.report.not_found += len(missed)


def _settle_refused(errand: _Errand, page: _Page, outcome: Reason, code: str) -> None:
    event = _event(
        errand,
        Action.CLAIM_REFUSED,
        page.request.lookup_id,
        outcome=Outcome.REFUSED,
        host=page.receiver.id,
        code=code,
    )
    with errand.node.database.transaction() as connection:
        settle_claims(connection, [child.token for child in page.children], errand.term, outcome, code)
        errand.node.database.log.append(connection, event)


def _sent_events(errand: _Errand, lookup_id: str, pages: Sequence[_Page]) -> list[AuditEvent]:
    """Return an entry for every child whose number and date of birth leave us, and one for the round."""
    sent = [
        _event(
            errand,
            Action.CLAIM_SENT,
            lookup_id,
            outcome=Outcome.INTENDED,
            subject=errand.node.party.keys.log_token(child.token),
            fields=CHILD_FIELDS,
            host=page.receiver.id,
        )
        for page in pages
        for child in page.children
    ]
    hosts = sum(bool(page.children) for page in pages)
    summary = _event(errand, Action.CLAIM_SENT, lookup_id, outcome=Outcome.INTENDED, children=len(sent), hosts=hosts)
    return [*sent, summary]


def _event(
    errand: _Errand,
    action: Action,
    lookup_id: str,
    *,
    outcome: Outcome = Outcome.DONE,
    subject: str = "",
    fields: tuple[str, ...] = (),
    **details: Detail,
) -> AuditEvent:
    return errand.node.event(
        action,
        errand.node.party.member_id,
        lookup_id,
        outcome=outcome,
        acting_for=errand.node.authority,
        purpose=f"Host facts for {errand.term}",
        subject=subject,
        relationship=Relation.HOME,
        fields=fields,
        policy_version=errand.policy_version,
        **details,
    )
