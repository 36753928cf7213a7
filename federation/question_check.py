"""A question looked at before anybody is asked: what it plans, what to mind, what would be withheld, what it costs.

All of it comes from the question, the catalogue and the preset; no data is read, and no hub is asked but for what is
left of a budget, which whoever asks may add.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from disclosure_control.budget.accuracy import EPSILONS, GROUP, FigureAccuracy, foresee_accuracy
from disclosure_control.budget.price import Price, price_plan, write_epsilon
from disclosure_control.foreseen.certain import foresee_certain
from disclosure_control.foreseen.expectation import Expectation, foresee
from disclosure_control.foreseen.rewrites import Rewrite, propose_rewrites
from disclosure_control.noise.terms import Mechanism, NoiseRefused
from disclosure_control.presets.preset import Preset
from federation.exchange import BudgetLeft
from federation.manifest import SUM_PATHS, Path
from federation.sum_terms import make_noisy_terms
from query_engine.methodology.cautions import Caution
from query_engine.planning.paths import default_path
from query_engine.planning.plan import QueryPlan
from query_engine.planning.record_keys import plan_for_keys
from query_engine.question import Question, read_question
from query_engine.refusal import QueryRefused
from query_engine.wording.description import Paragraph, describe_plan
from query_engine.wording.explaining import describe_view

__all__ = ["EPSILON_REFUSED", "QuestionCheck", "RefusedBecause", "check_question"]

ENGLAND = 153
"""Nodes over which noise is foreseen where nobody says how many there are."""

FEWEST_NODES = 5
"""A sum is taken over as many at least."""

MOST_CHEAPER, MOST_FIGURES = 2, 3

MOST_CELLS_AT_ONCE = 500
"""Cells of a table whose rewrites are sought in a quick look."""

EPSILON_REFUSED = "epsilon_refused"
"""The code of a question that no noise of this epsilon could hide everybody in."""


@dataclass(frozen=True)
class RefusedBecause:
    """Why a question is refused: a code, a text, and line and column of the place where there is one."""

    code: str
    text: str
    at: tuple[int, int] | None = None


@dataclass(frozen=True)
class QuestionCheck:
    """What can be said of a question beforehand. Of a refused one there is nothing but the refusal.

    `expected` is None where nothing is withheld one authority at a time, as in a total with noise, or where it cannot
    be foreseen, and `certain` is what is withheld whatever the figures are. `price` is that of a total with noise,
    `cheaper` says what less of it would buy, and `left` is what its project has left, where somebody asked.
    """

    sql: str
    refused: RefusedBecause | None = None
    plan: QueryPlan | None = None
    path: Path = Path.NOISY_SUM
    why: str = ""
    shown: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()
    expected: Expectation | None = None
    certain: tuple[str, ...] = ()
    rewrites: tuple[Rewrite, ...] = ()
    cheaper: tuple[str, ...] = ()
    price: Price | None = None
    left: BudgetLeft | None = None

    @property
    def is_allowed(self) -> bool:
        """Whether the question may be asked."""
        return self.refused is None

    @property
    def cells(self) -> int:
        """The rows of the table: of one authority's, or of the total."""
        return 0 if self.plan is None else self.plan.cells

    @property
    def described(self) -> list[Paragraph]:
        """The plan in words."""
        return [] if self.plan is None else describe_plan(self.plan)

    @property
    def expectation(self) -> str:
        """The share withheld, in words."""
        if self.path is Path.NOISY_SUM:
            return "nothing withheld, and noise in every figure"
        if self.path is Path.EXACT_SUM:
            return "rounded figures without noise, of which it is not foreseen how many are withheld"
        if self.expected is None:
            return "what would be withheld cannot be foreseen of this question"
        return f"{self.expected.in_words} of the figures withheld in the middling authority"

    def paragraphs(self) -> Iterator[Paragraph]:
        """Yield everything under headings, as sentences."""
        if self.refused is not None:
            place = f" (line {self.refused.at[0]}, column {self.refused.at[1]})" if self.refused.at else ""
            yield "Refused", [f"{self.refused.text}{place}", f"code {self.refused.code}"]
            return
        yield from self.described
        if self.shown:
            yield "Shown", list(self.shown)
        yield "Leaves by", [f"{self.path}, since {self.why}" if self.why else self.path.value]
        yield "Expected", [self.expectation, *self.certain]
        if self.rewrites:
            yield "Rather", [each.in_words for each in self.rewrites]
        if self.price is not None:
            yield "Price", list(self._price_lines(self.price))
        if self.cheaper:
            yield "Cheaper", list(self.cheaper)
        if self.cautions:
            yield "Warnings", [f"{each.source}: {each.whole_text}" for each in self.cautions]

    def _price_lines(self, price: Price) -> Iterator[str]:
        years = " and ".join(map(str, price.academic_years))
        epsilon, rho = write_epsilon(price.loss.epsilon), f"{float(price.loss.rho):.4g}"
        yield f"epsilon {epsilon} of {years} (rho {rho}), once for all attempts"
        if self.left is not None:
            yield (
                f"left for project {self.left.project}: epsilon {self.left.left}, and {self.left.most_per_question} at "
                "most for one question"
            )

    def __str__(self) -> str:
        headed = ((zip((heading, *[""] * len(texts)), texts, strict=False)) for heading, texts in self.paragraphs())
        return "\n".join(f"{heading:<12}{text}" for paragraph in headed for heading, text in paragraph)

    def _repr_html_(self) -> str:
        from federation.client.notebook import draw_paragraphs

        return draw_paragraphs("The question can be asked" if self.is_allowed else "Refused", self.paragraphs())

    def with_left(self, left: BudgetLeft) -> "QuestionCheck":
        """The same, beside what is left of a budget."""
        return replace(self, left=left)


def check_question(
    sql: str,
    preset: Preset,
    path: Path | None = None,
    *,
    epsilon: str = "1",
    mechanism: Mechanism = "polya",
    nodes: int = ENGLAND,
    quick: bool = False,
) -> QuestionCheck:
    """Look at a question. Where no path is given, it is the one that an ad-hoc question takes by default.

    What cheaper noise would leave is foreseen over so many `nodes`. A `quick` look seeks no rewrites of a large table,
    which takes seconds.
    """
    try:
        question = read_question(sql)
        default, why = default_path(question.plan)
        taken = Path(default) if path is None else path
        plan = plan_for_keys(question.plan, taken.value, preset.record_keys)
        price = price_plan(plan, epsilon, mechanism) if taken is Path.NOISY_SUM else None
    except QueryRefused as refused:
        return QuestionCheck(sql, RefusedBecause(refused.code, refused.text, refused.at))
    except NoiseRefused as refused:
        return QuestionCheck(sql, RefusedBecause(EPSILON_REFUSED, f"This cannot be noised so: {refused}."))
    found = _look_at(sql, question, preset, plan, taken, "" if path else why, price)
    if taken not in SUM_PATHS and not (quick and plan.cells > MOST_CELLS_AT_ONCE):
        # A manifest is about one academic year, so years cannot be pooled here.
        found = replace(found, rewrites=propose_rewrites(plan, preset, pool_years=False))
    return found if price is None else replace(found, cheaper=_propose_cheaper(plan, epsilon, mechanism, nodes))


def _look_at(
    sql: str, question: Question, preset: Preset, plan: QueryPlan, path: Path, why: str, price: Price | None
) -> QuestionCheck:
    is_total = path in SUM_PATHS
    return QuestionCheck(
        sql,
        plan=plan,
        path=path,
        why=why,
        shown=tuple(describe_view(question.view)),
        cautions=question.cautions,
        expected=None if is_total else foresee(plan, preset),
        certain=() if path is Path.NOISY_SUM else foresee_certain(plan, preset),
        price=price,
    )


def _propose_cheaper(plan: QueryPlan, epsilon: str, mechanism: Mechanism, nodes: int) -> tuple[str, ...]:
    """What the noise in the first figures would be at smaller epsilons, beside what it is, 19 times in 20."""
    smaller = tuple(each for each in EPSILONS if Fraction(each) < Fraction(epsilon))[-MOST_CHEAPER:]
    terms = make_noisy_terms(max(nodes, FEWEST_NODES), epsilon, mechanism=mechanism)
    asked = (*smaller, epsilon)
    figures = foresee_accuracy(plan, max(nodes, FEWEST_NODES), terms.dropouts, terms.colluders, asked, mechanism)
    return tuple(
        f"epsilon {each}: {', '.join(_compare(figure, place) for figure in figures[:MOST_FIGURES])}"
        for place, each in enumerate(smaller)
        if figures
    )


def _compare(figure: FigureAccuracy, place: int) -> str:
    cheap, dear = figure.widths[place], figure.widths[-1]
    group = f" of {GROUP:,} children" if figure.of_group else ""
    return f"noise of {_write(cheap)} instead of {_write(dear)} in {figure.label}{group}"


def _write(width: float | None) -> str:
    return "more than any figure bears" if width is None else f"±{width:,.3g}"
