"""Emergency access: a lookup of one exactly identified child that a person has signed with their own passkey.

A node signs every lookup on its people's behalf, and is believed about who asks. Not here: the person's passkey answers
a challenge that is the hash of the exact bytes of the request, and it is a passkey that the register has of them. So
the answering node sees for itself that this person was there, meant this child and this reason, and meant it once.

    challenge   SHA-256 of "circe/emergency/1", a line feed, and the bytes of the `LookupRequest`
    passkey     of a member of the asking node's own organisation, whose id is the person's, "@" and the organisation
    origin      the pages of that organisation: https, on the domain that the passkey signs for
"""

import base64
import hashlib
import re

from federation.envelope import decode_base64
from federation.lookups import LookupRequest
from federation.passkeys import Passkey
from federation.register import Member, MemberKind
from federation.webauthn import Assertion, Ceremony, Credential, WebAuthnRefused, verify_assertion
from federation.wire import Document, Line, Name, decode_document

EMERGENCY_TYPE = "application/vnd.circe.emergency-request+json"


class EmergencyRequest(Document, frozen=True):
    """The exact bytes of a request, and the answer of the person's passkey to their hash; all bytes in base64."""

    request: str
    member: Name
    origin: Line
    credential: str
    client_data: str
    authenticator_data: str
    signature: str


def name_challenge(request: bytes) -> bytes:
    """Return what a passkey has to answer for a request to count as the person's."""
    return hashlib.sha256(b"circe/emergency/1\n" + request).digest()


def read_inner(emergency: EmergencyRequest) -> LookupRequest:
    """Return the request itself. Raises `EnvelopeError` and `WireError`."""
    return decode_document(decode_base64(emergency.request), LookupRequest)


def make_emergency(request: bytes, member: str, origin: str, credential: bytes, answer: Assertion) -> EmergencyRequest:
    """Return a request with its passkey's answer, ready to be signed and sealed."""
    return EmergencyRequest(
        request=_text(request),
        member=member,
        origin=origin,
        credential=_text(credential),
        client_data=_text(answer.client_data),
        authenticator_data=_text(answer.authenticator_data),
        signature=_text(answer.signature),
    )


def name_member(person: str, organisation: str) -> str:
    """Return the register's name of the person whose passkey counts."""
    return f"{person}@{organisation}"


def verify_person(emergency: EmergencyRequest, member: Member, sender: Member) -> None:
    """Verify that the person who asks signed exactly this request. Raises `WebAuthnRefused` and `EnvelopeError`.

    1. The passkey is of an approver of the organisation whose node asks, and of the person in whose name it asks.
    2. It is one that the register has of them.
    3. It was used on their own organisation's pages.
    4. It answered the hash of these bytes, with its user there and verified.
    """
    person = read_inner(emergency).person
    if (member.kind, member.organisation) != (MemberKind.APPROVER, sender.organisation) or (
        member.id != emergency.member or member.id != name_member(person, sender.organisation)
    ):
        raise WebAuthnRefused("the passkey is not that of the person who asks")  # 1
    passkey = find_passkey(member, decode_base64(emergency.credential))  # 2
    if not re.fullmatch(rf"https://{re.escape(passkey.relying_party)}(:\d{{1,5}})?", emergency.origin) and not (
        passkey.relying_party == "localhost" and re.fullmatch(r"http://localhost(:\d{1,5})?", emergency.origin)
    ):
        raise WebAuthnRefused("the passkey was used on a page of another place")  # 3
    challenge = name_challenge(decode_base64(emergency.request))
    answer = Assertion(*(decode_base64(getattr(emergency, name)) for name in Assertion.__dataclass_fields__))
    known = Credential(decode_base64(passkey.credential), decode_base64(passkey.public_key))
    verify_assertion(answer, known, Ceremony(passkey.relying_party, emergency.origin, challenge))  # 4


def find_passkey(member: Member, credential: bytes) -> Passkey:
    """Return the passkey of that id in a member's entry. Raises `WebAuthnRefused`."""
    for passkey in member.passkeys:
        if decode_base64(passkey.credential) == credential:
            return passkey
    raise WebAuthnRefused("the register has no such passkey of the person who asks")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
