"""A model as a table that counts its rows: what it is set beside others by, since that number is printed with it.

Whoever has the number of rows of two models, or of a model and of a table, subtracts them as any counts. And a model of
all beside the same one of others says what it would be of those who are left: no more than a correlation is it to be
told of too few.
"""

import hashlib
from dataclasses import replace

from disclosure_control.models.release import ReleasedModel
from disclosure_control.rows.protected_table import Row
from query_engine.models.counts import ChildCount
from query_engine.models.design import Product
from query_engine.planning.plan import ModelPlan, Output, QueryPlan

__all__ = ["count_rows", "plan_rows"]


def plan_rows(plan: QueryPlan) -> QueryPlan:
    """The plan of a model as that of a table of one row, with the number and the model; any other plan as it is."""
    if plan.model is None:
        return plan
    rows, children = plan.model.sums[Product()], plan.model.counts[ChildCount()]
    outputs = (
        Output("rows", "count", statistics=(rows,), among=children, present=children, nonzero=(children,)),
        Output(_describe(plan.model), "model", statistics=(rows,), among=children, present=children),
    )
    return replace(plan, dimensions=(), sets=((),), outputs=outputs, model=None)


def _describe(model: ModelPlan) -> str:
    """The same for the same model, in whatever order its terms are."""
    formula = model.formula
    return f"{formula.family} model of {formula.outcome} by {', '.join(sorted(map(str, formula.terms)))}"


def count_rows(model: ReleasedModel) -> Row:
    """The row of a released model: its number of rows, and a number that is another where its estimates are others."""
    estimates = " ".join(f"{each.term} {each.estimate} {each.standard_error}" for each in model.terms)
    return model.rows, int(hashlib.sha256(estimates.encode()).hexdigest()[:15], 16)
