"""A mandate from the asking end: drafted for what our log names, kept for the officer's signature, and used once.

Drafting sends nothing. The exact bytes wait some minutes, with whose record it is to be; the officer's key or passkey
signs them, and the signature is held to what every answering node will hold it to, before any is asked.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import msgspec

from audit.event import Action, AuditEvent, Detail, EventInvalid, Outcome
from federation.countersigning import name_member
from federation.database import stamp
from federation.disclosures import (
    MANDATE_TYPE,
    DisclosuresRequest,
    Mandate,
    MandateRefused,
    Number,
    SharedId,
    commit_child,
    draft_mandate,
    verify_mandate,
)
from federation.envelope import Envelope, read_envelope, write_envelope
from federation.register import Member, RegisterError
from federation.state import StateError
from federation.wire import Document, decode_document, encode_document, whole_seconds
from node.disclosures.numbers import check_one_child, complete_numbers, has_child
from node.disclosures.own_entries import list_shared, read_own
from node.lookups.asking import list_others
from node.people import Person
from node.service import Node
from policies.access_policy import AccessRequest
from policies.names import Action as PolicyAction
from policies.names import FieldGroup, Relation

GOOD_FOR = timedelta(minutes=15)
"""How long a drafted mandate waits for the officer's signature."""

NO_DRAFT = "the request waited too long for its signature, or was sent already: begin again"


class Child(Document, frozen=True):
    """Whose record it is to be: numbers, the salt of the commitment to them, and our entries' lookups by authority."""

    numbers: Annotated[tuple[Number, ...], msgspec.Meta(min_length=1, max_length=4)]
    salt: str
    shared: dict[str, tuple[SharedId, ...]]


@dataclass(frozen=True, repr=False)
class Draft:
    """A mandate that waits for its signature, and who would be asked about how many lookups."""

    draft_id: str
    envelope: Envelope
    shared: Mapping[str, int]


def check_gatherer(node: Node, officer: Person) -> None:
    """Raise `AccessDenied` for whoever may not gather the disclosures of our own children."""
    node.policy().check(AccessRequest(officer.role, Relation.HOME, PolicyAction.AUDIT, FieldGroup.AUDIT_LOG))


def draft_gathering(node: Node, officer: Person, numbers: Sequence[str], reason: str) -> Draft:
    """Write the mandate for what our log names, and keep it for the officer's signature.

    Raises `AccessDenied`, and `StateError` without a number or reason, for numbers of several children or of nobody, or
    for a reason that no log may keep.
    """
    check_gatherer(node, officer)
    known = complete_numbers(node, numbers)
    if not known or not reason.strip():
        raise StateError(
            "give a number by which the child is known, and the request's own number or reason for the log"
        )
    check_one_child(node, numbers)
    own = read_own(node, known)
    if not own and not has_child(node, numbers):
        # A number that was typed wrong would make an empty record, which says that nobody saw anything.
        raise StateError("neither our snapshot nor our log has a child by these numbers: check them")
    shared = list_shared(node, own)
    nodes = {other.authority(node.clock()): other.id for other in list_others(node)}
    receivers = tuple(nodes[code] for code in shared if code in nodes) or (node.party.member_id,)
    try:
        gathering_event(node, officer, reason, Outcome.INTENDED, "")
        child = msgspec.convert({"numbers": known, "salt": secrets.token_hex(32), "shared": shared}, Child)
        mandate = Mandate(
            authority=node.authority,
            person=officer.id,
            reason=reason.strip(),
            made_at=whole_seconds(node.clock()),
            child=commit_child(child.numbers, child.salt),
            receivers=receivers,
        )
        envelope = draft_mandate(msgspec.convert(msgspec.to_builtins(mandate), Mandate))
    except EventInvalid as error:
        raise StateError(f"the reason cannot be logged: {error}") from None
    except msgspec.ValidationError:
        raise StateError("numbers have 40 characters at most, and the reason stands on one line") from None
    draft_id = f"S-{secrets.token_hex(16)}"
    with node.database.transaction() as connection:
        connection.execute("DELETE FROM subject_drafts WHERE made_at <= ?", (stamp(node.clock() - GOOD_FOR),))
        row = (draft_id, officer.id, write_envelope(envelope), encode_document(child), stamp(node.clock()))
        connection.execute("INSERT INTO subject_drafts VALUES (?, ?, ?, ?, ?)", row)
    return Draft(draft_id, envelope, {code: len(references) for code, references in shared.items()})


def find_officer(node: Node, officer: Person) -> Member:
    """Return the register's entry of an officer, by whose key or passkey they sign. Raises `StateError`."""
    try:
        return node.register().find(name_member(officer.id, node.party.profile.organisation), node.clock())
    except RegisterError:
        raise StateError(
            "a mandate is signed by a key or passkey that the register has of you: you are not in it"
        ) from None


def find_by_passkey(node: Node, officer: Person) -> Member:
    """Return the register's entry of an officer who can sign by passkey. Raises `StateError`."""
    member = find_officer(node, officer)
    if not member.passkeys:
        raise StateError("the register has no passkey of you: use circe audit subject with your key")
    return member


def take_draft(node: Node, officer: Person, draft_id: str) -> tuple[Envelope, Child]:
    """Return a mandate that waits, and whose record it is of, once. Raises `StateError`."""
    with node.database.transaction() as connection:
        row = connection.execute(
            "DELETE FROM subject_drafts WHERE draft_id = ? AND person = ? AND made_at > ? RETURNING mandate, child",
            (draft_id, officer.id, stamp(node.clock() - GOOD_FOR)),
        ).fetchone()
    if row is None:
        raise StateError(NO_DRAFT)
    return read_envelope(bytes(row["mandate"]), MANDATE_TYPE), decode_document(bytes(row["child"]), Child)


def check_mandate(node: Node, officer: Person, member: Member, mandate: Envelope, child: Child) -> None:
    """Raise `StateError` where no answering node would accept the mandate: then none is asked."""
    receivers = decode_document(mandate.body, Mandate).receivers
    sender = node.register().find(node.party.member_id, node.clock())
    reason = decode_document(mandate.body, Mandate).reason
    example = write_request(node, officer, reason, mandate, child, receivers[0], f"L-{'0' * 32}", (f"L-{'0' * 32}",))
    try:
        verify_mandate(example, member, sender)
    except MandateRefused as refused:
        raise StateError(f"nothing was sent: {refused}") from None


def write_request(
    node: Node,
    officer: Person,
    reason: str,
    mandate: Envelope,
    child: Child,
    receiver: str,
    lookup_id: str,
    references: tuple[str, ...],
) -> DisclosuresRequest:
    """Return the request to one node, under a mandate."""
    return DisclosuresRequest(
        lookup_id=lookup_id,
        sender=node.party.member_id,
        receiver=receiver,
        authority=node.authority,
        person=officer.id,
        role=officer.role,
        purpose=reason,
        asked_at=whole_seconds(node.clock()),
        numbers=child.numbers,
        salt=child.salt,
        references=references,
        mandate=mandate,
    )


def gathering_event(
    node: Node, officer: Person, reason: str, outcome: Outcome, record_id: str, *, subject: str = "", **details: Detail
) -> AuditEvent:
    """Return an entry that a record is about to be gathered, or was. Raises `EventInvalid`."""
    return node.event(
        Action.SUBJECT_GATHERED,
        f"{officer.id} ({officer.role})",
        record_id,
        outcome=outcome,
        acting_for=node.authority,
        purpose=reason,
        subject=subject,
        relationship=Relation.HOME,
        fields=(),
        policy_version=node.policy().version,
        **details,
    )
