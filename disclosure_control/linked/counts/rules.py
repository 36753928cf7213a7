"""What counts are held to: each by the rule of the preset that protected it, and all together by the strictest."""

from collections.abc import Sequence
from dataclasses import replace

from disclosure_control.presets.preset import TOTAL_LEVEL, ByLevel, Preset
from disclosure_control.suppression.rules import CountRule
from query_engine.planning.plan import QueryPlan

__all__ = ["Rules", "rule_for", "strictest"]

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
