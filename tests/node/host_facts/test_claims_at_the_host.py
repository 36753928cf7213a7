"""What a host does with claims: it matches exactly, keeps a number of those that match nobody, and holds its caps."""

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from federation.claims import ChildClaim, ClaimRequest
from federation.lookups import LookupOutcome
from federation.wire import whole_seconds
from node.claim_counts import ClaimCount, admit_claims, list_children, list_counts
from node.refusal import Refused
from node.rules import ClaimRules
from node.terms import term_of
from tests.node.host_facts.naive_rolls import Enrolled, hosted_child
from tests.node.host_facts.played_claims import HOME, HOST, TERM, dump_database, send_claims
from tests.small_federation import SmallFederation

FALSE: dict[str, Callable[[ChildClaim], dict[str, Any]]] = {
    "another date of birth": lambda child: {"date_of_birth": child.date_of_birth + timedelta(days=1)},
    "day and month exchanged": lambda child: {"date_of_birth": date(child.date_of_birth.year, 1, 1)},
    "a number guessed from it": lambda child: {"upn": f"{child.upn[:-1]}{(int(child.upn[-1]) + 1) % 10}"},
    "another check letter": lambda child: {"upn": ("B" if child.upn[0] == "A" else "A") + child.upn[1:]},
    "care that ended before the year": lambda child: {"care_end": date(2024, 3, 31)},
    "care that begins after the year": lambda child: {"care_start": date(2025, 9, 1)},
}


@pytest.mark.parametrize("change", FALSE.values(), ids=FALSE)
def test_a_false_claim_finds_nobody(
    federation: SmallFederation, pooled: Mapping[str, Enrolled], change: Callable[[ChildClaim], dict[str, Any]]
) -> None:
    child = hosted_child(federation, pooled)
    assert [facts.upn for facts in send_claims(federation, child).children] == [child.upn]
    answer = send_claims(federation, msgspec.structs.replace(child, **change(child)))
    assert (answer.outcome, answer.children) == (LookupOutcome.ANSWERED, ())


def test_a_miss_leaves_a_number_and_nothing_else(federation: SmallFederation) -> None:
    """No file of the host but its database changes, and nothing in that holds what was claimed."""
    fake = ChildClaim(
        upn="Z999888777666", date_of_birth=date(2011, 11, 13), care_start=date(2019, 7, 9), care_end=date(2025, 2, 27)
    )
    directory = federation.directory / f"node-{HOST}"
    before = read_tree(directory)
    assert send_claims(federation, fake, fake).children == ()
    after = read_tree(directory)
    changed = {path for path in after if before.get(path) != after[path]}
    assert {path.split("-")[0] for path in changed} == {"circe.sqlite"}
    node = federation.node(HOST)
    written = b"".join(after[path] for path in changed) + dump_database(node).encode()
    for day in (fake.date_of_birth, fake.care_start, fake.care_end):
        assert day is not None
        assert day.isoformat().encode() not in written
    assert fake.upn.encode() not in written
    assert [(count.claims, count.matched, count.children) for count in list_counts(node)] == [(2, 0, 0)]
    assert node.party.keys.log_token(fake.upn) not in dump_database(node)


def read_tree(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_hosts_officer_sees_every_claim(federation: SmallFederation, pooled: Mapping[str, Enrolled]) -> None:
    """Who claimed, how many, how many were found and refused; children by the host's own token, contested ones so."""
    child = hosted_child(federation, pooled)
    miss = msgspec.structs.replace(child, upn="Z999888777666")
    send_claims(federation, child, miss)
    send_claims(federation, child, sender="316")
    federation.change_rule(HOST, "answer = true", "answer = false")
    send_claims(federation, child, miss, miss)
    node = federation.node(HOST)
    received = str(term_of(federation.clock().date()))
    assert list_counts(node) == [
        ClaimCount(HOME, received, str(TERM), claims=2, matched=1, refused=3, children=1, contested=1),
        ClaimCount("316", received, str(TERM), claims=1, matched=1, refused=0, children=1, contested=1),
    ]
    assert len({claimed.child for claimed in list_children(node)}) == 1
    assert all(re.fullmatch("[0-9a-f]{32}", claimed.child) for claimed in list_children(node))
    assert child.upn not in dump_database(node)


def test_an_empty_page_leaves_no_trace_but_its_answer(federation: SmallFederation) -> None:
    """That is kept for minutes like any other, or the hub could find out which pages are empty by repeating them."""
    node = federation.node(HOST)
    before = dump_database(node)
    assert send_claims(federation).outcome is LookupOutcome.ANSWERED
    with node.database.transaction() as connection:
        assert connection.execute("DELETE FROM sealed_answers").rowcount == 1
    assert dump_database(node) == before


def test_the_cap_of_a_term_holds_whatever_term_is_named(
    federation: SmallFederation, pooled: Mapping[str, Enrolled]
) -> None:
    """Two claims are allowed: a third is refused and not looked at, also under another term's name."""
    federation.change_rule(HOST, "most_children_per_authority = 1500", "most_children_per_authority = 2")
    child = hosted_child(federation, pooled)
    assert len(send_claims(federation, child).children) == 1
    assert send_claims(federation, child, child).code == "term_cap"
    assert len(send_claims(federation, child, term="202425-autumn").children) == 1
    refused = send_claims(federation, child, term="202425-spring")
    assert (refused.outcome, refused.code, refused.children) == (LookupOutcome.REFUSED, "term_cap", ())
    assert len(send_claims(federation, child, sender="316").children) == 1, "another authority has a cap of its own"


def test_the_cap_of_a_day_counts_all_authorities(federation: SmallFederation, pooled: Mapping[str, Enrolled]) -> None:
    federation.change_rule(HOST, "most_claims_a_day = 3000", "most_claims_a_day = 2")
    child = hosted_child(federation, pooled)
    send_claims(federation, child)
    send_claims(federation, child, sender="316")
    assert send_claims(federation, child, sender="317").code == "day_cap"
    federation.clock.move(timedelta(days=1))
    assert len(send_claims(federation, child, sender="317").children) == 1


def test_a_new_term_begins_a_new_count(federation: SmallFederation) -> None:
    """Counts begin anew on 1 September, 1 January and 1 April."""
    rules = ClaimRules(answer=True, most_children_per_authority=1, most_claims_a_day=9)
    born = date(2011, 1, 1)
    claim_one = ChildClaim(upn="Z999888777666", date_of_birth=born, care_start=born, care_end=None)
    request = ClaimRequest(
        lookup_id="L-" + "0" * 32,
        sender=f"node-{HOME}",
        receiver=f"node-{HOST}",
        authority=HOME,
        term=str(TERM),
        asked_at=whole_seconds(federation.clock()),
        children=(claim_one,),
    )
    with federation.node(HOST).database.transaction() as connection:
        for day in (date(2025, 8, 31), date(2025, 9, 1), date(2026, 1, 1), date(2026, 4, 1)):
            admit_claims(connection, request, rules, day)
            with pytest.raises(Refused, match="more children"):
                admit_claims(connection, request, rules, day)
