"""What is shown of a release: the view that the query asks for, with margins, as text, CSV and JSON."""

import csv
import io

import pytest

from disclosure_control.release.gate import ReleasedTable
from disclosure_control.release.showing import OF_ANOTHER_CATALOGUE, show_table
from query_engine.planning import plan
from query_engine.query import view
from tests.disclosure_control.drawn_releases import draw_release

ASKED = "SELECT sen_provision, COUNT(*) AS n, AVG(CASE WHEN uasc THEN 1 ELSE 0 END) AS share FROM child_year"
GROUPED = f"{ASKED} GROUP BY sen_provision"
CAMDEN = """
    120 0.250
    40  c
    15  0.667
    c   c
"""
HARINGEY = """
    60  0.500
    c   c
    40  0.250
    0   z
"""


def release(tail: str = "") -> ReleasedTable:
    """Two authorities that answered and one that did not, by SEN provision: none, support, a plan, and missing."""
    return draw_release(f"{GROUPED} {tail}", "ons_10_5", {"202": CAMDEN, "309": HARINGEY}, {"302": "late"})


# Barnet (302) did not answer. Of Camden's (202) missing category and Haringey's (309) "support" all is withheld, of
# Camden's "support" the share; in Haringey nobody's provision is missing, so that there is no share of them.
VIEWS = {
    "HAVING keeps what it cannot decide": (
        "HAVING n > 50",
        "202 none, 202 missing, 302 none, 302 support, 302 plan, 302 missing, 309 none, 309 support",
    ),
    "and its negation keeps that too": (
        "HAVING NOT n > 50",
        "202 support, 202 plan, 202 missing, 302 none, 302 support, 302 plan, 302 missing, 309 support, 309 plan, "
        "309 missing",
    ),
    "what is not applicable decides nothing": (
        "HAVING share > 0.9 AND n < 10",
        "202 missing, 302 none, 302 support, 302 plan, 302 missing, 309 support, 309 missing",
    ),
    "a figure that is shown decides AND": (
        "HAVING n > 30 AND share > 0.9",
        "202 support, 202 missing, 302 none, 302 support, 302 plan, 302 missing, 309 support",
    ),
    "a withheld figure leaves OR open": (
        "HAVING n > 100 OR share BETWEEN 0.6 AND 0.7",
        "202 none, 202 support, 202 plan, 202 missing, 302 none, 302 support, 302 plan, 302 missing, 309 support, "
        "309 missing",
    ),
    "withheld values sort last": (
        "ORDER BY n DESC LIMIT 7",
        "202 none, 309 none, 202 support, 309 plan, 202 plan, 309 missing, 202 missing",
    ),
    "and last the other way round": (
        "ORDER BY share LIMIT 7",
        "202 none, 309 plan, 309 none, 202 plan, 202 support, 202 missing, 302 none",
    ),
    "the missing category sorts after those that are present": (
        "ORDER BY sen_provision DESC, n LIMIT 12 OFFSET 6",
        "202 plan, 309 plan, 302 plan, 309 missing, 202 missing, 302 missing",
    ),
}
SHORT = {None: "missing", "sen_support": "support", "ehc_plan": "plan", "none": "none"}


@pytest.mark.parametrize(("tail", "expected"), VIEWS.values(), ids=VIEWS)
def test_which_rows_a_view_shows_of_a_release_with_symbols(tail: str, expected: str) -> None:
    """Where a withheld figure decides, HAVING keeps the row and ORDER BY puts it last: neither guesses."""
    shown = show_table(release(tail), f"{GROUPED} {tail}")
    assert ", ".join(f"{authority} {SHORT[category]}" for authority, category, *_ in shown.rows) == expected  # type: ignore[index]
    assert set(shown.rows) <= set(release().rows)


def test_a_view_says_which_rows_it_shows_and_can_be_left() -> None:
    def chosen(tail: str) -> str:
        return show_table(release(tail), f"{GROUPED} {tail}").chosen

    assert chosen("") == ""
    assert chosen("ORDER BY n") == "12 rows, in the order of the query's ORDER BY"
    assert chosen("LIMIT 5") == "5 of 12 rows, as the query's LIMIT chooses"
    assert chosen("HAVING n > 110 ORDER BY n LIMIT 3").startswith(
        "3 of 12 rows, as the query's HAVING, ORDER BY and LIMIT"
    )
    whole = show_table(release("LIMIT 5"), f"{GROUPED} LIMIT 5", whole=True)
    assert (whole.rows, whole.total, whole.chosen, whole.has_view) == (release().rows, 12, "", True)
    part = show_table(release("LIMIT 5"), f"{GROUPED} LIMIT 5", part=slice(3, 6))
    assert (part.rows, part.total) == (release().rows[3:5], 5)


def test_totals_sort_after_the_categories_they_add_up() -> None:
    """Ages are numbers and a total is a word, so the two cannot be compared."""
    sql = "SELECT age, COUNT(*) AS n FROM child_year WHERE age IN (15, 16) GROUP BY ROLLUP (age) ORDER BY age DESC"
    table = draw_release(sql, "ukllc", {"202": "30\n20\n50"})
    assert [row[1:] for row in show_table(table, sql).rows] == [(16, 20), (15, 30), ("Total", 50)]
    assert view.TOTAL == plan.TOTAL


def test_a_table_for_a_terminal_has_its_margins_in_brackets() -> None:
    text = show_table(release("HAVING n > 100"), f"{GROUPED} HAVING n > 100").to_text()
    assert text.splitlines()[:3] == [
        "home_authority  sen_provision    n              share",
        "202             none           120 (97 to 146)  0.250 (0.163 to 0.358)",
        "202             missing          c                  c",
    ]
    notes = " ".join(line.strip() for line in text.split("\n\n")[1].splitlines())
    assert "c withheld to protect confidentiality" in " ".join(notes.split())
    assert (
        notes.index("302: no answer came in time (late)")
        < notes.index("Conclusions are tentative")
        < notes.index(release().method)
    )


def test_csv_has_the_ends_of_margins_in_columns_of_their_own_and_never_a_blank() -> None:
    shown = show_table(release(), GROUPED)
    assert shown.to_csv() == release().to_csv()
    heading, *lines = csv.reader(io.StringIO(shown.to_csv(margins=True)))
    assert heading == ["home_authority", "sen_provision", "n", "share", "n_low", "n_high", "share_low", "share_high"]
    assert lines[0] == ["202", "none", "120", "0.250", "97", "146", "0.163", "0.358"]
    assert lines[1] == ["202", "sen_support", "40", "c", *lines[1][4:6], "c", "c"]
    assert lines[4] == ["302", "none", "x", "x", "x", "x", "x", "x"]


def test_a_column_of_a_margin_never_takes_the_name_of_another() -> None:
    sql = "SELECT COUNT(*) AS n, SUM(placements) AS n_low FROM child_year"
    shown = show_table(draw_release(sql, "ukllc", {"202": "100 300"}), sql)
    heading, line = csv.reader(io.StringIO(shown.to_csv(margins=True)))
    assert heading == ["home_authority", "n", "n_low", "n_low_", "n_high", "n_low_low", "n_low_high"]
    assert line == ["202", "100", "300", "81", "122", "z", "z"]


def test_margins_as_json_say_why_there_is_none() -> None:
    margins = show_table(release(), GROUPED).margins_to_json()
    assert margins[0] == {"n": {"low": 97, "high": 146}, "share": {"low": 0.163, "high": 0.358}}
    assert margins[1]["share"] == {"none": "there is no figure"}
    assert len(margins) == len(release().rows)


@pytest.mark.parametrize("sql", ["SELECT COUNT(*) AS n FROM child_year", "SELECT nothing FROM nowhere"])
def test_a_release_that_this_catalogue_does_not_plan_is_shown_whole(sql: str) -> None:
    """Its figures are as good as ever; what cannot be worked out any more is left out, and a note says so."""
    shown = show_table(release("LIMIT 5"), sql, part=slice(0, 2))
    assert (shown.rows, shown.total, shown.notes) == (release().rows[:2], 12, (OF_ANOTHER_CATALOGUE,))
    assert shown.to_text().splitlines()[1].split() == ["202", "none", "120", "0.250"]
    assert shown.to_csv(margins=True).splitlines()[1] == "202,none,120,0.250,z,z,z,z"
