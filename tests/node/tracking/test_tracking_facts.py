"""Facts of a tracking record: each kind declared whole, one way of writing, and errors that repeat no value."""

from dataclasses import fields
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.tracking.facts import Fact, FactInvalid, Withdrawal
from node.tracking.kinds import KINDS, Kind, key_of, kind_of, read_fact, write_fact
from policies.names import CHILD_RECORD
from tests.node.tracking.tracked_facts import FACTS


def test_every_fact_has_a_kind_and_every_kind_all_fields_of_its_fact() -> None:
    """A fact that no form, file or rule of access knows of could not be set down, or would be seen by anybody."""
    assert {kind.makes for kind in KINDS.values()} == set(get_args(Fact)) - {Withdrawal}
    for kind in KINDS.values():
        assert [field.name for field in kind.fields] == [field.name for field in fields(kind.makes)], kind.name
        assert set(kind.key) <= {field.name for field in kind.fields if field.required}, kind.name
        assert kind.group in CHILD_RECORD


@given(FACTS)
def test_a_fact_that_is_written_is_read_as_it_was(fact: Fact) -> None:
    written = write_fact(fact)
    again = read_fact(kind_of(fact), written)
    assert again == fact
    assert write_fact(again) == written
    assert key_of(again) == key_of(fact)


@settings(max_examples=50)
@given(st.sampled_from(list(KINDS.values())), st.data())
def test_texts_that_are_no_fact_are_told_field_by_field_without_a_value(kind: Kind, data: st.DataObject) -> None:
    secret, names = "Aurelia\n4711", [field.name for field in kind.fields]
    wrong = st.text(max_size=12).map(lambda text: secret + text)
    texts = data.draw(st.dictionaries(st.sampled_from(names), wrong, min_size=1))
    with pytest.raises(FactInvalid) as invalid:
        read_fact(kind, texts)
    assert set(texts) <= set(invalid.value.errors) <= set(names)
    assert "Aurelia" not in str(invalid.value)


WRONG = """
kind | texts | field | says
target | term=2024-autumn subject=english target=5 | term | such as 202425-summer
target | term=202425-autumn subject=english target=A* | target | write one of: BLW
pep | term=202425-autumn | meeting_date | say when the meeting was
pep | term=202425-autumn meeting_date=2024-11-02 completed_date=01/11/2024 | completed_date | before the day of
attendance | term=202425-autumn possible=10 authorised=6 unauthorised=5 | possible | more sessions
time_away | cause=suspension start_date=2024-11-04 end_date=2024-11-05 days=2.5 | days | fewer days
starting_point | subject=english grade=EXS assessed_on=30/02/2024 | assessed_on | as 31/03/2025 or 2025-03-31
support | kind=tuition start_date=2024-11-04 target_subject=english cost=1e3 | cost | write pounds
admission | request_date=2024-11-04 on_roll_date=2024-11-03 | on_roll_date | before the day of
"""


@pytest.mark.parametrize("row", WRONG.strip().splitlines()[1:])
def test_what_is_wrong_is_said_of_its_field(row: str) -> None:
    kind, texts, field, says = (part.strip() for part in row.split("|"))
    with pytest.raises(FactInvalid) as invalid:
        read_fact(KINDS[kind], dict(text.split("=") for text in texts.split()))
    assert says in invalid.value.errors[field]
