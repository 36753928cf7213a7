"""The documents that members and the hub exchange over HTTP, beside manifests, replies and sealed pages."""

import hashlib
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from disclosure_control.noise.terms import Mechanism
from federation.envelope import Envelope
from federation.explained import Explained
from federation.lookups import LookupId
from federation.manifest import Choice, Path
from federation.sum_terms import Epsilon, SumTerms, make_noisy_terms
from federation.wire import AcademicYear, Document, Instant, Line, Name, SqlText, Term, TermOrNone, convert_value

StateName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{0,31}\Z")]
"""The name of a state of queries."""


class QueryState(Explained):
    """The life of a query at the hub, and what each state means.

    A state of a later version is read as one that is none of these: it has its name, and no meaning here.
    """

    DRAFTED = "drafted", "Checked and turned into a manifest that its asker has not yet signed."
    SUBMITTED = "submitted", "Signed by its asker; waits for approvals by two organisations."
    APPROVED = (
        "approved",
        "Approved by two organisations; waits to be sent out, as a sum until its nodes are ready.",
    )
    RUNNING = "running", "Offered to every node of the roster, which answers or refuses."
    CHECKING = (
        "checking",
        "The answers are in; an output checker decides: it could tell much, or not all was looked at.",
    )
    RELEASED = "released", "Every node has answered, or the time is up: what is safe is released."
    EXPIRED = "expired", "Not approved in time."
    UNFINISHED = "unfinished", "Approved, but no node answered in time, or nothing could be made safe."
    REFUSED = "refused", "Refused by an approver, the authorities or an output checker; its asker is told who and why."
    WITHDRAWN = "withdrawn", "Taken back by its asker before anything was released."

    @classmethod
    def _missing_(cls, value: object) -> "QueryState | None":
        try:
            name = convert_value(value, StateName)
        except msgspec.ValidationError:
            return None
        later = str.__new__(cls, name)
        later._name_, later._value_, later.meaning = name.upper(), name, ""
        return later


SETTLED = frozenset(
    {QueryState.RELEASED, QueryState.EXPIRED, QueryState.UNFINISHED, QueryState.REFUSED, QueryState.WITHDRAWN}
)
"""States in which a query stays."""


class ExplainedState(Document, frozen=True):
    """A state that queries can be in: what it means, and whether they stay in it."""

    name: StateName
    meaning: Line
    final: bool


class ExplainedStates(Document, frozen=True):
    """Every state that the hub knows, so that the software of the version before can follow a query through all."""

    states: Annotated[tuple[ExplainedState, ...], msgspec.Meta(max_length=100)]


Tolerated = Annotated[int, msgspec.Meta(ge=0, le=400)] | None
"""So many nodes; None leaves it to the rule that everybody works out alike."""


class QueryDraft(Document, frozen=True):
    """What a researcher asks for; the hub makes a manifest of it.

    `epsilon`, `dropouts`, `colluders` and `mechanism` are the terms of a noisy sum, and say nothing on another path.
    """

    project: Name
    purpose: Line
    sql: SqlText
    academic_year: AcademicYear
    preset: Name
    roster: tuple[Name, ...] | None
    valid_hours: Annotated[int, msgspec.Meta(ge=1, le=720)]
    path: Path = Path.PER_AUTHORITY
    snapshot_term: TermOrNone = ""
    epsilon: Epsilon = "1"
    dropouts: Tolerated = None
    colluders: Tolerated = None
    mechanism: Mechanism = "polya"

    @property
    def term(self) -> str:
        """The term of the snapshots to answer from: the summer of the academic year, unless told otherwise."""
        return self.snapshot_term or f"{self.academic_year}-summer"

    def sum_terms(self, nodes: int) -> SumTerms | None:
        """The terms of the sum over so many nodes; None where each authority answers for itself."""
        if self.path is not Path.NOISY_SUM:
            return None
        return make_noisy_terms(nodes, self.epsilon, self.dropouts, self.colluders, self.mechanism)


class RunDraft(Document, frozen=True):
    """What the asker of a template wants run; the hub makes a manifest of it, and their signature sets it going."""

    template: Envelope
    choices: tuple[Choice, ...]
    snapshot_term: Term
    valid_hours: Annotated[int, msgspec.Meta(ge=1, le=720)]


class NodeProgress(Document, frozen=True):
    """Where one node of the roster stands."""

    node: str
    authority: str
    outcome: str
    code: str
    text: str


class BudgetLeft(Document, frozen=True):
    """What a project's next question about one academic year may cost, at the authority that has the least left.

    `unstated` are nodes that have not said what they have left: nothing is sent out to them.
    """

    project: Name
    academic_year: AcademicYear
    left: str
    most_per_question: str
    unstated: tuple[str, ...]


class QueryBudget(Document, frozen=True):
    """What a query costs in privacy loss, and what is left for its project and year, now and once it is sent out.

    What is left is that of the authority of its roster that has the least. `short` says why it could not be sent out
    now; empty where it can, or has been.
    """

    epsilon: str
    rho: str
    left: str
    left_after: str
    short: str


class PendingCheck(Document, frozen=True):
    """A release that waits for an output checker: what was found, in words, and who is left out of it."""

    query_id: str
    purpose: str
    sql: str
    found: tuple[str, ...]
    withheld: tuple[str, ...]


class ForeseenCheck(Document, frozen=True):
    """Why a release will wait for an output checker, as far as it is known before; empty where nothing is."""

    reason: str


class CheckList(Document, frozen=True):
    """The releases that wait."""

    checks: tuple[PendingCheck, ...]


class CheckDecision(Document, frozen=True):
    """What a checker decides: to release what is left, less these further authorities, or nothing at all."""

    release: bool
    withhold: Annotated[tuple[Name, ...], msgspec.Meta(max_length=400)] = ()
    reason: Line = "What was found tells too much."


class Reason(Document, frozen=True):
    """Why somebody withdraws or refuses something, in words that its asker reads."""

    reason: Line


class ApproversRefusal(Document, frozen=True):
    """What an approver refuses at a page of their own organisation's node, and why."""

    approver: Name
    reason: Line


class Ending(Document, frozen=True):
    """Who withdrew or refused a query, or gave notice that its release is withdrawn, and why."""

    by: Name
    reason: Line
    at: Instant


class QueryStatus(Document, frozen=True):
    """Where a query stands; `budget` is None where it adds no noise, and in lists of queries.

    `ending` is there where somebody ended it; beside a release, it is the notice that the release is withdrawn.
    """

    query_id: str
    state: QueryState
    project: str
    asker: str
    purpose: str
    sql: str
    manifest_digest: str
    plan_id: str
    cells: int
    signers: tuple[str, ...]
    expires_at: Instant
    nodes: tuple[NodeProgress, ...]
    budget: QueryBudget | None = None
    ending: Ending | None = None

    @property
    def progress(self) -> str:
        """How far it has come, as 16 hex figures: others once its state, its signers or what a node says is another."""
        return hashlib.sha256(msgspec.json.encode((self.state, self.signers, self.nodes))).hexdigest()[:16]


class SignedRefusals(Document, frozen=True):
    """The refusals of a query as the nodes signed them, for whoever asked to verify."""

    refusals: Annotated[tuple[Envelope, ...], msgspec.Meta(max_length=400)]


class ReleaseStanding(Document, frozen=True):
    """Which query a release answers, and the notice if it is withdrawn: for whoever may read the release."""

    release_id: str
    query_id: str
    notice: Ending | None = None


class QueryList(Document, frozen=True):
    """The queries that a member may see, newest first."""

    queries: tuple[QueryStatus, ...]


class WaitingManifests(Document, frozen=True):
    """Manifests that wait for approvals, oldest first, with the signatures collected so far."""

    manifests: Annotated[tuple[Envelope, ...], msgspec.Meta(max_length=200)]


class DeliveryKind(StrEnum):
    """What the hub has for a node."""

    MANIFEST = "manifest"
    LOOKUP = "lookup"
    PREKEYS_WANTED = "prekeys_wanted"
    PREKEYS = "prekeys"
    PAIRINGS = "pairings"
    DEAL = "deal"
    PARCELS = "parcels"
    SUM = "sum"
    SURVIVORS = "survivors"
    OPENING = "opening"
    ABORT = "abort"


class Delivery(Document, frozen=True):
    """One thing waiting in a node's inbox; it stays there until the node says it is done with it."""

    delivery_id: int
    kind: DeliveryKind
    lookup_id: str
    sender: str
    body: str


SealingKeys = Annotated[tuple[Envelope, ...], msgspec.Meta(max_length=1000)]
"""Sealing keys as their nodes signed them: more than there are nodes, and no more than are soon looked through."""


MOST_AT_ONCE = 64
"""How many deliveries one poll returns at most."""


class Inbox(Document, frozen=True):
    """What is waiting for a node, the register version that the hub carries, and the senders' newest sealing keys."""

    register_version: int
    deliveries: Annotated[tuple[Delivery, ...], msgspec.Meta(max_length=MOST_AT_ONCE)]
    sealing_keys: SealingKeys = ()


class SealingKeyList(Document, frozen=True):
    """The newest sealing key of each node, as that node signed it, as far as the hub says."""

    keys: SealingKeys


class LookupBatch(Document, frozen=True):
    """The sealed requests of one lookup, a page for each addressed node."""

    lookup_id: LookupId
    pages: dict[str, str]


class LookupProgress(Document, frozen=True):
    """Sealed answers by node, in no order, and the nodes still awaited.

    `last` is the number of the newest answer in it: whoever has all of these asks for those beyond `last`, and the hub
    deletes these. `more` says that others have come in which one document does not hold.
    """

    lookup_id: str
    answers: dict[str, str]
    awaited: tuple[str, ...]
    last: Annotated[int, msgspec.Meta(ge=0)]
    more: bool


class TriedOut(Document, frozen=True):
    """What a question gave on the hub's made-up England: a table, or a model, of nobody.

    It is no release, and cannot pass for one: it has no id, no signature and no proof, and says what it is.
    """

    synthetic: bool
    sql: str
    authorities: tuple[str, ...]
    table: dict[str, Any]


class ReleaseDocument(Document, frozen=True):
    """A release as the hub hands it out: the table with its symbols and method, and how it came about.

    `replies` are what the nodes signed, from which anyone puts the table together again. Of a sum they are what each
    says of its masked figures, and `opening` is the statement, signed by enough nodes, that these and no others were to
    be opened together. `certificate` shows, to whoever adds it up, that no withheld count can be worked out from the
    others of the table.
    """

    release_id: str
    query_id: str
    manifest_digest: str
    sql: str
    purpose: str
    released_at: Instant
    table: dict[str, Any]
    nodes: tuple[NodeProgress, ...]
    replies: tuple[Envelope, ...]
    opening: Envelope | None
    checkpoint: str
    certificate: str = ""
