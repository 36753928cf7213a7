"""What holds for every cell of any children: checked against the children themselves, not against the statistics."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from disclosure_control.presets.shipped import Preset, load_preset
from disclosure_control.presets.strictness import check_stricter
from disclosure_control.rows.protected_table import read_protected
from disclosure_control.rows.protection import protect
from disclosure_control.symbols import Symbol, Value
from query_engine.planning.plan import QueryPlan
from query_engine.tables import RawTable
from tests.disclosure_control.rounding_presets import ROUNDING

MakePlan = Callable[[str], QueryPlan]

SQL = """
    SELECT COUNT(*) AS n, COUNT(DISTINCT child) AS people, SUM(persistent_absentee) AS absent,
           AVG(persistent_absentee) AS absent_share, SUM(suspensions) AS total, AVG(suspensions) AS mean
    FROM child_year
"""


@dataclass(frozen=True)
class Child:
    """One child with one row: an answer that may be missing, and a quantity that may be missing."""

    absent: bool | None
    suspensions: int | None


CHILDREN = st.lists(
    st.builds(Child, st.sampled_from([True, False, False, None]), st.sampled_from([0, 0, 0, 1, 4, None])), max_size=60
)
ALIKE = st.builds(
    lambda number, child, others: [child] * number + others,
    st.integers(0, 60),
    st.builds(Child, st.sampled_from([True, False, None]), st.sampled_from([0, 2, None])),
    CHILDREN.map(lambda children: children[:12]),
)
PRESETS = st.sampled_from([load_preset(name) for name in ROUNDING])


def tabulate(plan: QueryPlan, children: list[Child]) -> RawTable:
    """What an engine would count, written out."""
    answered = [child.absent for child in children if child.absent is not None]
    counted = [child.suspensions for child in children if child.suspensions is not None]
    figures = {"rows": len(children), "children": len(children)}
    asked = {each.label: each for each in plan.outputs}
    for label, values in (("absent_share", answered), ("mean", counted)):
        rows, total = asked[label].statistics
        figures |= {rows: len(values), asked[label].present: len(values), total: sum(values)}
        figures |= {name: sum(1 for value in values if value) for name in asked[label].nonzero}
        figures |= {other: sum(1 for value in values if not value) for _, other in asked[label].sides}
    return RawTable(plan, {name: [figure] for name, figure in figures.items()})


def released(plan: QueryPlan, children: list[Child], preset: Preset) -> dict[str, Value]:
    """The one row of the protected table, after a journey over the wire."""
    table = read_protected(protect(tabulate(plan, children), preset).to_wire(), plan, preset)
    return dict(zip(table.columns, table.rows[0], strict=True))  # type: ignore[arg-type]


@settings(max_examples=50, derandomize=True, deadline=None)
@given(children=ALIKE, preset=PRESETS)
def test_no_printed_figure_rests_on_too_few_children(
    make_plan: MakePlan, children: list[Child], preset: Preset
) -> None:
    """Whoever is behind a printed figure, or left over beside it, is nobody or enough children."""
    printed = {label for label, value in released(make_plan(SQL), children, preset).items() if value != "c"}
    yes = sum(child.absent is True for child in children)
    no = sum(child.absent is False for child in children)
    unknown = sum(child.absent is None for child in children)
    counted = sum(child.suspensions is not None for child in children)
    suspended = sum(bool(child.suspensions) for child in children)
    groups = {
        "n": [len(children)],
        "people": [len(children)],
        "absent": [len(children), yes, no],
        "absent_share": [len(children), yes, no],
        "total": [len(children), counted, suspended],
        "mean": [len(children), counted, suspended],
    }
    leftovers = {"absent": unknown, "absent_share": unknown, "total": len(children) - counted}
    for label in printed:
        # Where zeros are shown, nobody is a fact like another.
        behind = [size for size in groups[label] if size or not preset.shows_zero]
        assert all(size >= preset.smallest_count_shown for size in behind), label
        assert not 0 < leftovers.get(label, 0) < preset.smallest_count_shown, label


@settings(max_examples=50, derandomize=True, deadline=None)
@given(children=ALIKE, preset=PRESETS)
def test_no_printed_count_is_small_or_unrounded(make_plan: MakePlan, children: list[Child], preset: Preset) -> None:
    row = released(make_plan(SQL), children, preset)
    for label in ("n", "people", "absent"):
        value = row[label]
        if not isinstance(value, Symbol):
            assert value == 0 or value >= preset.smallest_count_shown
            assert value % preset.rounding_base == 0
            assert value != 0 or preset.shows_zero


@settings(max_examples=50, derandomize=True, deadline=None)
@given(first=CHILDREN, second=CHILDREN, preset=PRESETS)
def test_a_withheld_cell_looks_the_same_whoever_is_in_it(
    make_plan: MakePlan, first: list[Child], second: list[Child], preset: Preset
) -> None:
    """From one child to one fewer than the threshold, nothing of them shows."""
    most = preset.smallest_count_shown - 1
    few, others = first[:most], second[:most]
    if few and others:
        assert released(make_plan(SQL), few, preset) == released(make_plan(SQL), others, preset)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(children=ALIKE, preset=PRESETS, more=st.integers(1, 8))
def test_a_stricter_preset_never_prints_what_a_looser_one_withholds(
    make_plan: MakePlan, children: list[Child], preset: Preset, more: int
) -> None:
    stricter = replace(
        preset,
        smallest_count_shown=preset.smallest_count_shown + more,
        minimum_n_mean=preset.minimum_n_mean + more,
        minimum_n_spread=preset.minimum_n_spread + more,
        minimum_n_correlation=preset.minimum_n_correlation + more,
        minimum_n_model=preset.minimum_n_model + more,
    )
    check_stricter(stricter, preset)
    loose, strict = (released(make_plan(SQL), children, each) for each in (preset, stricter))
    assert {label for label, value in loose.items() if value == "c"} <= {
        label for label, value in strict.items() if value == "c"
    }


@settings(max_examples=50, derandomize=True, deadline=None)
@given(children=ALIKE, preset=PRESETS)
def test_what_is_printed_is_near_the_truth(make_plan: MakePlan, children: list[Child], preset: Preset) -> None:
    """Counts are within half the base, averages within half of their last decimal place."""
    row = released(make_plan(SQL), children, preset)
    count, mean = row["n"], row["mean"]
    if isinstance(count, int):
        assert abs(count - len(children)) * 2 <= preset.rounding_base
    if not isinstance(mean, Symbol):
        counted = [child.suspensions for child in children if child.suspensions is not None]
        exact = Decimal(sum(counted)) / len(counted)
        assert abs(mean - exact) <= Decimal("0.500001").scaleb(-preset.mean_decimals)
