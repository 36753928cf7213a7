"""The releases of a hub that one of its members may see, for reports to be written from."""

from functools import cached_property

from disclosure_control.presets.shelf import PresetShelf
from federation.manifest import Path
from federation.register import Member
from federation.reports.release_shelf import Near
from federation.reports.released import KeptRelease
from hub.queries import may_see_all
from hub.reports.kept import list_released
from hub.service import Hub

__all__ = ["HubReleases"]


class HubReleases:
    """The releases of a hub that a member may see, for reports to be written from."""

    def __init__(self, hub: Hub, reader: Member) -> None:
        self.hub, self.reader = hub, reader

    @property
    def presets(self) -> PresetShelf:
        """The hub's presets."""
        return self.hub.party.presets

    @cached_property
    def authorities(self) -> frozenset[str]:
        """The authorities that have a node now."""
        return self.hub.register().list_authorities(self.hub.clock())

    def list_near(self, year: int, paths: frozenset[Path]) -> list[Near]:
        """Return the member's releases about a year that left by one of these paths, newest first."""
        connection = self.hub.database.connection
        asked = ((query_id, self.hub.released.find_asked(connection, query_id)) for query_id in self._released)
        return [
            Near(query_id, each.plan_id)
            for query_id, each in asked
            if each.subject.path in paths and each.subject.academic_year == str(year)
        ]

    def is_withdrawn(self, query_id: str) -> bool:
        """Whether a release has been withdrawn."""
        return self._released[query_id]

    def read(self, query_id: str) -> KeptRelease:
        """Return a release."""
        return self.hub.kept.read(self.hub.database.connection, query_id)

    @cached_property
    def _released(self) -> dict[str, bool]:
        everybody = may_see_all(self.hub, self.reader)
        return dict(list_released(self.hub.database.connection, self.reader.id, everybody=everybody))
