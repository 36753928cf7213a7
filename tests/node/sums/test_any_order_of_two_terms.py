"""Two terms' exact sums about one year, under a hub that asks for anything in any order: no two sets are ever opened.

The hub may ask every node to contribute, to agree to any set of survivors and to reveal for it, in either term and as
often as it likes; it has one node's keys and signs with them whatever helps; and it shows a certificate of the other
term or keeps it back. An honest node reveals for one set, whichever the term, so two sets with t reveals would take
2t <= n + c (docs/secure-sums.md): 8 <= 7 for these six nodes with t = 4 and c = 1.
"""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from audit.log import read_entries
from federation.envelope import Envelope, Signature, seal_envelope
from federation.secure_sum.facts import name_survivors
from federation.secure_sum.messages import HELD_TYPE, SURVIVORS_TYPE, Certificate, SurvivorSet
from federation.sums_exchange import StatementSigned
from federation.wire import decode_document, encode_document
from tests.node.sums.played_hub import PlayedHub, PlayedSum
from tests.node.sums.standing import Standing
from tests.node.sums.test_terms_of_one_year import AUTUMN, SUMMER, publish_term
from tests.small_federation import SmallFederation, copy_federation

COLLUDER, THRESHOLD, MOVES = "node-203", 4, 40

Survivors = tuple[str, ...]


@dataclass
class Plot:
    """A dishonest hub with one node's keys, two questions under way, and what it has got out of the others."""

    hub: PlayedHub
    dice: random.Random
    sums: dict[str, PlayedSum] = field(default_factory=dict)
    wanted: tuple[Survivors, ...] = ()
    agreed: dict[tuple[str, Survivors], set[Signature]] = field(default_factory=lambda: defaultdict(set))
    revealed: dict[str, set[Survivors]] = field(default_factory=lambda: defaultdict(set))

    def begin(self) -> None:
        """Ask about both terms, and choose two sets that subtract to one node."""
        everyone = self.hub.federation.roster
        standing = Standing(self.hub.federation, snapshot_terms=(SUMMER, AUTUMN))
        publish_term(self.hub, AUTUMN)
        for term in (SUMMER, AUTUMN):
            run = standing.sign(standing.run(snapshot_term=term))
            self.sums[term] = self.hub.want(run, template=standing.envelope)
        left_out = self.dice.choice([name for name in everyone if name != COLLUDER])
        self.wanted = (everyone, tuple(name for name in everyone if name != left_out))

    def move(self) -> None:
        """Ask some of the honest nodes, in either term, for something."""
        term, survivors = self.dice.choice((SUMMER, AUTUMN)), self.dice.choice(self.wanted)
        act = self.dice.choice((self.contribute, self.agree, self.reveal))
        for name in self.hub.federation.roster:
            if name != COLLUDER and self.dice.random() < 1 / 2:
                act(term, name, survivors)

    def contribute(self, term: str, name: str, _: Survivors) -> None:
        """Show what the other term was opened for, or keep it back, as the dice say."""
        other = AUTUMN if term == SUMMER else SUMMER
        shown = [self.certify(other, survivors) for survivors in self.opened() if self.dice.random() < 1 / 2]
        played = self.sums[term]
        played.wanted = msgspec.structs.replace(played.wanted, earlier=tuple(shown))
        played.ask(name)

    def agree(self, term: str, name: str, survivors: Survivors) -> None:
        """Keep whatever signature a node gives."""
        said = self.sums[term].ask_survivors(name, self.name_set(term, survivors))
        signed = [decode_document(body, StatementSigned).signature for _, body in said.handed_in]
        self.agreed[term, survivors].update(signed)

    def reveal(self, term: str, name: str, survivors: Survivors) -> None:
        """Note whoever reveals."""
        if self.sums[term].ask_reveal(name, self.sign_set(term, survivors)).handed_in:
            self.revealed[name].add(survivors)

    def name_set(self, term: str, survivors: Survivors) -> SurvivorSet:
        """The statement that these are to be opened together in a term."""
        return name_survivors(self.sums[term].attempt, self.sums[term].facts, survivors)

    def sign_set(self, term: str, survivors: Survivors) -> Envelope:
        """The statement as signed by the colluder, and by whoever has agreed to it."""
        statement = encode_document(self.name_set(term, survivors))
        ours = seal_envelope(statement, SURVIVORS_TYPE, self.hub.federation.party(COLLUDER).keys)
        theirs = sorted(self.agreed[term, survivors], key=lambda signature: signature.keyid)
        return msgspec.structs.replace(ours, signatures=(*ours.signatures, *theirs))

    def certify(self, term: str, survivors: Survivors) -> Certificate:
        """The word of the colluder, and of everybody who revealed, that they hold to a set."""
        holders = [name for name, sets in self.revealed.items() if survivors in sets]
        keys = [self.hub.federation.party(name).keys for name in (COLLUDER, *holders)]
        signed = seal_envelope(encode_document(self.name_set(term, survivors)), HELD_TYPE, *keys)
        return Certificate(roster=self.sums[term].roster, survivors=signed)

    def opened(self) -> list[Survivors]:
        """The sets for which enough have revealed, the colluder lending a hand to each."""
        counts = {wanted: 1 + sum(wanted in sets for sets in self.revealed.values()) for wanted in self.wanted}
        return [wanted for wanted, count in counts.items() if count >= THRESHOLD]


def play(seed: int, hub: PlayedHub) -> Iterator[str]:
    """Let the hub try; yield what came of it, and what nodes refused on the way."""
    plot = Plot(hub, random.Random(seed))
    plot.begin()
    for _ in range(MOVES):
        plot.move()
        assert all(len(sets) <= 1 for sets in plot.revealed.values()), "an honest node revealed for two sets"
        assert len(plot.opened()) <= 1, "two sets were opened"
    yield from ("opened" for _ in plot.opened())
    for node in hub.nodes.values():
        yield from (str(entry.to_event().details.get("code")) for entry in read_entries(node.database.connection))


def play_on_a_copy(seed: int, prepared: SmallFederation, directory: Path) -> set[str]:
    """Play at nodes of the seed's own."""
    hub = PlayedHub(copy_federation(prepared, directory / str(seed)))
    hub.recall_dealings()
    try:
        return set(play(seed, hub))
    finally:
        for node in hub.nodes.values():
            node.database.close()


def test_no_order_opens_two_sets(prepared_federation: SmallFederation, tmp_path: Path) -> None:
    """A few orders; in some a set is opened, and nodes refuse another because of what they told in the other term."""
    seen = [play_on_a_copy(seed, prepared_federation, tmp_path) for seed in range(4)]
    assert {"opened", "term_changed"} <= set().union(*seen)


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(4, 104))
def test_no_other_order_does(prepared_federation: SmallFederation, tmp_path: Path, seed: int) -> None:
    """A hundred more."""
    play_on_a_copy(seed, prepared_federation, tmp_path)
