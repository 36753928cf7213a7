"""`circe node check --against`: what changed between two snapshots, in counts, and by which files."""

from node.quality.comparison import Cause, Comparison
from tests.node.quality.conftest import SmallNode

HEADER = "CHILD | SEX\n101 | F\n102 | F\n103 | M"
EPISODES = "CHILD | PLACE\n101 | U6\n102 | U6\n103 | U6"


def test_children_added_removed_and_changed_are_counted(small_node: SmallNode) -> None:
    """103 leaves, 104 comes, 102 moves; 101 stays as it was."""
    first = small_node.load(header=HEADER, episodes=EPISODES)
    small_node.load(
        header="CHILD | SEX\n101 | F\n102 | F\n104 | M", episodes="CHILD | PLACE\n101 | U6\n102 | K2\n104 | U6"
    )
    compared = small_node.tell("check", "--against", first.snapshot)
    child_year = compared["tables"]["child_year"]
    assert (child_year["rows_before"], child_year["rows_after"]) == (3, 3)
    assert (child_year["people_added"], child_year["people_removed"], child_year["people_changed"]) == (1, 1, 1)
    assert (child_year["rows_out"], child_year["rows_in"]) == (2, 2)
    assert {(cause["table"], cause["change"]) for cause in compared["causes"]} == {
        ("header of 202425", "replaced or added to"),
        ("episodes of 202425", "replaced or added to"),
    }


def test_columns_that_a_new_file_fills_are_named_with_the_file(small_node: SmallNode) -> None:
    """Before, no row had an SDQ score; now one of three has."""
    first = small_node.load(header=HEADER, episodes=EPISODES)
    small_node.load(oc2="CHILD | SDQ_SCORE\n101 | 12")
    compared = small_node.tell("check", "--against", first.snapshot)
    change = compared["tables"]["child_year"]["columns"]["sdq_score"]
    assert change == {"missing_before": 1.0, "missing_after": 0.6667}
    assert compared["causes"] == [{"table": "oc2 of 202425", "change": "new", "files": ["oc2.csv"]}]
    text = small_node.say("check", "--against", first.snapshot)
    assert "rows of oc2 of 202425 new by oc2.csv" in text
    assert "sdq_score: missing in 100.0%, now 66.7%" in text
    assert "101" not in text


def test_the_years_that_one_file_tells_of_share_a_line() -> None:
    causes = [Cause(f"giap_ks2 of {year}", "new", ("ks2.csv",)) for year in (202324, 202425)]
    causes.append(Cause("giap_ks2 of 202223", "replaced or added to", ("ks2.csv",)))
    assert Comparison("before", "after", {}, causes).to_text().splitlines()[1:] == [
        "  rows of giap_ks2 of 202324, 202425 new by ks2.csv",
        "  rows of giap_ks2 of 202223 replaced or added to by ks2.csv",
    ]


def test_a_snapshot_beside_itself_has_not_changed(small_node: SmallNode) -> None:
    first = small_node.load(header=HEADER, episodes=EPISODES)
    compared = small_node.tell("check", "--against", first.snapshot)
    assert compared["causes"] == []
    assert all(not table["rows_in"] and not table["columns"] for table in compared["tables"].values())
    assert "no file changed" in small_node.say("check", "--against", first.snapshot)


def test_a_snapshot_that_is_not_here_is_refused(small_node: SmallNode) -> None:
    small_node.load(header=HEADER, episodes=EPISODES)
    assert "never loaded" in small_node.say("check", "--against", "202425-spring-0123456789abcdef", code=2)
