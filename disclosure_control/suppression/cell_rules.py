"""Primary suppression: which figures of one cell rest on too few children to be shown.

Every rule is about *contributors*, the distinct children behind a figure, and not about the figure itself: a sum
over one child discloses that child however large it is (Hundepool et al., Statistical Disclosure Control, 2012,
chapter 4; UK LLC guidebook: percentages of fewer than 10 people are low counts "even if the actual counts are not
presented"). Each rule looks at one cell alone, and at what its figures tell together (see `subtraction`): protecting
cells against each other is secondary suppression, which no rule here claims.

Where counts are rounded, every number that more than a count asks for is compared with the least count that would be
printed alike: that a quantile or an average is withheld, or is not, then says nothing of which it is.

Limit: where a plan spans years a child can have several rows. Contributors are distinct children throughout, on either
side of a condition too, but the children behind a *difference* of two row counts, or of two figures of which each has
a condition of its own, are not known, and it is judged as if each row were a child.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

from disclosure_control.presets.shipped import Preset
from disclosure_control.rows.subtraction import Trap, find_traps, groups_of
from query_engine.planning.nested_counts import count_name, find_nested
from query_engine.planning.plan import Output, QueryPlan
from query_engine.planning.region import RegionTangled

__all__ = ["Figures", "SuppressionRules", "least_behind", "least_meeting"]

Figures = Mapping[str, int]
"""One cell's exact statistics by name."""


@dataclass(frozen=True)
class SuppressionRules:
    """A preset's rules laid out for one plan, to be asked about one cell after another.

    `children` names the statistic of distinct children in the cell; `nested` holds pairs of outputs of which the
    first counts some of what the second counts. `traps` are the sums and differences to be looked at, or None where
    they are too many to find. `near` holds pairs of quantiles of the same values.
    """

    preset: Preset
    outputs: tuple[Output, ...]
    children: str
    nested: tuple[tuple[Output, Output], ...]
    traps: tuple[Trap, ...] | None
    near: tuple[tuple[Output, Output], ...]

    @classmethod
    def for_plan(cls, plan: QueryPlan, preset: Preset) -> "SuppressionRules":
        """The rules for a plan's cells."""
        children = next(each.name for each in plan.statistics if each.kind == "children")
        outputs = tuple(each for each in plan.outputs if each.kind != "dimension")
        near = tuple(pair for pair in permutations(outputs, 2) if are_near(*pair))
        try:
            traps = find_traps(plan)
        except RegionTangled:
            traps = None
        return cls(preset, outputs, children, find_nested(plan), traps, near)

    def withheld(self, figures: Figures) -> frozenset[str]:
        """The labels of the figures of one cell that may not be shown.

        In order: (1) the cell's own children, (2) the children behind each figure, (3) of two nested figures that
        differ by too few, the smaller, whether or not the larger is shown here: it may be elsewhere; (4) of two
        quantiles with too few values between them, both; (5) of figures whose sums and differences are about too few,
        the smallest.
        """
        hidden = self.resting_on_too_few(figures)
        if self.is_too_few(figures[self.children]):
            return hidden
        beside = {part.label for part, whole in self.nested if self.differs_by_too_few(part, whole, figures)}
        close = {each.label for pair in self.near if self.are_too_near(*pair, figures) for each in pair}
        return self.without_traps(frozenset(hidden | beside | close), figures)

    def resting_on_too_few(self, figures: Figures) -> frozenset[str]:
        """The labels of the figures of one cell that would not be shown if nothing stood beside them: rules 1 and 2."""
        if self.is_too_few(figures[self.children]):
            return frozenset(each.label for each in self.outputs)
        return frozenset(each.label for each in self.outputs if self.rests_on_too_few(each, figures))

    def without_traps(self, hidden: frozenset[str], figures: Figures) -> frozenset[str]:
        """Rule 5: what is hidden, and of every trap that is still open and closes on too few its smallest group.

        Where the traps are too many to know, everything about part of the children is withheld.
        """
        if self.traps is None:
            return hidden | {each.label for each in self.outputs if groups_of(each)}
        for trap in self.traps:
            left = sum(figures[each] for each in trap.added) - sum(figures[each] for each in trap.taken)
            left //= trap.times
            if not (self.is_too_few(left) if trap.known else self.is_a_few(left)):
                continue
            told = {group for each in self.outputs if each.label not in hidden for group in groups_of(each)}
            if told.issuperset(trap.parts):
                least = min(trap.parts, key=lambda group: (figures[group], group))
                hidden |= {each.label for each in self.outputs if least in groups_of(each)}
        return hidden

    def are_too_near(self, one: Output, other: Output, figures: Figures) -> bool:
        """Rule 4: whether fewer children than are shown lie between two quantiles.

        Quantiles asked for one beside the other tell at which share the values leave a bin, and so how many it holds.
        """
        assert one.fraction is not None
        assert other.fraction is not None
        children = self.preset.least_alike(figures[one.present])
        return Fraction(abs(one.fraction - other.fraction)) * children < self.preset.smallest_count_shown

    def left(self, whole: str, part: str, figures: Figures) -> int:
        """How many of a group are not in another one within it, each by the name of its statistic."""
        return figures[whole] - figures[part]

    def is_too_few(self, count: int) -> bool:
        """Whether a count of children may not be shown: a small one, and 0 where the preset withholds it.

        Where it does, nobody and somebody take the same way through this, so that no clock tells them apart.
        """
        return 0 <= count < self.preset.smallest_count_shown and (not self.preset.shows_zero or count > 0)

    def is_a_few(self, count: int) -> bool:
        """Whether a count stands for somebody, but for fewer children than the preset shows."""
        return 0 < count < self.preset.smallest_count_shown

    def rests_on_too_few(self, output: Output, figures: Figures) -> bool:
        """Rule 2: whether too few children are behind a figure of a cell that has enough children.

        A plain count rests on the cell's children alone.
        """
        if output.kind == "count":
            return False
        if self.condition_discloses(output, figures):
            return True
        match output.kind:
            case "distinct":
                return False
            case "regr_count":
                present = figures[output.present]
                return self.is_too_few(present) or self.is_a_few(self.left(output.among, output.present, figures))
            case "sum" | "mean" if output.indicator:
                return self.share_discloses(output, figures)
            case "sum" | "mean":
                return self.total_discloses(output, figures)
            case _:
                return self.spread_discloses(output, figures)

    def condition_discloses(self, output: Output, figures: Figures) -> bool:
        """For a figure with a FILTER, a condition or a yes/no in it: too few children who meet it, or who do not.

        The figure of all beside the figure of those who meet it gives that of those who do not, whether it is a count,
        a sum that is multiplied by the yes/no, or what an average, a spread or a line comes to on either side. Of a
        child with several rows one may meet it and another not: counted are the children with a row that does not, and
        those without a row that does. A quantity times a yes/no, or a line through one, is an average of either side,
        and each has to be enough for one.
        """
        for inside, outside in output.sides:
            everybody = self.children if inside == output.among else output.present
            groups = (figures[inside], figures[outside], self.left(everybody, inside, figures))
            if any(map(self.is_too_few, groups)) or (_is_of_either_side(output) and any(map(self.is_no_mean, groups))):
                return True
        return False

    def is_no_mean(self, count: int) -> bool:
        """Whether so many children are somebody, and too few for an average."""
        return 0 < self.preset.least_alike(count) < self.preset.minimum_n_mean

    def share_discloses(self, output: Output, figures: Figures) -> bool:
        """For a yes/no measure: children for whom the answer is missing.

        They, those who answer yes and those who answer no are three counts that a reader gets from the share and the
        count beside it (in this release or another), so each is held to the rule. Nobody missing is the ordinary case
        and discloses nothing; nobody answering no means that everybody answers yes, which is withheld where zeros are.
        """
        return self.is_a_few(self.left(output.among, output.present, figures))

    def total_discloses(self, output: Output, figures: Figures) -> bool:
        """For a quantity: children with a value fewer than the preset's minimum, or too few of them not at zero.

        A sum of 30 suspensions over 40 children of whom one was suspended is that child's own figure. A sum is also
        withheld where the quantity is missing for a few children: divided by the average it gives the number of
        children with a value, which next to the count is the number without. The average alone tells nothing of
        how many have no value, and stays.
        """
        present, (nonzero,) = _contributors(output, figures)
        missing = self.left(output.among, output.present, figures)
        return (
            0 < self.preset.least_alike(present) < least_behind(output, self.preset)
            or self.is_too_few(nonzero)
            or (output.kind == "sum" and self.is_a_few(missing))
        )

    def spread_discloses(self, output: Output, figures: Figures) -> bool:
        """For spreads, quantiles and figures of two measures: too few children with values, or too few not at zero.

        The spread of a quantity that one child alone has is that child's figure. Correlations and lines have a
        minimum of their own. A spread over the rows less one, beside that over the rows, gives the number of rows, and
        so a missing few.
        """
        present, nonzero = _contributors(output, figures)
        if self.preset.least_alike(present) < least_behind(output, self.preset) or any(map(self.is_too_few, nonzero)):
            return True
        if output.kind in _TELLING_ROWS and self.is_a_few(self.left(output.among, output.present, figures)):
            return True
        return output.kind == "quantile" and self.is_at_an_end(output, present)

    def is_at_an_end(self, output: Output, present: int) -> bool:
        """Whether fewer children than are shown lie on either side of a quantile: it is the least or greatest value."""
        assert output.fraction is not None
        least = self.preset.least_alike(present)
        return Fraction(min(output.fraction, 1 - output.fraction)) * least < self.preset.smallest_count_shown

    def differs_by_too_few(self, part: Output, whole: Output, figures: Figures) -> bool:
        """Rule 3: whether the rows (or children) counted by `whole` and not by `part` are too few.

        None at all is ordinary between children and their own rows, and of values that might be missing; between two
        conditions it says that everybody who meets the wider one meets the narrower, which is withheld where zeros are.
        """
        narrow, wide = count_name(part), count_name(whole)
        difference = self.left(wide, narrow, figures)
        is_ordinary = part.kind == "regr_count" or narrow.removeprefix("children") == wide.removeprefix("rows")
        return self.is_a_few(difference) if is_ordinary else self.is_too_few(difference)


def least_behind(output: Output, preset: Preset) -> int:
    """How many children are behind a figure at least, if it is printed and there is anybody behind it.

    A sum of products is what a correlation is made of, and is held to what one is.
    """
    if output.kind == "model":
        return preset.minimum_n_model
    if output.kind in ("correlation", "weighted_mean") or output.kind.startswith(("covariance", "regr_")):
        return preset.minimum_n_correlation
    if any(len(set(each.columns)) > 1 for each in output.measures):
        return preset.minimum_n_correlation
    if output.kind in ("sum", "mean"):
        return preset.smallest_count_shown if output.indicator else preset.minimum_n_mean
    return preset.minimum_n_spread


def least_meeting(output: Output, preset: Preset) -> int:
    """How many children meet a condition that is multiplied in at least, if it is printed and anybody does."""
    return preset.minimum_n_mean if _is_of_either_side(output) else preset.smallest_count_shown


_TELLING_ROWS = frozenset({"variance", "deviation"})
"""Figures of one quantity that tell its number of rows; those of two are held to the number of pairs."""


def are_near(one: Output, other: Output) -> bool:
    """Whether these are two quantiles of the same values."""
    quantiles = one.kind == other.kind == "quantile"
    return quantiles and one.statistics == other.statistics and one.fraction != other.fraction


def _is_of_either_side(output: Output) -> bool:
    """Whether a figure of a quantity has a condition multiplied in, and so is one of those who meet it."""
    measures = output.measures
    return any(each.holds is not True for each in measures) and not all(each.indicator for each in measures)


def _contributors(output: Output, figures: Figures) -> tuple[int, list[int]]:
    """Children with a value, and measure by measure children with a value that is not zero."""
    return figures[output.present], [figures[name] for name in output.nonzero]
