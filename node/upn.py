"""Unique pupil numbers: the check letter that tells a real number from a mistyped one.

A UPN is a check letter, the authority that issued it (3 digits), the school (4), the year (2) and a serial
number (3). A temporary number ends in a letter instead of a digit. Authorities formed after 2011 issue numbers
like any other, so no list of authorities is consulted here.
"""

import re

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
"""The 23 letters a UPN may hold: I, O and S look too much like digits."""

_VALUE = {character: value for value, character in enumerate(LETTERS)} | {str(digit): digit for digit in range(10)}
_BODY = re.compile(rf"[0-9]{{11}}[0-9{LETTERS}]")


def upn_check_letter(body: str) -> str:
    """Return the check letter of the 12 characters that follow it: `801200005001` gives `B`.

    Each character is weighted by its position in the whole number (2 to 13); the sum modulo 23 picks the letter.
    Raises ValueError when `body` is not 11 digits and a digit or permitted letter.
    """
    if not _BODY.fullmatch(body):
        raise ValueError("the body of a UPN is 11 digits and then a digit or one of " + LETTERS)
    total = sum(weight * _VALUE[character] for weight, character in enumerate(body, start=2))
    return LETTERS[total % len(LETTERS)]


def is_upn(text: str) -> bool:
    """Whether `text` is a well-formed UPN, permanent or temporary, whose check letter is right."""
    return _BODY.fullmatch(text, 1) is not None and text[0] == upn_check_letter(text[1:])
