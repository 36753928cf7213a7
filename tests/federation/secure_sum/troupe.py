"""A troupe of nodes with a hub between them, all in one process: everything that a sum takes, and nothing it checks."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache

from federation.register import Register
from federation.secure_sum.bundles import check_bundle, split_bundle
from federation.secure_sum.collector import Collector
from federation.secure_sum.contributions import AnswerFacts
from federation.secure_sum.contributor import Contributor, SentContribution
from federation.secure_sum.epochs import name_epoch
from federation.secure_sum.facts import ManifestFacts, SumPath, SumQuery
from federation.secure_sum.memory_store import MemoryStore
from federation.secure_sum.messages import Attempt, DealingBundle, SumRoster
from federation.secure_sum.pairing import accept_pairing, pair_up
from federation.secure_sum.prekeys import make_prekey, read_prekey
from federation.secure_sum.rosters import make_roster, roster_digest
from federation.secure_sum.steps import AskReveals, AskSurvivors, Fail, Open, Wait
from federation.secure_sum.vectors import signed_values
from tests.federation.cast import NOW, make_keys, make_member, make_register, serve

EPOCH = name_epoch(NOW)
DIGEST = hashlib.sha256(b"a manifest").hexdigest()
QUERY_ID = "Q-0123456789abcdef"
TERM = "202425-summer"


def node_names(count: int) -> tuple[str, ...]:
    """As many nodes as asked for, in the order of their ids."""
    return tuple(f"node-{number}" for number in range(301, 301 + count))


@cache
def register_of(count: int) -> Register:
    """A register of the hub and so many nodes, each run by its own operator."""
    nodes = [
        make_member(name, operator=f"operator-{name}", authorities=serve(name.removeprefix("node-")))
        for name in node_names(count)
    ]
    return make_register([make_member("hub"), make_member("ana@ucl"), *nodes])


@dataclass
class Troupe:
    """Nodes that are paired, and whatever they have dealt."""

    register: Register
    roster: SumRoster
    stores: dict[str, MemoryStore]
    bundles: dict[tuple[str, int], dict[str, DealingBundle]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        return self.roster.members

    def node(self, name: str) -> Contributor:
        return Contributor(name, make_keys(name), self.stores[name])

    def deal(self, slot: int, roster: SumRoster | None = None) -> dict[str, DealingBundle]:
        """Deal a slot among a roster and hand every parcel over."""
        roster = roster or self.roster
        dealt = {name: self.node(name).deal(roster, slot, self.register, NOW) for name in roster.members}
        for bundle in dealt.values():
            check_bundle(bundle, roster, self.register, NOW)
            for receiver, delivery in split_bundle(bundle).items():
                self.node(receiver).receive_parcels(roster, self.register, NOW)(delivery)
        self.bundles[roster_digest(roster), slot] = dealt
        return dealt

    def query(self, slot: int = 1, number: int = 1, cells: int = 3, **changes: object) -> SumQuery:
        """One attempt at the manifest, whose terms may be changed."""
        roster = changes.pop("roster", self.roster)
        assert isinstance(roster, SumRoster)
        facts = replace(make_facts(roster, cells), **changes)  # type: ignore[arg-type]
        attempt = Attempt(
            manifest_digest=facts.digest,
            number=number,
            epoch=roster.epoch,
            roster_digest=roster_digest(roster),
            slot=slot,
            expires_at=NOW + timedelta(minutes=10),
        )
        return SumQuery(attempt, roster, facts)

    def contribute(self, query: SumQuery, name: str, values: Sequence[int], now: datetime = NOW) -> SentContribution:
        """Have one node contribute."""
        answer = AnswerFacts(name.removeprefix("node-"), f"{TERM}-0", self.register.version)
        return self.node(name).contribute(query, values, answer, self.register, now)

    def collector(self, query: SumQuery, **options: object) -> Collector:
        """The hub's side of an attempt."""
        bundles = self.bundles[query.attempt.roster_digest, query.attempt.slot]
        return Collector(query.attempt, query.roster, query.facts, bundles, self.register, NOW, **options)  # type: ignore[arg-type]

    def run(
        self,
        query: SumQuery,
        values: Mapping[str, Sequence[int]],
        *,
        silent_later: Iterable[str] = (),
        certified: bool = False,
    ) -> list[int] | Fail:
        """Play one attempt: whoever has values contributes; `silent_later` neither signs nor reveals."""
        collector, away = self.collector(query, certified=certified), frozenset(silent_later)
        for name in values:
            sent = self.contribute(query, name, values[name])
            collector.take_contribution(name, sent.envelope, sent.masked.data, sent.consent, NOW)
        now = NOW
        for _ in range(10):
            match step := collector.next_step(now):
                case Wait(until):
                    now = until
                case AskSurvivors(statement):
                    if now >= query.attempt.expires_at - timedelta(seconds=1):
                        return Fail("expired", "nobody signs any more", ())
                    for name in set(statement.survivors) - away:
                        signature = self.node(name).sign_survivors(statement, query, self.register, now)
                        collector.take_signature(name, signature, now)
                case AskReveals(envelope, survivors):
                    for name in [name for name in survivors if name not in away]:
                        collector.take_reveal(name, self.node(name).reveal(envelope, query, self.register, now), now)
                case Open():
                    return signed_values(collector.open())
                case Fail():
                    return step
        return Fail("stuck", "the hub waits for nodes that are away", ())


def make_facts(roster: SumRoster, cells: int = 3) -> ManifestFacts:
    """The terms of the manifest that the troupe is asked."""
    return ManifestFacts(
        digest=DIGEST,
        query_id=QUERY_ID,
        path=SumPath.NOISY_SUM,
        members=roster.members,
        threshold=roster.threshold,
        dropouts=len(roster.members) - roster.threshold,
        cells=cells,
        gather_seconds=60,
        expires_at=NOW + timedelta(days=1),
        snapshot_term=TERM,
    )


def pair_nodes(names: Sequence[str], register: Register) -> dict[str, MemoryStore]:
    """Have every two nodes pair up, each verifying what the other signed."""
    stores = {name: MemoryStore() for name in names}
    published = {}
    for name in names:
        secret, published[name] = make_prekey(make_keys(name), EPOCH, NOW)
        stores[name].keep_prekey(secret)
    prekeys = {name: read_prekey(envelope, register, NOW) for name, envelope in published.items()}
    for name in names:
        roots, outgoing = pair_up(stores[name].prekeys[EPOCH], prekeys, make_keys(name))
        stores[name].keep_roots(EPOCH, roots)
        for peer, envelope in outgoing.items():
            root = accept_pairing(stores[peer].prekeys[EPOCH], prekeys[name], envelope, register, NOW)
            stores[peer].keep_roots(EPOCH, {name: root})
    return stores


def make_troupe(count: int = 7) -> Troupe:
    """So many nodes, paired with one another."""
    register, names = register_of(count), node_names(count)
    return Troupe(register, make_roster(EPOCH, names), pair_nodes(names, register))
