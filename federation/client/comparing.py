"""Two releases side by side on a member's own machine, each verified against what the nodes signed."""

from typing import TYPE_CHECKING

from federation.comparison import Comparison, Side, compare, read_side
from federation.state import StateError

if TYPE_CHECKING:
    from federation.client.member import FederationClient

__all__ = ["compare_releases"]


def compare_releases(client: "FederationClient", first: str, second: str) -> Comparison:
    """Return the comparison of two queries' releases. Raises `StateError` where there is nothing to compare."""
    if first == second:
        raise StateError("choose two different queries to compare")
    return compare(_read_side(client, first), _read_side(client, second))


def _read_side(client: "FederationClient", query_id: str) -> Side:
    document, manifest = client.fetch_answered(query_id)
    side = read_side(document, manifest, client.presets)
    if side is None:
        raise StateError(f"{query_id} is a model: models are not compared term by term, read one after the other")
    return side
