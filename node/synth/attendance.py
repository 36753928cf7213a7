"""Sessions a pupil missed, and suspensions: the year is drawn once and then split over the terms.

Its share of sessions missed holds over autumn and spring together, of which that year's censuses tell, and in summer,
of which the next autumn's does.

Planted: placement moves in the year raise the odds of persistent and severe absence and of suspension
(calibration.toml, table `planted`), and a high SDQ score raises the odds of suspension.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from node.synth.calibration import draw, entry, happens, number
from node.synth.collection_year import Day, Term

PERMANENT, SUSPENDED = "PERM", "SUSP"
_SUSPENDED_SESSIONS = "E"  # the attendance code of a session missed while suspended
_MOST_SUSPENSIONS, _MEAN_SDQ = 15, 14.9
_TO_MONDAY = {6: 2, 0: 1}  # days from a Saturday or Sunday, by day modulo 7, as day 1 was a Monday
_SEVERE_SHARE = (0.5, 0.85)  # of the sessions, where the table says no other: assumed
_LATE = "summer"  # the term that the year's own censuses do not tell of
_USUAL_MOST = 0.095  # safely below the 10% of sessions that makes absence persistent


@dataclass(frozen=True, slots=True)
class Risk:
    """What attendance is planted to depend on, for a pupil in care."""

    moves: int
    sdq: int
    local: float = 1.0
    """How much more is missed than usual, and how much oftener school is changed, by the children of an authority."""

    def factor(self, of: str) -> float:
        """The planted factor of the placement moves in the year on `absence` or `suspension`."""
        factors: Sequence[float] = entry(f"planted.{of}")
        return factors[min(self.moves, len(factors) - 1)]


@dataclass(frozen=True, slots=True)
class Suspension:
    """A suspension, or a permanent exclusion, with the sessions it took."""

    start: Day
    sessions: int
    reason: str
    category: str


@dataclass(frozen=True, slots=True)
class TermRecord:
    """A pupil's term: sessions possible, sessions missed by attendance code, and suspensions."""

    possible: int
    missed: tuple[tuple[str, int], ...]
    suspensions: tuple[Suspension, ...]


def draw_attendance(chance: Random, terms: Sequence[Term], phase: str, risk: Risk | None) -> tuple[TermRecord, ...]:
    """One record for each term on roll; `risk` is None for a pupil who is not in care."""
    table = phase if risk or phase == "alternative" else "pupils"
    band = _draw_band(chance, table, risk)
    share = _draw_missed_share(chance, table, band)
    split = _split(share, terms, [chance.uniform(0.6, 1.4) * term.sessions for term in terms])
    suspended = _draw_suspensions(chance, terms, phase, risk)
    records = []
    for term, missed_in_term in zip(terms, split, strict=True):
        suspensions = tuple(each for each in suspended if term.first <= each.start <= term.last)
        suspended_sessions = min(term.sessions, sum(each.sessions for each in suspensions))
        missed = min(term.sessions, max(suspended_sessions, round(missed_in_term)))
        codes = _draw_codes(chance, missed, suspended_sessions, band) if missed else ()
        records.append(TermRecord(term.sessions, codes, suspensions))
    return tuple(records)


def _draw_band(chance: Random, table: str, risk: Risk | None) -> str:
    """How much is missed: under 10% of sessions, 10% to 50% (persistent), or more (severe)."""
    factor = risk.local * risk.factor("absence") if risk else 1.0
    drawn = chance.random()
    if drawn < factor * number(f"absence.{table}.severe"):
        return "severe"
    return "persistent" if drawn < factor * number(f"absence.{table}.persistent") else "usual"


def _draw_missed_share(chance: Random, table: str, band: str) -> float:
    if band == "severe":
        return chance.uniform(*entry(f"absence.{table}").get("severe_share", _SEVERE_SHARE))
    if band == "persistent":
        return 0.1 + 0.4 * chance.betavariate(1, 2.6)
    return min(_USUAL_MOST, chance.expovariate(1 / number(f"absence.{table}.usual")))


def _split(share: float, terms: Sequence[Term], weights: Sequence[float]) -> list[float]:
    """The sessions missed in each term: that share of the summer's, and of all the others' by their weights."""
    early = sum(term.sessions for term in terms if term.name != _LATE)
    weighed = sum(weight for term, weight in zip(terms, weights, strict=True) if term.name != _LATE)
    return [
        share * (term.sessions if term.name == _LATE else early * weight / weighed)
        for term, weight in zip(terms, weights, strict=True)
    ]


def _draw_codes(chance: Random, missed: int, suspended: int, band: str) -> tuple[tuple[str, int], ...]:
    """Missed sessions by attendance code: those suspended, the unauthorised, and the rest authorised."""
    codes = {_SUSPENDED_SESSIONS: suspended} if suspended else {}
    others = missed - suspended
    unauthorised = min(others, round(missed * number(f"unauthorised.{band}") * chance.uniform(0.4, 1.6)))
    for table, sessions in (("unauthorised_reason", unauthorised), ("absence_reason", others - unauthorised)):
        most = round(sessions * chance.uniform(0.7, 1.0))
        for part in (most, sessions - most):
            if part:
                code = draw(chance, table)
                codes[code] = codes.get(code, 0) + part
    return tuple(codes.items())


def _draw_suspensions(chance: Random, terms: Sequence[Term], phase: str, risk: Risk | None) -> tuple[Suspension, ...]:
    odds = number(f"suspended.{'in_care' if risk else 'pupils'}.{phase}")
    if risk:
        odds *= risk.factor("suspension")
        odds *= max(0.2, 1 + number("suspension.each_sdq_point") * (risk.sdq - _MEAN_SDQ))
    if chance.random() >= odds:
        return ()
    count = 1
    while count < _MOST_SUSPENSIONS and happens(chance, "suspension.further"):
        count += 1
    found = [_draw_suspension(chance, chance.choice(terms), SUSPENDED) for _ in range(count)]
    if happens(chance, "suspension.permanent"):
        found.append(_draw_suspension(chance, terms[-1], PERMANENT))
    return tuple(sorted(found, key=lambda each: each.start))


def _draw_suspension(chance: Random, term: Term, category: str) -> Suspension:
    start = chance.randrange(term.first, term.last - 6)
    start += _TO_MONDAY.get(start % 7, 0)
    sessions = 2 * chance.choice((1, 1, 1, 2, 2, 3, 5)) if category == SUSPENDED else 0
    return Suspension(start, sessions, draw(chance, "suspension_reason"), category)
