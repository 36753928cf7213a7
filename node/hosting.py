"""Answering a claim: a home authority asks for the education facts of its children who are on roll here.

     1  the request is signed by the node it comes from, for the authority that node serves, and is made now
     2  this authority's rules and access policy let a home authority's head read the education of its children
     3  the snapshot has rolls of the academic year asked about
     4  the request is new, and leaves the caps for the term and the day in place
     5  pupil number and date of birth are those of a pupil on roll, exactly, and the pupil was in care in that year

Whatever the outcome, an answer of as many sealed pages goes back. The log says which children were found, by our own
token; of the others it has their number, and nothing here keeps more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from audit.event import Action, AuditEvent, Detail, Outcome
from federation.claims import CLAIM_ANSWER_TYPE, CLAIM_TYPE, ChildClaim, ClaimAnswer, ClaimRequest, EducationFacts
from federation.lookups import LookupOutcome
from federation.register import Member
from federation.sealing import SealedRecords
from federation.wire import whole_seconds
from node.claim_counts import admit_claims, count_matched, count_refused
from node.lookups.sealed_pages import OpenedPage, check_origin, read_request, reading_records, seal_message, take_in
from node.refusal import Refused
from node.service import Node
from node.snapshots import Snapshot
from node.vault import ask_vault
from policies.access_policy import AccessDenied, AccessRequest
from policies.names import Action as PolicyAction
from policies.names import FieldGroup, Relation, Role

PUPILS = "pupils"
"""The identified table that claims are answered from: what our rolls say of every pupil."""

FACTS = EducationFacts.__struct_fields__

ASKED_FOR = AccessRequest(Role.VIRTUAL_SCHOOL_HEAD, Relation.HOME, PolicyAction.READ, FieldGroup.EDUCATION)
"""What the access matrix is asked, at both ends: may a home authority's head read its children's education?"""


@dataclass(frozen=True, repr=False)
class FoundPupil:
    """A claimed child who is on roll here: the facts, and the row token the own log's token is made from."""

    token: str
    facts: EducationFacts


def answer_claim(node: Node, page: OpenedPage, snapshot: Snapshot | None, pages: int) -> SealedRecords:
    """Return the sealed answer to a claim. Raises `LookupFailed` when it cannot be read.

    A page without children asks nothing: it is there so that nobody can see whom claims are addressed to. It gets its
    answer and leaves no other trace.
    """
    request = read_request(node, page, ClaimRequest, CLAIM_TYPE)
    answer = _compose_answer(node, request)
    if request.children:
        try:
            answer = _answer_children(node, request, page.sender, snapshot)
        except Refused as refused:
            answer = _compose_answer(node, request, code=refused.code)
            _record_refusal(node, request, page.sender, refused)
    return seal_message(node, answer, CLAIM_ANSWER_TYPE, page.sender, pages)


def _answer_children(node: Node, request: ClaimRequest, sender: Member, snapshot: Snapshot | None) -> ClaimAnswer:
    """Tick off the list, count before looking, look, and record what was found. Raises `Refused`."""
    check_origin(node, request, sender)  # 1
    rules, today = node.rules().claims, node.clock().date()
    if not rules.answer:  # 2
        raise Refused("claims_barred", "this authority answers no claims: call its virtual school")
    policy_version = _check_policy(node)
    with reading_records(node):
        covered = _covers(snapshot, request.academic_year)
    if snapshot is None or not covered:  # 3
        raise Refused("roll_absent", "this node has loaded no school rolls of that year")
    with node.database.transaction() as connection:  # 4
        take_in(connection, request.lookup_id, sender.id, node.clock())
        admit_claims(connection, request, rules, today)
    with reading_records(node):
        found = find_claimed(snapshot, request)  # 5
    tokens = [node.party.keys.log_token(pupil.token) for pupil in found]
    events = [_found_event(node, request, token, policy_version) for token in tokens]
    summary = _event(
        node,
        Action.CLAIM_ANSWERED,
        request,
        policy_version=policy_version,
        claims=len(request.children),
        matched=len(found),
    )
    with node.database.transaction() as connection:
        count_matched(connection, request, today, tokens)
        node.database.log.append(connection, *events, summary)
    return _compose_answer(node, request, snapshot=snapshot.id, children=[pupil.facts for pupil in found])


def _check_policy(node: Node) -> str:
    policy = node.policy()
    try:
        policy.check(ASKED_FOR)
    except AccessDenied as denied:
        raise Refused("policy_denied", denied.text) from None
    return policy.version


def _covers(snapshot: Snapshot | None, academic_year: int) -> bool:
    """Whether the latest snapshot has rolls of that year."""
    if snapshot is None or PUPILS not in snapshot.identified:
        return False
    rows = ask_vault(
        {PUPILS: snapshot.identified[PUPILS]},
        f"SELECT 1 FROM {PUPILS} WHERE academic_year = ? LIMIT 1",  # noqa: S608 - a name of this file
        [academic_year],
    )
    return bool(rows)


def find_claimed(snapshot: Snapshot, request: ClaimRequest) -> list[FoundPupil]:
    """Return the claimed children who are on roll in the year asked about, matched on number and date of birth."""
    year = request.academic_year
    claimed = [child for child in request.children if _was_in_care(child, year)]
    selected = ", ".join(f"{PUPILS}.{name}" for name in FACTS)
    sql = (
        f"SELECT pupil, {selected} FROM {PUPILS} "  # noqa: S608 - every part is written in this file
        "WHERE academic_year = $year AND (upn, date_of_birth) IN "
        "(SELECT (unnest($upns::VARCHAR[]), unnest($born::DATE[]))) ORDER BY upn"
    )
    wanted = {
        "year": year,
        "upns": [child.upn for child in claimed],
        "born": [child.date_of_birth for child in claimed],
    }
    rows = ask_vault({PUPILS: snapshot.identified[PUPILS]}, sql, wanted)
    return [FoundPupil(token, EducationFacts(**dict(zip(FACTS, values, strict=True)))) for token, *values in rows]


def _was_in_care(child: ChildClaim, academic_year: int) -> bool:
    """Whether the dates claimed fall within the year, from the April in which its return begins to the summer's end."""
    first = academic_year // 100
    started = child.care_start < date(first + 1, 9, 1)
    return started and (child.care_end is None or child.care_end >= date(first, 4, 1))


def _compose_answer(
    node: Node,
    request: ClaimRequest,
    *,
    code: str = "",
    snapshot: str = "",
    children: Sequence[EducationFacts] = (),
) -> ClaimAnswer:
    """Return an answer or, with a code, a refusal; both have the same members."""
    return ClaimAnswer(
        lookup_id=request.lookup_id,
        sender=node.party.member_id,
        receiver=request.sender,
        authority=node.authority,
        term=request.term,
        outcome=LookupOutcome.REFUSED if code else LookupOutcome.ANSWERED,
        code=code,
        snapshot=snapshot,
        as_of=whole_seconds(node.clock()),
        children=tuple(children),
    )


def _record_refusal(node: Node, request: ClaimRequest, sender: Member, refused: Refused) -> None:
    event = _event(
        node,
        Action.CLAIM_REFUSED,
        request,
        outcome=Outcome.REFUSED,
        code=refused.code,
        claims=len(request.children),
    )
    with node.database.transaction() as connection:
        if request.authority == sender.authority(
            node.clock()
        ):  # No authority answers for claims in its name by another's node.
            count_refused(connection, request, node.clock().date())
        node.database.log.append(connection, event)


def _found_event(node: Node, request: ClaimRequest, token: str, policy_version: str) -> AuditEvent:
    return _event(
        node, Action.CLAIM_ANSWERED, request, subject=token, fields=tuple(FACTS), policy_version=policy_version
    )


def _event(
    node: Node,
    action: Action,
    request: ClaimRequest,
    *,
    outcome: Outcome = Outcome.DONE,
    subject: str = "",
    fields: tuple[str, ...] = (),
    policy_version: str = "",
    **details: Detail,
) -> AuditEvent:
    return node.event(
        action,
        request.sender,
        request.lookup_id,
        outcome=outcome,
        acting_for=request.authority,
        purpose=f"Host facts for {request.term}",
        subject=subject,
        relationship=Relation.HOME,
        fields=fields,
        policy_version=policy_version,
        **details,
    )
