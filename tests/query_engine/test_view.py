"""HAVING, ORDER BY and LIMIT over a released table: what they keep and in which order, withheld figures included."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from query_engine.catalogue import Catalogue
from query_engine.language.parser import parse_query
from query_engine.query.view import WHOLE, apply_view
from tests.query_engine.example_counts import examples

Row = tuple[object, ...]
Show = Callable[[str], str]

COLUMNS = ("sex", "n", "mean")
RELEASED: list[Row] = [
    ("M", 40, Decimal("1.5")),
    ("F", 15, "c"),
    ("U", "c", "c"),
    (None, 0, "z"),
]
"""A table with a small cell, a withheld mean, and a missing category in which there is nobody to average."""


def is_withheld(entry: object) -> bool:
    return entry in ("c", "z", "x", "k")


@pytest.fixture
def show(catalogue: Catalogue) -> Show:
    """`show(view)`: the categories that a view of the table shows, in its order."""

    def shown(view: str) -> str:
        sql = f"SELECT sex, COUNT(*) AS n, AVG(suspensions) AS mean FROM child_year GROUP BY sex {view}"
        rows = apply_view(parse_query(sql, catalogue).view, COLUMNS, RELEASED, is_withheld)
        return " ".join(str(row[0]) for row in rows)

    return shown


@pytest.mark.parametrize(
    ("view", "rows"),
    [
        ("", "M F U None"),
        # A withheld figure could meet any condition, so its row stays.
        ("HAVING n > 20", "M U"),
        ("HAVING n <= 20", "F U None"),
        ("HAVING n = 40", "M U"),
        ("HAVING n <> 40", "F U None"),
        ("HAVING 20 < n", "M U"),
        ("HAVING n BETWEEN 10 AND 20", "F U"),
        ("HAVING n NOT BETWEEN 10 AND 20", "M U None"),
        ("HAVING COUNT(*) >= 15", "M F U"),
        ("HAVING AVG(suspensions) > 1000", "F U None"),
        ("HAVING mean < -1.25", "F U None"),
        # NOT leaves open what was open.
        ("HAVING NOT n > 20", "F U None"),
        ("HAVING NOT NOT n > 20", "M U"),
        # Of two conditions, a known one decides where it can.
        ("HAVING n > 20 AND mean > 1", "M U"),
        ("HAVING n > 20 AND mean > 2", "U"),
        ("HAVING n > 100 OR mean > 2", "F U None"),
        ("HAVING NOT (n > 20 AND mean > 1)", "F U None"),
        ("HAVING NOT (n > 20 OR mean > 1)", "F U None"),
        # Withheld figures come last, whichever way the others are sorted; missing categories come before them.
        ("ORDER BY n", "None F M U"),
        ("ORDER BY n DESC", "M F None U"),
        ("ORDER BY mean", "M F U None"),
        ("ORDER BY mean DESC NULLS FIRST", "M F U None"),
        ("ORDER BY sex", "F M U None"),
        ("ORDER BY sex DESC", "U M F None"),
        ("ORDER BY 2", "None F M U"),
        ("ORDER BY COUNT(*) DESC", "M F None U"),
        ("ORDER BY mean, n", "M None F U"),
        ("ORDER BY mean, n DESC", "M F None U"),
        # LIMIT counts the rows that are left, in their order.
        ("LIMIT 2", "M F"),
        ("LIMIT 0", ""),
        ("LIMIT 2 OFFSET 3", "None"),
        ("OFFSET 2", "U None"),
        ("HAVING n < 30 ORDER BY n DESC LIMIT 2", "F None"),
    ],
)
def test_what_a_view_shows(view: str, rows: str, show: Show) -> None:
    assert show(view) == rows


figures = st.integers(0, 9) | st.sampled_from(["c", "z"])
tables = st.lists(st.tuples(st.sampled_from(["a", "b", None]), figures, figures), max_size=8)
views = st.sampled_from(
    [
        "HAVING n > 4",
        "HAVING NOT (n > 4 OR mean < 3)",
        "HAVING n > 2 AND NOT mean BETWEEN 3 AND 5",
        "ORDER BY n DESC, mean",
        "HAVING mean <> 3 ORDER BY mean, sex DESC LIMIT 5 OFFSET 1",
    ]
)


@settings(max_examples=examples(100), derandomize=True, deadline=None)
@given(rows=tables, view=views, guesses=st.lists(st.integers(0, 9), min_size=16, max_size=16))
def test_having_never_leaves_out_a_row_that_could_be_meant(
    rows: list[Row], view: str, guesses: list[int], catalogue: Catalogue
) -> None:
    """Whatever figures stand behind the symbols, the rows that would meet HAVING are among those shown."""
    sql = f"SELECT sex, COUNT(*) AS n, AVG(suspensions) AS mean FROM child_year GROUP BY sex {view.split(' LIMIT')[0]}"
    asked = parse_query(sql, catalogue).view
    numbered = [(place, *row) for place, row in enumerate(rows)]
    guess = iter(guesses)
    behind = [tuple(next(guess) if is_withheld(entry) else entry for entry in row) for row in numbered]
    columns = ("place", *COLUMNS)
    shown = {row[0] for row in apply_view(asked, columns, numbered, is_withheld)}
    meant = {row[0] for row in apply_view(asked, columns, behind, is_withheld)}
    assert meant <= shown


@settings(max_examples=examples(100), derandomize=True, deadline=None)
@given(rows=tables, view=views)
def test_a_view_shows_released_rows_and_nothing_else(rows: list[Row], view: str, catalogue: Catalogue) -> None:
    """Each row as it was released, and no more often; the whole view is the release."""
    sql = f"SELECT sex, COUNT(*) AS n, AVG(suspensions) AS mean FROM child_year GROUP BY sex {view}"
    left = list(rows)
    for row in apply_view(parse_query(sql, catalogue).view, COLUMNS, rows, is_withheld):
        left.remove(row)
    assert apply_view(WHOLE, COLUMNS, rows, is_withheld) == rows
