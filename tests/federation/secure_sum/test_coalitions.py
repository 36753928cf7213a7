"""What a hub with c colluding nodes can get together, counted share by share under every play that the tests think of.

Whoever has t shares of a node's seed and t of its unlock key opens that node's vector; whoever gets t nodes to reveal
for each of two sets opens two sums and subtracts them. Below c = 2t - n neither happens; at the bound both can, which
shows that the tests would notice.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.envelope import Envelope, Signature, add_signature, seal_envelope
from federation.secure_sum.contributor_store import ShareKind
from federation.secure_sum.dealing import OwnSlot, SlotKey
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery, name_survivors
from federation.secure_sum.masking import KeyStream, pair_mask_key, self_mask_key
from federation.secure_sum.messages import SURVIVORS_TYPE
from federation.secure_sum.vectors import read_vector, signed_values
from federation.wire import encode_document
from tests.federation.cast import NOW, make_keys
from tests.federation.secure_sum.troupe import Troupe, make_troupe

if TYPE_CHECKING:
    from federation.secure_sum.vectors import Vector


@dataclass
class Plot:
    """A hub with its colluding nodes, who sign whatever is wanted and share everything that they hold."""

    troupe: Troupe
    query: SumQuery
    colluders: frozenset[str]
    revealed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    signed: dict[tuple[str, ...], dict[str, Signature]] = field(default_factory=dict)
    slots: dict[str, OwnSlot] = field(default_factory=dict)
    """The honest nodes' slots before they used them: nobody in the plot has these; the tests do."""

    @property
    def honest(self) -> list[str]:
        return [name for name in self.troupe.names if name not in self.colluders]

    @property
    def threshold(self) -> int:
        return self.troupe.roster.threshold

    def ask_to_sign(self, survivors: tuple[str, ...], name: str) -> None:
        """Ask an honest node for its signature on a set; it may refuse."""
        statement = name_survivors(self.query.attempt, self.query.facts, survivors)
        try:
            signature = self.troupe.node(name).sign_survivors(statement, self.query, self.troupe.register, NOW)
        except SumRefused:
            return
        self.signed.setdefault(survivors, {})[name] = signature

    def show(self, survivors: tuple[str, ...], name: str) -> None:
        """Show an honest node the opening of a set, with every signature that can be had; it may refuse."""
        envelope = self.bind(survivors)
        try:
            self.troupe.node(name).reveal(envelope, self.query, self.troupe.register, NOW)
        except SumRefused:
            return
        self.revealed[name] = survivors

    def bind(self, survivors: tuple[str, ...]) -> Envelope:
        body = encode_document(name_survivors(self.query.attempt, self.query.facts, survivors))
        plotting = [make_keys(name) for name in sorted(self.colluders & set(survivors))]
        envelope = seal_envelope(body, SURVIVORS_TYPE, *plotting)
        for signature in self.signed.get(survivors, {}).values():
            envelope = add_signature(envelope, signature)
        return envelope

    def openable(self) -> set[tuple[str, ...]]:
        """The sets for which t reveals can be had: every colluder reveals for each of them."""
        counts = Counter(self.revealed.values())
        return {survivors for survivors, count in counts.items() if count + len(self.colluders) >= self.threshold}

    def exposed(self) -> set[str]:
        """The honest nodes of whom both secrets can be put together."""
        return {
            dealer
            for dealer in self.honest
            if all(self._shares(dealer, kind) + len(self.colluders) >= self.threshold for kind in ShareKind)
        }

    def _shares(self, dealer: str, kind: ShareKind) -> int:
        wants_seed = kind is ShareKind.SEED
        return sum((dealer in survivors) is wants_seed for survivors in self.revealed.values())


def make_plot(count: int, colluders: Iterable[str]) -> Plot:
    troupe = make_troupe(count)
    troupe.deal(1)
    query = troupe.query(cells=1)
    plot = Plot(troupe, query, frozenset(colluders))
    for place, name in enumerate(troupe.names):
        own = troupe.stores[name].own_slots[SlotKey(query.attempt.roster_digest, 1)][1]
        consent = troupe.contribute(query, name, [2**place]).consent
        if name in plot.honest:
            plot.slots[name] = own
            plot.signed.setdefault(troupe.names, {})[name] = consent
    return plot


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), count=st.integers(5, 9))
def test_no_play_opens_two_sets_or_one_node(data: st.DataObject, count: int) -> None:
    """S6, S8. Whatever sets the hub proposes and shows, to whom and in whatever order."""
    names = make_troupe(count).names
    threshold = -(-2 * count // 3)
    colluders = data.draw(st.sets(st.sampled_from(names), max_size=max(0, 2 * threshold - count - 1)))
    plot = make_plot(count, colluders)
    subsets = st.sets(st.sampled_from(names), min_size=threshold).map(lambda chosen: tuple(sorted(chosen)))
    proposed = [names, *data.draw(st.lists(subsets, min_size=1, max_size=3, unique=True))]
    for name in plot.honest:
        for survivors in data.draw(st.permutations(proposed)):
            plot.ask_to_sign(survivors, name)
    for name in data.draw(st.permutations(plot.honest)):
        for survivors in data.draw(st.permutations(proposed)):
            plot.show(survivors, name)
    assert len(plot.openable()) <= 1
    assert not plot.exposed()
    assert all(len(survivors) - len(colluders & set(survivors)) >= threshold - len(colluders) for survivors in proposed)


def split_the_honest(plot: Plot) -> None:
    """Show half of the honest nodes the whole roster, and the other half a set without the last honest node."""
    names, victim = plot.troupe.names, plot.honest[-1]
    fewer = tuple(name for name in names if name != victim)
    half = len(plot.honest) // 2
    for name in plot.honest:
        plot.ask_to_sign(fewer, name)
    for place, name in enumerate(plot.honest):
        plot.show(fewer if place < half else names, name)


def test_the_bound_is_tight() -> None:
    """At c = 2t - n the play that fails below it succeeds: two sets open, and their difference is one node."""
    below, at = make_plot(6, ["node-301"]), make_plot(6, ["node-301", "node-302"])
    for plot in (below, at):
        split_the_honest(plot)
    assert below.threshold == at.threshold == 4
    assert len(below.openable()) <= 1
    assert not below.exposed()
    assert len(at.openable()) == 2
    assert at.exposed() == {at.honest[-1]}


@pytest.mark.parametrize("colluders", [[], ["node-301"], ["node-301", "node-304"]])
def test_what_an_opening_shows_of_honest_nodes_is_their_sum(colluders: list[str]) -> None:
    """With every seed opened and every mask that colluders know taken off, honest vectors still hide in one another."""
    plot = make_plot(7, colluders)
    bare: dict[str, Vector] = {}
    for name, own in plot.slots.items():
        vector = read_vector(plot.troupe.stores[name].contributions[plot.query.facts.digest, 1].masked, 1).copy()
        stream = KeyStream(1)
        stream.apply(vector, self_mask_key(own.seed, plot.query.facts.digest, 1), add=False)
        for peer in plot.colluders:
            stream.apply(vector, pair_mask_key(own.slot_keys[peer], plot.query.facts.digest, 1), add=peer < name)
        bare[name] = vector
    true = {name: 2 ** plot.troupe.names.index(name) for name in plot.honest}
    assert not any(signed_values(bare[name]) == [true[name]] for name in plot.honest)
    total = next(iter(bare.values())) * 0
    for vector in bare.values():
        total += vector
    assert signed_values(total) == [sum(true.values())]
