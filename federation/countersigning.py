"""Documents that one person signs, and their node beside them: by passkey or key file, over the same exact bytes.

A node signs much on its people's behalf, and is believed about who acts. Where that is not enough, the person's own
signature stands beside the node's, and whoever receives the document verifies both by the register.
"""

from federation.approvals import verify_approval, write_approval
from federation.envelope import (
    Envelope,
    EnvelopeError,
    Signature,
    Signer,
    add_signature,
    sign_body,
    verify_signature,
)
from federation.members import Member, MemberKind
from federation.webauthn import Assertion


def name_member(person: str, organisation: str) -> str:
    """Return the register's name of a person whose signature counts."""
    return f"{person}@{organisation}"


def sign_by_passkey(draft: Envelope, member: str, credential: bytes, answer: Assertion, node: Signer) -> Envelope:
    """Return a draft with its person's answer by passkey and their node's signature."""
    return _sign(draft, write_approval(member, credential, answer), node)


def sign_by_key(draft: Envelope, person: Signer, node: Signer) -> Envelope:
    """Return a draft with its person's signature by key file and their node's."""
    return _sign(draft, sign_body(draft.body, draft.payload_type, person), node)


def _sign(draft: Envelope, by_person: Signature, node: Signer) -> Envelope:
    return add_signature(add_signature(draft, by_person), sign_body(draft.body, draft.payload_type, node))


def countersign(envelope: Envelope, node: Signer) -> Envelope:
    """Return a kept document with its node's signature made anew: the node's key may have been rotated since."""
    by_others = tuple(each for each in envelope.signatures if each.keyid != node.member_id)
    bare = Envelope(payload=envelope.payload, payload_type=envelope.payload_type, signatures=by_others)
    return add_signature(bare, sign_body(bare.body, bare.payload_type, node))


def verify_both(envelope: Envelope, person: str, member: Member, sender: Member) -> None:
    """Verify that a node and one of its people signed a document. Raises `EnvelopeError`.

    1. The node that sends it signed it.
    2. The member is an approver of that node's organisation, and the person in whose name it is made.
    3. They signed these bytes, by their key file or by a passkey that the register has.
    """
    verify_signature(envelope, sender.id, sender.public_signing_key)  # 1
    check_belongs(person, member, sender)  # 2
    verify_approval(envelope, member)  # 3


def check_belongs(person: str, member: Member, sender: Member) -> None:
    """Raise `EnvelopeError` unless a member is the approver of a node's organisation whom the node calls `person`."""
    belongs = (member.kind, member.organisation) == (MemberKind.APPROVER, sender.organisation)
    if not belongs or member.id != name_member(person, sender.organisation):
        raise EnvelopeError("the signature is not that of the person in whose name it is made")
