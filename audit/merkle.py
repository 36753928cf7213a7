"""Merkle tree hashing and proofs, as RFC 6962 section 2.1 and RFC 9162 section 2.1 define them.

One 32-byte root commits to every leaf of a tree and to their order. An inclusion proof shows that a leaf is in a
tree; a consistency proof shows that a tree only ever grew. Everything here is pure: hashes in, hashes out.

A complete subtree is named by its level and its position: level 0 holds the leaves, and the subtree (level, position)
spans the leaves from position * 2**level on, 2**level of them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

HASH_SIZE = 32
MAX_SIZE = 2**64 - 1

EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves."""

Subtrees = Callable[[int, int], bytes]
"""Reads the hash of a complete subtree, by level and position."""


class ProofError(Exception):
    """The proof does not show what it claims, or there is no such proof."""


def hash_leaf(data: bytes) -> bytes:
    """Hash one entry. The prefix keeps a leaf from ever passing for an inner node."""
    return sha256(b"\x00" + data).digest()


def hash_children(left: bytes, right: bytes) -> bytes:
    """Hash an inner node from its two children."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A growing tree, reduced to the peaks: the roots of its complete subtrees, largest first.

    They are all that an append and the root need, so a tree of a million leaves is twenty hashes.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise ProofError(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(self.peaks)}")

    def extend(self, leaf_hashes: Iterable[bytes]) -> list[bytes]:
        """Add leaves in order; return of each, joined, its hash and those of subtrees that it ends, smallest first.

        Level by level, so that a batch costs little more than its hashes; that of an inner node is written out.
        """
        nodes = list(leaf_hashes)
        finished, peaks, first, width = nodes.copy(), [], self.size, 1
        # `nodes` are the complete subtrees of `width` leaves that have no parent yet, from position `first` on.
        while nodes:
            if first & 1:
                first -= 1
                nodes.insert(0, self.peaks.pop())
            if len(nodes) & 1:
                peaks.append(nodes.pop())
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
            first, width = first >> 1, width << 1
            last_leaf = (first + 1) * width - 1 - self.size
            for place, node in enumerate(nodes):
                finished[last_leaf + place * width] += node
        self.peaks += reversed(peaks)
        self.size += len(finished)
        return finished

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = hash_children(peak, root)
        return root


def hash_tree(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes in order."""
    tree = Frontier()
    tree.extend(leaf_hashes)
    return tree.root()


def list_peaks(size: int) -> Iterator[tuple[int, int]]:
    """Name the peaks of a tree of that size by level and position, largest first."""
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            yield level, (size >> level) - 1


# --- Making proofs -------------------------------------------------------------------------------------------------


def prove_inclusion(index: int, size: int, subtrees: Subtrees) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of that size (RFC 9162, 2.1.3.1).

    Raises ProofError if the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} entries has no entry {index}")
    proof = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(_hash_range(middle, end, subtrees))
            end = middle
        else:
            proof.append(_hash_range(begin, middle, subtrees))
            begin = middle
    return proof[::-1]


def prove_consistency(size1: int, size2: int, subtrees: Subtrees) -> list[bytes]:
    """Return the proof that the tree of size2 continues the tree of size1 (RFC 9162, 2.1.4.1).

    Raises ProofError unless 0 < size1 <= size2: an empty tree is continued by every other, so it proves nothing.
    """
    if not 0 < size1 <= size2:
        raise ProofError(f"there is no proof that a tree of {size2} entries continues one of {size1}")
    proof = []
    begin, end = 0, size2
    while size1 != end:
        middle = begin + _split(end - begin)
        if size1 <= middle:
            proof.append(_hash_range(middle, end, subtrees))
            end = middle
        else:
            proof.append(_hash_range(begin, middle, subtrees))
            begin = middle
    # When the first tree is itself a complete subtree, the verifier holds its root already.
    if begin > 0:
        proof.append(_hash_range(begin, end, subtrees))
    return proof[::-1]


def _split(width: int) -> int:
    """Return the largest power of two smaller than a width of two or more: where the RFC divides a tree."""
    return 1 << ((width - 1).bit_length() - 1)


def _hash_range(begin: int, end: int, subtrees: Subtrees) -> bytes:
    """Hash the leaves from begin to end, where begin is a multiple of the range's larger half."""
    width = end - begin
    level = width.bit_length() - 1
    left = subtrees(level, begin >> level)
    if width == 1 << level:
        return left
    return hash_children(left, _hash_range(begin + (1 << level), end, subtrees))


# --- Checking proofs -----------------------------------------------------------------------------------------------


def verify_inclusion(index: int, size: int, leaf_hash: bytes, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the leaf is entry `index` of the tree with that size and root (RFC 9162, 2.1.3.2).

    Raises ProofError on anything else, malformed arguments included.
    """
    _check_sizes(index, size)
    _check_hashes([leaf_hash, root])
    _check_proof(proof)
    if index >= size:
        raise ProofError(f"a tree of {size} entries has no entry {index}")
    computed = leaf_hash
    for sibling, is_left in _climb(index, size - 1, proof):
        computed = hash_children(sibling, computed) if is_left else hash_children(computed, sibling)
    if computed != root:
        raise ProofError(f"the proof leads entry {index} to another root")


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree of size2 continues the tree of size1 (RFC 9162, 2.1.4.2).

    Raises ProofError on anything else, malformed arguments included; also where only size1 is zero, for then there is
    nothing to continue.
    """
    _check_sizes(size1, size2)
    _check_proof(proof)
    if size1 == size2:
        _verify_same(root1, root2, proof)
    elif 0 < size1 < size2:
        _verify_growth(size1, size2, root1, root2, proof)
    else:
        raise ProofError(f"a tree of {size2} entries cannot be shown to continue one of {size1}")


def _verify_same(root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Check two claims about one tree. Nothing is hashed, so the roots need only be the same bytes."""
    if proof:
        raise ProofError("trees of one size need no proof, but one was given")
    if not isinstance(root1, bytes) or not isinstance(root2, bytes) or root1 != root2:
        raise ProofError("two trees of one size have different roots")


def _verify_growth(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Rebuild both roots, climbing from the last complete subtree of the older tree."""
    _check_hashes([root1, root2])
    # A tree of a power of two is that subtree itself, so the proof need not repeat its root.
    path = [root1, *proof] if size1.bit_count() == 1 else list(proof)
    if not path:
        raise ProofError("the proof is empty")
    level = (size1 & -size1).bit_length() - 1
    older = newer = path[0]
    for sibling, is_left in _climb((size1 - 1) >> level, (size2 - 1) >> level, path[1:]):
        if is_left:
            older = hash_children(sibling, older)
            newer = hash_children(sibling, newer)
        else:
            newer = hash_children(newer, sibling)
    if older != root1:
        raise ProofError(f"the proof leads to another root at size {size1}")
    if newer != root2:
        raise ProofError(f"the proof leads to another root at size {size2}")


def _climb(position: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Walk from a node to the root, giving each sibling and whether it stands to the left.

    `position` and `last` count the nodes of one level; where the path is the right edge of a ragged tree, levels
    without a sibling are skipped. Raises ProofError unless the proof ends exactly at the root.
    """
    for sibling in proof:
        if last == 0:
            raise ProofError("the proof goes on after the root")
        is_left = position & 1 == 1 or position == last
        yield sibling, is_left
        while is_left and position and not position & 1:
            position, last = position >> 1, last >> 1
        position, last = position >> 1, last >> 1
    if last:
        raise ProofError("the proof ends before the root")


def _check_sizes(*sizes: object) -> None:
    for size in sizes:
        # A bool is an int to Python, but never a size to us.
        if type(size) is not int or not 0 <= size <= MAX_SIZE:
            raise ProofError("a size or index is not a whole number from 0 to 2**64 - 1")


def _check_hashes(hashes: Iterable[object]) -> None:
    for item in hashes:
        if not isinstance(item, bytes) or len(item) != HASH_SIZE:
            raise ProofError(f"a hash is not {HASH_SIZE} bytes")


def _check_proof(proof: object) -> None:
    if not isinstance(proof, list | tuple):
        raise ProofError("the proof is not a list of hashes")
    _check_hashes(proof)
