"""Whether a model may be shown: the rules on the counts of children that its estimates rest on.

What an attacker can do with estimates, and the rule that answers it:

1. A model with a coefficient for every combination of levels is the table of their averages, and standard errors give
   its counts. So every count inside a linear model, and every pattern of the others, is held to the preset, as if the
   table itself were printed: its counts are held to `minimum_n_model`.
2. Sums over everybody less those with a level give the other side: reference levels are counted like the rest, and all
   but those of a count may not be a few children either.
3. An empty count beside others tells that nobody is there, and so that everybody is elsewhere. It passes only where the
   preset shows zeros; where not, an empty count and a small one are refused in one sentence. A *pattern* may be empty
   all the same, as no estimate rests on it alone; the levels of one term may not: that there is no estimate would tell.
4. A yes/no outcome is held to the rule on both sides, in each count and pattern: children who all answer alike are
   told on. A quantity is held to it on its children who are not at 0.
5. Children left out for a missing value are the difference between a model and a count of everybody; none or enough.
6. Few degrees of freedom tell each outcome: at least `minimum_residual_df` rows beyond the coefficients, and no model
   that fits exactly is released at all.
7. Where counts are rounded, a number is enough where every number that is printed alike is: whoever adds one term after
   the other would find the number of rows by the first model that is withheld.

Not claimed: that no child weighs much in an estimate (one with many suspensions does); that each *value* of a number
has enough children (a number with few values is better asked for as a factor); or that two models which differ by
a term, a level or a filter cannot be set against each other. The ledger of questions bounds that.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from disclosure_control.presets.shipped import Preset
from query_engine.models.counts import ChildCount, PatternCount, term_counts, two_way_counts
from query_engine.models.formula import ModelFormula

NAMED = 5
"""Counts that a refusal names at most."""


class Reason(StrEnum):
    """Why a model is withheld."""

    TOO_FEW_CHILDREN = "too_few_children"
    LEFT_OUT = "left_out"
    RESIDUAL_DF = "residual_df"
    COUNT_MISSING = "count_missing"


class ModelWithheld(Exception):
    """A model rests on too few children. The text says where, as a withheld cell of a table does, and no figure."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.code: str = reason.value
        self.text = text


def check_model_counts(
    formula: ModelFormula,
    counts: Mapping[ChildCount, int],
    left_out: int,
    preset: Preset,
    outside: Mapping[ChildCount, int] | None = None,
) -> None:
    """Raise `ModelWithheld` unless each of `two_way_counts(formula)` is there and may be shown.

    `left_out` is how many distinct children have a row that the question is about but none of the model's, as a value
    is missing; `outside` how many are not among those with each combination of levels, where that is not what is left
    of all.
    """
    needed = two_way_counts(formula)
    if not counts.keys() >= set(needed):
        raise _missing()
    failed = [each for each in needed if _is_too_few(counts[each], preset)]
    levels = [each for each in needed if is_of_levels(each)]
    beyond = outside or {each: counts[ChildCount()] - counts[each] for each in levels}
    failed += [each for each in levels if _is_a_few(beyond[each], preset)]
    _check_none(failed, preset)
    check_left_out(left_out, preset)


def check_patterns(formula: ModelFormula, patterns: Sequence[PatternCount], left_out: int, preset: Preset) -> None:
    """Raise `ModelWithheld` unless each pattern that has children, and each level of a term, may be shown."""
    found = [each for each in patterns if each.children]
    failed = [_named(formula, each) for each in found if _pattern_fails(formula, each, preset)]
    held = [dict(zip(formula.columns, each.values, strict=True)) for each in found]
    failed += [
        each
        for each in term_counts(formula)
        if not preset.shows_zero
        and not any(all(values[column] == level for column, level in each.levels) for values in held)
    ]
    if not found:
        failed.append(ChildCount())
    _check_none(failed, preset)
    check_left_out(left_out, preset)


def check_left_out(children: int, preset: Preset) -> None:
    """Raise `ModelWithheld` where a few children are left out for a missing value."""
    if _is_a_few(children, preset):
        reason = "a few children are left out for a missing value, and would be told by subtraction"
        raise ModelWithheld(Reason.LEFT_OUT, f"{reason}: leave out the term or the filter that splits them off")


def check_residual_df(degrees: int, preset: Preset) -> None:
    """Raise `ModelWithheld` where a model has too few rows beyond its coefficients."""
    if degrees < preset.minimum_residual_df:
        reason = f"the model has fewer than {preset.minimum_residual_df} rows beyond its coefficients"
        raise ModelWithheld(Reason.RESIDUAL_DF, f"{reason}: use fewer terms, or more years")


def check_complete(values: Iterable[object], counted: Iterable[object]) -> None:
    """Raise `ModelWithheld` where something that a model is fitted to was not counted."""
    if set(values) - set(counted):
        raise _missing()


def _pattern_fails(formula: ModelFormula, pattern: PatternCount, preset: Preset) -> bool:
    sides = [pattern.children, pattern.nonzero, *([pattern.zero] if formula.outcome.indicator else [])]
    return any(_is_too_few(each, preset) for each in sides)


def _named(formula: ModelFormula, pattern: PatternCount) -> ChildCount:
    return ChildCount(tuple(zip(formula.columns, pattern.values, strict=True)))


def is_of_levels(count: ChildCount) -> bool:
    """Whether it counts all with some levels, whatever else they have."""
    return not count.nonzero and count.zero is None


def _is_a_few(children: int, preset: Preset) -> bool:
    return children > 0 and preset.least_alike(children) < preset.minimum_n_model


def _is_too_few(children: int, preset: Preset) -> bool:
    return _is_a_few(children, preset) or children < 0 or (children == 0 and not preset.shows_zero)


def _check_none(failed: Sequence[ChildCount], preset: Preset) -> None:
    if not failed:
        return
    named = "; ".join(dict.fromkeys(each.label for each in failed[:NAMED]))
    zero = "" if preset.shows_zero else ", or none,"
    few = f"fewer than {preset.minimum_n_model} children{zero} are in or just outside: {named}"
    raise ModelWithheld(Reason.TOO_FEW_CHILDREN, f"{few}. Group levels, leave out a term, or pool years")


def _missing() -> ModelWithheld:
    return ModelWithheld(Reason.COUNT_MISSING, "a count that the model rests on was not made: ask for it and try again")
