"""From one cell's exact statistics to the figures that may be printed, once suppression has let them pass.

A reader must not be able to work out from several printed figures what one of them hides, so each figure is a
function of as little as possible:

- a count, and a sum of yes/no, is rounded to the preset's base;
- a share of children comes from the two *rounded* counts (NHS Digital's Hospital Episode Statistics do the same);
- an average of a quantity comes from the exact sum and number, as rounding either would move the average of a small
  cell by a fifth, and is cut to a few decimal places, which is what keeps it from giving the exact number away;
- a sum of a quantity, where counts are rounded, is the *printed* average per child times the *rounded* number of
  children. It tells nothing beyond those two; the exact sum over the printed average would tell the exact number.
"""

from decimal import ROUND_HALF_UP, Decimal

from disclosure_control.presets import Preset
from disclosure_control.suppression import Figures
from disclosure_control.symbols import Symbol, Value
from query_engine.finalisers import finalise
from query_engine.plan import Measure, Output

__all__ = ["decimal_places", "is_count", "is_share", "release_figure", "round_to_base"]


def is_count(output: Output) -> bool:
    """Whether the figure counts rows or children: a sum of yes/no is a count."""
    return output.kind in ("count", "distinct") or (output.kind == "sum" and output.indicator)


def is_share(measure: Measure) -> bool:
    """Whether the measure runs from 0 to 1, so that its average is a share."""
    return Decimal(measure.bound).scaleb(-measure.scale) == 1


def decimal_places(output: Output, preset: Preset) -> int:
    """The decimal places with which a figure is printed; 0 means a whole number."""
    if output.kind == "mean":
        return _average_places(output, preset)
    return output.scale if preset.rounding_base == 1 else 0


def release_figure(output: Output, figures: Figures, children: int, preset: Preset) -> Value:
    """The printed value of a figure that suppression let pass, in a cell with so many children."""
    if _is_of_nothing(output, figures, children):
        return Symbol.NOT_APPLICABLE
    if output.indicator or is_count(output):
        rounded = {name: round_to_base(figures[name], preset.rounding_base) for name in output.statistics}
        value = finalise(output, rounded)
    elif output.kind == "sum" and preset.rounding_base > 1 and children > 0:
        value = _average_times_children(output, figures, preset)
    else:
        value = finalise(output, figures)
    assert value is not None
    printed = _cut(value, decimal_places(output, preset))
    is_low = printed == 0 and figures[output.statistics[0]] != 0 and Symbol.LOW in preset.symbols
    return Symbol.LOW if is_low else printed


def round_to_base(number: int | Decimal, base: int) -> int:
    """The nearest multiple of `base`, halves away from zero, as in published statistics."""
    return int((Decimal(number) / base).quantize(Decimal(1), rounding=ROUND_HALF_UP)) * base


def _is_of_nothing(output: Output, figures: Figures, children: int) -> bool:
    """Whether there is nothing to divide by, or no value to sum although there are children.

    No children have 0 suspensions between them; 40 children of whom none has a record do not.
    """
    if output.present is None or figures[output.present] > 0:
        return False
    return output.kind == "mean" or (output.kind == "sum" and children > 0)


def _average_times_children(output: Output, figures: Figures, preset: Preset) -> int:
    """A sum that says no more than the average per child and the rounded number of children say."""
    assert output.present is not None
    present = figures[output.present]
    total = Decimal(figures[output.statistics[0]]).scaleb(-output.scale)
    average = _cut(total / present, _average_places(output, preset))
    return round_to_base(average * round_to_base(present, preset.rounding_base), preset.rounding_base)


def _average_places(output: Output, preset: Preset) -> int:
    assert output.measure is not None
    return preset.proportion_decimals if is_share(output.measure) else preset.mean_decimals


def _cut(value: int | Decimal, places: int) -> int | Decimal:
    """A value with exactly `places` decimal places, halves away from zero."""
    cut = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return int(cut) if places == 0 else cut
