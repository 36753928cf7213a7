"""The children in one authority's care in a year, each with their history, UPN and strengths and difficulties score."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from node.synth.calibration import happens, number, seeded
from node.synth.collection_year import CollectionYear, year_group
from node.synth.episodes import Episode, cut_episodes
from node.synth.geography import Borders
from node.synth.legal import draw_legal
from node.synth.people import Period, Person, draw_ceased, draw_looked_after, draw_short_breaks
from node.synth.placement_kinds import HOMES, KIN
from node.synth.placements import Care, draw_care
from node.synth.schools import UpnIssuer

_FIRST_CHILD_ID = 100_000  # every authority counts from here, so child ids are reused across authorities
_MOST_SDQ, _MOST_MOVES_THAT_COUNT = 40, 3
_LAST_COMPULSORY, _LAST_GROUP = 11, 13

UNDER_SCHOOL_AGE, NEVER_IN_ENGLISH_SCHOOL = "UN1", "UN2"
"""Why there is no unique pupil number."""


@dataclass(frozen=True, slots=True)
class Child:
    """A child of the return: `child_id` is the authority's own, meaning nothing to another."""

    child_id: str
    upn: str
    """A unique pupil number, or the code of why there is none."""
    on_roll: bool
    """Whether the child is on a school roll, always in the authority of the last placement."""
    care: Care
    episodes: tuple[Episode, ...]
    moves_in_year: int
    sdq: int
    """The score the carer would report, whether or not it was returned."""


def draw_children(
    home: str, size: int, year: CollectionYear, borders: Borders, upns: UpnIssuer, seed: int
) -> Iterator[Child]:
    """Everyone in the care of `home` in the year: `size` on its last day, those who left, and short breaks."""
    chance = seeded(seed, home, "children")
    ceased = round(size * number("flow.ceased_per_child"))
    short = round(size * number("flow.short_breaks_per_child"))
    ids = draw_child_ids(chance, size + ceased + short)
    ways = [draw_looked_after] * size + [draw_ceased] * ceased + [draw_short_breaks] * short
    for child_id, way_in in zip(ids, ways, strict=True):
        person, period = way_in(chance, year)
        yield draw_child(chance, child_id, person, period, year, borders, upns)


def draw_child_ids(chance: Random, count: int, first: int = _FIRST_CHILD_ID) -> list[str]:
    """Distinct identifiers with gaps, in no order."""
    return [str(each) for each in chance.sample(range(first, first + 3 * count), count)]


def draw_child(
    chance: Random,
    child_id: str,
    person: Person,
    period: Period,
    year: CollectionYear,
    borders: Borders,
    upns: UpnIssuer,
) -> Child:
    """A child with the person and period given; `year` is the last one they are in care in."""
    care = draw_care(chance, person, period, draw_legal(chance, person, period, year), year, borders)
    moves = care.moves_within(year.start, year.end)
    group = year_group(person.born, year)
    on_roll = _is_on_roll(chance, person, group)
    return Child(
        child_id,
        _issue_upn(chance, upns, care, group, on_roll, borders.home.code, year),
        on_roll,
        care,
        cut_episodes(chance, care),
        moves,
        draw_sdq(chance, care.spells[-1].kind, moves),
    )


def _is_on_roll(chance: Random, person: Person, group: int) -> bool:
    if 0 <= group <= _LAST_COMPULSORY:
        return True
    after_16 = "on_roll.after_16_uasc" if person.uasc else "on_roll.after_16"
    return _LAST_COMPULSORY < group <= _LAST_GROUP and happens(chance, after_16)


def _issue_upn(
    chance: Random, upns: UpnIssuer, care: Care, group: int, on_roll: bool, home: str, year: CollectionYear
) -> str:
    """From the primary school at home; for those who came alone from abroad, from their first school here."""
    if group < 0:
        return UNDER_SCHOOL_AGE
    if not care.person.uasc:
        return upns.issue_at_reception(chance, home, group, year)
    if not on_roll:
        return NEVER_IN_ENGLISH_SCHOOL
    return upns.issue(chance, care.host, "secondary", year.academic_year // 100)


def draw_sdq(chance: Random, kind: str, moves: int) -> int:
    """A strengths and difficulties score, 0 to 40: planted higher in residential care and after moves."""
    mean = number(f"sdq.{_SDQ_PLACEMENT.get(kind, 'other')}")
    mean += number("sdq.each_move") * min(moves, _MOST_MOVES_THAT_COUNT)
    return clamp_sdq(chance.gauss(mean, number("sdq.sd")))


def clamp_sdq(score: float) -> int:
    """The nearest score there is: a whole number from 0 to 40."""
    return max(0, min(_MOST_SDQ, round(score)))


_SDQ_PLACEMENT: Mapping[str, str] = {
    **dict.fromkeys(KIN, "foster_relative_or_friend"),
    **dict.fromkeys(("U4", "U5", "U6", "A5", "A6"), "foster_other"),
    **dict.fromkeys(HOMES, "children_home"),
    "P1": "with_parents",
    "K3": "independent_or_supported",
}
