"""The returns of four authorities, held against the rule set that analysts of authorities publish, for their year."""

import os
import re
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from node.quality.open_validator import PACKAGE, run_validator
from node.synth.collection_year import birthday_by_the_rules
from node.synth.england import write_england
from query_engine.geography import load_authorities
from tests.node.synth.conftest import England

VARIABLE = "CIRCE_SSDA903_RULES"
PAGE = Path(__file__).parents[3] / "docs" / "synthetic-england.md"
AUTHORITIES = ("301", "330", "878", "933")
"""An outer London borough, the largest authority, a shire county, and its neighbour, which is a unitary since 2023."""

EXCEPTIONS: Mapping[int, frozenset[str]] = {
    202223: frozenset({"169", "1015"}),
    202324: frozenset({"169", "1015", "SW12STG2"}),
    202425: frozenset({"146", "169", "1015", "SW12STG2"}),
    202526: frozenset({"169", "218", "241", "1015", "SW12STG2"}),
}
"""Rules that a real clean return would break too, by the year of the return; docs/synthetic-england.md says why."""

BROKEN: Mapping[int, frozenset[str]] = {
    202223: frozenset(),
    202324: frozenset(),
    202425: frozenset({"231"}),
    202526: frozenset({"231", "233"}),
}
"""Rules that stop on any return in CSV, whatever it holds."""

LEAST_RULES = 240
"""So many rules of each year need nothing but the return of that year."""

with_the_rules = pytest.mark.skipif(
    VARIABLE not in os.environ, reason=f"needs an environment with {PACKAGE}: give its path in {VARIABLE}"
)


def check_against_the_rules(directory: Path, academic_year: int) -> None:
    """Write the authorities' returns of a year and fail at any rule broken that is no exception."""
    year = academic_year // 100 + 1
    write_england(directory, authorities=AUTHORITIES, seed=1, academic_year=academic_year)
    for code in AUTHORITIES:
        area = load_authorities()[code].ons_code
        report = run_validator(Path(os.environ[VARIABLE]), [directory / code / "ssda903"], year=year, area_code=area)
        broken = {finding.code: len(finding.rows) for finding in report.findings}
        assert broken.keys() <= EXCEPTIONS[academic_year], f"{code}: {broken}"
        assert set(report.failed) <= BROKEN[academic_year]
        assert report.done > LEAST_RULES
        assert not report.unread


@with_the_rules
def test_a_return_breaks_no_rule_of_its_year_but_the_exceptions(tmp_path: Path) -> None:
    """Four authorities at their real size, of the year that is written unless another is asked for."""
    check_against_the_rules(tmp_path, 202425)


@pytest.mark.deep
@with_the_rules
@pytest.mark.parametrize("academic_year", [year for year in EXCEPTIONS if year != 202425])
def test_so_do_the_returns_of_other_years(academic_year: int, tmp_path: Path) -> None:
    """Of every other year that both have: codes, tables and rules change from one to the next."""
    check_against_the_rules(tmp_path, academic_year)


def test_the_rules_count_a_birthday_on_the_last_of_february() -> None:
    """Of those born on the 29th, in a common year; the law counts it on the day after."""
    born = date(2008, 2, 29).toordinal()
    assert date.fromordinal(birthday_by_the_rules(born, 18)) == date(2026, 2, 28)
    assert date.fromordinal(birthday_by_the_rules(born, 16)) == date(2024, 2, 29)
    assert date.fromordinal(birthday_by_the_rules(born + 1, 18)) == date(2026, 3, 1)


def test_no_move_leads_to_the_address_it_came_from(estuary: England) -> None:
    """Rule 435: a new placement with another carer is another place, unless it is the child's own home."""
    moves = 0
    for _, _, chain in estuary.chains():
        for one, two in pairwise(chain):
            if two["RNE"] in {"P", "B"}:
                moves += 1
                assert one["PL_POST"] != two["PL_POST"] or two["PL_POST"] == two["HOME_POST"]
    assert moves > 500


def test_the_page_gives_the_reason_of_every_exception_and_of_nothing_else() -> None:
    """Each rule has one row of the table of exceptions, with the years it is one in."""
    told = re.findall(r"^\| `(\w+)` \| ([\d/, ]+) \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = {
        (code, f"{year // 100}/{year % 100}")
        for kinds in (EXCEPTIONS, BROKEN)
        for year, codes in kinds.items()
        for code in codes
    }
    assert {(code, year) for code, years in told for year in years.split(", ")} == wanted
