"""What counts are held to: each by the rule of the preset that protected it, and all together by the strictest."""

from collections.abc import Sequence
from dataclasses import replace

from disclosure_control.presets.preset import TOTAL_LEVEL, ByLevel, Preset
from disclosure_control.suppression.rules import CountRule
from query_engine.planning.plan import QueryPlan

__all__ = ["Rules", "room_of", "rule_for", "steps_rule", "strictest"]

Rules = Sequence[CountRule]
"""Of each question, by its number, what its counts were held to."""


def rule_for(preset: Preset, plan: QueryPlan) -> CountRule:
    """A preset's rule for the rows of authorities, or for totals, which are rounded as those of the nation are."""
    base = (preset if plan.path == "per_authority" else preset.at(TOTAL_LEVEL)).rounding_base
    return replace(CountRule.of(preset), bases=ByLevel(base, base, base))


def strictest(rules: Rules) -> CountRule:
    """What none of the rules lets be told."""
    return replace(
        rules[-1],
        least=max(each.least for each in rules),
        shows_zero=all(each.shows_zero for each in rules),
    )


def steps_rule(rules: Rules) -> CountRule:
    """What a withheld count is held to: to be able to be as large as one that is shown, whichever row was refused.

    Where zeros are shown and counts are rounded, rows are printed in steps of the base, and some are refused: those
    have to leave room for all that c stands for. Where a step has room for all of it, none is refused.
    """
    rule, base = strictest(rules), max(each.bases.nation for each in rules)
    return replace(rule, least=room_of(rules)) if rule.shows_zero and 1 < base <= rule.least else rule


def room_of(rules: Rules) -> int:
    """How large a group that nobody asked for must be able to be, where zeros are withheld.

    That a row is withheld for its sake may say no more than "nobody or few", and not which few. Printed counts come in
    steps of the base, and so does what they leave room for: withheld are all steps up to the first that has room for
    whatever c stands for.
    """
    return max(each.least for each in rules) + max(each.bases.nation for each in rules) - 1
