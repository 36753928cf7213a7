"""What somebody wants to delegate, as they typed it: the same for the page and the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from federation.state import StateError


@dataclass(frozen=True, repr=False)
class Draft:
    """What somebody wants to delegate: to one of our own people, or to another authority's virtual school head."""

    authority: str
    person: str
    children: tuple[str, ...]
    field_groups: tuple[str, ...]
    valid_from: date
    valid_until: date
    purpose: str


def read_draft(
    *, authority: str, person: str, children: str, groups: Sequence[str], first: str, last: str, purpose: str
) -> Draft:
    """Return a draft out of typed words; children's numbers stand on lines of their own. Raises `StateError`."""
    try:
        days = date.fromisoformat(first.strip()), date.fromisoformat(last.strip())
    except ValueError:
        raise StateError("give the first and the last day as year, month and day, as in 2015-12-31") from None
    numbers = tuple(dict.fromkeys(line.strip() for line in children.splitlines() if line.strip()))
    return Draft(authority.strip(), person.strip(), numbers, tuple(groups), *days, purpose)
