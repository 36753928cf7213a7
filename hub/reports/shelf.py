"""The shelf that a report is written from: the newest releases that its reader may see, by what they answer."""

from collections.abc import Callable, Iterator
from functools import cached_property

from disclosure_control.release.absences import explain_absence
from disclosure_control.release.released import ReleasedTable
from federation.manifest import SUM_PATHS, Path
from federation.register import Member, MemberKind
from federation.reports.figures import Figures, read_figures
from federation.reports.measures import REGION, Factor, Measure, write_question
from federation.reports.places import Place, list_places
from federation.reports.writing import NOT_RELEASED
from federation.reports.written import WrittenSection
from hub.queries import may_see_all
from hub.reports.kept import KeptRelease, list_released, name_plans
from hub.service import Hub
from query_engine.geography import load_authorities

__all__ = ["ReleaseShelf"]

LEAST_ASKED = 0.9
"""The part of all authorities with a node that a total is over, if it is to stand for England or its regions."""

WITHDRAWN = "what was released has been withdrawn"


class ReleaseShelf:
    """The releases of a hub about an academic year, as far as a member may see them."""

    def __init__(self, hub: Hub, reader: Member, year: int) -> None:
        self.hub, self.reader, self.year = hub, reader, year

    def find(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
        """Return a measure's figures of a place, from the newest release that has them, or why there are none."""
        kept = self._find_kept(measure, factors, place)
        if isinstance(kept, str):
            return Figures(place, measure, factors, why_not=kept)
        return _read_place(kept, measure, factors, place)

    def find_authorities(self, measure: Measure, within: Place) -> tuple[Figures, ...]:
        """Return a measure's figures of each authority that was asked within a place, in the order of the codes."""
        places = list(_list_within(within))
        kept = self._find_kept(measure, (), places[0])
        if isinstance(kept, str):
            return ()
        asked = {*kept.table.answered, *kept.table.absent}
        return tuple(_read_place(kept, measure, (), place) for place in places if place.code in asked)

    def write_like_for_like(self, measure: Measure, place: Place) -> WrittenSection:
        """Return what England's model expects of a place, beside what there is; or why neither can be said."""
        return WrittenSection(measure.title, (), (), (NOT_RELEASED,))

    def _find_kept(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> KeptRelease | str:
        """Return the newest release that has a place's figures, or why there is none."""
        sql = write_question(measure, factors, self.year, by_region=place.level == "region")
        paths = frozenset({Path.PER_AUTHORITY}) if place.level == "authority" else SUM_PATHS
        return self.find_release(sql, paths, self._stands_for_england if place.level != "authority" else _any)

    def find_release(self, sql: str, paths: frozenset[Path], fits: Callable[[KeptRelease], bool]) -> KeptRelease | str:
        """Return the newest release that answers a question by one of these paths, or why there is none."""
        why = NOT_RELEASED
        for query_id, withdrawn in self._find_asked(sql, paths):
            if withdrawn:
                why = WITHDRAWN
                continue
            kept = self.hub.kept.read(self.hub.database.connection, query_id)
            if fits(kept):
                return kept
        return why

    def _find_asked(self, sql: str, paths: frozenset[Path]) -> Iterator[tuple[str, bool]]:
        """Yield the released queries that ask this, newest first; planning it takes longest, and waits for a need."""
        asked = ((each, self.hub.kept.find_asked(self.hub.database.connection, each[0])) for each in self._released)
        near = [(each, of) for each, of in asked if of.path in paths and of.academic_year == str(self.year)]
        if near:
            plans = {(path, plan) for path in paths for plan in name_plans(sql, path, self._keys)}
            yield from (each for each, of in near if (of.path, of.plan_id) in plans)

    @cached_property
    def _released(self) -> list[tuple[str, bool]]:
        everybody = may_see_all(self.hub, self.reader)
        return list(list_released(self.hub.database.connection, self.reader.id, everybody=everybody))

    @cached_property
    def _keys(self) -> frozenset[int | None]:
        """The numbers of record keys that questions may be planned with: none, and those of the presets here."""
        return frozenset({None, *(preset.record_keys for preset in self.hub.party.presets.good())})

    @cached_property
    def _authorities(self) -> frozenset[str]:
        now = self.hub.clock()
        return frozenset(member.authority(now) for member in self.hub.register().active(MemberKind.NODE, now))

    def _stands_for_england(self, kept: KeptRelease) -> bool:
        asked = {*kept.table.answered, *kept.table.absent}
        return len(asked & self._authorities) >= LEAST_ASKED * len(self._authorities)


def _any(_: KeptRelease) -> bool:
    return True


def _list_within(within: Place) -> Iterator[Place]:
    for place in list_places("authority"):
        if within.level == "nation" or load_authorities()[place.code].region == within.region:
            yield place


def _read_place(kept: KeptRelease, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
    table = kept.table
    assert isinstance(table, ReleasedTable)  # the plans are of tables
    if place.level == "authority" and place.code not in table.answered:
        reason = table.absent.get(place.code)
        why = f"not in the release: {explain_absence(reason)}" if reason else "it was not asked"
        return Figures(place, measure, factors, source=kept.source, why_not=why)
    first = 0 if table.is_total else 1
    rows = [(number, row[first:]) for number, row in enumerate(table.rows) if _is_of(row, table, place)]
    lines = read_figures(measure, table.columns[first:], rows, kept.print_count)
    return Figures(place, measure, factors, lines, kept.source, kept.release_id)


def _is_of(row: tuple[object, ...], table: ReleasedTable, place: Place) -> bool:
    match place.level:
        case "authority":
            return row[0] == place.code
        case "region":
            return row[table.columns.index(REGION)] == place.code
        case "nation":
            return True
