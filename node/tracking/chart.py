"""Charts as shapes: where the lines, marks and words of a picture lie. Templates draw them as SVG, without a script.

Every chart has a text that tells what it shows (`told`), and stands beside a table of its figures: whoever does not see
it misses nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH, HEIGHT = 480, 250
LEFT, RIGHT, TOP, BOTTOM = 56, 450, 14, 204

Style = Literal["line", "dashed", "dots", "squares", "sizes"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """Some points under one name: joined or dashed lines, dots joined by a line, squares, or dots of several sizes."""

    name: str
    style: Style
    points: tuple[Point, ...]
    sizes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """A series where it lies in the picture: the points of its line, and its marks with their radius."""

    name: str
    style: Style
    line: str
    marks: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Chart:
    """A picture: its title, what it tells in words, its series, and the ticks of both axes with their words."""

    title: str
    told: str
    series: tuple[Drawn, ...]
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Axis:
    """One axis: its least and greatest value, where these lie, and its ticks."""

    low: float
    high: float
    first: float
    last: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Where a value lies; on an axis of one value, in its middle."""
        if self.high <= self.low:
            return round((self.first + self.last) / 2, 1)
        return round(self.first + (self.last - self.first) * (value - self.low) / (self.high - self.low), 1)

    def marks(self) -> tuple[tuple[float, str], ...]:
        """The ticks where they lie."""
        return tuple((self.place(value), text) for value, text in self.ticks)


def across(values: Iterable[float], ticks: Iterable[tuple[float, str]], margin: float = 0) -> Axis:
    """The axis from left to right over some values and ticks."""
    listed = tuple(ticks)
    reached = [*values, *(value for value, _ in listed)]
    return Axis(min(reached) - margin, max(reached) + margin, LEFT, RIGHT, listed)


def up(low: float, high: float, ticks: Iterable[tuple[float, str]]) -> Axis:
    """The axis from the bottom to the top."""
    return Axis(low, high, BOTTOM, TOP, tuple(ticks))


def draw(title: str, told: str, series: Sequence[Series], x: Axis, y: Axis) -> Chart:
    """Lay series out over two axes; one without a point is left out."""
    return Chart(title, told, tuple(_draw(each, x, y) for each in series if each.points), x.marks(), y.marks())


def _draw(series: Series, x: Axis, y: Axis) -> Drawn:
    placed = [(x.place(value), y.place(height)) for value, height in series.points]
    joined = " ".join(f"{left},{top}" for left, top in placed) if series.style in ("line", "dashed", "dots") else ""
    sizes = series.sizes or (1,) * len(placed)
    marked = series.style in ("dots", "squares", "sizes")
    marks = (
        tuple((left, top, 3 + 2 * size**0.5) for (left, top), size in zip(placed, sizes, strict=True)) if marked else ()
    )
    return Drawn(series.name, series.style, joined, marks)
