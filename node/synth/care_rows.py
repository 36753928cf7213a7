"""What the SSDA903 return says of a child's care: who, every episode, reviews, social workers, times missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from node.synth.calibration import draw, happens, number, poisson
from node.synth.children import Child
from node.synth.collection_year import (
    DAYS_A_YEAR,
    FIRST_REGULATED,
    CollectionYear,
    Day,
    age_on,
    birthday_by_the_rules,
    return_date,
)
from node.synth.placement_kinds import kind_in

Row = list[str]


@dataclass(frozen=True, slots=True)
class Worker:
    """A social worker of a child, by a number on the authority's books, since when, and why (SW_REASON)."""

    number: int
    since: Day
    reason: str


_MOST_CHANGES = 11
_FIRST_CONTACT = "FCONTA"
_WORKERS = 180  # on an authority's books
_LEAST_DAYS_A_WORKER = 4  # a social worker of a shorter time is taken for a mistake
_FIRST_REVIEW, _SECOND_REVIEW, _LATER_REVIEWS = 20, 110, 182  # days: 20 working days, 3 months, then every 6 months
_REVIEW_CODES = ("PN1", "PN1", "PN1", "PN2", "PN4", "PN5", "PN6", "PN7")


def header_row(child: Child, year: CollectionYear) -> Row:
    """The child themself. MOTHER is answered for girls, and not for short breaks."""
    person = child.care.person
    mother = "" if person.male or child.care.period.short_breaks else "0"
    sex = year.sexes[0 if person.male else 1]
    return [child.child_id, sex, return_date(person.born), person.ethnicity, child.upn, mother, ""]


def episode_rows(child: Child, year: CollectionYear) -> Iterator[Row]:
    """Every episode since the period of care began. The unaccompanied have no home postcode here."""
    care = child.care
    home_postcode = "" if care.person.uasc or care.period.short_breaks else care.home_postcode
    for episode in child.episodes:
        spell = episode.spell
        kind = kind_in(year, spell.start, spell.kind)
        yield [
            child.child_id,
            return_date(episode.start),
            episode.reason_started,
            episode.legal_status,
            care.person.need,
            kind,
            spell.provider,
            _optional(episode.end),
            episode.reason_ended,
            episode.reason_moved,
            home_postcode,
            spell.postcode,
            "" if kind == "H5" and year.academic_year < FIRST_REGULATED else spell.urn,
        ]


def review_rows(chance: Random, child: Child, year: CollectionYear) -> Iterator[Row]:
    """The reviews due in the year: soon after care starts, three months later, then twice a year."""
    person, period = child.care.person, child.care.period
    if period.short_breaks:
        return
    held, last = period.start + _FIRST_REVIEW, period.last_day(year)
    gaps = [_SECOND_REVIEW - _FIRST_REVIEW]
    while held <= last:
        if held >= year.start:
            took_part = "PN0" if age_on(person.born, held) < 4 else chance.choice(_REVIEW_CODES)
            yield [child.child_id, return_date(person.born), return_date(held), took_part]
        held += gaps.pop() if gaps else _LATER_REVIEWS - chance.randrange(20)


def uasc_rows(child: Child, year: CollectionYear) -> Iterator[Row]:
    """An unaccompanied child, with the day that status ends: the 18th birthday, also when it is still to come."""
    person = child.care.person
    if person.uasc:
        eighteen = return_date(birthday_by_the_rules(person.born, 18))
        yield [child.child_id, year.sexes[0 if person.male else 1], return_date(person.born), eighteen]


def draw_workers(chance: Random, child: Child, year: CollectionYear, later: Worker | None) -> list[Worker]:
    """The child's social workers in the year, in order; the year counts whole, also before care began.

    `later` is the first one of the following year's return: who worked with the child already in this one stays.
    """
    person, period = child.care.person, child.care.period
    if period.short_breaks:
        return []
    last = period.last_day(year)
    stays = later if later and later.since <= last else None
    first = max(period.start if person.uasc else person.born, year.start)
    changes = _draw_changes(chance, first, stays.since if stays else last)
    known_since = first if first > year.start else max(person.born, first - chance.randrange(8, int(DAYS_A_YEAR)))
    number = chance.randrange(_WORKERS)
    workers: list[Worker] = []
    for start in [known_since, *changes]:
        number = (number + chance.randrange(1, _WORKERS)) % _WORKERS
        unknown_before = not workers and first > year.start
        workers.append(
            Worker(number, start, _FIRST_CONTACT if unknown_before else draw(chance, "social_worker_reason"))
        )
    if stays is None:
        return workers
    too_soon = stays.since <= first or stays.since < known_since + _LEAST_DAYS_A_WORKER
    return [stays] if too_soon else [*workers, stays]


def social_worker_rows(child: Child, workers: list[Worker]) -> Iterator[Row]:
    """One row for each social worker, each from the day the one before ended; the last one stays after care ends."""
    for worker, following in zip(workers, [*workers[1:], None], strict=False):
        end = None if following is None else following.since
        dates = [return_date(worker.since), _optional(end)]
        yield [child.child_id, return_date(child.care.person.born), f"SW{worker.number:04}", *dates, worker.reason]


def _draw_changes(chance: Random, first: Day, last: Day) -> list[Day]:
    """The days on which one social worker follows another: days apart, and none in the last week."""
    shape = number("social_workers.shape")
    a_year = chance.gammavariate(shape, number("social_workers.mean_a_year") / shape)
    days = range(first + _LEAST_DAYS_A_WORKER, last - 7, _LEAST_DAYS_A_WORKER)
    count = min(_MOST_CHANGES, len(days), poisson(chance, a_year * max(0, last - first - 7) / DAYS_A_YEAR))
    return sorted(chance.sample(days, count))


def missing_rows(chance: Random, child: Child, year: CollectionYear) -> Iterator[Row]:
    """Times an older child was missing, or away without authorisation, each over before the next."""
    person, period = child.care.person, child.care.period
    first, last = max(period.start, year.start), period.last_day(year)
    too_young = age_on(person.born, first) < 12
    if too_young or period.short_breaks or last - first < 60 or not happens(chance, "missing.share"):
        return
    times = 1 + poisson(chance, number("missing.mean") - 1)
    for start in sorted(chance.sample(range(first, last - 8, 4), min(times, (last - first - 8) // 4))):
        kind = chance.choice("MMA")
        end = start + chance.choice((0, 1, 1, 2, 3))
        yield [child.child_id, return_date(person.born), kind, return_date(start), return_date(end)]


def _optional(then: Day | None) -> str:
    return "" if then is None else return_date(then)
