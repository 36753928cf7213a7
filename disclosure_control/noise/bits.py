"""Random bits, and the uniform numbers made of them.

Noise is drawn from the operating system's generator and from nothing else: whoever could foresee it could take it away.
Tests hand in bits of their own.
"""

import secrets
from typing import Protocol

__all__ = ["Bits", "SystemBits", "draw_below"]


class Bits(Protocol):
    """A source of independent fair bits."""

    def draw(self, number: int) -> int:
        """A whole number of so many random bits."""
        ...


_POOLED = 1024
"""Bits that are fetched at once: asking for a few takes the operating system as long as asking for many."""


class SystemBits:
    """The operating system's cryptographic generator, for one piece of work: bits that are left over go with it.

    Kept for longer, it could come to be copied with its bits, where a process is split in two.
    """

    def __init__(self) -> None:
        self._pool, self._left = 0, 0

    def draw(self, number: int) -> int:
        """A whole number of so many random bits."""
        if number > self._left:
            fetched = max(number, _POOLED)
            self._pool, self._left = secrets.randbits(fetched), fetched
        drawn = self._pool & ((1 << number) - 1)
        self._pool >>= number
        self._left -= number
        return drawn


def draw_below(most: int, bits: Bits) -> int:
    """A whole number from 0 to `most` - 1, each exactly as likely: what does not fit is drawn again."""
    width = (most - 1).bit_length()
    while (drawn := bits.draw(width)) >= most:
        pass
    return drawn
