"""Which SSDA903 return is being checked: the year in which it ends, and the authority's code on the public map."""

from federation.state import StateError
from node.ingest.staged import find_staged
from node.service import Node
from query_engine.geography import load_authorities


def find_return_year(node: Node) -> int:
    """The calendar year in which the latest return loaded ends. Raises `StateError`."""
    snapshot = node.store.current()
    staged = find_staged(snapshot.staged) if snapshot else {}
    years = [period.academic_year for name, period in staged if name == "Header"]
    if not years:
        raise StateError(f"{node.party.member_id} has loaded no SSDA903 return: give --year")
    return max(years) // 100 + 1


def find_area_code(authority: str) -> str:
    """The authority's code with the Office for National Statistics."""
    return load_authorities()[authority].ons_code
