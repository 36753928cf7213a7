"""Those who were in care in an earlier year for the last time: a later year's return does not speak of them.

Who came of age is one of the later years' care leavers, as far as there are any, so that a young person keeps one
identifier through care and after it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from node.synth.calibration import number, seeded
from node.synth.children import Child, draw_child, draw_child_ids
from node.synth.collection_year import CollectionYear, birthday
from node.synth.geography import Borders
from node.synth.leavers import Leaver
from node.synth.people import AGED_OUT, Period, Person, draw_ceased, draw_short_breaks
from node.synth.schools import UpnIssuer

_FORMER_IDS = 1_000_000  # children gone a year earlier count from here, two years earlier from twice that


def draw_former_children(
    home: str,
    size: int,
    year: CollectionYear,
    years_back: int,
    borders: Borders,
    upns: UpnIssuer,
    seed: int,
    came_of_age: Sequence[Leaver],
) -> Iterator[Child]:
    """Those who were in the care of `home` for the last time in `year`, `years_back` before the last one written."""
    chance = seeded(seed, home, "children", str(year.academic_year))
    ceased = round(size * number("flow.ceased_per_child"))
    short = round(size * number("flow.short_breaks_per_child"))
    ids = draw_child_ids(chance, ceased + short, _FORMER_IDS * years_back)
    known = list(came_of_age)
    for child_id in ids[:ceased]:
        person, period = draw_ceased(chance, year)
        leaver = known.pop() if known and period.reason in AGED_OUT and not person.uasc else None
        if leaver is None:
            yield draw_child(chance, child_id, person, period, year, borders, upns)
        else:
            person, period = _as_leaver(person, period, leaver)
            child = draw_child(chance, leaver.child_id, person, period, year, borders, upns)
            yield replace(child, upn=leaver.upn)
    for child_id in ids[ceased:]:
        person, period = draw_short_breaks(chance, year)
        period = replace(period, end=year.end - chance.randrange(60), reason="E8")
        yield draw_child(chance, child_id, person, period, year, borders, upns)


def _as_leaver(person: Person, period: Period, leaver: Leaver) -> tuple[Person, Period]:
    """The same care, of the person who is later known as a care leaver."""
    eighteen = birthday(leaver.born, 18)
    moved_by = eighteen - (period.end or eighteen)
    start = max(leaver.born, period.start + moved_by)
    person = replace(person, male=leaver.male, born=leaver.born, ethnicity=leaver.ethnicity)
    return person, replace(period, start=start, end=eighteen)
