"""Certificates at the hub: for whom exact sums about a term, and about a year in several terms, can be opened at all.

The nodes hold to what they revealed for, whatever the hub picks. It picks what they will agree to, so that an honest
asker is not sent round in vain.
"""

from collections.abc import Iterator, Mapping

from audit.connection import Connection
from federation.envelope import Envelope
from federation.manifest import Manifest, Path, read_manifest
from federation.problems import ProblemRaised
from federation.secure_sum.messages import Certificate, SurvivorSet
from federation.sums_exchange import MOST_EARLIER
from federation.wire import decode_document


def find_certificate(connection: Connection, term: str) -> Certificate | None:
    """Return the certificate of the one survivor set of a term's exact sums, once there is one."""
    row = connection.execute("SELECT document FROM sum_certificates WHERE term = ?", (term,)).fetchone()
    return None if row is None else decode_document(row["document"], Certificate)


def certificate_of(connection: Connection, manifest: Manifest) -> Certificate | None:
    """Return the certificate that a manifest goes by, if it is for an exact sum and not the first of its term."""
    return find_certificate(connection, manifest.snapshot_term) if manifest.path is Path.EXACT_SUM else None


def certified_survivors(connection: Connection, term: str) -> tuple[str, ...] | None:
    """Return the nodes that every exact sum about a term is over, once the first has been opened."""
    certificate = find_certificate(connection, term)
    return None if certificate is None else name_survivors(certificate)


def name_survivors(certificate: Certificate) -> tuple[str, ...]:
    """Return the nodes that a certificate fixes."""
    return decode_document(certificate.survivors.body, SurvivorSet).survivors


def earlier_certificates(connection: Connection, term: str, year: str) -> dict[str, Certificate]:
    """Return the certificates of other terms in which exact sums about an academic year were asked, by term."""
    found = {}
    for manifest in _exact_manifests(connection, term):
        if manifest.academic_year == year and manifest.snapshot_term not in found:
            found[manifest.snapshot_term] = find_certificate(connection, manifest.snapshot_term)
    newest = sorted((other for other, certificate in found.items() if certificate), reverse=True)[:MOST_EARLIER]
    return {other: certificate for other in newest if (certificate := found[other]) is not None}


def earlier_of(connection: Connection, manifest: Manifest) -> Mapping[str, Certificate]:
    """Return the certificates of other terms that a manifest goes by as well, if it is for an exact sum."""
    if manifest.path is not Path.EXACT_SUM:
        return {}
    return earlier_certificates(connection, manifest.snapshot_term, manifest.academic_year)


def _exact_manifests(connection: Connection, besides: str) -> Iterator[Manifest]:
    """Every manifest of an exact sum that was sent out, unless only one term has a certificate: then none."""
    others = connection.execute("SELECT 1 FROM sum_certificates WHERE term != ? LIMIT 1", (besides,)).fetchone()
    if others is None:
        return
    rows = connection.execute("SELECT envelope FROM queries WHERE digest IN (SELECT digest FROM sum_attempts)")
    for row in rows.fetchall():
        manifest = read_manifest(decode_document(row["envelope"], Envelope))
        if manifest.path is Path.EXACT_SUM and manifest.snapshot_term != besides:
            yield manifest


def choose_survivors(connection: Connection, term: str, year: str) -> tuple[str, ...] | None:
    """Return the nodes that an exact sum about a year from a term's snapshots must be over; None where it is free.

    What a year's children were counted for in one term is counted again in another for the same survivors alone.
    Raises a 409 problem where the two cannot both be had.
    """
    fixed = certified_survivors(connection, term)
    for other, certificate in earlier_certificates(connection, term, year).items():
        survivors = name_survivors(certificate)
        if fixed is not None and fixed != survivors:
            raise ProblemRaised(409, "term_changed", _explain(term, other, year))
        fixed = survivors
    return fixed


def _explain(term: str, other: str, year: str) -> str:
    return (
        f"exact sums about {year} were made from the snapshots of {other} for other authorities than those of {term}: "
        f"the difference of two such sums would tell about single authorities, so no node adds up both. Run the "
        f"template about {other}, or ask about another year, or ask by noisy_sum what was never asked by exact_sum"
    )
