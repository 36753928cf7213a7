"""The Merkle tree gives the published answers and agrees with the definitions of RFC 6962."""

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from audit.merkle import (
    EMPTY_ROOT,
    HASH_SIZE,
    Frontier,
    ProofError,
    Subtrees,
    hash_children,
    hash_leaf,
    hash_tree,
    list_peaks,
    prove_consistency,
    prove_inclusion,
    verify_consistency,
    verify_inclusion,
)

LARGEST = 70
LEAVES = [hash_leaf(n.to_bytes(2, "big")) for n in range(LARGEST)]
VECTORS = Path(__file__).parents[3] / "shared" / "data" / "vectors" / "merkle-inclusion.json"
FEW = settings(max_examples=50, derandomize=True, deadline=None)


# --- The definitions of RFC 6962, section 2.1, word for word and as slow as they are ---------------------------------


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n])."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = naive_split(len(leaves))
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = naive_split(len(leaves))
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = naive_split(len(leaves))
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def naive_split(n: int) -> int:
    """The largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def subtrees_of(leaves: Sequence[bytes]) -> Subtrees:
    """Read complete subtrees by hashing them anew."""
    return lambda level, position: naive_root(leaves[position << level : (position + 1) << level])


SUBTREES = subtrees_of(LEAVES)


# --- Known answers ---------------------------------------------------------------------------------------------------

# The entries and roots that Certificate Transparency's implementations have tested themselves with since 2012.
CT_ENTRIES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
CT_ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_of_the_published_entries(size: int) -> None:
    leaves = [hash_leaf(bytes.fromhex(entry)) for entry in CT_ENTRIES[:size]]
    assert hash_tree(leaves).hex() == CT_ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert hash_tree([]) == EMPTY_ROOT == sha256(b"").digest()


def test_a_leaf_never_passes_for_a_node() -> None:
    left, right = LEAVES[:2]
    assert hash_leaf(left + right) != hash_children(left, right)


def read_vectors() -> list[dict[str, Any]]:
    return json.loads(VECTORS.read_text(encoding="utf-8")) if VECTORS.exists() else []


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors are not beside this checkout")
def test_published_inclusion_vectors() -> None:
    """Every vector of transparency-dev/merkle has the verdict that it says it has."""
    vectors = read_vectors()
    assert len(vectors) == 86
    for vector in vectors:
        leaf_hash, root = (base64.b64decode(vector[name]) for name in ("leafHash", "root"))
        proof = [base64.b64decode(item) for item in vector["proof"] or []]
        claim = (vector["leafIndex"], vector["treeSize"], leaf_hash, root, proof)
        if vector["wantErr"]:
            with pytest.raises(ProofError):
                verify_inclusion(*claim)
        else:
            verify_inclusion(*claim)


# --- Agreement with the definitions ----------------------------------------------------------------------------------


def test_growing_a_tree_gives_every_root_and_every_complete_subtree() -> None:
    tree = Frontier()
    for size, leaf in enumerate(LEAVES, start=1):
        (joined,) = tree.extend([leaf])
        finished = [joined[place : place + HASH_SIZE] for place in range(0, len(joined), HASH_SIZE)]
        assert tree.root() == naive_root(LEAVES[:size])
        assert finished == [naive_root(LEAVES[size - (1 << level) : size]) for level in range(len(finished))]
        assert size % (1 << len(finished)) != 0, "the next larger subtree would have been finished too"


def test_a_tree_that_grows_by_many_leaves_is_the_one_that_grew_by_each() -> None:
    """From every size, by every number of leaves."""
    for begin in range(LARGEST):
        one_by_one = Frontier(begin, [SUBTREES(*name) for name in list_peaks(begin)])
        finished: list[bytes] = []
        for end in range(begin, LARGEST + 1):
            at_once = Frontier(begin, [SUBTREES(*name) for name in list_peaks(begin)])
            assert at_once.extend(LEAVES[begin:end]) == finished
            assert (at_once.size, at_once.peaks) == (one_by_one.size, one_by_one.peaks)
            finished += one_by_one.extend(LEAVES[end : end + 1])


@pytest.mark.parametrize("size", range(LARGEST))
def test_a_tree_resumes_from_its_peaks(size: int) -> None:
    tree = Frontier(size, [SUBTREES(*name) for name in list_peaks(size)])
    assert tree.root() == naive_root(LEAVES[:size])
    tree.extend([LEAVES[size]])
    assert tree.root() == naive_root(LEAVES[: size + 1])


def test_a_tree_does_not_resume_from_too_few_peaks() -> None:
    with pytest.raises(ProofError):
        Frontier(3, [LEAVES[0]])


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_leaf_of_every_tree_is_shown_to_be_in_it(size: int) -> None:
    root = naive_root(LEAVES[:size])
    for index in range(size):
        proof = prove_inclusion(index, size, SUBTREES)
        assert proof == naive_path(index, LEAVES[:size])
        verify_inclusion(index, size, LEAVES[index], root, proof)


@pytest.mark.parametrize("size2", range(1, LARGEST + 1))
def test_every_tree_is_shown_to_continue_every_smaller_one(size2: int) -> None:
    root2 = naive_root(LEAVES[:size2])
    for size1 in range(1, size2 + 1):
        proof = prove_consistency(size1, size2, SUBTREES)
        assert proof == naive_subproof(size1, LEAVES[:size2], True)
        verify_consistency(size1, size2, naive_root(LEAVES[:size1]), root2, proof)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (5, 3), (-1, 3)])
def test_there_is_no_proof_of_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        prove_inclusion(index, size, SUBTREES)


@pytest.mark.parametrize(("size1", "size2"), [(0, 0), (0, 3), (4, 3), (-1, 3)])
def test_there_is_no_proof_from_an_empty_or_larger_tree(size1: int, size2: int) -> None:
    with pytest.raises(ProofError):
        prove_consistency(size1, size2, SUBTREES)
