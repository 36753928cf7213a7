"""The access matrix at a node that is asked: every role x kind of lookup x field group, whatever the asking node says.

The rights are those of the table that `test_access_matrix` holds the policy to. The asking node is forged here: it lets
every role ask everything, and names any role, authority or person it likes.
"""

from typing import Any

import msgspec
import pytest

from audit.event import Action
from federation.lookups import (
    ANSWER_TYPE,
    REQUEST_TYPE,
    ChildSought,
    LookupAnswer,
    LookupKind,
    LookupOutcome,
    LookupRequest,
    sign_message,
)
from federation.sealing import Direction, SealContext, seal_records
from federation.transport import encode_records
from federation.wire import whole_seconds
from node.lookups.asking import list_others, open_answer
from node.lookups.own_children import FIELDS
from node.lookups.records import FIELDS as RECORD_FIELDS
from policies.access_policy import MATRIX
from policies.names import CHILD_RECORD, Role
from tests.node.lookups.test_class_list import SCHOOL, send_to_school, some_numbers
from tests.node.lookups.test_delegations import give
from tests.node.lookups.test_lookups import ASKER, PURPOSE, PaperRelay, events
from tests.node.lookups.test_one_child import HOME, child_on_their_roll, child_placed_here
from tests.own_policies import drop_policy, put_policy
from tests.policies.test_access_matrix import ALLOWED
from tests.small_federation import SmallFederation

RELATIONS = {
    LookupKind.PLACED_HERE: ("host", ()),
    LookupKind.ONE_CHILD: ("host", ("search",)),
    LookupKind.CHILD_ON_ROLL: ("home", ("search",)),
    LookupKind.NAMED_CHILD: ("named_child", ()),
    LookupKind.CLASS_LIST: ("school", ("list",)),
}
"""By which relation each kind reads, and what else it takes to do to the identity of a child."""


KINDS = tuple(RELATIONS)


def test_every_kind_of_lookup_is_in_the_table() -> None:
    """All but emergency access, which a node cannot ask for by itself: its tests are in test_emergencies.py."""
    assert {*RELATIONS, LookupKind.EMERGENCY} == set(LookupKind)


@pytest.fixture
def asked(federation: SmallFederation) -> SmallFederation:
    """A home authority with a child placed with the asker, one at a school there, and one named to the asker's head."""
    send_to_school(federation.node(HOME), ASKER, {some_numbers(federation.node(HOME), 1)[0]: SCHOOL})
    give(federation, field_groups=CHILD_RECORD)
    return federation


def question(federation: SmallFederation, kind: LookupKind) -> dict[str, Any]:
    """What a request of this kind seeks, of somebody who is there."""
    if kind in (LookupKind.ONE_CHILD, LookupKind.EMERGENCY):
        return {"sought": ChildSought(upn=child_placed_here(federation)["upn"])}
    if kind is LookupKind.CHILD_ON_ROLL:
        pupil = child_on_their_roll(federation)
        return {"sought": ChildSought(upn=pupil["upn"], date_of_birth=pupil["date_of_birth"])}
    return {"school_urn": SCHOOL} if kind is LookupKind.CLASS_LIST else {}


def ask_forged(federation: SmallFederation, number: int, kind: LookupKind, **changes: Any) -> LookupAnswer:
    """Send a request as the asking node's own software never would, and open what comes back."""
    node, other = federation.node(ASKER), federation.party(f"node-{HOME}")
    request = LookupRequest(
        lookup_id=f"L-{number:032x}",
        kind=kind,
        sender=node.party.member_id,
        receiver=other.member_id,
        authority=ASKER,
        person="vsh",
        role="virtual_school_head",
        purpose=PURPOSE,
        asked_at=whole_seconds(federation.clock()),
        **question(federation, kind),
    )
    request = msgspec.structs.replace(request, **changes)
    context = SealContext(request.lookup_id, node.party.member_id, other.member_id, Direction.REQUEST)
    message = sign_message(request, REQUEST_TYPE, node.party.keys)
    page = encode_records(seal_records(message, context, other.keys.public_sealing_key))
    sealed = PaperRelay(federation).deliver(other.member_id, page, request.lookup_id)
    (member,) = [each for each in list_others(node) if each.id == other.member_id]
    return open_answer(node, request.lookup_id, member, sealed, LookupAnswer, ANSWER_TYPE)


def may(role: str, kind: LookupKind) -> bool:
    relation, actions = RELATIONS[kind]
    reads = any((role, relation, "read", group) in ALLOWED for group in CHILD_RECORD)
    return reads and all((role, relation, action, "identity") in ALLOWED for action in actions)


def fields_allowed(role: str, kind: LookupKind) -> set[str]:
    known = RECORD_FIELDS if kind is LookupKind.PLACED_HERE else FIELDS
    relation, _ = RELATIONS[kind]
    return {name for name, (group, _) in known.items() if (role, relation, "read", group) in ALLOWED}


def told(answer: LookupAnswer) -> set[str]:
    children = [*answer.children, *answer.files]
    return {name for child in children for name in child.__struct_fields__ if getattr(child, name) is not None}


@pytest.mark.parametrize("kind", KINDS)
def test_each_role_is_told_what_the_matrix_gives_it_and_nothing_else(asked: SmallFederation, kind: LookupKind) -> None:
    """Allowed and denied, for every role there is and for one that there is not."""
    for number, role in enumerate(Role):
        answer = ask_forged(asked, number, kind, role=role.value)
        if may(role, kind):
            assert answer.outcome is LookupOutcome.ANSWERED, role
            assert told(answer) <= fields_allowed(role, kind), role
            assert bool(told(answer)) is (kind is not LookupKind.NAMED_CHILD or role == "virtual_school_head"), role
        else:
            assert (answer.outcome, answer.code, told(answer)) == (LookupOutcome.REFUSED, "policy_denied", set()), role
    answer = ask_forged(asked, 99, kind, role="chief_of_everything")
    assert (answer.code, told(answer)) == ("policy_denied", set())
    refused = events(asked.node(HOME), Action.LOOKUP_REFUSED)
    assert len(refused) == 1 + sum(not may(role, kind) for role in Role)


@pytest.mark.parametrize("kind", KINDS)
def test_a_group_that_the_home_authority_denies_is_told_by_no_kind_of_lookup(
    asked: SmallFederation, kind: LookupKind
) -> None:
    """One group at a time, for every role that has it, in the authority's own file."""
    role = "designated_teacher" if kind is LookupKind.CLASS_LIST else "virtual_school_head"
    known = RECORD_FIELDS if kind is LookupKind.PLACED_HERE else FIELDS
    policy, seen = asked.directory / f"node-{HOME}", set()
    for number, group in enumerate(CHILD_RECORD):
        whole = told(ask_forged(asked, 2 * number, kind, role=role))
        put_policy(policy, MATRIX.read_text() + f"p, *, *, read, {group}, deny\n")
        less = told(ask_forged(asked, 2 * number + 1, kind, role=role))
        of_group = {name for name in whole if known[name][0] == group}
        # The number that names a child is told with it, whatever is denied: the asker has it from the delegation.
        assert less == whole - of_group | ({"la_child_id"} if kind is LookupKind.NAMED_CHILD else set())
        seen |= of_group
        drop_policy(policy)
    assert "identity" in {known[name][0] for name in seen}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"authority": "316"}, "not_your_authority"),
        ({"authority": HOME}, "not_your_authority"),
        ({"receiver": "node-316"}, "unreadable"),
        ({"sender": "node-316"}, "unreadable"),
    ],
    ids=str,
)
def test_a_forged_authority_or_place_is_refused_and_logged(
    federation: SmallFederation, change: dict[str, str], code: str
) -> None:
    """For every kind of lookup."""
    for number, kind in enumerate(KINDS):
        answer = ask_forged(federation, number, kind, **change)
        assert (answer.outcome, answer.code, told(answer)) == (LookupOutcome.REFUSED, code, set())
    refused = events(federation.node(HOME), Action.LOOKUP_REFUSED)
    assert [event.details["code"] for event in refused] == [code] * len(KINDS)


def test_a_school_of_another_area_has_nobody_of_ours_however_it_is_asked_for(asked: SmallFederation) -> None:
    """A node names a school that is not in its own area: the children there are not its teacher's to see."""
    number = some_numbers(asked.node(HOME), 2)[1]
    send_to_school(asked.node(HOME), "316", {number: 100_007})
    answer = ask_forged(asked, 1, LookupKind.CLASS_LIST, role="designated_teacher", school_urn=100_007)
    assert (answer.outcome, answer.files) == (LookupOutcome.ANSWERED, ())
