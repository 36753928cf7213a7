"""Exact sums about one year from the snapshots of two terms, at real nodes: over the same survivors, or not at all.

Each attack is a way to one authority's own figures for a dishonest hub. Beside them stands what an honest hub must
still get: a node that was asked in one term and never revealed goes on in the next.
"""

import shutil

import msgspec
import pytest

from federation.envelope import Envelope, seal_envelope
from federation.secure_sum.facts import name_survivors
from federation.secure_sum.messages import HELD_TYPE, SURVIVORS_TYPE, Certificate, SurvivorSet
from federation.wire import encode_document
from node.snapshots import seal_snapshot
from tests.node.sums.played_hub import PlayedHub, PlayedSum, exact_figures
from tests.node.sums.standing import BOYS, Standing
from tests.node.sums.test_dishonest_hub_at_the_node import assert_refused, assert_silent, collect, open_first
from tests.node.sums.test_whole_sums_at_nodes import NODE
from tests.small_federation import SmallFederation

SUMMER, AUTUMN = "202425-summer", "202526-autumn"


def publish_term(hub: PlayedHub, term: str) -> None:
    """Have every node load another term, in which the year is as it was."""
    for node in hub.nodes.values():
        snapshot = node.store.current()
        assert snapshot is not None
        with node.store.staging() as stage:
            shutil.copytree(snapshot.path, stage, dirs_exist_ok=True)
            seal_snapshot(stage, term=term, academic_years=snapshot.academic_years, created=hub.federation.clock())
            node.store.publish(stage)


@pytest.fixture
def standing(wide: SmallFederation) -> Standing:
    """A question that may be asked about both terms."""
    return Standing(wide, snapshot_terms=(SUMMER, AUTUMN))


def ask_later(hub: PlayedHub, standing: Standing, roster: tuple[str, ...] = (), *shown: Certificate) -> PlayedSum:
    """The same question about the same year, from the next term; the hub shows what it likes of the first."""
    publish_term(hub, AUTUMN)
    later = standing.sign(standing.run(roster=roster, snapshot_term=AUTUMN))
    return hub.want(later, template=standing.envelope, earlier=shown)


def open_without(hub: PlayedHub, standing: Standing, *silent: str) -> PlayedSum:
    """The first term's sum, for which these contribute and are not asked to reveal."""
    played = hub.want(standing.sign(standing.run()), template=standing.envelope)
    played.gather()
    opening = collect(played, name_survivors(played.attempt, played.facts, played.roster.members))
    for name in set(played.roster.members) - set(silent):
        assert played.ask_reveal(name, opening).handed_in
        played.opening = opening
    return played


def certify(played: PlayedSum, *signers: str) -> Certificate:
    """What the hub has of a sum for which these revealed."""
    assert played.opening is not None
    statement = name_survivors(played.attempt, played.facts, played.roster.members)
    return Certificate(roster=played.roster, survivors=sign_as_held(played, statement, *signers))


# --- Attacks ---------------------------------------------------------------------------------------------------------


def test_terms_that_subtract_to_one_authority(wide: SmallFederation, hub: PlayedHub, standing: Standing) -> None:
    """A year without one authority in one term, and with it in the next: the difference is its own. S2."""
    first = open_first(hub, standing, away=("node-317",))
    assert_refused(hub, ask_later(hub, standing).ask(NODE), "term_changed")
    # The same six ask again with the same five, which is no other set; with fewer of them it would be.
    five = first.collector.survivors
    hub.prepare(2, five)
    again = standing.sign(standing.run(BOYS, five, snapshot_term=AUTUMN))
    opened = hub.run(again, template=standing.envelope)
    assert opened.opened == exact_figures(hub, opened, five)


def test_terms_that_subtract_by_a_dropout(wide: SmallFederation, hub: PlayedHub, standing: Standing) -> None:
    """Asked of the same six in both terms, and opened for five of them in the second: nobody signs, nor reveals."""
    open_first(hub, standing)
    second = ask_later(hub, standing)
    second.gather(away=("node-317",))
    smaller = name_survivors(second.attempt, second.facts, wide.roster[:-1])
    assert_silent(hub, second.ask_survivors(NODE, smaller), "term_changed")
    keys = [wide.party(name).keys for name in wide.roster[:4]]
    signed = seal_envelope(encode_document(smaller), SURVIVORS_TYPE, *keys)
    assert_silent(hub, second.ask_reveal(NODE, signed), "term_changed")


def test_two_terms_under_way_at_once(wide: SmallFederation, hub: PlayedHub, standing: Standing) -> None:
    """Contributions to both are in before either is opened: the first that a node reveals for decides the other. S8."""
    first = hub.want(standing.sign(standing.run()), template=standing.envelope)
    first.gather(away=("node-317",))
    second = ask_later(hub, standing)
    second.gather()
    five = collect(first, name_survivors(first.attempt, first.facts, wide.roster[:-1]))
    six = collect(second, name_survivors(second.attempt, second.facts, wide.roster))
    assert second.ask_reveal(NODE, six).handed_in
    assert_silent(hub, first.ask_reveal(NODE, five), "term_changed")
    assert first.ask_reveal("node-302", five).handed_in
    assert_silent(hub, second.ask_reveal("node-302", six), "term_changed", "node-302")


def test_a_first_term_that_the_hub_keeps_quiet_about(wide: SmallFederation, hub: PlayedHub, standing: Standing) -> None:
    """A node that did not reveal cannot know better; those that did hold to their set, and fewer than t are left."""
    open_without(hub, standing, NODE)
    five = tuple(name for name in wide.roster if name != "node-317")
    hub.prepare(2, five)
    second = ask_later(hub, standing, five)
    assert {name: second.ask(name).code for name in five if name != NODE} == dict.fromkeys(
        set(five) - {NODE}, "term_changed"
    )
    assert second.ask(NODE).handed_in


def test_ones_own_reveal_outweighs_what_is_shown(wide: SmallFederation, hub: PlayedHub, standing: Standing) -> None:
    """Revealed for six, and shown that enough others hold to five of them: with these it does not add up. S2."""
    first = open_first(hub, standing)
    five = tuple(name for name in wide.roster if name != "node-317")
    statement = name_survivors(first.attempt, first.facts, five)
    shown = Certificate(roster=first.roster, survivors=sign_as_held(first, statement, *five))
    hub.prepare(2, five)
    assert_refused(hub, ask_later(hub, standing, five, shown).ask(NODE), "term_changed")


@pytest.mark.parametrize("spoil", ["too few", "another term", "of nobody"])
def test_a_certificate_of_another_term_that_does_not_hold(
    wide: SmallFederation, hub: PlayedHub, standing: Standing, spoil: str
) -> None:
    """It says nothing, as if the hub had left it out: it neither stands in the way of a sum nor makes one possible."""
    first = open_without(hub, standing, NODE)
    shown = certify(first, *wide.roster[1:])
    signatures = {"too few": shown.survivors.signatures[:3], "of nobody": ()}
    if spoil == "another term":
        statement = msgspec.structs.replace(
            name_survivors(first.attempt, first.facts, wide.roster), exact_term="202324-summer"
        )
        shown = Certificate(roster=first.roster, survivors=sign_as_held(first, statement, *wide.roster[1:]))
    else:
        spoiled = msgspec.structs.replace(shown.survivors, signatures=signatures[spoil])
        shown = msgspec.structs.replace(shown, survivors=spoiled)
    five = tuple(name for name in wide.roster if name != "node-317")
    hub.prepare(2, five)
    second = ask_later(hub, standing, five, shown)
    assert second.ask(NODE).handed_in
    assert second.ask("node-302").code == "term_changed"


# --- What an honest hub gets -----------------------------------------------------------------------------------------


def test_a_node_that_never_revealed_goes_on_with_the_certificate(
    wide: SmallFederation, hub: PlayedHub, standing: Standing
) -> None:
    """It learns from the word of the others for whom the first term was opened: it joins these, and no others. S2."""
    first = open_without(hub, standing, NODE)
    shown = certify(first, *wide.roster[1:])
    five = tuple(name for name in wide.roster if name != "node-317")
    hub.prepare(2, five)
    assert_refused(hub, ask_later(hub, standing, five, shown).ask(NODE), "term_changed")
    again = standing.sign(standing.run(snapshot_term=AUTUMN))
    opened = hub.run(again, template=standing.envelope, earlier=(shown,))
    assert opened.opened == exact_figures(hub, opened, wide.roster)


def test_a_term_that_was_never_opened_binds_nobody(wide: SmallFederation, hub: PlayedHub, standing: Standing) -> None:
    """Asked of six and given up: in the next term the year is asked about as if for the first time."""
    first = hub.want(standing.sign(standing.run()), template=standing.envelope)
    first.gather()
    assert first.abort_everywhere(wide.roster) is not None
    second = ask_later(hub, standing)
    second.play(away=("node-317",))
    assert second.opened == exact_figures(hub, second, wide.roster[:-1])


def sign_as_held(played: PlayedSum, statement: SurvivorSet, *signers: str) -> Envelope:
    """The word of these nodes that they hold a term to a set."""
    keys = [played.hub.federation.party(name).keys for name in signers]
    return seal_envelope(encode_document(statement), HELD_TYPE, *keys)
