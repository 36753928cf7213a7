"""Exact sums about one year in two terms, at the hub: it asks those whom nodes will agree to, or says why it cannot."""

from datetime import timedelta
from fractions import Fraction

import pytest

from federation.exchange import DeliveryKind, QueryState
from federation.problems import ProblemRaised
from federation.secure_sum import certificates
from federation.secure_sum.messages import SurvivorSet
from federation.sum_terms import GATHER_SECONDS
from federation.wire import decode_document
from hub.queries import find_query
from hub.settling import keep_up
from hub.sums.attempts import AttemptState, find_attempt
from hub.sums.certificates import certified_survivors
from tests.hub.replies import released, status_of
from tests.hub.sums.played_sums import SQL, TERM, PlayedSums, approve_template, run_template

AUTUMN = "202526-autumn"
OTHER_YEAR = SQL.replace("202425", "202324")
GATHER = timedelta(seconds=GATHER_SECONDS + 1)


def open_among(sums: PlayedSums, here: list[str]) -> None:
    """The first exact sum of the summer, for these alone."""
    sums.settle()
    query_id = run_template(sums, approve_template(sums))
    sums.settle(*here)
    sums.federation.clock.advance(GATHER)
    sums.settle(*here)
    assert status_of(sums.federation, query_id).state is QueryState.RELEASED


def run_in_autumn(sums: PlayedSums, sql: str = SQL, roster: str = "england") -> str:
    return run_template(sums, approve_template(sums, sql, terms=(TERM, AUTUMN), roster=roster), AUTUMN)


def roster_of(sums: PlayedSums, query_id: str) -> list[str]:
    return list(find_query(sums.federation.hub, query_id, sums.federation.member("ana")).manifest.roster)


def refused(sums: PlayedSums, sql: str = SQL, roster: str = "england") -> tuple[str, str]:
    """Why the autumn's sum cannot be asked: code and words."""
    with pytest.raises(ProblemRaised) as caught:
        run_in_autumn(sums, sql, roster)
    return caught.value.problem.code, caught.value.problem.detail


def test_a_year_is_asked_about_again_of_the_same_survivors(sums: PlayedSums) -> None:
    """The node that was away in the summer is back in the autumn, and joins with the next year."""
    here = sorted(sums.nodes)[:-1]
    open_among(sums, here)
    query_id = run_in_autumn(sums)
    assert roster_of(sums, query_id) == here
    sums.settle()
    assert released(sums.federation, query_id).table["answered"] == [name.removeprefix("node-") for name in here]
    assert certified_survivors(sums.federation.hub.database.connection, AUTUMN) == tuple(here)


def test_another_year_is_asked_of_everybody(sums: PlayedSums) -> None:
    open_among(sums, sorted(sums.nodes)[:-1])
    assert roster_of(sums, run_in_autumn(sums, OTHER_YEAR)) == sorted(sums.nodes)


def test_the_summers_certificate_goes_along(sums: PlayedSums) -> None:
    """So that a node that did not reveal in the summer learns for whom that sum was opened."""
    here = sorted(sums.nodes)[:-1]
    open_among(sums, here)
    query_id = run_in_autumn(sums)
    sums.settle()
    digest = status_of(sums.federation, query_id).manifest_digest
    for name in here:
        asked = sums.nodes[name].asked[digest]
        assert asked.certificate is None
        (shown,) = asked.earlier
        assert decode_document(shown.survivors.body, SurvivorSet).survivors == tuple(here)


def test_without_one_of_them_it_fails_at_once(sums: PlayedSums) -> None:
    """A smaller set would be one that no node reveals for: nobody is asked to sign it, and nobody waits for the end."""
    here = sorted(sums.nodes)[:-1]
    open_among(sums, here)
    sums.nodes[here[0]].deaf_to = frozenset({DeliveryKind.SUM})
    query_id = run_in_autumn(sums)
    sums.settle()
    sums.federation.clock.advance(GATHER)
    keep_up(sums.federation.hub, sums.federation.clock())
    attempt = find_attempt(sums.federation.hub, status_of(sums.federation, query_id).manifest_digest)
    assert attempt is not None
    assert (attempt.state, attempt.survivors) == (AttemptState.ABORTING, None)


def test_two_terms_that_go_by_different_survivors_are_told_apart(sums: PlayedSums) -> None:
    """The autumn was begun with another year and everybody: about the summer's year it cannot be asked any more."""
    open_among(sums, sorted(sums.nodes)[:-1])
    run_in_autumn(sums, OTHER_YEAR)
    sums.settle()
    code, text = refused(sums)
    assert code == "term_changed"
    assert f"Run the template about {TERM}" in text


def test_survivors_who_left_are_named(sums: PlayedSums) -> None:
    here = sorted(sums.nodes)[:-1]
    open_among(sums, here)
    sums.federation.revoke(here[0])
    code, text = refused(sums)
    assert (code, here[0] in text) == ("survivors_gone", True)


def test_survivors_who_have_become_too_few_to_begin_a_term_with(
    sums: PlayedSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many authorities have come since that six are no two thirds of all: no node would take part."""
    open_among(sums, sorted(sums.nodes)[:-1])
    monkeypatch.setattr(certificates, "WIDEST_SHARE", Fraction(1))
    code, text = refused(sums)
    assert (code, "6 of 7" in text) == ("roster_narrow", True)


def test_a_region_waits_for_england_in_each_term(sums: PlayedSums) -> None:
    """The summer's certificate is none for the autumn."""
    open_among(sums, sorted(sums.nodes)[:-1])
    assert refused(sums, roster="london")[0] == "certificate_missing"
