"""Because of whom a sum fails: every name is in the log, whole."""

from hypothesis import given
from hypothesis import strategies as st

from audit.event import MAX_DETAIL_TEXT, Action
from audit.log import read_entries
from hub.sums.culprits import list_names
from tests.hub.sums.played_sums import PlayedSums
from tests.hub.sums.test_attempts_at_the_hub import fail_for_want_of_nodes


@given(st.lists(st.integers(1, 64).map(lambda length: "n" * length), max_size=400))
def test_no_name_is_cut_and_none_is_forgotten(names: list[str]) -> None:
    details = list_names("because_of", names)
    more = int(details.pop("because_of_more", "0"))
    written = [name for line in details.values() for name in line.split()]
    assert written + names[len(names) - more :] == names
    assert all(len(line) <= MAX_DETAIL_TEXT for line in details.values())
    assert len(details) <= 20


def test_four_hundred_names_as_ours_have_room() -> None:
    details = list_names("because_of", [f"node-{number}" for number in range(301, 701)])
    assert "because_of_more" not in details
    assert " ".join(details.values()).split()[-1] == "node-700"


def test_the_log_says_because_of_whom_an_attempt_was_given_up(sums: PlayedSums) -> None:
    fail_for_want_of_nodes(sums, sorted(sums.nodes)[:2])
    (entry,) = read_entries(sums.federation.hub.database.connection, action=Action.SUM_FAILED)
    assert entry.to_event().details["because_of"] == " ".join(sorted(sums.nodes)[2:])
