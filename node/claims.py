"""Claiming host facts: asking the authority of their school after our own children, one host each and nobody else.

     1  our own access policy lets our virtual school head read the education of our children
     2  a child of school age in care, on no roll of ours, is claimed from the authority of the school or placement;
        in one term from one authority, whatever is found out later
     3  what is about to be sent is in the ledger and the log before it leaves
     4  every other node gets a page, most of them without a child in it: so the hub sees a lookup like any other, and
        not whom it is about
     5  an answer counts if it was signed for this claim and tells of no child but those claimed in it
     6  its facts are on disk before the ledger says so

A claim that has been answered is not made again in its term; one that was refused or not answered is, to the same host.
"""

import secrets
from collections.abc import Iterator, Mapping, Sequence
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
from federation.sealing import Direction, SealError
from federation.transport import encode_page
from federation.wire import whole_seconds
from node.asking import Relay, await_answers, list_others, open_answer
from node.claim_ledger import Reason, read_made, reserve_claim, settle_claims
from node.deliveries import seal_page
from node.host_facts import store_facts
from node.hosting import ASKED_FOR, FACTS
from node.incomplete import SoughtChild, find_obstacle, find_sought, list_nodes
from node.ingest.periods import Period
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
    hub: Relay
    term: Period
    patience: int
    policy_version: str
    report: ClaimReport


@dataclass(frozen=True)
class _Page:
    """What one node is sent: the children claimed from it, none for most, and the request that says so."""

    receiver: Member
    children: Sequence[SoughtChild]
    request: ClaimRequest


def claim_host_facts(node: Node, hub: Relay, term: Period, *, patience: int, again: bool = False) -> ClaimReport:
    """Claim every incomplete child of the term's year from its host, waiting `patience` seconds for each round.

    `again` also repeats claims whose child was not found, to the same host: its rolls may have been loaded since.
    Raises `AccessDenied` under our own policy, and `StateError` where no data of that year is loaded.
    """
    policy = node.policy()
    policy.check(ASKED_FOR)  # 1
    errand = _Errand(node, hub, term, patience, policy.version, ClaimReport(str(term)))
    for children in _split_rounds(choose_hosts(node, term, again=again)):
        _play_round(errand, children)
    return errand.report


def choose_hosts(node: Node, term: Period, *, again: bool) -> Mapping[str, list[SoughtChild]]:
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


def _split_rounds(chosen: Mapping[str, list[SoughtChild]]) -> Iterator[Mapping[str, list[SoughtChild]]]:
    """Yield what each round claims: as many of every host's children as a page holds."""
    most = max(map(len, chosen.values()), default=0)
    for first in range(0, most, MOST_CLAIMS):
        yield {member: children[first : first + MOST_CLAIMS] for member, children in chosen.items()}


def _play_round(errand: _Errand, children: Mapping[str, Sequence[SoughtChild]]) -> None:
    """Send a page to every other node, wait for the answers, and keep what they tell."""
    lookup_id = f"L-{secrets.token_hex(16)}"
    pages = _write_pages(errand, lookup_id, children)
    errand.hub.ask_lookup(
        LookupBatch(lookup_id=lookup_id, pages={page.receiver.id: _seal(errand, page) for page in pages})
    )
    progress = await_answers(errand.hub, lookup_id, errand.patience)
    for page in pages:
        if page.children:
            _take_answer(errand, page, progress.answers.get(page.receiver.id))
    errand.hub.finish_lookup(lookup_id)


def _write_pages(errand: _Errand, lookup_id: str, children: Mapping[str, Sequence[SoughtChild]]) -> list[_Page]:
    """Write a page for every other node, with the claims in the ledger and the log."""
    node, pages = errand.node, []
    with node.database.transaction() as connection:  # 3
        for other in list_others(node):  # 4
            reserved = [
                child
                for child in children.get(other.id, ())
                if reserve_claim(connection, child.token, errand.term, other.authorities[0], lookup_id, node.clock())
            ]
            pages.append(_Page(other, reserved, _compose(errand, lookup_id, other, reserved)))
        node.database.log.append(connection, *_sent_events(errand, lookup_id, pages))
    return pages


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
    return encode_page(seal_page(errand.node, page.request, CLAIM_TYPE, page.receiver, Direction.REQUEST))


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
