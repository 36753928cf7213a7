"""The readiness score: what is declared is complete, shares are counted, and files are ranked by what they add."""

from node.ingest.formats import load_formats
from node.quality.readiness import Needs, load_needs, rank_files
from query_engine.catalogue import load_catalogue
from tests.node.quality.conftest import SmallNode


def test_the_declaration_names_only_what_there_is() -> None:
    """Columns of the catalogue, input tables that a node reads, and questions about declared columns."""
    needs, known = load_needs(), load_catalogue().table("child_year").columns
    assert set(needs.columns) <= set(known)
    tables = {table for any_of in needs.columns.values() for each in any_of for table in each}
    assert tables | set().union(*needs.files.values()) <= set(load_formats())
    asked = {column for columns in (*needs.factors.values(), *needs.questions.values()) for column in columns}
    assert asked <= set(needs.columns)


def test_every_factor_of_the_paper_is_there_with_every_column_of_it() -> None:
    """Seventeen factors; a column that the catalogue files under one of them is in the score."""
    needs = load_needs()
    assert len(needs.factors) == 17
    for column in load_catalogue().table("child_year").columns.values():
        if column.factor in needs.factors:
            assert column.name in needs.factors[column.factor], column.name


def test_every_column_can_be_filled_by_some_file() -> None:
    """With every file loaded nothing is left to want, and nothing else would help."""
    needs = load_needs()
    everything = frozenset().union(*needs.files.values())
    assert needs.can_fill(needs.columns, everything) == list(needs.columns)
    assert rank_files(needs, everything) == []


def test_files_are_ranked_by_the_factors_they_would_fill() -> None:
    """A file whose factors others fill already, or that needs a table nobody has, comes behind or not at all."""
    needs = Needs(
        columns={
            "a": [frozenset({"one"})],
            "b": [frozenset({"two"})],
            "c": [frozenset({"two"})],
            "d": [frozenset({"three", "four"})],
        },
        factors={"first": ["a"], "second": ["b"], "third": ["c"], "fourth": ["d"]},
        questions={},
        files={"One": frozenset({"one"}), "Two": frozenset({"two"}), "Three": frozenset({"three"})},
    )
    assert [(each.name, each.factors) for each in rank_files(needs, set())] == [
        ("Two", ("second", "third")),
        ("One", ("first",)),
    ]
    assert [each.name for each in rank_files(needs, {"four", "two"})] == ["One", "Three"]


def test_the_score_counts_rows_with_a_value(small_node: SmallNode) -> None:
    """Two children, one with an SDQ score: every row has a time in care, half a score, none an Ofsted grade."""
    small_node.load(header="CHILD\n1\n2", episodes="CHILD\n1\n2", oc2="CHILD | SDQ_SCORE\n1 | 12")
    readiness = small_node.tell("check")["readiness"]
    shares = {factor["name"]: factor["share"] for factor in readiness["factors"]}
    assert shares["time in care"] == 1
    assert shares["SDQ score"] == 0.5
    assert shares["Ofsted rating of school"] == 0
    ready = {question["name"]: question for question in readiness["questions"]}
    assert ready["SDQ scores by number of placements"]["ready"]
    assert ready["Attendance and persistent absence of children in care"]["missing"] == [
        "attendance_rate",
        "persistent_absentee",
    ]
    assert readiness["next"][0]["file"] == "School Census pupil extracts, with the schools' own rows"
    text = small_node.say("check")
    assert "100.0%  time in care" in text
    assert "1. School Census pupil extracts" in text
