"""The counts of children that a model rests on are held to the preset before anything is fitted."""

from collections.abc import Mapping

import pytest

from disclosure_control.models.withholding import (
    ModelWithheld,
    Reason,
    check_left_out,
    check_model_counts,
    check_patterns,
    check_residual_df,
)
from disclosure_control.presets.shipped import load_preset
from query_engine.models.counts import ChildCount, PatternCount, two_way_counts
from query_engine.models.formula import Factor, Interaction, ModelFormula, Numeric
from tests.disclosure_control.rounding_presets import ROUNDING

SEX = Factor("sex", ("M", "F"))
NEED = Factor("need", ("N1", "N2", "N3"))
MET = Numeric("met", indicator=True)
MONTHS = Numeric("months")
LINEAR = ModelFormula("linear", Numeric("score"), (SEX, NEED, MONTHS))
LOGISTIC = ModelFormula("logistic", MET, (SEX, NEED))
POISSON = ModelFormula("poisson", Numeric("suspensions"), (SEX,))

FEMALES_IN_N2 = ChildCount((("need", "N2"), ("sex", "F")))
REFERENCES = ChildCount((("need", "N1"), ("sex", "M")))
FEMALE_MONTHS = ChildCount((("sex", "F"),), ("months",))
FEMALE_SCORES = ChildCount((("sex", "F"),), ("score",))
FEMALES = ChildCount((("sex", "F"),))


def counts_with() -> dict[ChildCount, int]:
    """Plenty of children everywhere: 600, and shared out evenly over the levels."""
    return {each: 600 // 3 ** len(each.levels) for each in two_way_counts(LINEAR)}


@pytest.mark.parametrize("preset", ROUNDING)
def test_a_model_on_plenty_of_children_passes(preset: str) -> None:
    check_model_counts(LINEAR, counts_with(), 0, load_preset(preset))


@pytest.mark.parametrize("count", [FEMALES_IN_N2, REFERENCES, FEMALE_MONTHS, FEMALE_SCORES, FEMALES, ChildCount()])
@pytest.mark.parametrize("preset", ROUNDING)
def test_any_small_count_withholds_the_model(preset: str, count: ChildCount) -> None:
    """A pair of levels, the reference levels among them, or the children behind a sum within a level."""
    rules = load_preset(preset)
    with pytest.raises(ModelWithheld) as raised:
        check_model_counts(LINEAR, counts_with() | {count: rules.minimum_n_mean - 1}, 0, rules)
    assert raised.value.code == Reason.TOO_FEW_CHILDREN
    assert count.label in raised.value.text
    if count != ChildCount():
        enough = next(each for each in range(100) if rules.least_alike(each) >= rules.minimum_n_mean)
        check_model_counts(LINEAR, counts_with() | {count: enough}, 0, rules)


@pytest.mark.parametrize(
    ("preset", "passes"), [("dfe_cla", True), ("ons_10_5", True), ("opensafely", False), ("ukllc", False)]
)
def test_an_empty_count_passes_only_where_zeros_are_shown(preset: str, passes: bool) -> None:
    """Nobody here means that everybody is elsewhere."""
    counts = counts_with() | {FEMALES_IN_N2: 0}
    if passes:
        check_model_counts(LINEAR, counts, 0, load_preset(preset))
        return
    with pytest.raises(ModelWithheld):
        check_model_counts(LINEAR, counts, 0, load_preset(preset))


@pytest.mark.parametrize("preset", ["opensafely", "ukllc"])
def test_nobody_and_a_few_are_refused_in_the_same_words(preset: str) -> None:
    texts = set()
    for children in (0, 1, 9):
        with pytest.raises(ModelWithheld) as raised:
            check_model_counts(LINEAR, counts_with() | {FEMALES_IN_N2: children}, 0, load_preset(preset))
        texts.add(raised.value.text)
    assert len(texts) == 1


def test_all_but_a_few_is_a_few() -> None:
    """In 600 children 595 with a level leave 5 without it, even where children have several rows and other levels."""
    rules = load_preset("dfe_cla")
    with pytest.raises(ModelWithheld, match="in or just outside: sex=F"):
        check_model_counts(LINEAR, counts_with() | {FEMALES: 595}, 0, rules)
    check_model_counts(LINEAR, counts_with() | {FEMALES: 594}, 0, rules)
    check_model_counts(LINEAR, counts_with() | {FEMALES: 600}, 0, rules)


@pytest.mark.parametrize("side", [ChildCount((("sex", "F"),), ("met",)), ChildCount((("sex", "F"),), (), "met")])
def test_a_yes_no_outcome_of_a_linear_model_is_held_on_both_sides(side: ChildCount) -> None:
    formula = ModelFormula("linear", MET, (SEX,))
    counts = dict.fromkeys(two_way_counts(formula), 300) | {ChildCount(): 600}
    check_model_counts(formula, counts, 0, load_preset("ukllc"))
    with pytest.raises(ModelWithheld):
        check_model_counts(formula, counts | {side: 3}, 0, load_preset("ukllc"))


def test_a_count_that_was_not_made_withholds_the_model() -> None:
    """Fails closed: each count in turn is needed."""
    whole = counts_with()
    for count in whole:
        with pytest.raises(ModelWithheld) as raised:
            check_model_counts(LINEAR, {each: n for each, n in whole.items() if each != count}, 0, load_preset("ukllc"))
        assert raised.value.code == Reason.COUNT_MISSING


def patterns_with(**changes: tuple[int, int, int]) -> list[PatternCount]:
    """Sixty children in each pattern, half of them with a yes; `F_N2` names one that differs."""
    keys = [(sex, need) for sex in SEX.levels for need in NEED.levels]
    return [PatternCount(key, *changes.get("_".join(map(str, key)), (60, 30, 30))) for key in keys]


@pytest.mark.parametrize("preset", ROUNDING)
def test_patterns_of_plenty_pass(preset: str) -> None:
    check_patterns(LOGISTIC, patterns_with(), 0, load_preset(preset))


Sides = tuple[int, int, int]


@pytest.mark.parametrize(
    ("preset", "sides", "passes"),
    [
        ("opensafely", (26, 13, 13), True),
        ("opensafely", (26, 14, 12), False),  # printed as 8 are, who are too few
        ("ons_10_5", (20, 10, 10), True),
        ("opensafely", (9, 9, 9), False),
        ("opensafely", (60, 9, 51), False),
        ("opensafely", (60, 51, 9), False),
        ("opensafely", (60, 0, 60), False),
        ("opensafely", (60, 60, 0), False),
        ("ons_10_5", (60, 0, 60), True),
        ("ons_10_5", (60, 9, 51), False),
        ("dfe_cla", (12, 6, 6), True),
        ("dfe_cla", (11, 6, 5), False),
        ("opensafely", (0, 0, 0), True),
        ("dfe_cla", (-1, 0, 0), False),
    ],
)
def test_each_pattern_is_held_on_each_side(preset: str, sides: Sides, passes: bool) -> None:
    """With as many coefficients as patterns, log odds and their errors give both numbers back.

    A pattern without anybody passes, as no estimate rests on it alone.
    """
    patterns = patterns_with(F_N2=sides)
    if passes:
        check_patterns(LOGISTIC, patterns, 0, load_preset(preset))
        return
    with pytest.raises(ModelWithheld, match=r"sex=F . need=N2"):
        check_patterns(LOGISTIC, patterns, 0, load_preset(preset))


def test_an_empty_level_of_a_term_is_refused_where_zeros_are_withheld() -> None:
    """That it has no estimate would tell of it: a level of a factor, or a combination in an interaction."""
    crossed = ModelFormula("logistic", MET, (SEX, NEED, Interaction((SEX, NEED))))
    empty_pair = patterns_with(F_N2=(0, 0, 0))
    empty_level = patterns_with(F_N2=(0, 0, 0), M_N2=(0, 0, 0))
    rules = load_preset("opensafely")
    with pytest.raises(ModelWithheld, match=r"need=N2 . sex=F"):
        check_patterns(crossed, empty_pair, 0, rules)
    with pytest.raises(ModelWithheld, match="need=N2"):
        check_patterns(LOGISTIC, empty_level, 0, rules)
    check_patterns(crossed, empty_level, 0, load_preset("ons_10_5"))


def test_counts_are_held_on_the_children_who_are_not_at_zero() -> None:
    """A quantity has no other side: that a few children were never suspended tells nothing of the others."""
    rules = load_preset("opensafely")
    check_patterns(POISSON, [PatternCount(("M",), 60, 58, 2), PatternCount(("F",), 60, 13, 55)], 0, rules)
    with pytest.raises(ModelWithheld):
        check_patterns(POISSON, [PatternCount(("M",), 60, 58, 2), PatternCount(("F",), 60, 4, 58)], 0, rules)


def test_nobody_at_all_is_withheld() -> None:
    with pytest.raises(ModelWithheld):
        check_patterns(LOGISTIC, [], 0, load_preset("dfe_cla"))


def test_a_few_left_out_are_told_by_subtraction() -> None:
    """Nobody left out is the ordinary case."""
    rules = load_preset("dfe_cla")
    for children in (0, 6, 200):
        check_left_out(children, rules)
    for children in (1, 5):
        with pytest.raises(ModelWithheld) as raised:
            check_model_counts(LINEAR, counts_with(), children, rules)
        assert raised.value.code == Reason.LEFT_OUT
        with pytest.raises(ModelWithheld) as raised:
            check_patterns(LOGISTIC, patterns_with(), children, rules)
        assert raised.value.code == Reason.LEFT_OUT


def test_degrees_of_freedom() -> None:
    preset = load_preset("ukllc")
    check_residual_df(preset.minimum_residual_df, preset)
    with pytest.raises(ModelWithheld, match="fewer than 10 rows beyond"):
        check_residual_df(preset.minimum_residual_df - 1, preset)


def test_a_long_refusal_names_a_few_places() -> None:
    """Five at most, and no number of children but the preset's own."""
    few: Mapping[ChildCount, int] = dict.fromkeys(two_way_counts(LINEAR), 3)
    with pytest.raises(ModelWithheld) as raised:
        check_model_counts(LINEAR, few, 0, load_preset("ukllc"))
    assert raised.value.text.count(";") == 4
    assert raised.value.text.startswith("fewer than 10 children, or none, are in or just outside: any level; ")
