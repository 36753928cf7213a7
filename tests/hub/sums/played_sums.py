"""Nodes that take part in the sums of a played federation: the protocol is real, what they add up is made up."""

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from disclosure_control.rows.others import cap_counts
from federation.envelope import Envelope, decode_base64, seal_envelope
from federation.exchange import Delivery, DeliveryKind, QueryDraft, RunDraft
from federation.manifest import Path, manifest_digest, read_manifest
from federation.plans import derive_plan
from federation.secure_sum.contributions import AnswerFacts
from federation.secure_sum.contributor import Contributor
from federation.secure_sum.dealing import write_complaint
from federation.secure_sum.digests import digest_of
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery, name_abort
from federation.secure_sum.memory_store import MemoryStore
from federation.secure_sum.messages import (
    ATTEMPT_TYPE,
    SURVIVORS_TYPE,
    Attempt,
    ParcelDelivery,
    Prekey,
    SumRoster,
    SurvivorSet,
)
from federation.secure_sum.pairing import accept_pairing, pair_up
from federation.secure_sum.prekeys import make_prekey, read_prekey
from federation.secure_sum.signing import read_payload
from federation.sum_facts import state_facts
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
from federation.template import TEMPLATE_TYPE
from federation.template_making import make_template, sign_template
from federation.wire import decode_document, encode_document
from hub import drafting, queries
from hub.dispatch import finish_deliveries, read_inbox
from hub.runs import draft_run
from hub.service import open_hub
from hub.settling import keep_up
from hub.sums import arrivals, complaints, prekeys, slots
from hub.sums.advancing import advance
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.hub.played_federation import PROJECT, PlayedFederation
from tests.hub.replies import released
from tests.projects import make_project

SQL = """SELECT key_stage, COUNT(*) AS children FROM child_year
WHERE academic_year = 202425 AND counted_here AND population = 'looked_after' GROUP BY key_stage"""

TERM = "202425-summer"


def carry(plan: QueryPlan, figures: Sequence[int]) -> list[int]:
    """What a node with these figures adds to a sum: they, and of an exact one its capped counts."""
    columns = {each.name: figures[at * plan.cells :][: plan.cells] for at, each in enumerate(plan.statistics)}
    return [*figures, *(few for column in cap_counts(RawTable(plan, columns)).values() for few in column)]


@dataclass
class PlayedNode:
    """One node: its keys and store are real; `figures` are what it adds."""

    federation: PlayedFederation
    name: str
    store: MemoryStore = field(default_factory=MemoryStore)
    peers: dict[str, Prekey] = field(default_factory=dict)
    rosters: dict[str, SumRoster] = field(default_factory=dict)
    asked: dict[str, SumQuery] = field(default_factory=dict)
    figures: Callable[[QueryPlan], Sequence[int]] = lambda plan: [1] * (plan.cells * len(plan.statistics))
    deaf_to: frozenset[DeliveryKind] = frozenset()
    """Deliveries that this node never sees."""
    gives_prekeys: bool = True
    lies: bool = False
    """Whether it deals parcels that nobody can open."""

    @property
    def contributor(self) -> Contributor:
        return Contributor(self.name, self.federation.parties[self.name].keys, self.store)

    def poll(self) -> int:
        """Deal with everything that waits; returns how much that was."""
        hub, me, now = self.federation.hub, self.federation.member(self.name), self.federation.clock()
        waiting = [each for each in read_inbox(hub, me, now).deliveries if each.kind not in self.deaf_to]
        for delivery in waiting:
            getattr(self, f"_on_{delivery.kind}")(delivery, decode_base64(delivery.body))
            finish_deliveries(hub, me, [delivery.delivery_id])
        return len(waiting)

    def _on_prekeys_wanted(self, delivery: Delivery, body: bytes) -> None:
        if not self.gives_prekeys:
            return
        epoch, now = decode_document(body, PrekeyWanted).epoch, self.federation.clock()
        secret, envelope = make_prekey(self.federation.parties[self.name].keys, epoch, now)
        self.store.keep_prekey(secret)
        prekeys.keep_prekey(self.federation.hub, self.federation.member(self.name), envelope)

    def _on_prekeys(self, delivery: Delivery, body: bytes) -> None:
        offered = decode_document(body, PrekeysOffered)
        register, now = self.federation.hub.register(), self.federation.clock()
        fresh = {each.node: each for each in (read_prekey(one, register, now) for one in offered.prekeys)}
        fresh = {name: prekey for name, prekey in fresh.items() if name not in self.peers}
        self.peers |= fresh
        roots, outgoing = pair_up(self.store.prekeys[offered.epoch], fresh, self.federation.parties[self.name].keys)
        self.store.keep_roots(offered.epoch, roots)
        handed = PairingsHandedIn(epoch=offered.epoch, pairings=tuple(outgoing.values()))
        prekeys.keep_pairings(self.federation.hub, self.federation.member(self.name), handed)

    def _on_pairings(self, delivery: Delivery, body: bytes) -> None:
        offered = decode_document(body, PairingsOffered)
        for envelope in offered.pairings:
            peer = self.peers[envelope.signers[0]]
            root = accept_pairing(
                self.store.prekeys[offered.epoch],
                peer,
                envelope,
                self.federation.hub.register(),
                self.federation.clock(),
            )
            self.store.keep_roots(offered.epoch, {peer.node: root})

    def _on_deal(self, delivery: Delivery, body: bytes) -> None:
        wanted = decode_document(body, DealWanted)
        roster = SumRoster(epoch=wanted.epoch, members=wanted.members, threshold=wanted.threshold)
        digest = digest_of(encode_document(roster))
        self.rosters[digest] = roster
        register, now = self.federation.hub.register(), self.federation.clock()
        if self.lies:
            self.store.roots[wanted.epoch] = {peer: bytes(32) for peer in self.store.roots[wanted.epoch]}
        bundles = [encode_document(self.contributor.deal(roster, slot, register, now)) for slot in wanted.slots]
        handed = DealingsHandedIn(epoch=wanted.epoch, roster_digest=digest, bundles=tuple(bundles))
        slots.keep_dealings(self.federation.hub, self.federation.member(self.name), handed)

    def _on_parcels(self, delivery: Delivery, body: bytes) -> None:
        offered = decode_document(body, ParcelsOffered)
        register, now = self.federation.hub.register(), self.federation.clock()
        keep = self.contributor.receive_parcels(self.rosters[offered.roster_digest], register, now)
        for data in offered.parcels:
            parcel = decode_document(data, ParcelDelivery)
            try:
                keep(parcel)
            except SumRefused as refused:
                self._complain(refused, parcel)

    def _complain(self, refused: SumRefused, parcel: ParcelDelivery) -> None:
        hub, me = self.federation.hub, self.federation.member(self.name)
        complaint = write_complaint(refused, parcel, self.federation.parties[self.name].keys)
        if complaint is not None:
            complaints.accept_complaint(hub, me, complaint)

    def _on_sum(self, delivery: Delivery, body: bytes) -> None:
        wanted = decode_document(body, SumWanted)
        digest, manifest = manifest_digest(wanted.manifest), read_manifest(wanted.manifest)
        plan, register = derive_plan(manifest.sql, manifest.path), self.federation.hub.register()
        query = self.asked[digest] = replace(
            self._read_query(wanted), certificate=wanted.certificate, earlier=wanted.earlier, aborts=wanted.aborts
        )
        answer = AnswerFacts(self.name.removeprefix("node-"), f"{manifest.snapshot_term}-00", register.version)
        sent = self.contributor.contribute(
            query, carry(plan, self.figures(plan)), answer, register, self.federation.clock()
        )
        handed = ContributionHandedIn(contribution=sent.envelope, vector=sent.masked.data, consent=sent.consent)
        arrivals.accept_contribution(self.federation.hub, self.federation.member(self.name), digest, handed)
        advance(self.federation.hub, digest)

    def _read_query(self, wanted: SumWanted | AbortWanted) -> SumQuery:
        manifest, attempt = read_manifest(wanted.manifest), read_payload(wanted.attempt, ATTEMPT_TYPE, Attempt)
        assert manifest.sum is not None
        plan = derive_plan(manifest.sql, manifest.path)
        facts = state_facts(manifest, manifest_digest(wanted.manifest), plan, self.federation.hub.register())
        roster = SumRoster(epoch=attempt.epoch, members=manifest.roster, threshold=manifest.sum.threshold)
        return SumQuery(attempt, roster, facts)

    def _on_survivors(self, delivery: Delivery, body: bytes) -> None:
        offered = decode_document(body, StatementOffered).statement
        statement = read_payload(offered, SURVIVORS_TYPE, SurvivorSet)
        query = self.asked[statement.manifest_digest]
        signature = self.contributor.sign_survivors(
            statement, query, self.federation.hub.register(), self.federation.clock()
        )
        signed = StatementSigned(statement_digest=digest_of(offered.body), signature=signature)
        me = self.federation.member(self.name)
        arrivals.accept_signature(self.federation.hub, me, statement.manifest_digest, signed)
        advance(self.federation.hub, statement.manifest_digest)

    def _on_opening(self, delivery: Delivery, body: bytes) -> None:
        offered = decode_document(body, StatementOffered).statement
        statement = read_payload(offered, SURVIVORS_TYPE, SurvivorSet)
        self.reveal(statement.manifest_digest, offered)
        advance(self.federation.hub, statement.manifest_digest)

    def reveal(self, digest: str, offered: Envelope) -> None:
        """Hand in this node's shares for an opening, unless the sum is open already."""
        register, now = self.federation.hub.register(), self.federation.clock()
        revealed = self.contributor.reveal(offered, self.asked[digest], register, now)
        if queries.find_running(self.federation.hub, digest) is not None:
            arrivals.accept_reveal(self.federation.hub, self.federation.member(self.name), digest, revealed)

    def _on_abort(self, delivery: Delivery, body: bytes) -> None:
        wanted = decode_document(body, AbortWanted)
        query = replace(self._read_query(wanted), aborts=wanted.aborts)
        digest, statement = query.facts.digest, encode_document(name_abort(query.attempt))
        signature = self.contributor.abort(query, self.federation.hub.register(), self.federation.clock())
        signed = StatementSigned(statement_digest=digest_of(statement), signature=signature)
        arrivals.accept_abort(self.federation.hub, self.federation.member(self.name), digest, signed)
        advance(self.federation.hub, digest)


@dataclass
class PlayedSums:
    """The federation and its nodes."""

    federation: PlayedFederation
    nodes: dict[str, PlayedNode]

    def settle(self, *names: str, rounds: int = 60) -> None:
        """Have these nodes, or all, poll until nothing is left to do; the hub looks at the clock in between."""
        chosen = [self.nodes[name] for name in names] if names else list(self.nodes.values())
        for _ in range(rounds):
            keep_up(self.federation.hub, self.federation.clock())
            if not sum(node.poll() for node in chosen):
                return
        raise AssertionError("the nodes never came to rest")

    def ask(
        self,
        *,
        dropouts: int = 2,
        colluders: int = 1,
        path: Path = Path.NOISY_SUM,
        sql: str = SQL,
        starts: bool = True,
    ) -> str:
        """Have a noisy sum asked and approved, and begun if it `starts`; returns the query's id."""
        draft = QueryDraft(
            project=PROJECT,
            purpose="How many children there are in each key stage",
            sql=sql,
            academic_year="202425",
            preset="ons_10_5",
            roster=None,
            valid_hours=24,
            path=path,
            epsilon="1",
            dropouts=dropouts,
            colluders=colluders,
        )
        query_id = drafting.draft_query(self.federation.hub, draft, self.federation.member("ana"))
        self.federation.sign(query_id, "ana", "cho", "dev", starts=starts)
        return query_id

    def reopen_hub(self) -> None:
        """Stop the hub, whatever it was doing, and open it again: what it held in memory is gone."""
        hub = self.federation.hub
        hub.database.close()
        self.federation.hub = open_hub(hub.party.directory, self.federation.clock)

    def table(self, query_id: str) -> list[list[object]]:
        """The rows of the release."""
        rows: list[list[object]] = released(self.federation, query_id).table["rows"]
        return rows


def play_sums(federation: PlayedFederation, nodes: Iterable[str]) -> PlayedSums:
    """Give every node of a federation what it takes, and have it state its budget."""
    federation.state_budgets()
    return PlayedSums(federation, {name: PlayedNode(federation, name) for name in nodes})


class KeptReveals:
    """Every share that the nodes of a federation could reveal, and whether one stands in the hub's files."""

    def __init__(self, sums: PlayedSums) -> None:
        self._directory = sums.federation.hub.party.directory
        stores = [node.store for node in sums.nodes.values()]
        parcels = [parcel for store in stores for _, parcel in store.parcels.values()]
        self.shares = [share for parcel in parcels for share in (parcel.seed_share, parcel.unlock_share)]

    def found_in_files(self) -> bool:
        """Whether any share, as bytes or in base64, stands in a file of the hub's."""
        content = b"".join(path.read_bytes() for path in sorted(self._directory.rglob("*")) if path.is_file())
        forms = (form for share in self.shares for form in (share, b64encode(share)[:40]))
        return any(form in content for form in forms)


def approve_template(
    sums: PlayedSums,
    sql: str = SQL,
    runs: int = 12,
    terms: Sequence[str] = (TERM,),
    roster: str = "england",
    *,
    days: int = 30,
    years: Sequence[str] = (),
    purpose: str = "How many children there are in each key stage",
) -> Envelope:
    """A template for exact sums over England, signed by its asker and by approvers of two organisations.

    Where it has `years`, they are what its `{year}` may be.
    """
    federation = sums.federation
    template = make_template(
        project=make_project(PROJECT),
        asker="ana",
        purpose=purpose,
        sql=sql,
        parameters={"year": list(years)} if years else {},
        snapshot_terms=terms,
        path=Path.EXACT_SUM,
        roster=roster,
        preset="ons_10_5",
        most_runs=runs,
        days=days,
        register_version=1,
        now=federation.clock(),
    )
    envelope = seal_envelope(encode_document(template), TEMPLATE_TYPE)
    for signer in ("ana", "cho", "dev"):
        envelope = sign_template(envelope, federation.parties[signer].keys)
    return envelope


def run_template(sums: PlayedSums, template: Envelope, term: str = TERM) -> str:
    """Have a template run; returns the query's id."""
    draft = RunDraft(template=template, choices=(), snapshot_term=term, valid_hours=24)
    query_id = draft_run(sums.federation.hub, draft, sums.federation.member("ana"))
    sums.federation.sign(query_id, "ana")
    return query_id
