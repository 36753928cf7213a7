"""Care leavers: young people of 17 to 21 whom the return asks about around their birthday (table OC3)."""

from collections.abc import Iterator
from dataclasses import dataclass

from node.synth.calibration import draw, happens, number, seeded
from node.synth.children import draw_child_ids
from node.synth.collection_year import CollectionYear, Day, birthday, year_group
from node.synth.schools import UpnIssuer

_FIRST_LEAVER_ID = 5_000_000

_FORMER_CARER, _STILL_FOSTERED = "Z1", "E1"  # only an adult can live with a former foster carer


@dataclass(frozen=True, slots=True)
class Leaver:
    """A care leaver; activity and accommodation are empty unless the authority is in touch."""

    child_id: str
    upn: str
    male: bool
    born: Day
    ethnicity: str
    in_touch: str
    activity: str
    accommodation: str


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
            _STILL_FOSTERED if lives == _FORMER_CARER and age < 18 else lives,
        )
