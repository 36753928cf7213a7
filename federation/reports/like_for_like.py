"""Like for like: what England's model expects of an authority's own children, beside what there is of them.

Indirect standardisation by a linear model that was fitted over all authorities. Its terms are levels of factors. So
what it expects of some children together is its intercept for each of them, and each level's estimate for those who
have it: it takes no more than their counts, level by level, which an authority's protected row has. The limits are
those of a share of so many children around the expected one. Rounding moves both, and alone never makes one unusual.

The model's own uncertainty is in no limit. What it does not take into account, it does not make alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from disclosure_control.funnel import Verdict, judge_figure, limits_of_share
from federation.reports.measures import CHILDREN, LikeForLike, Measure, load_measures
from federation.reports.places import Place
from federation.reports.shares import Count
from query_engine.catalogue import load_catalogue
from query_engine.columns import Category
from query_engine.models.design import INTERCEPT, level_label

__all__ = ["OBSERVED", "Expected", "expect", "name_count", "write_case_mix", "write_model"]

OBSERVED = "reached"
"""The column of the case mix that counts the children with the result."""


@dataclass(frozen=True)
class Expected:
    """What is observed of an authority's children, and the least and the most that is expected of as many such ones."""

    place: Place
    measure: Measure
    children: Count
    observed: Count
    value: float
    least: float
    most: float

    @property
    def observed_percent(self) -> int:
        """The share that was observed."""
        return round(100 * self.observed.printed / self.children.printed)

    @property
    def expected_percent(self) -> int:
        """The share that is expected."""
        return round(100 * self.value / self.children.printed)

    @property
    def ratio(self) -> float | None:
        """Observed to expected; None where nobody is expected to have the result."""
        return round(self.observed.printed / self.value, 2) if self.value > 0 else None

    @property
    def limits(self) -> tuple[float, float]:
        """Between which ratios chance alone keeps 95 in 100, around the expected share."""
        share = self.value / self.children.printed
        inner, _ = limits_of_share(share, self.children.printed)
        return round(float(inner.low) / share, 2), round(float(inner.high) / share, 2)

    @property
    def verdict(self) -> Verdict:
        """Where the observed share lies, by the ends of both that are nearest to each other."""
        number = self.children.printed
        low, high = self.observed.least / max(1, self.children.most), self.observed.most / max(1, self.children.least)
        least, most = _within(self.least / max(1, self.children.most)), _within(self.most / max(1, self.children.least))
        if low <= most and least <= high:
            return "within"
        observed, target = (low, most) if low > most else (high, least)
        return judge_figure(Decimal(observed), limits_of_share(target, number))


def write_model(measure: Measure, year: int) -> str:
    """Return the question of England's model of a result. Raises `StateError` where the result has none."""
    found = load_measures().find_like_for_like(measure.name)
    rows = load_measures().find_population(measure).rows.format(year=year, of="")
    return f"SELECT FIT_LINEAR({found.outcome}, {', '.join(found.terms)}) AS model FROM child_year WHERE {rows}"  # noqa: S608 - our words


def write_case_mix(measure: Measure, year: int) -> str:
    """Return the question of each authority's children by what the model takes into account.

    Whoever has a missing value is left out, as the model leaves them out. Raises `StateError` where there is no model.
    """
    found = load_measures().find_like_for_like(measure.name)
    counts = [f"COUNT(DISTINCT child) FILTER (WHERE {found.outcome}) AS {OBSERVED}"]
    counts += [
        f"COUNT(DISTINCT child) FILTER (WHERE {term} = {_quote(level)}) AS {name_count(term, level)}"
        for term, level in _pairs(found)
    ]
    rows = load_measures().find_population(measure).rows.format(year=year, of="")
    known = " AND ".join(f"{column} IS NOT NULL" for column in (found.outcome, *found.terms))
    return f"SELECT COUNT(DISTINCT child) AS {CHILDREN}, {', '.join(counts)} FROM child_year WHERE {rows} AND {known}"  # noqa: S608 - our words


def expect(
    place: Place, measure: Measure, estimates: Mapping[str, Decimal], counts: Mapping[str, Count | None]
) -> Expected | None:
    """Return what the estimates of a model, by their labels, expect of children by their counts.

    None where a count that it needs is withheld, or nobody is there.
    """
    children, observed = counts[CHILDREN], counts[OBSERVED]
    pairs = _pairs(load_measures().find_like_for_like(measure.name))
    of = {INTERCEPT: children, **{level_label(*each): counts[name_count(*each)] for each in pairs}}
    known = {label: count for label, count in of.items() if count is not None}
    if children is None or observed is None or len(known) < len(of) or known.keys() != estimates.keys():
        return None
    parts = [(float(estimates[label]), count) for label, count in known.items()]
    value = sum(estimate * count.printed for estimate, count in parts)
    ends = [sorted((estimate * count.least, estimate * count.most)) for estimate, count in parts]
    least, most = sum(low for low, _ in ends), sum(high for _, high in ends)
    if children.printed < 1 or not 0 < value < children.printed:
        return None
    return Expected(place, measure, children, observed, value, max(0.0, least), most)


def name_count(term: str, level: Category) -> str:
    """Return what the count of a level is called in the case mix."""
    return f"{term}_{str(level).lower()}"


def _pairs(found: LikeForLike) -> tuple[tuple[str, Category], ...]:
    return tuple((term, level) for term in found.terms for level in _levels(term)[1:])


def _levels(term: str) -> tuple[Category, ...]:
    """The levels of a factor in the catalogue's order, the reference first, as the planner has them."""
    return tuple(load_catalogue().table("child_year").columns[term].domain or ())


def _quote(level: Category) -> str:
    return f"'{level}'" if isinstance(level, str) else str(level).upper()


def _within(share: float) -> float:
    return min(max(share, 0.0), 1.0)
