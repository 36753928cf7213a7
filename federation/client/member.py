"""One member's view of the federation: what they ask, sign, follow and fetch, with their own keys, through the hub."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self, Unpack

from audit.proof import ProvenEntry
from federation.client.asking import Question, Submission, Terms, draft_question
from federation.client.manifests import (
    ManifestMismatch,
    Review,
    TemplateReview,
    check_says_what_was_asked,
    check_soundness,
    derive_plan,
    review_manifest,
)
from federation.client.result import Result
from federation.client.states import KnownStates
from federation.client.trial import Trial
from federation.client.verification import Answered, verify_document
from federation.envelope import Envelope, read_envelope, seal_envelope, sign_body
from federation.evidence import write_evidence
from federation.exchange import (
    BudgetLeft,
    CheckDecision,
    PendingCheck,
    QueryDraft,
    QueryStatus,
    Reason,
    ReleaseDocument,
    ReleaseStanding,
    RunDraft,
)
from federation.hub_line import LONG_POLL_SECONDS, HubRefused, HubUnreachable, current_time
from federation.keys import MemberKeys
from federation.log_proofs import verify_release_proof
from federation.manifest import (
    MANIFEST_TYPE,
    Manifest,
    Reply,
    check_asker,
    check_project,
    check_validity,
    describe_lapsed,
    list_lapsed,
    manifest_digest,
    read_manifest,
    write_manifest,
)
from federation.project import Project
from federation.register import MemberKind, Register
from federation.releases import ReleaseMismatch, check_not_later, is_release_id
from federation.replies import verify_refusals
from federation.state import Party
from federation.template import (
    TEMPLATE_TYPE,
    Template,
    bind_run,
    check_bounds,
    check_template,
    check_template_validity,
    read_template,
    template_digest,
)
from federation.transport import HubConnection
from federation.wire import encode_document
from federation.witnessing import find_quorum

if TYPE_CHECKING:
    from disclosure_control.presets.preset import Preset
    from disclosure_control.presets.shelf import PresetShelf
    from federation.comparison import Comparison
    from federation.reports.written import WrittenReport

Clock = Callable[[], datetime]


class FederationClient:
    """One member's view of the federation, through its hub; a context manager that closes the connection."""

    def __init__(self, party: Party, connection: HubConnection, clock: Clock = current_time) -> None:
        self._party, self._connection, self._clock = party, connection, clock
        self._lent: tuple[Preset, ...] = ()
        self.states = KnownStates(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection to the hub."""
        self._connection.close()

    @property
    def member_id(self) -> str:
        """Whose view it is."""
        return self._party.member_id

    @property
    def hub_id(self) -> str:
        """The id of the hub, by the register."""
        return next((each.id for each in self.refresh_register().active(MemberKind.HUB, self._clock())), "")

    @property
    def keys(self) -> MemberKeys:
        """The member's own keys."""
        return self._party.keys

    def now(self) -> datetime:
        """The moment, by this machine's clock."""
        return self._clock()

    def refresh_register(self) -> Register:
        """Fetch the register, verify it under the pinned root and keep it."""
        return self._party.adopt_register(self._connection.fetch_register(), self._clock())

    def sql(self, text: str, *, project: str, purpose: str, **terms: Unpack[Terms]) -> Question:
        """Return a question to be checked and asked; nothing is sent yet.

        Its path, year and the rest follow from the SQL where `terms` do not say. Raises `QueryRefused` for one that is
        not to be asked.
        """
        return Question(self, draft_question(text, project, purpose, **terms))

    def query(self, query_id: str) -> Submission:
        """Return a query that was submitted before, to follow it or to have its release."""
        return Submission(self, query_id)

    def try_out(self, draft: QueryDraft) -> Trial:
        """Have the hub answer a draft on its made-up England; no authority is asked."""
        return Trial(self._connection.try_query(draft), self.presets)

    def result(self, cited: str) -> Result:
        """Return a release by its id or its query's, verified against what the nodes signed, with its proof."""
        answered = self.fetch_answered(cited)
        proof, evidence = self.fetch_proof(answered.document)[0], self.gather_evidence(answered)
        return Result(answered.document, self.presets, proof, evidence, answered.left_open)

    def submit(self, draft: QueryDraft) -> QueryStatus:
        """Have a query checked, compare its manifest with the draft, sign it and submit it.

        Raises `QueryRefused` where the question is not one to ask, `ManifestMismatch` when the manifest says anything
        else than the draft, and `HubRefused` with the reason when the hub refuses the query.
        """
        check_soundness(draft.sql)
        register = self.refresh_register()
        status = self._connection.draft_query(draft)
        envelope, manifest = self._fetch_manifest(status.query_id)
        check_validity(manifest, self._clock())
        nodes = draft.roster or sorted(member.id for member in register.active(MemberKind.NODE, self._clock()))
        check_says_what_was_asked(manifest, draft, self._party.member_id, nodes)
        check_project(manifest, derive_plan(manifest, self._party.presets), self._clock())
        return self._sign(status.query_id, envelope)

    @property
    def presets(self) -> "PresetShelf":
        """The presets that this member reads by: its own, and those that protect what it has read here."""
        from federation.kept_presets import ReadingShelf

        return ReadingShelf(self._party.presets.own, self._lent)

    def _borrow_rules(self, query_id: str, manifest: Manifest) -> None:
        """Have the rules that protect a release handed over where they are not here, by the digest that was signed.

        Raises `ManifestMismatch` where others are.
        """
        from disclosure_control.presets.preset import PresetInvalid
        from federation.kept_presets import read_stated

        with suppress(PresetInvalid):
            self.presets.find(manifest.preset, manifest.preset_version)
            return
        try:
            self._lent = (*self._lent, read_stated(manifest, self._connection.fetch_rules(query_id)))
        except PresetInvalid as error:
            raise ManifestMismatch(str(error)) from None

    def review(self, query_id: str) -> Review:
        """Fetch a manifest and read it here: the asker's signature, its validity and its plan are all verified."""
        register = self.refresh_register()
        envelope, _ = self._fetch_manifest(query_id)
        return review_manifest(envelope, register, self._party.presets, self._clock())

    def review_own(self, query_id: str) -> Review:
        """Fetch a manifest that one drafted elsewhere, to read it before signing. Raises `ManifestMismatch`."""
        register = self.refresh_register()
        envelope, manifest = self._fetch_manifest(query_id)
        if manifest.asker != self._party.member_id:
            raise ManifestMismatch(f"{query_id} is asked by {manifest.asker}: sign your own queries alone")
        check_validity(manifest, self._clock())
        check_soundness(manifest.sql)
        asker = register.find(manifest.asker, self._clock())
        return Review(envelope, manifest, manifest_digest(envelope), derive_plan(manifest, self._party.presets), asker)

    def sign(self, review: Review) -> QueryStatus:
        """Sign the exact bytes that were reviewed: as the asker to submit them, as an approver to approve them."""
        return self._sign(review.manifest.query_id, review.envelope)

    def sign_new_template(self, template: Template) -> Envelope:
        """Sign a template of one's own, every question of which has been planned here."""
        return seal_envelope(encode_document(template), TEMPLATE_TYPE, self._party.keys)

    def review_template(self, envelope: Envelope) -> TemplateReview:
        """Read a template here: the asker's signature, its validity and the plan of every question are verified.

        Raises `ApprovalError`, `ManifestMismatch` or `QueryRefused` for one that cannot be acted on.
        """
        from federation.reading import describe_template
        from federation.template_making import plan_every_question

        register, template = self.refresh_register(), read_template(envelope)
        asker = check_asker(template, envelope, register, self._clock())
        check_template_validity(template, self._clock())
        plans, digest = plan_every_question(template, self._party.presets), template_digest(envelope)
        page = describe_template(template, digest, plans, asker, envelope.signers)
        return TemplateReview(envelope, template, digest, page)

    def submit_run(self, draft: RunDraft) -> QueryStatus:
        """Have a run of a template drafted, compare it with the template and what was asked, and sign it.

        Raises `ApprovalError` where the template is not approved or the run goes beyond it, and `ManifestMismatch` when
        the hub's manifest is another run than was asked for.
        """
        register, template = self.refresh_register(), read_template(draft.template)
        check_template(template, draft.template, register, self._clock())
        status = self._connection.draft_run(draft)
        envelope, run = self._fetch_manifest(status.query_id)
        check_validity(run, self._clock())
        if write_manifest(bind_run(template, template_digest(draft.template), run)) != envelope.body:
            raise ManifestMismatch("the hub's manifest is no run of the template: nothing was signed")
        check_bounds(template, run, register, self._clock())
        said = (run.choices, run.snapshot_term, run.expires_at - run.issued_at)
        if said != (draft.choices, draft.snapshot_term, timedelta(hours=draft.valid_hours)):
            raise ManifestMismatch("the hub's manifest is another run than was asked for: nothing was signed")
        derive_plan(run, self._party.presets)
        return self._sign(status.query_id, envelope)

    def foresee_check(self, query_id: str) -> str:
        """Return why what a query asks for will wait for an output checker, as far as it is known.

        Empty where it will not, or where the hub does not say, as one of the version before: nothing depends on it.
        """
        with suppress(HubRefused, HubUnreachable):
            return self._connection.fetch_foreseen_check(query_id).reason
        return ""

    def _fetch_manifest(self, query_id: str) -> tuple[Envelope, Manifest]:
        envelope = read_envelope(self._connection.fetch_manifest(query_id), MANIFEST_TYPE)
        manifest = read_manifest(envelope)
        if manifest.query_id != query_id:
            raise ManifestMismatch(f"the hub handed out another query's manifest than that of {query_id}")
        return envelope, manifest

    def _sign(self, query_id: str, envelope: Envelope) -> QueryStatus:
        self._keep_preset(read_manifest(envelope))
        signature = sign_body(envelope.body, MANIFEST_TYPE, self._party.keys)
        return self._connection.send_signature(query_id, signature)

    def _keep_preset(self, manifest: Manifest) -> None:
        """Keep the rules that protect what is signed here, to verify its release by. Raises `ManifestMismatch`."""
        from disclosure_control.presets.preset import PresetInvalid
        from federation.kept_presets import keep_version

        try:
            keep_version(self._party.presets, self._party.presets.find(manifest.preset, manifest.preset_version))
        except PresetInvalid as error:
            raise ManifestMismatch(str(error)) from None

    def watch(self, query_id: str) -> Iterator[QueryStatus]:
        """Yield where a query stands, at once and each time it has moved, until it is settled."""
        seen = ""
        while True:
            status = self._connection.fetch_status(query_id, wait=LONG_POLL_SECONDS, seen=seen)
            seen = status.progress
            yield status
            if self.states.is_final(status.state):
                return

    def status(self, query_id: str) -> QueryStatus:
        """Return where a query stands."""
        return self._connection.fetch_status(query_id)

    def refusals(self, query_id: str) -> tuple[Reply, ...]:
        """Return who refused a query and why, as each node signed it, in the order of the roster.

        Raises `RefusalMismatch` where the hub says so of a node that has not signed just that.
        """
        register, (envelope, _) = self.refresh_register(), self._fetch_manifest(query_id)
        # Whoever refuses between the two requests has signed, and is not told of yet.
        status = self._connection.fetch_status(query_id)
        return verify_refusals(self._connection.fetch_refusals(query_id).refusals, envelope, status, register)

    def dead_end(self, query_id: str) -> str:
        """Say why a query that waits for approvals can have them no more; nothing where it can."""
        register = self.refresh_register()
        envelope, manifest = self._fetch_manifest(query_id)
        return describe_lapsed(list_lapsed(manifest, envelope, register, self._clock()))

    def budget(self, project: str, academic_year: str) -> BudgetLeft:
        """Return how much privacy loss a project's next question about a year may cost."""
        return self._connection.fetch_budget(project, academic_year)

    def project(self, name: str) -> Project:
        """Return a project that one belongs to, as it stands."""
        return self._connection.fetch_project(name)

    def list_queries(self) -> tuple[QueryStatus, ...]:
        """Return the queries this member may see, newest first."""
        return self._connection.list_queries().queries

    def report(self, name: str, place: str = "nation", year: int = 202425) -> "WrittenReport":
        """Return a report of a place (`authority:301`, `region:London`, `nation`), from releases that one may see.

        Each is verified as `fetch` verifies it. Raises `StateError` for a report or a place that there is not.
        """
        from federation.client.reports import report_on

        return report_on(self, name, place, year)

    def list_checks(self) -> tuple[PendingCheck, ...]:
        """Return the releases that wait for an output checker, for one who is."""
        return self._connection.fetch_checks().checks

    def release_checked(self, query_id: str, withhold: Sequence[str] = ()) -> None:
        """Release what is left of a release that waits, as an output checker. Raises `HubRefused`."""
        self._connection.decide_check(query_id, CheckDecision(release=True, withhold=tuple(withhold)))

    def refuse_checked(self, query_id: str, reason: str) -> None:
        """Release nothing of a release that waits, as an output checker. Raises `HubRefused`."""
        self._connection.decide_check(query_id, CheckDecision(release=False, reason=reason))

    def withdraw(self, query_id: str, reason: str) -> QueryStatus:
        """Take back a query of one's own. Raises `HubRefused`."""
        return self._connection.withdraw_query(query_id, Reason(reason=reason))

    def refuse(self, query_id: str, reason: str) -> QueryStatus:
        """Refuse a query that waits for approvals, as an approver. Raises `HubRefused`."""
        return self._connection.refuse_query(query_id, Reason(reason=reason))

    def give_notice(self, query_id: str, reason: str) -> QueryStatus:
        """Say of a release that it is withdrawn, as an output checker. Raises `HubRefused`."""
        return self._connection.give_notice(query_id, Reason(reason=reason))

    def standing(self, cited: str) -> ReleaseStanding:
        """Return which query a release answers and whether it was withdrawn, by its own id or its query's."""
        return self._connection.fetch_standing(cited)

    def fetch(self, cited: str) -> ReleaseDocument:
        """Return a release, whoever asked for it, verified as `fetch_answered` verifies it."""
        return self.fetch_answered(cited).document

    def fetch_answered(self, cited: str) -> Answered:
        """Return a release and the manifest that it answers, verified against what the nodes signed.

        It is cited by its own id or by its query's. What of a release that was made under another catalogue could not
        be rechecked is in `left_open`. Raises `ReleaseMismatch` where a table is not what the nodes'
        signed replies give or has another id than was cited, and `TotalMismatch` where a total is of other nodes or on
        other terms than they signed; both where it says that it was made before them.
        """
        register = self.refresh_register()
        query_id = self.standing(cited).query_id if is_release_id(cited) else cited
        envelope, manifest = self._fetch_manifest(query_id)
        document = self._connection.fetch_release(query_id)
        self._borrow_rules(query_id, manifest)
        left_open = verify_document(document, envelope, register, self.presets)
        check_not_later(document, self._clock())
        if cited not in (query_id, document.release_id):
            raise ReleaseMismatch("the hub handed out another release than was cited")
        return Answered(document, manifest, envelope, left_open)

    def gather_evidence(self, answered: Answered) -> bytes:
        """Return the file by which others verify a release without the hub, beside the release and its proof."""
        manifest = answered.manifest
        preset = self.presets.find(manifest.preset, manifest.preset_version)
        return write_evidence(answered.envelope, preset, self._party.read_signed_register())

    def compare(self, first: str, second: str) -> "Comparison":
        """Return two releases side by side, whoever asked for them, each verified.

        Raises `StateError` where they have no tables.
        """
        from federation.client.comparing import compare_releases

        return compare_releases(self, first, second)

    def fetch_proof(self, document: ReleaseDocument) -> tuple[bytes, str]:
        """Return the proof that a release stands in the hub's log, and how far that is witnessed, in a line.

        The proof may be too young for all cosignatures that it takes. Raises `ProofInvalid` where it is not of exactly
        this release, and where the log has it at another time than the release says.
        """
        register = self.refresh_register()
        data = self._connection.fetch_proof(document.query_id)
        proven = verify_release_proof(data, document, register, self.now(), quorum=0)
        return data, describe_proof(proven, register, self.now())


def describe_proof(proven: ProvenEntry, register: Register, now: datetime) -> str:
    """Return in a line how far the log that a release stands in is witnessed."""
    have, need = len(proven.witnesses), find_quorum(register, proven.checkpoint.origin, now)
    told = f"the release is entry {proven.index} of the log of {proven.checkpoint.origin}, cosigned by {have}"
    return told if have >= need else f"{told} of the {need} that it takes: fetch the proof again in some minutes"
