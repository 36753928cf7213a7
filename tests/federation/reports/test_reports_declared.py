"""The declared reports: each question can be planned, and each metric of recommendation 1 is told or accounted for."""

import pytest

from federation.manifest import Path
from federation.plans import derive_plan
from federation.reports.declared import MOST_FACTORS, Report, find_report, load_reports
from federation.reports.measures import (
    CHILD_YEAR,
    CHILDREN,
    RESULT,
    Factor,
    Measure,
    Question,
    load_measures,
    write_question,
)
from federation.reports.metrics import Metric, load_metrics
from federation.reports.places import LEVELS
from federation.state import StateError
from query_engine.catalogue import load_catalogue

MEASURES = load_measures()
YEAR = 202425


@pytest.mark.parametrize("measure", MEASURES.measure, ids=lambda each: each.name)
def test_every_measure_can_be_asked_of_nation_regions_and_authorities(measure: Measure) -> None:
    rows = derive_plan(write_question(measure, (), YEAR), Path.PER_AUTHORITY)
    for path in (Path.NOISY_SUM, Path.EXACT_SUM):
        nation, regions = (
            derive_plan(write_question(measure, (), YEAR, by_region=each), path) for each in (False, True)
        )
        assert {output.label for output in nation.outputs} == {RESULT, CHILDREN}
        assert regions.cells > nation.cells
    assert rows.academic_years == (YEAR,)


@pytest.mark.parametrize("factor", MEASURES.factor, ids=lambda each: each.name)
def test_every_factor_splits_a_measure(factor: Factor) -> None:
    """A piece of support can be one of any number, so that no total with noise is taken of it."""
    path = Path.NOISY_SUM if factor.table == CHILD_YEAR else Path.EXACT_SUM
    for by_region in (False, True):
        assert derive_plan(write_question(MEASURES.measure[0], [factor], YEAR, by_region=by_region), path).cells > 4
    assert derive_plan(write_question(MEASURES.measure[0], [factor], YEAR), Path.PER_AUTHORITY).cells > 4


def test_a_measure_can_be_split_by_two_factors_from_two_tables() -> None:
    plan = derive_plan(
        write_question(MEASURES.measure[0], MEASURES.find_factors(["support_kind", "sex"]), YEAR), Path.PER_AUTHORITY
    )
    assert set(plan.tables) == {"child_year", "support"}


@pytest.mark.parametrize("measure", MEASURES.measure, ids=lambda each: each.name)
def test_bands_have_names_and_the_share_is_of_some_of_them(measure: Measure) -> None:
    names = [name for name, *_ in measure.bands]
    assert measure.counted < set(names)
    assert len(set(names)) == len(names)
    assert MEASURES.find_population(measure).title


def test_every_factor_of_the_policy_paper_can_split_a_measure_or_is_one() -> None:
    """The paper's own list, by the catalogue's word for each."""
    columns = load_catalogue().table("child_year").columns
    told = {columns[each.name].factor for each in MEASURES.factor if each.table == CHILD_YEAR}
    text = " ".join(write_question(each, (), YEAR) for each in MEASURES.measure)
    told |= {column.factor for name, column in columns.items() if name in text}
    assert told >= {column.factor for column in columns.values()} - {"who, when and where"}


@pytest.mark.parametrize("report", load_reports(), ids=lambda each: each.name)
def test_every_report_is_made_of_what_there_is(report: Report) -> None:
    assert report.levels
    assert set(report.levels) <= set(LEVELS)
    for section in report.section:
        measures, factors = map(MEASURES.find_measure, section.measures), MEASURES.find_factors(section.by)
        assert len(factors) <= MOST_FACTORS
        assert bool(factors) == (section.show == "split")
        assert bool(section.question) == (section.show == "told")
        assert section.show == "places" or len(section.measures) == (section.show != "told")
        for measure in measures:
            assert derive_plan(write_question(measure, factors, YEAR), Path.PER_AUTHORITY).cells


@pytest.mark.parametrize("question", MEASURES.question, ids=lambda each: each.name)
def test_every_question_can_be_asked_of_authorities_and_of_england(question: Question) -> None:
    for path in (Path.PER_AUTHORITY, Path.EXACT_SUM):
        plan = derive_plan(question.write_sql(YEAR), path)
        assert question.by in {output.label for output in plan.outputs}
        assert plan.academic_years == (YEAR,)
    assert question.name in {each.question for report in load_reports() for each in report.section}


@pytest.mark.parametrize("metric", load_metrics(), ids=lambda each: each.title)
def test_every_metric_has_measures_or_the_reason_why_there_are_none(metric: Metric) -> None:
    assert bool(metric.measures) != bool(metric.why_not)
    assert all(MEASURES.find_measure(name) for name in metric.measures)
    assert "recommendation" in metric.asked_by or "section" in metric.asked_by


def test_the_metrics_reach_from_entry_to_25_and_are_all_in_their_report() -> None:
    told = {name for metric in load_metrics() for name in metric.measures}
    shown = {name for section in find_report("metrics").section for name in section.measures}
    assert shown <= told
    assert told <= {name for report in load_reports() for section in report.section for name in section.measures}
    assert {MEASURES.find_measure(name).topic for name in told} >= {"progress", "after 16", "after 18", "up to 25"}
    assert any("post-25" in metric.title and metric.why_not for metric in load_metrics())


def test_every_measure_is_in_a_report() -> None:
    shown = {name for report in load_reports() for section in report.section for name in section.measures}
    assert shown == {each.name for each in MEASURES.measure}


@pytest.mark.parametrize("name", ["x", "absence; DROP", ""])
def test_what_is_not_in_a_list_is_refused_with_what_is(name: str) -> None:
    for find in (MEASURES.find_measure, find_report, lambda each: MEASURES.find_factors([each])):
        with pytest.raises(StateError, match="choose one of"):
            find(name)
