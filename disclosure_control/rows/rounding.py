"""From one cell's exact statistics to the figures that may be printed, once suppression has let them pass.

A reader must not be able to work out from several printed figures what one of them hides, so each figure is a
function of as little as possible:

- a count, and a sum of yes/no, is rounded to the preset's base;
- a share of children comes from the two *rounded* counts (NHS Digital's Hospital Episode Statistics do the same), and
  so does every spread or correlation of yes/no, which is a figure of the same counts: of two, from their four rounded
  cells, so that it is one that some table has;
- an average of a quantity comes from the exact sum and number, as rounding either would move the average of a small
  cell by a fifth, and is cut to a few decimal places, which is what keeps it from giving the exact number away;
- a sum of a quantity, where counts are rounded, is the *printed* average per child times the *rounded* number of
  children. It tells nothing beyond those two; the exact sum over the printed average would tell the exact number;
- a spread, a correlation or a line comes from the exact sums and is cut to a few places, with the *rounded* number of
  rows wherever the number itself is a factor of it. Sums of whole numbers over n rows lie 1/n apart, so that a finer
  place than a tenth would tell which n can be.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from types import MappingProxyType

from disclosure_control.presets.shipped import Preset
from disclosure_control.suppression.cell_rules import Figures
from disclosure_control.symbols import Symbol, Value
from query_engine.finalisers import finalise
from query_engine.planning.plan import Measure, Output

__all__ = [
    "average_places",
    "cut",
    "decimal_places",
    "is_count",
    "is_of_counts",
    "is_share",
    "release_figure",
    "round_to_base",
]

_PRECISION = 60  # A sum of squares can have more figures than the 28 that arithmetic keeps unasked.


def is_count(output: Output) -> bool:
    """Whether the figure counts rows or children: a sum of yes/no is a count."""
    return output.kind in ("count", "distinct", "regr_count") or (output.kind == "sum" and output.indicator)


def is_share(measure: Measure) -> bool:
    """Whether the measure runs from 0 to 1, so that its average is a share."""
    return Decimal(measure.bound).scaleb(-measure.scale) == 1


def decimal_places(output: Output, preset: Preset) -> int:
    """The decimal places with which a figure is printed; 0 means a whole number.

    A figure in squares of a unit has twice the places of an average, and a slope, which is small where its divisor is
    large, two more than one. Where counts are rounded, none has so many that they tell the number of rows. A quantile
    is the middle of a bin, which is public.
    """
    if is_count(output):
        return 0
    places = [average_places(each, preset) for each in output.measures]
    match output.kind:
        case "sum":
            return output.scale if preset.rounding_base == 1 else 0
        case "mean" | "weighted_mean" | "deviation" | "deviation_population" | "regr_avgy" | "regr_intercept":
            return places[0]
        case "regr_avgx":
            return places[1]
        case "correlation" | "regr_r2":
            return preset.proportion_decimals
        case "regr_slope":
            return places[0] + 2 if is_of_counts(output) or output.measures[1].columns else places[0]
        case "quantile":
            return output.scale + 1
        case "variance" | "variance_population" | "regr_syy":
            return _product_places(output, (0, 0), preset)
        case "regr_sxx":
            return _product_places(output, (1, 1), preset)
        case _:
            return _product_places(output, (0, 1), preset)


def _product_places(output: Output, factors: tuple[int, int], preset: Preset) -> int:
    """The places of an average product of two measures, or of a sum of products, which is finer by the rows."""
    measures = [output.measures[each] for each in factors]
    places = sum(average_places(each, preset) for each in measures)
    if preset.rounding_base == 1 or is_of_counts(output):
        return places
    is_sum = output.kind in ("regr_sxx", "regr_syy", "regr_sxy")
    return min(places, sum(each.scale for each in measures) + (0 if is_sum else 1))


def release_figure(output: Output, figures: Figures, preset: Preset) -> Value:
    """The printed value of a figure that suppression let pass."""
    with localcontext(prec=_PRECISION):
        return _release_figure(output, figures, preset)


def _release_figure(output: Output, figures: Figures, preset: Preset) -> Value:
    value = None if _is_of_nothing(output, figures) else _release_value(output, figures, preset)
    if value is None:
        return Symbol.NOT_APPLICABLE if Symbol.NOT_APPLICABLE in preset.symbols else Symbol.CONFIDENTIAL
    printed = cut(value, decimal_places(output, preset))
    is_zero = figures[output.statistics[-1]] == 0 if output.indicator else value == 0
    return Symbol.LOW if printed == 0 and not is_zero and Symbol.LOW in preset.symbols else printed


def _release_value(output: Output, figures: Figures, preset: Preset) -> int | Decimal | None:
    """The value before it is cut; None where there is nothing to divide by."""
    base = preset.rounding_base
    if is_count(output) or is_of_counts(output):
        return finalise(output, _rounded_counts(output, figures, base))
    if base == 1:
        return finalise(output, figures)
    if output.kind == "sum":
        return _average_times_children(output, figures, preset) if figures[output.among] > 0 else 0
    exact = finalise(output, figures)
    if output.kind not in _BY_ROWS or exact is None:
        return exact
    rows = figures[output.statistics[0]]
    rounded = round_to_base(rows, base)
    return Decimal(exact) * _BY_ROWS[output.kind](Decimal(rows), Decimal(rounded)) if rounded > 1 else None


def is_of_counts(output: Output) -> bool:
    """Whether all that it is worked out from are numbers of rows; a quantile tells of those no more than its bin."""
    return output.kind != "quantile" and all(name.partition(":")[0] == "rows" for name in output.statistics)


def _rounded_counts(output: Output, figures: Figures, base: int) -> Figures:
    """The counts of a figure, each rounded; of two yes/no, the counts that their four rounded cells add up to."""
    if len(output.statistics) < _OF_TWO:
        return {name: round_to_base(figures[name], base) for name in output.statistics}
    rows, left, right, both = (figures[name] for name in output.statistics[:_OF_TWO])
    cells = (both, left - both, right - both, rows - left - right + both)
    of_both, of_left, of_right, of_neither = (round_to_base(each, base) for each in cells)
    counts = (of_both + of_left + of_right + of_neither, of_both + of_left, of_both + of_right, of_both)
    return dict(zip(output.statistics, counts, strict=False))


_OF_TWO = 4
"""Rows, those of y, those of x and those of both: what a figure of how two measures go together begins with."""


def _sample(rows: Decimal, rounded: Decimal) -> Decimal:
    return (rows - 1) / rows * rounded / (rounded - 1)


_BY_ROWS: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = MappingProxyType(
    {
        **dict.fromkeys(("variance", "covariance"), _sample),
        "deviation": lambda rows, rounded: _sample(rows, rounded).sqrt(),
        **dict.fromkeys(("regr_sxx", "regr_syy", "regr_sxy"), lambda rows, rounded: rounded / rows),
    }
)
"""Figures that differ from another only by the number of rows, each with what exchanges that for the rounded number:
the two together would give the exact one away."""


def round_to_base(number: int | Decimal, base: int) -> int:
    """The nearest multiple of `base`, halves away from zero, as in published statistics."""
    return int((Decimal(number) / base).quantize(Decimal(1), rounding=ROUND_HALF_UP)) * base


def _is_of_nothing(output: Output, figures: Figures) -> bool:
    """Whether there is nothing to divide by, or no value to sum although there are children.

    No children have 0 suspensions between them; 40 children of whom none has a record do not.
    """
    if is_count(output) and output.kind != "sum":
        return False
    if figures[output.present] > 0:
        return False
    return output.kind != "sum" or figures[output.among] > 0


def _average_times_children(output: Output, figures: Figures, preset: Preset) -> int:
    """A sum that says no more than the average per child and the rounded number of children say."""
    assert output.measure is not None
    present = figures[output.present]
    total = Decimal(finalise(output, figures) or 0)
    average = cut(total / present, average_places(output.measure, preset))
    return round_to_base(average * round_to_base(present, preset.rounding_base), preset.rounding_base)


def average_places(measure: Measure, preset: Preset) -> int:
    """The decimal places of an average of a measure."""
    if is_share(measure):
        return preset.proportion_decimals
    return preset.mean_decimals if preset.rounding_base == 1 else min(preset.mean_decimals, measure.scale + 1)


def cut(value: int | Decimal, places: int) -> int | Decimal:
    """A value with exactly `places` decimal places, halves away from zero."""
    cut = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return int(cut) if places == 0 else cut
