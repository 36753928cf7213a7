"""The client against a hub that says something else than it was asked: nothing is signed."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path as FilePath
from typing import Any, cast

import msgspec
import pytest

from federation.client import FederationClient, ManifestMismatch
from federation.envelope import EnvelopeError, Signature, read_envelope, seal_envelope, write_envelope
from federation.exchange import QueryDraft, QueryStatus
from federation.manifest import MANIFEST_TYPE, ApprovalError, Manifest, Path, read_manifest, write_manifest
from federation.register import RegisterError
from federation.sum_terms import make_noisy_terms
from federation.transport import HubConnection
from hub import drafting, queries, signing, standing
from query_engine.catalogue import load_catalogue
from query_engine.refusal import QueryRefused
from tests.hub.played_federation import PROJECT, SQL, PlayedFederation, found_federation

DRAFT = QueryDraft(
    project=PROJECT,
    purpose="How attendance differs by key stage",
    sql=SQL,
    academic_year="202425",
    preset="ons_10_5",
    roster=None,
    valid_hours=24,
)

Spoil = Callable[[Manifest], Manifest]


class DishonestHub:
    """Stands where a member's connection does: it does as the hub would, but for the manifest that it hands out."""

    def __init__(self, federation: PlayedFederation, member: str, spoil: Spoil) -> None:
        self._federation, self._member, self._spoil = federation, member, spoil
        self.signatures: list[Signature] = []

    def fetch_register(self) -> bytes:
        return (self._federation.directory / "register.json").read_bytes()

    def draft_query(self, draft: QueryDraft) -> QueryStatus:
        member = self._federation.member(self._member)
        return self.fetch_status(drafting.draft_query(self._federation.hub, draft, member))

    def fetch_status(self, query_id: str, *, wait: int = 0, seen: str = "") -> QueryStatus:
        return standing.describe_query(self._federation.hub, self._find(query_id))

    def fetch_manifest(self, query_id: str) -> bytes:
        envelope = self._find(query_id).envelope
        spoilt = seal_envelope(write_manifest(self._spoil(read_manifest(envelope))), MANIFEST_TYPE)
        return write_envelope(msgspec.structs.replace(spoilt, signatures=envelope.signatures))

    def send_signature(self, query_id: str, signature: Signature) -> QueryStatus:
        self.signatures.append(signature)
        signing.sign_query(self._federation.hub, query_id, signature, self._federation.member(self._member))
        return self.fetch_status(query_id)

    def _find(self, query_id: str) -> queries.StoredQuery:
        return queries.find_query(self._federation.hub, query_id, self._federation.member(self._member))


@pytest.fixture
def played(tmp_path: FilePath) -> Iterator[PlayedFederation]:
    """A hub and its members, in one process."""
    federation = found_federation(tmp_path)
    yield federation
    federation.hub.database.close()


def client(
    federation: PlayedFederation, member: str, spoil: Spoil = lambda manifest: manifest
) -> tuple[FederationClient, DishonestHub]:
    """A member's client, and the hub that it talks to."""
    hub = DishonestHub(federation, member, spoil)
    party = federation.parties[member]
    return FederationClient(party, cast(HubConnection, hub), federation.clock), hub


def change(**fields: Any) -> Spoil:
    return lambda manifest: msgspec.structs.replace(manifest, **fields)


def lengthen(manifest: Manifest) -> Manifest:
    return msgspec.structs.replace(manifest, expires_at=manifest.expires_at + timedelta(seconds=1))


def postpone(manifest: Manifest) -> Manifest:
    shift = timedelta(days=2)
    changed = {"issued_at": manifest.issued_at + shift, "expires_at": manifest.expires_at + shift}
    return msgspec.structs.replace(manifest, **changed)


SPOILT: dict[str, Spoil] = {
    "another question": change(sql=SQL.replace("looked_after", "care_leaver")),
    "another plan": change(plan_id="plan-" + "0" * 32),
    "another catalogue": change(catalogue_version="0" * 16),
    "another purpose": change(purpose="Something else"),
    "another asker": change(asker="bea"),
    "another project": change(project="exclusions"),
    "another year": change(academic_year="202324"),
    "another preset": change(preset="dfe_cla"),
    "fewer nodes": change(roster=("node-301",)),
    "more nodes": change(roster=("node-301", "node-302", "node-303", "node-304")),
    "another query": change(query_id=f"Q-{'0' * 16}"),
    "a longer time": lengthen,
    "another time": postpone,
    "another term": change(snapshot_term="202425-autumn"),
    "another path": change(path=Path.NOISY_SUM, sum=make_noisy_terms(3, "1")),
    "a run of a template": change(template="0" * 64),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=list(SPOILT))
def test_nothing_is_signed_but_what_was_asked(played: PlayedFederation, spoil: Spoil) -> None:
    asker, hub = client(played, "ana", spoil)
    with pytest.raises((ManifestMismatch, ApprovalError)):
        asker.submit(DRAFT)
    assert hub.signatures == []


def test_what_was_asked_is_signed(played: PlayedFederation) -> None:
    """Of every node, or of those that the draft names."""
    asker, hub = client(played, "ana")
    assert asker.submit(DRAFT).state == "submitted"
    some = asker.submit(msgspec.structs.replace(DRAFT, roster=("node-301", "node-303")))
    assert [node.node for node in some.nodes] == ["node-301", "node-303"]
    assert len(hub.signatures) == 2


def test_a_named_roster_is_not_widened(played: PlayedFederation) -> None:
    asker, hub = client(played, "ana", change(roster=("node-301", "node-302")))
    with pytest.raises(ManifestMismatch, match="other nodes"):
        asker.submit(msgspec.structs.replace(DRAFT, roster=("node-301",)))
    assert hub.signatures == []


def test_whoever_plans_otherwise_is_told_what_they_have_and_what_the_hub_has(played: PlayedFederation) -> None:
    """And only then: where it states our own planner and catalogue, the hub made the plan up."""
    older, _ = client(played, "ana", SPOILT["another catalogue"])
    here = load_catalogue().version
    with pytest.raises(ManifestMismatch, match=f"catalogue {'0' * 16}, and this software .* catalogue {here}; use"):
        older.submit(DRAFT)
    forged, _ = client(played, "ana", SPOILT["another plan"])
    with pytest.raises(ManifestMismatch, match="it states our own planner and catalogue"):
        forged.submit(DRAFT)


@pytest.mark.parametrize("name", ["another question", "fewer nodes", "another asker", "a longer time", "another query"])
def test_an_approver_signs_what_the_asker_signed_alone(played: PlayedFederation, name: str) -> None:
    """One byte of the manifest changed, and the asker's signature does not hold any more."""
    query_id = played.sign(played.draft(), "ana")
    approver, hub = client(played, "cho", SPOILT[name])
    with pytest.raises((ApprovalError, ManifestMismatch, EnvelopeError)):
        approver.review(query_id)
    assert hub.signatures == []


def test_an_approver_is_shown_neither_a_draft_nor_what_is_over(played: PlayedFederation) -> None:
    """What its asker has not signed is nobody's question, and what has expired is not asked any more."""
    draft, submitted = played.draft(), played.sign(played.draft(), "ana")
    approver, _ = client(played, "cho")
    with pytest.raises(ApprovalError, match="expected one signature by ana"):
        approver.review(draft)
    assert approver.review(submitted).manifest.query_id == submitted
    played.clock.advance(timedelta(hours=168))
    with pytest.raises(ApprovalError, match="expired"):
        approver.review(submitted)


def test_nobody_signs_anothers_draft_as_their_own(played: PlayedFederation) -> None:
    query_id = played.draft()
    officer, _ = client(played, "cho")
    with pytest.raises(ManifestMismatch, match="asked by ana"):
        officer.review_own(query_id)


def test_a_register_of_another_root_is_refused_before_anything_is_sent(
    played: PlayedFederation, tmp_path: FilePath
) -> None:
    other = found_federation(tmp_path / "other")
    asker, hub = client(played, "ana")
    (played.directory / "register.json").write_bytes((other.directory / "register.json").read_bytes())
    with pytest.raises(RegisterError):
        asker.submit(DRAFT)
    assert hub.signatures == []
    assert standing.list_queries(played.hub, played.member("ana")) == ()
    other.hub.database.close()


def test_the_envelope_that_was_read_is_the_one_that_is_signed(played: PlayedFederation) -> None:
    query_id = played.sign(played.draft(), "ana")
    approver, hub = client(played, "cho")
    review = approver.review(query_id)
    approver.sign(review)
    signed = read_envelope(hub.fetch_manifest(query_id), MANIFEST_TYPE)
    assert signed.body == review.envelope.body
    assert signed.signers == ("ana", "cho")


def test_a_question_that_a_methodology_guard_refuses_never_reaches_the_hub(played: PlayedFederation) -> None:
    """The asker hears it from their own machine, whatever the hub would have let pass."""
    sql = "SELECT academic_year, AVG(engmath_94) AS passed FROM child_year GROUP BY academic_year"
    ana, hub = client(played, "ana")
    with pytest.raises(QueryRefused, match="year_on_year, recommendation 2"):
        ana.submit(msgspec.structs.replace(DRAFT, sql=sql))
    assert hub.signatures == []
    assert played.hub.database.connection.execute("SELECT count(*) FROM queries").fetchone()[0] == 0
