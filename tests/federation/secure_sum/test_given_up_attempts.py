"""S12: an attempt that t nodes gave up is never opened, whether they contributed or never saw it; the next one is."""

from dataclasses import replace
from itertools import product

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from federation.envelope import Envelope, add_signature, seal_envelope, sign_body
from federation.secure_sum.collector import Collector
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery, name_abort, whole_roster
from federation.secure_sum.messages import ABORT_TYPE, SURVIVORS_TYPE
from federation.wire import encode_document
from tests.federation.cast import NOW, make_keys
from tests.federation.secure_sum.troupe import Troupe, make_troupe

ACTS = ("contribute", "abort", "reveal")


class Play:
    """An attempt at which honest nodes are asked for anything in any order, and what each of them did."""

    def __init__(self, troupe: Troupe, query: SumQuery, colluders: frozenset[str]) -> None:
        self.troupe, self.query, self.colluders = troupe, query, colluders
        self.done: dict[str, list[str]] = {name: [] for name in troupe.names if name not in colluders}
        self.collector: Collector = troupe.collector(query)
        self.opening = self._sign_as_colluders()

    def _sign_as_colluders(self) -> Envelope:
        body = encode_document(whole_roster(self.query))
        return seal_envelope(body, SURVIVORS_TYPE, *(make_keys(name) for name in sorted(self.colluders)))

    def ask(self, act: str, name: str) -> None:
        """Ask one node for one thing; it may refuse."""
        try:
            getattr(self, f"_{act}")(name)
        except SumRefused:
            return
        self.done[name].append(act)

    def _contribute(self, name: str) -> None:
        sent = self.troupe.contribute(self.query, name, [1])
        if "contribute" not in self.done[name]:
            self.opening = add_signature(self.opening, sent.consent)

    def _abort(self, name: str) -> None:
        self.collector.take_abort(name, self.troupe.node(name).abort(self.query, self.troupe.register, NOW), NOW)

    def _reveal(self, name: str) -> None:
        self.troupe.node(name).reveal(self.opening, self.query, self.troupe.register, NOW)

    def who(self, act: str) -> set[str]:
        """The honest nodes that did this."""
        return {name for name, acts in self.done.items() if act in acts}

    def give_up(self) -> Envelope | None:
        """The aborts of the honest, with those of colluders, if they are enough for another attempt."""
        body = encode_document(name_abort(self.query.attempt))
        for name in self.colluders:
            self.collector.take_abort(name, sign_body(body, ABORT_TYPE, make_keys(name)), NOW)
        return self.collector.aborts()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), count=st.integers(5, 8))
def test_what_enough_nodes_gave_up_is_never_opened_and_the_next_attempt_is(data: st.DataObject, count: int) -> None:
    """Whoever contributed, was away or colludes: t words against an attempt and t reveals in it never come together."""
    troupe = make_troupe(count)
    for slot in (1, 2):
        troupe.deal(slot)
    threshold = troupe.roster.threshold
    colluders = data.draw(st.sets(st.sampled_from(troupe.names), max_size=max(0, 2 * threshold - count - 1)))
    play = Play(troupe, troupe.query(cells=1), frozenset(colluders))
    acts = st.lists(st.sampled_from(list(product(ACTS, play.done))), max_size=3 * count)
    for act, name in [*data.draw(acts), *data.draw(st.permutations([("abort", name) for name in play.done]))]:
        play.ask(act, name)
    revealed, aborted = play.who("reveal"), play.who("abort")
    assert not revealed & aborted
    assert not any(
        acts.index("abort") < acts.index("contribute")
        for acts in play.done.values()
        if {*acts} >= {"abort", "contribute"}
    )
    could_open, aborts = len(revealed) + len(colluders) >= threshold, play.give_up()
    assert not (could_open and aborts)
    event(f"opened: {could_open}, given up: {aborts is not None}")
    if aborts is not None and not revealed:
        second = replace(troupe.query(slot=2, number=2, cells=1), aborts=aborts)
        assert troupe.run(second, {name: [1] for name in troupe.names}) == [count]
