"""Nothing but a true proof is accepted: every other claim, tampered with or malformed, fails as a ProofError."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    ProofError,
    hash_children,
    hash_leaf,
    hash_tree,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 70
LEAVES = [hash_leaf(n.to_bytes(2, "big")) for n in range(LARGEST)]
FEW = settings(max_examples=50, derandomize=True, deadline=None)


def read_subtree(level: int, position: int) -> bytes:
    return hash_tree(LEAVES[position << level : (position + 1) << level])


def tamper(data: st.DataObject, proof: list[bytes]) -> list[bytes]:
    """Change a proof into any other: a bit, a hash more, a hash less, two hashes swapped."""
    place = data.draw(st.integers(0, len(proof)), label="place")
    ways = [[*proof[:place], data.draw(st.sampled_from(LEAVES)), *proof[place:]]]
    if place < len(proof):
        flipped = bytearray(proof[place])
        flipped[data.draw(st.integers(0, 31))] ^= 1 << data.draw(st.integers(0, 7))
        ways += [[*proof[:place], *proof[place + 1 :]], [*proof[:place], bytes(flipped), *proof[place + 1 :]]]
        ways += [[*proof[place:], *proof[:place]]] if place else []
    return data.draw(st.sampled_from(ways), label="tampered")


@FEW
@given(st.data(), st.integers(1, LARGEST))
def test_a_tampered_inclusion_proof_fails(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = tamper(data, prove_inclusion(index, size, read_subtree))
    with pytest.raises(ProofError):
        verify_inclusion(index, size, LEAVES[index], hash_tree(LEAVES[:size]), proof)


@FEW
@given(st.data(), st.integers(1, LARGEST))
def test_a_tampered_consistency_proof_fails(data: st.DataObject, size2: int) -> None:
    size1 = data.draw(st.integers(1, size2))
    proof = tamper(data, prove_consistency(size1, size2, read_subtree))
    with pytest.raises(ProofError):
        verify_consistency(size1, size2, hash_tree(LEAVES[:size1]), hash_tree(LEAVES[:size2]), proof)


@pytest.mark.parametrize("size", range(2, 24))
def test_a_leaf_is_not_shown_to_be_anywhere_else(size: int) -> None:
    root = hash_tree(LEAVES[:size])
    for index in range(size):
        proof = prove_inclusion(index, size, read_subtree)
        for other in set(range(size)) - {index}:
            with pytest.raises(ProofError):
                verify_inclusion(other, size, LEAVES[index], root, proof)
            with pytest.raises(ProofError):
                verify_inclusion(index, size, LEAVES[other], root, proof)


def test_another_older_tree_is_not_shown_to_be_continued() -> None:
    for size2 in range(2, 24):
        for size1 in range(1, size2):
            proof = prove_consistency(size1, size2, read_subtree)
            other = hash_tree(LEAVES[1 : size1 + 1])
            with pytest.raises(ProofError):
                verify_consistency(size1, size2, other, hash_tree(LEAVES[:size2]), proof)
            with pytest.raises(ProofError):
                verify_consistency(size1, size2, hash_tree(LEAVES[:size1]), other, proof)


H, H2 = LEAVES[:2]
ROOT2 = hash_children(H, H2)
TRUE_INCLUSION = (0, 2, H, ROOT2, [H2])
TRUE_CONSISTENCY = (1, 2, H, ROOT2, [H2])

# One argument of a true claim, by its place, and what is put there instead.
MALFORMED = [
    pytest.param(0, -1, id="a negative index or size"),
    pytest.param(0, "0", id="a size that is text"),
    pytest.param(0, 1.0, id="a size that is a fraction"),
    pytest.param(0, False, id="a size that is no"),
    pytest.param(0, True, id="a size that is yes"),
    pytest.param(0, None, id="a size that is missing"),
    pytest.param(0, 2**64 - 1, id="an index or older size past the end"),
    pytest.param(1, -2, id="a negative second size"),
    pytest.param(1, 0, id="the empty tree"),
    pytest.param(1, MAX_SIZE + 1, id="a size beyond 64 bits"),
    pytest.param(1, "2", id="a second size that is text"),
    pytest.param(1, 2.0, id="a second size that is a fraction"),
    pytest.param(2, H[:31], id="a short hash"),
    pytest.param(2, H + b"\0", id="a long hash"),
    pytest.param(2, b"", id="an empty hash"),
    pytest.param(2, H.hex(), id="a hash that is text"),
    pytest.param(2, bytearray(H), id="a hash that can change"),
    pytest.param(3, None, id="a root that is missing"),
    pytest.param(3, ROOT2[:31], id="a short root"),
    pytest.param(3, bytearray(ROOT2), id="a root that can change"),
    pytest.param(4, None, id="a proof that is missing"),
    pytest.param(4, H2, id="a proof that is one hash"),
    pytest.param(4, b"", id="a proof of no bytes"),
    pytest.param(4, "", id="a proof that is text"),
    pytest.param(4, {H2: H2}, id="a proof that is a mapping"),
    pytest.param(4, [H2.hex()], id="a proof of text"),
    pytest.param(4, [bytearray(H2)], id="a proof that can change"),
    pytest.param(4, [H2[:31]], id="a proof with a short hash"),
    pytest.param(4, [H2, b""], id="a proof with an empty hash"),
    pytest.param(4, [None], id="a proof with a hole"),
    pytest.param(4, [H2, H2], id="a proof that goes on"),
    pytest.param(4, [], id="a proof that stops early"),
]


@pytest.mark.parametrize(("place", "value"), MALFORMED)
def test_a_malformed_claim_fails_as_a_proof(place: int, value: Any) -> None:
    for verify, claim in ((verify_inclusion, TRUE_INCLUSION), (verify_consistency, TRUE_CONSISTENCY)):
        verify(*claim)
        malformed: list[Any] = list(claim)
        malformed[place] = value
        with pytest.raises(ProofError):
            verify(*malformed)


@pytest.mark.parametrize("place", [2, 3])
@pytest.mark.parametrize("root", [None, bytearray(H), H.hex()], ids=["missing", "changeable", "text"])
def test_roots_of_one_size_are_bytes_too(place: int, root: Any) -> None:
    claim: list[Any] = [1, 1, H, H, []]
    claim[place] = root
    with pytest.raises(ProofError):
        verify_consistency(*claim)


# (older size, newer size, older root, newer root, proof) -> does it hold?
EDGES = [
    pytest.param(1, 1, H, H, [], True, id="a tree continues itself"),
    pytest.param(0, 0, EMPTY_ROOT, EMPTY_ROOT, [], True, id="so does the empty tree"),
    pytest.param(1, 1, H, LEAVES[1], [], False, id="one size, two roots"),
    pytest.param(0, 0, EMPTY_ROOT, H, [], False, id="no entries, two roots"),
    pytest.param(1, 1, H, H, [H], False, id="a proof of what needs none"),
    pytest.param(0, 1, EMPTY_ROOT, H, [], False, id="the empty tree shows nothing"),
    pytest.param(0, 1, EMPTY_ROOT, H, [EMPTY_ROOT], False, id="with a proof neither"),
    pytest.param(2, 1, H, H, [], False, id="back in time"),
    pytest.param(1, 0, H, EMPTY_ROOT, [], False, id="back to nothing"),
    pytest.param(1, 2, H, H, [], False, id="no proof where one is needed"),
    pytest.param(3, 4, H, H, [], False, id="no proof from a ragged tree"),
    pytest.param(1, 2, H[:5], H[:5], [H], False, id="roots that are no hashes"),
]


@pytest.mark.parametrize(("size1", "size2", "root1", "root2", "proof", "holds"), EDGES)
def test_consistency_at_the_edges(
    size1: int, size2: int, root1: bytes, root2: bytes, proof: list[bytes], holds: bool
) -> None:
    if holds:
        verify_consistency(size1, size2, root1, root2, proof)
    else:
        with pytest.raises(ProofError):
            verify_consistency(size1, size2, root1, root2, proof)
