"""What stands in a table where no number can: the symbols of the Department for Education's open data standard.

A symbol is printed bare, as in the Department's CSV files (its spreadsheets bracket them). A hidden figure is
always a symbol: never a blank, never 0, never a missing row.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

__all__ = ["MEANINGS", "Symbol", "Value"]


class Symbol(StrEnum):
    """A reason for there being no number; `MEANINGS` has the words for a reader."""

    CONFIDENTIAL = "c"
    NOT_APPLICABLE = "z"
    UNAVAILABLE = "x"
    LOW = "k"
    UNRELIABLE = "u"


Value = int | Decimal | Symbol
"""A figure as released: a count, a sum, share or average with its decimal places, or a symbol."""

MEANINGS: Mapping[Symbol, str] = MappingProxyType(
    {
        Symbol.CONFIDENTIAL: "withheld to protect confidentiality",
        Symbol.NOT_APPLICABLE: "not applicable: there is nothing to sum or divide by",
        Symbol.UNAVAILABLE: "not available: the authority did not answer",
        Symbol.LOW: "low: not zero, but rounds to zero",
        Symbol.UNRELIABLE: "of low reliability: the noise in what it is divided by could be as large as that is",
    }
)
