"""The readiness score: what is declared is complete, shares are counted, and files are ranked by what they add."""

from dataclasses import replace

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


def test_every_factor_is_told_of_a_group_and_every_group_has_a_factor() -> None:
    needs = load_needs()
    assert needs.told_of.keys() == needs.factors.keys()
    assert set(needs.told_of.values()) == set(needs.groups)


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
        groups={},
        told_of={},
        factors={"first": ["a"], "second": ["b"], "third": ["c"], "fourth": ["d"]},
        questions={},
        files={"One": frozenset({"one"}), "Two": frozenset({"two"}), "Three": frozenset({"three"})},
    )
    assert [(each.name, each.factors) for each in rank_files(needs, set())] == [
        ("Two", ("second", "third")),
        ("One", ("first",)),
    ]
    assert [each.name for each in rank_files(needs, {"four", "two"})] == ["One", "Three"]


def test_a_file_that_helps_only_beside_another_is_named_with_it_once() -> None:
    needs = Needs(
        columns={"a": [frozenset({"roll", "schools"})], "b": [frozenset({"roll"})]},
        groups={},
        told_of={},
        factors={"first": ["a"], "second": ["b"]},
        questions={},
        files={"Register": frozenset({"schools"}), "Census": frozenset({"roll"}), "Other": frozenset({"other"})},
    )
    assert [(each.name, each.beside, each.factors) for each in rank_files(needs, set())] == [
        ("Census", None, ("second",)),
        ("Register", "Census", ("first",)),
    ]
    needs = replace(needs, columns={"a": [frozenset({"roll", "schools"})]}, factors={"first": ["a"]})
    assert [(each.name, each.beside) for each in rank_files(needs, set())] == [("Register", "Census")]


def test_the_score_counts_those_whom_a_factor_is_told_of(small_node: SmallNode) -> None:
    """All looked after have a time in care; half of those asked for a score have one; a leaver is asked for neither."""
    small_node.load(
        header="CHILD | DOB\n1 | 01/01/2010\n2 | 01/01/2010\n3 | 01/01/2023\n4 | 01/01/2005",
        episodes="CHILD | DECOM\n1 | 01/01/2024\n2 | 01/01/2024\n3 | 01/01/2024",
        oc2="CHILD | SDQ_SCORE\n1 | 12",
        oc3="CHILD\n4",
    )
    readiness = small_node.tell("check")["readiness"]
    told_of = {factor["name"]: factor["of"] for factor in readiness["factors"]}
    assert told_of["SDQ score"] == "children aged 4 to 16, in care for a year"
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
    assert "100.0%  time in care, of children looked after" in text
    assert "the files loaded tell of none of them" not in text
    assert "1. School Census pupil extracts" in text


def test_files_that_match_no_child_are_said_to_tell_of_none(small_node: SmallNode) -> None:
    small_node.load(header="CHILD | DOB\n1 | 01/01/2010", episodes="CHILD\n1", spring_pupilonroll="upn\nB801200005001")
    lines = small_node.say("check").splitlines()
    (needs,) = [line for line in lines if "additional needs" in line]
    assert needs.startswith("    0.0%  additional needs")
    assert "the files loaded tell of none of them; no file for sen_primary_need" in needs
