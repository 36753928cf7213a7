"""A hub that watches: requests of every kind, handed to one node, and all that the hub can see of what comes back.

The node is 301 with its real files, keys and policy; the asker is 203. Children are placed as a test wants them.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import Any, cast

import duckdb

from federation.claims import CLAIM_TYPE, ChildClaim, ClaimRequest
from federation.envelope import seal_envelope
from federation.exchange import Delivery, DeliveryKind, Inbox
from federation.handovers import HANDOVER_TYPE, OFFER_TYPE, HandoverRequest, Step
from federation.lookups import REQUEST_TYPE, LookupKind, LookupRequest, sign_message
from federation.sealing import Direction, SealContext, seal_records
from federation.transport import HubConnection, encode_records
from federation.wire import whole_seconds
from node.desk import Desk
from node.lookups import answer_pages
from node.polling import deal_with
from node.schedule import Schedule
from tests.small_federation import SmallFederation

ASKER, ASKED = "203", "301"


def place_children(federation: SmallFederation, hosts: Mapping[str, int]) -> None:
    """Have the asked node look after so many children in care now, by the authority that they are educated in."""
    snapshot = federation.node(ASKED).store.current()
    assert snapshot is not None
    path = snapshot.identified["children"]
    first = path.with_suffix(".first")
    if not first.exists():
        first.write_bytes(path.read_bytes())
    rows = " UNION ALL ".join(
        f"SELECT '{host}' AS host, unnest(range({number})) AS number" for host, number in hosts.items()
    )
    duckdb.execute(
        f"COPY (WITH placed AS ({rows}), "
        f"one AS (FROM read_parquet('{first}') WHERE care_start IS NOT NULL AND care_end IS NULL "
        "ORDER BY academic_year DESC LIMIT 1) "
        "SELECT one.* REPLACE (md5(host || number) AS child, 'C' || host || number AS la_child_id, "
        "'Z' || lpad(CAST(number AS VARCHAR), 12, '0') AS upn, host AS host_authority) FROM one, placed) "
        f"TO '{path}.new' (FORMAT parquet)"
    )
    path.with_name(f"{path.name}.new").replace(path)
    answer_pages._pages_of_file.cache_clear()


def lengthen_names(federation: SmallFederation, letters: int) -> None:
    """Give every child of the asked node an identifier of so many letters."""
    snapshot = federation.node(ASKED).store.current()
    assert snapshot is not None
    path = snapshot.identified["children"]
    rows = f"SELECT * REPLACE (repeat('9', {letters}) AS la_child_id) FROM read_parquet('{path}')"
    duckdb.execute(f"COPY ({rows}) TO '{path}.new' (FORMAT parquet)")
    path.with_name(f"{path.name}.new").replace(path)


def lookup_request(federation: SmallFederation, lookup_id: str, **changes: Any) -> str:
    """A request of the asking node, as its software makes it, or with what the test wants different."""
    sender, receiver = f"node-{ASKER}", f"node-{ASKED}"
    request = LookupRequest(
        lookup_id=lookup_id,
        kind=LookupKind.PLACED_HERE,
        sender=sender,
        receiver=receiver,
        person="vsh",
        **{
            "authority": ASKER,
            "role": "virtual_school_head",
            "purpose": "Termly review",
            "asked_at": whole_seconds(federation.clock()),
            **changes,
        },
    )
    return seal(federation, lookup_id, sign_message(request, REQUEST_TYPE, federation.party(sender).keys))


def claim_request(federation: SmallFederation, lookup_id: str, children: int = 0, **changes: Any) -> str:
    """A claim of children whom nobody has, or of none."""
    sender, receiver, born = f"node-{ASKER}", f"node-{ASKED}", date(2011, 1, 1)
    claimed = [
        ChildClaim(upn=f"Z{number:012d}", date_of_birth=born, care_start=born, care_end=None)
        for number in range(children)
    ]
    request = ClaimRequest(
        lookup_id=lookup_id,
        sender=sender,
        receiver=receiver,
        **{
            "authority": ASKER,
            "term": "202425-summer",
            "asked_at": whole_seconds(federation.clock()),
            "children": tuple(claimed),
            **changes,
        },
    )
    return seal(federation, lookup_id, sign_message(request, CLAIM_TYPE, federation.party(sender).keys))


def handover_request(federation: SmallFederation, lookup_id: str, step: Step = Step.COLLECT, **changes: Any) -> str:
    """A step of a hand-over that the asked node knows nothing of; an offer is one that nobody signed."""
    sender = f"node-{ASKER}"
    request = HandoverRequest(
        lookup_id=lookup_id,
        step=step,
        sender=sender,
        receiver=f"node-{ASKED}",
        handover_id="P-" + "0" * 32,
        code="not_ours" if step is Step.DECLINE else "",
        offer=seal_envelope(b"{}", OFFER_TYPE) if step is Step.OFFER else None,
        **{"authority": ASKER, "asked_at": whole_seconds(federation.clock()), **changes},
    )
    return seal(federation, lookup_id, sign_message(request, HANDOVER_TYPE, federation.party(sender).keys))


def seal(federation: SmallFederation, lookup_id: str, message: bytes, receiver: str = f"node-{ASKED}") -> str:
    context = SealContext(lookup_id, f"node-{ASKER}", f"node-{ASKED}", Direction.REQUEST)
    return encode_records(seal_records(message, context, federation.party(receiver).keys.public_sealing_key))


def altered(federation: SmallFederation, lookup_id: str) -> str:
    page = lookup_request(federation, lookup_id)
    return page[:5000] + ("A" if page[5000] != "A" else "B") + page[5001:]


def misplaced(federation: SmallFederation, _: str) -> str:
    return lookup_request(federation, f"L-{secrets.token_hex(16)}")


Make = Callable[[SmallFederation, str], str]
REQUESTS: dict[str, Make] = {
    "a lookup": lookup_request,
    "in another authority's name": partial(lookup_request, authority="316"),
    "in our own name": partial(lookup_request, authority=ASKED),
    "by a role that may not": partial(lookup_request, role="node_administrator"),
    "by a role that is none": partial(lookup_request, role="mayor"),
    "for a purpose that no log keeps": partial(lookup_request, purpose="about B801200005001"),
    "from last year": lambda federation, lookup_id: lookup_request(
        federation, lookup_id, asked_at=whole_seconds(federation.clock() - timedelta(days=365))
    ),
    "a claim of nobody": claim_request,
    "a claim of a child we do not have": partial(claim_request, children=1),
    "a claim of many": partial(claim_request, children=80),
    "a claim in another's name": partial(claim_request, children=1, authority="316"),
    "a claim about a year we do not have": partial(claim_request, children=1, term="201516-summer"),
    "a record that is collected": handover_request,
    "a record that is declined": partial(handover_request, step=Step.DECLINE),
    "a record that is offered": partial(handover_request, step=Step.OFFER),
    "a record collected in another's name": partial(handover_request, authority="316"),
    "altered on the way": altered,
    "of another lookup": misplaced,
    "sealed to another": lambda federation, lookup_id: seal(federation, lookup_id, b"", "node-316"),
    "empty": partial(seal, message=b""),
    "signed by nobody": partial(seal, message=b'{"payload":"e30=","payloadType":"x","signatures":[]}'),
    "no page at all": lambda _, __: "AAAA",
    "no base64": lambda _, __: "?",
}
"""Every kind of request, from those that find children to those that are none."""

OURS: dict[str, Callable[[SmallFederation], object]] = {
    "willing": lambda _: None,
    "with lookups barred": lambda federation: federation.change_rule(ASKED, "here = true", "here = false"),
    "with claims barred": lambda federation: federation.change_rule(ASKED, "answer = true", "answer = false"),
    "with no room under its caps": lambda federation: federation.change_rule(ASKED, "= 3000", "= 0"),
}
"""What the asked node's own rules may be."""


@dataclass
class WorkingClock:
    """Seconds that pass when somebody waits for them, or works."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds

    def run(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class WatchingHub:
    """Notes everything that a hub can see of a node's answers: at which door, with what, how much, and when."""

    clock: Callable[[], float]
    seen: list[tuple[str, int, float]] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    def hand_in(self, door: str, body: bytes) -> None:
        self.seen.append((door, len(body), self.clock()))
        self.answers.append(body)

    def hand_in_and_wait(
        self, door: str, body: bytes, *, wait: int, done: Sequence[int], in_hand: Sequence[int]
    ) -> None:
        assert not in_hand, "nobody has asked this node a question"
        self.hand_in(f"{door} wait {wait} done {done}", body)


def hand_over(
    federation: SmallFederation,
    pages: Sequence[tuple[str, str]],
    schedule: Schedule,
    hub: WatchingHub,
    register_version: int = 1,
) -> None:
    """Let the asked node find these pages in its inbox, each with the lookup's id that it is delivered under."""
    deliveries = tuple(
        Delivery(delivery_id=number, kind=DeliveryKind.LOOKUP, lookup_id=lookup_id, sender=f"node-{ASKER}", body=page)
        for number, (lookup_id, page) in enumerate(pages, start=1)
    )
    inbox = Inbox(register_version=register_version, deliveries=deliveries)
    deal_with(federation.node(ASKED), cast(HubConnection, hub), inbox, schedule, Desk())
