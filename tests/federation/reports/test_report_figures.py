"""What stands in the place of a share that a release has not."""

import pytest

from disclosure_control.rows.protected_table import Entry
from disclosure_control.symbols import Symbol
from federation.reports.figures import name_category, read_figures
from federation.reports.measures import CHILDREN, RESULT, Factor, load_measures
from federation.reports.shares import Count, Share
from query_engine.catalogue import load_catalogue
from query_engine.planning.plan import TOTAL

MEASURE = load_measures().find_measure("english_and_maths")


@pytest.mark.parametrize(
    ("reached", "not_reached", "symbol"),
    [
        (Symbol.CONFIDENTIAL, 40, Symbol.CONFIDENTIAL),
        (40, Symbol.CONFIDENTIAL, Symbol.CONFIDENTIAL),
        (0, 0, Symbol.NOT_APPLICABLE),
        (-3, 2, Symbol.UNRELIABLE),
        (12, -4, Symbol.UNRELIABLE),
    ],
)
def test_a_symbol_says_why_there_is_no_share(reached: Entry, not_reached: Entry, symbol: Symbol) -> None:
    rows = [("reached", reached), ("not_reached", not_reached), (None, Symbol.CONFIDENTIAL), (TOTAL, 50)]
    (line,) = read_figures(
        MEASURE, (RESULT, CHILDREN), list(enumerate(rows)), lambda _, count: Count(count, count, count)
    )
    assert line.share is None
    assert line.symbol is symbol


def share_with_noise(noise: int) -> Share:
    rows = [("reached", 40), ("not_reached", 160), (None, 0), (TOTAL, 200)]

    def print_count(_: int, count: int) -> Count:
        return Count(count, count - noise, count + noise)

    share = read_figures(MEASURE, (RESULT, CHILDREN), list(enumerate(rows)), print_count)[0].share
    assert share is not None
    return share


def test_noise_widens_what_a_share_could_well_be() -> None:
    (low, high), (lower, higher) = share_with_noise(0).ends, share_with_noise(20).ends
    assert lower < low < 20 < high < higher


def test_categories_are_named_as_they_are_read() -> None:
    assert [name_category(each) for each in (None, True, False, TOTAL, "ehc_plan", "foster_other")] == [
        "Not known",
        "Yes",
        "No",
        "All",
        "EHC plan",
        "Other foster care",
    ]


@pytest.mark.parametrize("factor", load_measures().factor, ids=lambda factor: factor.name)
def test_no_category_of_a_factor_is_shown_as_a_code(factor: Factor) -> None:
    """`SEMH` and `M` are codes of the returns; a designated teacher reads words."""
    tables = [load_catalogue().table(name).columns for name in ("child_year", "support")]
    column = next((columns[factor.name] for columns in tables if factor.name in columns), None)
    names = [name_category(each) for each in (column.domain or () if column is not None else ())]
    assert not [name for name in names if name.isupper() or "_" in name]
    assert len(set(names)) == len(names)
