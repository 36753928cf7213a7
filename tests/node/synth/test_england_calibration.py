"""The synthetic England has the published shares, and the effects that are planted in it."""

import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

import node.synth
from node.synth.calibration import load_calibration
from tests.node.synth.conftest import TERMS, England, Row, read_day

FIRST, LAST = date(2024, 4, 1), date(2025, 3, 31)


@dataclass
class Measured:
    """Counts by category, of the children the figure is published for."""

    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def share(self, what: str, categories: str) -> float:
        """Percent of `what` in any of the categories named, spaces between."""
        counted = self.counts[what]
        return 100 * sum(counted[each] for each in categories.split()) / counted.total()


@pytest.fixture(scope="module")
def measured(england: England) -> Measured:
    """Every share of children looked after on the last day, and of health and social work."""
    found = Measured()
    for _, header, chain in england.chains():
        start, final = read_day(chain[0]["DECOM"]), chain[-1]
        if final["LS"] == "V4":
            continue
        if start >= FIRST:
            found.counts["start"][chain[0]["LS"]] += 1
        if final["DEC"]:
            found.counts["ceased"][final["REC"]] += 1
            continue
        found.counts["sex"][header["SEX"]] += 1
        found.counts["age"][_age_band(_age(read_day(header["DOB"]), LAST))] += 1
        found.counts["ethnicity"][header["ETHNIC"][0] if header["ETHNIC"] not in {"REFU", "NOBT"} else "?"] += 1
        found.counts["need"][final["CIN"]] += 1
        found.counts["legal"][final["LS"]] += 1
        found.counts["placement"][final["PLACE"]] += 1
        found.counts["provider"][final["PLACE_PROVIDER"] or "none"] += 1
        found.counts["months"]["12+" if start <= FIRST else "under"] += 1
        found.counts["placements"][str(min(3, 1 + _moves(chain)))] += 1
    for code in england.codes:
        _measure_health(england, code, found)
    return found


def _measure_health(england: England, code: str, found: Measured) -> None:
    for row in england.rows(code, "oc2"):
        if 5 <= _age(read_day(row["DOB"]), LAST) <= 16:
            found.counts["sdq returned"]["yes" if row["SDQ_SCORE"] else "no"] += 1
            if row["SDQ_SCORE"]:
                score = int(row["SDQ_SCORE"])
                found.counts["sdq"]["normal" if score < 14 else "borderline" if score < 17 else "concern"] += 1
    in_care = {child for child, chain in england.episodes(code).items() if not chain[-1]["DEC"]}
    workers = Counter(row["CHILD"] for row in england.rows(code, "sw_episodes") if row["CHILD"] in in_care)
    found.counts["workers"].update(str(min(3, count)) for count in workers.values())


@pytest.mark.parametrize(
    ("what", "categories", "published", "tolerance"),
    [
        ("sex", "M", 56, 3),
        ("age", "under_1", 4, 2),
        ("age", "1-4", 12, 2),
        ("age", "5-9", 18, 2),
        ("age", "10-15", 38, 3),
        ("age", "16+", 27, 3),
        ("ethnicity", "W", 71, 3),
        ("ethnicity", "M", 11, 2),
        ("ethnicity", "B", 8, 2),
        ("need", "N1", 67, 3),
        ("need", "N5", 12, 2),
        ("need", "N8", 8, 2),
        ("legal", "C2", 59, 4),
        ("legal", "V2", 19, 3),
        ("legal", "C1", 16, 3),
        ("legal", "E1", 6, 2),
        ("start", "V2", 57, 4),
        ("start", "C1", 31, 4),
        ("placement", "U1 U2 U3 U4 U5 U6", 67, 3),
        ("placement", "K1 K2", 12, 2),
        ("placement", "K3", 9, 2),
        ("placement", "P1", 6, 2),
        ("placement", "A5 A6", 2, 1),
        ("provider", "PR1", 43, 3),
        ("provider", "PR4", 40, 3),
        ("provider", "PR5", 7, 2),
        ("provider", "none", 3, 1.5),
        ("months", "12+", 72, 4),
        ("placements", "1", 69, 3),
        ("placements", "3", 10, 2),
        ("ceased", "E17 E5 E6", 32, 4),
        ("ceased", "E45 E46 E47 E48", 12, 3),
        ("ceased", "E11 E12", 9, 3),
        ("workers", "3", 27, 3),
        ("sdq returned", "yes", 78, 8),
        ("sdq", "normal", 45, 4),
        ("sdq", "borderline", 13, 3),
        ("sdq", "concern", 42, 4),
    ],
)
def test_shares_of_children(measured: Measured, what: str, categories: str, published: float, tolerance: float) -> None:
    """Percent published for 31 March 2025, give or take what twenty smaller authorities may differ by."""
    assert measured.share(what, categories) == pytest.approx(published, abs=tolerance)


def test_the_share_placed_outside(england: England) -> None:
    """44% of England's children are placed outside their authority; two of these twenty are counties that place few."""
    summaries = england.summary.authorities.values()
    share = sum(each.placed_outside for each in summaries) / sum(each.children for each in summaries)
    assert share == pytest.approx(0.40, abs=0.06)
    assert england.summary.authorities["202"].placed_outside / england.summary.authorities["202"].children > 0.5


@dataclass
class School:
    """What the three census terms say of one pupil."""

    phase: str = ""
    sen: str = ""
    possible: float = 0.0
    missed: float = 0.0
    suspended: bool = False
    schools: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def schooling(england: England) -> Mapping[str, School]:
    """The school year of every pupil by UPN."""
    pupils: dict[str, School] = defaultdict(School)
    for code in england.codes:
        for term in TERMS:
            _measure_term(england, code, term, pupils)
    return pupils


def _measure_term(england: England, code: str, term: str, pupils: dict[str, School]) -> None:
    estabs = {row["NativeId"]: int(row["estab"]) for row in england.census(code, term, "schoolcensus")}
    upns = {}
    is_of_this_year = not term.endswith("autumn")  # what is missed is told in the census of the term after
    for row in england.census(code, term, "pupilonroll"):
        upns[row["pupilonrolltableid"]] = row["upn"]
        pupil = pupils[row["upn"]]
        estab = estabs[row["NativeId"]]
        pupil.phase = next(name for least, name in _PHASES if estab >= least)
        pupil.sen = row["senprovision"]
        pupil.possible += float(row["termlysessionspossible"]) if is_of_this_year else 0
        pupil.schools.add(row["NativeId"])
    for row in england.census(code, term, "termlysessiondetailsonroll"):
        pupils[upns[row["pupilonrolltableid"]]].missed += float(row["sessions"]) if is_of_this_year else 0
    for row in england.census(code, term, "termlyexclusionsonroll"):
        pupils[upns[row["pupilonrolltableid"]]].suspended = True


_PHASES = ((7000, "special"), (4000, "secondary"), (2000, "primary"), (0, "alternative"))


@pytest.fixture(scope="module")
def in_care(england: England, schooling: Mapping[str, School]) -> Mapping[int, list[School]]:
    """The schooling of children on the returns, by placement moves in the year: none, one, or more."""
    groups: dict[int, list[School]] = {0: [], 1: [], 2: []}
    for _, header, chain in england.chains():
        if header["UPN"] in schooling:
            groups[min(2, _moves(chain))].append(schooling[header["UPN"]])
    return groups


def _persistent(pupils: list[School]) -> float:
    return 100 * sum(pupil.missed >= 0.1 * pupil.possible > 0 for pupil in pupils) / len(pupils)


def _severe(pupils: list[School]) -> float:
    return 100 * sum(pupil.missed >= 0.5 * pupil.possible > 0 for pupil in pupils) / len(pupils)


def _absence(pupils: list[School]) -> float:
    return 100 * sum(pupil.missed for pupil in pupils) / sum(pupil.possible for pupil in pupils)


def _suspended(pupils: list[School]) -> float:
    return 100 * sum(pupil.suspended for pupil in pupils) / len(pupils)


def _moved(pupils: list[School]) -> float:
    return 100 * sum(len(pupil.schools) > 1 for pupil in pupils) / len(pupils)


Measure = Callable[[list[School]], float]


@pytest.mark.parametrize(
    ("measure", "phase", "published", "tolerance"),
    [
        (_absence, "", 9.0, 1.5),
        (_persistent, "", 20.3, 3),
        (_severe, "", 6.4, 2),
        (_suspended, "", 11.3, 2),
        (_moved, "", 8.0, 2),
        (_absence, "primary", 3.8, 1),
        (_persistent, "primary", 7.5, 2.5),
        (_absence, "secondary", 12.0, 2),
        (_persistent, "secondary", 27.5, 4),
        (_persistent, "special", 25.8, 6),
    ],
)
def test_shares_of_pupils_in_care(
    in_care: Mapping[int, list[School]], measure: Measure, phase: str, published: float, tolerance: float
) -> None:
    """Absence of the whole year, suspensions and mid-year moves, by kind of school."""
    everyone = [pupil for group in in_care.values() for pupil in group if phase in {"", pupil.phase}]
    assert measure(everyone) == pytest.approx(published, abs=tolerance)


def test_shares_of_special_need(in_care: Mapping[int, list[School]]) -> None:
    """EHC plan 30.2%, SEN support 27.2%; a special school needs a plan, and has 12.7% of the children."""
    everyone = [pupil for group in in_care.values() for pupil in group]
    sen = Counter(pupil.sen for pupil in everyone)
    assert 100 * sen["E"] / sen.total() == pytest.approx(30.2, abs=4)
    assert 100 * sen["K"] / sen.total() == pytest.approx(27.2, abs=3)
    special = [pupil for pupil in everyone if pupil.phase == "special"]
    assert {pupil.sen for pupil in special} == {"E"}
    assert 100 * len(special) / len(everyone) == pytest.approx(12.7, abs=3)


@pytest.mark.parametrize("measure", [_absence, _persistent, _suspended, _moved])
def test_placement_moves_are_planted_to_hurt(in_care: Mapping[int, list[School]], measure: Measure) -> None:
    """Each further move in the year goes with more absence, more suspension and more changes of school."""
    none, one, more = (measure(in_care[moves]) for moves in range(3))
    assert none < one < more


def test_difficulties_are_planted_higher_in_homes(england: England) -> None:
    """Children's homes report higher scores than foster care, and kin lower ones."""
    scores: dict[str, list[int]] = defaultdict(list)
    for code in england.codes:
        chains = england.episodes(code)
        for row in england.rows(code, "oc2"):
            if row["SDQ_SCORE"]:
                scores[chains[row["CHILD"]][-1]["PLACE"]].append(int(row["SDQ_SCORE"]))
    kin, foster, home = (_mean(scores, kinds) for kinds in (("U1", "U3"), ("U4", "U6"), ("K2",)))
    assert kin + 1 < foster < home - 2


def _mean(scores: Mapping[str, list[int]], kinds: tuple[str, ...]) -> float:
    chosen = [score for kind in kinds for score in scores[kind]]
    return sum(chosen) / len(chosen)


def test_every_figure_has_its_source_and_is_used() -> None:
    """No table of calibration.toml is without a source, and none is left over from a draw that is gone."""
    folder = Path(node.synth.__path__[0])
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    for name, table in load_calibration().items():
        parts = [table] if "source" in table else [part for part in table.values() if isinstance(part, dict)]
        assert parts, name
        assert all(str(part.get("source", "")).strip() for part in parts), name
        assert f'"{name}' in code, name
    assert tomllib.loads((folder / "calibration.toml").read_text(encoding="utf-8")) == load_calibration()


def _moves(chain: list[Row]) -> int:
    """Moves to another carer in the year."""
    return sum(row["RNE"] in {"P", "B"} and read_day(row["DECOM"]) >= FIRST for row in chain)


def _age(born: date, then: date) -> int:
    return then.year - born.year - ((then.month, then.day) < (born.month, born.day))


def _age_band(age: int) -> str:
    limits = ((1, "under_1"), (5, "1-4"), (10, "5-9"), (16, "10-15"), (99, "16+"))
    return next(name for least, name in limits if age < least)
