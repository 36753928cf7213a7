"""What somebody wants to delegate, as they typed it: the same for the page and the command line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from federation.delegations import LONGEST_DAYS, MOST_CHILDREN
from federation.state import StateError
from federation.typed_days import DAY_FORMS, read_day


class DraftInvalid(StateError):
    """What somebody typed is no delegation; `errors` says what is wrong, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(dict.fromkeys(errors.values())))
        self.errors = errors


@contextmanager
def blaming(field: str) -> Iterator[None]:
    """Have what is refused within be told at a field."""
    try:
        yield
    except DraftInvalid:
        raise
    except StateError as error:
        raise DraftInvalid({field: str(error)}) from None


_MEMBER = re.compile(r"`\$\.(\w+)")
_REFUSED = {
    "person": ("person", "give the name that their node has for them, in small letters, or leave it empty"),
    "children": ("children", f"give the numbers of {MOST_CHILDREN} children at most, each of up to 40 characters"),
    "purpose": ("purpose", "say why in one line of up to 1,000 characters"),
}
"""The members of the document that a form can still get wrong once it is read: the field of each, and what to do."""


def blame_member(error: str) -> DraftInvalid:
    """What is wrong at the field of that member of the document which its reader refused."""
    found = _MEMBER.search(error)
    field, text = _REFUSED.get(found[1] if found else "", ("groups", "choose what they may read, of the list alone"))
    return DraftInvalid({field: text})


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
    """Return a draft out of typed words; children's numbers stand on lines of their own. Raises `DraftInvalid`."""
    days = {"first": _read_day(first), "last": _read_day(last)}
    numbers = tuple(dict.fromkeys(line.strip() for line in children.splitlines() if line.strip()))
    errors = {
        **({} if numbers else {"children": "give the number of at least one child"}),
        **({} if groups else {"groups": "choose what they may read"}),
        **{name: f"give the {name} day as {DAY_FORMS}" for name, day in days.items() if day is None},
        **({} if purpose.strip() else {"purpose": "say why: they are told, and it is logged"}),
    }
    begins, ends = days.values()
    if begins is not None and ends is not None and not 0 <= (ends - begins).days <= LONGEST_DAYS:
        errors["last"] = f"give a last day that is the first or up to {LONGEST_DAYS} days after it"
    if errors or begins is None or ends is None:
        raise DraftInvalid(errors)
    chosen = tuple(dict.fromkeys(groups))
    return Draft(authority.strip(), person.strip(), numbers, chosen, begins, ends, purpose)


def _read_day(typed: str) -> date | None:
    try:
        return read_day(typed)
    except ValueError:
        return None
