"""The hub's side of an attempt, step by step: what it waits for, asks, gives up on, keeps and forgets."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from federation.register import Register
from federation.secure_sum.certificates import read_certificate
from federation.secure_sum.collector import Collector
from federation.secure_sum.errors import SumFailed, SumRefused
from federation.secure_sum.facts import SumPath, SumQuery, whole_roster
from federation.secure_sum.messages import REVEAL_TYPE, Reveal, SurvivorSet
from federation.secure_sum.rosters import Floors
from federation.secure_sum.signing import sign_document
from federation.secure_sum.steps import AskReveals, AskSurvivors, Fail, Open, Wait
from federation.secure_sum.vectors import signed_values
from tests.federation.cast import NOW, make_keys, make_member, make_register
from tests.federation.secure_sum.troupe import Troupe, make_troupe

CLOSING = NOW + timedelta(seconds=60)


@pytest.fixture
def troupe() -> Troupe:
    """Six nodes, threshold four, who have dealt one slot."""
    troupe = make_troupe(6)
    troupe.deal(1)
    return troupe


def hand_in(troupe: Troupe, query: SumQuery, collector: Collector, *names: str) -> None:
    for name in names or troupe.names:
        sent = troupe.contribute(query, name, [1])
        collector.take_contribution(name, sent.envelope, sent.masked.data, sent.consent, NOW)


def sign(troupe: Troupe, query: SumQuery, collector: Collector, statement: SurvivorSet, *names: str) -> None:
    for name in names or statement.survivors:
        signature = troupe.node(name).sign_survivors(statement, query, troupe.register, NOW)
        collector.take_signature(name, signature, NOW)


def reveal(troupe: Troupe, query: SumQuery, collector: Collector, step: AskReveals, *names: str) -> None:
    for name in names or step.survivors:
        collector.take_reveal(name, troupe.node(name).reveal(step.envelope, query, troupe.register, NOW), NOW)


def test_two_trips_when_everybody_answers(troupe: Troupe) -> None:
    """S5, S7. The consents of trip 1 make the opening, with exactly t signatures; t reveals are enough."""
    query = troupe.query(cells=1)
    collector = troupe.collector(query)
    assert collector.next_step(NOW) == Wait(CLOSING)
    hand_in(troupe, query, collector)
    step = collector.next_step(NOW)
    assert isinstance(step, AskReveals)
    assert step.survivors == troupe.names
    assert len(step.envelope.signatures) == troupe.roster.threshold
    reveal(troupe, query, collector, step, *troupe.names[2:])
    assert collector.next_step(NOW) == Open(troupe.names)
    assert signed_values(collector.open()) == [6]


def test_three_trips_with_dropouts(troupe: Troupe) -> None:
    """S5. The hub waits until the time to gather is over, unless everybody has answered or refused before."""
    query, names = troupe.query(cells=1), troupe.names
    patient, told = troupe.collector(query), troupe.collector(query)
    for collector in (patient, told):
        hand_in(troupe, query, collector, *names[:4])
    assert patient.next_step(CLOSING - timedelta(seconds=1)) == Wait(CLOSING)
    for name in names[4:]:
        told.take_refusal(name, "roster_small")
    step = told.next_step(NOW)
    assert isinstance(step, AskSurvivors)
    assert step.statement.survivors == names[:4]
    assert patient.next_step(CLOSING) == step
    assert told.missing == dict.fromkeys(names[4:], "roster_small")
    told.take_refusal(names[0], "too_late_to_refuse")
    sign(troupe, query, told, step.statement)
    opening = told.next_step(NOW)
    assert isinstance(opening, AskReveals)
    reveal(troupe, query, told, opening)
    assert signed_values(told.open()) == [4]


def test_refusals_past_the_tolerance_end_an_attempt_at_once(troupe: Troupe) -> None:
    """S5. The hub does not wait for what can no longer be enough, and says who is missing."""
    query, names = troupe.query(cells=1, dropouts=1), troupe.names
    collector = troupe.collector(query)
    collector.take_refusal(names[0], "held")
    assert isinstance(collector.next_step(NOW), Wait)
    collector.take_refusal(names[1], "held")
    step = collector.next_step(NOW)
    assert isinstance(step, Fail)
    assert (step.code, step.culprits) == ("too_many_missing", names[:2])


def test_too_few_by_the_end_of_gathering(troupe: Troupe) -> None:
    query, names = troupe.query(cells=1), troupe.names
    collector = troupe.collector(query)
    hand_in(troupe, query, collector, *names[:3])
    step = collector.next_step(CLOSING)
    assert isinstance(step, Fail)
    assert (step.code, step.culprits) == ("too_many_missing", names[3:])


def test_a_certified_exact_sum_takes_everyone(troupe: Troupe) -> None:
    """S5. After a term's first exact sum any dropout ends the attempt."""
    query = troupe.query(cells=1, path=SumPath.EXACT_SUM)
    first, later = troupe.collector(query), troupe.collector(query, certified=True)
    for collector in (first, later):
        collector.take_refusal(troupe.names[0], "held")
    assert isinstance(first.next_step(NOW), Wait)
    assert isinstance(later.next_step(NOW), Fail)


def test_the_certificate_carries_every_signature(troupe: Troupe) -> None:
    """S9. Of all who revealed, who may be more than t: some leave, or change their key, before the term is over."""
    query = troupe.query(cells=1, path=SumPath.EXACT_SUM)
    collector = troupe.collector(query)
    hand_in(troupe, query, collector)
    step = collector.next_step(NOW)
    assert isinstance(step, AskReveals)
    with pytest.raises(SumFailed):
        collector.certificate()
    for name in troupe.names:
        collector.take_reveal(name, troupe.node(name).reveal(step.envelope, query, troupe.register, NOW), NOW)
    assert collector.revealed == troupe.names
    certificate = collector.certificate()
    assert certificate.survivors.signers == troupe.names
    term, left = query.facts.snapshot_term, len(troupe.names) - troupe.roster.threshold
    for changes in ({"revoked": True}, {"signing_key": make_member("ana@ucl").signing_key}):
        register = change_members(troupe, left, changes)
        assert read_certificate(certificate, term, Floors(), register, NOW) == troupe.names
        with pytest.raises(SumRefused, match="must hold to the set"):
            read_certificate(certificate, term, Floors(), change_members(troupe, left + 1, changes), NOW)


def change_members(troupe: Troupe, number: int, changes: Mapping[str, object]) -> Register:
    """The register in which the first few nodes have left, or sign with another key."""
    changed = troupe.names[:number]
    return make_register(
        [
            msgspec.structs.replace(member, **changes) if member.id in changed else member
            for member in troupe.register.members
        ]
    )


def test_whoever_reveals_for_a_first_exact_sum_holds_to_it(troupe: Troupe) -> None:
    """S9. Without its word there is no certificate, and in another's name or over another set there is none either."""
    query, (name, other) = troupe.query(cells=1, path=SumPath.EXACT_SUM), troupe.names[:2]
    collector = troupe.collector(query)
    hand_in(troupe, query, collector)
    step = collector.next_step(NOW)
    assert isinstance(step, AskReveals)
    envelope = troupe.node(name).reveal(step.envelope, query, troupe.register, NOW)
    honest = msgspec.json.decode(envelope.body, type=Reveal)
    assert honest.held is not None
    consent = troupe.contribute(query, name, [1]).consent
    for held, code in (
        (None, "held_missing"),
        (msgspec.structs.replace(honest.held, keyid=other), "impersonation"),
        (consent, "signature_invalid"),
    ):
        lie = sign_document(msgspec.structs.replace(honest, held=held), REVEAL_TYPE, make_keys(name))
        with pytest.raises(SumFailed) as caught:
            collector.take_reveal(name, lie, NOW)
        assert (caught.value.code, caught.value.culprits) == (code, (name,))
    assert collector.revealed == ()


def test_it_takes_t_signatures_and_t_reveals(troupe: Troupe) -> None:
    """S7, S10. Four of six; with three the hub asks on, and opens nothing."""
    query, names = troupe.query(cells=1), troupe.names
    collector = troupe.collector(query)
    hand_in(troupe, query, collector, *names[:5])
    step = collector.next_step(CLOSING)
    assert isinstance(step, AskSurvivors)
    for name in names[:3]:
        collector.take_signature(
            name, troupe.node(name).sign_survivors(step.statement, query, troupe.register, NOW), NOW
        )
    assert collector.next_step(CLOSING) == step
    sign(troupe, query, collector, step.statement)
    asked = collector.next_step(CLOSING)
    assert isinstance(asked, AskReveals)
    reveal(troupe, query, collector, asked, *names[:3])
    assert collector.next_step(CLOSING) == asked
    reveal(troupe, query, collector, asked, names[3])
    assert isinstance(collector.next_step(CLOSING), Open)


def test_an_attempt_ends(troupe: Troupe) -> None:
    query = troupe.query(cells=1)
    collector = troupe.collector(query)
    hand_in(troupe, query, collector)
    step = collector.next_step(query.attempt.expires_at)
    assert isinstance(step, Fail)
    assert step.code == "expired"


def test_aborts_leave_too_few_to_open(troupe: Troupe) -> None:
    """S12. When survivors abort, the attempt is given up as soon as fewer than t are left."""
    query, names = troupe.query(cells=1), troupe.names
    collector = troupe.collector(query)
    hand_in(troupe, query, collector)
    for name in names[:2]:
        collector.take_abort(name, troupe.node(name).abort(query, troupe.register, NOW), NOW)
    assert isinstance(collector.next_step(NOW), AskReveals)
    collector.take_abort(names[2], troupe.node(names[2]).abort(query, troupe.register, NOW), NOW)
    assert isinstance(collector.next_step(NOW), Fail)


@pytest.mark.parametrize("everyone", [True, False])
def test_a_hub_that_restarts_asks_for_the_very_same(troupe: Troupe, everyone: bool) -> None:
    """S11. What was stored is fed again, the survivors named before are named again, and the reveals come again."""
    query, names = troupe.query(cells=1), troupe.names
    answering = names if everyone else names[:5]
    before = troupe.collector(query)
    hand_in(troupe, query, before, *answering)
    step = before.next_step(CLOSING)
    proposed = whole_roster(query)
    if isinstance(step, AskSurvivors):
        proposed = step.statement
        sign(troupe, query, before, proposed)
        step = before.next_step(CLOSING)
    assert isinstance(step, AskReveals)
    reveal(troupe, query, before, step, *names[:2])
    after = troupe.collector(query, proposed=proposed)
    assert isinstance(after.next_step(NOW), Wait)
    hand_in(troupe, query, after, *answering)
    if not everyone:
        assert after.next_step(NOW) == AskSurvivors(proposed)
        sign(troupe, query, after, proposed)
    again = after.next_step(NOW)
    assert again == step
    assert isinstance(again, AskReveals)
    reveal(troupe, query, after, again)
    assert signed_values(after.open()) == [len(answering)]


def test_nothing_is_left_once_a_sum_is_opened(troupe: Troupe) -> None:
    """S11. Vectors and reveals are gone, whether opening succeeds or not; what is left cannot be opened again."""
    query = troupe.query(cells=1)
    collector = troupe.collector(query)
    hand_in(troupe, query, collector)
    step = collector.next_step(NOW)
    assert isinstance(step, AskReveals)
    reveal(troupe, query, collector, step)
    collector.open()
    for attempt in range(2):
        with pytest.raises(SumFailed) as failed:
            collector.open()
        assert failed.value.code == "reveals_missing", attempt
    kept = [value for value in vars(collector).values() if isinstance(value, dict)]
    assert not any(isinstance(each, bytes) for part in kept for each in part.values())


def test_opening_is_asked_for_in_its_time(troupe: Troupe) -> None:
    """S9. There is nothing to open before survivors are named."""
    with pytest.raises(SumFailed) as failed:
        troupe.collector(troupe.query(cells=1)).open()
    assert failed.value.code == "reveal_unasked"


def test_a_signature_on_another_set_does_not_count(troupe: Troupe) -> None:
    """S6. A consent to everyone is none to fewer."""
    query, names = troupe.query(cells=1), troupe.names
    collector = troupe.collector(query)
    hand_in(troupe, query, collector, *names[:5])
    assert isinstance(collector.next_step(CLOSING), AskSurvivors)
    consent = troupe.stores[names[0]].contributions[query.facts.digest, 1].consent
    with pytest.raises(SumFailed) as failed:
        collector.take_signature(names[0], consent, NOW)
    assert (failed.value.code, failed.value.culprits) == ("signature_invalid", (names[0],))


def test_facts_and_statements_belong_together(troupe: Troupe) -> None:
    """S4. A noisy sum's statement names no term, so it can never be a certificate."""
    query = troupe.query(cells=1)
    exactly = replace(query, facts=replace(query.facts, path=SumPath.EXACT_SUM))
    assert whole_roster(query).exact_term == ""
    assert msgspec.structs.replace(whole_roster(query), exact_term=query.facts.snapshot_term) == whole_roster(exactly)
    with pytest.raises(ValueError, match="names the term"):
        replace(exactly.facts, snapshot_term="")
