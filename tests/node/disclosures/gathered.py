"""One child of authority 203 whom others looked at, and its own officer, who gathers what they saw."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from federation.disclosures import MANDATE_TYPE
from federation.envelope import Signature, sign_body
from federation.exchange import Delivery, DeliveryKind
from federation.lookups import ChildSought
from federation.transport import encode_records
from node.disclosures.gathering import send_gathering
from node.disclosures.mandates import Draft, draft_gathering
from node.disclosures.record import DisclosureRecord
from node.lookups.answering import answer_lookup
from node.lookups.one_child import ask_one_child
from node.people import Person
from node.service import Node
from tests.every_role import enter_one
from tests.node.lookups.test_lookups import PaperRelay
from tests.node.lookups.test_one_child import rows_of
from tests.small_federation import SmallFederation

HOME = "203"
REASON = "Subject access request 2026/114"


@dataclass
class Relay(PaperRelay):
    """Carries the pages of whichever node asks."""

    asker: str = HOME

    def close(self) -> None:
        """As a page closes its connection."""

    def deliver(self, node: str, page: str, lookup_id: str | None = None) -> str | None:
        delivery = Delivery(
            delivery_id=1,
            kind=DeliveryKind.LOOKUP,
            lookup_id=lookup_id or self.lookup_id,
            sender=f"node-{self.asker}",
            body=page,
        )
        sealed = answer_lookup(self.federation.node(node.removeprefix("node-")), delivery)
        return encode_records(sealed) if sealed is not None else None


def officer_of(federation: SmallFederation, person: str = "ig", role: str = "ig_officer") -> tuple[Node, Person]:
    node = federation.node(HOME)
    enter_one(node.party.directory, role, 100_001, person)
    return node, node.find_person(person)


def child_hosted_by(federation: SmallFederation, host: str, nth: int = 0) -> dict[str, Any]:
    """A child of home with a pupil number, who is educated in the area of another authority."""
    where = f"host_authority = '{host}' AND care_end IS NULL AND academic_year = 202425 AND length(upn) = 13"
    return rows_of(federation.node(HOME), "children", f"{where} ORDER BY child")[nth]


def look(federation: SmallFederation, host: str, child: dict[str, Any], purpose: str = "Planning a review") -> str:
    """Have the head of a host authority look at one child of home, a second later; return the lookup's id."""
    federation.clock.move(timedelta(seconds=1))
    node, relay = federation.node(host), Relay(federation, asker=host)
    head = node.find_person("vsh")
    sought = ChildSought(upn=child["upn"])
    found = ask_one_child(node, relay, head, purpose, sought, whose="theirs", at=HOME, patience=1)
    assert sum(len(answer.files) for answer in found.answers) == 1
    return found.lookup_id


def sign_by_key(federation: SmallFederation, draft: Draft, member: str = "ig@la-203") -> Signature:
    return sign_body(draft.envelope.body, MANDATE_TYPE, federation.party(member).keys)


def gather(federation: SmallFederation, relay: Relay, *numbers: str, reason: str = REASON) -> DisclosureRecord:
    """Gather as the command does: drafted, signed by the officer's key, sent."""
    node, officer = officer_of(federation)
    draft = draft_gathering(node, officer, numbers, reason)
    signature = sign_by_key(federation, draft)
    return send_gathering(node, relay, officer, draft.draft_id, signature, patience=1)
