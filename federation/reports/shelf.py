"""What a report is written from: a shelf of what has been released, as far as its reader may see it."""

from dataclasses import dataclass
from typing import Protocol

from federation.reports.figures import Figures, Told
from federation.reports.like_for_like import Expected
from federation.reports.measures import Factor, Measure, Question
from federation.reports.places import Place

__all__ = ["NOT_RELEASED", "Alike", "Shelf"]

NOT_RELEASED = "not yet released"


@dataclass(frozen=True)
class Alike:
    """What England's model expects, the authorities it says nothing of, where both come from, or why there is none."""

    expected: tuple[Expected, ...] = ()
    withheld: int = 0
    sources: tuple[str, ...] = ()
    why_not: str = ""


class Shelf(Protocol):
    """What has been released, as far as whoever reads the report may see it."""

    def find(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
        """Return a measure's figures of a place, or why there are none."""

    def find_authorities(self, measure: Measure, within: Place) -> tuple[Figures, ...]:
        """Return a measure's figures of each authority within a place, in the order of the codes."""

    def find_expected(self, measure: Measure, within: Place) -> Alike:
        """Return what England's model expects of each authority within a place, in the order of the codes."""

    def find_told(self, question: Question, place: Place) -> Told:
        """Return the answer to a question of a place, or why there is none."""
