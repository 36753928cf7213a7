"""Two releases side by side on a member's own machine, each verified against what the nodes signed."""

from typing import Protocol

from disclosure_control.presets.shelf import PresetShelf
from federation.client.verification import Answered
from federation.comparison import Comparison, Side, compare, read_side
from federation.state import StateError

__all__ = ["Fetcher", "compare_releases"]


class Fetcher(Protocol):
    """Whoever fetches releases and verifies them: a member's client."""

    @property
    def presets(self) -> PresetShelf:
        """The presets that it reads by."""

    def fetch_answered(self, cited: str) -> Answered:
        """Return a release and the manifest that it answers, verified."""


def compare_releases(client: Fetcher, first: str, second: str) -> Comparison:
    """Return the comparison of two releases, each cited by its id or its query's.

    Raises `StateError` where there is nothing to compare.
    """
    one, other = (client.fetch_answered(cited) for cited in (first, second))
    if one.document.query_id == other.document.query_id:
        raise StateError("choose two different queries to compare")
    return compare(_read_side(client, one), _read_side(client, other))


def _read_side(client: Fetcher, answered: Answered) -> Side:
    side = read_side(answered.document, answered.manifest, client.presets)
    if side is None:
        raise StateError(
            f"{answered.document.query_id} is a model: models are not compared term by term, read one after the other"
        )
    return side
