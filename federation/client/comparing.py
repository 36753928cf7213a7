"""Two releases side by side on a member's own machine, each verified against what the nodes signed."""

from typing import TYPE_CHECKING

from federation.client.verification import Answered
from federation.comparison import Comparison, Side, compare, read_side
from federation.state import StateError

if TYPE_CHECKING:
    from federation.client.member import FederationClient

__all__ = ["compare_releases"]


def compare_releases(client: "FederationClient", first: str, second: str) -> Comparison:
    """Return the comparison of two releases, each cited by its id or its query's.

    Raises `StateError` where there is nothing to compare.
    """
    one, other = (client.fetch_answered(cited) for cited in (first, second))
    if one.document.query_id == other.document.query_id:
        raise StateError("choose two different queries to compare")
    return compare(_read_side(client, one), _read_side(client, other))


def _read_side(client: "FederationClient", answered: Answered) -> Side:
    side = read_side(answered.document, answered.manifest, client.presets)
    if side is None:
        raise StateError(
            f"{answered.document.query_id} is a model: models are not compared term by term, read one after the other"
        )
    return side
