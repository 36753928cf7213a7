"""The personal education plan of each term: is it due, overdue, complete? It is reviewed in every term of care."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from node.terms import term_of
from node.tracking.ambition import last_day
from node.tracking.facts import Plan
from node.tracking.known import LoadedPlan
from node.tracking.values import tell_term


class PlanState(StrEnum):
    """How the plan of a term stands on a day."""

    COMPLETED = "completed"
    COMPLETED_LATE = "completed late"
    NOT_ON_TIME = "reviewed, not on time"
    MET = "met, not completed"
    DUE = "due"
    OVERDUE = "overdue"


@dataclass(frozen=True)
class TermPlan:
    """The plan of one term: by when it is due, how it stands, and what is known of it, tracked or loaded."""

    term: str
    due: date
    state: PlanState
    quality: str | None = None
    sdq_strategies: bool | None = None
    completed_date: date | None = None

    @property
    def told_term(self) -> str:
        """The term in words."""
        return tell_term(self.term)

    @property
    def is_open(self) -> bool:
        """Whether it has still to be completed."""
        return self.state in (PlanState.MET, PlanState.DUE, PlanState.OVERDUE)


def state_of(plan: Plan | None, due: date, today: date) -> PlanState:
    """How a plan that is due by a day stands today."""
    if plan is not None and plan.completed_date is not None:
        return PlanState.COMPLETED if plan.completed_date <= due else PlanState.COMPLETED_LATE
    if today > due:
        return PlanState.OVERDUE
    return PlanState.MET if plan is not None else PlanState.DUE


def list_plans(
    plans: Iterable[Plan], care_start: date | None, today: date, loaded: Iterable[LoadedPlan] = ()
) -> tuple[TermPlan, ...]:
    """The plans of every term of this academic year and the one before in which the child was in care, newest first.

    A plan of another term is listed too where there is one. Of a term that the tracking record does not tell of, what
    was loaded counts.
    """
    tracked, told = {plan.term: plan for plan in plans}, {plan.term: plan for plan in loaded}
    terms = {*tracked, *told, *_terms_in_care(care_start or today, today)}
    listed = (_stand(term, tracked.get(term), told.get(term), today) for term in terms)
    return tuple(sorted(listed, key=lambda each: each.due, reverse=True))


def _stand(term: str, plan: Plan | None, loaded: LoadedPlan | None, today: date) -> TermPlan:
    due = last_day(term)
    if plan is None and loaded is not None:
        state = PlanState.COMPLETED if loaded.on_time else PlanState.NOT_ON_TIME
        return TermPlan(term, due, state, loaded.quality, loaded.sdq_strategies)
    state = state_of(plan, due, today)
    known = (plan.quality, plan.sdq_strategies, plan.completed_date) if plan else ()
    return TermPlan(term, due, state, *known)


def _terms_in_care(care_start: date, today: date) -> Iterator[str]:
    year = term_of(today).academic_year // 100
    day = max(care_start, date(year - 1, 9, 1))
    while day <= today:
        term = str(term_of(day))
        yield term
        day = last_day(term) + timedelta(days=1)
