"""The connection between a member and the hub: outward only, signed, bounded in size and time.

A node never listens for the federation: it asks the hub for what is waiting and holds the line open for a while (long
poll). Every request may be sent again after a failure, since the hub counts the same message once. How one is sent is
`federation.hub_line`'s.
"""

import base64
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

from federation.envelope import Envelope, Signature
from federation.exchange import (
    ApproversRefusal,
    BudgetLeft,
    CheckDecision,
    CheckList,
    ExplainedStates,
    ForeseenCheck,
    Inbox,
    LookupBatch,
    LookupProgress,
    QueryDraft,
    QueryList,
    QueryStatus,
    Reason,
    ReleaseDocument,
    ReleaseStanding,
    RunDraft,
    SealingKeyList,
    SignedRefusals,
    TriedOut,
    WaitingManifests,
)
from federation.hub_line import Clock, HubLine, current_time
from federation.project import Project
from federation.sealing import SealedRecords
from federation.state import Party, StateError
from federation.tls import TlsInvalid
from federation.wire import encode_document
from federation.witnessing import WitnessAnswer, WitnessReport


class HubConnection(HubLine):
    """A member's signed conversation with its hub: a method for each of its doors."""

    def fetch_register(self) -> bytes:
        """Return the register that the hub carries, for the caller to verify."""
        return self._send("GET", "/federation/register")

    def fetch_inbox(self, *, wait: int, done: Iterable[int] = (), in_hand: Iterable[int] = ()) -> Inbox:
        """Return what is waiting for this node, holding the line up to `wait` seconds when nothing is.

        `done` are deliveries that need no answer any more; the hub takes them out of the inbox first. Those `in_hand`
        stay in it, and are not handed out.
        """
        return self._read("GET", f"/federation/inbox{_ask_inbox(wait, done, in_hand)}", Inbox)

    def send_reply(self, reply: bytes) -> None:
        """Hand in the envelope of a signed reply to a manifest. The same reply twice counts once."""
        self._send("POST", "/federation/replies", reply)

    def hand_in(self, door: str, body: bytes) -> None:
        """Hand in this node's part in a sum, or its sealed answer to a lookup. The same bytes twice count once."""
        self._send("POST", f"/federation/{door}", body)

    def hand_in_and_wait(
        self, door: str, body: bytes, *, wait: int, done: Iterable[int] = (), in_hand: Iterable[int] = ()
    ) -> Inbox | None:
        """Hand in the same, and return what the next poll would have brought; None where the hub held no line."""
        data = self._send("POST", f"/federation/{door}{_ask_inbox(wait, done, in_hand)}", body)
        return self._decode(data, Inbox) if data else None

    def publish_sealing_key(self, key: Envelope) -> None:
        """Hand in this node's newest sealing key."""
        self._send("PUT", "/federation/sealing-key", encode_document(key))

    def publish_budget(self, statement: Envelope) -> None:
        """Hand in this node's newest statement of its privacy budget."""
        self._send("PUT", "/federation/budget", encode_document(statement))

    def report_witnessing(self, report: WitnessReport) -> WitnessAnswer:
        """Hand in what this node signed of others' logs and what of its own is to be signed, and return the same."""
        return self._read("POST", "/federation/witnessing", WitnessAnswer, encode_document(report))

    def fetch_budget(self, project: str, academic_year: str) -> BudgetLeft:
        """Return how much privacy loss a project's next question about a year may cost."""
        return self._read("GET", f"/api/budget/{_word(project)}/{_word(academic_year)}", BudgetLeft)

    def fetch_project(self, name: str) -> Project:
        """Return a project that the caller belongs to, as it stands."""
        return self._read("GET", f"/api/projects/{_word(name)}", Project)

    def fetch_sealing_keys(self) -> SealingKeyList:
        """Return the newest sealing key of each node, for the caller to verify."""
        return self._read("GET", "/federation/sealing-keys", SealingKeyList)

    def ask_lookup(self, batch: LookupBatch) -> None:
        """Hand in the sealed requests of a lookup."""
        self._send("POST", "/federation/lookups", encode_document(batch))

    def fetch_lookup(self, lookup_id: str, *, wait: int, done: int = 0) -> LookupProgress:
        """Return sealed answers beyond the first `done`, which have arrived and which the hub deletes.

        Waits up to `wait` seconds for the rest. Asked again, as after a crash, the same answers come again.
        """
        path = f"/federation/lookups/{_word(lookup_id)}?wait={wait}&done={done}"
        return self._read("GET", path, LookupProgress)

    def finish_lookup(self, lookup_id: str) -> None:
        """Have the hub delete every page of a lookup."""
        self._send("DELETE", f"/federation/lookups/{_word(lookup_id)}")

    def draft_query(self, draft: QueryDraft) -> QueryStatus:
        """Have a query checked and turned into a manifest."""
        return self._read("POST", "/api/queries", QueryStatus, encode_document(draft))

    def try_query(self, draft: QueryDraft) -> TriedOut:
        """Have a question answered on the hub's made-up England; nobody is asked it."""
        return self._read("POST", "/api/dry-runs", TriedOut, encode_document(draft))

    def draft_run(self, draft: RunDraft) -> QueryStatus:
        """Have a run of an approved template turned into a manifest."""
        return self._read("POST", "/api/runs", QueryStatus, encode_document(draft))

    def list_queries(self) -> QueryList:
        """Return the queries this member may see."""
        return self._read("GET", "/api/queries", QueryList)

    def fetch_status(self, query_id: str, *, wait: int = 0, seen: str = "") -> QueryStatus:
        """Return where a query stands, waiting up to `wait` seconds while that is no further than was `seen`."""
        return self._read("GET", f"/api/queries/{_word(query_id)}?wait={wait}&seen={seen}", QueryStatus)

    def fetch_states(self) -> ExplainedStates:
        """Return every state of queries that the hub knows, with what it means."""
        return self._read("GET", "/api/query-states", ExplainedStates)

    def fetch_manifest(self, query_id: str) -> bytes:
        """Return the envelope of a query's manifest with the signatures collected so far."""
        return self._send("GET", f"/api/queries/{_word(query_id)}/manifest")

    def send_signature(self, query_id: str, signature: Signature) -> QueryStatus:
        """Hand in this member's signature over a manifest's exact bytes."""
        return self._read("POST", f"/api/queries/{_word(query_id)}/signatures", QueryStatus, encode_document(signature))

    def fetch_waiting(self) -> WaitingManifests:
        """Return the manifests that wait for approvals, for a node to show to its own organisation's approvers."""
        return self._read("GET", "/federation/manifests", WaitingManifests)

    def fetch_for_approvers(self, query_id: str) -> bytes:
        """Return one manifest's envelope, for the same."""
        return self._send("GET", f"/federation/manifests/{_word(query_id)}")

    def hand_in_approval(self, query_id: str, signature: Signature) -> QueryStatus:
        """Hand in what an approver of this node's organisation signed at the node's page."""
        path = f"/federation/manifests/{_word(query_id)}/approvals"
        return self._read("POST", path, QueryStatus, encode_document(signature))

    def fetch_foreseen_check(self, query_id: str) -> ForeseenCheck:
        """Return whether what a query asks for will wait for an output checker, and why."""
        return self._read("GET", f"/api/queries/{_word(query_id)}/foreseen-check", ForeseenCheck)

    def fetch_refusals(self, query_id: str) -> SignedRefusals:
        """Return the refusals of a query as the nodes signed them, for the caller to verify."""
        return self._read("GET", f"/api/queries/{_word(query_id)}/refusals", SignedRefusals)

    def fetch_release(self, query_id: str) -> ReleaseDocument:
        """Return the release of a query."""
        return self._read("GET", f"/api/queries/{_word(query_id)}/release", ReleaseDocument)

    def fetch_standing(self, cited: str) -> ReleaseStanding:
        """Return which query a release answers and whether it still stands, by its own id or its query's."""
        return self._read("GET", f"/api/releases/{_word(cited)}", ReleaseStanding)

    def fetch_rules(self, query_id: str) -> bytes:
        """Return the rules of the preset that protects a query's release, for the caller to hold to their digest."""
        return self._send("GET", f"/api/queries/{_word(query_id)}/preset")

    def fetch_proof(self, query_id: str) -> bytes:
        """Return the proof that a query's release stands in the hub's log, for the caller to verify."""
        return self._send("GET", f"/api/queries/{_word(query_id)}/proof")

    def fetch_checks(self) -> CheckList:
        """Return the releases that wait for an output checker."""
        return self._read("GET", "/api/checks", CheckList)

    def withdraw_query(self, query_id: str, reason: Reason) -> QueryStatus:
        """Take a query of one's own back."""
        return self._read("POST", f"/api/queries/{_word(query_id)}/withdrawal", QueryStatus, encode_document(reason))

    def refuse_query(self, query_id: str, reason: Reason) -> QueryStatus:
        """Refuse a query, as an approver."""
        return self._read("POST", f"/api/queries/{_word(query_id)}/refusal", QueryStatus, encode_document(reason))

    def give_notice(self, query_id: str, reason: Reason) -> QueryStatus:
        """Say of a release that it is withdrawn, as an output checker."""
        return self._read("POST", f"/api/queries/{_word(query_id)}/notice", QueryStatus, encode_document(reason))

    def hand_in_refusal(self, query_id: str, refusal: ApproversRefusal) -> QueryStatus:
        """Hand in what an approver refused at a page of this node."""
        path = f"/federation/manifests/{_word(query_id)}/refusals"
        return self._read("POST", path, QueryStatus, encode_document(refusal))

    def decide_check(self, query_id: str, decision: CheckDecision) -> None:
        """Hand in an output checker's decision."""
        self._send("POST", f"/api/checks/{_word(query_id)}", encode_document(decision))


def connect_party(
    party: Party, *, clock: Clock = current_time, pause: Callable[[float], object] = time.sleep
) -> HubConnection:
    """Open a member's connection to the hub that it joined.

    Raises `StateError` before it has joined one, or where the connection would not be protected.
    """
    if not party.profile.hub:
        raise StateError(f"{party.member_id} has joined no federation: run circe member join first")
    ca = party.profile.hub_ca and str(Path(party.directory, party.profile.hub_ca))
    try:
        return HubConnection(party.profile.hub, party.ring, ca=ca, clock=clock, pause=pause)
    except TlsInvalid as error:
        raise StateError(f"{party.member_id}: {error}") from None


def answer_door(lookup_id: str) -> str:
    """The door at which this node's sealed answer to a lookup is handed in."""
    return f"lookups/{_word(lookup_id)}/answer"


def _ask_inbox(wait: int, done: Iterable[int], in_hand: Iterable[int]) -> str:
    """Return the query of a request for what is waiting."""
    numbers = {"done": ",".join(map(str, done)), "in_hand": ",".join(map(str, in_hand))}
    return f"?wait={wait}" + "".join(f"&{name}={listed}" for name, listed in numbers.items() if listed)


def _word(name: str) -> str:
    """Return an id as one word of a path, whatever whoever gave it to us put in."""
    return quote(name, safe="")


def encode_records(sealed: SealedRecords) -> str:
    """Return sealed pages as they stand inside a document."""
    return base64.b64encode(sealed.data).decode()


def decode_records(text: str) -> SealedRecords:
    """Read sealed pages out of a document. Raises `EnvelopeError` or `SealError`."""
    from federation.envelope import decode_base64

    return SealedRecords(decode_base64(text))
