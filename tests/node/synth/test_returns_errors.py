"""What schools returned wrongly is there in the numbers the summary says, against what the authority knows."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from node.synth.england import write_england
from node.synth.returns_errors import EACH, KINDS
from tests.node.synth.conftest import TERMS, England, Row, read_day
from tests.node.synth.test_england_files import MEALS

SUMMER = TERMS[-1]
CENSUS_DAYS = {
    "2024_autumn": datetime(2024, 10, 3),
    "2025_spring": datetime(2025, 1, 16),
    "2025_summer": datetime(2025, 5, 15),
}
TERM_DAYS = {
    "2024_autumn": (datetime(2024, 9, 2), datetime(2024, 12, 20)),
    "2025_spring": (datetime(2025, 1, 6), datetime(2025, 4, 4)),
    "2025_summer": (datetime(2025, 4, 22), datetime(2025, 7, 22)),
}


@dataclass
class Known:
    """An authority's own rolls, and what its return and GIAP say of its children still looked after, by UPN."""

    headers: Mapping[str, Row]
    giap: Mapping[str, Row]
    rolls: Mapping[str, Mapping[str, list[Row]]]
    pupils: Mapping[tuple[str, str], Row]
    children: Mapping[str, list[tuple[str, Row]]] = field(default_factory=dict)


def _known(england: England, code: str) -> Known:
    chains = england.episodes(code)
    headers = {
        row["UPN"]: row
        for row in england.rows(code, "header")
        if row["CHILD"] in chains and not chains[row["CHILD"]][-1]["DEC"] and not row["UPN"].startswith("UN")
    }
    giap = {row["UPN"]: row for row in england.read(code, "giap/census_summer") if row["LA"] == code}
    rolls: dict[str, dict[str, list[Row]]] = {term: defaultdict(list) for term in TERMS}
    pupils = {}
    for term in TERMS:
        for row in england.census(code, term, "pupilonroll"):
            rolls[term][row["upn"]].append(row)
            pupils[term, row["pupilonrolltableid"]] = row
    hung = {
        table: [
            (term, row)
            for term in TERMS
            for row in england.census(code, term, MEALS[term] if table == "fsmperiod" else table)
        ]
        for table in ("fsmperiod", "termlyexclusionsonroll", "termlysessiondetailsonroll")
    }
    return Known(headers, giap, rolls, pupils, hung)


def _day(text: str) -> datetime:
    return datetime.strptime(text[:11], "%Y-%b-%d")


def _differs(wrong: Callable[[Row, Row], bool]) -> Callable[[Known], int]:
    """Own children one of whose rows differs from the return."""

    def count(known: Known) -> int:
        return sum(
            any(wrong(row, header) for term in TERMS for row in known.rolls[term].get(upn, []))
            for upn, header in known.headers.items()
        )

    return count


def _wrong_upn(known: Known) -> int:
    """On no roll under the UPN, though GIAP has them there; under a number one figure off there is a row."""
    found = 0
    for upn in known.headers.keys() & known.giap.keys():
        if not any(known.rolls[term].get(upn) for term in TERMS):
            near = [other for other in known.rolls[SUMMER] if sum(a != b for a, b in zip(upn, other, strict=True)) == 1]
            found += len(near) == 1
    return found


def _missing(known: Known) -> int:
    """In care and on roll in spring, but in summer neither on the roll nor in the department's copy of it."""
    return sum(
        bool(known.rolls[TERMS[1]].get(upn)) and not known.rolls[SUMMER].get(upn) and upn not in known.giap
        for upn in known.headers
    )


def _recorded_twice(known: Known) -> int:
    """Two rows at one school with the same name and date of birth; the number of one begins with no school's."""
    found = set()
    for rows in known.rolls[SUMMER].values():
        for row in rows:
            if row["upn"][4] == "9":
                found.add((row["NativeId"], row["surname"], row["forename"], row["dob"]))
    pupils = [row for rows in known.rolls[SUMMER].values() for row in rows]
    seen = Counter((row["NativeId"], row["surname"], row["forename"], row["dob"]) for row in pupils)
    return sum(seen[each] == 2 for each in found)


def _entered_before_any_school(known: Known) -> int:
    return len({row["upn"] for row in known.pupils.values() if _day(row["entrydate"]).year < 1950})


def _two_rolls(known: Known, moved: bool) -> int:
    """On two summer rolls; one of them, for those who moved, is the school of the autumn and GIAP names the other."""
    found = 0
    for upn in known.headers:
        schools = [row["NativeId"] for row in known.rolls[SUMMER].get(upn, [])]
        if len(schools) == 2:
            autumn = {row["NativeId"] for row in known.rolls[TERMS[0]].get(upn, [])}
            found += (schools[1] in autumn) == moved
    return found


def _provision(known: Known) -> int:
    return sum(
        any(row["senprovision"] != known.giap[upn]["SENProvision"] for row in known.rolls[SUMMER].get(upn, []))
        for upn in known.headers.keys() & known.giap.keys()
    )


def _year_group(known: Known) -> int:
    return sum(
        any(row["ncyearactual"] != known.giap[upn]["NCyearActual"] for row in known.rolls[SUMMER].get(upn, []))
        for upn in known.headers.keys() & known.giap.keys()
    )


def _too_many_missed(known: Known) -> int:
    missed: Counter[tuple[str, str]] = Counter()
    for term, row in known.children["termlysessiondetailsonroll"]:
        missed[term, row["pupilonrolltableid"]] += int(float(row["sessions"]))
    return len({row["upn"] for key, row in known.pupils.items() if missed[key] > float(row["termlysessionspossible"])})


def _outside_term(known: Known) -> int:
    found = set()
    for term, row in known.children["termlyexclusionsonroll"]:
        first, last = TERM_DAYS[term]
        if not first <= _day(row["startdate"]) <= last:
            found.add(known.pupils[term, row["pupilonrolltableid"]]["upn"])
    return len(found)


def _entered_later(known: Known) -> int:
    return len({row["upn"] for (term, _), row in known.pupils.items() if _day(row["entrydate"]) > CENSUS_DAYS[term]})


def _reversed_meals(known: Known) -> int:
    return len(
        {
            known.pupils[term, row["pupilonrolltableid"]]["upn"]
            for term, row in known.children["fsmperiod"]
            if row["fsmenddate"] and _day(row["fsmenddate"]) < _day(row["fsmstartdate"])
        }
    )


FINDERS: dict[str, Callable[[Known], int]] = {
    "leaver_still_on_roll": lambda known: _two_rolls(known, moved=True),
    "exclusion_outside_term": _outside_term,
    "meals_period_reversed": _reversed_meals,
    "provision_differs": _provision,
    "wrong_birth_date": _differs(lambda row, header: _day(row["dob"]).date() != read_day(header["DOB"])),
    "wrong_upn": _wrong_upn,
    "missing_from_roll": _missing,
    "on_two_rolls": lambda known: _two_rolls(known, moved=False),
    "recorded_twice": _recorded_twice,
    "wrong_year_group": _year_group,
    "attendance_impossible": _too_many_missed,
    "entry_after_census": _entered_later,
    "entry_before_school_opened": _entered_before_any_school,
    "previously_looked_after_in_care": _differs(lambda row, _: row["plaa"] != "N"),
}


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> England:
    directory = tmp_path_factory.mktemp("wrong")
    return England(write_england(directory, authorities=["301", "881", "886"], seed=9, full=True, returns_errors=True))


@pytest.fixture(scope="module")
def known(wrong: England) -> Mapping[str, Known]:
    return {code: _known(wrong, code) for code in wrong.codes}


def test_every_kind_is_looked_for() -> None:
    assert set(FINDERS) == {kind.name for kind in KINDS}
    assert len(KINDS) >= 12


@pytest.mark.parametrize("kind", FINDERS)
def test_mistakes_are_found_in_the_number_reported(wrong: England, known: Mapping[str, Known], kind: str) -> None:
    """Each is seen by comparing the census with the return or with GIAP, or by the census alone."""
    for code in ("881", "886"):
        assert wrong.summary.authorities[code].returns_errors[kind] == EACH
        assert FINDERS[kind](known[code]) == EACH


@pytest.mark.parametrize("kind", FINDERS)
def test_without_asking_there_is_none(whole_2025: England, kind: str) -> None:
    for code, each in whole_2025.summary.authorities.items():
        assert not each.returns_errors
        assert FINDERS[kind](_known(whole_2025, code)) == 0


@pytest.fixture(scope="module")
def whole_2025(tmp_path_factory: pytest.TempPathFactory) -> England:
    directory = tmp_path_factory.mktemp("right")
    return England(write_england(directory, authorities=["301", "881"], seed=9, scale=0.5, full=True))


def test_a_small_authority_has_fewer(tmp_path: Path) -> None:
    england = write_england(tmp_path, authorities=["857"], seed=1, scale=0.3, returns_errors=True)
    errors = england.authorities["857"].returns_errors
    assert 0 < sum(errors.values()) < EACH * len(KINDS)
