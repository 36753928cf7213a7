"""Totals of so many authorities that none has more than one child: what is left without it is as good as all."""

from disclosure_control.rows.others import Others, reckon_others
from query_engine.planning.capped_counts import capped_counts
from query_engine.tables import RawTable


def of_many(raw: RawTable) -> Others:
    """The others of a total of which nobody takes anything away."""
    sizes = {
        each: [
            whole - less
            for whole, less in zip(
                raw.statistic(each.whole),
                raw.statistic(each.less) if each.less else [0] * raw.plan.cells,
                strict=True,
            )
        ]
        for each in capped_counts(raw.plan)
    }
    return reckon_others(raw, sizes, 0)
