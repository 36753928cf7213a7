"""GIAP downloads: what an authority gets from Get information about pupils, for its own children and its own rolls.

One folder an authority, one file a stage, with every year's results of those pupils that there are:

- a child in care is in the files of every authority that looked after them, wherever they go to school, and in those of
  the authority whose school they go to; the results are the same in each;
- no results exist of years in which there were no tests (2019/20 and 2020/21 for all stages below Key Stage 4; Key
  Stage 1 after 2022/23), so KS4_KS2EMSS and KS4_P8SCORE are empty for 2024/25 and 2025/26, as they are in truth;
- results of years before the first one written are drawn as if those years had been like the first;
- the capped points with the planted effects are KS4_PTSCNEWE_PTQ_EE (see attainment.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from random import Random

from node.synth.attainment import (
    SUBJECTS,
    Ability,
    draw_ability,
    good_development,
    key_stage_1,
    key_stage_2,
    key_stage_4,
    phonics_mark,
)
from node.synth.calibration import seeded
from node.synth.circumstances import circumstances_of
from node.synth.collection_year import CollectionYear, day, return_date, spoken_year
from node.synth.files import Batches, published_columns
from node.synth.giap_rolls import census_values, premium_values
from node.synth.pupils import Pupil
from node.synth.schooling import Schools
from node.synth.schools import School
from query_engine.geography import load_authorities

FOLDER = "giap"
CANCELLED = frozenset({2019, 2020})
"""The first calendar years of the academic years without tests below Key Stage 4."""
LAST_KEY_STAGE_1 = 2022
EARLIEST = 2015

Values = dict[str, str]


class GiapWriter:
    """Collects the downloads of all authorities, pupil by pupil."""

    def __init__(self, directory: Path, schools: Schools, year: CollectionYear, seed: int) -> None:
        self._columns = published_columns("giap_columns")
        self._places = {table: {name: at for at, name in enumerate(names)} for table, names in self._columns.items()}
        self._batches = Batches(directory, FOLDER, self._columns)
        self._schools, self._year, self._seed = schools, year, seed

    def begin(self, authority: str) -> None:
        """Have every file of an authority written, even one without a row."""
        self._batches.begin(authority)

    def add(self, chain: Mapping[int, Pupil], owners: Iterable[str], *, on_roll: bool) -> None:
        """Add a pupil, known by their academic years (the latest first), to the files of several authorities."""
        pupil = next(iter(chain.values()))
        chance = seeded(self._seed, pupil.learner.upn, "attainment")
        found = list(_Results(chance, chain, self._schools, self._year).rows())
        if on_roll and self._year.academic_year in chain:
            found += [(f"census_{term}", values) for term, values in census_values(pupil, self._year)]
            found.append(("pupil_premium", premium_values(pupil, self._year)))
        rows = [(table, self._row(table, values)) for table, values in found]
        for owner in owners:
            for table, row in rows:
                self._batches.add(owner, table, row)

    def flush(self) -> None:
        """Write what is collected."""
        self._batches.flush()

    def _row(self, table: str, values: Values) -> list[str]:
        places = self._places[table]
        row = [""] * len(places)
        for name, value in values.items():
            row[places[name]] = value
        return row


class _Results:
    """The results of one pupil at every stage that they have come to the end of."""

    def __init__(self, chance: Random, chain: Mapping[int, Pupil], schools: Schools, year: CollectionYear) -> None:
        self._chance, self._chain, self._schools = chance, chain, schools
        self._latest = next(iter(chain.values()))
        self._earliest = list(chain.values())[-1]
        self._first_of_latest = next(iter(chain)) // 100
        self._population = self._latest.learner.background
        self._ability = draw_ability(chance, self._population, self._latest.sen)

    def rows(self) -> Iterator[tuple[str, Values]]:
        """The rows by table, in the order of the stages."""
        ability = self._ability
        mark, level = phonics_mark(ability), int(good_development(ability))
        yield from self._tested(0, "eyfsp", "FSP_", {"FSP_GLD": str(level)})
        outcome = "Wa" if mark >= 32 else "Wt"
        yield from self._tested(
            1, "phonics", "Phonics_", {"Phonics_PHONICS_MARK": str(mark), "Phonics_PHONICS_OUTCOME": outcome}
        )
        yield from self._tested(2, "ks1", "", _key_stage_1_values(ability))
        yield from self._tested(6, "ks2", "", self._key_stage_2_values())
        first = self._first_year(11)
        if first is not None:
            values = self._identity("KS4_", 11, first) | self._key_stage_4_values(first)
            yield "ks4", values

    def _first_year(self, group: int) -> int | None:
        """The calendar year in which the school year of a stage began; None if it is to come, or was abroad."""
        learner = self._latest.learner
        first = self._first_of_latest - (learner.group - group)
        abroad = learner.arrived is not None and learner.arrived > day(first + 1, 5, 1)
        return None if group > learner.group or abroad or first < EARLIEST else first

    def _tested(self, group: int, table: str, prefix: str, values: Values) -> Iterator[tuple[str, Values]]:
        first = self._first_year(group)
        ended = table == "ks1" and first is not None and first > LAST_KEY_STAGE_1
        if first is not None and first not in CANCELLED and not ended:
            yield table, self._identity(prefix, group, first) | values

    def _identity(self, prefix: str, group: int, first: int) -> Values:
        """Who the pupil is and which school they were at, under the names that the file of a stage has for these."""
        learner, school = self._latest.learner, self._school(group, first)
        names = _NAMES[prefix]
        laestab = f"{school.authority}{school.estab:04}"
        said = {
            "year": spoken_year(first),
            "matching": f"S{int(learner.upn[1:12]):017}",
            "upn": learner.upn,
            "surname": self._latest.surname,
            "forename": self._latest.forename,
            "born": return_date(learner.born),
            "sex": "M" if learner.male else "F",
            "authority": school.authority,
            "area": load_authorities()[school.authority].ons_code,
            "estab": f"{school.estab:04}",
            "laestab": laestab,
            "urn": str(school.urn),
        }
        return {name: said[what] for what, name in names.items()}

    def _school(self, group: int, first: int) -> School:
        """The school the pupil ended a stage at: known for the years written, and before them by the day of entry."""
        code = first * 100 + (first + 1) % 100
        if code in self._chain:
            return list(self._chain[code].stays.values())[-1].school
        stay = next(iter(self._earliest.stays.values()))
        if stay.entry <= day(first + 1, 5, 1):
            return stay.school
        learner = self._latest.learner
        lived = learner.care.authority_on(day(first + 1, 5, 1)) if learner.care else stay.school.authority
        special = self._earliest.phase == "special"
        phase = "special" if special else "primary" if group <= 6 else "secondary"
        listed = self._schools[lived][phase]
        return listed[int(learner.upn[4:12]) % len(listed)]

    def _key_stage_2_values(self) -> Values:
        results, pupil = key_stage_2(self._ability), self._latest
        reach = {name: getattr(results, name) for name in SUBJECTS}
        first = self._first_year(6)
        return {
            **_key_stage_2_scores(reach),
            "RWMEXP": str(int(results.all_reach(100))),
            "RWMHIGH": str(int(results.all_reach(110))),
            **dict.fromkeys(("ELIGREAD", "ELIGMAT", "ELIGGPS", "ELIGWRITTA", "ELIGRWM", "VALRWM", "ENDKS"), "1"),
            **(_care_flags(pupil, first) if first is not None else {}),
            "FSM6": str(int(pupil.meals_since is not None)),
            "EALGRP": "1" if pupil.language == "ENG" else "2",
            "SENTYPE": pupil.needs[0] if pupil.needs else "",
        }

    def _key_stage_4_values(self, first: int) -> Values:
        prior = key_stage_2(self._ability)
        pupil = self._chain.get(first * 100 + (first + 1) % 100, self._earliest)
        met = circumstances_of(pupil, first)
        results = key_stage_4(self._chance, self._population, prior, met)
        tested = first - 5 not in CANCELLED
        entered = results.attainment8 > 0
        return {
            "KS4_ATT8": f"{results.attainment8:.2f}",
            "KS4_P8SCORE": f"{results.progress8:.3f}" if tested else "",
            "KS4_KS2EMSS": f"{prior.average:.1f}" if tested else "",
            "KS4_L2BASICS_94": str(int(results.grade_4)),
            "KS4_L2BASICS_95": str(int(results.grade_5)),
            "KS4_EBACC_E_PTQ_EE": str(int(results.ebacc_entered)),
            "KS4_EBACCAPS_PUPIL": f"{results.ebacc_average:.2f}",
            "KS4_PTSCNEWE_PTQ_EE": f"{results.points:.2f}",
            "KS4_ENTBASICS": str(int(entered)),
            "KS4_ENTRIES": f"{min(11.0, 2 + results.attainment8 / 6) if entered else 0:.0f}",
            "KS4_ENDKS": "1",
            "KS4_FSM6": str(int(pupil.meals_since is not None)),
            "KS4_SENK": str(int(pupil.sen == "K")),
            "KS4_SENE": str(int(pupil.sen == "E")),
            "KS4_FEMALE": str(int(not pupil.learner.male)),
            "KS4_FLANG": str(int(pupil.language != "ENG")),
        }


def _names(prefix: str, **renamed: str) -> Mapping[str, str]:
    usual = {
        "year": "ACADYR",
        "upn": "UPN",
        "surname": "SURNAME",
        "forename": "FORENAMES",
        "born": "DOB",
        "sex": "SEX",
        "authority": "LA",
        "estab": "ESTAB",
        "urn": "URN",
    }
    return {what: f"{prefix}{name}" for what, name in (usual | renamed).items()}


_NAMES: Mapping[str, Mapping[str, str]] = {
    "FSP_": _names("FSP_", matching="PupilMatchingRef", forename="FORENAME", area="LA_9Code", laestab="LAESTAB"),
    "Phonics_": _names("Phonics_", matching="PUPILMATCHINGREF"),
    "": _names("", area="LA_9Code", laestab="LAESTAB"),
    "KS4_": _names("KS4_", matching="PUPILMATCHINGREF", area="LA_9CODE", laestab="LAESTAB"),
}


def _key_stage_1_values(ability: Ability) -> Values:
    codes = {name: key_stage_1(ability, name) for name in ("reading", "writing", "maths")}
    named = {"READ_OUTCOME": "reading", "WRIT_OUTCOME": "writing", "MATH_OUTCOME": "maths"}
    return {column: codes[subject] for column, subject in named.items()}


def _key_stage_2_scores(scores: Mapping[str, int]) -> Values:
    columns = {"READ": "reading", "MAT": "maths", "GPS": "grammar"}
    values = {f"{column}SCORE": str(scores[subject]) for column, subject in columns.items()}
    values |= {f"{column}EXP": str(int(scores[subject] >= 100)) for column, subject in columns.items()}
    values |= {f"{column}HIGH": str(int(scores[subject] >= 110)) for column, subject in columns.items()}
    writing = scores["writing"]
    code = "GDS" if writing >= 110 else "EXS" if writing >= 100 else "WTS" if writing >= 92 else "PK4"
    return values | {"WRITTAOUTCOME": code, "WRITTAEXP": str(int(writing >= 100))}


def _care_flags(pupil: Pupil, first: int) -> Values:
    """For how long of the twelve months to 31 March the pupil was in care."""
    care = pupil.learner.care
    names = ("CLA_PP_1_DAY", "CLA_6_MONTHS", "CLA_12_MONTHS")
    if care is None:
        return dict.fromkeys(names, "0")
    last = day(first + 1, 3, 31)
    start, end = max(care.start, day(first, 4, 1)), min(care.end or last, last)
    still = care.looked_after_on(last)
    days = end - start
    flags = (days >= 0, still and days >= 182, still and days >= last - day(first, 4, 1))
    return {name: str(int(flag)) for name, flag in zip(names, flags, strict=True)}
