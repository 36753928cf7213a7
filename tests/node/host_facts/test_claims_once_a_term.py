"""Once a term: what has been answered is not asked again, and one child is asked after at one host."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from federation.state import StateError
from node.claims import ClaimReport
from node.host_facts import find_facts
from node.incomplete import SoughtChild, find_sought
from node.ingest.periods import Period
from node.loading import rebuild_snapshot
from node.service import Node
from node.terms import first_day, parse_term, term_of
from tests.node.host_facts.naive_rolls import Enrolled, children_in_care, incomplete
from tests.node.host_facts.played_claims import HOME, HOST, TERM, PaperRelay, claim, open_request
from tests.small_federation import SmallFederation


def test_a_claim_made_twice_in_a_term_claims_nothing_the_second_time(federation: SmallFederation) -> None:
    """Children who were found are complete, and of the others one answer in a term is enough.

    Empty pages go out all the same: from the hub's side a round is a round.
    """
    claim(federation)
    state = federation.directory / f"node-{HOME}"
    rebuild_snapshot(state)
    files, listed = find_facts(state), set(incomplete(federation))
    relay = PaperRelay(federation)
    assert claim(federation, relay) == ClaimReport(str(TERM))
    (batch,) = relay.batches
    requests = [open_request(federation, host, page, batch.lookup_id) for host, page in batch.pages.items()]
    assert {request.children for request in requests} == {()}
    assert find_facts(state) == files
    assert set(incomplete(federation)) == listed


def test_who_was_not_found_is_claimed_again_only_on_demand(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    """A host that loads its rolls late can be asked again; it finds the children then."""
    host = federation.node(HOST)
    snapshot = host.store.current()
    assert snapshot is not None
    path = snapshot.identified["pupils"]
    whole = path.read_bytes()
    duckdb.execute(f"COPY (FROM read_parquet('{path}') WHERE upn < 'B') TO '{path}.new' (FORMAT parquet)")
    Path(f"{path}.new").replace(path)
    assert claim(federation).not_found > 0
    path.write_bytes(whole)
    assert claim(federation).claimed == 0
    again = claim(federation, again=True)
    assert again.found > 0
    enrolled = {child.la_child_id for child in children_in_care(federation.node(HOME)) if child.upn in pooled}
    assert not enrolled & set(incomplete(federation))


def test_in_one_term_a_child_is_claimed_from_one_host_alone(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when another host becomes known after a claim that was not answered."""
    claim(federation, PaperRelay(federation, silent=frozenset(federation.roster)))

    def moved(node: Node, term: Period) -> list[SoughtChild]:
        return [replace(child, host="316" if child.host == HOST else child.host) for child in find_sought(node, term)]

    monkeypatch.setattr("node.claims.find_sought", moved)
    relay = PaperRelay(federation)
    claim(federation, relay)
    hosts = {
        (row["child"], row["host"])
        for row in federation.node(HOME).database.connection.execute("SELECT child, host FROM claims_made")
    }
    assert len({child for child, _ in hosts}) == len(hosts)
    batch = relay.batches[0]
    assert open_request(federation, f"node-{HOST}", batch.pages[f"node-{HOST}"], batch.lookup_id).children


TERMS: dict[str, date] = {
    "202425-autumn": date(2024, 9, 1),
    "202425-spring": date(2025, 1, 1),
    "202425-summer": date(2025, 4, 1),
    "202526-autumn": date(2025, 9, 1),
}


@pytest.mark.parametrize(("name", "begins"), TERMS.items())
def test_a_term_begins_the_day_after_the_one_before_it_ends(name: str, begins: date) -> None:
    assert first_day(parse_term(name)) == begins
    assert str(term_of(begins)) == name
    assert str(term_of(begins - timedelta(days=1))) != name


@pytest.mark.parametrize("name", ["", "202425", "202425-winter", "202426-summer", "2024-summer", "0202425-summer"])
def test_what_is_no_term_is_refused(name: str) -> None:
    with pytest.raises(StateError, match="is no term"):
        parse_term(name)
