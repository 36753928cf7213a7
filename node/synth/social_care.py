"""What an authority's social care knows of the pupils of its schools: the children in need census, and kinship care.

The census is the XML of the real one, children looked after among the others, as they are children in need too
(Children Act 1989, s. 17). The list of children in kinship care is a made-up export.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

from node.synth.calibration import draw, happens, seeded
from node.synth.collection_year import CollectionYear, Day
from node.synth.files import write_table
from node.synth.pupils import Pupil

FOLDER, CENSUS, KINSHIP = "social-care", "children_in_need.xml", "kinship_care.csv"

KINSHIP_COLUMNS = (
    *("Pupil UPN", "Person Reference", "Born", "Kinship Arrangement", "Arrangement Started", "Arrangement Ended"),
)

_FIRST_ID = 9_000_000  # the case system's numbers of those who were never looked after
_GUARDIAN = "G"
_GUARDIANSHIP = "Special guardianship order"
_PLANS = {
    "child_in_need_plan": ("CINPlanDates", "CINPlanStartDate"),
    "child_protection_plan": ("ChildProtectionPlans", "CPPstartDate"),
}


class SocialCareWriter:
    """Collects what is known of one authority's pupils after the other, and writes it authority by authority."""

    def __init__(self, directory: Path, year: CollectionYear, seed: int) -> None:
        self._directory, self._year, self._seed = directory, year, seed
        self._census: list[str] = []
        self._kinship: list[list[str]] = []
        self._known = 0

    def add(self, authority: str, pupil: Pupil) -> None:
        """Draw what social care knows of a pupil of the authority's schools; of most, nothing."""
        chance = seeded(self._seed, pupil.learner.upn, "social care")
        care = pupil.learner.care
        if care is not None:
            carer = care.carers[-1]
            if carer.authority == authority and care.looked_after_on(self._year.end):
                self._add_child(pupil, carer.child_id, _referral(max(pupil.learner.born, carer.start), None))
            return
        number = str(_FIRST_ID + self._known)
        details = self._draw_need(chance, pupil)
        guarded = pupil.formerly_in_care == _GUARDIAN and happens(chance, "social_care.kinship_if_guardian")
        in_kinship = guarded or happens(chance, "social_care.kinship")
        if details:
            self._add_child(pupil, number, details)
        if in_kinship:
            arrangement = _GUARDIANSHIP if guarded else draw(chance, "social_care.kinship_arrangement")
            began = self._draw_start(chance, pupil)
            row = [pupil.learner.upn, number, _printed(pupil.learner.born), arrangement, _printed(began), ""]
            self._kinship.append(row)
        self._known += bool(details or in_kinship)

    def write(self, authority: str) -> None:
        """Write both files of an authority, and begin anew."""
        folder = self._directory / authority / FOLDER
        folder.mkdir(parents=True)
        with (folder / CENSUS).open("w", encoding="utf-8", newline="\n") as lines:
            lines.writelines(_message(authority, self._year, self._census))
        write_table(folder / KINSHIP, KINSHIP_COLUMNS, self._kinship)
        self._census, self._kinship, self._known = [], [], 0

    def _draw_need(self, chance: Random, pupil: Pupil) -> str:
        """The CINdetails of a child in need, one who was until some day of the year, or one who was only referred."""
        start = self._draw_start(chance, pupil)
        if happens(chance, "social_care.in_need"):
            return _referral(start, None, draw(chance, "social_care.plan"))
        if happens(chance, "social_care.closed_in_year"):
            return _referral(start, max(start, self._year.start + chance.randrange(360)))
        if happens(chance, "social_care.no_further_action"):
            return _referral(start, start, no_action=True)
        return ""

    def _draw_start(self, chance: Random, pupil: Pupil) -> Day:
        return max(pupil.learner.born, self._year.end - 20 - chance.randrange(700))

    def _add_child(self, pupil: Pupil, number: str, details: str) -> None:
        learner = pupil.learner
        self._census.append(
            f"<Child>\n<ChildIdentifiers>\n<LAchildID>{number}</LAchildID>\n<UPN>{learner.upn}</UPN>\n"
            f"<PersonBirthDate>{_dashed(learner.born)}</PersonBirthDate>\n<Sex>{'M' if learner.male else 'F'}</Sex>\n"
            f"</ChildIdentifiers>\n<ChildCharacteristics>\n<Ethnicity>{learner.ethnicity}</Ethnicity>\n"
            f"</ChildCharacteristics>\n{details}</Child>\n"
        )


def _referral(start: Day, end: Day | None, plan: str = "referral", *, no_action: bool = False) -> str:
    closed = "" if end is None else f"<CINclosureDate>{_dashed(end)}</CINclosureDate>\n"
    made = ""
    if plan in _PLANS:
        element, begins = _PLANS[plan]
        made = f"<{element}>\n<{begins}>{_dashed(start + 15)}</{begins}>\n</{element}>\n"
    return (
        f"<CINdetails>\n<CINreferralDate>{_dashed(start)}</CINreferralDate>\n{closed}"
        f"<ReferralNFA>{int(no_action)}</ReferralNFA>\n{made}</CINdetails>\n"
    )


def _message(authority: str, year: CollectionYear, children: list[str]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<Message>\n<Header>\n'
    yield f"<CollectionDetails>\n<Collection>CIN</Collection>\n<Year>{year.academic_year // 100 + 1}</Year>\n"
    yield f"<ReferenceDate>{_dashed(year.end)}</ReferenceDate>\n</CollectionDetails>\n"
    yield f"<Source>\n<SourceLevel>L</SourceLevel>\n<LEA>{authority}</LEA>\n</Source>\n</Header>\n<Children>\n"
    yield from children
    yield "</Children>\n</Message>\n"


def _dashed(then: Day) -> str:
    return date.fromordinal(then).isoformat()


def _printed(then: Day) -> str:
    return date.fromordinal(then).strftime("%d/%m/%Y")
