"""The planted effects are found again by least squares, from the written files alone.

Every measure is counted here from the return, the census and the GIAP files, by its definition in calibration.toml, and
never with the generator's own code.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import sqrt

import pytest

from node.synth.attainment import PLANTED_EFFECTS, Circumstances
from tests.node.synth.conftest import England, Row, read_day

LAST = date(2024, 3, 31)
TERMS = ("2023_autumn", "2024_spring", "2024_summer")
NAMES = tuple(PLANTED_EFFECTS)


@dataclass(frozen=True)
class Fit:
    """Least squares: the coefficient of each measure, and its standard error."""

    coefficients: Mapping[str, float]
    errors: Mapping[str, float]


@pytest.fixture(scope="module")
def fit(measured_england: England) -> Fit:
    """The capped points of every child in care for a year at the end of Year 11, on all that is planted."""
    schooling = _schooling(measured_england)
    points, measures = [], []
    for code in measured_england.codes:
        for outcome, measured in _children(measured_england, code, schooling):
            points.append(outcome)
            measures.append([1.0, *(measured[name] for name in NAMES)])
    assert len(points) > 700
    coefficients, errors = _least_squares(measures, points)
    return Fit(dict(zip(NAMES, coefficients[1:], strict=True)), dict(zip(NAMES, errors[1:], strict=True)))


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_effect_is_recovered(fit: Fit, name: str) -> None:
    """Each coefficient lies within three standard errors of what was planted."""
    assert fit.coefficients[name] == pytest.approx(PLANTED_EFFECTS[name], abs=3 * fit.errors[name])


@pytest.mark.parametrize(
    "name",
    [
        "placements_since_11",
        "school_change_in_ks4",
        "unauthorised_5_percent",
        "residential_or_other",
        "special_school",
        "alternative_provision",
        "months_in_care",
        "ks2_scaled_score",
    ],
)
def test_a_strong_effect_cannot_be_overlooked(fit: Fit, name: str) -> None:
    """Its sign is certain in this England: more than two standard errors from nothing."""
    assert abs(fit.coefficients[name]) > 2 * fit.errors[name]
    assert fit.coefficients[name] * PLANTED_EFFECTS[name] > 0


def test_every_measure_has_an_effect() -> None:
    assert {*Circumstances.__slots__, "ks2_scaled_score"} == set(PLANTED_EFFECTS)


def _children(
    england: England, code: str, schooling: Mapping[str, Mapping[str, float]]
) -> Iterator[tuple[float, dict[str, float]]]:
    """The points and measures of each child of an authority in Year 11 whose score was returned."""
    results = {row["KS4_UPN"]: row for row in england.read(code, "giap/ks4") if row["KS4_ACADYR"] == "2023/2024"}
    scores = {row["CHILD"]: row["SDQ_SCORE"] for row in england.rows(code, "oc2")}
    headers = {row["CHILD"]: row for row in england.rows(code, "header")}
    for child, chain in england.episodes(code).items():
        upn = headers[child]["UPN"]
        if not scores.get(child) or upn not in results or upn not in schooling:
            continue
        row = results[upn]
        measured = dict(schooling[upn]) | _care_measures(headers[child], chain)
        measured |= {"sdq_score": float(scores[child]), "ks2_scaled_score": float(row["KS4_KS2EMSS"])}
        yield float(row["KS4_PTSCNEWE_PTQ_EE"]), measured


def _care_measures(header: Row, chain: Sequence[Row]) -> dict[str, float]:
    born = read_day(header["DOB"])
    eleven = born.replace(year=born.year + 11) if (born.month, born.day) != (2, 29) else date(born.year + 11, 3, 1)
    moved = [row for row in chain if row["RNE"] in {"P", "B"} and read_day(row["DECOM"]) >= eleven]
    days = (LAST - read_day(chain[0]["DECOM"])).days
    return {
        "placements_since_11": len(moved),
        "residential_or_other": float(not chain[-1]["PLACE"].startswith("U")),
        "months_in_care": days / 365.25 * 12,
    }


def _schooling(england: England) -> Mapping[str, Mapping[str, float]]:
    """The measures of school of every pupil, by UPN."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for code in england.codes:
        for term in TERMS:
            _add_term(england, code, term, sums)
    for measured in sums.values():
        measured["unauthorised_5_percent"] = measured.pop("missed") / (measured.pop("possible") or 1) / 0.05
        measured["suspension_days"] = measured.pop("sessions", 0.0) / 2
    return {upn: dict(measured) for upn, measured in sums.items()}


def _add_term(england: England, code: str, term: str, sums: dict[str, dict[str, float]]) -> None:
    estabs = {row["NativeId"]: int(row["estab"]) for row in england.census(code, term, "schoolcensus")}
    upns = {}
    for row in england.census(code, term, "pupilonroll"):
        upns[row["pupilonrolltableid"]] = row["upn"]
        estab, measured = estabs[row["NativeId"]], sums[row["upn"]]
        entry = datetime.strptime(row["entrydate"][:11], "%Y-%b-%d").date()
        measured["possible"] += float(row["termlysessionspossible"]) if _is_of_this_year(term) else 0
        measured["missed"] += 0
        measured["special_school"] = float(estab >= 7000)
        measured["alternative_provision"] = float(estab < 2000)
        measured["school_change_in_ks4"] = float(entry > date(2022, 9, 30))
    for row in england.census(code, term, "termlysessiondetailsonroll"):
        if row["attendancereason"] in {"O", "U", "G", "N"} and _is_of_this_year(term):
            sums[upns[row["pupilonrolltableid"]]]["missed"] += float(row["sessions"])
    for row in england.census(code, term, "termlyexclusionsonroll"):
        sums[upns[row["pupilonrolltableid"]]]["sessions"] += float(row["sessions"] or 0)


def _is_of_this_year(term: str) -> bool:
    """A census tells of the attendance of the term before, and that of autumn so of the year before."""
    return not term.endswith("autumn")


def _least_squares(rows: Sequence[Sequence[float]], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Ordinary least squares by the normal equations: coefficients and standard errors."""
    size = range(len(rows[0]))
    normal = [[sum(row[i] * row[j] for row in rows) for j in size] for i in size]
    inverse = _invert(normal)
    products = [sum(row[i] * value for row, value in zip(rows, values, strict=True)) for i in size]
    coefficients = [sum(inverse[i][j] * products[j] for j in size) for i in size]
    residuals = [value - sum(row[i] * coefficients[i] for i in size) for row, value in zip(rows, values, strict=True)]
    variance = sum(residual**2 for residual in residuals) / (len(rows) - len(rows[0]))
    return coefficients, [sqrt(variance * inverse[i][i]) for i in size]


def _invert(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Gauss and Jordan, with the largest pivot of each column."""
    size = len(matrix)
    rows = [[*row, *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for at in range(size):
        best = max(range(at, size), key=lambda i: abs(rows[i][at]))
        rows[at], rows[best] = rows[best], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for i in range(size):
            if i != at:
                factor = rows[i][at]
                rows[i] = [value - factor * pivot for value, pivot in zip(rows[i], rows[at], strict=True)]
    return [row[size:] for row in rows]
