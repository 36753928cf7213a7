"""Hosts that lie: an answer that is not to what was asked is refused whole, whoever signed it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import duckdb
import msgspec
import pytest

from federation.claims import CLAIM_ANSWER_TYPE, ClaimAnswer, EducationFacts
from federation.lookups import LookupOutcome, read_message, sign_message
from federation.sealing import Direction, SealContext, open_records, seal_records
from federation.transport import decode_records, encode_records
from node.claim_ledger import Reason
from node.host_facts import find_facts
from tests.node.host_facts.naive_rolls import incomplete
from tests.node.host_facts.played_claims import HOME, HOST, PaperRelay, claim
from tests.small_federation import SmallFederation


def rewrite(federation: SmallFederation, page: str, change: Callable[[ClaimAnswer], ClaimAnswer]) -> str:
    """A host that changes its own answer and signs it: opened with the home's key, sealed anew with the host's."""
    host, home = federation.party(f"node-{HOST}"), federation.party(f"node-{HOME}")
    lookup_id = (
        federation.node(HOME)
        .database.connection.execute("SELECT lookup_id FROM claims_made ORDER BY sent_at DESC LIMIT 1")
        .fetchone()[0]
    )
    context = SealContext(lookup_id, host.member_id, home.member_id, Direction.ANSWER)
    content = open_records(decode_records(page), context, home.keys)
    answer = read_message(content, CLAIM_ANSWER_TYPE, ClaimAnswer, host.member_id, host.keys.public_signing_key)
    message = sign_message(change(answer), CLAIM_ANSWER_TYPE, host.keys)
    return encode_records(seal_records(message, context, home.keys.public_sealing_key))


def another(answer: ClaimAnswer, **changes: Any) -> tuple[EducationFacts, ...]:
    return (*answer.children[1:], msgspec.structs.replace(answer.children[0], **changes))


LIES: dict[str, Callable[[ClaimAnswer], dict[str, Any]]] = {
    "another child's record": lambda answer: {"children": another(answer, upn="Z999888777666")},
    "another date of birth": lambda answer: {"children": another(answer, date_of_birth=date(2001, 1, 1))},
    "one child more": lambda answer: {"children": (*answer.children, *another(answer, upn="Z999888777666")[-1:])},
    "one child twice": lambda answer: {"children": (*answer.children, answer.children[0])},
    "another lookup": lambda answer: {"lookup_id": "L-" + "f" * 32},
    "another term": lambda answer: {"term": "202324-summer"},
    "another authority": lambda answer: {"authority": "316"},
    "a refusal that tells": lambda answer: {"outcome": LookupOutcome.REFUSED, "code": "claims_barred"},
    "another time": lambda answer: {"as_of": answer.as_of - timedelta(days=1)},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lying_host_is_not_believed(
    federation: SmallFederation, lie: Callable[[ClaimAnswer], dict[str, Any]]
) -> None:
    """Nothing of such an answer is kept; the children stay incomplete and say why, and the other hosts count."""

    def tamper(node: str, page: str) -> str:
        changed = lambda answer: msgspec.structs.replace(answer, **lie(answer))  # noqa: E731
        return rewrite(federation, page, changed) if node == f"node-{HOST}" else page

    report = claim(federation, PaperRelay(federation, tamper=tamper))
    assert list(report.failed) == [f"node-{HOST}"]
    assert report.found > 0
    told = duckdb.execute(
        "SELECT DISTINCT host_authority FROM read_parquet(?)",
        [[str(path) for path in find_facts(federation.directory / f"node-{HOME}")]],
    ).fetchall()
    assert HOST not in {authority for (authority,) in told}
    rejected = {child.host for child in incomplete(federation).values() if child.reason is Reason.HOST_ANSWER_REJECTED}
    assert rejected == {HOST}
    assert claim(federation).found > 0, "an honest answer later is taken"


def test_an_answer_of_another_claim_does_not_open(federation: SmallFederation) -> None:
    """A relay that hands on last week's answer, or another host's, is told from the host it plays."""
    first = PaperRelay(federation, silent=frozenset({"node-316", "node-317"}))
    federation.change_rule(HOST, "answer = true", "answer = false")
    claim(federation, first)
    old = first.answers[f"node-{HOST}"]
    federation.change_rule(HOST, "answer = false", "answer = true")
    report = claim(federation, PaperRelay(federation, tamper=lambda node, page: old))
    assert set(report.failed) == {"node-301", "node-316", "node-317"}
    assert find_facts(federation.directory / f"node-{HOME}") == ()
