"""Whether one preset is at least as strict as another, rule by rule.

A federation and an authority may add presets of their own, and hold what is asked to a floor: nothing that the floor
withholds, rounds away or leaves untold may be shown by the other. Deny is the fall-through: two rules that cannot be
compared are not taken for stricter.
"""

from collections.abc import Iterator

from disclosure_control.presets.preset import LEVELS, CellKeyRule, Dominance, Preset

__all__ = ["PresetLooser", "check_stricter"]


class PresetLooser(Exception):
    """A preset is looser than its floor; the text names both and every rule that is."""


_AT_LEAST = (
    "smallest_count_shown",
    "minimum_n_mean",
    "minimum_n_spread",
    "minimum_n_correlation",
    "minimum_n_model",
    "minimum_residual_df",
)
_AT_MOST = ("mean_decimals", "proportion_decimals")


def check_stricter(candidate: Preset, floor: Preset) -> None:
    """Check that `candidate` is at least as strict as `floor` in every rule, at every level. Raises `PresetLooser`."""
    if looser := list(_looser_rules(candidate, floor)):
        raise PresetLooser(f"preset {candidate.name} is looser than {floor.name}: {'; '.join(looser)}")


def _looser_rules(candidate: Preset, floor: Preset) -> Iterator[str]:
    for rule in _AT_LEAST:
        if getattr(candidate, rule) < getattr(floor, rule):
            yield f"{rule} must be {getattr(floor, rule)} or more"
    for rule in _AT_MOST:
        if getattr(candidate, rule) > getattr(floor, rule):
            yield f"{rule} must be {getattr(floor, rule)} or less"
    if candidate.shows_zero and not floor.shows_zero:
        yield "zero must be withheld"
    for level in LEVELS:
        base = floor.rounding_bases.at(level)
        # A count rounded to 7 is no rounding of one rounded to 5, so that the two would narrow each other down.
        if candidate.rounding_bases.at(level) % base:
            yield f"rounding_bases.{level} must be a multiple of {base}"
    if told := sorted(candidate.symbols - floor.symbols):
        yield f"symbols may not have {', '.join(told)}"
    if floor.dominance is not None and not _dominates(candidate.dominance, floor.dominance):
        yield "dominance must be as strict"
    yield from _looser_keys(candidate.cell_key, floor.cell_key)


def _looser_keys(candidate: CellKeyRule | None, floor: CellKeyRule | None) -> Iterator[str]:
    """A changed count and a rounded one narrow each other down, and so do two that are changed by different tables."""
    if candidate is None or floor is None:
        if candidate != floor:
            yield "cell_key must be as it is there: changed and rounded counts cannot be compared"
        return
    if (candidate.keys, candidate.table, candidate.most) != (floor.keys, floor.table, floor.most):
        yield "cell_key must have the same table and as many keys"
    if candidate.answers > floor.answers:
        yield f"cell_key.answers must be {floor.answers} or less"


def _dominates(candidate: Dominance | None, floor: Dominance) -> bool:
    """Whether one rule of dominance withholds all that another does."""
    return (
        candidate is not None
        and candidate.largest >= floor.largest
        and candidate.most_per_cent <= floor.most_per_cent
        and candidate.rest_per_cent >= floor.rest_per_cent
    )
