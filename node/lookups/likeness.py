"""Which names and dates of birth are taken for one another when a child is sought loosely.

A name is like another that sounds the same by Soundex, NYSIIS or Metaphone, or that is one slip away: a letter wrong,
missing, too many, or two exchanged (Damerau and Levenshtein). Forename and surname may stand in each other's place. A
date is like another whose day and month, or two neighbouring figures, were exchanged. Names and date may not both be
off: whoever has both wrong is looking for somebody else.

Case, accents, spaces, hyphens and apostrophes never count.
"""

import unicodedata
from collections.abc import Iterator
from datetime import date

LETTERS_PER_SLIP = 4
"""A name has to be as long as this for a slip in it to be forgiven: Ann is not Dan."""


def tidy(name: str) -> str:
    """Return the letters of a name alone, small and without accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", name).casefold() if letter.isalpha())


def is_like(name: str, other: str) -> bool:
    """Whether two names are taken for one another: spelt alike, sounding alike, or one slip apart."""
    one, two = tidy(name), tidy(other)
    if not one or not two:
        return False
    return one == two or _sounds_like(one, two) or _is_slip_of(one, two)


def _sounds_like(one: str, two: str) -> bool:
    if not (one.isascii() and two.isascii()):  # The codes are made for English; other letters have none.
        return False
    from jellyfish import metaphone, nysiis, soundex

    return any(code(one) == code(two) for code in (soundex, nysiis, metaphone))


def _is_slip_of(one: str, two: str) -> bool:
    from jellyfish import damerau_levenshtein_distance

    return min(len(one), len(two)) >= LETTERS_PER_SLIP and damerau_levenshtein_distance(one, two) == 1


Names = tuple[str, str]
"""Forename and surname."""


def is_same(names: Names, other: Names) -> bool:
    """Whether forename and surname are the same, each in its place."""
    return all(tidy(one) == tidy(two) != "" for one, two in zip(names, other, strict=True))


def are_like(names: Names, other: Names) -> bool:
    """Whether forename and surname are like another's, each in its place or in the other's."""
    return any(all(map(is_like, names, pair)) for pair in (other, other[::-1]))


def list_like_dates(born: date) -> frozenset[date]:
    """Return a date and those it is taken for: day and month exchanged, or two neighbouring figures."""
    return frozenset(_transposed(born)) | {born}


def _transposed(born: date) -> Iterator[date]:
    written = f"{born:%d%m%Y}"
    spelt = [written[2:4] + written[:2] + written[4:]]
    spelt += [written[:at] + written[at + 1] + written[at] + written[at + 2 :] for at in range(len(written) - 1)]
    for figures in spelt:
        try:
            yield date(int(figures[4:]), int(figures[2:4]), int(figures[:2]))
        except ValueError:
            continue
