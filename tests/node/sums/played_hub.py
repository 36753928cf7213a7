"""A hub that is played, in this process, between real nodes with real state: it carries what each wants to say.

An honest one runs a whole sum by `run`. A test that plays a dishonest one takes the steps by itself, and changes what
it hands on.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from federation.envelope import Envelope, read_envelope, seal_envelope
from federation.exchange import Delivery, DeliveryKind
from federation.manifest import MANIFEST_TYPE, Manifest, Path, Reply, read_manifest
from federation.plans import derive_plan
from federation.secure_sum.bundles import check_bundle, split_bundle
from federation.secure_sum.collector import Collector
from federation.secure_sum.epochs import name_epoch
from federation.secure_sum.facts import ManifestFacts, SumPath
from federation.secure_sum.messages import (
    ATTEMPT_TYPE,
    COMPLAINT_TYPE,
    PAIRING_TYPE,
    PREKEY_TYPE,
    REVEAL_TYPE,
    SURVIVORS_TYPE,
    Attempt,
    Certificate,
    Complaint,
    DealingBundle,
    Pairing,
    SumRoster,
    SurvivorSet,
)
from federation.secure_sum.rosters import roster_digest
from federation.secure_sum.steps import AskReveals, AskSurvivors, Fail, Open, Wait
from federation.secure_sum.vectors import signed_values
from federation.sum_facts import name_regions
from federation.sum_terms import smallest_threshold
from federation.sums_exchange import (
    AbortWanted,
    ContributionHandedIn,
    DealingsHandedIn,
    DealWanted,
    PairingsHandedIn,
    PairingsOffered,
    ParcelsOffered,
    PrekeysOffered,
    PrekeyWanted,
    StatementOffered,
    StatementSigned,
    SumWanted,
)
from federation.wire import Document, decode_document, encode_document, whole_seconds
from node.service import Node
from node.sums.deliveries import deal_with_sum
from query_engine.planning.capped_counts import figures_carried
from tests.small_federation import SmallFederation, read_reply


@dataclass
class Said:
    """What a node handed in while it dealt with one delivery: at which doors, and refusals."""

    handed_in: list[tuple[str, bytes]] = field(default_factory=list)
    refusals: list[Reply] = field(default_factory=list)

    def hand_in(self, door: str, body: bytes, /) -> None:
        self.handed_in.append((door, body))

    def send_reply(self, reply: bytes, /) -> None:
        self.refusals.append(read_reply(reply))

    @property
    def body(self) -> bytes:
        """What was handed in, where it was one thing."""
        assert not self.refusals, [refusal.code for refusal in self.refusals]
        ((_, body),) = self.handed_in
        return body

    @property
    def code(self) -> str:
        """Why it was refused; empty where nothing at all was said."""
        assert not self.handed_in, "it was not refused"
        return self.refusals[0].code if self.refusals else ""


class PlayedHub:
    """The hub of a small federation, and the opened nodes that it speaks to."""

    def __init__(self, federation: SmallFederation) -> None:
        self.federation = federation
        self.nodes: dict[str, Node] = {name: federation.node(name[-3:]) for name in federation.roster}
        self.bundles: dict[tuple[str, int], dict[str, DealingBundle]] = {}
        self.slots: dict[str, int] = {}

    @property
    def epoch(self) -> str:
        return name_epoch(self.federation.clock())

    def reopen(self, name: str) -> None:
        """Start a node again from what is on its disk."""
        self.nodes[name].database.close()
        self.nodes[name] = self.federation.node(name[-3:])

    def deliver(self, name: str, kind: DeliveryKind, body: Document) -> Said:
        """Have a node deal with one delivery."""
        said, text = Said(), base64.b64encode(encode_document(body)).decode()
        delivery = Delivery(delivery_id=1, kind=kind, lookup_id="", sender="", body=text)
        deal_with_sum(self.nodes[name], said, delivery)
        return said

    def recall_dealings(self) -> None:
        """Have what the nodes dealt before this hub was there."""
        for name, node in self.nodes.items():
            for row in node.database.connection.execute("SELECT roster_digest, slot, bundle FROM sum_own_slots"):
                dealt = self.bundles.setdefault((row["roster_digest"], row["slot"]), {})
                dealt[name] = decode_document(row["bundle"], DealingBundle)

    # --- Ahead of time -----------------------------------------------------------------------------------------------

    def prepare(self, slots: int = 2, members: Iterable[str] | None = None) -> SumRoster:
        """Have nodes publish prekeys, pair up, and deal so many slots of a roster."""
        names = tuple(sorted(members or self.nodes))
        self.pair()
        roster = SumRoster(epoch=self.epoch, members=names, threshold=smallest_threshold(len(names)))
        dealt = max((slot for digest, slot in self.bundles if digest == roster_digest(roster)), default=0)
        self.deal(roster, range(dealt + 1, dealt + 1 + slots))
        return roster

    def pair(self) -> None:
        """Prekeys and pairings of everybody (P1 to P3)."""
        epoch = self.epoch
        prekeys = tuple(
            read_envelope(self.deliver(name, DeliveryKind.PREKEYS_WANTED, PrekeyWanted(epoch=epoch)).body, PREKEY_TYPE)
            for name in self.nodes
        )
        pairings: dict[str, list[Envelope]] = {name: [] for name in self.nodes}
        for name in self.nodes:
            said = self.deliver(name, DeliveryKind.PREKEYS, PrekeysOffered(epoch=epoch, prekeys=prekeys))
            for pairing in decode_document(said.body, PairingsHandedIn).pairings:
                pairings[decode_document(pairing.body, Pairing).receiver].append(pairing)
        for name, signed in pairings.items():
            assert all(each.payload_type == PAIRING_TYPE for each in signed)
            self.deliver(name, DeliveryKind.PAIRINGS, PairingsOffered(epoch=epoch, pairings=tuple(signed)))

    def deal(self, roster: SumRoster, slots: Iterable[int]) -> None:
        """Dealings and parcels (P4)."""
        wanted = DealWanted(epoch=roster.epoch, members=roster.members, threshold=roster.threshold, slots=tuple(slots))
        parcels: dict[str, list[bytes]] = {name: [] for name in roster.members}
        for name in roster.members:
            dealt = decode_document(self.deliver(name, DeliveryKind.DEAL, wanted).body, DealingsHandedIn)
            for slot, data in zip(wanted.slots, dealt.bundles, strict=True):
                bundle = decode_document(data, DealingBundle)
                check_bundle(bundle, roster, self.federation.register, self.federation.clock())
                self.bundles.setdefault((roster_digest(roster), slot), {})[name] = bundle
                for receiver, parcel in split_bundle(bundle).items():
                    parcels[receiver].append(encode_document(parcel))
        for name, each in parcels.items():
            offered = ParcelsOffered(epoch=roster.epoch, roster_digest=roster_digest(roster), parcels=tuple(each))
            assert not self.deliver(name, DeliveryKind.PARCELS, offered).handed_in

    # --- A question --------------------------------------------------------------------------------------------------

    def attempt(self, manifest: Manifest, digest: str, number: int = 1, **changes: object) -> Attempt:
        """The next attempt at a manifest, with a slot that was never used."""
        assert manifest.sum is not None
        roster = SumRoster(epoch=self.epoch, members=manifest.roster, threshold=manifest.sum.threshold)
        slot = self.slots[roster_digest(roster)] = self.slots.get(roster_digest(roster), 0) + 1
        attempt = Attempt(
            manifest_digest=digest,
            number=number,
            epoch=roster.epoch,
            roster_digest=roster_digest(roster),
            slot=slot,
            expires_at=whole_seconds(self.federation.clock()) + timedelta(minutes=30),
        )
        return msgspec.structs.replace(attempt, **changes)

    def sign_attempt(self, attempt: Attempt, signer: str = "hub") -> Envelope:
        return seal_envelope(encode_document(attempt), ATTEMPT_TYPE, self.federation.party(signer).keys)

    def want(self, signed: bytes, number: int = 1, **more: object) -> "PlayedSum":
        """Begin an attempt at a signed manifest; `more` goes along with it."""
        envelope = read_envelope(signed, MANIFEST_TYPE)
        manifest, digest = read_manifest(envelope), hashlib.sha256(envelope.body).hexdigest()
        changes = more.pop("attempt", {})
        assert isinstance(changes, Mapping)
        attempt = self.attempt(manifest, digest, number, **changes)
        handed = {"template": None, "certificate": None, "earlier": (), "aborts": None, **more}
        wanted = SumWanted(attempt=self.sign_attempt(attempt), manifest=envelope, **handed)  # type: ignore[arg-type]
        return PlayedSum(self, manifest, attempt, wanted)

    def run(self, signed: bytes, number: int = 1, *, away: Iterable[str] = (), **more: object) -> "PlayedSum":
        """A whole sum, honestly; nodes that are away say nothing at all."""
        played = self.want(signed, number, **more)
        played.play(away)
        return played


class PlayedSum:
    """One attempt, and what came of it."""

    def __init__(self, hub: PlayedHub, manifest: Manifest, attempt: Attempt, wanted: SumWanted) -> None:
        assert manifest.sum is not None
        self.hub, self.manifest, self.attempt, self.wanted = hub, manifest, attempt, wanted
        self.plan = derive_plan(manifest.sql, manifest.path)
        self.roster = SumRoster(epoch=attempt.epoch, members=manifest.roster, threshold=manifest.sum.threshold)
        self.facts = ManifestFacts(
            digest=attempt.manifest_digest,
            query_id=manifest.query_id,
            path=SumPath(manifest.path.value),
            members=manifest.roster,
            threshold=manifest.sum.threshold,
            dropouts=manifest.sum.dropouts,
            cells=figures_carried(self.plan),
            gather_seconds=manifest.sum.gather_seconds,
            expires_at=manifest.expires_at,
            snapshot_term=manifest.snapshot_term,
            regions=name_regions(hub.federation.register),
        )
        self.collector = Collector(
            attempt,
            self.roster,
            self.facts,
            hub.bundles.get((attempt.roster_digest, attempt.slot), {}),
            hub.federation.register,
            hub.federation.clock(),
            certified=wanted.certificate is not None,
        )
        self.refused: dict[str, str] = {}
        self.opening: Envelope | None = None
        self.opened: list[int] | None = None
        self.failed: Fail | None = None

    # --- The steps, one node at a time -------------------------------------------------------------------------------

    def ask(self, name: str) -> Said:
        """S1 to S4 at one node."""
        return self.hub.deliver(name, DeliveryKind.SUM, self.wanted)

    def take(self, name: str, said: Said) -> None:
        """Take what a node said in trip 1."""
        if said.refusals:
            self.refused[name] = said.refusals[0].code
            self.collector.take_refusal(name, said.refusals[0].code)
            return
        sent = decode_document(said.body, ContributionHandedIn)
        self.collector.take_contribution(name, sent.contribution, sent.vector, sent.consent, self.now)

    def ask_survivors(self, name: str, statement: SurvivorSet) -> Said:
        """S5 and S6 at one node."""
        offered = seal_envelope(encode_document(statement), SURVIVORS_TYPE)
        return self.hub.deliver(name, DeliveryKind.SURVIVORS, StatementOffered(statement=offered))

    def ask_reveal(self, name: str, opening: Envelope) -> Said:
        """S7 to S9 at one node."""
        return self.hub.deliver(name, DeliveryKind.OPENING, StatementOffered(statement=opening))

    def ask_abort(self, name: str) -> Said:
        """S12 at one node."""
        return self.hub.deliver(name, DeliveryKind.ABORT, self.abort_wanted)

    @property
    def abort_wanted(self) -> AbortWanted:
        """What an honest hub sends to have the attempt called off."""
        wanted = self.wanted
        return AbortWanted(
            attempt=wanted.attempt, manifest=wanted.manifest, template=wanted.template, aborts=wanted.aborts
        )

    def abort_everywhere(self, names: Iterable[str]) -> Envelope | None:
        """Collect aborts; t of them make the next attempt possible."""
        for name in names:
            for _, body in self.ask_abort(name).handed_in:
                self.collector.take_abort(name, decode_document(body, StatementSigned).signature, self.now)
        return self.collector.aborts()

    @property
    def now(self) -> datetime:
        return self.hub.federation.clock()

    # --- All of it ---------------------------------------------------------------------------------------------------

    def gather(self, away: Iterable[str] = ()) -> None:
        """Trip 1 at everybody who is there."""
        for name in sorted(set(self.roster.members) - set(away)):
            self.take(name, self.ask(name))

    def play(self, away: Iterable[str] = (), each: Callable[[str], None] = lambda _: None) -> None:
        """Go on until the sum is opened or cannot be; `each` is called before a node is spoken to."""
        self.gather(away)
        for _ in range(10):
            match step := self.collector.next_step(self.hub.federation.clock()):
                case Wait(until):
                    self.hub.federation.clock.now = until
                case AskSurvivors(statement):
                    for name in statement.survivors:
                        each(name)
                        signed = decode_document(self.ask_survivors(name, statement).body, StatementSigned)
                        self.collector.take_signature(name, signed.signature, self.hub.federation.clock())
                case AskReveals(opening, survivors):
                    self.opening = opening
                    for name in survivors:
                        each(name)
                        revealed = read_envelope(self.ask_reveal(name, opening).body, REVEAL_TYPE)
                        self.collector.take_reveal(name, revealed, self.hub.federation.clock())
                case Open():
                    self.opened = signed_values(self.collector.open())
                    return
                case Fail():
                    self.failed = step
                    return
        raise AssertionError("the sum neither opens nor fails")

    @property
    def certificate(self) -> Certificate:
        """What fixes the survivors of an exact term: the word of those who revealed."""
        return self.collector.certificate()


def read_complaint_of(said: Said) -> Complaint:
    """The complaint that a node handed in."""
    ((door, body),) = said.handed_in
    assert door == "complaints"
    return decode_document(read_envelope(body, COMPLAINT_TYPE).body, Complaint)


def exact_figures(hub: PlayedHub, played: PlayedSum, names: Iterable[str]) -> list[int]:
    """The plain sum of nodes' own figures, worked out beside the protocol."""
    from disclosure_control.noise.shares import vector_of
    from node.engines import open_engine

    exact = derive_plan(played.manifest.sql, Path.EXACT_SUM)
    totals: list[int] = []
    for name in names:
        node = hub.nodes[name]
        snapshot = node.store.newest(played.manifest.snapshot_term)
        assert snapshot is not None
        with open_engine(node, snapshot) as engine:
            own = vector_of(engine.run(exact)).values[: played.facts.cells]
        totals = [total + value for total, value in zip(totals, own, strict=True)] if totals else list(own)
    return [value if value < 2**63 else value - 2**64 for value in (total % 2**64 for total in totals)]
