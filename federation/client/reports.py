"""Reports as a member writes them: from releases that the member may see, each verified against what nodes signed."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Protocol

from disclosure_control.presets.shelf import PresetShelf
from federation.exchange import QueryState, QueryStatus, ReleaseDocument
from federation.manifest import Path
from federation.register import Register
from federation.releases import ReleaseMismatch
from federation.reports.declared import find_report
from federation.reports.places import find_place
from federation.reports.release_shelf import Near, ReleaseShelf
from federation.reports.released import KeptRelease, read_kept
from federation.reports.writing import write_report
from federation.reports.written import WrittenReport
from federation.state import StateError

__all__ = ["FetchedReleases", "Reader", "report_on"]


class Reader(Protocol):
    """Whoever reads releases, each verified: a member's client."""

    @property
    def presets(self) -> PresetShelf:
        """The presets that it reads by."""

    def now(self) -> datetime:
        """The moment."""

    def refresh_register(self) -> Register:
        """Return the newest register, verified."""

    def list_queries(self) -> tuple[QueryStatus, ...]:
        """Return the queries that it may see, newest first."""

    def status(self, query_id: str) -> QueryStatus:
        """Return where a query stands."""

    def fetch(self, cited: str) -> ReleaseDocument:
        """Return a release, verified."""


class FetchedReleases:
    """The releases that a member may see, fetched and verified as they are needed."""

    def __init__(self, client: Reader) -> None:
        self.client, self._read, self._withdrawn = client, dict[str, KeptRelease](), dict[str, bool]()

    @property
    def presets(self) -> PresetShelf:
        """The member's presets."""
        return self.client.presets

    @cached_property
    def authorities(self) -> frozenset[str]:
        """The authorities that have a node now."""
        return self.client.refresh_register().list_authorities(self.client.now())

    def list_near(self, year: int, paths: frozenset[Path]) -> Sequence[Near]:
        """Return all that have been released, newest first: their year and path are in what each plans."""
        return self._released

    def is_withdrawn(self, query_id: str) -> bool:
        """Whether a release has been withdrawn, which a list does not say: it is asked once for each."""
        if query_id not in self._withdrawn:
            self._withdrawn[query_id] = self.client.status(query_id).ending is not None
        return self._withdrawn[query_id]

    def read(self, query_id: str) -> KeptRelease:
        """Return a release, verified, which answers what the hub's list has it answer.

        Raises `ReleaseMismatch` and `TotalMismatch`.
        """
        if query_id not in self._read:
            kept = read_kept(self.client.fetch(query_id), self.presets)
            if Near(query_id, kept.table.plan_id) not in self._released:
                raise ReleaseMismatch(f"the release of {query_id} answers another question than the hub lists it under")
            self._read[query_id] = kept
        return self._read[query_id]

    @cached_property
    def _released(self) -> tuple[Near, ...]:
        released = [each for each in self.client.list_queries() if each.state is QueryState.RELEASED]
        return tuple(Near(each.query_id, each.plan_id) for each in released)


def report_on(client: Reader, name: str, place: str, year: int) -> WrittenReport:
    """Write a report of a place (`authority:301`, `region:London`, `nation`) and an academic year.

    Raises `StateError` for one that there is not.
    """
    report, (level, _, code) = find_report(name), place.partition(":")
    if level not in report.levels:
        raise StateError(f"this report is of: {', '.join(report.levels)}")
    return write_report(report, find_place(level, code), year, ReleaseShelf(FetchedReleases(client), year))
