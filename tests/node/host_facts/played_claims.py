"""Host facts played on paper: homes claim, hosts answer, and a relay keeps and can change what it carries."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from audit.event import Action, AuditEvent
from audit.log import read_entries
from federation.claims import CLAIM_ANSWER_TYPE, CLAIM_TYPE, ChildClaim, ClaimAnswer, ClaimRequest
from federation.envelope import Envelope
from federation.exchange import Delivery, DeliveryKind, LookupBatch, LookupProgress, SealingKeyList
from federation.lookups import read_message, sign_message
from federation.sealing import Direction, SealContext, open_records, seal_records
from federation.transport import decode_records, encode_records
from federation.wire import whole_seconds
from node.claims import ClaimReport, claim_host_facts
from node.ingest.periods import Period
from node.lookups.answering import answer_lookup
from node.service import Node
from policies.access_policy import MATRIX
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

TERM = Period(202425, "summer")
HOME, HOST = "203", "301"


@dataclass
class PaperRelay:
    """Carries pages between nodes, and keeps them; `tamper` may change what a node sends back."""

    federation: SmallFederation
    sender: str = HOME
    silent: frozenset[str] = frozenset()
    tamper: Callable[[str, str], str] = lambda node, page: page
    batches: list[LookupBatch] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    keys: list[Envelope] = field(default_factory=list)

    def publish_sealing_key(self, key: Envelope) -> None:
        self.keys.append(key)

    def fetch_sealing_keys(self) -> SealingKeyList:
        return SealingKeyList(keys=tuple(self.keys))

    def ask_lookup(self, batch: LookupBatch) -> None:
        self.batches.append(batch)

    def deliver(self, node: str, page: str, lookup_id: str) -> str | None:
        delivery = Delivery(
            delivery_id=1, kind=DeliveryKind.LOOKUP, lookup_id=lookup_id, sender=f"node-{self.sender}", body=page
        )
        sealed = answer_lookup(self.federation.node(node.removeprefix("node-")), delivery)
        return encode_records(sealed) if sealed is not None else None

    def fetch_lookup(self, lookup_id: str, *, wait: int, done: int = 0) -> LookupProgress:
        self.answers = {}
        for node, page in self.batches[-1].pages.items():
            if node not in self.silent and (answer := self.deliver(node, page, lookup_id)):
                self.answers[node] = self.tamper(node, answer)
        awaited = tuple(sorted(set(self.batches[-1].pages) - set(self.answers)))
        return LookupProgress(
            lookup_id=lookup_id, answers=self.answers, awaited=awaited, last=len(self.answers), more=False
        )

    def finish_lookup(self, lookup_id: str) -> None:
        assert lookup_id == self.batches[-1].lookup_id

    def fetch_register(self) -> bytes:
        return (self.federation.directory / "register.json").read_bytes()

    def close(self) -> None:
        pass


def claim(federation: SmallFederation, relay: PaperRelay | None = None, **options: Any) -> ClaimReport:
    relay = relay or PaperRelay(federation)
    return claim_host_facts(federation.node(relay.sender), relay, TERM, patience=1, **options)


def events(node: Node, action: Action) -> list[AuditEvent]:
    return [entry.to_event() for entry in read_entries(node.database.connection, action=action)]


def open_request(federation: SmallFederation, receiver: str, page: str, lookup_id: str) -> ClaimRequest:
    context = SealContext(lookup_id, f"node-{HOME}", receiver, Direction.REQUEST)
    content = open_records(decode_records(page), context, federation.party(receiver).keys)
    key = federation.party(f"node-{HOME}").keys.public_signing_key
    return read_message(content, CLAIM_TYPE, ClaimRequest, f"node-{HOME}", key)


def send_claims(federation: SmallFederation, *children: ChildClaim, sender: str = HOME, **changes: Any) -> ClaimAnswer:
    """Send a host one page of claims as they are given, true or not, and open its answer."""
    party, host = federation.party(f"node-{sender}"), federation.party(f"node-{HOST}")
    request = ClaimRequest(
        lookup_id=changes.pop("lookup_id", f"L-{len(list_lookups(federation)):032x}"),
        sender=party.member_id,
        receiver=host.member_id,
        authority=changes.pop("authority", sender),
        term=changes.pop("term", str(TERM)),
        asked_at=changes.pop("asked_at", whole_seconds(federation.clock())),
        children=children,
    )
    context = SealContext(request.lookup_id, party.member_id, host.member_id, Direction.REQUEST)
    page = seal_records(sign_message(request, CLAIM_TYPE, party.keys), context, host.keys.public_sealing_key)
    answer = PaperRelay(federation, sender).deliver(host.member_id, encode_records(page), request.lookup_id)
    assert answer is not None
    back = SealContext(request.lookup_id, host.member_id, party.member_id, Direction.ANSWER)
    content = open_records(decode_records(answer), back, party.keys)
    return read_message(content, CLAIM_ANSWER_TYPE, ClaimAnswer, host.member_id, host.keys.public_signing_key)


def list_lookups(federation: SmallFederation) -> list[Any]:
    return federation.node(HOST).database.connection.execute("SELECT * FROM lookups_seen").fetchall()


def dump_database(node: Node) -> str:
    with closing(sqlite3.connect(node.party.database)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return " ".join(
            (bytes(cell).decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell))
            for table in tables
            for row in connection.execute(f'SELECT * FROM "{table}"')
            for cell in row
        )


def drop_policy(federation: SmallFederation, authority: str) -> None:
    """An access policy that lets no virtual school head read the education of home children."""
    lines = MATRIX.read_text().splitlines()
    kept = [line for line in lines if not line.startswith("p, virtual_school_head, home, read, education")]
    put_policy(federation.directory / f"node-{authority}", "\n".join(kept) + "\n")
