"""Exact sums about one academic year from snapshots of several terms: all of them are over the same survivors.

What two snapshots say of one year differs by little. So an authority that came late, and is among the survivors of one
term and not among those of another, would be what one total has more than the other.

A node knows what it revealed for. Of a term in which it revealed nothing it knows no more than the hub shows it: the
certificate that others signed when they did. Where it is shown none it goes on, as it does within one term (S2):
whoever revealed for other survivors holds to them here as well, so two sets take 2t <= n + c, of whichever terms.
"""

from collections.abc import Iterable, Mapping

from federation.manifest import Path
from federation.secure_sum.certificates import read_certificate
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import SumQuery
from federation.secure_sum.messages import HELD_TYPE, Certificate, SurvivorSet
from federation.secure_sum.signing import read_payload
from node.service import Node


def check_other_terms(node: Node, query: SumQuery, survivors: tuple[str, ...]) -> None:
    """Check that an exact sum goes by the survivors of every other term that was asked about the same (S2, S6, S8).

    `survivors` are those of this sum, where it is the first of its term. Raises `SumRefused`.
    """
    others = _terms_asked(node, query.facts.digest) - {query.facts.exact_term, ""}
    if not others:
        return
    fixed, shown = _fixed_survivors(node, query) or survivors, _read_shown(node, query.earlier, others)
    for term in sorted(others):
        lock = node.sums.find_exact_lock(term)
        told = lock.survivors if lock is not None else shown.get(term, fixed)
        if told != fixed:
            raise SumRefused(
                "term_changed", f"exact sums from snapshots of {term} have told of this for other survivors"
            )


def _fixed_survivors(node: Node, query: SumQuery) -> tuple[str, ...] | None:
    """The survivors that an exact term is held to already, by a reveal or by a certificate that was checked."""
    lock = node.sums.find_exact_lock(query.facts.exact_term)
    if lock is not None:
        return lock.survivors
    return None if query.certificate is None else _state(query.certificate).survivors


def _read_shown(node: Node, certificates: Iterable[Certificate], terms: set[str]) -> Mapping[str, tuple[str, ...]]:
    """The survivors of other terms as their certificates have them.

    One that does not hold says nothing: it could have been left out as well, and may have been good once.
    """
    shown, floors, register = {}, node.rules().sums.floors, node.register()
    for certificate in certificates:
        try:
            term = _state(certificate).exact_term
            if term in terms:
                shown[term] = read_certificate(certificate, term, floors, register, node.clock())
        except SumRefused:
            continue
    return shown


def _state(certificate: Certificate) -> SurvivorSet:
    return read_payload(certificate.survivors, HELD_TYPE, SurvivorSet)


def _terms_asked(node: Node, digest: str) -> set[str]:
    """The terms whose snapshots this node was asked about what a question measures, by exact sums."""
    rows = node.database.connection.execute(
        "SELECT DISTINCT snapshot FROM paths_taken AS own JOIN paths_taken AS others USING (measure) "
        "JOIN manifests ON manifests.digest = others.digest WHERE own.digest = ? AND others.path = ?",
        (digest, Path.EXACT_SUM),
    )
    return {row["snapshot"].rpartition("-")[0] for row in rows}
