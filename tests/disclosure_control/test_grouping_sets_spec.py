"""What is withheld of totals: none is shown over a cell of which anything is withheld."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.presets import load_preset
from disclosure_control.protection import protect
from query_engine.planning.plan import TOTAL, QueryPlan
from query_engine.tables import RawTable

MakePlan = Callable[[str], QueryPlan]
ReleaseSpec = Callable[[str, str, str, str], None]


TOTALLED = "SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY CUBE (sex, uasc)"


def test_no_total_is_shown_over_a_withheld_cell(release_spec: ReleaseSpec) -> None:
    """Four boys are withheld, and so is every total that they are part of; the totals of others are shown.

    Nothing that is shown has the four in its sum, so no adding and taking away of shown figures can reach them.
    """
    release_spec(
        "dfe_cla",
        TOTALLED,
        """
        sex   | uasc  | children
        M     | True  | 4
        M     | False | 30
        F     | True  | 20
        F     | False | 50
        Total | True  | 24
        Total | False | 80
        M     | Total | 34
        F     | Total | 70
        Total | Total | 104
        """,
        """
        sex   | uasc  | n
        M     | False | 30
        M     | True  | c
        F     | False | 50
        F     | True  | 20
        M     | Total | c
        F     | Total | 70
        Total | False | 80
        Total | True  | c
        Total | Total | c
        """,
    )


def test_a_total_goes_with_any_figure_of_a_cell_in_it(release_spec: ReleaseSpec) -> None:
    """A withheld mean takes the whole total with it, since the count beside it would tell which cell is odd."""
    release_spec(
        "dfe_cla",
        "SELECT sex, COUNT(*) AS n, AVG(suspensions) AS mean FROM child_year GROUP BY ROLLUP (sex)",
        """
        sex   | children | mean.sum | mean.nonzero
        M     | 40       | 30       | 1
        F     | 40       | 40       | 30
        Total | 80       | 70       | 31
        """,
        """
        sex   | n  | mean
        M     | 40 | c
        F     | 40 | 1
        Total | c  | c
        """,
    )


cells = st.dictionaries(
    st.tuples(st.sampled_from(["M", "F"]), st.sampled_from([False, True])), st.integers(0, 14), min_size=4, max_size=4
)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(drawn=cells)
def test_a_withheld_cell_is_in_no_sum_that_is_shown(drawn: dict[tuple[str, bool], int], make_plan: MakePlan) -> None:
    """Any number in a withheld cell's place gives the same release, as far as it remains withheld: nothing depends on
    it, which is more than that nothing can be solved for it."""
    plan, preset = make_plan(TOTALLED), load_preset("dfe_cla")

    def release(children: dict[tuple[str, bool], int]) -> tuple[object, ...]:
        def inside(cell: tuple[object, ...]) -> int:
            return sum(n for key, n in children.items() if all(c in (TOTAL, k) for c, k in zip(cell, key, strict=True)))

        counted = [inside(cell) for cell in plan.iter_cells()]
        return protect(RawTable(plan, {each.name: counted for each in plan.statistics}), preset).rows

    few = {key for key, number in drawn.items() if 0 < number < preset.smallest_count_shown}
    for other in range(1, preset.smallest_count_shown):
        assert release(drawn | dict.fromkeys(few, other)) == release(drawn)
