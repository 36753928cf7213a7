"""A node's word that an attempt is over (S12), from one that has not seen it too: for good, and for nothing made up."""

from collections.abc import Callable, Iterable

import msgspec
import pytest

from federation.envelope import Envelope, read_envelope, seal_envelope
from federation.exchange import DeliveryKind
from federation.manifest import MANIFEST_TYPE, Path
from federation.secure_sum.facts import name_abort
from federation.secure_sum.messages import ABORT_TYPE
from federation.sums_exchange import AbortWanted, StatementSigned
from federation.wire import decode_document, encode_document
from node.sums.store import SumStore
from tests.node.sums.played_hub import PlayedHub, PlayedSum
from tests.node.sums.standing import Standing
from tests.node.sums.test_dishonest_hub_at_the_node import assert_silent
from tests.node.sums.test_whole_sums_at_nodes import NODE, SQL, actions, assert_sum_of_parts
from tests.small_federation import SmallFederation


@pytest.fixture
def played(wide: SmallFederation, hub: PlayedHub) -> PlayedSum:
    """An attempt that nobody has been asked for yet."""
    return hub.want(wide.sign(wide.manifest(SQL, Path.NOISY_SUM)))


def test_a_node_that_was_away_gives_its_word_and_keeps_it(hub: PlayedHub, played: PlayedSum) -> None:
    """After a restart too: when the attempt comes after all, neither figures nor a slot are given to it."""
    said = decode_document(played.ask_abort(NODE).body, StatementSigned)
    assert said.signature.keyid == NODE
    assert actions(hub) == ["sum.prepared", "sum.aborted"]
    hub.reopen(NODE)
    assert played.ask(NODE).code == "aborted"
    store: SumStore = hub.nodes[NODE].sums
    assert store.find_uses(played.attempt.manifest_digest) == ()
    assert decode_document(played.ask_abort(NODE).body, StatementSigned) == said
    assert actions(hub).count("sum.aborted") == 1


def test_words_of_nodes_that_were_away_let_the_next_attempt_begin(
    wide: SmallFederation, hub: PlayedHub, played: PlayedSum
) -> None:
    """Two of six contributed and four must give their word: with one of the two and three others the next one opens."""
    for name in wide.roster[:2]:
        played.take(name, played.ask(name))
    aborts = played.abort_everywhere(wide.roster[1:5])
    assert aborts is not None
    second = hub.run(wide.sign(played.manifest), 2, aborts=aborts)
    assert_sum_of_parts(hub, second, wide.roster)


def test_a_run_of_a_template_is_given_up_too(wide: SmallFederation, hub: PlayedHub) -> None:
    standing = Standing(wide)
    played = hub.want(standing.sign(standing.run()), template=standing.envelope)
    assert played.ask_abort(NODE).handed_in
    without = msgspec.structs.replace(played.abort_wanted, template=None)
    assert_silent(hub, hub.deliver("node-302", DeliveryKind.ABORT, without), "template_missing", "node-302")


def test_a_later_attempt_is_not_given_up_while_an_earlier_one_runs(
    wide: SmallFederation, hub: PlayedHub, played: PlayedSum
) -> None:
    """S12. Aborts of the second would allow a third, with the first still open beside it."""
    played.gather()
    second = hub.want(wide.sign(played.manifest), 2)
    assert_silent(hub, second.ask_abort(NODE), "attempt_running")
    # Two words of six are too few, and words against another attempt than the first are none.
    few = msgspec.structs.replace(second.abort_wanted, aborts=some_aborts(played, wide.roster[4:]))
    assert_silent(hub, hub.deliver(NODE, DeliveryKind.ABORT, few), "quorum_missing")
    other = msgspec.structs.replace(few, aborts=seal_envelope(encode_document(name_abort(second.attempt)), ABORT_TYPE))
    assert_silent(hub, hub.deliver(NODE, DeliveryKind.ABORT, other), "aborts_other")
    enough = msgspec.structs.replace(second.abort_wanted, aborts=some_aborts(played, wide.roster[1:5]))
    assert hub.deliver(NODE, DeliveryKind.ABORT, enough).handed_in


def test_a_later_attempt_is_given_up_once_the_earlier_one_is_over(
    wide: SmallFederation, hub: PlayedHub, played: PlayedSum
) -> None:
    """S12. By this node's own clock; nobody need show it anything then."""
    played.gather()
    wide.clock.now = played.attempt.expires_at
    assert hub.want(wide.sign(played.manifest), 2).ask_abort(NODE).handed_in


def some_aborts(played: PlayedSum, names: Iterable[str]) -> Envelope:
    """The word of these nodes on an attempt."""
    said = [decode_document(played.ask_abort(name).body, StatementSigned).signature for name in names]
    statement = seal_envelope(encode_document(name_abort(played.attempt)), ABORT_TYPE)
    return msgspec.structs.replace(statement, signatures=tuple(said))


# --- What a hub might make up ----------------------------------------------------------------------------------------


Spoil = Callable[[SmallFederation, PlayedSum], AbortWanted]


def signed_by_a_node(wide: SmallFederation, played: PlayedSum) -> AbortWanted:
    return msgspec.structs.replace(played.abort_wanted, attempt=played.hub.sign_attempt(played.attempt, "node-203"))


def approved_by_nobody(wide: SmallFederation, played: PlayedSum) -> AbortWanted:
    signed = read_envelope(wide.sign(played.manifest, ("ana@ucl",)), MANIFEST_TYPE)
    return msgspec.structs.replace(played.abort_wanted, manifest=signed)


def of_another_manifest(wide: SmallFederation, played: PlayedSum) -> AbortWanted:
    other = read_envelope(wide.sign(wide.manifest(SQL, Path.NOISY_SUM)), MANIFEST_TYPE)
    return msgspec.structs.replace(played.abort_wanted, manifest=other)


def for_another_path(wide: SmallFederation, played: PlayedSum) -> AbortWanted:
    other = read_envelope(wide.sign(wide.manifest()), MANIFEST_TYPE)
    return msgspec.structs.replace(played.abort_wanted, manifest=other)


def over_already(wide: SmallFederation, played: PlayedSum) -> AbortWanted:
    wide.clock.now = played.attempt.expires_at
    return played.abort_wanted


def of_another_roster(wide: SmallFederation, played: PlayedSum) -> AbortWanted:
    attempt = msgspec.structs.replace(played.attempt, roster_digest="0" * 64)
    return msgspec.structs.replace(played.abort_wanted, attempt=played.hub.sign_attempt(attempt))


def beyond_the_tenth(wide: SmallFederation, played: PlayedSum) -> AbortWanted:
    attempt = msgspec.structs.replace(played.attempt, number=11)
    return msgspec.structs.replace(played.abort_wanted, attempt=played.hub.sign_attempt(attempt))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(signed_by_a_node, "signer_unknown", id="an attempt of nobody's"),
        pytest.param(approved_by_nobody, "approvals_missing", id="a manifest that nobody approved"),
        pytest.param(of_another_manifest, "manifest_mismatch", id="an attempt at another manifest"),
        pytest.param(for_another_path, "path_differs", id="a manifest of no sum"),
        pytest.param(over_already, "expired", id="an attempt that is over"),
        pytest.param(of_another_roster, "roster_mismatch", id="an attempt for another roster"),
        pytest.param(beyond_the_tenth, "malformed", id="one attempt of very many"),
    ],
)
def test_nothing_made_up_is_given_up(
    wide: SmallFederation, hub: PlayedHub, played: PlayedSum, spoil: Spoil, code: str
) -> None:
    """S12. A word is for an attempt at what was approved: otherwise a hub could fill a node's disk with words."""
    wanted = spoil(wide, played)
    assert_silent(hub, hub.deliver(NODE, DeliveryKind.ABORT, wanted), code)
    assert not hub.nodes[NODE].sums.is_aborted(played.attempt.manifest_digest, played.attempt.number)


def test_an_attempt_in_another_form_is_not_given_up(hub: PlayedHub, played: PlayedSum) -> None:
    """S12. The hub signs two attempts of one number: a node that contributed to one gives its word for no other."""
    played.take(NODE, played.ask(NODE))
    other = msgspec.structs.replace(played.attempt, slot=played.attempt.slot + 1)
    wanted = msgspec.structs.replace(played.abort_wanted, attempt=hub.sign_attempt(other))
    assert_silent(hub, hub.deliver(NODE, DeliveryKind.ABORT, wanted), "aborts_other")


def test_two_forms_of_one_attempt_are_given_up_together(hub: PlayedHub, played: PlayedSum) -> None:
    """S12. A word covers the attempt's number, whatever slot was named: no other form of it is answered afterwards."""
    other = msgspec.structs.replace(played.attempt, slot=played.attempt.slot + 1)
    wanted = msgspec.structs.replace(played.abort_wanted, attempt=hub.sign_attempt(other))
    assert hub.deliver(NODE, DeliveryKind.ABORT, wanted).handed_in
    assert played.ask(NODE).code == "aborted"
