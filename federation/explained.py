"""Words for programs that carry what they mean for people: the base of every list of such words."""

from enum import StrEnum
from typing import Self


class Explained(StrEnum):
    """A word, and its meaning in plain English: `HERE = "here", "it has come"`."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        """Keep the meaning beside the value."""
        word = str.__new__(cls, value)
        word._value_ = value
        word.meaning = meaning
        return word
