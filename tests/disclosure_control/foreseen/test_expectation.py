"""What is expected to be withheld: known chances, the direction of every change, and agreement with a simulation."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from disclosure_control.foreseen.expectation import Expectation, foresee
from disclosure_control.foreseen.frequencies import load_frequencies, read_frequencies
from disclosure_control.presets.shipped import list_presets, load_preset
from disclosure_control.suppression.cell_rules import SuppressionRules
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import QueryPlan
from query_engine.question import read_question
from query_engine.questions import load_questions

MakePlan = Callable[[str], QueryPlan]
WHERE = "counted_here AND academic_year = 202425 AND population = 'looked_after'"


def plan(selected: str, where: str = WHERE, table: str = "child_year", by: str = "") -> QueryPlan:
    grouped = f" GROUP BY {by}" if by else ""
    return read_question(f"SELECT {selected} FROM {table} WHERE {where}{grouped}").plan


def withheld(of: QueryPlan, preset: str = "opensafely") -> float:
    found = foresee(of, load_preset(preset))
    assert found is not None
    return found.withheld


# --- The file ------------------------------------------------------------------------------------------------------


def test_the_shares_of_every_column_add_up_to_one() -> None:
    """In each key stage, as far as four decimal places let them."""
    for stages in load_frequencies().values():
        assert sum(shares["key_stage"].get(stage, 0) for stage, shares in stages.items()) == pytest.approx(1, abs=0.002)
        for shares in stages.values():
            for column, found in shares.items():
                assert column == "key_stage" or sum(found.values()) == pytest.approx(1, abs=0.005)


def test_the_file_knows_every_table_and_no_other_column() -> None:
    """One that is renamed in the catalogue is renamed here, too."""
    tables = load_catalogue().tables
    assert set(load_frequencies()) == set(tables)
    for name, stages in load_frequencies().items():
        found = {column for shares in stages.values() for column in shares}
        governed = tables[name].columns
        assert found <= set(governed)
        geography = {"home_authority", "home_region", "host_authority", "host_region", "academic_year"}
        assert {each.name for each in governed.values() if each.role != "key"} - found <= geography


@pytest.mark.parametrize(
    ("condition", "share"),
    [
        ("academic_year = 202425", 1.0),
        ("academic_year BETWEEN 202223 AND 202425", 3.0),
        ("academic_year = 202425 AND (sex = 'M' OR sex <> 'M' OR sex IS NULL)", 1.0),
        ("home_region = 'London'", 1.0),
    ],
)
def test_shares_that_are_known_beforehand(condition: str, share: float) -> None:
    table = load_catalogue().table("child_year")
    assert read_frequencies(table).share(plan("COUNT(*) AS n", condition).where) == pytest.approx(share, abs=0.002)


def test_parts_add_up_to_the_whole() -> None:
    """Of measures, too, whose values are spread over bins, with 0 and missing apart."""
    frequencies = read_frequencies(load_catalogue().table("child_year"))
    parts = ["attendance_rate < 0.93", "attendance_rate >= 0.93", "attendance_rate IS NULL"]
    shares = [frequencies.share(plan("COUNT(*) AS n", each).where) for each in parts]
    assert sum(shares) == pytest.approx(1, abs=0.003)
    assert all(share > 0.01 for share in shares)


def test_what_depends_on_the_key_stage_is_foreseen_in_it() -> None:
    """Results of Key Stage 4 are of children in Key Stage 4: half of them are in year 11."""
    frequencies = read_frequencies(load_catalogue().table("child_year"))
    both = frequencies.share(plan("COUNT(*) AS n", "key_stage = 'key_stage_4' AND attainment8 IS NOT NULL").where)
    alone = frequencies.share(plan("COUNT(*) AS n", "attainment8 IS NOT NULL").where)
    assert both == pytest.approx(alone, rel=0.05)


# --- What is expected ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", list_presets())
def test_large_cells_are_shown_and_tiny_ones_withheld(preset: str) -> None:
    large = plan("sex, COUNT(*) AS n", "academic_year = 202425 AND sex IN ('M', 'F')", "pupil_year", "sex")
    tiny = plan("age, need, ethnicity_major, COUNT(*) AS n", f"{WHERE} AND uasc", by="age, need, ethnicity_major")
    assert withheld(large, preset) < 0.001
    assert withheld(tiny, preset) > 0.95


CLOSER = [
    ("fewer columns", plan("age, need, COUNT(*) AS n", by="age, need"), plan("age, COUNT(*) AS n", by="age")),
    (
        "more years",
        plan("need, ethnicity_major, COUNT(*) AS n", by="need, ethnicity_major"),
        plan(
            "need, ethnicity_major, COUNT(*) AS n",
            "academic_year BETWEEN 202223 AND 202425 AND counted_here AND population = 'looked_after'",
            by="need, ethnicity_major",
        ),
    ),
    ("fewer filters", plan("age, COUNT(*) AS n", f"{WHERE} AND uasc", by="age"), plan("age, COUNT(*) AS n", by="age")),
    (
        "a count rather than a share",
        plan("age, AVG(persistent_absentee) AS x", by="age"),
        plan("age, COUNT(*) AS n", by="age"),
    ),
    (
        "no filter of its own",
        plan("age, COUNT(DISTINCT child) FILTER (WHERE uasc) AS n", by="age"),
        plan("age, COUNT(DISTINCT child) AS n", by="age"),
    ),
    (
        "a mean rather than a correlation",
        plan("age, CORR(attendance_rate, sdq_score) AS x", by="age"),
        plan("age, AVG(attendance_rate) AS x", by="age"),
    ),
    (
        "no totals over what is withheld",
        plan("age, need, COUNT(*) AS n", by="ROLLUP (age, need)"),
        plan("age, COUNT(*) AS n", by="age"),
    ),
]


@pytest.mark.parametrize(("more", "less"), [pair[1:] for pair in CLOSER], ids=[pair[0] for pair in CLOSER])
def test_less_is_withheld_with(more: QueryPlan, less: QueryPlan) -> None:
    assert withheld(less) < withheld(more)


def test_a_stricter_preset_withholds_more() -> None:
    of = plan("age, need, COUNT(*) AS n", by="age, need")
    assert withheld(of, "dfe_cla") < withheld(of, "opensafely") < withheld(of, "ukllc")


def test_the_expectation_agrees_with_a_simulation() -> None:
    """Children drawn one by one into cells, and the preset's own rules asked about each cell."""
    of, preset, random = (
        plan("sex, key_stage, COUNT(*) AS n", by="sex, key_stage"),
        load_preset("opensafely"),
        Random(4),
    )
    expected = foresee(of, preset)
    assert expected is not None
    frequencies = read_frequencies(of.governed)
    rules = SuppressionRules.for_plan(of, preset)
    hidden = inhabited = 0
    whole = frequencies.share(of.where)
    weights = []
    for sex, stage in of.iter_cells():
        parts = [
            f"{name} IS NULL" if each is None else f"{name} = '{each}'"
            for name, each in (("sex", sex), ("key_stage", stage))
        ]
        weights.append(frequencies.share(plan("COUNT(*) AS n", f"{WHERE} AND {' AND '.join(parts)}").where) / whole)
    for _ in range(300):
        drawn = random.choices(range(of.cells), weights, k=round(expected.children * of.cells))
        for count in map(drawn.count, set(drawn)):
            inhabited += 1
            hidden += bool(rules.withheld({"rows": count, "children": count}))
    assert hidden / inhabited == pytest.approx(expected.withheld, abs=0.02)


def test_a_large_table_is_foreseen_from_some_of_its_cells() -> None:
    """And soon: the asker waits for it."""
    of = plan("age, need, ethnicity_major, key_stage, COUNT(*) AS n", by="age, need, ethnicity_major, key_stage")
    assert of.cells > 10_000
    assert withheld(of) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize(
    ("share", "words"), [(0.0, "0%"), (0.004, "under 1%"), (0.126, "13%"), (0.999, "99%"), (1.0, "100%")]
)
def test_a_share_in_words(share: float, words: str) -> None:
    """Nearly all is not all, and hardly any is not none."""
    assert Expectation(share, 1.0).in_words == words


def test_a_table_without_shares_is_spread_evenly() -> None:
    """A table that is new to the catalogue is foreseen roughly, not refused."""
    of = plan("COUNT(*) AS n", "sex = 'M'")
    table = replace(of.governed, name="unheard_of")
    assert read_frequencies(table).share(of.where) == pytest.approx(1 / 4)


# --- Every question ------------------------------------------------------------------------------------------------


def test_every_question_of_the_paper_can_be_foreseen() -> None:
    """Quantiles among them, which rest on no measure that could be zero."""
    for question in load_questions():
        for name in list_presets():
            assert foresee(read_question(question.sql).plan, load_preset(name)) is not None


def test_a_quantile_near_the_end_is_foreseen_to_be_withheld() -> None:
    """It needs enough children beyond it, which nobody has."""
    assert withheld(plan("QUANTILE_DISC(suspensions, 0.001) AS q")) == pytest.approx(1)
    assert withheld(plan("MEDIAN(suspensions) AS q")) < 0.01
