"""The closed list of figures: each can be planned for every path that it is for, and counts the same children."""

import pytest

from federation.manifest import Path
from federation.plans import derive_plan
from federation.state import StateError
from node.earlier_rows import OF_SCHOOLS
from node.figures.comparing import list_plans
from node.figures.declared import CHILDREN, RESULT, Measure, load_declared, write_sql
from query_engine.catalogue import load_catalogue

DECLARED = load_declared()


@pytest.mark.parametrize("measure", DECLARED.measure, ids=lambda each: each.name)
def test_every_figure_counts_one_population_by_every_breakdown(measure: Measure) -> None:
    """Support is told piece by piece: of these tables each child is counted once for each kind."""
    own = [by for by in DECLARED.breakdown if by.table == "child_year"]
    plans = [derive_plan(write_sql(measure, by, 202425), Path.PER_AUTHORITY) for by in (None, *DECLARED.breakdown)]
    first = derive_plan(write_sql(DECLARED.measure[0], None, 202425), Path.PER_AUTHORITY)
    assert {plan.where for plan in plans[: len(own) + 1]} == {first.where}
    assert all(DECLARED.population == measure.population for measure in DECLARED.measure)
    assert all({RESULT, CHILDREN} <= {output.label for output in plan.outputs} for plan in plans)
    assert len({plan.plan_id for plan in plans}) == len(plans)


@pytest.mark.parametrize("measure", DECLARED.measure, ids=lambda each: each.name)
def test_the_nation_and_its_regions_can_be_asked_for_by_both_sums(measure: Measure) -> None:
    assert [len(list_plans(measure, 202425, by_region=each)) for each in (False, True)] == [2, 2]


@pytest.mark.parametrize("measure", DECLARED.measure, ids=lambda each: each.name)
def test_bands_are_apart_and_have_names(measure: Measure) -> None:
    names = [name for name, *_ in measure.bands]
    assert measure.counted < set(names)
    assert len(set(names)) == len(names)
    assert measure.name_band(None) == measure.missing
    assert [measure.name_band(name) for name in names] == [title for _, title, _ in measure.bands]


def test_no_breakdown_tells_of_a_school() -> None:
    """Figures of schools are not attacked beside tables that are split: none may be split by what schools are."""
    assert OF_SCHOOLS.isdisjoint(each.name for each in DECLARED.breakdown)
    assert set(load_catalogue().table("child_year").columns) >= OF_SCHOOLS


def test_every_topic_of_the_task_has_a_figure() -> None:
    topics = {each.topic for each in DECLARED.measure}
    schools = {"attainment", "attendance", "suspensions and exclusions", "stability", "personal education plans"}
    assert topics == schools | {"progress", "wellbeing"}


@pytest.mark.parametrize("name", ["x", "sex; DROP", "school_type"])
def test_what_is_not_in_the_list_is_no_figure(name: str) -> None:
    for find in (DECLARED.find_measure, DECLARED.find_breakdown):
        with pytest.raises(StateError, match="choose one of"):
            find(name)
