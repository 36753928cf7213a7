"""Perturbation tables in both shapes: read strictly, written back alike, and turned from chances into keys."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from disclosure_control.cell_key.entropy import Shape, find_chances, make_table
from disclosure_control.cell_key.ptable import KeyRange, PTable, PTableInvalid
from disclosure_control.cell_key.ptable_files import (
    ONS_CYCLE,
    ONS_ROWS,
    read_ons,
    read_r,
    share_keys,
    write_ons,
    write_r,
)

SHAPE = Shape(3, 2.0)
ONS = "pcv,ckey,pvalue\n1,0,1\n1,255,-1\n"
R = "i;j;p;kum_p_u;kum_p_o;diff\n0;0;1;0;1;0\n1;0;0.25;0;0.25;-1\n1;1;0.5;0.25;0.75;0\n1;2;0.25;0.75;1;1\n"


def test_the_ons_shape_round_trips() -> None:
    """And changes every count as the table that it was written from."""
    made = make_table("t", SHAPE, 256)
    written = write_ons(made)
    table = read_ons(written, "t")
    assert (len(table.rows), table.cycle, table.keys) == (ONS_ROWS, ONS_CYCLE, 256)
    assert write_ons(table) == written
    assert all(table.changes(count) == made.changes(count) for count in (1, 2, 5, 9, 750, 751, 4000))


def test_what_has_no_line_in_the_ons_shape_is_not_changed() -> None:
    """As in the package of the Office for National Statistics, quoted heading or not."""
    for heading in ("pcv,ckey,pvalue", '"pcv","ckey","pvalue"'):
        table = read_ons(ONS.replace("pcv,ckey,pvalue", heading).encode(), "t")
        assert [table.perturb(1, key) for key in (0, 1, 255)] == [2, 1, 0]
        assert table.perturb(2, 0) == 2


@pytest.mark.parametrize("keys", [256, 4096])
def test_the_shape_of_r_round_trips(keys: KeyRange) -> None:
    """By way of the chances the table is the same."""
    assert read_r(write_r(find_chances(SHAPE)), "t", keys) == make_table("t", SHAPE, keys)


def test_the_shape_of_r_is_read_as_it_says() -> None:
    table = read_r(R.encode(), "t", 256)
    assert table.rows == ((*[-1] * 64, *[0] * 128, *[1] * 64),)
    assert table.cycle == 1


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("pcv,ckey", "pcv;ckey", "the first line must be"),
        ("1,0,1", "1,0", "line 2 must have 3 entries"),
        ("1,0,1", "1,0,1,1", "line 2 must have 3 entries"),
        ("1,0,1", "1,x,1", "line 2 must have whole numbers"),
        ("1,0,1", "1,0,1.5", "line 2 must have whole numbers"),
        ("1,0,1", "751,0,1", "line 2 is for a count"),
        ("1,0,1", "1,4096,1", "line 2 is for a count"),
        ("1,0,1", "1,255,0", "line 3 gives another change"),
        ("1,255,-1", "1,254,-1", "256 or 4096 keys"),
        ("1,0,1", "1,0,-2", "make a count negative"),
        ("\n1,0,1\n1,255,-1", "", "has no lines"),
    ],
)
def test_a_wrong_ons_file_is_refused(old: str, new: str, what: str) -> None:
    assert old in ONS
    with pytest.raises(PTableInvalid, match=what):
        read_ons(ONS.replace(old, new, 1).encode(), "t")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("1;0;0.25;0;0.25;-1", "1;0;0.25;0;0.25;1", "j less i must be diff"),
        ("1;0;0.25;0;0.25;-1", "1;0;1.25;0;0.25;-1", "a chance from 0 to 1"),
        ("1;0;0.25;0;0.25;-1", "1;0;nan;0;0.25;-1", "a chance from 0 to 1"),
        ("1;0;0.25;0;0.25;-1", "1;0;0.2;0;0.25;-1", "count 1 do not add up to 1"),
        ("1;0;0.25;0;0.25;-1", "1;1;0.25;0;0.25;0", "a second chance"),
        ("0;0;1;0;1;0\n", "", "every count from 0"),
    ],
)
def test_a_wrong_file_of_chances_is_refused(old: str, new: str, what: str) -> None:
    assert old in R
    with pytest.raises(PTableInvalid, match=what):
        read_r(R.replace(old, new, 1).encode(), "t", 256)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(content=st.binary(max_size=200))
@example(b'pcv,ckey,pvalue\n"')
@example(b"i;j;p;kum_p_u;kum_p_o;diff\n0;0;1e999;0;1;0\n")
def test_any_bytes_are_a_table_or_refused(content: bytes) -> None:
    with suppress(PTableInvalid):
        assert isinstance(read_ons(content, "t"), PTable)
    with suppress(PTableInvalid):
        assert isinstance(read_r(content, "t", 256), PTable)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    most=st.integers(1, 10),
    variance=st.floats(0.3, 9),
    unprinted=st.integers(0, 3),
    keys=st.sampled_from([256, 4096]),
)
def test_keys_are_shared_out_as_the_chances_say(most: int, variance: float, unprinted: int, keys: KeyRange) -> None:
    """The average stays 0 exactly, and each change has the keys of its chance to within a few."""
    try:
        rows = find_chances(Shape(most, variance, unprinted))
    except PTableInvalid:
        return
    for chances in rows:
        shared = share_keys(chances, keys)
        assert len(shared) == keys
        changes = sorted(chances)
        apart = max((high - low for low, high in pairwise(changes)), default=1)
        assert abs(sum(shared)) < apart
        assert all(abs(shared.count(change) - chance * keys) <= 3 for change, chance in chances.items())
