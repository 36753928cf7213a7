"""Care leavers: young people of 17 to 21 whom the return asks about around their birthday (table OC3)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from node.synth.calibration import draw, entry, happens, number, seeded
from node.synth.children import draw_child_ids
from node.synth.collection_year import CollectionYear, Day, age_on, birthday, year_group
from node.synth.schools import UpnIssuer

_FIRST_LEAVER_ID = 5_000_000
_FIRST_OLDER_ID = 7_000_000  # leavers too old to be asked in the last year written
_YOUNGEST, _OLDEST = 17, 21

_DIED = "DIED"
_FORMER_CARER, _STILL_FOSTERED = "Z1", "E1"  # only an adult can live with a former foster carer


@dataclass(frozen=True, slots=True)
class Leaver:
    """A care leaver; activity and accommodation are empty unless the authority is in touch."""

    child_id: str
    upn: str
    male: bool
    born: Day
    ethnicity: str
    in_touch: str = ""
    activity: str = ""
    accommodation: str = ""


def draw_leavers(home: str, size: int, year: CollectionYear, upns: UpnIssuer, seed: int) -> Iterator[Leaver]:
    """The care leavers of an authority with `size` children in care; none of them has episodes in the year."""
    chance = seeded(seed, home, "leavers")
    for child_id in draw_child_ids(chance, round(size * number("flow.leavers_per_child")), _FIRST_LEAVER_ID):
        age = int(draw(chance, "leaver_age"))
        born = birthday(year.start + chance.randrange(year.end - year.start), -age)
        upn = upns.issue_at_reception(chance, home, year_group(born, year), year)
        in_touch = draw(chance, "leaver_in_touch")
        known = in_touch == "YES"
        lives = draw(chance, "leaver_accommodation") if known else ""
        yield Leaver(
            child_id,
            upn,
            happens(chance, "sex.male"),
            born,
            draw(chance, "ethnicity"),
            in_touch,
            draw(chance, "leaver_activity") if known else "",
            _lawful_home(lives, age),
        )


def draw_older_leavers(
    home: str, size: int, year: CollectionYear, years_back: int, upns: UpnIssuer, seed: int
) -> Iterator[Leaver]:
    """The leavers of 21 of a year that is not the last: a year on, nobody asks about them."""
    chance = seeded(seed, home, "leavers", str(year.academic_year))
    ages = load_ages()
    count = round(size * number("flow.leavers_per_child") * ages[str(_OLDEST)] / sum(ages.values()))
    for child_id in draw_child_ids(chance, count, _FIRST_OLDER_ID + 100_000 * years_back):
        born = birthday(year.start + chance.randrange(year.end - year.start), -_OLDEST)
        upn = upns.issue_at_reception(chance, home, year_group(born, year), year)
        yield _ask(chance, Leaver(child_id, upn, happens(chance, "sex.male"), born, draw(chance, "ethnicity")), _OLDEST)


def load_ages() -> dict[str, float]:
    """The weights of the ages of care leavers."""
    return dict(entry("leaver_age.weights"))


def leaver_in(chance: Random, leaver: Leaver, year: CollectionYear) -> Leaver | None:
    """A care leaver as an earlier year's return knew them, alive; None while they were too young to be one."""
    age = age_on(leaver.born, year.end)
    if age < _YOUNGEST:
        return None
    asked = _ask(chance, leaver, age)
    while asked.in_touch == _DIED:
        asked = _ask(chance, leaver, age)
    return asked


def came_of_age_in(leavers: Iterable[Leaver], year: CollectionYear) -> list[Leaver]:
    """The leavers who turned 18 in a year, and so may have been in care until then."""
    return [leaver for leaver in leavers if year.start <= birthday(leaver.born, 18) <= year.end]


def _ask(chance: Random, leaver: Leaver, age: int) -> Leaver:
    """The year's answers of a leaver at some age."""
    in_touch = draw(chance, "leaver_in_touch")
    if in_touch != "YES":
        return replace(leaver, in_touch=in_touch, activity="", accommodation="")
    lives = _lawful_home(draw(chance, "leaver_accommodation"), age)
    return replace(leaver, in_touch=in_touch, activity=draw(chance, "leaver_activity"), accommodation=lives)


def _lawful_home(lives: str, age: int) -> str:
    return _STILL_FOSTERED if lives == _FORMER_CARER and age < 18 else lives
