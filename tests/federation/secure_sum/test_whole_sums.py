"""Whole sums: what is opened is the plain sum over those who answered, or nothing at all."""

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from federation.secure_sum.rosters import make_roster
from federation.secure_sum.steps import Fail
from tests.federation.secure_sum.troupe import EPOCH, Troupe, make_troupe

WORDS = st.integers(-(2**63), 2**64 - 1)


def plain_sum(values: Mapping[str, list[int]]) -> list[int]:
    """What the sum is without any mask, as it is read: from -2**63 on."""
    sums = [sum(column) % 2**64 for column in zip(*values.values(), strict=True)]
    return [value - 2**64 if value >= 2**63 else value for value in sums]


def test_everyone_answers_and_two_trips_give_the_sum() -> None:
    troupe = make_troupe()
    troupe.deal(1)
    values = {name: [place, -place, 2**40] for place, name in enumerate(troupe.names)}
    assert troupe.run(troupe.query(), values) == [21, -21, 7 * 2**40]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), count=st.integers(5, 9), cells=st.integers(1, 40))
def test_dropouts_at_any_step_leave_the_sum_over_the_survivors_or_nothing(
    data: st.DataObject, count: int, cells: int
) -> None:
    """Some never answer, some answer and are never heard of again: down to the threshold the sum is exact."""
    troupe = make_troupe(count)
    troupe.deal(1)
    silent = data.draw(st.sets(st.sampled_from(troupe.names)))
    later = data.draw(st.sets(st.sampled_from(troupe.names)))
    column = st.lists(WORDS, min_size=cells, max_size=cells)
    values = {name: data.draw(column) for name in troupe.names if name not in silent}
    opened = troupe.run(troupe.query(cells=cells), values, silent_later=later)
    if len(values) < troupe.roster.threshold or len(values.keys() - later) < troupe.roster.threshold:
        assert isinstance(opened, Fail)
    else:
        assert opened == plain_sum(values)


@pytest.mark.parametrize("dropped", [0, 1, 2])
def test_a_region_adds_up_among_itself(dropped: int) -> None:
    """One set of pair roots serves every standing roster, each with slots of its own."""
    troupe: Troupe = make_troupe(9)
    region = make_roster(EPOCH, troupe.names[1:8])
    troupe.deal(1)
    troupe.deal(1, region)
    values = {name: [1] for name in region.members[dropped:]}
    query = troupe.query(cells=1, roster=region)
    opened = troupe.run(query, values)
    assert opened == [7 - dropped]
