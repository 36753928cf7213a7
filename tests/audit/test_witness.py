"""A witness signs what continues the tree it signed last, and nothing else, whatever it is offered."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, CheckpointError, sign_checkpoint
from audit.merkle import Frontier, hash_leaf, prove_consistency
from audit.witness import (
    DISPUTES,
    Offer,
    Refusal,
    WitnessRefused,
    judge_offer,
    parse_offer,
    verify_evidence,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tests.audit.conftest import SeedSigner

FEW = settings(max_examples=60, derandomize=True, deadline=None)

SPEC_EXAMPLE = (Path(__file__).with_name("vectors") / "tlog-witness.txt").read_text()
"""The example request of c2sp.org/tlog-witness."""


class PlayedLog:
    """A log of numbered leaves, of which a second history may be told from some leaf on."""

    def __init__(self, signer: SeedSigner, fork_at: int = 10**9) -> None:
        self._signer, self._fork = signer, fork_at

    def _leaf(self, index: int) -> bytes:
        return hash_leaf(f"{'other ' if index >= self._fork else ''}{index}".encode())

    def _subtree(self, level: int, position: int) -> bytes:
        return self._tree(position << level, (position + 1) << level).root()

    def _tree(self, begin: int, end: int) -> Frontier:
        tree = Frontier()
        tree.extend(map(self._leaf, range(begin, end)))
        return tree

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self._signer.name, size, self._tree(0, size).root())

    def note(self, size: int) -> str:
        return sign_checkpoint(self.checkpoint(size), self._signer)

    def offer(self, old: int, size: int) -> Offer:
        proof = tuple(prove_consistency(old, size, self._subtree)) if 0 < old <= size else ()
        return Offer(old, proof, self.note(size))


@pytest.fixture(scope="module")
def log(signer: SeedSigner) -> PlayedLog:
    return PlayedLog(signer)


def judge(signer: SeedSigner, kept: Checkpoint | None, offer: Offer) -> Checkpoint:
    return judge_offer(kept, offer, signer.name, signer.public_key)


def refusal(signer: SeedSigner, kept: Checkpoint | None, offer: Offer) -> Refusal:
    with pytest.raises(WitnessRefused) as refused:
        judge(signer, kept, offer)
    return refused.value.reason


# --- The form of an offer --------------------------------------------------------------------------------------------


def test_the_example_of_the_format_is_read() -> None:
    offer = parse_offer(SPEC_EXAMPLE)
    assert (offer.old_size, len(offer.proof)) == (20852014, 4)
    assert offer.note.startswith("example.com/behind-the-sofa\n20852163\n")
    assert offer.to_text() == SPEC_EXAMPLE


@FEW
@given(
    old=st.integers(0, 10**19 - 1),
    proof=st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    note=st.text(max_size=200),
)
def test_an_offer_is_read_back(old: int, proof: list[bytes], note: str) -> None:
    offer = Offer(old, tuple(proof), note)
    assert parse_offer(offer.to_text()) == offer


@FEW
@given(text=st.text(max_size=300), old=st.text(alphabet="0123456789", max_size=22))
def test_any_text_gives_an_offer_or_our_own_error(text: str, old: str) -> None:
    for hostile in (text, f"old {old}\n{text}", f"old {old}\n\n{text}", f"old {old}\n{'A' * 44}\n\n{text}"):
        with suppress(CheckpointError):
            assert parse_offer(hostile).to_text() == hostile


@pytest.mark.parametrize(
    "text",
    [
        "old 01\n\nnote\n",
        "old -1\n\nnote\n",
        "old 1\nnote\n",
        "old 1\nAAAA\n\nnote\n",
        "old 1\n" + "A" * 44 + "\n\nnote\n",
        "old 1\n" + (("A" * 43 + "=\n") * 64) + "\nnote\n",
        "old 1\n\n" + "x" * 300_000,
    ],
    ids=["a leading zero", "a sign", "no blank line", "a short hash", "stray bits", "64 hashes", "too long"],
)
def test_a_malformed_offer_is_refused(text: str) -> None:
    with pytest.raises(CheckpointError):
        parse_offer(text)


# --- What is signed --------------------------------------------------------------------------------------------------


@FEW
@given(sizes=st.lists(st.integers(0, 40), min_size=1, max_size=8))
def test_a_log_that_only_grows_is_signed_at_every_step(signer: SeedSigner, log: PlayedLog, sizes: list[int]) -> None:
    kept: Checkpoint | None = None
    for size in sorted(sizes):
        kept = judge(signer, kept, log.offer(kept.size if kept else 0, size))
        assert kept == log.checkpoint(size)


@FEW
@given(offers=st.lists(st.tuples(st.booleans(), st.integers(0, 24), st.integers(0, 24)), max_size=12))
def test_whatever_is_offered_no_two_trees_are_signed_that_do_not_continue_each_other(
    signer: SeedSigner, offers: list[tuple[bool, int, int]]
) -> None:
    """Two histories that part at entry 9, offered in any order and from any size, honestly proven or not."""
    logs = PlayedLog(signer), PlayedLog(signer, fork_at=9)
    kept: Checkpoint | None = None
    signed: list[Checkpoint] = []
    for other, old, size in offers:
        with suppress(WitnessRefused):
            kept = judge(signer, kept, logs[other].offer(old, size))
            signed.append(kept)
    assert [each.size for each in signed] == sorted(each.size for each in signed)
    assert any(all(each == log.checkpoint(each.size) for each in signed) for log in logs)


# --- What is refused -------------------------------------------------------------------------------------------------


def test_a_log_cut_back_is_refused(signer: SeedSigner, log: PlayedLog) -> None:
    kept = log.checkpoint(12)
    assert refusal(signer, kept, log.offer(12, 11)) is Refusal.SMALLER
    assert refusal(signer, kept, log.offer(0, 0)) is Refusal.SMALLER


def test_two_trees_of_one_size_are_refused(signer: SeedSigner, log: PlayedLog) -> None:
    other = PlayedLog(signer, fork_at=9)
    assert refusal(signer, log.checkpoint(12), other.offer(12, 12)) is Refusal.SPLIT


def test_a_rewritten_log_is_refused_whatever_proof_comes_with_it(signer: SeedSigner, log: PlayedLog) -> None:
    other = PlayedLog(signer, fork_at=9)
    kept = log.checkpoint(12)
    honest = log.offer(12, 20)
    for proof in (other.offer(12, 20).proof, honest.proof, ()):
        assert refusal(signer, kept, replace(other.offer(12, 20), proof=proof)) is Refusal.UNPROVEN
    assert judge(signer, kept, honest) == log.checkpoint(20)


class ArrangedLog(PlayedLog):
    """A log that has the leaves of the honest one in another order, or without one, or with another among them."""

    def __init__(self, signer: SeedSigner, leaves: Sequence[int | str]) -> None:
        super().__init__(signer)
        self._leaves = leaves

    def _leaf(self, index: int) -> bytes:
        return hash_leaf(str(self._leaves[index]).encode())


Numbers = list[int | str]

TAMPERED: Mapping[str, Callable[[Numbers, int], Numbers]] = {
    "dropped": lambda leaves, place: leaves[:place] + leaves[place + 1 :],
    "moved back": lambda leaves, place: [*leaves[:place], leaves[place + 1], leaves[place], *leaves[place + 2 :]],
    "moved to the end": lambda leaves, place: [*leaves[:place], *leaves[place + 1 :], leaves[place]],
    "slipped in": lambda leaves, place: [*leaves[:place], "invented", *leaves[place:]],
    "replaced": lambda leaves, place: [*leaves[:place], "invented", *leaves[place + 1 :]],
}


@pytest.mark.parametrize("way", TAMPERED)
@pytest.mark.parametrize("place", range(12))
def test_no_entry_is_dropped_moved_or_slipped_in_once_a_witness_has_signed(
    signer: SeedSigner, log: PlayedLog, way: str, place: int
) -> None:
    """Whichever it is, and whichever proof the log's keeper finds for it: of its own history, or the honest one."""
    kept, other = log.checkpoint(12), ArrangedLog(signer, TAMPERED[way](list(range(24)), place))
    for proof in (other.offer(12, 20).proof, log.offer(12, 20).proof, ()):
        assert refusal(signer, kept, replace(other.offer(12, 20), proof=proof)) is Refusal.UNPROVEN
    assert refusal(signer, kept, other.offer(12, 12)) is Refusal.SPLIT


def test_an_offer_from_another_size_is_no_dispute(signer: SeedSigner, log: PlayedLog) -> None:
    """It is made again from the right one; so is one that comes with a proof where nothing was signed yet."""
    assert refusal(signer, log.checkpoint(12), log.offer(11, 20)) is Refusal.STALE
    assert refusal(signer, None, log.offer(11, 20)) is Refusal.STALE
    assert refusal(signer, None, Offer(0, (bytes(32),), log.note(20))) is Refusal.STALE
    assert Refusal.STALE not in DISPUTES


def test_what_another_signed_is_refused(
    signer: SeedSigner, log: PlayedLog, make_signer: Callable[[str, int], SeedSigner]
) -> None:
    forged = PlayedLog(make_signer(signer.name, 9)).offer(0, 5)
    named_otherwise = PlayedLog(make_signer("node-elsewhere", 1)).offer(0, 5)
    assert refusal(signer, None, forged) is Refusal.UNSIGNED
    assert refusal(signer, None, named_otherwise) is Refusal.UNSIGNED
    assert refusal(signer, None, Offer(0, (), "nothing like a note")) is Refusal.UNSIGNED
    assert Refusal.UNSIGNED not in DISPUTES


def test_every_reason_is_known_to_be_a_dispute_or_not() -> None:
    assert set(Refusal) - DISPUTES == {Refusal.UNSIGNED, Refusal.STALE}


# --- Evidence --------------------------------------------------------------------------------------------------------


def test_two_notes_show_what_they_show_to_anybody(signer: SeedSigner, log: PlayedLog) -> None:
    other = PlayedLog(signer, fork_at=9)
    key = (signer.name, signer.public_key)
    assert verify_evidence(log.note(12), other.note(12), *key) is Refusal.SPLIT
    assert verify_evidence(log.note(12), other.note(14), *key) is Refusal.UNPROVEN
    assert verify_evidence(log.note(12), log.note(11), *key) is Refusal.SMALLER


def test_notes_that_show_nothing_are_no_evidence(
    signer: SeedSigner, log: PlayedLog, make_signer: Callable[[str, int], SeedSigner]
) -> None:
    key = (signer.name, signer.public_key)
    with pytest.raises(CheckpointError, match="one tree"):
        verify_evidence(log.note(12), log.note(12), *key)
    with pytest.raises(CheckpointError):
        verify_evidence(log.note(12), PlayedLog(make_signer(signer.name, 9), 3).note(12), *key)
