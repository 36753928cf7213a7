"""Emergency access from the asking end: a request is written, signed with the person's passkey, and sent to one node.

Writing it sends nothing: the exact bytes are kept for some minutes, and the passkey answers their hash. What is sent is
those bytes and that answer. Our officer has a notice before the request leaves, and our own rules cap how many leave in
a day.
"""

import secrets
from dataclasses import dataclass
from datetime import date, timedelta

from audit.event import Outcome
from federation.approvals import challenge_of
from federation.database import stamp
from federation.emergencies import EMERGENCY_TYPE, draft_envelope, sign_emergency, verify_person
from federation.envelope import EnvelopeError, read_envelope, write_envelope
from federation.exchange import LookupBatch
from federation.lookups import ChildSought, LookupKind, LookupRequest
from federation.register import Member
from federation.sealing import SealError
from federation.state import StateError
from federation.transport import encode_records
from federation.webauthn import Assertion
from federation.wire import decode_document
from node.lookups.asking import Carrier, check_asker, list_addressed, read_result, send_and_wait
from node.lookups.correspondents import exchange_keys
from node.lookups.emergencies import count_emergency
from node.lookups.errand import Errand, LookupResult, Question, record_seen
from node.lookups.notices import NoticeKind, give_notice
from node.lookups.sealed_pages import seal_signed
from node.lookups.signers import find_signer
from node.lookups.sought_child import SoughtUnclear
from node.people import Person
from node.service import Node
from policies.names import Action, Relation

GOOD_FOR = timedelta(minutes=5)
"""How long a written request waits for its passkey."""

NO_DRAFT = "the request waited too long for its passkey, or was sent already: write it again"


@dataclass(frozen=True, repr=False)
class Draft:
    """A request that is written and not signed: its number, what the passkey has to answer, and for which domain."""

    draft_id: str
    challenge: bytes
    relying_party: str


def find_passkey_holder(node: Node, person: Person) -> Member:
    """Return the register's entry of a person, by whose passkey they ask. Raises `StateError` where there is none."""
    member = find_signer(node, person)
    if not member.passkeys:
        raise StateError("emergency access is signed with a passkey that the register has of you: it has none")
    return member


def draft_emergency(node: Node, person: Person, reason: str, sought: ChildSought, at: str) -> Draft:
    """Write a request and keep it for its passkey.

    Raises `AccessDenied`, `PurposeMissing`, `SoughtUnclear` for a child who is not exactly identified, and `StateError`
    for an authority without a node and a person whom the register does not know.
    """
    check_exact(sought.upn, sought.date_of_birth, at)
    question = Question(LookupKind.EMERGENCY, Relation.EMERGENCY, Action.READ, sought)
    policy = node.policy()
    check_asker(node, policy, person, reason, question)
    (other,), signer = list_addressed(node, at), find_passkey_holder(node, person)
    errand = Errand(node, person, reason, question, policy.version, f"L-{secrets.token_hex(16)}")
    envelope, draft_id = draft_envelope(errand.request(other)), f"E-{secrets.token_hex(16)}"
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM emergency_drafts WHERE made_at <= ?", (stamp(node.clock() - GOOD_FOR),))
        row = (draft_id, person.id, write_envelope(envelope), stamp(node.clock()))
        connection.execute("INSERT INTO emergency_drafts VALUES (?, ?, ?, ?)", row)
    return Draft(draft_id, challenge_of(envelope), signer.passkeys[0].domain)


def check_exact(upn: str, date_of_birth: date | str | None, at: str) -> None:
    """Raise `SoughtUnclear` unless one child is exactly identified, and the authority that has the child in care."""
    needed = {
        "upn": ("give the pupil number", upn),
        "date_of_birth": ("give the date of birth", date_of_birth),
        "at": ("say which authority has the child in its care", at),
    }
    if missing := {name: text for name, (text, value) in needed.items() if not value}:
        raise SoughtUnclear(missing)


def send_emergency(
    node: Node, hub: Carrier, person: Person, draft_id: str, credential: bytes, answer: Assertion, *, patience: int
) -> LookupResult:
    """Send a written request with its passkey's answer; each is sent once.

    Raises `StateError` for a draft that is not the person's or is over, for a passkey that did not sign it, and past
    the number of the day; nothing is sent then.
    """
    signer = find_passkey_holder(node, person)
    exchange_keys(node, hub)
    drafted = read_envelope(_take_draft(node, person, draft_id), EMERGENCY_TYPE)
    request = decode_document(drafted.body, LookupRequest)
    signed = sign_emergency(drafted, signer.id, credential, answer, node.party.keys)
    try:
        verify_person(signed, person.id, signer, node.register().find(node.party.member_id, node.clock()))
    except EnvelopeError as refused:
        raise StateError(f"nothing was sent: {refused}") from None
    question = Question(request.kind, Relation.EMERGENCY, Action.READ, request.sought)
    errand = Errand(node, person, request.purpose, question, node.policy().version, request.lookup_id)
    other = node.register().find(request.receiver, node.clock())
    _record_sending(errand, other)
    try:
        page = seal_signed(node, signed, request.lookup_id, other)
    except SealError as error:
        raise StateError(f"nothing was sent: {error}") from None
    batch = LookupBatch(lookup_id=request.lookup_id, pages={other.id: encode_records(page)})
    result = read_result(errand, {other.id: request}, [other], send_and_wait(hub, batch, patience))
    record_seen(errand, result)
    return result


def check_draft(node: Node, person: Person, draft_id: str) -> None:
    """Raise `StateError` unless a request of this person's waits under that number."""
    row = node.database.connection.execute(
        "SELECT 1 FROM emergency_drafts WHERE draft_id = ? AND person = ? AND made_at > ?",
        (draft_id, person.id, stamp(node.clock() - GOOD_FOR)),
    ).fetchone()
    if row is None:
        raise StateError(NO_DRAFT)


def _take_draft(node: Node, person: Person, draft_id: str) -> bytes:
    with node.database.transaction() as connection:
        row = connection.execute(
            "DELETE FROM emergency_drafts WHERE draft_id = ? AND person = ? AND made_at > ? RETURNING request",
            (draft_id, person.id, stamp(node.clock() - GOOD_FOR)),
        ).fetchone()
    if row is None:
        raise StateError(NO_DRAFT)
    return bytes(row["request"])


def _record_sending(errand: Errand, other: Member) -> None:
    """Count, log and give notice of it, all before it leaves. Raises `StateError` past the number of the day."""
    node = errand.node
    most = node.rules().lookups.most_emergencies_a_day
    with node.database.transaction() as connection:
        made = count_emergency(connection, node.authority, node.clock())
        outcome = Outcome.INTENDED if made <= most else Outcome.REFUSED
        node.database.log.append(connection, errand.asked_event(outcome, nodes=1))
        give_notice(
            connection,
            node.clock(),
            NoticeKind.EMERGENCY_BY_US,
            reference=errand.lookup_id,
            authority=other.authority(node.clock()),
            text=f"{errand.person.id} ({errand.person.role}) asked there"
            + ("" if made <= most else ", over our number of the day: nothing was sent"),
        )
    if made > most:
        raise StateError("nothing was sent: our emergencies of today have been used; call the other authority")
