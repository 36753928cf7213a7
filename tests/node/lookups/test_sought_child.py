"""Whom a form or a file describes: read as people write it, and what is wrong told at its field and never repeated."""

from datetime import date

import pytest

from federation.lookups import ChildSought
from federation.typed_days import DAY_FORMS
from node.lookups.one_child import check_question
from node.lookups.sought_child import SoughtUnclear, read_sought

UPN = "A823456789012"
ANN = {"forename": "Ann", "surname": "Lee"}


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({}, {"upn"}),
        ({"upn": "A12"}, {"upn"}),
        ({"upn": UPN, "la_child_id": "7"}, {"la_child_id"}),
        (ANN, {"date_of_birth"}),
        ({"forename": "Ann", "date_of_birth": "01/03/2012"}, {"surname"}),
        ({"date_of_birth": "2012-03-01"}, {"forename", "surname"}),
        ({**ANN, "date_of_birth": "1 March"}, {"date_of_birth"}),
        ({**ANN, "date_of_birth": "30/02/2012"}, {"date_of_birth"}),
        ({"upn": UPN, "date_of_birth": "20120301"}, {"date_of_birth"}),
        ({"upn": UPN, "forename": "Ann"}, {"forename"}),
        ({"upn": UPN, "loosely": "true"}, {"loosely"}),
        ({"la_child_id": "7\n8"}, {"la_child_id"}),
        ({"somebody": "else"}, {"upn"}),
        ({"upn": UPN, "somebody": "else"}, {"upn"}),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_not_repeated(fields: dict[str, str], at: set[str]) -> None:
    with pytest.raises(SoughtUnclear) as refused:
        read_sought(fields)
    assert set(refused.value.errors) == at
    assert not any(value in str(refused.value) for value in fields.values())


def test_a_day_that_is_none_is_answered_with_how_one_is_written() -> None:
    with pytest.raises(SoughtUnclear, match=DAY_FORMS):
        read_sought({**ANN, "date_of_birth": "12/31/2012"})


def test_a_number_is_read_however_it_is_typed() -> None:
    assert read_sought({"upn": " a8234 56789012 ", "surname": ""}) == ChildSought(upn=UPN)


@pytest.mark.parametrize("typed", ["2012-03-01", "01/03/2012", "1/3/2012", "1 3 2012", "01.03.2012"])
def test_a_day_is_read_as_british_forms_and_as_files_have_it(typed: str) -> None:
    assert read_sought({**ANN, "forename": "Ann ", "date_of_birth": typed, "loosely": "true"}) == ChildSought(
        forename="Ann", surname="Lee", date_of_birth=date(2012, 3, 1), loosely=True
    )


@pytest.mark.parametrize(
    ("whose", "at", "told"),
    [("", "301", "where"), ("elsewhere", "301", "where"), ("theirs", "", "at"), ("ours", "301", "date_of_birth")],
)
def test_a_question_that_nobody_could_answer_is_told_at_its_field(whose: str, at: str, told: str) -> None:
    with pytest.raises(SoughtUnclear) as refused:
        check_question(ChildSought(upn=UPN), whose=whose, at=at)
    assert [*refused.value.errors] == [told]
