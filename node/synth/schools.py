"""The schools of each authority, and the unique pupil numbers they issue.

School URNs are 9 followed by the authority's place in the code list and a serial; the Department for Education has
issued none in that range. Establishment numbers follow the real bands, so that they tell the kind of school.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from node.synth.collection_year import CollectionYear
from node.upn import upn_check_letter
from query_engine.geography import load_authorities

PHASES = ("primary", "secondary", "special", "alternative")

_FIRST_ESTAB = {"primary": 2001, "secondary": 4001, "special": 7001, "alternative": 1101}
_PUPILS_EACH = {"primary": 24, "secondary": 70, "special": 110, "alternative": 500}
_LEAST = {"primary": 4, "secondary": 2, "special": 1, "alternative": 1}
_MOST = {"primary": 400, "secondary": 150, "special": 80, "alternative": 20}
_URNS_EACH = sum(_MOST.values())  # 153 times this still has six figures
_SERIALS = 1000  # a school's numbers in one year are 000 to 999


@dataclass(frozen=True, slots=True)
class School:
    """A school: `native_id` is its key in the authority's extracts, unique only there."""

    authority: str
    urn: int
    estab: int
    native_id: str
    phase: str


def found_schools(authority: str, pupils: float) -> Mapping[str, tuple[School, ...]]:
    """The schools of an authority by phase, as many as so many `pupils` on roll need."""
    first_urn = 900_000 + _URNS_EACH * list(load_authorities()).index(authority)
    serial = 0
    schools: dict[str, tuple[School, ...]] = {}
    for phase in PHASES:
        founded = []
        wanted = min(_MOST[phase], max(_LEAST[phase], round(pupils / _PUPILS_EACH[phase])))
        for nth in range(wanted):
            serial += 1
            founded.append(School(authority, first_urn + serial, _FIRST_ESTAB[phase] + nth, f"SCH{serial}", phase))
        schools[phase] = tuple(founded)
    return schools


class UpnIssuer:
    """Issues valid unique pupil numbers, none twice across England."""

    def __init__(
        self, schools: Mapping[str, Mapping[str, Sequence[School]]], beside: "UpnIssuer | None" = None
    ) -> None:
        self._schools = schools
        self._issued: dict[str, int] = defaultdict(int)
        self._beside = beside

    def from_the_top(self) -> "UpnIssuer":
        """An issuer beside this one that counts downwards, so that it changes nothing that this one issues."""
        return UpnIssuer(self._schools, self)

    def issue(self, chance: Random, authority: str, phase: str, school_year: int) -> str:
        """The next number of a school of `authority`, issued in the school year that began in `school_year`.

        A school that has used its thousand numbers of a year passes the pupil to the next establishment number.
        """
        estab = chance.choice(self._schools[authority][phase]).estab
        prefix = f"{authority}{estab:04}{school_year % 100:02}"
        while self._issued[prefix] + self._beside_issued(prefix) >= _SERIALS:
            estab += 1
            prefix = f"{authority}{estab:04}{school_year % 100:02}"
        serial = self._issued[prefix] if self._beside is None else _SERIALS - 1 - self._issued[prefix]
        body = f"{prefix}{serial:03}"
        self._issued[prefix] += 1
        return upn_check_letter(body) + body

    def _beside_issued(self, prefix: str) -> int:
        return 0 if self._beside is None else self._beside._issued[prefix]

    def issue_at_reception(self, chance: Random, authority: str, group: int, year: CollectionYear) -> str:
        """The number a pupil now in year `group` was given by the primary school they started at."""
        return self.issue(chance, authority, "primary", year.academic_year // 100 - group)
