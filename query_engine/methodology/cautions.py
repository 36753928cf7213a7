"""What a statistician would stop or warn of before a query is run, decided from the plan and the view alone.

The rules are declared in `guards.toml`; `asked` has what their words mean of a question. A rule that refuses does so to
those who ask: by `circe query check`, by the hub, and by the asker's own client before anything is signed. Nodes hold
to the plan and to their own policy, and no node's answer depends on a rule here.
"""

from dataclasses import dataclass

from query_engine.methodology.asked import Asked
from query_engine.methodology.guards import Guard, Guards, load_guards
from query_engine.planning.plan import QueryPlan
from query_engine.query.view import WHOLE, View
from query_engine.refusal import QueryRefused, RefusalCode


@dataclass(frozen=True, slots=True)
class Caution:
    """What a rule has to say of one question: `text` is why, `instead` the changes that would make it sound."""

    guard: Guard
    text: str

    @property
    def rule(self) -> str:
        """The rule's name."""
        return self.guard.name

    @property
    def instead(self) -> tuple[str, ...]:
        """The changes that would make the question sound."""
        return self.guard.instead

    @property
    def source(self) -> str:
        """The rule, and the recommendation of the policy paper that it holds to where there is one."""
        number = self.guard.recommendation
        return self.rule if number is None else f"{self.rule}, recommendation {number}"

    @property
    def whole_text(self) -> str:
        """The reason and the changes as one paragraph."""
        return f"{self.text} Instead: {'; '.join(self.instead)}."

    def to_json(self) -> dict[str, object]:
        """The warning as `circe query check` prints it."""
        return {
            "rule": self.rule,
            "text": self.whole_text,
            "recommendation": self.guard.recommendation,
            "instead": list(self.instead),
        }


def check_methodology(plan: QueryPlan, view: View = WHOLE) -> None:
    """Check that no rule refuses the question. Raises `QueryRefused`, naming the rule and what would be sound."""
    for found in find_cautions(plan, view):
        if found.guard.severity == "refuse":
            title = f"{found.guard.title} ({found.source})."
            raise QueryRefused(RefusalCode.METHODOLOGY, f"{title} {found.whole_text}")


def cautions(plan: QueryPlan, view: View = WHOLE) -> tuple[Caution, ...]:
    """The warnings that a question calls for, in the order of the file."""
    return tuple(each for each in find_cautions(plan, view) if each.guard.severity == "warn")


def find_cautions(plan: QueryPlan, view: View = WHOLE, guards: Guards | None = None) -> tuple[Caution, ...]:
    """Every rule that fires, those which refuse among them."""
    guards = guards or load_guards()
    asked = Asked(plan, view, guards)
    fired = (each for each in guards.rules if asked.holds_any(each.when) and not asked.holds_any(each.unless))
    return tuple(Caution(each, each.text.format_map(_told(plan))) for each in fired)


def _told(plan: QueryPlan) -> dict[str, str]:
    return {
        "years": str(len(plan.academic_years)),
        "cells": f"{plan.cells:,}",
        "typical": f"{plan.governed.typical_size:,}",
    }
