"""Tables under two versions of a preset, set against each other: each is read as it was protected."""

from dataclasses import replace

import pytest

from disclosure_control.linked.companions import find_companions
from disclosure_control.presets.preset import ByLevel, Preset
from disclosure_control.presets.shipped import load_preset
from tests.disclosure_control.linked.test_linked import ALL, BY_SEX, CHILDREN, C, table, told_together
from tests.disclosure_control.told_words import tell_hits


def version(number: str, *, least: int, base: int, shows_zero: bool = True) -> Preset:
    """A version of an authority's own preset."""
    return replace(
        load_preset("dfe_cin"),
        name="ours",
        version=number,
        smallest_count_shown=least,
        minimum_n_mean=max(least, 10),
        minimum_n_spread=max(least, 10),
        rounding_bases=ByLevel(base, base, base),
        zero="shown" if shows_zero else "withheld",
        symbols=load_preset("dfe_cin").symbols if shows_zero else load_preset("acro").symbols,
    )


EXACT = version("1", least=8, base=1)
ROUNDED = version("2", least=8, base=5)
STRICT = version("1", least=10, base=1)
LOOSE = version("2", least=5, base=1)


@pytest.mark.parametrize(("total", "girls"), [(30, (3, 7)), (34, (7, 11)), (35, None)])
def test_a_count_printed_exactly_then_is_exact_beside_rounded_ones(total: int, girls: tuple[int, int] | None) -> None:
    """25 boys are 23 to 27, so that of 30 children 3 to 7 are girls. Were 30 read as 28 to 32, they could be 9.

    Twelve they must be able to be: of boys who were printed in another step, c would say no more than that.
    """
    tables = table(ALL, total, preset=EXACT), table(BY_SEX, 25, C, preset=ROUNDED)
    assert told_together(*tables) == ([girls] if girls else [])
    assert find_companions(tables[:1], tables[1]) == ({0} if girls else frozenset())


def test_a_count_rounded_then_is_no_contradiction_to_the_exact_one() -> None:
    """30 is 28 to 32, and 19 and 13 are 32."""
    assert told_together(table(ALL, 30, preset=ROUNDED), table(BY_SEX, 19, 13, preset=EXACT)) == []
    assert find_companions([table(ALL, 30, preset=ROUNDED)], table(BY_SEX, 19, 13, preset=EXACT)) == frozenset()


def test_a_count_that_one_version_withholds_is_not_printed_by_a_looser_one() -> None:
    """Seven girls are under 10 and over 5."""
    withheld, shown = table(BY_SEX, 50, C, preset=STRICT), table(BY_SEX, 50, 7, preset=LOOSE)
    assert told_together(withheld, shown) == [(7, 7)]
    assert find_companions([withheld], shown) == {1}
    assert find_companions([withheld], table(BY_SEX, 50, 12, preset=LOOSE)) == frozenset()
    assert find_companions([], shown) == frozenset()


def test_nor_bounded_by_what_a_looser_one_prints() -> None:
    """Of 57 children 7 are girls: over the looser threshold, and under that which they were withheld by."""
    total = table(ALL, 57, preset=LOOSE)
    withheld = table(BY_SEX, 50, C, preset=STRICT)
    assert told_together(withheld, total) == [(7, 7)]
    assert find_companions([withheld], total) == {0}
    assert tell_hits("301", [withheld, total]) == ["301: n of sex F is known to be 7 from this release and R-1."]
    assert find_companions([table(BY_SEX, C, C, preset=STRICT)], total) == frozenset()


def test_zero_that_one_version_withholds_is_not_printed_by_another() -> None:
    hiding = version("1", least=8, base=1, shows_zero=False)
    withheld, shown = table(BY_SEX, 50, C, preset=hiding), table(BY_SEX, 50, 0, preset=EXACT)
    assert told_together(withheld, shown) == [(0, 0)]
    assert find_companions([withheld], shown) == {0, 1}


def test_a_group_that_two_versions_tell_apart_has_the_threshold_of_the_stricter() -> None:
    """All but those of age 9 are 72 of 80: the 8 are nobody's to know, whoever asks first."""
    others = f"{ALL} AND NOT (age = 9)"
    for first, second in ((STRICT, LOOSE), (LOOSE, STRICT)):
        assert told_together(table(ALL, 80, preset=first), table(others, 72, preset=second)) == [(8, 8)]
    assert told_together(table(ALL, 80, preset=LOOSE), table(others, 72, preset=LOOSE)) == []


def test_one_version_by_itself_tells_what_it_did() -> None:
    young = f"SELECT COUNT(*) AS n {CHILDREN} AND age < 9"
    for preset in (STRICT, LOOSE, EXACT):
        assert told_together(table(young, 40, preset=preset), table(BY_SEX, 50, 60, preset=preset)) == []
