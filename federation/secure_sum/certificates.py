"""Exact sums: one survivor set for all exact questions about a term, and who may be asked under it.

Exact totals over two sets that differ by one authority would give that authority's own figures by subtraction. So the
first opening fixes the set S; every later exact roster is S itself, or all of S within one region, and is opened whole
or not at all.

The certificate of S is the word of t nodes that they hold to it, which each gives when it reveals (S9) and no sooner: a
consent, or a signature on a smaller set, may be on a set that is never opened, and there can be t of them on several.
"""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from federation.register import MemberKind, Register
from federation.secure_sum.contributor_store import ExactLock
from federation.secure_sum.errors import SumRefused
from federation.secure_sum.facts import ManifestFacts, SumQuery
from federation.secure_sum.messages import (
    HELD_TYPE,
    Certificate,
    SurvivorSet,
)
from federation.secure_sum.rosters import Floors, roster_digest
from federation.secure_sum.signing import count_signers, read_payload

WIDEST_SHARE = Fraction(2, 3)
"""The part of all active nodes that a first exact roster must have: it is the widest there is, and no region's."""


def fixed_survivors(
    query: SumQuery, lock: ExactLock | None, snapshot: str, floors: Floors, register: Register, now: datetime
) -> tuple[str, ...] | None:
    """Return the survivor set that a term's exact sums are held to, or None where this may be its first opening.

    `lock` is what this node has revealed for so far: it outweighs whatever certificate the hub shows. Raises
    `SumRefused` for a roster, a certificate or a snapshot that does not go with it.
    """
    term = query.facts.exact_term
    if not term:
        return None
    if lock is not None and lock.manifest_digest == query.facts.digest:
        lock = None  # Set by this very manifest, which is revealed for one set only, and may be asked for it again.
    fixed = lock.survivors if lock is not None else None
    if lock is not None and lock.snapshot != snapshot:
        raise SumRefused("snapshot_changed", f"exact sums of {term} go on from the snapshot that they began with")
    if query.certificate is not None:
        fixed = read_certificate(query.certificate, term, floors, register, now)
        if lock is not None and lock.survivors != fixed:
            raise SumRefused("certificate_other", "the term's exact sums were opened for other survivors")
    if fixed is None:
        check_widest_roster(query.roster.members, register, now)
    else:
        check_certified_roster(query.facts, fixed, floors, register)
    return fixed


def read_certificate(
    certificate: Certificate, term: str, floors: Floors, register: Register, now: datetime
) -> tuple[str, ...]:
    """Return the survivor set that a certificate fixes for a term. Raises `SumRefused`.

    Its roster is held to what a first exact roster must be, so that a few nodes cannot certify a set among themselves.
    """
    roster, statement = certificate.roster, read_payload(certificate.survivors, HELD_TYPE, SurvivorSet)
    if not term or statement.exact_term != term:
        raise SumRefused("certificate_other", "the certificate is for another term")
    if statement.roster_digest != roster_digest(roster):
        raise SumRefused("certificate_other", "the certificate is of another roster")
    survivors = frozenset(statement.survivors)
    if list(statement.survivors) != sorted(survivors) or not survivors.issubset(roster.members):
        raise SumRefused("certificate_malformed", "the certificate names nodes twice, or that were not asked")
    check_widest_roster(roster.members, register, now)
    if len(survivors) < roster.threshold or roster.threshold < floors.lowest_threshold(len(roster.members)):
        raise SumRefused("threshold_low", "the certificate is of too few nodes")
    held = count_signers(certificate.survivors, statement.survivors, register, now)
    if held < roster.threshold:
        raise SumRefused("quorum_missing", f"{roster.threshold} survivors must hold to the set, and {held} do")
    return statement.survivors


def check_certified_roster(
    facts: ManifestFacts, survivors: tuple[str, ...], floors: Floors, register: Register
) -> None:
    """Raise `SumRefused` unless a roster is the certified set, or all of that set within one region.

    Regions add up to the nation, so the one that is left out shows by subtraction: while any of them has too few
    operators to be asked for by itself, none is.
    """
    if facts.members == survivors:
        return
    by_region: dict[str, list[str]] = {}
    for node in survivors:
        by_region.setdefault(facts.regions.get(node, ""), []).append(node)
    if "" in by_region or list(facts.members) not in by_region.values():
        raise SumRefused("roster_uncertified", "an exact roster is the certified survivors, or all of one region's")
    operators = {member.id: member.operator for member in register.members}
    if any(len({operators.get(node, "") for node in nodes}) < floors.operators for nodes in by_region.values()):
        raise SumRefused("region_small", "one region of the certified survivors has too few operators")


def check_widest_roster(members: Sequence[str], register: Register, now: datetime) -> None:
    """Raise `SumRefused` unless a first exact roster has two thirds of all active nodes."""
    active = {member.id for member in register.active(MemberKind.NODE, now)}
    if len(active.intersection(members)) < WIDEST_SHARE * len(active):
        found = f"{len(members)} of {len(active)}"
        raise SumRefused("roster_narrow", f"a term's first exact sum is over two thirds of all nodes, not {found}")
