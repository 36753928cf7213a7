"""What became of care leavers, up to the 25th birthday: the SSDA903 asks only until the 21st."""

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from random import Random

from node.synth.calibration import draw, happens, number, seeded
from node.synth.children import draw_child_ids
from node.synth.collection_year import CollectionYear, Day, age_on, birthday
from node.synth.files import append_rows
from node.synth.leavers import Leaver
from node.synth.plan import Plan
from node.synth.virtual_school import FOLDER

COLUMNS = (
    *("Child Reference", "Recorded On", "Age", "Main Activity", "Level 2 Reached", "Level 3 Reached"),
    *("In Touch", "Accommodation Suitable"),
)

_FIRST_ID = 8_000_000  # leavers older than the return asks about
_ADULT, _FIRST_NOT_ASKED, _LAST_AGE = 18, 22, 25
_ACTIVITY = {"1": "Higher education", "2": "Other education", "4": "Apprenticeship", "5": "Employment or training"}
_NOT_IN_WORK = "NEET"
_NO_ANSWER = "Unknown"


def write_leaver_outcomes(plan: Plan, code: str, leavers: Iterable[Leaver]) -> None:
    """Write `care_leaver_outcomes.csv` of an authority: its return's leavers who are adults, and older ones."""
    chance = seeded(plan.seed, code, "leaver outcomes")
    rows = [*_asked_rows(chance, leavers, plan.last), *_older_rows(chance, plan.sizes[code], plan.last)]
    append_rows(_path(plan, code), COLUMNS, rows)


def _path(plan: Plan, code: str) -> Path:
    return plan.directory / code / FOLDER / "care_leaver_outcomes.csv"


def _asked_rows(chance: Random, leavers: Iterable[Leaver], year: CollectionYear) -> Iterator[list[str]]:
    for leaver in leavers:
        age = age_on(leaver.born, year.end)
        if age >= _ADULT:
            suitable = "" if not leaver.accommodation else "Yes" if leaver.accommodation.endswith("1") else "No"
            said = [_spoken(leaver.activity), *_levels(chance), "Yes" if leaver.in_touch == "YES" else "No", suitable]
            yield [leaver.child_id, _printed(birthday(leaver.born, age)), str(age), *said]


def _older_rows(chance: Random, size: int, year: CollectionYear) -> Iterator[list[str]]:
    count = round(size * number("older_leavers.per_child"))
    for child_id in draw_child_ids(chance, count, _FIRST_ID):
        age = chance.randint(_FIRST_NOT_ASKED, _LAST_AGE)
        when = year.start + chance.randrange(year.end - year.start)
        known = happens(chance, "older_leavers.in_touch")
        activity = _spoken(draw(chance, "leaver_activity")) if known else _NO_ANSWER
        suitable = ("Yes" if happens(chance, "older_leavers.suitable") else "No") if known else ""
        yield [child_id, _printed(when), str(age), activity, *_levels(chance), "Yes" if known else "No", suitable]


def _levels(chance: Random) -> list[str]:
    """Whether level 2 and level 3 are reached; nobody has the higher without the lower."""
    level_2 = happens(chance, "older_leavers.level_2")
    level_3 = level_2 and happens(chance, "older_leavers.level_3_of_those")
    return ["Yes" if level_2 else "No", "Yes" if level_3 else "No"]


def _spoken(activity: str) -> str:
    """The return's code of an activity in words: F and P are full and part time, G is out of work or education."""
    if not activity:
        return _NO_ANSWER
    return _NOT_IN_WORK if activity.startswith("G") else _ACTIVITY[activity[1]]


def _printed(then: Day) -> str:
    return date.fromordinal(then).strftime("%d/%m/%Y")
