"""Which names and dates are taken for one another, as tables."""

from datetime import date

import pytest

from node.lookups.likeness import are_like, is_like, is_same, list_like_dates

ALIKE = [
    ("Catherine", "Kathryn"),
    ("Mohammed", "Muhammad"),
    ("O'Brien", "OBrien"),
    ("Zoë", "Zoe"),
    ("Anne-Marie", "Anne Marie"),
    ("Smith", "Smyth"),
    ("Martin", "Matrin"),
    ("Oliver", "Olivr"),
]
UNLIKE = [("Oliver", "Olivia"), ("Ann", "Dan"), ("Jones", "Smith"), ("", "Smith"), ("", ""), ("-", "'"), ("王", "李")]


@pytest.mark.parametrize(("one", "two"), ALIKE)
def test_names_that_are_taken_for_one_another(one: str, two: str) -> None:
    assert is_like(one, two)
    assert is_like(two, one)


@pytest.mark.parametrize(("one", "two"), UNLIKE)
def test_names_that_are_not(one: str, two: str) -> None:
    assert not is_like(one, two)
    assert not is_like(two, one)


def test_forename_and_surname_may_stand_in_each_others_place_when_sought_loosely() -> None:
    assert are_like(("Thomas", "James"), ("James", "Tomas"))
    assert not is_same(("Thomas", "James"), ("James", "Thomas"))
    assert is_same(("Thomas", "O'Brien"), ("thomas", "o brien"))
    assert not is_same(("", "James"), ("", "James"))


def test_a_date_is_taken_for_those_with_two_figures_exchanged_and_no_other() -> None:
    like = list_like_dates(date(2012, 3, 1))
    assert {date(2012, 3, 1), date(2012, 1, 3), date(2012, 3, 10), date(2021, 3, 1)} <= like
    assert date(2012, 3, 2) not in like
    assert len(like) < 10
