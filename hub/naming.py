"""Naming authorities in a sentence: some of them, and how many more there are."""

from collections.abc import Sequence

MOST_NAMED = 8
"""How many authorities are named."""


def name_authorities(authorities: Sequence[str]) -> str:
    """Return the codes of authorities in words, in order: `authority 301`, or `authorities 301, 302 and 5 more`."""
    named, more = sorted(authorities)[:MOST_NAMED], len(authorities) - MOST_NAMED
    word = "authority" if len(authorities) == 1 else "authorities"
    return f"{word} {', '.join(named)}{f' and {more} more' if more > 0 else ''}"
