"""Where the rows of a released table are: nation, region or authority, as the open data standard writes places.

A table of `per_authority` has a row's authority in its first column. A total is of whoever was asked: all authorities
of the map are England, all of one region are that region. Where a total is grouped by the region of the home
authority, each row is of its region, and the total over them of England.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from disclosure_control.release.released import ReleasedTable
from disclosure_control.rows.protected_table import Entry
from query_engine.geography import REGIONS, Authority, load_authorities
from query_engine.planning.plan import TOTAL, QueryPlan

__all__ = ["COLUMNS", "Level", "Places", "PlacesUnfit", "name_places"]

Level = Literal["National", "Regional", "Local authority"]

COUNTRY = ("geographic_level", "country_code", "country_name")
REGION = (*COUNTRY, "region_code", "region_name")
COLUMNS: dict[Level, tuple[str, ...]] = {
    "National": COUNTRY,
    "Regional": REGION,
    "Local authority": (*REGION, "old_la_code", "new_la_code", "la_name"),
}
"""The geography columns of a file, by the finest level that it has."""

ENGLAND = ("E92000001", "England")
REGION_CODES = {name: f"E1200000{number}" for number, name in enumerate(REGIONS, start=1)}
"""The codes of the Office for National Statistics, which number the regions in their printed order."""

HOME_REGION = "home_region"


class PlacesUnfit(Exception):
    """The rows are of places that the standard has no level for; the text says why and what to ask instead."""


@dataclass(frozen=True)
class Places:
    """Each row's place in the columns of the finest level; `columns` are the release's own that say it, if any do."""

    level: Level
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def name_places(table: ReleasedTable, plan: QueryPlan) -> Places:
    """The place of each row. Raises `PlacesUnfit`."""
    known = load_authorities()
    asked = {*table.answered, *table.absent}
    if strangers := sorted(asked - known.keys()):
        raise PlacesUnfit(f"not authorities of today's map: {', '.join(strangers)}")
    if not table.is_total:
        rows = tuple(_of_authority(known[str(row[0])]) for row in table.rows)
        return Places("Local authority", rows, (plan.authority_column,))
    remarks = _remark(table)
    place = next((place for place, each in enumerate(plan.outputs) if each.dimension == HOME_REGION), None)
    whole = _whole(asked)
    if place is None:
        return Places(_level_of(whole), tuple(whole for _ in table.rows), (), remarks)
    rows = tuple(_of_region(row[place], whole) for row in table.rows)
    return Places("Regional", rows, (HOME_REGION,), remarks)


def _remark(table: ReleasedTable) -> tuple[str, ...]:
    """What must be said where not everybody who was asked is in the figures."""
    if not table.absent:
        return ()
    asked = len(table.answered) + len(table.absent)
    return (f"The figures are over {len(table.answered)} of the {asked} authorities that were asked.",)


def _whole(asked: set[str]) -> tuple[str, ...]:
    """The place that these authorities make up. Raises `PlacesUnfit` for one that is neither nation nor region."""
    known = load_authorities()
    if asked == known.keys():
        return ("National", *ENGLAND)
    regions = {known[code].region for code in asked}
    region = regions.pop() if len(regions) == 1 else ""
    if region and asked == {code for code, each in known.items() if each.region == region}:
        return ("Regional", *ENGLAND, REGION_CODES[region], region)
    raise PlacesUnfit("the figures are of some authorities, which are neither England nor all of one region")


def _level_of(whole: Sequence[str]) -> Level:
    return "National" if whole[0] == "National" else "Regional"


def _of_region(entry: Entry, whole: tuple[str, ...]) -> tuple[str, ...]:
    """A row's region, or where it adds up over regions the whole, with nothing in the columns of regions."""
    if entry == TOTAL:
        return (*whole, "", "")[: len(REGION)]
    if not isinstance(entry, str) or entry not in REGION_CODES:
        raise PlacesUnfit("some rows are of no region")
    return ("Regional", *ENGLAND, REGION_CODES[entry], entry)


def _of_authority(authority: Authority) -> tuple[str, ...]:
    region = (REGION_CODES[authority.region], authority.region)
    return ("Local authority", *ENGLAND, *region, authority.code, authority.ons_code, authority.name)
