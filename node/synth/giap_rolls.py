"""The GIAP downloads that are about a year and not about results: the School Census by term, and pupil premium."""

from collections.abc import Iterator

from node.synth.calibration import number
from node.synth.collection_year import CollectionYear, return_date
from node.synth.pupils import Pupil

_PHASES = {"primary": "PS", "secondary": "SS", "special": "SP", "alternative": "PR"}
_FORMERLY_IN_CARE = frozenset("AGRC")
_LOOKED_AFTER_RATE, _ADOPTED_RATE, _PRIMARY_RATE, _SECONDARY_RATE = 2570, 2570, 1480, 1050  # pounds, 2024/25


def census_values(pupil: Pupil, year: CollectionYear) -> Iterator[tuple[str, dict[str, str]]]:
    """Each term's census row of a pupil, by the name of the term."""
    learner = pupil.learner
    for term in year.terms:
        stay = pupil.stays.get(term.name)
        if stay is None:
            continue
        school, meals = stay.school, str(int(pupil.meals_since is not None))
        values = {
            "PupilMatchingRef": f"S{int(learner.upn[1:12]):017}",
            "AcademicYear": year.spoken,
            "CensusTerm": term.name.capitalize(),
            "LA": school.authority,
            "Estab": f"{school.estab:04}",
            "LAEstab": f"{school.authority}{school.estab:04}",
            "URN": str(school.urn),
            "PHASE": _PHASES[school.phase],
            "UPN": learner.upn,
            "Surname": pupil.surname,
            "Forename": pupil.forename,
            "PreferredSurname": pupil.surname,
            "Sex": "M" if learner.male else "F",
            "DOB": return_date(learner.born),
            "FSMeligible": meals,
            "EVERFSM_6": str(int(_ever_had_meals(pupil))),
            "Language": pupil.language,
            "EnrolStatus": "C",
            "EntryDate": return_date(stay.entry),
            "NCyearActual": str(learner.group) if learner.group else "R",
            "SENProvision": pupil.sen,
            "PrimarySENeedsType": pupil.needs[0] if pupil.needs else "",
            "SecondarySENType": pupil.needs[1] if len(pupil.needs) > 1 else "",
        }
        yield term.name, values if term.name == "autumn" else values | {"Ethnicity": learner.ethnicity}


def _ever_had_meals(pupil: Pupil) -> bool:
    """Whether the pupil is eligible for free meals, or was in the last six years: their own number settles that."""
    earlier = number(f"free_meals.earlier.{pupil.learner.background}")
    return pupil.meals_since is not None or int(pupil.learner.upn[1:12]) % 97 < 97 * earlier


def premium_values(pupil: Pupil, year: CollectionYear) -> dict[str, str]:
    """What a pupil attracts in the financial year that ends with the return year, by the reason that pays most."""
    learner, first = pupil.learner, year.academic_year // 100
    looked_after = learner.risk is not None
    adopted = pupil.formerly_in_care in _FORMERLY_IN_CARE
    meals = pupil.meals_since is not None
    rate = _PRIMARY_RATE if learner.group <= 6 else _SECONDARY_RATE
    amount = _LOOKED_AFTER_RATE * looked_after or _ADOPTED_RATE * adopted or rate * meals
    return {
        "UPN": learner.upn,
        "Surname": pupil.surname,
        "Forename": pupil.forename,
        "Sex": "M" if learner.male else "F",
        "DOB": return_date(learner.born),
        "NCYear": str(learner.group) if learner.group else "R",
        "DeprivationPupilPremium": str(int(meals and not looked_after)),
        "ServiceChildPremium": "0",
        "AdoptedfromCarePremium": str(int(adopted)),
        "LookedAfterPremium": str(int(looked_after)),
        "PupilPremiumFTE": "1",
        "PupilPremiumCashAmount": f"{amount}.00",
        "PupilPremiumFYStartDate": f"01/04/{first}",
        "PupilPremiumFYEndDate": f"31/03/{first + 1}",
        "LastFSM": return_date(year.terms[1].census) if meals else "",
    }
