"""Who may ask, whose approvals count, and for how long: nodes act on nothing but these exact, signed bytes."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from federation.envelope import Envelope, Signature, add_signature, seal_envelope, sign_body
from federation.manifest import (
    LONGEST_VALIDITY,
    MANIFEST_TYPE,
    ApprovalError,
    Choice,
    Manifest,
    Path,
    check_approvals,
    check_asker,
    check_validity,
    manifest_digest,
    read_manifest,
    write_manifest,
)
from federation.register import CLOCK_SKEW, Register
from federation.sum_terms import (
    TermsInvalid,
    check_operators,
    check_terms,
    make_exact_terms,
    make_noisy_terms,
    smallest_threshold,
)
from federation.wire import encode_document
from tests.federation.cast import (
    NOT_BASE64,
    NOW,
    make_keys,
    make_manifest,
    make_member,
    make_register,
    replace_member,
    sign_manifest,
)

SECOND = timedelta(seconds=1)
ASKER = "ana@ucl"
NOISY, STAGE = make_noisy_terms(2, "1"), Choice(parameter="stage", value="KS4")
GOOD = (ASKER, "officer@la-203", "officer@dfe")
"""The asker, an authority's approver and another organisation's: nobody is missing and nobody is too many."""


def code_of(act: Callable[[], object]) -> str:
    """The code of the refusal that an act ends in; its text is one line."""
    with pytest.raises(ApprovalError) as refused:
        act()
    assert refused.value.text == str(refused.value)
    assert "\n" not in refused.value.text
    return refused.value.code


def act_on(envelope: Envelope, register: Register) -> tuple[str, ...]:
    """Do what every node does with a manifest, and return the approvers' names."""
    manifest = read_manifest(envelope)
    asker = check_asker(manifest, envelope, register, NOW)
    approvers = check_approvals(envelope, asker, register, NOW)
    check_validity(manifest, NOW)
    return tuple(approver.id for approver in approvers)


# --- Approvals that count --------------------------------------------------------------------------------------------

SUFFICIENT = {
    "an authority and a department": ("officer@la-203", "officer@dfe"),
    "in the other order": ("officer@dfe", "officer@la-203"),
    "an authority and a university": ("officer@la-203", "eve@lse"),
    "two of the authority beside a department": ("officer@la-203", "deputy@la-203", "officer@dfe"),
    "three organisations": ("eve@lse", "officer@dfe", "officer@la-203"),
}


@pytest.mark.parametrize("approvers", SUFFICIENT.values(), ids=SUFFICIENT)
def test_approvals_by_two_organisations_with_an_authority_suffice(approvers: tuple[str, ...]) -> None:
    assert act_on(sign_manifest(make_manifest(), ASKER, *approvers), make_register()) == approvers


def test_the_order_of_signatures_does_not_matter() -> None:
    """The asker is whom the manifest names, not who signed first."""
    envelope = sign_manifest(make_manifest(), "officer@dfe", ASKER, "officer@la-203")
    assert act_on(envelope, make_register()) == ("officer@dfe", "officer@la-203")


def test_a_departments_analyst_may_ask() -> None:
    envelope = sign_manifest(make_manifest(asker="lou@dfe"), "lou@dfe", "officer@la-203", "eve@lse")
    assert act_on(envelope, make_register()) == ("officer@la-203", "eve@lse")


# --- Approvals that do not -------------------------------------------------------------------------------------------

INSUFFICIENT: dict[str, tuple[tuple[str, ...], str]] = {
    "nobody's": ((), "approvals_missing"),
    "one organisation's": (("officer@la-203",), "approvals_missing"),
    "one organisation's, twice": (("officer@la-203", "deputy@la-203"), "approvals_missing"),
    "two organisations', no authority among them": (("officer@dfe", "eve@lse"), "approvals_missing"),
    "the asker's own organisation's": (("officer@la-203", "ben@ucl"), "approved_by_own"),
    "the asker's own beside two others'": (("officer@la-203", "officer@dfe", "ben@ucl"), "approved_by_own"),
    "an information officer's": (("officer@dfe", "ig@la-301"), "approver_unknown"),
    "a node's": (("officer@dfe", "node-203"), "approver_unknown"),
    "the hub's": (("officer@la-203", "hub"), "approver_unknown"),
    "another asker's": (("officer@la-203", "lou@dfe"), "approver_unknown"),
    "a stranger's": (("officer@la-203", "mallory@lse"), "approver_unknown"),
    "a stranger's beside enough": (("officer@la-203", "officer@dfe", "mallory@lse"), "approver_unknown"),
    "the root's": (("officer@la-203", "root"), "approver_unknown"),
}


@pytest.mark.parametrize(("approvers", "code"), INSUFFICIENT.values(), ids=INSUFFICIENT)
def test_approvals_that_do_not_suffice_are_refused(approvers: tuple[str, ...], code: str) -> None:
    envelope = sign_manifest(make_manifest(), ASKER, *approvers)
    assert code_of(lambda: act_on(envelope, make_register())) == code


@pytest.mark.parametrize(
    "changes",
    [{"revoked": True}, {"valid_to": NOW}, {"valid_from": NOW + SECOND}],
    ids=["revoked", "no longer valid", "not yet valid"],
)
@pytest.mark.parametrize(
    ("member", "code"), [(ASKER, "asker_unknown"), ("officer@dfe", "approver_unknown")], ids=["asker", "approver"]
)
def test_who_is_not_active_neither_asks_nor_approves(member: str, code: str, changes: dict[str, object]) -> None:
    register = replace_member(member, **changes)
    assert code_of(lambda: act_on(sign_manifest(make_manifest(), *GOOD), register)) == code


def resign(envelope: Envelope, **signatures: str) -> Envelope:
    """The envelope with signatures put in another's place, or under another name."""
    signed = {each.keyid: each.sig for each in envelope.signatures} | signatures
    return msgspec.structs.replace(
        envelope, signatures=tuple(Signature(keyid=keyid, sig=sig) for keyid, sig in signed.items())
    )


def sign_alone(member: str, manifest: Manifest) -> str:
    return sign_body(write_manifest(manifest), MANIFEST_TYPE, make_keys(member)).sig


@pytest.mark.parametrize("member", GOOD)
def test_one_signature_that_does_not_verify_is_enough_to_refuse(member: str) -> None:
    """Also when enough good ones stand beside it."""
    envelope = add_signature(sign_manifest(make_manifest(), *GOOD), Signature(keyid="eve@lse", sig=""))
    assert code_of(lambda: act_on(envelope, make_register())) == "signature_invalid"
    other = sign_alone(member, make_manifest(sql="SELECT 2"))
    forged = resign(sign_manifest(make_manifest(), *GOOD), **{member: other})
    assert code_of(lambda: act_on(forged, make_register())) == "signature_invalid"


@pytest.mark.parametrize("text", NOT_BASE64, ids=ascii)
def test_a_signature_that_is_none_is_refused(text: str) -> None:
    envelope = resign(sign_manifest(make_manifest(), *GOOD), **{"officer@dfe": text})
    assert code_of(lambda: act_on(envelope, make_register())) == "signature_invalid"


def test_an_approval_under_anothers_name_is_refused() -> None:
    envelope = sign_manifest(make_manifest(), ASKER, "officer@la-203")
    envelope = resign(envelope, **{"officer@dfe": sign_alone("eve@lse", make_manifest())})
    assert code_of(lambda: act_on(envelope, make_register())) == "signature_invalid"


def test_the_same_approval_twice_is_refused() -> None:
    envelope = sign_manifest(make_manifest(), *GOOD)
    repeated = msgspec.structs.replace(envelope, signatures=(*envelope.signatures, envelope.signatures[-1]))
    assert code_of(lambda: act_on(repeated, make_register())) == "signature_invalid"


@pytest.mark.parametrize(
    "changes",
    [
        {"sql": "SELECT COUNT(*) AS children\nFROM pupil_year"},
        {"roster": ("node-203",)},
        {"preset": "ons_0_0"},
        {"expires_at": NOW + timedelta(days=8)},
        {"purpose": "How attendance differs by placement."},
        {"minimum_register_version": 4},
        {"nonce": "e" * 64},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_manifest_altered_after_approval_is_refused(changes: dict[str, object]) -> None:
    signed = sign_manifest(make_manifest(), *GOOD)
    altered = seal_envelope(write_manifest(make_manifest(**changes)), MANIFEST_TYPE)
    envelope = msgspec.structs.replace(altered, signatures=signed.signatures)
    assert code_of(lambda: act_on(envelope, make_register())) == "signature_invalid"


# --- The asker -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asker", ["officer@dfe", "ig@la-301", "node-203", "hub", "mallory@lse"])
def test_none_but_researchers_and_analysts_ask(asker: str) -> None:
    envelope = sign_manifest(make_manifest(asker=asker), asker, "officer@la-203", "eve@lse")
    assert code_of(lambda: act_on(envelope, make_register())) == "asker_unknown"


def test_a_manifest_that_its_asker_has_not_signed_is_refused() -> None:
    """Approvals alone, however many, ask nothing."""
    envelope = sign_manifest(make_manifest(), "officer@la-203", "officer@dfe", "eve@lse")
    assert code_of(lambda: act_on(envelope, make_register())) == "signature_invalid"


def test_a_manifest_in_anothers_name_is_refused() -> None:
    envelope = sign_manifest(make_manifest(asker="lou@dfe"), *GOOD)
    assert code_of(lambda: act_on(envelope, make_register())) == "signature_invalid"


def test_a_key_that_was_replaced_signs_no_more() -> None:
    fresh = {name: getattr(make_member("ana-new"), name) for name in ("signing_key", "sealing_key")}
    register = replace_member(ASKER, **fresh)
    assert code_of(lambda: act_on(sign_manifest(make_manifest(), *GOOD), register)) == "signature_invalid"


# --- Validity --------------------------------------------------------------------------------------------------------

INVALID: dict[str, tuple[dict[str, object], str]] = {
    "expired now": ({"expires_at": NOW}, "expired"),
    "expired long ago": ({"issued_at": NOW - timedelta(days=9), "expires_at": NOW - timedelta(days=2)}, "expired"),
    "not yet valid": ({"issued_at": NOW + CLOCK_SKEW + SECOND}, "not_yet_valid"),
    "valid too long": ({"issued_at": NOW, "expires_at": NOW + LONGEST_VALIDITY + SECOND}, "valid_too_long"),
    "valid for ever": ({"expires_at": NOW.replace(year=9999)}, "valid_too_long"),
    "valid since ever": ({"issued_at": NOW.replace(year=1)}, "valid_too_long"),
}


@pytest.mark.parametrize(("changes", "code"), INVALID.values(), ids=INVALID)
def test_a_manifest_is_good_in_its_time_alone(changes: dict[str, object], code: str) -> None:
    assert code_of(lambda: check_validity(make_manifest(**changes), NOW)) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"issued_at": NOW, "expires_at": NOW + LONGEST_VALIDITY},
        {"issued_at": NOW + CLOCK_SKEW},
        {"expires_at": NOW + SECOND},
    ],
    ids=["as long as may be", "from a clock that is ahead", "a second before it expires"],
)
def test_a_manifest_is_good_up_to_its_limits(changes: dict[str, object]) -> None:
    check_validity(make_manifest(**changes), NOW)


# --- Reading ---------------------------------------------------------------------------------------------------------


def test_a_manifest_comes_back_as_it_was() -> None:
    assert read_manifest(sign_manifest(make_manifest())) == make_manifest()


def test_the_digest_is_of_the_exact_bytes() -> None:
    """Signatures may be added; a byte of the manifest may not be changed."""
    digest = manifest_digest(sign_manifest(make_manifest()))
    assert digest == manifest_digest(sign_manifest(make_manifest(), *GOOD))
    assert digest != manifest_digest(sign_manifest(make_manifest(nonce="e" * 64)))


UNREADABLE: dict[str, dict[str, object]] = {
    "no roster": {"roster": ()},
    "a roster out of order": {"roster": ("node-301", "node-203")},
    "a roster with a node twice": {"roster": ("node-203", "node-203")},
    "a roster of no names": {"roster": ("NODE",)},
    "no academic year": {"academic_year": ""},
    "an academic year in words": {"academic_year": "this one"},
    "an academic year in other digits": {"academic_year": "２０２４２５"},  # noqa: RUF001
    "a query id that is none": {"query_id": "Q-1"},
    "a query id with a line break": {"query_id": "Q-0123456789abcdef\n"},
    "a short nonce": {"nonce": "d" * 63},
    "no purpose": {"purpose": ""},
    "a purpose that passes for another field": {"purpose": "Attendance\n  protection   ons_10_5, version 1"},
    "a purpose that is written over": {"purpose": "Names of all children\rAttendance"},
    "SQL that hides a part of itself": {"sql": "SELECT 1 \x1b[8m, 2"},
    "SQL that is written over": {"sql": "SELECT upn\rSELECT COUNT(*)"},
    "a preset that is a path": {"preset": "../../etc/passwd"},
    "a plan that is a page": {"plan_id": "a" * 1000},
    "no term": {"snapshot_term": ""},
    "a term of no school": {"snapshot_term": "202425-winter"},
    "figures of one's own with the terms of a sum": {"sum": NOISY},
    "a noisy sum without terms": {"path": Path.NOISY_SUM},
    "an exact sum without terms": {"path": Path.EXACT_SUM, "template": "7" * 64},
    "a noisy sum without noise": {"path": Path.NOISY_SUM, "sum": make_exact_terms(2)},
    "an exact sum with noise": {"path": Path.EXACT_SUM, "template": "7" * 64, "sum": NOISY},
    "a privacy loss of nothing": {"path": Path.NOISY_SUM, "sum": make_noisy_terms(2, "0")},
    "a privacy loss spelt twice": {"path": Path.NOISY_SUM, "sum": make_noisy_terms(2, "1.0")},
    "a privacy loss that promises nothing": {"path": Path.NOISY_SUM, "sum": make_noisy_terms(2, "999")},
    "a threshold below two thirds": {"path": Path.NOISY_SUM, "sum": msgspec.structs.replace(NOISY, threshold=1)},
    "a threshold above the roster": {"path": Path.NOISY_SUM, "sum": msgspec.structs.replace(NOISY, threshold=3)},
    "more dropouts than the threshold allows": {"path": Path.NOISY_SUM, "sum": make_noisy_terms(2, "1", 1)},
    "more colluders than it withstands": {"path": Path.NOISY_SUM, "sum": make_noisy_terms(2, "1", 0, 2)},
    "an exact sum with a tolerance": {
        "path": Path.EXACT_SUM,
        "template": "7" * 64,
        "sum": msgspec.structs.replace(make_exact_terms(2), colluders=1),
    },
    "a roster of too many for a sum": {
        "path": Path.NOISY_SUM,
        "sum": make_noisy_terms(400, "1"),
        "roster": tuple(f"node-{number:03}" for number in range(401)),
    },
    "rows of each authority under a template": {"template": "7" * 64},
    "choices of no template": {"path": Path.NOISY_SUM, "sum": NOISY, "choices": (STAGE,)},
    "a choice made twice": {"path": Path.NOISY_SUM, "sum": NOISY, "template": "7" * 64, "choices": (STAGE, STAGE)},
    "choices out of order": {
        "path": Path.NOISY_SUM,
        "sum": NOISY,
        "template": "7" * 64,
        "choices": (STAGE, Choice(parameter="sex", value="F"), Choice(parameter="need", value="N1")),
    },
    "a template that is a name": {"template": "attainment"},
}


@pytest.mark.parametrize("changes", UNREADABLE.values(), ids=UNREADABLE)
def test_a_manifest_that_cannot_be_taken_at_its_word_is_refused(changes: dict[str, object]) -> None:
    """However well it is signed."""
    envelope = sign_manifest(make_manifest(**changes), *GOOD)
    assert code_of(lambda: read_manifest(envelope)) == "malformed_manifest"


@pytest.mark.parametrize(
    "changes",
    [
        {"path": Path.NOISY_SUM, "sum": NOISY},
        {"path": Path.NOISY_SUM, "sum": make_noisy_terms(2, "0.25")},
        {"path": Path.EXACT_SUM, "sum": make_exact_terms(2), "template": "7" * 64},
        {"path": Path.NOISY_SUM, "sum": NOISY, "template": "7" * 64, "choices": (STAGE,)},
    ],
    ids=["noisy", "a quarter", "exact", "a run with a choice"],
)
def test_a_manifest_says_how_figures_leave(changes: dict[str, object]) -> None:
    manifest = make_manifest(**changes)
    assert read_manifest(sign_manifest(manifest)) == manifest


def test_an_exact_sum_is_taken_under_a_template_alone() -> None:
    envelope = sign_manifest(make_manifest(path=Path.EXACT_SUM, sum=make_exact_terms(2)), *GOOD)
    assert code_of(lambda: read_manifest(envelope)) == "template_missing"


@pytest.mark.parametrize(("nodes", "threshold"), [(1, 1), (2, 2), (3, 2), (5, 4), (10, 7), (153, 102), (400, 267)])
def test_a_threshold_is_two_thirds_or_more(nodes: int, threshold: int) -> None:
    """So that two openings need more than a third of the nodes to have signed both."""
    assert smallest_threshold(nodes) == threshold
    assert 3 * threshold >= 2 * nodes > 3 * (threshold - 1)


def test_the_tolerance_of_england() -> None:
    terms = make_noisy_terms(153, "1")
    assert (terms.threshold, terms.dropouts, terms.colluders) == (102, 15, 15)


@pytest.mark.parametrize("nodes", range(1, 401))
def test_the_tolerance_of_any_roster_holds(nodes: int) -> None:
    """By default no single node ends the sum or its promise, where the threshold leaves room for that."""
    terms = make_noisy_terms(nodes, "1")
    check_terms(terms, nodes, noisy=True)
    assert min(terms.dropouts, terms.colluders) >= 1 or nodes < 5


def test_the_noise_withstands_every_operator_of_the_roster() -> None:
    """A consortium's nodes know what all of them added."""
    check_operators(make_noisy_terms(9, "1", colluders=2), ["a", "b", "b", "c"])
    check_operators(make_exact_terms(9), ["a", "b", "b", "c"])
    with pytest.raises(TermsInvalid, match="one operator runs 3 nodes"):
        check_operators(make_noisy_terms(9, "1", colluders=2), ["b", "b", "c", "b"])


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", write_manifest(make_manifest()) + b"\n", encode_document(make_register())],
    ids=["nothing", "empty", "a line break more", "a register"],
)
def test_what_is_no_manifest_is_refused(body: bytes) -> None:
    assert code_of(lambda: read_manifest(seal_envelope(body, MANIFEST_TYPE))) == "malformed_manifest"


def test_a_payload_that_is_no_base64_is_refused() -> None:
    envelope = Envelope(payload="A", payload_type=MANIFEST_TYPE)
    assert code_of(lambda: read_manifest(envelope)) == "malformed_manifest"
