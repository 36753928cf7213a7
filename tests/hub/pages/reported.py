"""A hub whose reports have something to tell: questions of reports, answered on drawn children who are nobody."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from federation.exchange import QueryDraft, QueryState
from federation.manifest import Path as LeavingPath
from federation.reports.measures import load_measures, write_question
from federation.reports.places import Level
from hub.drafting import draft_query
from hub.dry_run import run_dry
from hub.queries import find_query
from hub.release import describe_release, keep_release
from hub.synthetic import SyntheticCopy
from query_engine.catalogue import load_catalogue
from query_engine.geography import load_authorities
from tests.hub.played_federation import PROJECT, PlayedFederation
from tests.hub.sums.conftest import AUTHORITIES
from tests.query_engine.small_tables import Row, write_table

YEAR = 202425
NEEDS = ("none", "sen_support", "ehc_plan")
BANDS = ("below_expected", "expected", "above_expected")
MEALS = ("eligible", "not_eligible")
CHANCES = {"none": 0.42, "sen_support": 0.2, "ehc_plan": 0.08}
COLUMNS = (
    *("child", "academic_year", "home_authority", "home_region", "counted_here", "population", "in_care_12_months"),
    *("sen_provision", "prior_attainment", "fsm_status", "engmath_94", "attendance_rate", "placements_in_year", "sex"),
)


def draw_children(code: str, children: int) -> list[Row]:
    """Children of an authority whose result goes by their needs; each authority has another mix of needs."""
    draw = Random(int(code))
    weights = (6, 3, 1 + int(code) % 5)
    rows: list[Row] = []
    for number in range(children):
        need = draw.choices(NEEDS, weights)[0]
        rows.append(
            {
                "child": f"{code}-{number}",
                "academic_year": YEAR,
                "home_authority": code,
                "home_region": load_authorities()[code].region,
                "counted_here": True,
                "population": "looked_after",
                "in_care_12_months": True,
                "sen_provision": need,
                "prior_attainment": draw.choice(BANDS),
                "fsm_status": draw.choice(MEALS),
                "engmath_94": draw.random() < CHANCES[need] if number % 3 == 0 else None,
                "attendance_rate": Decimal(draw.randint(700, 1000)) / 1000,
                "placements_in_year": draw.choice((1, 1, 1, 2, 3)),
                "sex": draw.choice("MF"),
            }
        )
    return rows


SIZES = {"201": 300, "301": 420, "302": 540, "303": 360, "330": 90, "815": 30, "886": 600}
"""How many children each authority has."""


@dataclass(frozen=True)
class Reported:
    """A federation, and the drawn children that its releases are of."""

    federation: PlayedFederation
    copy: SyntheticCopy

    def ask(
        self, measure: str, *factors: str, of: Level = "nation", among: Sequence[str] = AUTHORITIES, asker: str = "ana"
    ) -> str:
        """Have a question of reports released; returns its query's id."""
        known = load_measures()
        found = known.find_measure(measure), known.find_factors(factors)
        return self.release(write_question(*found, YEAR, by_region=of == "region"), of, among, asker)

    def share_absent(self, place: str) -> float:
        """The share of persistent absence among the drawn children of an authority, a region or England."""
        known = load_authorities()
        codes = [code for code in AUTHORITIES if place in (known[code].name, known[code].region, "England")]
        rates = [row["attendance_rate"] for code in codes for row in draw_children(code, SIZES[code])]
        return sum(rate <= Decimal("0.9") for rate in rates if isinstance(rate, Decimal)) / len(rates)

    def share_reached(self, code: str) -> float:
        """The share of an authority's drawn children at the end of Key Stage 4 who have English and maths."""
        results = [row["engmath_94"] for row in draw_children(code, SIZES[code])]
        known = [bool(each) for each in results if each is not None]
        return sum(known) / len(known)

    def release(self, sql: str, of: Level, among: Sequence[str] = AUTHORITIES, asker: str = "ana") -> str:
        """Have the answer to a question released, a minute after what was asked before; returns its query's id."""
        federation, path = self.federation, LeavingPath.PER_AUTHORITY if of == "authority" else LeavingPath.NOISY_SUM
        hub = federation.hub
        federation.clock.advance(timedelta(minutes=1))
        draft = QueryDraft(
            project=PROJECT,
            purpose="For reports",
            sql=sql,
            academic_year=str(YEAR),
            preset="ons_10_5",
            roster=tuple(f"node-{code}" for code in among),
            valid_hours=168,
            path=path,
            epsilon="20",
        )
        query_id = draft_query(hub, draft, federation.member(asker))
        query = find_query(hub, query_id, federation.member(asker))
        copy = replace(self.copy, tables=tuple(each for each in self.copy.tables if each[0] in among))
        table = run_dry(copy, draft, query.plan, hub.party.presets.load("ons_10_5"))
        with hub.database.transaction() as connection:
            connection.execute("UPDATE queries SET state = ? WHERE query_id = ?", (QueryState.RUNNING, query_id))
            running = find_query(hub, query_id, federation.member(asker))
            keep_release(hub, connection, running, describe_release(hub, running, table, ()))
        return query_id


SMALL = "815"
"""The authority that is too small for figures of one year's results."""


def draw_copy(directory: Path) -> SyntheticCopy:
    """Draw the children of the authorities."""
    tables = []
    for code, children in SIZES.items():
        file = directory / f"{code}.parquet"
        write_table(file, load_catalogue().table("child_year"), COLUMNS, draw_children(code, children))
        tables.append((code, (("child_year", file),)))
    return SyntheticCopy("2026-11-01T00:00:00+00:00", (YEAR,), tuple(tables))


def report_on(federation: PlayedFederation, directory: Path) -> Reported:
    """Make a federation's hub ready to be asked."""
    federation.state_budgets()
    return Reported(federation, draw_copy(directory))
