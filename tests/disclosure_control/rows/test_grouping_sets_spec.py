"""What is withheld of totals and beside them: no withheld figure is what is left of a total."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.presets.shipped import load_preset
from disclosure_control.release.gate import release_tables
from disclosure_control.rows.protection import protect
from disclosure_control.suppression.release_attack import attack_release
from query_engine.planning.plan import TOTAL, QueryPlan
from query_engine.tables import RawTable

MakePlan = Callable[[str], QueryPlan]
ReleaseSpec = Callable[[str, str, str, str], None]


TOTALLED = "SELECT sex, uasc, COUNT(*) AS n FROM child_year GROUP BY CUBE (sex, uasc)"


def test_companions_of_a_withheld_cell_are_withheld_and_totals_are_shown(release_spec: ReleaseSpec) -> None:
    """Four boys are withheld, and with them as few further cells as keep them from being worked out."""
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
        M     | False | c
        M     | True  | c
        F     | False | c
        F     | True  | c
        M     | Total | 34
        F     | Total | 70
        Total | False | 80
        Total | True  | 24
        Total | Total | 104
        """,
    )


def test_a_total_that_is_no_count_goes_with_any_figure_of_a_cell_in_it(release_spec: ReleaseSpec) -> None:
    """A withheld mean takes the mean of the total with it; the count of the total tells nothing about suspensions."""
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
        Total | 80 | c
        """,
    )


cells = st.dictionaries(
    st.tuples(st.sampled_from(["M", "F"]), st.sampled_from([False, True])), st.integers(0, 14), min_size=4, max_size=4
)


@settings(max_examples=15, derandomize=True, deadline=None)
@given(drawn=cells)
def test_no_withheld_cell_can_be_worked_out_from_totals(
    drawn: dict[tuple[str, bool], int], make_plan: MakePlan
) -> None:
    """Whatever the figures are, what is printed withstands the attack, and no small one is printed."""
    plan, preset = make_plan(TOTALLED), load_preset("dfe_cla")

    def inside(cell: tuple[object, ...]) -> int:
        return sum(n for key, n in drawn.items() if all(c in (TOTAL, k) for c, k in zip(cell, key, strict=True)))

    counted = [inside(cell) for cell in plan.iter_cells()]
    table = protect(RawTable(plan, {each.name: counted for each in plan.statistics}), preset)
    document = release_tables({"301": table}, {}, plan, preset).to_json()
    assert all(attack.is_safe for _, _, attack in attack_release(document, plan))
    few = range(1, preset.smallest_count_shown)
    assert all(row[-1] == "c" for row, count in zip(table.rows, counted, strict=True) if count in few)
