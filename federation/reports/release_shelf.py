"""The shelf that a report is written from: the newest releases that its reader may see, by what they answer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

from disclosure_control.models.release import ReleasedModel
from disclosure_control.presets.shelf import PresetShelf
from disclosure_control.release.absences import explain_absence
from disclosure_control.release.released import ReleasedTable
from federation.manifest import SUM_PATHS, Path
from federation.plans import derive_plan
from federation.reports.figures import Figures, Told
from federation.reports.like_for_like import Expected, expect, write_case_mix, write_model
from federation.reports.measures import Factor, Measure, Question, write_question
from federation.reports.places import Place, list_places
from federation.reports.released import KeptRelease
from federation.reports.shelf import NOT_RELEASED, Alike
from query_engine.refusal import QueryRefused

__all__ = ["Near", "ReleaseShelf", "Releases"]

LEAST_ASKED = 0.9
"""The part of all authorities with a node that a total is over, if it is to stand for England or its regions."""

OF_AUTHORITIES = frozenset({Path.PER_AUTHORITY})
"""The path by which rows of each authority leave."""

WITHDRAWN = "what was released has been withdrawn"


@dataclass(frozen=True)
class Near:
    """A released query that could answer a question, and the plan of what it asked."""

    query_id: str
    plan_id: str


class Releases(Protocol):
    """The releases that somebody may see, wherever they are kept."""

    @property
    def presets(self) -> PresetShelf:
        """The presets by which they are read."""

    @property
    def authorities(self) -> frozenset[str]:
        """The authorities that have a node."""

    def list_near(self, year: int, paths: frozenset[Path]) -> Sequence[Near]:
        """Return those about an academic year whose figures may have left by one of these paths, newest first."""

    def is_withdrawn(self, query_id: str) -> bool:
        """Whether a release has been withdrawn."""

    def read(self, query_id: str) -> KeptRelease:
        """Return a release."""


class ReleaseShelf:
    """Releases about an academic year, as a report is written from them."""

    def __init__(self, releases: Releases, year: int) -> None:
        self.releases, self.year, self._near = releases, year, dict[frozenset[Path], Sequence[Near]]()

    def find(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
        """Return a measure's figures of a place, from the newest release that has them, or why there are none."""
        sql = write_question(measure, factors, self.year, by_region=place.level == "region")
        kept = self._find_of(sql, place)
        if isinstance(kept, str):
            return Figures(place, measure, factors, why_not=kept)
        return _read_place(kept, measure, factors, place)

    def find_authorities(self, measure: Measure, within: Place) -> tuple[Figures, ...]:
        """Return a measure's figures of each authority that was asked within a place, in the order of the codes.

        Each is from the newest release that asked it, as in a report of its own.
        """
        found = self._find_of_each(write_question(measure, (), self.year), within)
        return tuple(_read_place(kept, measure, (), place) for place, kept in found.items())

    def find_expected(self, measure: Measure, within: Place) -> Alike:
        """Return what England's newest model expects of each authority within a place, in the order of the codes."""
        model = self.find_release(write_model(measure, self.year), SUM_PATHS, self._stands_for_england)
        if isinstance(model, str):
            return Alike(why_not=f"England's model is {model}")
        sql = write_case_mix(measure, self.year)
        mixes = self._find_of_each(sql, within)
        if not mixes and isinstance(why := self.find_release(sql, OF_AUTHORITIES, _any), str):
            return Alike(why_not=f"what the model takes into account of each authority is {why}")
        found = [_expect(model, mix, measure, place) for place, mix in mixes.items()]
        answered = [place for place, mix in mixes.items() if place.code in mix.table.answered]
        expected = tuple(each for each in found if each is not None)
        sources = dict.fromkeys((model.source, *(mix.source for mix in mixes.values())))
        return Alike(expected, len(answered) - len(expected), tuple(sources))

    def find_told(self, question: Question, place: Place) -> Told:
        """Return the answer to a question of a place, from the newest release that has it, or why there is none."""
        if place.level == "region":
            return Told(place, question, why_not="it is told of authorities and of England alone")
        kept = self._find_of(question.write_sql(self.year), place)
        if isinstance(kept, str):
            return Told(place, question, why_not=kept)
        columns, rows = kept.take_place(place)
        if not rows:
            return Told(place, question, source=kept.source, why_not="it is not in the release")
        return Told(place, question, columns, tuple(row for _, row in rows), kept.source, kept.release_id)

    def _find_of(self, sql: str, place: Place) -> KeptRelease | str:
        """Return the newest release that answers a question of a place; of an authority, one that asked it."""
        if place.level != "authority":
            return self.find_release(sql, SUM_PATHS, self._stands_for_england)
        kept = self.find_release(sql, OF_AUTHORITIES, lambda each: place.code in _list_asked(each))
        # One that asked others alone has no figure of it either, and says so.
        return self.find_release(sql, OF_AUTHORITIES, _any) if isinstance(kept, str) else kept

    def _find_of_each(self, sql: str, within: Place) -> dict[Place, KeptRelease]:
        """Return the newest release that asked each authority within a place; those that none asked have none."""
        found: dict[Place, KeptRelease] = {}
        places = _list_within(within)

        def has_all(kept: KeptRelease) -> bool:
            asked = _list_asked(kept)
            found.update({place: kept for place in places if place.code in asked and place not in found})
            return all(place in found for place in places if place.code in self.releases.authorities)

        self.find_release(sql, OF_AUTHORITIES, has_all)
        return {place: found[place] for place in places if place in found}

    def find_release(self, sql: str, paths: frozenset[Path], fits: Callable[[KeptRelease], bool]) -> KeptRelease | str:
        """Return the newest release that answers a question by one of these paths, or why there is none."""
        why = NOT_RELEASED
        for near in self._find_asked(sql, paths):
            if self.releases.is_withdrawn(near.query_id):
                why = WITHDRAWN
                continue
            kept = self.releases.read(near.query_id)
            if fits(kept):
                return kept
        return why

    def _find_asked(self, sql: str, paths: frozenset[Path]) -> Iterator[Near]:
        """Yield the released queries that ask this, newest first; planning it takes longest, and waits for a need."""
        if near := self._list_near(paths):
            plans = {plan for path in paths for plan in name_plans(sql, path, self._keys)}
            yield from (each for each in near if each.plan_id in plans)

    def _list_near(self, paths: frozenset[Path]) -> Sequence[Near]:
        """The same for every figure of a report, so that it is listed once for all of them."""
        if paths not in self._near:
            self._near[paths] = self.releases.list_near(self.year, paths)
        return self._near[paths]

    @cached_property
    def _keys(self) -> frozenset[int | None]:
        """The numbers of record keys that questions may be planned with: none, and those of the presets here."""
        return frozenset({None, *(preset.record_keys for preset in self.releases.presets.good())})

    def _stands_for_england(self, kept: KeptRelease) -> bool:
        authorities = self.releases.authorities
        return len(_list_asked(kept) & authorities) >= LEAST_ASKED * len(authorities)


@lru_cache(maxsize=4096)
def name_plans(sql: str, path: Path, keys: frozenset[int | None]) -> frozenset[str]:
    """Return the plans of a question by a path, with each number of record keys; none where it cannot go by it."""
    found = set()
    for each in keys:
        try:
            found.add(derive_plan(sql, path, each).plan_id)
        except QueryRefused:
            continue
    return frozenset(found)


def _any(_: KeptRelease) -> bool:
    return True


def _list_asked(kept: KeptRelease) -> frozenset[str]:
    return frozenset({*kept.table.answered, *kept.table.absent})


def _list_within(within: Place) -> tuple[Place, ...]:
    """The authorities within a place, in the order of the codes: itself, those of a region, or all."""
    match within.level:
        case "authority":
            return (within,)
        case "region":
            return tuple(each for each in list_places("authority") if each.region == within.region)
        case "nation":
            return list_places("authority")
        case "school":
            return ()


def _read_place(kept: KeptRelease, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
    table = kept.table
    assert isinstance(table, ReleasedTable)  # the plans are of tables
    if place.level == "authority" and place.code not in table.answered:
        reason = table.absent.get(place.code)
        why = f"not in the release: {explain_absence(reason)}" if reason else "it was not asked"
        return Figures(place, measure, factors, source=kept.source, why_not=why)
    return Figures(place, measure, factors, kept.read_place(measure, place), kept.source, kept.release_id)


def _expect(model: KeptRelease, mix: KeptRelease, measure: Measure, place: Place) -> Expected | None:
    """Return what a released model expects of an authority by its released row; None where it cannot be said."""
    assert isinstance(model.table, ReleasedModel)
    assert isinstance(mix.table, ReleasedTable)
    estimates = {term.term: term.estimate for term in model.table.terms}
    for number, row in enumerate(mix.table.rows):
        if row[0] == place.code:
            named = dict(zip(mix.table.columns[1:], row[1:], strict=True))
            counts = {label: mix.read_count(number, entry) for label, entry in named.items()}
            return expect(place, measure, estimates, counts)
    return None
