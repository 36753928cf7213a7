"""Two releases side by side on a member's own machine, each verified against what the nodes signed."""

from typing import TYPE_CHECKING

from federation.comparison import Comparison, Side, compare, read_side
from federation.exchange import ReleaseDocument
from federation.manifest import Manifest
from federation.state import StateError

if TYPE_CHECKING:
    from federation.client.member import FederationClient

__all__ = ["compare_releases"]


def compare_releases(client: "FederationClient", first: str, second: str) -> Comparison:
    """Return the comparison of two releases, each cited by its id or its query's.

    Raises `StateError` where there is nothing to compare.
    """
    one, other = (client.fetch_answered(cited) for cited in (first, second))
    if one[0].query_id == other[0].query_id:
        raise StateError("choose two different queries to compare")
    return compare(_read_side(client, *one), _read_side(client, *other))


def _read_side(client: "FederationClient", document: ReleaseDocument, manifest: Manifest) -> Side:
    side = read_side(document, manifest, client.presets)
    if side is None:
        raise StateError(
            f"{document.query_id} is a model: models are not compared term by term, read one after the other"
        )
    return side
