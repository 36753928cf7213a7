"""Releases of sums: what whoever reads one can hold against what the nodes signed.

Nobody but the hub has seen the opened sum, so nobody can work it out again; that the figures are its own is the hub's
word. What can be held against signatures is everything else: that the sum was of this manifest, that enough nodes
agreed to open it, for whom it was opened, that each of these signed what it added, and what was promised of noise and
preset.
"""

from collections.abc import Mapping

from disclosure_control.presets.shelf import SHIPPED, PresetShelf
from disclosure_control.release.gate import ReleaseMalformed, ReleaseRefused, read_released
from disclosure_control.release.totals import check_changed_total
from disclosure_control.rows.protected_table import TableMalformed
from federation.envelope import Envelope, EnvelopeError, check_payload_type
from federation.exchange import ReleaseDocument
from federation.manifest import Manifest, Path, manifest_digest, read_manifest
from federation.register import Member, Register
from federation.releases import MISNAMED, TOO_EARLY, is_after, is_named, is_of, load_approved_preset
from federation.replies import verify_node
from federation.secure_sum.messages import CONTRIBUTION_TYPE, SURVIVORS_TYPE, Contribution, SurvivorSet
from federation.sum_terms import noise_terms
from federation.wire import D, WireError, decode_document
from query_engine.planning.capped_counts import figures_carried
from query_engine.planning.plan import QueryPlan


class TotalMismatch(Exception):
    """A release of a sum says something else than the nodes signed."""


def verify_total(
    document: ReleaseDocument,
    envelope: Envelope,
    plan: QueryPlan | None,
    register: Register,
    presets: PresetShelf = SHIPPED,
    *,
    in_our_words: bool = True,
) -> None:
    """Check a release of a sum against its manifest and what the nodes signed. Raises `TotalMismatch`.

    `plan` is derived from the manifest by the reader; without one, since no planner of today derives it, the manifest's
    word is taken for the plan, all contributions need only be of one length, and 5 is left out. With `in_our_words` the
    method of changed counts is in the words of this software, too.

    1. t nodes of the roster signed that these survivors be opened together, for this very manifest;
    2. each survivor, and nobody else, signed a contribution to that attempt, of the plan's length;
    3. the table is of this plan, path and preset, and names the survivors' authorities as those in it;
    4. every other authority of the roster is named as absent, and the noise is what the manifest asked for;
    5. counts changed by cell keys are such as the preset can print, with shares that follow from them;
    6. the document states the query, the question and the purpose that were approved;
    7. its id is the one that its content gives it, and it is of no moment before the last contribution. When it was
       released, the proof of the hub's log says.
    """
    manifest, digest = read_manifest(envelope), manifest_digest(envelope)
    if not is_of(document, envelope):
        raise TotalMismatch("the release is of another query than was asked for, or states another question")
    members = {member.id: member for member in register.members}
    if document.opening is None:
        raise TotalMismatch("the release does not carry the statement that opened it")
    survivors = _read_opening(document.opening, manifest, digest)
    words = _check_contributions(document.replies, survivors, plan, members)
    for signer in document.opening.signers:
        _verify(document.opening, signer, members, words[signer].register_version)
    _check_table(document.table, manifest, plan, survivors, members)
    if manifest.cell_key is not None and plan is not None:
        _check_changed(document.table, manifest, plan, presets, in_our_words=in_our_words)
    if not is_named(document):
        raise TotalMismatch(MISNAMED)
    if not is_after(document, (word.answered_at for word in words.values())):
        raise TotalMismatch(TOO_EARLY)


def _read_opening(opening: Envelope, manifest: Manifest, digest: str) -> SurvivorSet:
    """Return what an opening says of whom; its signatures are for the caller to verify."""
    statement = _read(opening, SURVIVORS_TYPE, SurvivorSet)
    assert manifest.sum is not None  # read_manifest holds the path to it
    if statement.manifest_digest != digest or not set(statement.survivors) <= set(manifest.roster):
        raise TotalMismatch("the opening is of another manifest, or of nodes that were not asked")
    signers = opening.signers
    if len(set(signers)) != len(signers) or not set(signers) <= set(statement.survivors):
        raise TotalMismatch("the opening is signed by others than the survivors")
    if len(signers) < manifest.sum.threshold:
        raise TotalMismatch(f"{len(signers)} nodes agreed to the opening, and {manifest.sum.threshold} must")
    return statement


def _check_contributions(
    signed: tuple[Envelope, ...], statement: SurvivorSet, plan: QueryPlan | None, members: Mapping[str, Member]
) -> Mapping[str, Contribution]:
    """Return what each survivor signed of what it contributed."""
    seen: dict[str, Contribution] = {}
    carried = None if plan is None else figures_carried(plan)
    for envelope in signed:
        word = _read(envelope, CONTRIBUTION_TYPE, Contribution)
        _verify(envelope, word.node, members, word.register_version)
        place = (word.manifest_digest, word.attempt, word.slot, word.roster_digest)
        if place != (statement.manifest_digest, statement.attempt, statement.slot, statement.roster_digest):
            raise TotalMismatch(f"{word.node} contributed to another sum than was opened")
        carried = word.cells if carried is None else carried
        if word.cells != carried:
            raise TotalMismatch(f"{word.node} contributed another number of figures than the plan has")
        seen[word.node] = word
    if len(seen) != len(signed) or seen.keys() != set(statement.survivors):
        raise TotalMismatch("the contributions are not those of the survivors, one each")
    return seen


def _check_table(
    table: Mapping[str, object],
    manifest: Manifest,
    plan: QueryPlan | None,
    statement: SurvivorSet,
    members: Mapping[str, Member],
) -> None:
    served = {node: _authority_of(node, members, manifest) for node in manifest.roster}
    answered = sorted(served[node] for node in statement.survivors)
    absent = sorted(set(served.values()) - set(answered))
    said = table.get("absent")
    if table.get("answered") != answered or not isinstance(said, dict) or sorted(said) != absent:
        raise TotalMismatch("the table names other authorities as being in it than the survivors'")
    preset = {"name": manifest.preset, "version": manifest.preset_version}
    plan_id = manifest.plan_id if plan is None else plan.plan_id
    if (table.get("plan_id"), table.get("preset")) != (plan_id, preset):
        raise TotalMismatch("the table is of another plan or preset than was approved")
    is_model = "family" in table if plan is None else plan.model is not None
    stated = (manifest.path if is_model else table.get("path"), table.get("noise"))
    if stated != (manifest.path, _noise_of(manifest)):
        raise TotalMismatch("the table states another path or other noise than was approved")


def _check_changed(
    table: Mapping[str, object], manifest: Manifest, plan: QueryPlan, presets: PresetShelf, *, in_our_words: bool
) -> None:
    try:
        preset = load_approved_preset(manifest, presets)
        check_changed_total(read_released(table), plan, preset, in_our_words=in_our_words)
    except (ReleaseMalformed, ReleaseRefused, TableMalformed) as error:
        raise TotalMismatch(f"the changed counts are not such as the preset prints: {error}") from None


def _noise_of(manifest: Manifest) -> dict[str, object] | None:
    if manifest.path is not Path.NOISY_SUM or manifest.sum is None:
        return None
    terms = manifest.sum
    return dict(noise_terms(terms, len(manifest.roster)).to_json())


def _authority_of(node: str, members: Mapping[str, Member], manifest: Manifest) -> str:
    authority = members[node].authority(manifest.issued_at) if node in members else ""
    if not authority:
        raise TotalMismatch(f"the register does not say whom {node} serves")
    return authority


def _verify(envelope: Envelope, signer: str, members: Mapping[str, Member], version: int) -> None:
    """Check a signature under the signer's key of now or of the register's version then, active still or not."""
    if signer not in members:
        raise TotalMismatch("the release carries a signature by somebody whom the register does not know")
    try:
        verify_node(envelope, members[signer], version)
    except EnvelopeError as error:
        raise TotalMismatch(f"a signature in the release does not hold: {error}") from None


def _read(envelope: Envelope, payload_type: str, kind: type[D]) -> D:
    try:
        check_payload_type(envelope, payload_type)
        return decode_document(envelope.body, kind)
    except (EnvelopeError, WireError) as error:
        raise TotalMismatch(f"a signed statement in the release does not hold: {error}") from None
