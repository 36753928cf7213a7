"""The terms of a secure sum, as a manifest states them: how many must answer, who may be missing, how much noise.

The hub works these out from what was asked, the asker's own software works them out again and compares, and every node
holds them to bounds that no message can lower.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import msgspec

from disclosure_control.noise.terms import Mechanism, NoiseRefused, NoiseTerms
from federation.wire import Document

MOST_NODES = 400
"""Nodes of one sum: each pair of them has a key, and so many pairs are the most that is worth their while."""

GATHER_SECONDS = 300
"""How long the hub waits for every node of the roster, when it is not told otherwise."""

Epsilon = Annotated[str, msgspec.Meta(pattern=r"^((0|[1-9][0-9]{0,2})(\.[0-9]{0,5}[1-9])?)?\Z")]
"""The privacy loss that a release may cost, as decimal text in its one spelling; empty where no noise is added."""

_Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_NODES)]


class SumTerms(Document, frozen=True, omit_defaults=True):
    """What nodes and hub hold a sum to. `dropouts` may be missing and `colluders` may have pooled what they know,
    both at once, and the noise in the sum is still as much as `epsilon` asks for. `mechanism` says what shares it is
    made of, where they are not Polya's."""

    threshold: Annotated[int, msgspec.Meta(ge=1, le=MOST_NODES)]
    dropouts: _Count
    colluders: _Count
    epsilon: Epsilon
    gather_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)]
    mechanism: Mechanism = "polya"


class TermsInvalid(Exception):
    """The terms contradict themselves, or are weaker than the protocol allows."""


def smallest_threshold(nodes: int) -> int:
    """How many nodes of a roster have to agree to every opening, at least: two thirds, rounded up."""
    return -(-2 * nodes // 3)


def make_noisy_terms(
    nodes: int,
    epsilon: str,
    dropouts: int | None = None,
    colluders: int | None = None,
    mechanism: Mechanism = "polya",
) -> SumTerms:
    """The terms of a noisy sum over so many nodes: a tenth may be missing and a tenth collude by default.

    That is one of each at least where the threshold leaves room, so that no single node can end the sum or its promise.
    """
    threshold, tenth = smallest_threshold(nodes), max(1, nodes // 10)
    return SumTerms(
        threshold=threshold,
        dropouts=min(tenth, nodes - threshold) if dropouts is None else dropouts,
        colluders=min(tenth, 2 * threshold - nodes - 1) if colluders is None else colluders,
        epsilon=epsilon,
        gather_seconds=GATHER_SECONDS,
        mechanism=mechanism,
    )


def make_exact_terms(nodes: int, threshold: int | None = None) -> SumTerms:
    """The terms of an exact sum over so many nodes."""
    return SumTerms(
        threshold=threshold or smallest_threshold(nodes),
        dropouts=0,
        colluders=0,
        epsilon="",
        gather_seconds=GATHER_SECONDS,
    )


def check_terms(terms: SumTerms, nodes: int, *, noisy: bool) -> None:
    """Raise `TermsInvalid` for terms that do not fit a roster of so many nodes, or not this kind of sum."""
    if nodes > MOST_NODES:
        raise TermsInvalid(f"a sum is taken over at most {MOST_NODES} nodes")
    if not smallest_threshold(nodes) <= terms.threshold <= nodes:
        raise TermsInvalid(f"the threshold must be from {smallest_threshold(nodes)} to {nodes}, for {nodes} nodes")
    if terms.dropouts > nodes - terms.threshold:
        raise TermsInvalid("more dropouts are tolerated than the threshold leaves room for")
    if terms.colluders >= 2 * terms.threshold - nodes:
        raise TermsInvalid("more colluders are tolerated than the threshold withstands")
    if noisy != bool(terms.epsilon) or terms.epsilon == "0":
        raise TermsInvalid("a noisy sum states a privacy loss above 0, and an exact one none")
    if not noisy and (terms.dropouts or terms.colluders or terms.mechanism != "polya"):
        raise TermsInvalid("an exact sum has no noise, and so no tolerance and no mechanism")
    if noisy:
        noise_terms(terms, nodes)


def describe_terms(nodes: int, operators: Iterable[str]) -> str:
    """Say which terms of a noisy sum over these nodes are valid, for who asked for others."""
    threshold = smallest_threshold(nodes)
    least, most = max(Counter(operators).values(), default=0), 2 * threshold - nodes - 1
    if least > most:
        return f"no terms are valid for the {nodes} nodes that can be asked now: one operator runs {least} of them"
    missing = f"0 to {nodes - threshold} may be missing and {least} to {most} of the others collude"
    return f"of the {nodes} nodes that can be asked now, {missing}"


def noise_terms(terms: SumTerms, nodes: int) -> NoiseTerms:
    """The noise that a manifest's terms ask of so many nodes. Raises `TermsInvalid` for noise that hides nobody."""
    try:
        return NoiseTerms(terms.epsilon, nodes, terms.dropouts, terms.colluders, terms.mechanism)
    except NoiseRefused as refused:
        raise TermsInvalid(str(refused)) from None


def check_operators(terms: SumTerms, operators: Iterable[str]) -> None:
    """Raise `TermsInvalid` unless the noise withstands what any one operator of the roster's nodes knows of it."""
    largest = max(Counter(operators).values(), default=0)
    if terms.epsilon and terms.colluders < largest:
        raise TermsInvalid(f"one operator runs {largest} nodes of the roster, and {terms.colluders} may collude")
