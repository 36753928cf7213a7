"""What stands beside our figures: those of our region and of England, as they were released, or published.

Nothing here is another authority's own. A release is one that this authority was asked for as well, verified against
what the nodes signed. Where there is none, the Department for Education's published figure of England stands instead,
with its source, or nothing: "not yet released".
"""

from dataclasses import dataclass
from decimal import Decimal

from audit.connection import Connection
from disclosure_control.models.reading import read_release
from disclosure_control.release.released import ReleasedTable
from disclosure_control.rows.protected_table import Entry
from federation.exchange import ReleaseDocument
from federation.manifest import SUM_PATHS
from federation.plans import derive_plan
from federation.reports.released import KeptRelease, read_kept
from federation.reports.shelf import NOT_RELEASED
from federation.reports.written import name_year
from federation.told_days import tell_day
from federation.wire import decode_document
from node.figures.declared import CHILDREN, RESULT, Measure, load_declared, write_sql
from node.service import Node
from query_engine.geography import load_authorities
from query_engine.refusal import QueryRefused


@dataclass(frozen=True)
class Beside:
    """A figure that stands beside ours: of which place, the share if there is one, and where it comes from."""

    place: str
    share: Decimal | None
    source: str

    @property
    def text(self) -> str:
        """The share in whole percent, or why there is none."""
        return NOT_RELEASED if self.share is None else f"{round(self.share * 100)}%"


def find_beside(node: Node, measure: Measure, year: int) -> tuple[Beside, Beside]:
    """Return the figures of our region and of England."""
    region = load_authorities()[node.authority].region
    return (_find_region(node, measure, year, region), _find_nation(node, measure, year))


def list_plans(measure: Measure, year: int, *, by_region: bool) -> tuple[str, ...]:
    """Return the plans of the questions whose release gives a figure of regions, or of England."""
    found = []
    for path in SUM_PATHS:
        try:
            found.append(derive_plan(write_sql(measure, None, year, by_region=by_region), path).plan_id)
        except QueryRefused:
            continue
    return tuple(found)


def list_every_plan(years: tuple[int, ...]) -> frozenset[str]:
    """Return the plans of every question whose release would stand beside our figures."""
    measures = load_declared().measure
    return frozenset(
        plan
        for measure in measures
        for year in years
        for by_region in (False, True)
        for plan in list_plans(measure, year, by_region=by_region)
    )


def find_released(node: Node, measure: Measure, year: int, region: str) -> KeptRelease | None:
    """Return the newest release that stands beside ours, of England or, where one is named, of the regions."""
    found = _find_release(node.database.connection, list_plans(measure, year, by_region=bool(region)))
    return None if found is None else read_kept(found[0], node.party.presets)


def _find_region(node: Node, measure: Measure, year: int, region: str) -> Beside:
    found = _find_release(node.database.connection, list_plans(measure, year, by_region=True))
    if found is None:
        return Beside(region, None, NOT_RELEASED)
    document, table = found
    return Beside(region, _share(measure, table, region), _tell(document, table))


def _find_nation(node: Node, measure: Measure, year: int) -> Beside:
    found = _find_release(node.database.connection, list_plans(measure, year, by_region=False))
    if found is not None:
        document, table = found
        return Beside("England", _share(measure, table, None), _tell(document, table))
    known = measure.published
    if known is None:
        return Beside("England", None, NOT_RELEASED)
    of = f", of {known.as_}" if known.as_ else ""
    told = f"published for {name_year(known.year)}{of}: {known.source}"
    return Beside("England", Decimal(str(known.percent)) / 100, told)


def _find_release(connection: Connection, plans: tuple[str, ...]) -> tuple[ReleaseDocument, ReleasedTable] | None:
    """Return the newest release that answers one of these plans."""
    marks = ", ".join("?" * len(plans))
    rows = connection.execute(f"SELECT document FROM figures_released WHERE plan_id IN ({marks})", plans).fetchall()  # noqa: S608 - marks
    documents = [decode_document(bytes(row["document"]), ReleaseDocument) for row in rows]
    if not documents:
        return None
    newest = max(documents, key=lambda each: each.released_at)
    table = read_release(newest.table)
    assert isinstance(table, ReleasedTable)  # the plans are of tables
    return newest, table


def _share(measure: Measure, table: ReleasedTable, region: str | None) -> Decimal | None:
    """Return the share by a release's counts, or None where one that it needs is withheld."""
    places = {label: number for number, label in enumerate(table.columns)}
    counts: dict[Entry, Entry] = {
        row[places[RESULT]]: row[places[CHILDREN]]
        for row in table.rows
        if region is None or row[places["home_region"]] == region
    }
    bands = {name: counts.get(name) for name, *_ in measure.bands}
    whole = [each for each in bands.values() if isinstance(each, int)]
    if len(whole) < len(bands) or sum(whole) <= 0:
        return None
    part = sum(each for name, each in bands.items() if name in measure.counted and isinstance(each, int))
    return min(max(Decimal(part) / sum(whole), Decimal(0)), Decimal(1))


def _tell(document: ReleaseDocument, table: ReleasedTable) -> str:
    how = "with noise" if table.noise is not None else "rounded"
    return (
        f"release {document.release_id} of {tell_day(document.released_at)}, {len(table.answered)} authorities, {how}"
    )
