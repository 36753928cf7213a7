"""A funnel as a picture: each authority's share by its number of children, and the limits that chance keeps it in.

Only the authority that a report is of has its name in it. Every figure in the picture stands in the table beneath it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from disclosure_control.funnel import limits_of_share
from federation.reports.written import Funnel

__all__ = ["FunnelChart", "draw_funnel"]

LEFT, RIGHT, TOP, BOTTOM = 36.0, 352.0, 8.0, 186.0
STEPS = 14
"""Numbers of children at which the limits are worked out."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Dot:
    """One authority: where it lies, and its name if the report is of it."""

    x: float
    y: float
    name: str


@dataclass(frozen=True)
class FunnelChart:
    """The dots, the line of the target, the four limits as points of a line, and the ends of both axes in words."""

    title: str
    told: str
    dots: tuple[Dot, ...]
    target: float
    limits: tuple[tuple[str, str], ...]
    most: str
    top: str


def draw_funnel(funnel: Funnel) -> FunnelChart:
    """Draw a funnel; its vertical axis goes from nothing to a little over what is in it."""
    most = max(point.children for point in funnel.points)
    top = min(1.0, 1.25 * max(funnel.target, *(point.share for point in funnel.points)) + 0.02)

    def place(children: float, share: float) -> Place:
        up = min(share, top) / top
        return round(LEFT + (RIGHT - LEFT) * children / most, 1), round(BOTTOM - (BOTTOM - TOP) * up, 1)

    dots = tuple(Dot(*place(point.children, point.share), point.name) for point in funnel.points)
    told = (
        f"{len(dots)} authorities by their number of children, up to {most:,}, around England's {funnel.target:.0%}. "
        "The lines are where chance keeps 95 and 998 in 1,000."
    )
    limits = tuple(_draw_limits(funnel.target, most, place))
    return FunnelChart(funnel.title, told, dots, place(0, funnel.target)[1], limits, f"{most:,}", f"{top:.0%}")


def _draw_limits(target: float, most: int, place: Callable[[float, float], Place]) -> Iterable[tuple[str, str]]:
    """Yield each limit: how it is drawn, and its line."""
    steps = sorted({max(1, round(most * (step / STEPS) ** 2)) for step in range(1, STEPS + 1)})
    found = [(children, _limits(target, children)) for children in steps]
    for level, style in ((0, "dashed"), (1, "dots")):
        for end in (0, 1):
            points = (place(children, limits[level][end]) for children, limits in found)
            yield style, " ".join(f"{x},{y}" for x, y in points)


@lru_cache(maxsize=1024)
def _limits(target: float, children: int) -> tuple[tuple[float, float], ...]:
    return tuple((float(each.low), float(each.high)) for each in limits_of_share(target, children))
