"""A shelf of drawn figures: rounded counts, withheld where they are few, of whatever a report asks for."""

from dataclasses import dataclass, field
from random import Random

from disclosure_control.rows.protected_table import Row
from disclosure_control.symbols import Symbol
from federation.reports.figures import Figures, Told, read_figures
from federation.reports.measures import CHILDREN, RESULT, Factor, Measure, Question
from federation.reports.places import Place, list_places
from federation.reports.shares import Count
from federation.reports.shelf import Alike
from query_engine.planning.plan import TOTAL

FEWEST = 10
KINDS = ("tuition", "mentoring", TOTAL)


@dataclass
class DrawnShelf:
    """Draws each figure once; `missing` are the measures of which nothing has been released."""

    seed: int = 1
    missing: frozenset[str] = frozenset()
    most: int = 120
    _drawn: dict[tuple[object, ...], Figures] = field(default_factory=dict)

    def find(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
        key = (measure.name, tuple(each.name for each in factors), place)
        if key not in self._drawn:
            self._drawn[key] = self._draw(measure, factors, place)
        return self._drawn[key]

    def find_authorities(self, measure: Measure, within: Place) -> tuple[Figures, ...]:
        places = [each for each in list_places("authority") if within.level == "nation" or each.region == within.region]
        return tuple(self.find(measure, (), each) for each in places)

    def find_told(self, question: Question, place: Place) -> Told:
        draw = Random(f"{self.seed}/{question.name}/{place}")
        rows = [(kind, 5 * draw.randrange(2, 40), 100 * draw.randrange(900), Symbol.CONFIDENTIAL) for kind in KINDS]
        columns = (question.by, "children", "pounds", "pounds_each_time")
        return Told(place, question, columns, tuple(rows), f"Release R-{place.level}", f"R-{place.level}")

    def find_expected(self, measure: Measure, within: Place) -> Alike:
        return Alike(why_not="England's model is not yet released")

    def _draw(self, measure: Measure, factors: tuple[Factor, ...], place: Place) -> Figures:
        if measure.name in self.missing:
            return Figures(place, measure, factors, why_not="not yet released")
        draw = Random(f"{self.seed}/{measure.name}/{place}/{factors}")
        most = self.most if place.level == "authority" else 100 * self.most
        rows = list(enumerate(self._rows(measure, factors, draw, most)))
        columns = (*(each.name for each in factors), RESULT, CHILDREN)
        lines = read_figures(measure, columns, rows, lambda _, count: Count(count, count - 2, count + 2))
        return Figures(place, measure, factors, lines, f"Release R-{place.level}", f"R-{place.level}")

    def _rows(self, measure: Measure, factors: tuple[Factor, ...], draw: Random, most: int) -> list[Row]:
        keys: list[tuple[str, ...]] = [tuple(f"{each.name}_{letter}" for each in factors) for letter in "cab"]
        keys = [*keys, (TOTAL,) * len(factors)] if factors else [()]
        bands = (*(name for name, *_ in measure.bands), None, TOTAL)
        counts = [draw.randrange(most // 5 + 1) * 5 for _ in range(len(keys) * len(bands))]
        places = [(*key, band) for key in keys for band in bands]
        return [
            (*place, count if count >= FEWEST else Symbol.CONFIDENTIAL)
            for place, count in zip(places, counts, strict=True)
        ]
