"""Children named to somebody: just these fields of just these children, from one day to another, until revoked."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from audit.event import Action
from federation.countersigning import countersign, sign_by_key
from federation.delegations import Delegation, DelegationInvalid, draft_delegation, read_delegation, verify_delegation
from federation.envelope import Envelope
from federation.lookups import ChildFile, LookupAnswer, LookupKind, LookupOutcome
from federation.state import StateError
from node.lookups import gathering
from node.lookups.asking import ask_lookup
from node.lookups.child_sight import list_sights
from node.lookups.delegation import giving
from node.lookups.delegation.drafts import Draft
from node.lookups.delegation.giving import revoke_delegation, sign_with_key, write_delegation
from node.lookups.delegation.shelf import DRAFT_GOOD_FOR, Given, find_given, list_given
from node.lookups.errand import LookupResult
from node.lookups.gathering import Gathered
from node.lookups.named_children import NAMED_TO_US, read_named_to
from node.lookups.notices import list_notices
from node.lookups.own_children import list_own_children
from node.service import Node
from node.setting_up import enter_person
from policies.access_policy import MATRIX, AccessDenied
from policies.names import Role
from tests.node.lookups.test_lookups import ASKER, PURPOSE, PaperRelay, events
from tests.own_policies import put_policy
from tests.small_federation import SmallFederation

HOME = "301"
GROUPS = ("education", "health")


def numbers_of(node: Node) -> list[str]:
    snapshot = node.store.current()
    assert snapshot is not None
    return [str(row[0]) for row in list_own_children(node, snapshot, "virtual_school_head").rows]


def draft(federation: SmallFederation, **changes: Any) -> Draft:
    today = federation.clock().date()
    return replace(
        Draft(
            authority=ASKER,
            person="",
            children=tuple(numbers_of(federation.node(HOME))[:2]),
            field_groups=GROUPS,
            valid_from=today,
            valid_until=today + timedelta(days=30),
            purpose="They moved near the border",
        ),
        **changes,
    )


def give(federation: SmallFederation, giver: str = "vsh", **changes: Any) -> Delegation:
    """Write a delegation, and sign it by the head's key file."""
    node = federation.node(HOME)
    person = node.find_person(giver)
    written = write_delegation(node, person, draft(federation, **changes)).delegation
    return sign_with_key(node, person, written.delegation_id, federation.party(f"{giver}@la-{HOME}"))


def read(federation: SmallFederation, person: str = "vsh", relay: PaperRelay | None = None) -> LookupResult:
    node = federation.node(ASKER)
    asker = node.find_person(person)
    return ask_lookup(node, relay or PaperRelay(federation), asker, PURPOSE, NAMED_TO_US, at=HOME, patience=1)


# --- To another authority's virtual school head ----------------------------------------------------------------------


def test_the_named_fields_of_the_named_children_are_read_and_no_others(federation: SmallFederation) -> None:
    given, relay = give(federation), PaperRelay(federation)
    (answer,) = read(federation, relay=relay).answers
    assert set(relay.requests) == {f"node-{HOME}"}
    assert {file.la_child_id for file in answer.files} == set(given.children)
    assert all(file.host_authority for file in answer.files)
    assert "sdq_score" in answer.fields
    for file in answer.files:
        assert (file.upn, file.date_of_birth, file.legal_status, file.pep_on_time) == (None, None, None, None)
    seen = [event for event in events(federation.node(ASKER), Action.LOOKUP_RECEIVED) if event.subject]
    told = [event for event in events(federation.node(HOME), Action.LOOKUP_ANSWERED) if event.subject]
    assert len(seen) == len(told) == 2
    assert {event.relationship for event in seen + told} == {"named_child"}


def test_giving_and_revoking_are_in_the_log_child_by_child(federation: SmallFederation) -> None:
    given, node = give(federation), federation.node(HOME)
    entries = events(node, Action.DELEGATION_GIVEN)
    assert len({event.subject for event in entries} - {""}) == 2
    assert {event.reference for event in entries} == {given.delegation_id}
    assert entries[0].details["receiver"] == ASKER
    revoke_delegation(node, node.find_person("vsh"), given.delegation_id)
    (revoked,) = events(node, Action.DELEGATION_REVOKED)
    assert (revoked.actor, revoked.reference) == ("vsh (virtual_school_head)", given.delegation_id)


def test_one_that_is_revoked_gives_nothing_at_the_next_reading(federation: SmallFederation) -> None:
    given, node = give(federation), federation.node(HOME)
    assert read(federation).answers[0].files
    revoke_delegation(node, node.find_person("vsh"), given.delegation_id)
    (answer,) = read(federation).answers
    assert (answer.files, answer.fields, answer.delegations) == ((), (), ())
    with pytest.raises(StateError, match="revoked already"):
        revoke_delegation(node, node.find_person("vsh"), given.delegation_id)


def test_two_who_revoke_it_at_once_revoke_it_once(federation: SmallFederation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have read that it is in force before either writes."""
    given, node, met = give(federation), federation.node(HOME), threading.Barrier(2)
    head = node.find_person("vsh")

    def read_and_meet(node: Node, delegation_id: str) -> Given | None:
        found = find_given(node, delegation_id)
        met.wait(timeout=20)
        return found

    def revoke() -> str:
        try:
            revoke_delegation(node, head, given.delegation_id)
        except StateError:
            return "too late"
        finally:
            node.database.close()
        return "revoked"

    monkeypatch.setattr(giving, "find_given", read_and_meet)
    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(lambda _: revoke(), range(2))) == ["revoked", "too late"]
    assert len(events(federation.node(HOME), Action.DELEGATION_REVOKED)) == 1


@pytest.mark.parametrize(("first", "last", "holds"), [(0, 0, True), (-1, 0, True), (1, 5, False), (-5, -1, False)])
def test_it_holds_on_its_days_alone(federation: SmallFederation, first: int, last: int, holds: bool) -> None:
    today = federation.clock().date()
    give(federation, valid_from=today + timedelta(days=first), valid_until=today + timedelta(days=last))
    assert bool(read(federation).answers[0].files) is holds


def test_one_to_one_person_is_nobody_elses(federation: SmallFederation) -> None:
    enter_person(federation.directory / f"node-{ASKER}", "deputy", "virtual_school_head", "Deputy")
    give(federation, person="deputy")
    assert read(federation, "vsh").answers[0].files == ()
    assert len(read(federation, "deputy").answers[0].files) == 2


def test_another_authority_and_another_role_have_nothing_by_it(federation: SmallFederation) -> None:
    enter_person(federation.directory / f"node-{ASKER}", "staff", "virtual_school_staff", "Staff")
    give(federation, authority="316")
    assert read(federation).answers[0].files == ()
    give(federation)
    relay = PaperRelay(federation)
    with pytest.raises(AccessDenied):
        read(federation, "staff", relay)
    assert relay.requests == {}


def test_our_policy_of_the_moment_still_decides(federation: SmallFederation) -> None:
    """What the policy permits no longer is not read, delegation or not."""
    give(federation)
    deny = "p, virtual_school_head, named_child, read, health, deny\n"
    put_policy(federation.directory / f"node-{HOME}", MATRIX.read_text() + deny)
    (answer,) = read(federation).answers
    assert "host_authority" in answer.fields
    assert "sdq_score" not in answer.fields


def test_what_a_head_gave_ends_with_their_right_to_give_it(federation: SmallFederation) -> None:
    """The register has their key still; but they are the head no longer, or nobody here."""
    given, home = give(federation), federation.directory / f"node-{HOME}"
    people = (home / "people.toml").read_text()
    enter_person(home, "vsh", "virtual_school_staff", "Deputy")
    demoted = (home / "people.toml").read_text()
    for text in (demoted, people.replace('"vsh"', '"gone"')):
        (home / "people.toml").write_text(text)
        (answer,) = read(federation).answers
        assert (answer.files, answer.fields, answer.delegations) == ((), (), ())
        sights = list_sights(federation.node(HOME), given.children[0], Role.VIRTUAL_SCHOOL_HEAD)
        assert not any(sight.relation == "named_child" for sight in sights)
    (home / "people.toml").write_text(people)
    assert read(federation).answers[0].files


def test_two_delegations_of_one_child_add_up(federation: SmallFederation) -> None:
    (number, *_) = numbers_of(federation.node(HOME))
    give(federation, children=(number,), field_groups=("health",))
    give(federation, children=(number,), field_groups=("care",))
    (file,) = read(federation).answers[0].files
    assert file.legal_status is not None
    assert file.host_authority is None


@pytest.mark.parametrize("giver", ["staff", "admin", "ig"])
def test_whoever_may_not_take_it_out_themselves_cannot_give_or_revoke_it(
    federation: SmallFederation, giver: str
) -> None:
    for person, role in (("staff", "virtual_school_staff"), ("ig", "ig_officer")):
        enter_person(federation.directory / f"node-{HOME}", person, role, "Somebody")
    given, node = give(federation), federation.node(HOME)
    with pytest.raises(AccessDenied):
        give(federation, giver)
    with pytest.raises(AccessDenied):
        revoke_delegation(node, node.find_person(giver), given.delegation_id)
    assert len(list_given(node)) == 1


WRONG: dict[str, dict[str, Any]] = {
    "nobody": {"children": ()},
    "a number that is nobody's": {"children": ("4711",)},
    "one child twice": {"children": ("", "")},
    "no group": {"field_groups": ()},
    "a last day before the first": {"valid_until": date(2020, 1, 1)},
    "a year and more": {"valid_until": date(2030, 1, 1)},
    "no purpose": {"purpose": " "},
    "a purpose that no log keeps": {"purpose": "about A801200005001"},
    "an authority without a node": {"authority": "999"},
    "a person whom we do not know": {"authority": HOME, "person": "nobody"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_no_delegation_is_not_given(federation: SmallFederation, change: dict[str, Any]) -> None:
    with pytest.raises(StateError):
        give(federation, **change)
    assert list_given(federation.node(HOME)) == ()


def test_groups_that_are_no_childs_are_not_given(federation: SmallFederation) -> None:
    for groups in (("audit_log",), ("everything",)):
        with pytest.raises(AccessDenied):
            give(federation, field_groups=groups)


def test_who_could_see_a_child_names_whoever_it_is_named_to_with_what_is_named_alone(
    federation: SmallFederation,
) -> None:
    given, node = give(federation, person="deputy"), federation.node(HOME)
    number = given.children[0]
    sights = list_sights(node, number, Role.VIRTUAL_SCHOOL_HEAD)
    named = [sight for sight in sights if sight.relation == "named_child"]
    assert [(sight.asker.name, sight.action, set(sight.field_groups)) for sight in named] == [
        (f"deputy at {ASKER}", "read", set(GROUPS))
    ]
    revoke_delegation(node, node.find_person("vsh"), given.delegation_id)
    sights = list_sights(node, number, Role.VIRTUAL_SCHOOL_HEAD)
    assert not any(sight.relation == "named_child" for sight in sights)


# --- A home node that tells more, or of somebody else ----------------------------------------------------------------


def tell_more(found: Gathered) -> Gathered:
    file = msgspec.structs.replace(found.files[0], legal_status="full_care_order")
    return replace(found, files=(file, *found.files[1:]), fields=(*found.fields, "legal_status"))


def tell_of_another(found: Gathered) -> Gathered:
    return replace(found, files=(*found.files, ChildFile(la_child_id="4711")))


def show_none(found: Gathered) -> Gathered:
    return replace(found, delegations=())


LIES: dict[str, Callable[[Gathered], Gathered]] = {
    "a field that was not named": tell_more,
    "a child who was not named": tell_of_another,
    "no delegation": show_none,
}


@pytest.mark.parametrize("lie", LIES)
def test_what_goes_beyond_the_delegations_is_put_aside_whole(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch, lie: str
) -> None:
    give(federation)
    honest = gathering._gather_named
    monkeypatch.setitem(gathering._GATHERERS, LookupKind.NAMED_CHILD, lambda *asked: LIES[lie](honest(*asked)))
    result = read(federation)
    assert result.answers == ()
    assert len(result.wrong) == len(list_notices(federation.node(ASKER))) == 1


def forged(
    federation: SmallFederation, signer: str = f"node-{HOME}", giver: str = f"vsh@la-{HOME}", **changes: Any
) -> Envelope:
    given = msgspec.structs.replace(list_given(federation.node(HOME))[0].delegation, **changes)
    return sign_by_key(draft_delegation(given), federation.party(giver).keys, federation.party(signer).keys)


def unsigned_by_the_giver(federation: SmallFederation) -> Envelope:
    """As home's node could write it by itself, whoever has broken into it."""
    drafted = draft_delegation(list_given(federation.node(HOME))[0].delegation)
    return countersign(drafted, federation.party(f"node-{HOME}").keys)


FORGED: dict[str, Callable[[SmallFederation], Envelope]] = {
    "to another node": lambda f: forged(f, receiver="node-316"),
    "to another authority": lambda f: forged(f, authority="316"),
    "to another person": lambda f: forged(f, person="deputy"),
    "to another role": lambda f: forged(f, role="virtual_school_staff"),
    "of other days": lambda f: forged(f, valid_from=date(2020, 1, 1), valid_until=date(2020, 1, 2)),
    "signed by another node": lambda f: forged(f, signer="node-316"),
    "sent by another node": lambda f: forged(f, sender="node-316"),
    "signed by an approver of another authority": lambda f: forged(f, giver="officer@la-203"),
    "in the name of somebody who did not sign": lambda f: forged(f, given_by="deputy"),
    "signed by the node alone": unsigned_by_the_giver,
    "signed by the giver over something else": lambda f: msgspec.structs.replace(
        forged(f), payload=forged(f, field_groups=("education", "health", "care")).payload
    ),
}
"""What a home node could send that is not its head's delegation to us of today, however the node itself signs."""


def test_a_delegation_that_is_not_homes_heads_to_us_today_counts_for_nothing(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(federation)
    honest = gathering._gather_named
    for lie, forge in FORGED.items():
        told = forge(federation)

        def answer(*asked: Any, told: Envelope = told) -> Gathered:
            return replace(honest(*asked), delegations=(told,))

        monkeypatch.setitem(gathering._GATHERERS, LookupKind.NAMED_CHILD, answer)
        result = read(federation)
        assert (result.answers, len(result.wrong)) == ((), 1), lie


def test_a_delegation_is_read_as_it_was_signed_and_by_no_other_key(federation: SmallFederation) -> None:
    given = give(federation)
    envelope, register = list_given(federation.node(HOME))[0].envelope, federation.register
    now = federation.clock()
    home, head = register.find(f"node-{HOME}", now), register.find(f"vsh@la-{HOME}", now)
    assert read_delegation(envelope) == given
    verify_delegation(envelope, given, home, head)
    for node, giver in ((home, register.find("officer@la-203", now)), (register.find("node-316", now), head)):
        with pytest.raises(DelegationInvalid):
            verify_delegation(envelope, given, node, giver)


# --- Signed by whoever gives it --------------------------------------------------------------------------------------


def test_the_same_written_twice_is_one_and_is_given_once(federation: SmallFederation) -> None:
    """A form sent twice, or a button pressed twice, gives nothing twice."""
    node, key = federation.node(HOME), federation.party(f"vsh@la-{HOME}")
    head = node.find_person("vsh")
    first, second = (write_delegation(node, head, draft(federation)) for _ in range(2))
    assert first == second
    given = sign_with_key(node, head, first.delegation.delegation_id, key)
    with pytest.raises(StateError, match="named to them already"):
        write_delegation(node, head, draft(federation))
    assert [each.delegation for each in list_given(node)] == [given]
    assert len(events(node, Action.DELEGATION_GIVEN)) == len(given.children)


def test_one_whose_givers_key_has_changed_is_given_again(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the same words: the old one is in force no more, and revoking it first would be a step for nothing."""
    given, node, known = give(federation), federation.node(HOME), federation.register
    head, other = node.find_person("vsh"), federation.party("officer@la-203").keys
    renewed = tuple(
        msgspec.structs.replace(member, signing_key=known.find(other.member_id, federation.clock()).signing_key)
        if member.id == f"vsh@la-{HOME}"
        else member
        for member in known.members
    )
    with pytest.raises(StateError, match="named to them already"):
        write_delegation(node, head, draft(federation))
    monkeypatch.setattr(Node, "register", lambda _: msgspec.structs.replace(known, members=renewed))
    again = write_delegation(node, head, draft(federation)).delegation
    assert again.terms == given.terms
    assert again.delegation_id != given.delegation_id


def test_two_who_sign_the_same_at_once_give_it_once(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have found the draft before either is kept."""
    node, met = federation.node(HOME), threading.Barrier(2)
    head, honest = node.find_person("vsh"), giving._find_draft
    written = write_delegation(node, head, draft(federation)).delegation

    def find_and_meet(*asked: Any) -> Envelope:
        found = honest(*asked)
        met.wait(timeout=20)
        return found

    def sign() -> str:
        try:
            sign_with_key(node, head, written.delegation_id, federation.party(f"vsh@la-{HOME}"))
        except StateError:
            return "too late"
        finally:
            node.database.close()
        return "given"

    monkeypatch.setattr(giving, "_find_draft", find_and_meet)
    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(lambda _: sign(), range(2))) == ["given", "too late"]
    assert len(events(federation.node(HOME), Action.DELEGATION_GIVEN)) == len(written.children)


def test_what_is_not_signed_gives_nothing_and_is_forgotten(federation: SmallFederation) -> None:
    node = federation.node(HOME)
    head = node.find_person("vsh")
    written = write_delegation(node, head, draft(federation)).delegation
    assert (list_given(node), read(federation).answers[0].files) == ((), ())
    with pytest.raises(StateError, match="nothing was given"):
        sign_with_key(node, head, written.delegation_id, federation.party("officer@la-203"))
    federation.clock.move(DRAFT_GOOD_FOR)
    with pytest.raises(StateError, match="write it again"):
        sign_with_key(node, head, written.delegation_id, federation.party(f"vsh@la-{HOME}"))
    assert list_given(node) == ()


def test_a_draft_is_its_writers_alone(federation: SmallFederation) -> None:
    enter_person(federation.directory / f"node-{HOME}", "other", "virtual_school_head", "Other head")
    node = federation.node(HOME)
    written = write_delegation(node, node.find_person("vsh"), draft(federation)).delegation
    other = node.find_person("other")
    with pytest.raises(StateError, match="write it again"):
        sign_with_key(node, other, written.delegation_id, federation.party(f"vsh@la-{HOME}"))
    with pytest.raises(StateError, match="you are not in it"):
        write_delegation(node, other, draft(federation))


def test_one_whose_giver_is_in_the_register_no_longer_gives_nothing(
    federation: SmallFederation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At home, whatever it would send; the simulator of who could see a child says the same."""
    given = give(federation)
    known = federation.register
    left = tuple(member for member in known.members if member.id != f"vsh@la-{HOME}")
    monkeypatch.setattr(Node, "register", lambda _: msgspec.structs.replace(known, members=left))
    (answer,) = read(federation).answers
    assert (answer.files, answer.delegations) == ((), ())
    node = federation.node(HOME)
    sights = list_sights(node, given.children[0], Role.VIRTUAL_SCHOOL_HEAD)
    assert not any(sight.relation == "named_child" for sight in sights)


def test_a_refused_reading_tells_of_no_delegation(federation: SmallFederation) -> None:
    give(federation)
    federation.change_rule(HOME, 'named_child = "answer"', 'named_child = "refuse"')
    (answer,) = read(federation).answers
    assert (answer.outcome, answer.delegations) == (LookupOutcome.REFUSED, ())
    assert isinstance(answer, LookupAnswer)


# --- To our own people -----------------------------------------------------------------------------------------------


@pytest.fixture
def home(federation: SmallFederation) -> Node:
    for person, role in (("worker", "social_worker"), ("carers", "carer_facing_staff"), ("other", "social_worker")):
        enter_person(federation.directory / f"node-{HOME}", person, role, "Somebody")
    return federation.node(HOME)


@pytest.mark.parametrize("person", ["worker", "carers"])
def test_one_of_our_people_reads_the_one_child_named_to_them(
    federation: SmallFederation, home: Node, person: str
) -> None:
    (number, *_) = numbers_of(home)
    given = give(federation, authority=HOME, person=person, children=(number,), field_groups=("identity", "plan_pep"))
    (file,) = read_named_to(home, person, PURPOSE)
    assert (file.la_child_id, file.legal_status, file.host_authority) == (number, None, None)
    assert file.date_of_birth is not None
    assert read_named_to(home, "other", PURPOSE) == ()
    entries = [event for event in events(home, Action.CHILDREN_LISTED) if event.subject]
    assert [(event.actor.split()[0], event.relationship) for event in entries] == [(person, "named_child")]
    revoke_delegation(home, home.find_person("vsh"), given.delegation_id)
    assert read_named_to(home, person, PURPOSE) == ()


def test_they_are_named_one_child_at_a_time_and_take_no_copies(federation: SmallFederation, home: Node) -> None:
    with pytest.raises(StateError, match="one child at a time"):
        give(federation, authority=HOME, person="worker")
    give(federation, authority=HOME, person="worker", children=tuple(numbers_of(home)[:1]))
    with pytest.raises(AccessDenied):
        read_named_to(home, "worker", PURPOSE, copying=True)
    with pytest.raises(AccessDenied):
        read_named_to(home, "admin", PURPOSE)


def test_whoever_changes_role_has_nothing_by_what_was_named_to_the_old_one(
    federation: SmallFederation, home: Node
) -> None:
    give(federation, authority=HOME, person="worker", children=tuple(numbers_of(home)[:1]))
    enter_person(home.party.directory, "worker", "carer_facing_staff", "Somebody")
    assert read_named_to(home, "worker", PURPOSE) == ()


def test_none_is_named_to_a_role_that_reads_nothing_by_being_named(federation: SmallFederation, home: Node) -> None:
    with pytest.raises(AccessDenied):
        give(federation, authority=HOME, person="admin", children=tuple(numbers_of(home)[:1]))
