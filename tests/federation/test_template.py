"""Templates: what was approved once, and nothing beside it, can be run."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path as FilePath

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from federation.envelope import add_signature, seal_envelope, sign_body
from federation.manifest import MANIFEST_TYPE, ApprovalError, Choice, Manifest, Path, read_manifest
from federation.register import Register
from federation.standing_rosters import STANDING_ROSTERS, belongs_to
from federation.state import StateError
from federation.sum_terms import make_exact_terms, make_noisy_terms
from federation.template import (
    FREE,
    LONGEST_TEMPLATE,
    TEMPLATE_TYPE,
    Template,
    _bound_fields,
    check_run,
    check_template,
    list_choices,
    read_template,
    write_question,
)
from federation.template_making import load_template, plan_every_question, save_template, sign_template
from federation.wire import encode_document
from query_engine.geography import load_authorities
from tests.federation.cast import (
    NOW,
    make_keys,
    make_manifest,
    make_member,
    make_register,
    replace_member,
    serve,
    sign_manifest,
)
from tests.federation.template_cast import (
    CHOICES,
    TEMPLATE_SQL,
    make_run,
    make_standing,
    sign_standing,
    write_parameters,
    write_template_file,
)
from tests.projects import make_project

SECOND = timedelta(seconds=1)


def code_of(act: Callable[[], object]) -> str:
    """The code of the refusal that an act ends in; its text is one line."""
    with pytest.raises(ApprovalError) as refused:
        act()
    assert "\n" not in refused.value.text
    return refused.value.code


# --- The template itself ---------------------------------------------------------------------------------------------


def test_a_template_comes_back_as_it_was() -> None:
    template = make_standing()
    assert read_template(sign_standing(template)) == template
    assert len(list(list_choices(template))) == 4
    assert len({plan.plan_id for plan in plan_every_question(template)}) == 4


UNREADABLE: dict[str, dict[str, object]] = {
    "rows of each authority": {"path": Path.PER_AUTHORITY},
    "a roster of its own": {"roster": "the-north"},
    "a parameter without a place": {"sql": TEMPLATE_SQL.replace("{sex}", "'F'")},
    "a place without a parameter": {"parameters": write_parameters(year=("202425",))},
    "a brace by itself": {"sql": TEMPLATE_SQL + " -- }"},
    "parameters out of order": {"parameters": write_parameters(year=("202425",), sex=("'F'",))},
    "a value twice": {"parameters": write_parameters(sex=("'F'", "'F'"), year=("202425",))},
    "a value that is a condition": {"parameters": write_parameters(sex=("'F' OR 1 = 1",), year=("202425",))},
    "a value with a place in it": {"parameters": write_parameters(sex=("'{year}'",), year=("202425",))},
    "a value that ends its quotes": {"parameters": write_parameters(sex=("'F' OR sex = 'M'",), year=("202425",))},
    "a parameter without values": {"parameters": write_parameters(sex=(), year=("202425",))},
    "more questions than anybody reads": {
        "parameters": write_parameters(
            sex=tuple(f"'{number:03}'" for number in range(40)), year=tuple(str(number) for number in range(10, 40))
        )
    },
    "no term": {"snapshot_terms": ()},
    "terms out of order": {"snapshot_terms": ("202425-summer", "202425-autumn")},
    "no run": {"most_runs": 0},
    "an exact sum with noise": {"terms": make_noisy_terms(5, "1")},
    "a noisy sum without": {"path": Path.NOISY_SUM},
}


@pytest.mark.parametrize("changes", UNREADABLE.values(), ids=UNREADABLE)
def test_a_template_that_cannot_be_taken_at_its_word_is_refused(changes: dict[str, object]) -> None:
    assert code_of(lambda: read_template(sign_standing(make_standing(**changes)))) == "malformed_template"


def test_a_manifest_is_no_template() -> None:
    assert code_of(lambda: read_template(sign_manifest(make_manifest()))) == "malformed_template"


@given(data=st.binary(max_size=300))
def test_any_bytes_are_a_template_or_refused(data: bytes) -> None:
    assert code_of(lambda: read_template(seal_envelope(data, TEMPLATE_TYPE))) == "malformed_template"


def test_a_question_that_cannot_be_asked_is_found_before_anybody_signs() -> None:
    """And the text says with which choice."""
    template = make_standing(parameters=write_parameters(sex=("'F'",), year=("202425", "wages")))
    with pytest.raises(ApprovalError, match="year = wages"):
        plan_every_question(template)


def test_a_template_of_another_planner_is_not_signed() -> None:
    assert code_of(lambda: plan_every_question(make_standing(planner_version="0"))) == "plan_differs"


# --- Approval --------------------------------------------------------------------------------------------------------

APPROVALS: dict[str, tuple[tuple[str, ...], str]] = {
    "nobody's": (("ana@ucl",), "approvals_missing"),
    "one organisation's": (("ana@ucl", "officer@la-203", "deputy@la-203"), "approvals_missing"),
    "no authority's": (("ana@ucl", "officer@dfe", "eve@lse"), "approvals_missing"),
    "the asker's own": (("ana@ucl", "officer@la-203", "ben@ucl"), "approved_by_own"),
    "without its asker's": (("officer@la-203", "officer@dfe"), "signature_invalid"),
}


@pytest.mark.parametrize(("signers", "code"), APPROVALS.values(), ids=APPROVALS)
def test_a_template_is_approved_as_a_manifest_is(signers: tuple[str, ...], code: str) -> None:
    template = make_standing()
    assert check_template(template, sign_standing(template), make_register(), NOW).id == "ana@ucl"
    assert code_of(lambda: check_template(template, sign_standing(template, *signers), make_register(), NOW)) == code


def test_an_approval_of_a_manifest_is_none_of_a_template() -> None:
    """The type of what is signed is signed too."""
    template = make_standing()
    body = encode_document(template)
    envelope = sign_standing(template, "ana@ucl", "officer@la-203")
    envelope = add_signature(envelope, sign_body(body, MANIFEST_TYPE, make_keys("officer@dfe")))
    assert code_of(lambda: check_template(template, envelope, make_register(), NOW)) == "signature_invalid"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expires_at": NOW}, "template_expired"),
        ({"issued_at": NOW + timedelta(hours=1)}, "not_yet_valid"),
        ({"issued_at": NOW - SECOND, "expires_at": NOW + LONGEST_TEMPLATE}, "valid_too_long"),
    ],
    ids=["expired", "from the future", "for too long"],
)
def test_a_template_is_good_in_its_time_alone(changes: dict[str, object], code: str) -> None:
    template = make_standing(**changes)
    assert code_of(lambda: check_template(template, sign_standing(template), make_register(), NOW)) == code


# --- Runs ------------------------------------------------------------------------------------------------------------


def run_it(template: Template, run: Manifest, register: Register | None = None, *signers: str) -> Template:
    """Do what every node does with a run."""
    envelope = sign_manifest(run, *(signers or ("ana@ucl",)))
    assert read_manifest(envelope) == run
    return check_run(run, envelope, sign_standing(template), register or make_register(), NOW)[0]


@pytest.mark.parametrize("choices", list(list_choices(make_standing())), ids=str)
def test_every_choice_can_be_run_on_its_askers_word(choices: tuple[Choice, ...]) -> None:
    template = make_standing()
    run = make_run(template, choices)
    assert run_it(template, run) == template
    assert "{" not in run.sql
    assert all(choice.value in run.sql for choice in choices)


BEYOND: dict[str, dict[str, object]] = {
    "another question": {"sql": "SELECT COUNT(*) AS n FROM child_year WHERE academic_year = 202425"},
    "another purpose": {"purpose": "Something else"},
    "another preset": {"preset": "opensafely"},
    "another project": {"project": make_project("exclusions", ["ana@ucl"])},
    "another path": {"path": Path.NOISY_SUM, "sum": make_noisy_terms(2, "1")},
    "another term": {"snapshot_term": "202425-autumn"},
    "another wait": {"sum": msgspec.structs.replace(make_exact_terms(2), gather_seconds=1)},
    "longer than the template": {"expires_at": NOW + timedelta(days=300)},
    "an older register": {"minimum_register_version": 4},
    "another's choice": {"choices": (CHOICES[0], Choice(parameter="year", value="202324"))},
}


@pytest.mark.parametrize("changes", BEYOND.values(), ids=BEYOND)
def test_a_run_beyond_its_template_is_refused(changes: dict[str, object]) -> None:
    """Signed by its asker though it is."""
    template = make_standing()
    run = msgspec.structs.replace(make_run(template), **changes)
    assert code_of(lambda: run_it(template, run)) == "not_in_template"


@pytest.mark.parametrize(
    "choices",
    [
        (),
        CHOICES[:1],
        (Choice(parameter="sex", value="'U'"), CHOICES[1]),
        (Choice(parameter="need", value="'F'"), *CHOICES),
    ],
    ids=["none", "one of two", "a value beyond the list", "a parameter beyond the list"],
)
def test_a_choice_beyond_the_list_is_refused(choices: tuple[Choice, ...]) -> None:
    template = make_standing()
    assert code_of(lambda: write_question(template, choices)) == "not_in_template"
    run = msgspec.structs.replace(make_run(template), choices=choices)
    assert code_of(lambda: run_it(template, run)) == "not_in_template"


def test_a_run_of_another_template_is_refused() -> None:
    """Alike in everything but a nonce: what was approved is the one, and not the other."""
    template = make_standing()
    assert code_of(lambda: run_it(make_standing(nonce="0" * 64), make_run(template))) == "template_differs"


def test_a_run_is_signed_by_its_asker_alone() -> None:
    template = make_standing()
    run = make_run(template)
    assert code_of(lambda: run_it(template, run, None, "officer@dfe")) == "signature_invalid"
    assert code_of(lambda: run_it(template, run, None, "ana@ucl", "officer@dfe")) == "signature_invalid"
    other = msgspec.structs.replace(run, asker="lou@dfe")
    assert code_of(lambda: run_it(template, other, None, "lou@dfe")) == "signature_invalid"


def test_a_template_whose_approver_is_revoked_is_run_no_more() -> None:
    template = make_standing()
    register = replace_member("officer@dfe", revoked=True)
    assert code_of(lambda: run_it(template, make_run(template), register)) == "approver_unknown"


def test_a_run_of_a_region_has_the_regions_nodes_alone() -> None:
    """203 and 301 are in London."""
    london, west = make_standing(roster="london"), make_standing(roster="south-west")
    assert run_it(london, make_run(london)) == london
    assert code_of(lambda: run_it(west, make_run(west))) == "not_in_template"


def test_the_threshold_of_a_run_may_be_higher_and_not_lower() -> None:
    template = make_standing(terms=make_exact_terms(2, 2))
    assert run_it(template, make_run(template)) == template
    lower = msgspec.structs.replace(make_run(template), sum=make_exact_terms(2, 1))
    envelope = sign_manifest(lower, "ana@ucl")
    assert (
        code_of(lambda: check_run(lower, envelope, sign_standing(template), make_register(), NOW)) == "not_in_template"
    )


def test_what_a_run_says_for_itself_and_what_follows_is_everything() -> None:
    """A field added to the manifest is bound by the template, or is named here as free."""
    template = make_standing()
    bound = set(_bound_fields(template, "0" * 64, CHOICES, make_exact_terms(2)))
    assert bound | FREE == set(Manifest.__struct_fields__)
    assert not bound & FREE


# --- Standing rosters ------------------------------------------------------------------------------------------------


def test_every_authority_is_in_england_and_one_region() -> None:
    for code in load_authorities():
        node = make_member("node-301", authorities=serve(code))
        assert len([name for name in STANDING_ROSTERS if belongs_to(node, name)]) == 2, code


def test_a_node_of_two_regions_or_none_is_in_england_alone() -> None:
    for authorities in ((*serve("301", end=NOW), *serve("880", NOW)), (), serve("999")):
        node = make_member("node-301", authorities=authorities)
        assert [name for name in STANDING_ROSTERS if belongs_to(node, name)] == ["england"]


# --- Files -----------------------------------------------------------------------------------------------------------


def test_a_template_travels_as_a_file(tmp_path: FilePath) -> None:
    path = write_template_file(tmp_path, sign_standing(make_standing(), "ana@ucl"))
    save_template(path, sign_template(load_template(path), make_keys("officer@dfe")))
    assert load_template(path).signers == ("ana@ucl", "officer@dfe")
    assert code_of(lambda: sign_template(load_template(path), make_keys("officer@dfe"))) == "signed_already"


def test_a_file_that_is_no_template_is_refused(tmp_path: FilePath) -> None:
    with pytest.raises(StateError, match="cannot be read"):
        load_template(tmp_path / "absent.json")
    path = tmp_path / "template.json"
    path.write_bytes(b"{}")
    assert code_of(lambda: load_template(path)) == "malformed_template"
