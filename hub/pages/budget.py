"""Privacy budgets on the hub's pages: what a question costs, what is left, and a picture of the accuracy that it buys.

The picture is drawn here, as shapes in a page that runs no script; every figure in it stands in a table below it too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import log

from disclosure_control.budget.accuracy import EPSILONS, GROUP, FigureAccuracy, foresee_accuracy
from disclosure_control.budget.price import Price, price_plan, write_epsilon
from federation.exchange import BudgetLeft, QueryDraft
from federation.register import Member, MemberKind
from federation.sum_terms import SumTerms
from hub.budgets import find_budget
from hub.service import Hub
from query_engine.planning.plan import QueryPlan

LEFT, RIGHT, TOP, BOTTOM = 34, 330, 34, 150
MOST_DRAWN = 6
"""How many figures of a question are drawn; the table has them all."""


@dataclass(frozen=True)
class Mark:
    """One point of a picture: where it is, the epsilon under it and the accuracy that is written beside it."""

    x: int
    y: int
    epsilon: str
    text: str


@dataclass(frozen=True)
class Picture:
    """The accuracy of one figure by epsilon, as a falling line; `told` says in words what it shows."""

    title: str
    told: str
    marks: tuple[Mark, ...]

    @property
    def line(self) -> str:
        """The points as the attribute of a polyline."""
        return " ".join(f"{mark.x},{mark.y}" for mark in self.marks)


@dataclass(frozen=True)
class Cost:
    """What a question costs and buys, before it is drafted."""

    epsilon: str
    rho: str
    years: tuple[str, ...]
    left: BudgetLeft
    left_after: str
    is_short: bool
    pictures: tuple[Picture, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    epsilons: tuple[str, ...] = EPSILONS
    group: int = GROUP


def foresee_cost(hub: Hub, draft: QueryDraft, plan: QueryPlan, asker: Member) -> Cost:
    """What a draft would cost and buy, over every active node. Raises `NoiseRefused` and 404 problems."""
    price = price_plan(plan, draft.epsilon, draft.mechanism)
    nodes = sum(1 for _ in hub.register().active(MemberKind.NODE, hub.clock()))
    terms = draft.sum_terms(nodes)
    assert terms is not None  # The path is that of a noised sum.
    left = find_budget(hub, draft.project, draft.academic_year, asker)
    figures = _foresee(plan, nodes, terms)
    return Cost(
        epsilon=draft.epsilon,
        rho=f"{float(price.loss.rho):.4g}",
        years=tuple(str(year) for year in price.academic_years),
        left=left,
        left_after=_after(left, price),
        is_short=bool(left.unstated) or _is_short(left, price),
        pictures=tuple(draw_figure(each) for each in figures[:MOST_DRAWN] if None not in each.widths),
        rows=tuple((name_figure(each), tuple(map(_write, each.widths))) for each in figures),
    )


def _foresee(plan: QueryPlan, nodes: int, terms: SumTerms) -> Sequence[FigureAccuracy]:
    return foresee_accuracy(plan, nodes, terms.dropouts, terms.colluders, mechanism=terms.mechanism)


def _is_short(left: BudgetLeft, price: Price) -> bool:
    return price.loss.epsilon > min(Fraction(left.left), Fraction(left.most_per_question))


def _after(left: BudgetLeft, price: Price) -> str:
    return write_epsilon(max(Fraction(0), Fraction(left.left) - price.loss.epsilon))


def name_figure(figure: FigureAccuracy) -> str:
    """A figure by its column, and for an average how many children it is told of."""
    return f"{figure.label}, of {GROUP:,} children" if figure.of_group else figure.label


def draw_figure(figure: FigureAccuracy) -> Picture:
    """The picture of one figure: both axes are logarithmic, so that twice the budget is the same step everywhere."""
    widths = [width for width in figure.widths if width is not None]
    across, down = _spread([float(each) for each in EPSILONS], LEFT, RIGHT), _spread(widths, BOTTOM, TOP)
    marks = tuple(
        Mark(x, y, epsilon, _write(width)) for x, y, epsilon, width in zip(across, down, EPSILONS, widths, strict=True)
    )
    first, last = marks[0], marks[-1]
    told = f"The noise falls from {first.text} at epsilon {first.epsilon} to {last.text} at epsilon {last.epsilon}."
    return Picture(name_figure(figure), told, marks)


def _spread(values: Sequence[float], first: int, last: int) -> list[int]:
    """Where values lie on a logarithmic axis whose ends are the least and the greatest of them."""
    logs = [log(max(value, 1e-9)) for value in values]
    low, high = min(logs), max(logs)
    return [round(first + (last - first) * (each - low) / (high - low)) if high > low else first for each in logs]


def _write(width: float | None) -> str:
    if width is None:
        return "none"
    return f"±{width:,.0f}" if width >= 1000 else f"±{width:.3g}"
