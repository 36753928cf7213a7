"""Who witnesses whose log follows from the register alone: nobody can choose, and nobody is chosen much more often."""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from audit.checkpoint import KeyKind
from federation.members import Member
from federation.register import Register, public_text
from federation.witnessing import (
    WITNESSES_OF_A_NODE,
    find_quorum,
    list_witnessed,
    list_witnesses,
    witness_key,
)
from tests.federation.cast import NOW, make_keys, make_member, make_register, serve


def make_node(number: int, operator: str = "", **changes: object) -> Member:
    return make_member(f"node-{number}", operator=operator or f"la-{number}", authorities=serve(str(number)), **changes)


def england(nodes: int = 153) -> Register:
    return make_register([make_member("hub"), *map(make_node, range(201, 201 + nodes))])


def named(register: Register, origin: str) -> set[str]:
    return {member.id for member in list_witnesses(register, origin, NOW)}


def test_every_node_witnesses_the_hub_and_two_thirds_have_to_agree() -> None:
    register = england()
    assert len(named(register, "hub")) == 153
    assert find_quorum(register, "hub", NOW) == 102
    assert [find_quorum(england(nodes), "hub", NOW) for nodes in (1, 2, 3, 4, 5)] == [1, 2, 2, 3, 4]


def test_a_node_is_witnessed_by_two_others_of_other_operators() -> None:
    nodes = [make_node(number, operator=f"operator-{number % 5}") for number in range(201, 231)]
    register = make_register([make_member("hub"), *nodes])
    operators = {node.id: node.operator for node in nodes}
    for node in nodes:
        witnesses = named(register, node.id)
        assert len(witnesses) == WITNESSES_OF_A_NODE == find_quorum(register, node.id, NOW)
        assert len({node.operator, *(operators[witness] for witness in witnesses)}) == 3


def test_who_witnesses_is_told_alike_from_both_ends() -> None:
    register = england()
    for number in range(201, 354):
        for member in list_witnessed(register, f"node-{number}", NOW):
            assert f"node-{number}" in named(register, member.id)
    assert sum(len(list_witnessed(register, f"node-{number}", NOW)) for number in range(201, 354)) == 153 * 3


def test_no_key_and_no_version_changes_who_witnesses() -> None:
    """Whoever makes keys, or hands out registers, cannot try until the witnesses suit."""
    register = england(30)
    other_key = public_text(make_keys("somebody else").public_log_key)
    members = [msgspec.structs.replace(member, title="Another") for member in register.members]
    members[5] = msgspec.structs.replace(members[5], log_key=other_key)
    changed = msgspec.structs.replace(register, version=99, members=tuple(reversed(members)))
    for number in range(201, 231):
        assert named(changed, f"node-{number}") == named(register, f"node-{number}")


def test_no_node_has_many_logs_to_witness() -> None:
    register = england()
    counts = Counter(witness for number in range(201, 354) for witness in named(register, f"node-{number}"))
    assert max(counts.values()) <= 9


def test_a_node_that_leaves_is_replaced_and_no_other_witness_changes() -> None:
    register = england(30)
    gone = sorted(named(register, "node-201"))[0]
    members = tuple(msgspec.structs.replace(member, revoked=member.id == gone) for member in register.members)
    later = msgspec.structs.replace(register, members=members)
    for number in range(201, 231):
        before, after = named(register, f"node-{number}"), named(later, f"node-{number}")
        if f"node-{number}" == gone:
            assert after == set()
        elif gone in before:
            assert before - {gone} < after
        else:
            assert after == before


@pytest.mark.parametrize("origin", ["ana@ucl", "node-999", "nobody"])
def test_nobody_witnesses_what_is_no_log_of_a_node_or_the_hub(origin: str) -> None:
    register = england(10)
    assert named(register, origin) == set()
    assert list_witnessed(register, origin, NOW) == ()
    assert find_quorum(register, origin, NOW) > 0


def test_a_log_without_enough_operators_is_never_witnessed() -> None:
    nodes = [make_node(number, operator="consortium") for number in range(201, 211)]
    register = make_register([make_member("hub"), *nodes])
    assert named(register, "node-201") == set()
    assert find_quorum(register, "node-201", NOW) == WITNESSES_OF_A_NODE


def test_a_register_of_later_has_who_is_active_then() -> None:
    register = england(5)
    assert list_witnesses(register, "hub", NOW + timedelta(days=400)) == ()


def test_a_witness_signs_with_its_log_key() -> None:
    member = make_node(203)
    key = witness_key(member)
    assert (key.name, key.public_key, key.kind) == (member.id, member.public_log_key, KeyKind.COSIGNATURE)
    assert key.public_key != member.public_signing_key
