"""What a pupil met with by the end of Year 11, read from their care history and the school year written of them."""

from node.synth.attainment import Circumstances
from node.synth.collection_year import Day, birthday, day
from node.synth.placement_kinds import FOSTER
from node.synth.pupils import Pupil
from node.synth.school_census import UNAUTHORISED

_EXAMINED = "summer"  # what is missed in the term of the examinations plays no part
_STEP = 0.05  # the planted effect is of each 5% of possible sessions


def circumstances_of(pupil: Pupil, first: int) -> Circumstances:
    """The measures that Key Stage 4 depends on, for the school year that began in the calendar year `first`."""
    stays = list(pupil.stays.values())
    attended = [stay.record for term, stay in pupil.stays.items() if term != _EXAMINED]
    possible = sum(record.possible for record in attended)
    missed = sum(count for record in attended for code, count in record.missed if code in UNAUTHORISED)
    sessions = sum(each.sessions for stay in stays for each in stay.record.suspensions)
    care, end = pupil.learner.care, day(first + 1, 3, 31)
    in_care = care is not None and care.looked_after_on(end)
    return Circumstances(
        placements_since_11=_moves_since_11(pupil, end),
        school_change_in_ks4=int(stays[-1].entry > day(first - 1, 9, 30)),
        unauthorised_5_percent=missed / possible / _STEP if possible else 0.0,
        suspension_days=sessions / 2,
        residential_or_other=int(care is not None and in_care and care.kind_on(end) not in FOSTER),
        special_school=int(pupil.phase == "special"),
        alternative_provision=int(pupil.phase == "alternative"),
        sdq_score=care.sdq if care else 0,
        months_in_care=care.months_on(end) if care else 0.0,
    )


def _moves_since_11(pupil: Pupil, end: Day) -> int:
    care = pupil.learner.care
    return care.moves_between(birthday(pupil.learner.born, 11), end) if care else 0
